/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup.c - see backup.h. Each data base is copied in one go within one reading transaction of a
 * write-ahead log: who writes meanwhile does not wait, and what he writes is not in the copy.
 */
#include "store/backup.h"

#include "store/ledger.h"
#include "store/sqlite_parts.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 10000, DATABASES = 2 };

static const char *const databases[DATABASES] = {"gate.db", "idem.db"};
static const char *const log_names[IDEM_BACKUP_LOGS_MAX] = {"audit", "audit_seats", "gate"};

/* ------------------------------------------------------------------ a data base */

/* From here on it is read as it is now. NULL in *out: there is none. */
static int begin_reading(const char *data, const char *name, sqlite3 **out, char why[IDEM_WHY_MAX])
{
    char path[PATH_MAX];
    sqlite3 *db = NULL;
    int err = idem_path(path, sizeof path, data, name);

    *out = NULL;
    if (err != 0 || (access(path, F_OK) != 0 && strcmp(name, "gate.db") == 0))
        return err;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(db, BUSY_MS);
        rc = sqlite3_exec(db, "BEGIN; SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
    }
    if (rc != SQLITE_OK) {
        err = idem_why(why, IDEM_ERR_IO, "%s: %s", path,
                       db != NULL ? sqlite3_errmsg(db) : "cannot be opened");
        sqlite3_close(db);
        return err;
    }
    *out = db;
    return IDEM_OK;
}

/* Into a file without a log of its own, on the disk when this returns. */
static int copy_pages(sqlite3 *from, const char *path)
{
    sqlite3 *to = NULL;
    sqlite3_backup *copy;
    int rc = sqlite3_open_v2(
        path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_exec(to, "PRAGMA synchronous = OFF", NULL, NULL, NULL); /* synced below */
    copy = rc == SQLITE_OK ? sqlite3_backup_init(to, "main", from, "main") : NULL;
    if (copy != NULL) {
        rc = sqlite3_backup_step(copy, -1);
        rc = sqlite3_backup_finish(copy) != SQLITE_OK && rc == SQLITE_DONE ? SQLITE_IOERR : rc;
    }
    if (rc == SQLITE_DONE)
        rc = sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    int err = copy == NULL || rc != SQLITE_OK ? IDEM_ERR_IO : IDEM_OK;
    sqlite3_close(to);
    return err != 0 ? err : idem_file_sync(path);
}

/* The log's last line; none when there is no such log. */
static void note_log(sqlite3 *db, const char *name, struct idem_backup_report *report)
{
    struct idem_backup_log *log = &report->logs[report->log_count];
    sqlite3_stmt *st = NULL;
    char sql[96];

    snprintf(sql, sizeof sql, "SELECT seq, hash FROM \"%s\" ORDER BY seq DESC LIMIT 1", name);
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW &&
        sqlite3_column_bytes(st, 1) == 32) {
        snprintf(log->name, sizeof log->name, "%s", name);
        log->seq = sqlite3_column_int64(st, 0);
        sodium_bin2hex(log->hash, sizeof log->hash, sqlite3_column_blob(st, 1), 32);
        report->log_count++;
    }
    sqlite3_finalize(st);
}

static int copy_database(sqlite3 *db, const char *out, const char *name, int64_t now_ms,
                         struct idem_backup_report *report, char why[IDEM_WHY_MAX])
{
    char path[PATH_MAX];
    int err = idem_path(path, sizeof path, out, name);

    if (err == 0)
        err = idem_file_write(path, "", 0); /* with the mode that the copy is to have */
    if (err == 0)
        err = copy_pages(db, path);
    if (err != 0)
        return idem_why(why, err, "%s: cannot be written: %s", path, sqlite3_errmsg(db));
    if (strcmp(name, "idem.db") == 0 && (err = idem_backup_close_sessions(path, now_ms, why)) != 0)
        return err;
    for (int i = 0; i < IDEM_BACKUP_LOGS_MAX; i++)
        note_log(db, log_names[i], report);
    return IDEM_OK;
}

