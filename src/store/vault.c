/* SPDX-License-Identifier: Apache-2.0 */
/* vault.c - see vault.h. */
#include "store/vault.h"

#include "store/sqlite_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { APPLICATION = 0x69646b79 /* "idky" */, VERSION = 1, BUSY_MS = 2000 };

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    BY_HANDLE,
    BY_PERSON,
    BY_KEY_ID,
    ADD,
    DESTROY,
    EACH,
    COUNT,
    STATEMENTS
};

struct idem_vault {
    sqlite3 *db;
    sqlite3_stmt *stmt[STATEMENTS];
};

#define COLUMNS "organisation, handle, person, key_id, key"

static const char *const sql[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [BY_HANDLE] = "SELECT " COLUMNS " FROM keys WHERE handle = ?1",
    [BY_PERSON] = "SELECT " COLUMNS " FROM keys WHERE person = ?1 AND organisation = ?2",
    [BY_KEY_ID] = "SELECT " COLUMNS " FROM keys WHERE key_id = ?1",
    [ADD] = "INSERT INTO keys (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5)",
    [DESTROY] = "DELETE FROM keys WHERE key_id = ?1",
    [EACH] = "SELECT " COLUMNS " FROM keys",
    [COUNT] = "SELECT count(*) FROM keys",
};

/* Pages are written out whole and never mapped; what is deleted is overwritten. */
static const char set_up[] = "PRAGMA journal_mode = WAL;"
                             "PRAGMA synchronous = FULL;"
                             "PRAGMA secure_delete = ON;"
                             "PRAGMA temp_store = MEMORY;"
                             "PRAGMA cache_size = -8192;"
                             "PRAGMA journal_size_limit = 0;";

/* Without an order of arrival: whoever reads it does not learn who came first. */
static const char schema[] = "BEGIN IMMEDIATE;"
                             "CREATE TABLE keys ("
                             " key_id BLOB NOT NULL PRIMARY KEY,"
                             " organisation INTEGER NOT NULL,"
                             " handle BLOB NOT NULL UNIQUE,"
                             " person BLOB NOT NULL UNIQUE,"
                             " key BLOB NOT NULL) STRICT, WITHOUT ROWID;"
                             "PRAGMA application_id = 1768188793;"
                             "PRAGMA user_version = 1;"
                             "COMMIT;";

_Static_assert(APPLICATION == 1768188793 && VERSION == 1, "the schema's numbers");

/* ------------------------------------------------------------------ opening and closing */

/* SQLite would make it with the mode that the mask leaves, and follow a link. */
static int prepare_file(const char *path, bool may_create, const char **why)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | (may_create ? O_CREAT : 0), 0600);

    *why = "the keys cannot be opened";
    if (fd < 0)
        return errno == ENOENT ? IDEM_ERR_NOT_FOUND : IDEM_ERR_IO;
    int err = IDEM_OK;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        *why = "the keys are not in a file";
        err = IDEM_ERR_IO;
    } else if (st.st_mode & 077) {
        *why = "the keys can be read by others; chmod 600 them";
        err = IDEM_ERR_IO;
    }
    close(fd);
    return err;
}

