/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export.h - an organisation's profiles out of a server's data base, for learning a population.
 * Read-only, and while a server may be running.
 */
#ifndef IDEM_STORE_EXPORT_H
#define IDEM_STORE_EXPORT_H

#include "store/store.h"

/*
 * Calls fn for every profile of the organisation, a person's one after the other, in a fixed order.
 * IDEM_ERR_NOT_FOUND: no such file or organisation; the others as in store.h. *why receives a
 * static sentence on failure.
 */
int idem_store_export_profiles(const char *path, const char *organisation,
                               idem_store_profile_fn *fn, void *arg, const char **why);

#endif
