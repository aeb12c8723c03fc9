/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_alarms.c - alarms of guards; see store.h. They are few: an index by session is cheap. */
#include "store/sqlite_parts.h"

int idem_sqlite_alarm_add(struct idem_store *base, struct idem_store_alarm *a)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = s->stmt[SQL_ALARM_ADD];

    if (a->len > IDEM_STORE_ALARM_MAX)
        return IDEM_ERR_LIMIT;
    sqlite3_bind_int64(st, 1, a->organisation);
    sqlite3_bind_int64(st, 2, a->session);
    sqlite3_bind_int64(st, 3, a->seq);
    sqlite3_bind_int(st, 4, a->action);
    sqlite3_bind_int64(st, 5, a->windows);
    sqlite3_bind_int64(st, 6, a->window_row);
    sqlite3_bind_int64(st, 7, a->received_ms);
    sqlite3_bind_text(st, 8, a->payload, (int)a->len, SQLITE_STATIC);
    int err = idem_sqlite_run(s, SQL_ALARM_ADD);
    if (err == 0)
        a->row = sqlite3_last_insert_rowid(s->db);
    return err;
}

/* What is longer than any alarm is none that can be read; its row still says what it did. */
static void get_alarm(sqlite3_stmt *st, struct idem_store_alarm *a)
{
    a->row = sqlite3_column_int64(st, 0);
    a->organisation = sqlite3_column_int64(st, 1);
    a->session = sqlite3_column_int64(st, 2);
    a->seq = (uint32_t)sqlite3_column_int64(st, 3);
    a->action = (uint8_t)sqlite3_column_int(st, 4);
    a->cleared = sqlite3_column_int(st, 5) != 0;
    a->windows = (uint32_t)sqlite3_column_int64(st, 6);
    a->window_row = sqlite3_column_int64(st, 7);
    a->received_ms = sqlite3_column_int64(st, 8);
    a->payload = (const char *)sqlite3_column_text(st, 9);
    a->len = (size_t)sqlite3_column_bytes(st, 9);
    if (a->payload == NULL || a->len > IDEM_STORE_ALARM_MAX) {
        a->payload = "";
        a->len = 0;
    }
}

int idem_sqlite_alarms(struct idem_store *base, idem_store_alarm_fn *fn, void *arg)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = s->stmt[SQL_ALARMS];
    struct idem_store_alarm a;
    int rc, err = IDEM_OK;

    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        if ((err = idem_sqlite_result(s->db, rc)) == 0) {
            get_alarm(st, &a);
            err = fn(arg, &a);
        }
    }
    sqlite3_reset(st);
    return err;
}

int idem_sqlite_alarms_clear(struct idem_store *base, int64_t session)
{
    sqlite3_bind_int64(idem_sqlite_of(base)->stmt[SQL_ALARMS_CLEAR], 1, session);
    return idem_sqlite_run(idem_sqlite_of(base), SQL_ALARMS_CLEAR);
}
