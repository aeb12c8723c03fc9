/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export.c - see export.h. A connection of its own that can write nothing; one transaction, so that
 * what is read belongs together.
 */
#include "store/export.h"

#include <sqlite3.h>
#include <string.h>

#include "store/schema.h"

enum { BUSY_MS = 5000 };

static const char query[] =
    "SELECT p.organisation, p.person, p.device_class, p.modality, p.front, p.bytes, p.learned_ms,"
    " p.day, p.day_strokes, p.until_row"
    " FROM profiles p JOIN organisations o ON o.row = p.organisation WHERE o.name = ?1"
    " ORDER BY p.person, p.device_class, p.modality";

/* The number that a statement yields, or -1. */
static int64_t number(sqlite3 *db, const char *sql, const char *text)
{
    sqlite3_stmt *st = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
        if (text)
            sqlite3_bind_text(st, 1, text, -1, SQLITE_STATIC);
        if (sqlite3_step(st) == SQLITE_ROW)
            value = sqlite3_column_int64(st, 0);
    }
    sqlite3_finalize(st);
    return value;
}

static int check(sqlite3 *db, const char *organisation, const char **why)
{
    if (number(db, "PRAGMA application_id", NULL) != IDEM_SCHEMA_APPLICATION) {
        *why = "this is not a data base of idem-server";
        return IDEM_ERR_FORMAT;
    }
    const int64_t version = number(db, "PRAGMA user_version", NULL);
    if (version < 1 || version > IDEM_SCHEMA_VERSION) { /* the query fits all of them */
        *why = "the data base is of another version";
        return IDEM_ERR_VERSION;
    }
    if (number(db, "SELECT row FROM organisations WHERE name = ?1", organisation) < 0) {
        *why = "there is no such organisation in the data base";
        return IDEM_ERR_NOT_FOUND;
    }
    return 0;
}

static int give(sqlite3_stmt *st, idem_store_profile_fn *fn, void *arg)
{
    struct idem_store_profile p = {
        .organisation = sqlite3_column_int64(st, 0),
        .device_class = (uint8_t)sqlite3_column_int(st, 2),
        .modality = (uint8_t)sqlite3_column_int(st, 3),
        .front = (uint64_t)sqlite3_column_int64(st, 4),
        .bytes = sqlite3_column_blob(st, 5),
        .len = (size_t)sqlite3_column_bytes(st, 5),
        .learned_ms = sqlite3_column_int64(st, 6),
        .day = sqlite3_column_int64(st, 7),
        .day_strokes = sqlite3_column_double(st, 8),
        .until_row = sqlite3_column_int64(st, 9),
    };
    const void *person = sqlite3_column_blob(st, 1);
    if (!person || sqlite3_column_bytes(st, 1) != IDEM_ID_BYTES || p.len > IDEM_STORE_PROFILE_MAX)
        return IDEM_ERR_FORMAT;
    memcpy(p.person, person, IDEM_ID_BYTES);
    return fn(arg, &p);
}

static int read_all(sqlite3 *db, const char *organisation, idem_store_profile_fn *fn, void *arg,
                    const char **why)
{
    sqlite3_stmt *st = NULL;
    int r = 0, rc = sqlite3_prepare_v2(db, query, -1, &st, NULL);
    if (rc == SQLITE_OK)
        sqlite3_bind_text(st, 1, organisation, -1, SQLITE_STATIC);
    while (rc == SQLITE_OK && r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        r = give(st, fn, arg);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(st);
    if (r == 0 && rc != SQLITE_DONE) {
        *why = "the data base cannot be read";
        return rc == SQLITE_CORRUPT ? IDEM_ERR_FORMAT : IDEM_ERR_IO;
    }
    if (r == IDEM_ERR_FORMAT)
        *why = "a profile in the data base is damaged";
    return r;
}

int idem_store_export_profiles(const char *path, const char *organisation,
                               idem_store_profile_fn *fn, void *arg, const char **why)
{
    sqlite3 *db = NULL;
    int r = IDEM_ERR_NOT_FOUND;
    *why = "there is no such data base";
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(db, BUSY_MS);
        r = check(db, organisation, why);
        if (r == 0)
            r = read_all(db, organisation, fn, arg, why);
    }
    sqlite3_close(db);
    return r;
}
