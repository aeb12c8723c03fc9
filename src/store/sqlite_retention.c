/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_retention.c - see retention.h. Statements are made when they are needed: once an hour.
 * Alarms and bindings go with their sessions (schema.h), seats that were only named with the last.
 */
#include "store/retention.h"

#include "store/sqlite_parts.h"

/* clang-format off */
static const char
    sessions[] = "DELETE FROM sessions WHERE closed_ms < ?1",
    /* There is no index by session: a bounded number of rows, which are the oldest. */
    windows[] = "DELETE FROM windows WHERE row IN (SELECT row FROM (SELECT row, session, received_ms"
        " FROM windows ORDER BY row LIMIT ?2) WHERE received_ms < ?1 AND session NOT IN"
        " (SELECT row FROM sessions WHERE closed_ms IS NULL))",
    invitations[] = "DELETE FROM invitations WHERE expires_ms < ?1 OR used_ms IS NOT NULL";
/* clang-format on */

static int remove_rows(struct idem_sqlite *s, const char *sql, int64_t before_ms, int64_t most,
                       int64_t *count)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(st, 1, before_ms);
        if (sqlite3_bind_parameter_count(st) > 1)
            sqlite3_bind_int64(st, 2, most > 0 ? most : -1);
        rc = sqlite3_step(st);
    }
    int err = idem_sqlite_result(s->db, rc);
    if (err == 0)
        *count = sqlite3_changes64(s->db);
    sqlite3_finalize(st);
    return err;
}

static int expire(struct idem_store *base, const struct idem_store_limits *l,
                  struct idem_store_removed *removed)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    struct idem_store_removed r = {0};
    int err = remove_rows(s, sessions, l->sessions_ms, 0, &r.sessions);

    if (err == 0)
        err = idem_sqlite_seats_forget(s->db);
    if (err == 0)
        err = remove_rows(s, windows, l->windows_ms, l->windows_max, &r.windows);
    if (err == 0)
        err = remove_rows(s, invitations, l->now_ms, 0, &r.invitations);
    if (err == 0)
        *removed = r;
    return err;
}

static int tidy(struct idem_store *base)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    int rc = sqlite3_exec(s->db, "PRAGMA incremental_vacuum(4096)", NULL, NULL, NULL);

    if (rc == SQLITE_OK)
        rc = idem_sqlite_fold(s->db, SQLITE_CHECKPOINT_TRUNCATE, &s->unsure);
    return (rc & 0xff) == SQLITE_BUSY ? IDEM_OK : idem_sqlite_result(s->db, rc);
}

const struct idem_store_retention_ops idem_sqlite_retention_ops = {
    .expire = expire,
    .tidy = tidy,
};
