/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_close.c - what a backup leaves out of its copy; see backup.h. Windows of open sessions
 * tell with the time of each how much somebody did when, and a copy outlives the session by far: so
 * the copy's sessions end as the server's do, and what is deleted is not left in the file. Opening
 * the copy brings an older schema up to date, as restoring would.
 */
#include "store/backup.h"

#include "store/bindings.h"
#include "store/sqlite_parts.h"

#include <stdlib.h>

struct rows {
    int64_t *row;
    size_t count, room;
};

static int note_row(void *arg, const struct idem_store_session *session)
{
    struct rows *rows = arg;

    if (rows->count == rows->room) {
        const size_t room = rows->room > 0 ? 2 * rows->room : 256;
        int64_t *more = realloc(rows->row, room * sizeof *more);
        if (more == NULL)
            return IDEM_ERR_NOMEM;
        rows->row = more;
        rows->room = room;
    }
    rows->row[rows->count++] = session->row;
    return IDEM_OK;
}

static int run(struct idem_store *store, const char *sql)
{
    sqlite3 *db = idem_sqlite_of(store)->db;
    return idem_sqlite_result(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static int close_sessions(struct idem_store *store, const struct rows *rows, int64_t now_ms)
{
    int err = store->ops->begin(store);

    for (size_t i = 0; i < rows->count && err == 0; i++) {
        err = store->bindings->end(store, rows->row[i]);
        if (err == 0)
            err = store->ops->session_close(store, rows->row[i], now_ms);
    }
    if (err == 0)
        err = run(store, "DELETE FROM windows");
    if (err == 0)
        err = store->ops->commit(store);
    if (err != 0)
        store->ops->rollback(store);
    return err;
}

/* Deleted rows are overwritten where they stood, then their pages go, then the log. */
static int leave_nothing(struct idem_store *store)
{
    struct idem_sqlite *s = idem_sqlite_of(store);
    int err =
        idem_sqlite_result(s->db, idem_sqlite_fold(s->db, SQLITE_CHECKPOINT_TRUNCATE, &s->unsure));

    if (err == 0)
        err = run(store, "VACUUM");
    return err != 0 ? err : run(store, "PRAGMA journal_mode = DELETE");
}

int idem_backup_close_sessions(const char *path, int64_t now_ms, char why[IDEM_WHY_MAX])
{
    struct idem_store *store;
    struct rows open = {0};
    const char *reason = "";
    int err = idem_store_sqlite_open(path, &store, &reason);

    if (err != 0)
        return idem_why(why, err, "%s: %s", path, reason);
    err = store->ops->sessions_open(store, note_row, &open);
    if (err == 0)
        err = close_sessions(store, &open, now_ms);
    if (err == 0)
        err = leave_nothing(store);
    if (err != 0)
        idem_why(why, err, "%s: its sessions cannot be closed: %s", path,
                 sqlite3_errmsg(idem_sqlite_of(store)->db));
    free(open.row);
    store->ops->close(store);
    return err != 0 ? err : idem_file_sync(path);
}
