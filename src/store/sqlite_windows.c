/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_windows.c - the log of windows and the chains within it; see store.h. */
#include "store/sqlite_parts.h"

enum { ROWS_A_MS = 1000 }; /* more in a millisecond go into the next one's */

/*
 * Numbers rise with the time of receipt, which stands beside them anyway, and not by one for each
 * window: else the gaps that a session leaves when it ends would tell, between the rows of those
 * that go on, how many windows it had sent in which minute.
 */
static int64_t next_row(const struct idem_sqlite *s, const struct idem_store_window *w)
{
    const int64_t by_time = w->received_ms > 0 ? w->received_ms * ROWS_A_MS : 0;
    return by_time > s->last_row ? by_time : s->last_row + 1;
}

int idem_sqlite_window_add(struct idem_store *base, struct idem_store_window *w)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = s->stmt[SQL_WINDOW_ADD];
    const int64_t row = next_row(s, w);

    sqlite3_bind_int64(st, 1, row);
    sqlite3_bind_int64(st, 2, w->organisation);
    sqlite3_bind_int64(st, 3, w->session);
    sqlite3_bind_int64(st, 4, w->previous);
    sqlite3_bind_int64(st, 5, w->seq);
    sqlite3_bind_int64(st, 6, w->received_ms);
    idem_sqlite_bind(st, 7, w->payload, w->len);
    int err = idem_sqlite_run(s, SQL_WINDOW_ADD);
    if (err == 0)
        w->row = s->last_row = row;
    return err;
}

static int get_window(sqlite3_stmt *st, struct idem_store_window *w)
{
    w->row = sqlite3_column_int64(st, 0);
    w->organisation = sqlite3_column_int64(st, 1);
    w->session = sqlite3_column_int64(st, 2);
    w->previous = sqlite3_column_int64(st, 3);
    w->seq = (uint32_t)sqlite3_column_int64(st, 4);
    w->received_ms = sqlite3_column_int64(st, 5);
    w->payload = sqlite3_column_blob(st, 6);
    w->len = (size_t)sqlite3_column_bytes(st, 6);
    return w->payload == NULL || w->len > IDEM_STORE_PAYLOAD_MAX ? IDEM_ERR_FORMAT : IDEM_OK;
}

int idem_sqlite_windows(struct idem_store *base, idem_store_window_fn *fn, void *arg)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = s->stmt[SQL_WINDOWS];
    struct idem_store_window w;
    int rc, err = IDEM_OK;

    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        if ((err = idem_sqlite_result(s->db, rc)) == 0 && (err = get_window(st, &w)) == 0)
            err = fn(arg, &w);
    }
    sqlite3_reset(st);
    return err;
}

/* Calls fn with one row, then resets: fn may not keep anything. */
static int one_window(struct idem_sqlite *s, int64_t row, idem_store_window_fn *fn, void *arg,
                      int64_t *previous)
{
    sqlite3_stmt *st = s->stmt[SQL_WINDOW_GET];
    struct idem_store_window w;

    sqlite3_bind_int64(st, 1, row);
    int rc = sqlite3_step(st);
    int err = rc == SQLITE_DONE ? IDEM_ERR_NOT_FOUND : idem_sqlite_result(s->db, rc);
    if (err == 0 && (err = get_window(st, &w)) == 0) {
        if (w.previous >= row)
            err = IDEM_ERR_FORMAT; /* the chain must fall, or it might not end */
        else
            err = fn(arg, &w);
        *previous = w.previous;
    }
    sqlite3_reset(st);
    return err;
}

int idem_sqlite_session_windows(struct idem_store *base, int64_t last, idem_store_window_fn *fn,
                                void *arg)
{
    int err = IDEM_OK;
    while (err == 0 && last != 0)
        err = one_window(idem_sqlite_of(base), last, fn, arg, &last);
    return err;
}

static int drop_nothing(void *arg, const struct idem_store_window *w)
{
    (void)arg;
    (void)w;
    return IDEM_OK;
}

int idem_sqlite_session_windows_drop(struct idem_store *base, int64_t last)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    int err = IDEM_OK;

    while (err == 0 && last != 0) {
        int64_t row = last;
        err = one_window(s, row, drop_nothing, NULL, &last);
        sqlite3_bind_int64(s->stmt[SQL_WINDOW_DROP], 1, row);
        if (err == 0)
            err = idem_sqlite_run(s, SQL_WINDOW_DROP);
    }
    return err;
}

int64_t idem_sqlite_last_row(const struct idem_store *base)
{
    return ((const struct idem_sqlite *)base)->last_row;
}
