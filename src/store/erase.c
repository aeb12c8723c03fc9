/* SPDX-License-Identifier: Apache-2.0 */
/* erase.c - see erase.h. Rare work: its statements are prepared when they are needed. */
#include "store/erase.h"

#include "store/export.h"
#include "store/sqlite_parts.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TABLES_MAX = 64, TABLE_NAME_MAX = 64, STATEMENT_MAX = 256, EMPLOYEE = 1 << 12 };

/* One statement about one person: ?1 the organisation, ?2 the person. */
static int run(sqlite3 *db, const char *sql, int64_t organisation, const uint8_t *person)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(st, 1, organisation);
        idem_sqlite_bind(st, 2, person, IDEM_ID_BYTES);
        rc = sqlite3_step(st);
    }
    int err = idem_sqlite_result(db, rc);
    sqlite3_finalize(st);
    return err;
}

/* ------------------------------------------------------------------ rows */

/* Tables that say whose their rows are, whichever there are by now; people itself comes last. */
static const char of_people[] =
    "SELECT m.name FROM sqlite_master m WHERE m.type = 'table' AND m.name NOT IN ('people')"
    " AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'person')"
    " AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'organisation')";

static int list_tables(sqlite3 *db, char tables[TABLES_MAX][TABLE_NAME_MAX], int *count)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, of_people, -1, &st, NULL), n = 0;

    while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW && n < TABLES_MAX) {
        snprintf(tables[n++], TABLE_NAME_MAX, "%s", (const char *)sqlite3_column_text(st, 0));
        rc = SQLITE_OK;
    }
    int err = idem_sqlite_result(db, rc);
    sqlite3_finalize(st);
    *count = n;
    return err;
}

static int erase_tables(sqlite3 *db, int64_t organisation, const uint8_t *person)
{
    char tables[TABLES_MAX][TABLE_NAME_MAX], sql[STATEMENT_MAX];
    int count = 0;
    int err = list_tables(db, tables, &count);

    for (int i = 0; i < count && err == 0; i++) {
        snprintf(sql, sizeof sql, "DELETE FROM \"%.63s\" WHERE organisation = ?1 AND person = ?2",
                 tables[i]);
        err = run(db, sql, organisation, person);
    }
    return err;
}

int idem_erase_rows(struct idem_store *store, int64_t organisation,
                    const uint8_t person[IDEM_ID_BYTES], bool with_windows, int64_t now_ms)
{
    static const char windows[] = "DELETE FROM windows WHERE session IN (SELECT row FROM sessions"
                                  " WHERE organisation = ?1 AND person = ?2)";
    char accounts[STATEMENT_MAX];
    sqlite3 *db = idem_sqlite_of(store)->db;
    /* Overwritten even where that costs writing pages that would otherwise only become free. */
    int err = idem_sqlite_result(db, sqlite3_exec(db, "PRAGMA secure_delete = ON", 0, 0, 0));

    if (err == 0 && with_windows)
        err = run(db, windows, organisation, person);

    snprintf(accounts, sizeof accounts,
             "UPDATE accounts SET person = NULL, roles = roles & ~%d"
             " WHERE organisation = ?1 AND person = ?2 AND roles & ~%d <> 0",
             EMPLOYEE, EMPLOYEE);
    if (err == 0)
        err = run(db, accounts, organisation, person);
    if (err == 0) /* while it is known which sessions were the person's */
        err = idem_erase_audit(store, organisation, person, now_ms);
    if (err == 0)
        err = erase_tables(db, organisation, person);
    if (err == 0)
        err = idem_sqlite_seats_forget(db);
    if (err == 0)
        err = run(db, "DELETE FROM people WHERE organisation = ?1 AND person = ?2", organisation,
                  person);
    sqlite3_exec(db, "PRAGMA secure_delete = FAST", NULL, NULL, NULL);
    return err;
}

int idem_erase_fold(struct idem_store *store)
{
    sqlite3 *db = idem_sqlite_of(store)->db;

    sqlite3_busy_timeout(db, 0); /* somebody who reads may do so for long */
    int rc = idem_sqlite_fold(db, SQLITE_CHECKPOINT_TRUNCATE, &idem_sqlite_of(store)->unsure);
    sqlite3_busy_timeout(db, IDEM_SQLITE_BUSY_MS);
    return rc == SQLITE_BUSY ? IDEM_OK : idem_sqlite_result(db, rc);
}

