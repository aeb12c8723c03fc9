/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c - see rows.h. */
#include "store/rows.h"

#include "store/sqlite_parts.h"

#include <stdio.h>
#include <string.h>

enum { TABLES_MAX = 64, TABLE_NAME_MAX = 64, STATEMENT_MAX = 256 };

/* Those that say whose a row is, and those that say of which session. The windows of a session come
 * by another way: opened, and in words. */
static const char list[] =
    "SELECT m.name, EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'person')"
    " FROM sqlite_master m WHERE m.type = 'table' AND m.name <> 'windows'"
    " AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'organisation')"
    " AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name IN ('person', 'session'))"
    " ORDER BY m.name";

struct table {
    char name[TABLE_NAME_MAX];
    bool of_person;
};

static int list_tables(sqlite3 *db, struct table tables[TABLES_MAX], int *count)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, list, -1, &st, NULL), n = 0;

    while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW && n < TABLES_MAX) {
        snprintf(tables[n].name, TABLE_NAME_MAX, "%s", (const char *)sqlite3_column_text(st, 0));
        tables[n++].of_person = sqlite3_column_int(st, 1) != 0;
        rc = SQLITE_OK;
    }
    int err = idem_sqlite_result(db, rc);
    sqlite3_finalize(st);
    *count = n;
    return err;
}

static struct idem_rows_cell cell_of(sqlite3_stmt *st, int i)
{
    struct idem_rows_cell cell = {.column = sqlite3_column_name(st, i)};

    switch (sqlite3_column_type(st, i)) {
    case SQLITE_INTEGER:
    case SQLITE_FLOAT:
        cell.type = IDEM_ROWS_NUMBER;
        cell.number = sqlite3_column_double(st, i);
        break;
    case SQLITE_TEXT:
        cell.type = IDEM_ROWS_TEXT;
        cell.text = (const char *)sqlite3_column_text(st, i);
        break;
    case SQLITE_BLOB:
        cell.type = IDEM_ROWS_BLOB;
        cell.blob = sqlite3_column_blob(st, i);
        cell.len = (size_t)sqlite3_column_bytes(st, i);
        break;
    default:
        break;
    }
    return cell;
}

static int give(sqlite3_stmt *st, const char *table, idem_rows_fn *fn, void *arg)
{
    struct idem_rows_cell cells[IDEM_ROWS_COLUMNS_MAX];
    int count = sqlite3_column_count(st);

    if (count > IDEM_ROWS_COLUMNS_MAX)
        count = IDEM_ROWS_COLUMNS_MAX;
    for (int i = 0; i < count; i++)
        cells[i] = cell_of(st, i);
    return fn(arg, table, cells, count);
}

static int read_table(sqlite3 *db, const struct table *table, int64_t organisation,
                      const uint8_t *person, idem_rows_fn *fn, void *arg)
{
    static const char *const of[] = {"session IN (SELECT row FROM sessions WHERE organisation = ?1"
                                     " AND person = ?2)",
                                     "organisation = ?1 AND person = ?2"};
    char sql[STATEMENT_MAX];
    sqlite3_stmt *st = NULL;
    int err = IDEM_OK, rc;

    snprintf(sql, sizeof sql, "SELECT * FROM \"%.63s\" WHERE %s", table->name,
             of[table->of_person]);
    rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(st, 1, organisation);
        idem_sqlite_bind(st, 2, person, IDEM_ID_BYTES);
    }
    while (rc == SQLITE_OK && err == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        err = give(st, table->name, fn, arg);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(st);
    return err != 0 ? err : idem_sqlite_result(db, rc);
}

int idem_rows_read(struct idem_store *store, int64_t organisation,
                   const uint8_t person[IDEM_ID_BYTES], idem_rows_fn *fn, void *arg)
{
    sqlite3 *db = idem_sqlite_of(store)->db;
    struct table tables[TABLES_MAX];
    int count = 0;
    int err = list_tables(db, tables, &count);

    for (int i = 0; i < count && err == 0; i++)
        err = read_table(db, &tables[i], organisation, person, fn, arg);
    return err;
}
