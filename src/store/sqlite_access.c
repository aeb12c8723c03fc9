/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_access.c - see access.h. None of this is frequent, so statements are prepared when they
 * are needed.
 */
#include "store/access.h"
#include "store/sqlite_parts.h"

#include <string.h>

#define COLUMNS                                                                                    \
    "row, organisation, login_key, label, password, fresh, totp, totp_step, roles, person, "       \
    "issuer,"                                                                                      \
    " disabled, since_ms"

static int prepare(struct idem_store *base, const char *sql, sqlite3_stmt **out)
{
    sqlite3 *db = idem_sqlite_of(base)->db;
    return idem_sqlite_result(db, sqlite3_prepare_v2(db, sql, -1, out, NULL));
}

/* Runs what returns no rows. */
static int finish(struct idem_store *base, sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);
    int err = (rc & 0xff) == SQLITE_CONSTRAINT ? IDEM_ERR_INVALID
                                               : idem_sqlite_result(idem_sqlite_of(base)->db, rc);
    sqlite3_finalize(st);
    return err;
}

/* ------------------------------------------------------------------ an account */

/* NULL for what is empty. */
static void bind_text(sqlite3_stmt *st, int at, const char *text)
{
    if (text[0] != '\0')
        sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
}

/* What may change: from ?1 on. */
static void bind_account(sqlite3_stmt *st, const struct idem_store_account *a)
{
    sqlite3_bind_text(st, 1, a->label, -1, SQLITE_STATIC);
    bind_text(st, 2, a->password);
    sqlite3_bind_int(st, 3, a->fresh);
    if (a->totp_len > 0)
        idem_sqlite_bind(st, 4, a->totp, a->totp_len);
    sqlite3_bind_int64(st, 5, a->totp_step);
    sqlite3_bind_int64(st, 6, a->roles);
    if (a->has_person)
        idem_sqlite_bind(st, 7, a->person, IDEM_ID_BYTES);
    bind_text(st, 8, a->issuer);
    sqlite3_bind_int(st, 9, a->disabled);
}

static int count_all(struct idem_store *base, int64_t organisation, int64_t *count)
{
    sqlite3_stmt *st;
    int err = prepare(base, "SELECT count(*) FROM accounts WHERE organisation = ?1", &st);

    if (err != 0)
        return err;
    sqlite3_bind_int64(st, 1, organisation);
    int rc = sqlite3_step(st);
    err = idem_sqlite_result(idem_sqlite_of(base)->db, rc);
    *count = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return err;
}

static int account_add(struct idem_store *base, struct idem_store_account *a)
{
    static const char sql[] =
        "INSERT INTO accounts (label, password, fresh, totp, totp_step, roles, person, issuer,"
        " disabled, organisation, login_key, since_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    sqlite3_stmt *st;
    int64_t count = 0;

    int err = count_all(base, a->organisation, &count);
    if (err == 0 && count >= IDEM_ACCOUNTS_MAX)
        err = IDEM_ERR_LIMIT;
    if (err == 0)
        err = prepare(base, sql, &st);
    if (err != 0)
        return err;
    bind_account(st, a);
    sqlite3_bind_int64(st, 10, a->organisation);
    idem_sqlite_bind(st, 11, a->login_key, IDEM_HASH_BYTES);
    sqlite3_bind_int64(st, 12, a->since_ms - a->since_ms % IDEM_HOUR_MS);
    err = finish(base, st);
    if (err == 0)
        a->row = sqlite3_last_insert_rowid(idem_sqlite_of(base)->db);
    return err;
}

static int account_put(struct idem_store *base, const struct idem_store_account *a)
{
    static const char sql[] =
        "UPDATE accounts SET label = ?1, password = ?2, fresh = ?3, totp = ?4, totp_step = ?5,"
        " roles = ?6, person = ?7, issuer = ?8, disabled = ?9"
        " WHERE row = ?10 AND organisation = ?11";
    sqlite3_stmt *st;

    int err = prepare(base, sql, &st);
    if (err != 0)
        return err;
    bind_account(st, a);
    sqlite3_bind_int64(st, 10, a->row);
    sqlite3_bind_int64(st, 11, a->organisation);
    return finish(base, st);
}

/* A text column into an array; what does not fit was not written by us. */
static int get_text(sqlite3_stmt *st, int at, char *out, size_t cap)
{
    const unsigned char *text = sqlite3_column_text(st, at);
    size_t len = (size_t)sqlite3_column_bytes(st, at);

    if (len >= cap)
        return IDEM_ERR_FORMAT;
    if (text != NULL)
        memcpy(out, text, len);
    out[len] = '\0';
    return IDEM_OK;
}

static int get_totp(sqlite3_stmt *st, int at, struct idem_store_account *a)
{
    const void *bytes = sqlite3_column_blob(st, at);
    a->totp_len = (size_t)sqlite3_column_bytes(st, at);

    if (a->totp_len > IDEM_ACCOUNT_TOTP_MAX)
        return IDEM_ERR_FORMAT;
    if (bytes != NULL)
        memcpy(a->totp, bytes, a->totp_len);
    return IDEM_OK;
}

