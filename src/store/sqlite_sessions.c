/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_sessions.c - seats and sessions; see store.h. */
#include "store/sqlite_parts.h"

#include <string.h>

int idem_sqlite_session_add(struct idem_store *base, struct idem_store_session *x)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *seat = s->stmt[SQL_SEAT_ADD], *st = s->stmt[SQL_SESSION_ADD];

    sqlite3_bind_int64(seat, 1, x->organisation);
    sqlite3_bind_text(seat, 2, x->seat, -1, SQLITE_STATIC);
    sqlite3_bind_text(seat, 3, x->site, -1, SQLITE_STATIC);
    sqlite3_bind_text(seat, 4, x->country, -1, SQLITE_STATIC);
    int err = idem_sqlite_run(s, SQL_SEAT_ADD);
    if (err != 0)
        return err;
    sqlite3_bind_int64(st, 1, x->organisation);
    idem_sqlite_bind(st, 2, x->id, IDEM_ID_BYTES);
    idem_sqlite_bind(st, 3, x->person, IDEM_ID_BYTES);
    sqlite3_bind_text(st, 4, x->seat, -1, SQLITE_STATIC);
    sqlite3_bind_int(st, 5, x->device_class);
    idem_sqlite_bind(st, 6, x->token_hash, IDEM_HASH_BYTES);
    sqlite3_bind_int(st, 7, x->test_clock);
    sqlite3_bind_int64(st, 8, x->opened_ms);
    sqlite3_bind_int(st, 9, x->kind);
    sqlite3_bind_int(st, 10, x->start);
    if (x->has_nonce)
        idem_sqlite_bind(st, 11, x->nonce, sizeof x->nonce);
    else
        sqlite3_bind_null(st, 11);
    sqlite3_bind_int64(st, 12, x->token_expires_ms);
    sqlite3_bind_int64(st, 13, x->api_key);
    err = idem_sqlite_run(s, SQL_SESSION_ADD);
    if (err == 0)
        x->row = sqlite3_last_insert_rowid(s->db);
    return err;
}

int idem_sqlite_session_lock(struct idem_store *base, int64_t row, bool locked, int64_t unlock_row)
{
    sqlite3_stmt *st = idem_sqlite_of(base)->stmt[SQL_SESSION_LOCK];
    sqlite3_bind_int64(st, 1, row);
    sqlite3_bind_int(st, 2, locked);
    sqlite3_bind_int64(st, 3, unlock_row);
    return idem_sqlite_run(idem_sqlite_of(base), SQL_SESSION_LOCK);
}

int idem_sqlite_session_start(struct idem_store *base, int64_t row, uint8_t start,
                              int64_t start_row)
{
    sqlite3_stmt *st = idem_sqlite_of(base)->stmt[SQL_SESSION_START];
    sqlite3_bind_int64(st, 1, row);
    sqlite3_bind_int(st, 2, start);
    sqlite3_bind_int64(st, 3, start_row);
    return idem_sqlite_run(idem_sqlite_of(base), SQL_SESSION_START);
}

int idem_sqlite_session_decided(struct idem_store *base, int64_t row, int64_t decided_row)
{
    sqlite3_stmt *st = idem_sqlite_of(base)->stmt[SQL_SESSION_DECIDED];
    sqlite3_bind_int64(st, 1, row);
    sqlite3_bind_int64(st, 2, decided_row);
    return idem_sqlite_run(idem_sqlite_of(base), SQL_SESSION_DECIDED);
}

int idem_sqlite_session_close(struct idem_store *base, int64_t row, int64_t closed_ms)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_bind_int64(s->stmt[SQL_ALARMS_ROUND], 1, row);
    int err = idem_sqlite_run(s, SQL_ALARMS_ROUND);
    if (err != 0)
        return err;
    sqlite3_bind_int64(s->stmt[SQL_SESSION_CLOSE], 1, row);
    sqlite3_bind_int64(s->stmt[SQL_SESSION_CLOSE], 2, closed_ms);
    err = idem_sqlite_run(s, SQL_SESSION_CLOSE);
    if (err != 0)
        return err;
    sqlite3_bind_int64(s->stmt[SQL_SESSION_SETTLE], 1, row);
    return idem_sqlite_run(s, SQL_SESSION_SETTLE);
}

static int get_text(sqlite3_stmt *st, int at, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(st, at);
    if (text == NULL || strlen(text) >= size)
        return IDEM_ERR_FORMAT;
    memcpy(out, text, strlen(text) + 1);
    return IDEM_OK;
}

/* How it began, and where it stands in the policy's groups. */
static int get_opening(sqlite3_stmt *st, struct idem_store_session *x)
{
    int err = IDEM_OK;

    x->kind = (uint8_t)sqlite3_column_int(st, 11);
    x->start = (uint8_t)sqlite3_column_int(st, 12);
    x->has_nonce = sqlite3_column_type(st, 13) != SQLITE_NULL;
    if (x->has_nonce)
        err = idem_sqlite_blob(st, 13, x->nonce, sizeof x->nonce);
    x->token_expires_ms = sqlite3_column_int64(st, 14);
    x->api_key = sqlite3_column_int64(st, 15);
    x->start_row = sqlite3_column_int64(st, 19);
    x->decided_row = sqlite3_column_int64(st, 20);
    x->seat_row = sqlite3_column_int64(st, 21);
    x->renewals = (uint32_t)sqlite3_column_int64(st, 22);
    x->doubts = (unsigned)sqlite3_column_int(st, 23);
    x->paused_from_ms = sqlite3_column_int64(st, 24);
    x->paused_until_ms = sqlite3_column_int64(st, 25);
    x->pause_row = sqlite3_column_int64(st, 26);
    (void)(err != 0 || (err = get_text(st, 16, x->site, sizeof x->site)) != 0 ||
           (err = get_text(st, 17, x->country, sizeof x->country)) != 0 ||
           (err = get_text(st, 18, x->job, sizeof x->job)) != 0);
    return err;
}

static int get_session(sqlite3_stmt *st, struct idem_store_session *x)
{
    int err;

    memset(x, 0, sizeof *x);
    x->row = sqlite3_column_int64(st, 0);
    x->organisation = sqlite3_column_int64(st, 1);
    if ((err = idem_sqlite_blob(st, 2, x->id, sizeof x->id)) != 0 ||
        (err = idem_sqlite_blob(st, 3, x->person, sizeof x->person)) != 0 ||
        (err = idem_sqlite_blob(st, 6, x->token_hash, sizeof x->token_hash)) != 0 ||
        (err = get_text(st, 4, x->seat, sizeof x->seat)) != 0)
        return err;
    x->device_class = (uint8_t)sqlite3_column_int(st, 5);
    x->test_clock = sqlite3_column_int(st, 7) != 0;
    x->locked = sqlite3_column_int(st, 8) != 0;
    x->opened_ms = sqlite3_column_int64(st, 9);
    x->unlock_row = sqlite3_column_int64(st, 10);
    return get_opening(st, x);
}

int idem_sqlite_sessions_open(struct idem_store *base, idem_store_session_fn *fn, void *arg)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = s->stmt[SQL_SESSIONS_OPEN];
    struct idem_store_session session;
    int rc, err = IDEM_OK;

    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        if ((err = idem_sqlite_result(s->db, rc)) == 0 && (err = get_session(st, &session)) == 0)
            err = fn(arg, &session);
    }
    sqlite3_reset(st);
    return err;
}
