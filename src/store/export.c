/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export.c - see export.h. A connection of its own that can write nothing; one transaction, so that
 * what is read belongs together.
 */
#include "store/export.h"

#include <limits.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/schema.h"
#include "store/sealed.h"
#include "store/vault.h"

enum { BUSY_MS = 5000 };

/* Versions before the fifth sealed nothing and knew no keys. */
enum { SEALED_SINCE = 5 };

#define COLUMNS                                                                                    \
    "SELECT p.organisation, p.person, p.device_class, p.modality, p.front, p.bytes, p.learned_ms," \
    " p.day, p.day_strokes, p.until_row, "
#define FROM  " FROM profiles p JOIN organisations o ON o.row = p.organisation"
#define WHERE " WHERE o.name = ?1 ORDER BY p.person, p.device_class, p.modality"

static const char query[] =
    COLUMNS "h.key_id" FROM " JOIN people h ON"
            " h.organisation = p.organisation AND h.person = p.person" WHERE;
static const char old_query[] = COLUMNS "NULL" FROM WHERE;

struct export
{
    sqlite3 *db;
    struct idem_vault *vault; /* NULL: nothing is sealed */
    const char *organisation;
    idem_store_export_fn *fn;
    void *arg;
    uint8_t *opened; /* one profile */
    uint32_t skipped;
};

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

static int check(sqlite3 *db, const char *organisation, int64_t *out, const char **why)
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
    *out = version;
    return 0;
}

/* The row in clear. IDEM_ERR_NOT_FOUND: there is no key for it. */
static int open_row(struct export *e, const uint8_t *key_id, const struct idem_store_profile *row,
                    struct idem_store_profile *out)
{
    struct idem_vault_entry entry;
    int r = idem_vault_by_key_id(e->vault, key_id, &entry);
    if (r == 0)
        r = idem_sealed_profile_open(entry.key, row, e->opened, NULL, out);
    sodium_memzero(&entry, sizeof entry);
    return r;
}

static int give(struct export *e, sqlite3_stmt *st)
{
    struct idem_store_profile opened, p = {
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
    const void *person = sqlite3_column_blob(st, 1), *key_id = sqlite3_column_blob(st, 10);
    if (!person || sqlite3_column_bytes(st, 1) != IDEM_ID_BYTES || !p.bytes ||
        p.len > IDEM_STORE_PROFILE_MAX || (key_id && sqlite3_column_bytes(st, 10) != IDEM_ID_BYTES))
        return IDEM_ERR_FORMAT;
    memcpy(p.person, person, IDEM_ID_BYTES);
    if (!key_id)
        return e->fn(e->arg, &p, NULL);
    int r = open_row(e, key_id, &p, &opened);
    if (r == IDEM_ERR_NOT_FOUND) {
        e->skipped++;
        return 0;
    }
    return r == 0 ? e->fn(e->arg, &opened, key_id) : r;
}

static int read_all(struct export *e, const char **why)
{
    sqlite3_stmt *st = NULL;
    int r = 0, rc = sqlite3_prepare_v2(e->db, e->vault ? query : old_query, -1, &st, NULL);
    if (rc == SQLITE_OK)
        sqlite3_bind_text(st, 1, e->organisation, -1, SQLITE_STATIC);
    while (rc == SQLITE_OK && r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        r = give(e, st);
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

/* The keys lie beside the data base. */
static int open_vault(struct export *e, const char *path, const char **why)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const int len = slash ? (int)(slash - path) : 1;
    if (snprintf(dir, sizeof dir, "%.*s", len, slash ? path : ".") >= (int)sizeof dir)
        return IDEM_ERR_INVALID;
    int r = idem_vault_open(dir[0] ? dir : "/", false, &e->vault, why);
    if (r == IDEM_ERR_NOT_FOUND)
        *why = "there is no keys.db beside the data base: its profiles are sealed";
    return r;
}

int idem_store_export_profiles(const char *path, const char *organisation, idem_store_export_fn *fn,
                               void *arg, uint32_t *skipped, const char **why)
{
    struct export e = {.organisation = organisation, .fn = fn, .arg = arg};
    int64_t version = 0;
    int r = IDEM_ERR_NOT_FOUND;
    *why = "there is no such data base";
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &e.db, flags, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(e.db, BUSY_MS);
        r = check(e.db, organisation, &version, why);
    }
    if (r == 0 && version >= SEALED_SINCE)
        r = open_vault(&e, path, why);
    if (r == 0 && !(e.opened = malloc(IDEM_STORE_PROFILE_MAX)))
        r = IDEM_ERR_NOMEM;
    if (r == 0)
        r = read_all(&e, why);
    if (r == 0)
        *skipped = e.skipped;
    if (e.opened)
        sodium_memzero(e.opened, IDEM_STORE_PROFILE_MAX);
    free(e.opened);
    idem_vault_close(e.vault);
    sqlite3_close(e.db);
    return r;
}

/* ------------------------------------------------------------------ members */

void idem_population_hash(const void *bytes, size_t len, uint8_t hash[IDEM_POPULATION_HASH])
{
    crypto_generichash(hash, IDEM_POPULATION_HASH, bytes, len, NULL, 0);
}

static int add_members(sqlite3 *db, const uint8_t *hash, const uint8_t *key_ids, size_t count)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(
            db, "INSERT OR IGNORE INTO members (population, key_id) VALUES (?1, ?2)", -1, &st,
            NULL);
    for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
        sqlite3_bind_blob(st, 1, hash, IDEM_POPULATION_HASH, SQLITE_STATIC);
        sqlite3_bind_blob(st, 2, key_ids + i * IDEM_ID_BYTES, IDEM_ID_BYTES, SQLITE_STATIC);
        sqlite3_step(st);
        rc = sqlite3_reset(st);
    }
    sqlite3_finalize(st);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : IDEM_ERR_IO;
}

int idem_store_members_add(const char *path, const uint8_t hash[IDEM_POPULATION_HASH],
                           const uint8_t *key_ids, size_t count, const char **why)
{
    sqlite3 *db = NULL;
    int r = IDEM_ERR_IO;
    *why = "the data base cannot be written to, to note whom the population was learned from";
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &db, flags, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(db, BUSY_MS);
        r = add_members(db, hash, key_ids, count);
    }
    sqlite3_close(db);
    return r;
}