int idem_erase_accounts(struct idem_store *store, int64_t organisation,
                        const uint8_t person[IDEM_ID_BYTES], int64_t *rows, int max, int *count)
{
    static const char sql[] = "SELECT row FROM accounts WHERE organisation = ?1 AND person = ?2";
    sqlite3 *db = idem_sqlite_of(store)->db;
    sqlite3_stmt *st = NULL;
    int n = 0, rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(st, 1, organisation);
        idem_sqlite_bind(st, 2, person, IDEM_ID_BYTES);
        while (n < max && (rc = sqlite3_step(st)) == SQLITE_ROW)
            rows[n++] = sqlite3_column_int64(st, 0);
    }
    int err = idem_sqlite_result(db, rc);
    sqlite3_finalize(st);
    if (err == 0)
        *count = n;
    return err;
}

/* ------------------------------------------------------------------ who it is */

int idem_erase_find(struct idem_store *store, const uint8_t key_id[IDEM_ID_BYTES],
                    int64_t *organisation, uint8_t person[IDEM_ID_BYTES])
{
    sqlite3 *db = idem_sqlite_of(store)->db;
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT organisation, person FROM people WHERE key_id = ?1", -1,
                                &st, NULL);

    if (rc == SQLITE_OK) {
        idem_sqlite_bind(st, 1, key_id, IDEM_ID_BYTES);
        rc = sqlite3_step(st);
    }
    int err = rc == SQLITE_DONE ? IDEM_ERR_NOT_FOUND : idem_sqlite_result(db, rc);
    if (err == 0 && organisation != NULL)
        *organisation = sqlite3_column_int64(st, 0);
    if (err == 0 && person != NULL)
        err = idem_sqlite_blob(st, 1, person, IDEM_ID_BYTES);
    sqlite3_finalize(st);
    return err;
}

int idem_erase_key_id(struct idem_store *store, int64_t organisation,
                      const uint8_t person[IDEM_ID_BYTES], uint8_t key_id[IDEM_ID_BYTES])
{
    static const char sql[] = "SELECT key_id FROM people WHERE organisation = ?1 AND person = ?2";
    sqlite3 *db = idem_sqlite_of(store)->db;
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(st, 1, organisation);
        idem_sqlite_bind(st, 2, person, IDEM_ID_BYTES);
        rc = sqlite3_step(st);
    }
    int err = rc == SQLITE_DONE ? IDEM_ERR_NOT_FOUND : idem_sqlite_result(db, rc);
    if (err == 0)
        err = idem_sqlite_blob(st, 0, key_id, IDEM_ID_BYTES);
    sqlite3_finalize(st);
    return err;
}

int idem_people_with_keys(struct idem_store *store, int64_t *count)
{
    sqlite3 *db = idem_sqlite_of(store)->db;
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT count(*) FROM people WHERE key_id IS NOT NULL", -1, &st,
                                NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    int err = idem_sqlite_result(db, rc);
    if (err == 0)
        *count = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return err;
}

int idem_erase_count_members(struct idem_store *store, const struct idem_ledger *ledger,
                             const uint8_t *population, int64_t *count)
{
    sqlite3 *db = idem_sqlite_of(store)->db;
    sqlite3_stmt *st = NULL;
    int64_t n = 0;
    int rc =
        sqlite3_prepare_v2(db, "SELECT key_id FROM members WHERE population = ?1", -1, &st, NULL);

    if (rc == SQLITE_OK)
        idem_sqlite_bind(st, 1, population, IDEM_POPULATION_HASH);
    while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        uint8_t key_id[IDEM_ID_BYTES];
        if (idem_sqlite_blob(st, 0, key_id, sizeof key_id) == 0 &&
            idem_ledger_find(ledger, key_id) != NULL)
            n++;
        rc = SQLITE_OK;
    }
    int err = idem_sqlite_result(db, rc);
    sqlite3_finalize(st);
    if (err == 0)
        *count = n;
    return err;
}

/* ------------------------------------------------------------------ what was left undone */

/* Records of looks go first: while the rows are there the erasure counts as not complete. */
static int complete_gate(const struct idem_erase_places *places, int64_t organisation,
                         const uint8_t *person)
{
    struct idem_gate_log *log;
    const char *why;

    if (places->gate == NULL || access(places->gate, F_OK) != 0)
        return IDEM_OK;
    int err = idem_gate_log_open(places->gate, &log, &why);
    if (err != 0)
        return err;
    err = idem_erase_gate(log, organisation, person, places->now_ms);
    idem_gate_log_close(log);
    return err;
}

static int complete_rows(struct idem_store *store, int64_t organisation, const uint8_t *person,
                         int64_t now_ms)
{
    int err = store->ops->begin(store);

    if (err == 0)
        err = idem_erase_rows(store, organisation, person, true, now_ms);
    if (err == 0)
        err = store->ops->commit(store);
    if (err != 0)
        store->ops->rollback(store);
    return err != 0 ? err : idem_erase_fold(store);
}

