/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_log.c - what lies in the write-ahead log is on the disk before anybody relies on it.
 *
 * A process that was killed may have written a commit and not synchronised it. Its successor reads
 * it from the kernel's memory and takes it for committed; it would acknowledge a repeat of it
 * without writing anything, and append to it. If the power went then, it and all after it would be
 * gone. After a synchronisation that failed, Linux even takes for written what is not on the disk,
 * and no later synchronisation brings it there (DESIGN: nothing is acknowledged before it is
 * durable). So the log is written over with its own bytes, which makes the kernel owe them to the
 * disk again, and synchronised.
 *
 * The same can befall the data base itself when the log is folded back into it. While somebody
 * reads, SQLite folds back what is older than his reading, notes that as done, and synchronises
 * only with the rest. If that synchronisation fails, what was noted as done is on no disk, will not
 * be written again, and the log, the only copy, may be overwritten after the next success. So after
 * a folding that failed the data base is written over with itself, and synchronised, before
 * anything more is folded back.
 *
 * Cases: no log, or an empty one; a log of any length; somebody else at the data base (the write
 * lock is held meanwhile, or the one for folding back); a disk that fails, and goes on failing.
 */
#include "store/sqlite_parts.h"

enum {
    PIECE = 64 * 1024,
    FOLD_LOCK = 1, /* WAL_CKPT_LOCK of the format's description: who holds it folds back */
};

/* Writes a file over with its own bytes. */
static int rewrite(sqlite3_file *file, sqlite3_int64 len)
{
    static _Thread_local uint8_t piece[PIECE];
    int rc = SQLITE_OK;

    for (sqlite3_int64 at = 0; at < len && rc == SQLITE_OK; at += PIECE) {
        const int n = len - at < PIECE ? (int)(len - at) : PIECE;
        rc = file->pMethods->xRead(file, piece, n, at);
        if (rc == SQLITE_OK)
            rc = file->pMethods->xWrite(file, piece, n, at);
    }
    return rc;
}

static int settle(sqlite3_file *file)
{
    sqlite3_int64 len = 0;
    int rc = file->pMethods->xFileSize(file, &len);

    if (rc == SQLITE_OK && len > 0)
        rc = rewrite(file, len);
    if (rc == SQLITE_OK && len > 0)
        rc = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
    return rc;
}

static int settle_log(sqlite3 *db)
{
    sqlite3_file *log = NULL;
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);

    return rc != SQLITE_OK || log == NULL || log->pMethods == NULL ? rc : settle(log);
}

int idem_sqlite_settle_log(sqlite3 *db)
{
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL); /* reads the log first */
    if (rc != SQLITE_OK)
        return rc;
    rc = settle_log(db);
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* ------------------------------------------------------------------ folding back */

/* Nobody else may fold back meanwhile: he would write newer pages under us. */
static int settle_database(sqlite3 *db)
{
    sqlite3_file *file = NULL;
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

    if (rc != SQLITE_OK || file == NULL || file->pMethods == NULL || file->pMethods->iVersion < 2)
        return rc != SQLITE_OK ? rc : SQLITE_MISUSE;
    rc = file->pMethods->xShmLock(file, FOLD_LOCK, 1, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE);
    if (rc != SQLITE_OK)
        return rc;
    rc = settle(file);
    file->pMethods->xShmLock(file, FOLD_LOCK, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
    return rc;
}

int idem_sqlite_fold(sqlite3 *db, int mode, bool *unsure)
{
    int rc = *unsure ? settle_database(db) : SQLITE_OK;

    if (rc != SQLITE_OK)
        return rc;
    *unsure = false;
    rc = sqlite3_wal_checkpoint_v2(db, NULL, mode, NULL, NULL);
    *unsure = rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY && (rc & 0xff) != SQLITE_LOCKED;
    return rc;
}

void idem_sqlite_close_unsure(sqlite3 *db, bool unsure)
{
    if (unsure) /* whoever opens it next folds all of the log back */
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(db);
}