static int get_account(sqlite3_stmt *st, struct idem_store_account *a)
{
    int err;

    memset(a, 0, sizeof *a);
    a->row = sqlite3_column_int64(st, 0);
    a->organisation = sqlite3_column_int64(st, 1);
    a->fresh = sqlite3_column_int(st, 5) != 0;
    a->totp_step = sqlite3_column_int64(st, 7);
    a->roles = (unsigned)sqlite3_column_int64(st, 8);
    a->has_person = sqlite3_column_type(st, 9) != SQLITE_NULL;
    a->disabled = sqlite3_column_int(st, 11) != 0;
    a->since_ms = sqlite3_column_int64(st, 12);
    (void)((err = idem_sqlite_blob(st, 2, a->login_key, IDEM_HASH_BYTES)) != 0 ||
           (err = get_text(st, 3, a->label, sizeof a->label)) != 0 ||
           (err = get_text(st, 4, a->password, sizeof a->password)) != 0 ||
           (err = get_totp(st, 6, a)) != 0 ||
           (err = a->has_person ? idem_sqlite_blob(st, 9, a->person, IDEM_ID_BYTES) : 0) != 0 ||
           (err = get_text(st, 10, a->issuer, sizeof a->issuer)) != 0);
    return err;
}

/* The one row of a bound statement, which is finalised. */
static int one_account(struct idem_store *base, sqlite3_stmt *st, struct idem_store_account *out)
{
    struct idem_store_account account;
    int rc = sqlite3_step(st);
    int err =
        rc == SQLITE_DONE ? IDEM_ERR_NOT_FOUND : idem_sqlite_result(idem_sqlite_of(base)->db, rc);

    if (err == 0)
        err = get_account(st, &account);
    sqlite3_finalize(st);
    if (err == 0)
        *out = account;
    return err;
}

static int account_find(struct idem_store *base, int64_t organisation,
                        const uint8_t login_key[IDEM_HASH_BYTES], struct idem_store_account *out)
{
    sqlite3_stmt *st;
    int err = prepare(
        base, "SELECT " COLUMNS " FROM accounts WHERE organisation = ?1 AND login_key = ?2", &st);

    if (err != 0)
        return err;
    sqlite3_bind_int64(st, 1, organisation);
    idem_sqlite_bind(st, 2, login_key, IDEM_HASH_BYTES);
    return one_account(base, st, out);
}

static int account_get(struct idem_store *base, int64_t organisation, int64_t row,
                       struct idem_store_account *out)
{
    sqlite3_stmt *st;
    int err =
        prepare(base, "SELECT " COLUMNS " FROM accounts WHERE organisation = ?1 AND row = ?2", &st);

    if (err != 0)
        return err;
    sqlite3_bind_int64(st, 1, organisation);
    sqlite3_bind_int64(st, 2, row);
    return one_account(base, st, out);
}

/* ------------------------------------------------------------------ lists */

static int accounts(struct idem_store *base, int64_t organisation, int64_t after, unsigned limit,
                    idem_store_account_fn *fn, void *arg)
{
    static const char sql[] = "SELECT " COLUMNS " FROM accounts WHERE organisation = ?1"
                              " AND row > ?2 ORDER BY row LIMIT ?3";
    struct idem_store_account account;
    sqlite3_stmt *st;
    int rc, err = prepare(base, sql, &st);

    if (err != 0)
        return err;
    sqlite3_bind_int64(st, 1, organisation);
    sqlite3_bind_int64(st, 2, after);
    sqlite3_bind_int64(st, 3, limit);
    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        err = idem_sqlite_result(idem_sqlite_of(base)->db, rc);
        if (err == 0 && (err = get_account(st, &account)) == 0)
            err = fn(arg, &account);
    }
    sqlite3_finalize(st);
    return err;
}

static int account_count(struct idem_store *base, int64_t organisation, unsigned roles,
                         int64_t *count)
{
    static const char sql[] = "SELECT count(*) FROM accounts WHERE disabled = 0"
                              " AND roles & ?1 != 0 AND (?2 = 0 OR organisation = ?2)";
    sqlite3_stmt *st;
    int err = prepare(base, sql, &st);

    if (err != 0)
        return err;
    sqlite3_bind_int64(st, 1, roles);
    sqlite3_bind_int64(st, 2, organisation);
    err = idem_sqlite_result(idem_sqlite_of(base)->db, sqlite3_step(st));
    if (err == 0)
        *count = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return err;
}

static int get_person(sqlite3_stmt *st, struct idem_store_person *p)
{
    p->site = (const char *)sqlite3_column_text(st, 1);
    p->country = (const char *)sqlite3_column_text(st, 2);
    p->job = (const char *)sqlite3_column_text(st, 3);
    if (p->site == NULL || p->country == NULL || p->job == NULL)
        return IDEM_ERR_NOMEM;
    return idem_sqlite_blob(st, 0, p->person, IDEM_ID_BYTES);
}

static int people(struct idem_store *base, int64_t organisation, const uint8_t *after,
                  unsigned limit, idem_store_person_fn *fn, void *arg)
{
    static const char sql[] =
        "SELECT person, site, country, job FROM people WHERE organisation = ?1"
        " AND person > ?2 ORDER BY person LIMIT ?3";
    struct idem_store_person person;
    sqlite3_stmt *st;
    int rc, err = prepare(base, sql, &st);

    if (err != 0)
        return err;
    sqlite3_bind_int64(st, 1, organisation);
    idem_sqlite_bind(st, 2, after != NULL ? (const void *)after : "",
                     after != NULL ? IDEM_ID_BYTES : 0);
    sqlite3_bind_int64(st, 3, limit);
    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        err = idem_sqlite_result(idem_sqlite_of(base)->db, rc);
        if (err == 0 && (err = get_person(st, &person)) == 0)
            err = fn(arg, &person);
    }
    sqlite3_finalize(st);
    return err;
}

const struct idem_store_access_ops idem_sqlite_access_ops = {
    .account_add = account_add,
    .account_put = account_put,
    .account_find = account_find,
    .account_get = account_get,
    .accounts = accounts,
    .account_count = account_count,
    .people = people,
};