static int complete(const struct idem_erase_places *places, const struct idem_erasure *e,
                    int64_t *erased)
{
    struct idem_vault_entry entry;
    uint8_t person[IDEM_ID_BYTES];
    int64_t organisation;
    int err = places->vault != NULL ? idem_vault_by_key_id(places->vault, e->key_id, &entry)
                                    : IDEM_ERR_NOT_FOUND;

    sodium_memzero(&entry, sizeof entry);
    if (err == 0)
        err = idem_vault_destroy(places->vault, e->key_id);
    if (err == 0 || err == IDEM_ERR_NOT_FOUND)
        err = idem_erase_find(places->store, e->key_id, &organisation, person);
    if (err != 0)
        return err == IDEM_ERR_NOT_FOUND ? IDEM_OK : err;
    if ((err = complete_gate(places, organisation, person)) != 0 ||
        (err = complete_rows(places->store, organisation, person, places->now_ms)) != 0)
        return err;
    (*erased)++;
    return IDEM_OK;
}

int idem_erase_complete(const struct idem_erase_places *places, int64_t *erased)
{
    int err = IDEM_OK;

    for (size_t i = 0; i < idem_ledger_count(places->ledger) && err == 0; i++)
        err = complete(places, idem_ledger_at(places->ledger, i), erased);
    return err;
}

/* ------------------------------------------------------------------ people without a key */

/* Their sessions end here: neither the person nor the windows can be read back. */
static int forget_sessions(struct idem_store *store, int64_t organisation, const uint8_t *person)
{
    static const char windows[] = "DELETE FROM windows WHERE session IN (SELECT row FROM sessions"
                                  " WHERE organisation = ?1 AND person = ?2)";
    static const char sessions[] = "DELETE FROM sessions WHERE organisation = ?1 AND person = ?2";
    sqlite3 *db = idem_sqlite_of(store)->db;
    int err = store->ops->begin(store);

    if (err == 0)
        err = run(db, windows, organisation, person);
    if (err == 0)
        err = run(db, sessions, organisation, person);
    if (err == 0)
        err = idem_sqlite_seats_forget(db);
    if (err == 0)
        err = store->ops->commit(store);
    if (err != 0)
        store->ops->rollback(store);
    return err;
}

struct keyless {
    int64_t organisation;
    uint8_t person[IDEM_ID_BYTES];
};

static int keep(struct keyless **list, size_t *count, const struct keyless *one)
{
    struct keyless *more = realloc(*list, (*count + 1) * sizeof *more);
    if (more == NULL)
        return IDEM_ERR_NOMEM;
    more[(*count)++] = *one;
    *list = more;
    return IDEM_OK;
}

static int list_keyless(struct idem_store *store, struct idem_vault *vault, struct keyless **list,
                        size_t *count)
{
    sqlite3 *db = idem_sqlite_of(store)->db;
    struct idem_vault_entry entry;
    struct keyless one;
    sqlite3_stmt *st = NULL;
    int err = IDEM_OK,
        rc = sqlite3_prepare_v2(db, "SELECT organisation, person FROM people", -1, &st, NULL);

    while (rc == SQLITE_OK && err == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        one.organisation = sqlite3_column_int64(st, 0);
        err = idem_sqlite_blob(st, 1, one.person, sizeof one.person);
        if (err == 0)
            err = idem_vault_by_person(vault, one.organisation, one.person, &entry);
        if (err == IDEM_ERR_NOT_FOUND)
            err = keep(list, count, &one);
    }
    sqlite3_finalize(st);
    sodium_memzero(&entry, sizeof entry);
    return err != 0 ? err : idem_sqlite_result(db, rc);
}

static int forget_keyless(struct idem_store *store, struct idem_vault *vault, int64_t *without_key)
{
    struct keyless *list = NULL;
    size_t count = 0;
    int err = list_keyless(store, vault, &list, &count);

    for (size_t i = 0; i < count && err == 0; i++)
        err = forget_sessions(store, list[i].organisation, list[i].person);
    free(list);
    if (err == 0)
        *without_key = (int64_t)count;
    return err;
}

/* ------------------------------------------------------------------ all of it */

int idem_people_prepare(const struct idem_erase_places *places, struct idem_people_check *check)
{
    struct idem_people_check done = {0};
    int err = idem_erase_complete(places, &done.erased);

    if (err == 0 && places->vault != NULL)
        err = idem_people_seal_old(places->store, places->vault, &done.sealed);
    if (err == 0 && places->vault != NULL)
        err = forget_keyless(places->store, places->vault, &done.without_key);
    if (err == 0)
        *check = done;
    return err;
}
