/* SPDX-License-Identifier: Apache-2.0 */
/* examine.c - see examine.h. */
#include "examine.h"

#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static void mix(crypto_generichash_state *h, const void *bytes, size_t len)
{
    const uint64_t n = len;
    crypto_generichash_update(h, (const uint8_t *)&n, sizeof n);
    crypto_generichash_update(h, len > 0 ? bytes : "", len);
}

static void mix_row(crypto_generichash_state *h, sqlite3_stmt *st)
{
    for (int i = 0; i < sqlite3_column_count(st); i++) {
        const int type = sqlite3_column_type(st, i);
        mix(h, &type, sizeof type);
        const void *bytes = sqlite3_column_blob(st, i);
        mix(h, bytes, (size_t)sqlite3_column_bytes(st, i));
    }
}

/* each: called with every row. */
static bool rows(sqlite3 *db, const char *query,
                 bool (*each)(sqlite3 *db, sqlite3_stmt *st, crypto_generichash_state *h),
                 crypto_generichash_state *h, int *count)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, query, -1, &st, NULL);
    bool good = rc == SQLITE_OK;

    *count = 0;
    while (good && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        good = each(db, st, h);
        (*count)++;
    }
    sqlite3_finalize(st);
    return good && rc == SQLITE_DONE;
}

static bool take_row(sqlite3 *db, sqlite3_stmt *st, crypto_generichash_state *h)
{
    (void)db;
    mix_row(h, st);
    return true;
}

static bool take_table(sqlite3 *db, sqlite3_stmt *st, crypto_generichash_state *h)
{
    char query[256];
    int count;

    mix_row(h, st);
    snprintf(query, sizeof query, "SELECT * FROM \"%s\"", sqlite3_column_text(st, 0));
    return rows(db, query, take_row, h, &count);
}

static bool is_ok(sqlite3 *db, sqlite3_stmt *st, crypto_generichash_state *h)
{
    (void)db;
    (void)h;
    return strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;
}

static bool never(sqlite3 *db, sqlite3_stmt *st, crypto_generichash_state *h)
{
    (void)db;
    (void)st;
    (void)h;
    return false;
}

bool examine(const char *name, uint64_t *content)
{
    crypto_generichash_state h;
    sqlite3 *db = NULL;
    uint8_t hash[crypto_generichash_BYTES_MIN];
    int tables = 0, ignored;

    crypto_generichash_init(&h, NULL, 0, sizeof hash);
    bool good = sqlite3_open(name, &db) == SQLITE_OK &&
                rows(db, "PRAGMA integrity_check", is_ok, NULL, &ignored) &&
                rows(db, "PRAGMA foreign_key_check", never, NULL, &ignored) &&
                rows(db, "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name",
                     take_table, &h, &tables);
    sqlite3_close(db);
    crypto_generichash_final(&h, hash, sizeof hash);
    memcpy(content, hash, sizeof *content);
    if (tables == 0)
        *content = 0;
    return good;
}
