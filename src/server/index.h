/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.h - from random keys of fixed length (ids, token hashes) to slot numbers. Open addressing
 * of fixed capacity; the keys are random or keyed hashes, so their own bytes place them. Not for
 * keys that a peer can choose, and not for several threads.
 */
#ifndef IDEM_SERVER_INDEX_H
#define IDEM_SERVER_INDEX_H

#include "idem/idem.h"

enum { IDEM_INDEX_KEY_MAX = 32, IDEM_INDEX_NONE = -1 };

struct idem_index;

/* key_len: 8..32; max: entries it can hold. */
int idem_index_new(size_t key_len, uint32_t max, struct idem_index **out);
void idem_index_free(struct idem_index *index);
/* The slot, or IDEM_INDEX_NONE. Compares in constant time. */
int32_t idem_index_find(const struct idem_index *index, const uint8_t *key);
/* The key must not be there. IDEM_ERR_LIMIT when full. */
int idem_index_add(struct idem_index *index, const uint8_t *key, int32_t slot);
void idem_index_remove(struct idem_index *index, const uint8_t *key);

#endif
