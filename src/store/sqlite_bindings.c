/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_bindings.c - cookies and their sessions; see bindings.h. */
#include "store/bindings.h"

#include "store/sqlite_parts.h"

static int put(struct idem_store *base, const struct idem_store_binding *b)
{
    sqlite3_stmt *st = idem_sqlite_of(base)->stmt[SQL_BINDING_PUT];

    sqlite3_bind_int64(st, 1, b->organisation);
    idem_sqlite_bind(st, 2, b->cookie, sizeof b->cookie);
    sqlite3_bind_int64(st, 3, b->session);
    sqlite3_bind_int64(st, 4, b->at_ms - b->at_ms % IDEM_HOUR_MS);
    sqlite3_bind_int64(st, 5, b->api_key);
    if (b->has_client)
        idem_sqlite_bind(st, 6, b->client, sizeof b->client);
    else
        sqlite3_bind_null(st, 6);
    return idem_sqlite_run(idem_sqlite_of(base), SQL_BINDING_PUT);
}

static int drop(struct idem_store *base, int64_t organisation,
                const uint8_t cookie[IDEM_HASH_BYTES])
{
    sqlite3_stmt *st = idem_sqlite_of(base)->stmt[SQL_BINDING_DROP];

    sqlite3_bind_int64(st, 1, organisation);
    idem_sqlite_bind(st, 2, cookie, IDEM_HASH_BYTES);
    return idem_sqlite_run(idem_sqlite_of(base), SQL_BINDING_DROP);
}

static int end(struct idem_store *base, int64_t session)
{
    sqlite3_bind_int64(idem_sqlite_of(base)->stmt[SQL_BINDINGS_END], 1, session);
    return idem_sqlite_run(idem_sqlite_of(base), SQL_BINDINGS_END);
}

static int end_key(struct idem_store *base, int64_t api_key)
{
    sqlite3_bind_int64(idem_sqlite_of(base)->stmt[SQL_BINDINGS_END_KEY], 1, api_key);
    return idem_sqlite_run(idem_sqlite_of(base), SQL_BINDINGS_END_KEY);
}

static int give(sqlite3_stmt *st, idem_store_binding_fn *fn, void *arg)
{
    struct idem_store_binding b = {
        .organisation = sqlite3_column_int64(st, 0),
        .session = sqlite3_column_int64(st, 2),
        .at_ms = sqlite3_column_int64(st, 3),
        .api_key = sqlite3_column_int64(st, 4),
        .has_client = sqlite3_column_type(st, 5) != SQLITE_NULL,
    };
    int err = idem_sqlite_blob(st, 1, b.cookie, sizeof b.cookie);
    if (err == 0 && b.has_client)
        err = idem_sqlite_blob(st, 5, b.client, sizeof b.client);
    return err != 0 ? err : fn(arg, &b);
}

static int each(struct idem_store *base, idem_store_binding_fn *fn, void *arg)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = s->stmt[SQL_BINDINGS];
    int rc, err = IDEM_OK;

    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        err = idem_sqlite_result(s->db, rc);
        if (err == 0)
            err = give(st, fn, arg);
    }
    sqlite3_reset(st);
    return err;
}

static int trim(struct idem_store *base, int64_t keep, int64_t *dropped)
{
    struct idem_sqlite *s = idem_sqlite_of(base);

    sqlite3_bind_int64(s->stmt[SQL_BINDINGS_TRIM], 1, keep);
    int err = idem_sqlite_run(s, SQL_BINDINGS_TRIM);
    if (err == 0)
        *dropped = sqlite3_changes64(s->db);
    return err;
}

const struct idem_store_binding_ops idem_sqlite_binding_ops = {put, drop, end, end_key, each, trim};
