/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_acknowledgements.c - see acknowledgements.h. */
#include "store/acknowledgements.h"

#include "store/sqlite_parts.h"

#include <stdio.h>
#include <string.h>

static sqlite3_stmt *of_person(struct idem_store *base, enum idem_statement which,
                               int64_t organisation, const uint8_t *person)
{
    sqlite3_stmt *st = idem_sqlite_of(base)->stmt[which];
    sqlite3_bind_int64(st, 1, organisation);
    idem_sqlite_bind(st, 2, person, IDEM_ID_BYTES);
    return st;
}

static int put(struct idem_store *base, int64_t organisation, const uint8_t *person,
               const struct idem_store_acknowledgement *a)
{
    sqlite3_stmt *st = of_person(base, SQL_ACKNOWLEDGEMENT_PUT, organisation, person);
    sqlite3_bind_text(st, 3, a->version, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 4, a->country, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 5, a->hour_ms - a->hour_ms % IDEM_HOUR_MS);
    idem_sqlite_bind(st, 6, a->asked, sizeof a->asked);
    return idem_sqlite_run(idem_sqlite_of(base), SQL_ACKNOWLEDGEMENT_PUT);
}

static int take(sqlite3_stmt *st, struct idem_store_acknowledgement *a)
{
    const char *version = (const char *)sqlite3_column_text(st, 0);
    const char *country = (const char *)sqlite3_column_text(st, 1);

    if (version == NULL || country == NULL || strlen(version) >= sizeof a->version ||
        strlen(country) >= sizeof a->country)
        return IDEM_ERR_FORMAT;
    snprintf(a->version, sizeof a->version, "%s", version);
    snprintf(a->country, sizeof a->country, "%s", country);
    a->hour_ms = sqlite3_column_int64(st, 2);
    return idem_sqlite_blob(st, 3, a->asked, sizeof a->asked);
}

static int get(struct idem_store *base, int64_t organisation, const uint8_t *person,
               struct idem_store_acknowledgement *a)
{
    sqlite3_stmt *st = of_person(base, SQL_ACKNOWLEDGEMENT_GET, organisation, person);
    int rc = sqlite3_step(st);
    int err =
        rc == SQLITE_DONE ? IDEM_ERR_NOT_FOUND : idem_sqlite_result(idem_sqlite_of(base)->db, rc);
    if (err == 0)
        err = take(st, a);
    sqlite3_reset(st);
    return err;
}

static int withdraw(struct idem_store *base, int64_t organisation, const uint8_t *person)
{
    of_person(base, SQL_ACKNOWLEDGEMENT_DROP, organisation, person);
    return idem_sqlite_run(idem_sqlite_of(base), SQL_ACKNOWLEDGEMENT_DROP);
}

const struct idem_store_acknowledgement_ops idem_sqlite_acknowledgement_ops = {
    .put = put,
    .get = get,
    .withdraw = withdraw,
};