static int64_t ask(sqlite3 *db, const char *query)
{
    sqlite3_stmt *st = NULL;
    int64_t value = -1;

    if (sqlite3_prepare_v2(db, query, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        value = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return value;
}

static int check_schema(sqlite3 *db, const char **why)
{
    const int64_t application = ask(db, "PRAGMA application_id");
    const int64_t version = ask(db, "PRAGMA user_version");

    if (application < 0 || version < 0) {
        *why = "the keys cannot be read";
        return idem_sqlite_result(db, sqlite3_errcode(db));
    }
    if (application == 0 && version == 0 && ask(db, "SELECT count(*) FROM sqlite_master") == 0)
        return idem_sqlite_result(db, sqlite3_exec(db, schema, NULL, NULL, NULL));
    if (application != APPLICATION) {
        *why = "the file of the keys belongs to another program";
        return IDEM_ERR_FORMAT;
    }
    *why = "the keys were written by a newer version";
    return version == VERSION ? IDEM_OK : IDEM_ERR_VERSION;
}

static int prepare_all(struct idem_vault *v)
{
    for (int i = 0; i < STATEMENTS; i++) {
        int rc =
            sqlite3_prepare_v3(v->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &v->stmt[i], NULL);
        if (rc != SQLITE_OK)
            return idem_sqlite_result(v->db, rc);
    }
    return IDEM_OK;
}

static int open_database(struct idem_vault *v, const char *path, const char **why)
{
    *why = "the keys cannot be opened";
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(path, &v->db, flags, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(v->db, BUSY_MS);
        rc = sqlite3_exec(v->db, set_up, NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK)
        rc = idem_sqlite_settle_log(v->db);
    int err = idem_sqlite_result(v->db, rc);
    return err != 0 || (err = check_schema(v->db, why)) != 0 ? err : prepare_all(v);
}

int idem_vault_open(const char *dir, bool may_create, struct idem_vault **out, const char **why)
{
    char path[PATH_MAX];
    const char *ignored;

    why = why != NULL ? why : &ignored;
    *why = "the name of the directory is too long";
    if (snprintf(path, sizeof path, "%s/keys.db", dir) >= (int)sizeof path)
        return IDEM_ERR_INVALID;
    int err = prepare_file(path, may_create, why);
    if (err != 0)
        return err;
    struct idem_vault *v = calloc(1, sizeof *v);
    if (v == NULL)
        return IDEM_ERR_NOMEM;
    if ((err = open_database(v, path, why)) != 0) {
        idem_vault_close(v);
        return err;
    }
    *out = v;
    return IDEM_OK;
}

void idem_vault_close(struct idem_vault *vault)
{
    if (vault == NULL)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(vault->stmt[i]);
    sqlite3_close(vault->db);
    free(vault);
}

/* ------------------------------------------------------------------ looking up */

static int read_entry(sqlite3_stmt *st, struct idem_vault_entry *out)
{
    struct idem_vault_entry e = {.organisation = sqlite3_column_int64(st, 0)};
    int err;

    if ((err = idem_sqlite_blob(st, 1, e.handle, sizeof e.handle)) != 0 ||
        (err = idem_sqlite_blob(st, 2, e.person, sizeof e.person)) != 0 ||
        (err = idem_sqlite_blob(st, 3, e.key_id, sizeof e.key_id)) != 0 ||
        (err = idem_sqlite_blob(st, 4, e.key, sizeof e.key)) != 0)
        return err;
    *out = e;
    sodium_memzero(&e, sizeof e);
    return IDEM_OK;
}

static int find(struct idem_vault *v, sqlite3_stmt *st, struct idem_vault_entry *out)
{
    int rc = sqlite3_step(st);
    int err = rc == SQLITE_DONE ? IDEM_ERR_NOT_FOUND : idem_sqlite_result(v->db, rc);

    if (err == 0)
        err = read_entry(st, out);
    sqlite3_reset(st);
    return err;
}

int idem_vault_by_handle(struct idem_vault *vault, const uint8_t handle[IDEM_ID_BYTES],
                         struct idem_vault_entry *out)
{
    idem_sqlite_bind(vault->stmt[BY_HANDLE], 1, handle, IDEM_ID_BYTES);
    return find(vault, vault->stmt[BY_HANDLE], out);
}

int idem_vault_by_person(struct idem_vault *vault, int64_t organisation,
                         const uint8_t person[IDEM_ID_BYTES], struct idem_vault_entry *out)
{
    idem_sqlite_bind(vault->stmt[BY_PERSON], 1, person, IDEM_ID_BYTES);
    sqlite3_bind_int64(vault->stmt[BY_PERSON], 2, organisation);
    return find(vault, vault->stmt[BY_PERSON], out);
}

int idem_vault_by_key_id(struct idem_vault *vault, const uint8_t key_id[IDEM_ID_BYTES],
                         struct idem_vault_entry *out)
{
    idem_sqlite_bind(vault->stmt[BY_KEY_ID], 1, key_id, IDEM_ID_BYTES);
    return find(vault, vault->stmt[BY_KEY_ID], out);
}

int idem_vault_each(struct idem_vault *vault, idem_vault_fn *fn, void *arg)
{
    sqlite3_stmt *st = vault->stmt[EACH];
    struct idem_vault_entry entry;
    int rc, err = IDEM_OK;

    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        if ((err = idem_sqlite_result(vault->db, rc)) == 0 && (err = read_entry(st, &entry)) == 0)
            err = fn(arg, &entry);
    }
    sqlite3_reset(st);
    sodium_memzero(&entry, sizeof entry);
    return err;
}

int idem_vault_count(struct idem_vault *vault, int64_t *count)
{
    sqlite3_stmt *st = vault->stmt[COUNT];
    int err = idem_sqlite_result(vault->db, sqlite3_step(st));

    if (err == 0)
        *count = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return err;
}

/* ------------------------------------------------------------------ adding and destroying */

static int run(struct idem_vault *v, enum statement which)
{
    int rc = sqlite3_step(v->stmt[which]);
    int err = idem_sqlite_result(v->db, rc);

    sqlite3_reset(v->stmt[which]);
    return (rc & 0xff) == SQLITE_CONSTRAINT ? IDEM_ERR_INVALID : err;
}

int idem_vault_begin(struct idem_vault *vault)
{
    return run(vault, BEGIN);
}

int idem_vault_commit(struct idem_vault *vault)
{
    return run(vault, COMMIT);
}

void idem_vault_rollback(struct idem_vault *vault)
{
    if (!sqlite3_get_autocommit(vault->db))
        run(vault, ROLLBACK);
}

int idem_vault_add(struct idem_vault *vault, const struct idem_vault_entry *entry)
{
    sqlite3_stmt *st = vault->stmt[ADD];

    sqlite3_bind_int64(st, 1, entry->organisation);
    idem_sqlite_bind(st, 2, entry->handle, sizeof entry->handle);
    idem_sqlite_bind(st, 3, entry->person, sizeof entry->person);
    idem_sqlite_bind(st, 4, entry->key_id, sizeof entry->key_id);
    idem_sqlite_bind(st, 5, entry->key, sizeof entry->key);
    int err = run(vault, ADD);
    sqlite3_clear_bindings(st);
    return err;
}

int idem_vault_add_new(struct idem_vault *vault, struct idem_vault_entry *entry)
{
    if (sodium_is_zero(entry->person, sizeof entry->person))
        randombytes_buf(entry->person, sizeof entry->person);
    randombytes_buf(entry->key_id, sizeof entry->key_id);
    randombytes_buf(entry->key, sizeof entry->key);
    return idem_vault_add(vault, entry);
}

int idem_vault_destroy(struct idem_vault *vault, const uint8_t key_id[IDEM_ID_BYTES])
{
    idem_sqlite_bind(vault->stmt[DESTROY], 1, key_id, IDEM_ID_BYTES);
    int err = run(vault, DESTROY);
    if (err != 0)
        return err;
    int rc = sqlite3_exec(vault->db, "VACUUM", NULL, NULL, NULL);
    int left = 0;
    if (rc == SQLITE_OK)
        rc = sqlite3_wal_checkpoint_v2(vault->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &left, NULL);
    return idem_sqlite_result(vault->db, rc);
}