static int copy_databases(const char *data, const char *out, int64_t now_ms,
                          struct idem_backup_report *report, char why[IDEM_WHY_MAX])
{
    sqlite3 *db[DATABASES] = {NULL};
    int err = IDEM_OK;

    for (int i = 0; i < DATABASES && err == 0; i++)
        err = begin_reading(data, databases[i], &db[i], why);
    for (int i = 0; i < DATABASES && err == 0; i++)
        if (db[i] != NULL)
            err = copy_database(db[i], out, databases[i], now_ms, report, why);
    for (int i = 0; i < DATABASES; i++)
        sqlite3_close(db[i]);
    return err;
}

/* ------------------------------------------------------------------ the rest */

/* A line that is being appended is not in the copy: a reader cuts it off. */
static int copy_plain(const char *data, const char *out, const char *name, char why[IDEM_WHY_MAX])
{
    char from[PATH_MAX], to[PATH_MAX];
    int err = idem_path(from, sizeof from, data, name);

    if (err == 0)
        err = idem_path(to, sizeof to, out, name);
    if (err == 0)
        err = idem_file_copy(from, to);
    if (err == IDEM_ERR_NOT_FOUND)
        return IDEM_OK;
    return err != 0 ? idem_why(why, err, "%s: cannot be copied", from) : IDEM_OK;
}

static int note_file(const char *dir, const char *name, struct idem_backup_report *report)
{
    struct idem_backup_file *f = &report->files[report->file_count];
    char path[PATH_MAX];
    int err = idem_path(path, sizeof path, dir, name);

    if (err == 0)
        err = idem_file_sha256(path, f->sha256, &f->bytes);
    if (err == 0) {
        snprintf(f->name, sizeof f->name, "%s", name);
        report->file_count++;
    }
    return err == IDEM_ERR_NOT_FOUND ? IDEM_OK : err;
}

int idem_backup_make(const char *data, const char *out, const char *version, int64_t now_ms,
                     struct idem_backup_report *report, char why[IDEM_WHY_MAX])
{
    static const char *const all[IDEM_BACKUP_FILES_MAX] = {"idem.db", "gate.db", "erasures.log",
                                                           "audit.pub"};
    struct idem_backup_report made = {.made_ms = now_ms - now_ms % IDEM_HOUR_MS};
    int err = idem_directory_new(out, why);

    /* The ledger last: whoever is erased meanwhile is in it, if not in the data base. */
    if (err != 0 || (err = copy_databases(data, out, now_ms, &made, why)) != 0 ||
        (err = copy_plain(data, out, "erasures.log", why)) != 0 ||
        (err = copy_plain(data, out, "audit.pub", why)) != 0)
        return err;
    for (int i = 0; i < IDEM_BACKUP_FILES_MAX && err == 0; i++)
        err = note_file(out, all[i], &made);
    if (err == 0)
        err = idem_manifest_write(out, version, &made);
    if (err == 0)
        err = idem_directory_sync(out);
    if (err != 0)
        return idem_why(why, err, "%s: %s", out, idem_strerror(err));
    *report = made;
    return IDEM_OK;
}

int idem_backup_verify(const char *from, struct idem_backup_report *report, char why[IDEM_WHY_MAX])
{
    struct idem_backup_report said;
    char path[PATH_MAX], sha256[IDEM_SHA256_TEXT + 1];
    int64_t bytes;
    int err = idem_manifest_read(from, &said, why);

    for (uint32_t i = 0; i < said.file_count && err == 0; i++) {
        const struct idem_backup_file *f = &said.files[i];
        if ((err = idem_path(path, sizeof path, from, f->name)) != 0 ||
            (err = idem_file_sha256(path, sha256, &bytes)) != 0)
            return idem_why(why, err, "%s: cannot be read", f->name);
        if (bytes != f->bytes || strcmp(sha256, f->sha256) != 0)
            err = idem_why(why, IDEM_ERR_CHECKSUM, "%s: is not what the manifest says", path);
    }
    if (err == 0)
        *report = said;
    return err;
}
