/* SPDX-License-Identifier: Apache-2.0 */
/*
 * organisations.h - the names of the organisations by their row in the store. They are only ever
 * added, so a name that was found stays. Any thread reads; the worker adds.
 */
#ifndef IDEM_SERVER_ORGANISATIONS_H
#define IDEM_SERVER_ORGANISATIONS_H

#include "store/store.h"

enum { IDEM_ORGANISATIONS_MAX = 1024 };

struct idem_organisations;

/* Reads what the store holds. */
int idem_organisations_new(struct idem_store *store, struct idem_organisations **out);
void idem_organisations_free(struct idem_organisations *o);

/* "" when there is none of that row; o may be NULL. */
const char *idem_organisations_name(const struct idem_organisations *o, int64_t row);
/* 0 when there is none of that name. */
int64_t idem_organisations_row(const struct idem_organisations *o, const char *name);
uint32_t idem_organisations_count(const struct idem_organisations *o);
/* at: 0..count - 1 */
int64_t idem_organisations_at(const struct idem_organisations *o, uint32_t at);

/* [a-z0-9-]{1,64}, as it goes into pseudonyms. */
bool idem_organisation_good(const char *name);
/* One that has just become durable. IDEM_ERR_LIMIT. */
int idem_organisations_add(struct idem_organisations *o, int64_t row, const char *name);

#endif
