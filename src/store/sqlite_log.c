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
 * Cases: no log, or an empty one; a log of any length; somebody else at the data base (the write
 * lock is held meanwhile); a disk that fails.
 */
#include "store/sqlite_parts.h"

enum { PIECE = 64 * 1024 };

static int rewrite(sqlite3_file *log, sqlite3_int64 len)
{
    static _Thread_local uint8_t piece[PIECE];
    int rc = SQLITE_OK;

    for (sqlite3_int64 at = 0; at < len && rc == SQLITE_OK; at += PIECE) {
        const int n = len - at < PIECE ? (int)(len - at) : PIECE;
        rc = log->pMethods->xRead(log, piece, n, at);
        if (rc == SQLITE_OK)
            rc = log->pMethods->xWrite(log, piece, n, at);
    }
    return rc;
}

static int settle(sqlite3 *db)
{
    sqlite3_file *log = NULL;
    sqlite3_int64 len = 0;

    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (rc != SQLITE_OK || log == NULL || log->pMethods == NULL)
        return rc;
    rc = log->pMethods->xFileSize(log, &len);
    if (rc == SQLITE_OK && len > 0)
        rc = rewrite(log, len);
    if (rc == SQLITE_OK && len > 0)
        rc = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
    return rc;
}

int idem_sqlite_settle_log(sqlite3 *db)
{
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL); /* reads the log first */
    if (rc != SQLITE_OK)
        return rc;
    rc = settle(db);
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
