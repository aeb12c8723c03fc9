/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retired.h - hashes of tokens that have been replaced, so that one that turns up again is known
 * for whose it was: somebody has kept it. The newest IDEM_TOKENS_RETIRED; not for several threads.
 */
#ifndef IDEM_SERVER_RETIRED_H
#define IDEM_SERVER_RETIRED_H

#include "store/store.h"

struct idem_retired;

int idem_retired_new(struct idem_retired **out);
void idem_retired_free(struct idem_retired *r);
void idem_retired_add(struct idem_retired *r, const uint8_t hash[IDEM_HASH_BYTES],
                      const uint8_t session[IDEM_ID_BYTES], int64_t organisation, int32_t slot);
bool idem_retired_find(const struct idem_retired *r, const uint8_t hash[IDEM_HASH_BYTES],
                       uint8_t session[IDEM_ID_BYTES], int64_t *organisation, int32_t *slot);

#endif
