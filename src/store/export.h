/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export.h - an organisation's profiles out of a server's data base, for learning a population, and
 * the note of whose they were. While a server may be running.
 *
 * Profiles are opened with the keys in keys.db beside the data base; who has no key there (any
 * more) is left out. A population file holds sums over its people and nobody's id. So the data base
 * notes under the file's hash which keys belonged to them (its table members): when one of them is
 * erased the server says that the population has to be learned anew.
 */
#ifndef IDEM_STORE_EXPORT_H
#define IDEM_STORE_EXPORT_H

#include "store/store.h"

enum { IDEM_POPULATION_HASH = 32 };

/* key_id: of the person's key; NULL in a data base of a version that had none. */
typedef int idem_store_export_fn(void *arg, const struct idem_store_profile *profile,
                                 const uint8_t *key_id);

/*
 * Calls fn for every profile of the organisation, a person's one after the other, in a fixed order.
 * *skipped: profiles of people without a key. IDEM_ERR_NOT_FOUND: no such file or organisation; the
 * others as in store.h. *why receives a static sentence on failure.
 */
int idem_store_export_profiles(const char *path, const char *organisation, idem_store_export_fn *fn,
                               void *arg, uint32_t *skipped, const char **why);

/* BLAKE2b of a population file. */
void idem_population_hash(const void *bytes, size_t len, uint8_t hash[IDEM_POPULATION_HASH]);
/* key_ids: count of IDEM_ID_BYTES each; some may be the same. */
int idem_store_members_add(const char *path, const uint8_t hash[IDEM_POPULATION_HASH],
                           const uint8_t *key_ids, size_t count, const char **why);

#endif
