/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite.c - the store over one SQLite file: write-ahead log, full synchronisation, statements
 * prepared once. A commit is one append to the log and one fdatasync, however many rows it holds:
 * that is the group commit. The log is folded back into the file every CHECKPOINT_PAGES pages.
 */
#include "store/schema.h"
#include "store/store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR_MS = 3600 * 1000 };

/* clang-format off */
enum statement {
    BEGIN, COMMIT, ROLLBACK, ORGANISATION, PERSON_ADD, PERSON_FIND, PERSON_COUNT, PROFILE_PUT,
    PROFILES, SEAT_ADD, SESSION_ADD, SESSION_LOCK, SESSION_CLOSE, SESSIONS_OPEN, SESSIONS_FORGET,
    WINDOW_ADD, WINDOWS, WINDOW_GET, WINDOW_DROP, STATEMENTS
};

#define WINDOW_COLUMNS "row, organisation, session, previous, seq, received_ms, payload"

static const char *const sql[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [ORGANISATION] = "SELECT row FROM organisations WHERE name = ?1",
    [PERSON_ADD] = "INSERT OR IGNORE INTO people (organisation, person, since_ms) VALUES (?1, ?2, ?3)",
    [PERSON_FIND] = "SELECT 1 FROM people WHERE organisation = ?1 AND person = ?2",
    [PERSON_COUNT] = "SELECT count(*) FROM people",
    [PROFILE_PUT] = "INSERT OR REPLACE INTO profiles (organisation, person, device_class, modality,"
        " front, bytes, learned_ms, day, day_strokes, until_row)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [PROFILES] = "SELECT device_class, modality, front, bytes, learned_ms, day, day_strokes, until_row"
        " FROM profiles WHERE organisation = ?1 AND person = ?2",
    [SEAT_ADD] = "INSERT OR IGNORE INTO seats (organisation, name) VALUES (?1, ?2)",
    [SESSION_ADD] = "INSERT INTO sessions (organisation, id, person, seat, device_class, token_hash,"
        " test_clock, locked, unlock_row, opened_ms) VALUES (?1, ?2, ?3,"
        " (SELECT row FROM seats WHERE organisation = ?1 AND name = ?4), ?5, ?6, ?7, 0, 0, ?8)",
    [SESSION_LOCK] = "UPDATE sessions SET locked = ?2, unlock_row = ?3 WHERE row = ?1",
    [SESSION_CLOSE] = "UPDATE sessions SET closed_ms = ?2 - ?2 % 3600000,"
        " opened_ms = opened_ms - opened_ms % 3600000 WHERE row = ?1",
    [SESSIONS_OPEN] = "SELECT s.row, s.organisation, s.id, s.person, t.name, s.device_class,"
        " s.token_hash, s.test_clock, s.locked, s.opened_ms, s.unlock_row"
        " FROM sessions s JOIN seats t ON t.row = s.seat WHERE s.closed_ms IS NULL ORDER BY s.row",
    [SESSIONS_FORGET] = "DELETE FROM sessions WHERE closed_ms < ?1",
    [WINDOW_ADD] = "INSERT INTO windows (" WINDOW_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [WINDOWS] = "SELECT " WINDOW_COLUMNS " FROM windows ORDER BY row",
    [WINDOW_GET] = "SELECT " WINDOW_COLUMNS " FROM windows WHERE row = ?1",
    [WINDOW_DROP] = "DELETE FROM windows WHERE row = ?1",
};

static const char set_up[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cache_size = -32768;"
    "PRAGMA wal_autocheckpoint = 4096;"
    "PRAGMA journal_size_limit = 67108864;";
/* clang-format on */

struct sqlite {
    struct idem_store base;
    sqlite3 *db;
    sqlite3_stmt *stmt[STATEMENTS];
    int64_t last_row;
    int64_t begun_row; /* last_row when the transaction began */
};

static struct sqlite *of(struct idem_store *s)
{
    return (struct sqlite *)s; /* base is the first member */
}

/* ------------------------------------------------------------------ results */

/*
 * A file system's quota or a process's file size limit look like I/O errors to SQLite. A failed
 * commit does not always pass the system's error on; then it is still in errno.
 */
static int from_io(sqlite3 *db)
{
    int os = sqlite3_system_errno(db) != 0 ? sqlite3_system_errno(db) : errno;
    return os == ENOSPC || os == EDQUOT || os == EFBIG ? IDEM_ERR_FULL : IDEM_ERR_IO;
}

static int result(sqlite3 *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return IDEM_OK;
    case SQLITE_FULL:
        return IDEM_ERR_FULL;
    case SQLITE_IOERR:
        return from_io(db);
    case SQLITE_NOMEM:
        return IDEM_ERR_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return IDEM_ERR_FORMAT;
    default:
        return IDEM_ERR_IO;
    }
}

/* Runs a bound statement that returns no rows, and makes it ready for the next time. */
static int run(struct sqlite *s, enum statement which)
{
    errno = 0;
    int rc = sqlite3_step(s->stmt[which]);
    int err = result(s->db, rc);
    sqlite3_reset(s->stmt[which]);
    return err;
}

static void bind_blob(sqlite3_stmt *st, int at, const void *bytes, size_t len)
{
    sqlite3_bind_blob(st, at, bytes, (int)len, SQLITE_STATIC);
}

/* A column that must be a blob of exactly len bytes. */
static int column_blob(sqlite3_stmt *st, int at, void *out, size_t len)
{
    const void *bytes = sqlite3_column_blob(st, at);
    if (bytes == NULL || (size_t)sqlite3_column_bytes(st, at) != len)
        return IDEM_ERR_FORMAT;
    memcpy(out, bytes, len);
    return IDEM_OK;
}

/* ------------------------------------------------------------------ transactions */

static const char *sqlite_why(struct idem_store *base)
{
    return sqlite3_errmsg(of(base)->db);
}

static int sqlite_begin(struct idem_store *base)
{
    of(base)->begun_row = of(base)->last_row;
    return run(of(base), BEGIN);
}

static int sqlite_commit(struct idem_store *base)
{
    return run(of(base), COMMIT);
}

static void sqlite_rollback(struct idem_store *base)
{
    struct sqlite *s = of(base);
    s->last_row = s->begun_row;
    if (!sqlite3_get_autocommit(s->db)) /* some failures roll back by themselves */
        run(s, ROLLBACK);
}

/* ------------------------------------------------------------------ people and profiles */

static int sqlite_organisation(struct idem_store *base, const char *name, int64_t *row)
{
    struct sqlite *s = of(base);
    sqlite3_stmt *st = s->stmt[ORGANISATION];

    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    int err = rc == SQLITE_DONE ? IDEM_ERR_NOT_FOUND : result(s->db, rc);
    if (err == 0)
        *row = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return err;
}

static int sqlite_person_add(struct idem_store *base, int64_t organisation, const uint8_t *person,
                             int64_t now_ms)
{
    sqlite3_stmt *st = of(base)->stmt[PERSON_ADD];
    sqlite3_bind_int64(st, 1, organisation);
    bind_blob(st, 2, person, IDEM_ID_BYTES);
    sqlite3_bind_int64(st, 3, now_ms - now_ms % HOUR_MS);
    return run(of(base), PERSON_ADD);
}

static int sqlite_person_find(struct idem_store *base, int64_t organisation, const uint8_t *person)
{
    struct sqlite *s = of(base);
    sqlite3_stmt *st = s->stmt[PERSON_FIND];

    sqlite3_bind_int64(st, 1, organisation);
    bind_blob(st, 2, person, IDEM_ID_BYTES);
    int rc = sqlite3_step(st);
    int err = rc == SQLITE_DONE ? IDEM_ERR_NOT_FOUND : result(s->db, rc);
    sqlite3_reset(st);
    return err;
}

static int sqlite_person_count(struct idem_store *base, int64_t *count)
{
    struct sqlite *s = of(base);
    sqlite3_stmt *st = s->stmt[PERSON_COUNT];
    int err = result(s->db, sqlite3_step(st));
    if (err == 0)
        *count = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return err;
}

static int sqlite_profile_put(struct idem_store *base, const struct idem_store_profile *p)
{
    sqlite3_stmt *st = of(base)->stmt[PROFILE_PUT];
    sqlite3_bind_int64(st, 1, p->organisation);
    bind_blob(st, 2, p->person, IDEM_ID_BYTES);
    sqlite3_bind_int(st, 3, p->device_class);
    sqlite3_bind_int(st, 4, p->modality);
    sqlite3_bind_int64(st, 5, (int64_t)p->front);
    bind_blob(st, 6, p->bytes, p->len);
    sqlite3_bind_int64(st, 7, p->learned_ms - p->learned_ms % HOUR_MS);
    sqlite3_bind_int64(st, 8, p->day);
    sqlite3_bind_double(st, 9, p->day_strokes);
    sqlite3_bind_int64(st, 10, p->until_row);
    return run(of(base), PROFILE_PUT);
}

static int give_profile(sqlite3_stmt *st, struct idem_store_profile *p, idem_store_profile_fn *fn,
                        void *arg)
{
    p->device_class = (uint8_t)sqlite3_column_int(st, 0);
    p->modality = (uint8_t)sqlite3_column_int(st, 1);
    p->front = (uint64_t)sqlite3_column_int64(st, 2);
    p->bytes = sqlite3_column_blob(st, 3);
    p->len = (size_t)sqlite3_column_bytes(st, 3);
    p->learned_ms = sqlite3_column_int64(st, 4);
    p->day = sqlite3_column_int64(st, 5);
    p->day_strokes = sqlite3_column_double(st, 6);
    p->until_row = sqlite3_column_int64(st, 7);
    return p->len > IDEM_STORE_PROFILE_MAX ? IDEM_ERR_FORMAT : fn(arg, p);
}

static int sqlite_profiles(struct idem_store *base, int64_t organisation, const uint8_t *person,
                           idem_store_profile_fn *fn, void *arg)
{
    struct sqlite *s = of(base);
    sqlite3_stmt *st = s->stmt[PROFILES];
    struct idem_store_profile p = {.organisation = organisation};
    int rc, err = IDEM_OK;

    memcpy(p.person, person, IDEM_ID_BYTES);
    sqlite3_bind_int64(st, 1, organisation);
    bind_blob(st, 2, person, IDEM_ID_BYTES);
    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        err = result(s->db, rc);
        if (err == 0)
            err = give_profile(st, &p, fn, arg);
    }
    sqlite3_reset(st);
    return err;
}

/* ------------------------------------------------------------------ sessions */

static int sqlite_session_add(struct idem_store *base, struct idem_store_session *x)
{
    struct sqlite *s = of(base);
    sqlite3_stmt *seat = s->stmt[SEAT_ADD], *st = s->stmt[SESSION_ADD];

    sqlite3_bind_int64(seat, 1, x->organisation);
    sqlite3_bind_text(seat, 2, x->seat, -1, SQLITE_STATIC);
    int err = run(s, SEAT_ADD);
    if (err != 0)
        return err;
    sqlite3_bind_int64(st, 1, x->organisation);
    bind_blob(st, 2, x->id, IDEM_ID_BYTES);
    bind_blob(st, 3, x->person, IDEM_ID_BYTES);
    sqlite3_bind_text(st, 4, x->seat, -1, SQLITE_STATIC);
    sqlite3_bind_int(st, 5, x->device_class);
    bind_blob(st, 6, x->token_hash, IDEM_HASH_BYTES);
    sqlite3_bind_int(st, 7, x->test_clock);
    sqlite3_bind_int64(st, 8, x->opened_ms);
    err = run(s, SESSION_ADD);
    if (err == 0)
        x->row = sqlite3_last_insert_rowid(s->db);
    return err;
}

static int sqlite_session_lock(struct idem_store *base, int64_t row, bool locked,
                               int64_t unlock_row)
{
    sqlite3_stmt *st = of(base)->stmt[SESSION_LOCK];
    sqlite3_bind_int64(st, 1, row);
    sqlite3_bind_int(st, 2, locked);
    sqlite3_bind_int64(st, 3, unlock_row);
    return run(of(base), SESSION_LOCK);
}

static int sqlite_session_close(struct idem_store *base, int64_t row, int64_t closed_ms)
{
    sqlite3_stmt *st = of(base)->stmt[SESSION_CLOSE];
    sqlite3_bind_int64(st, 1, row);
    sqlite3_bind_int64(st, 2, closed_ms);
    return run(of(base), SESSION_CLOSE);
}

static int get_session(sqlite3_stmt *st, struct idem_store_session *x)
{
    const char *seat = (const char *)sqlite3_column_text(st, 4);
    int err;

    memset(x, 0, sizeof *x);
    x->row = sqlite3_column_int64(st, 0);
    x->organisation = sqlite3_column_int64(st, 1);
    if ((err = column_blob(st, 2, x->id, sizeof x->id)) != 0 ||
        (err = column_blob(st, 3, x->person, sizeof x->person)) != 0 ||
        (err = column_blob(st, 6, x->token_hash, sizeof x->token_hash)) != 0)
        return err;
    if (seat == NULL || strlen(seat) > IDEM_STORE_NAME_MAX)
        return IDEM_ERR_FORMAT;
    snprintf(x->seat, sizeof x->seat, "%s", seat);
    x->device_class = (uint8_t)sqlite3_column_int(st, 5);
    x->test_clock = sqlite3_column_int(st, 7) != 0;
    x->locked = sqlite3_column_int(st, 8) != 0;
    x->opened_ms = sqlite3_column_int64(st, 9);
    x->unlock_row = sqlite3_column_int64(st, 10);
    return IDEM_OK;
}

static int sqlite_sessions_open(struct idem_store *base, idem_store_session_fn *fn, void *arg)
{
    struct sqlite *s = of(base);
    sqlite3_stmt *st = s->stmt[SESSIONS_OPEN];
    struct idem_store_session session;
    int rc, err = IDEM_OK;

    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        if ((err = result(s->db, rc)) == 0 && (err = get_session(st, &session)) == 0)
            err = fn(arg, &session);
    }
    sqlite3_reset(st);
    return err;
}

static int sqlite_sessions_forget(struct idem_store *base, int64_t before_ms)
{
    sqlite3_bind_int64(of(base)->stmt[SESSIONS_FORGET], 1, before_ms);
    return run(of(base), SESSIONS_FORGET);
}

/* ------------------------------------------------------------------ windows */

static int sqlite_window_add(struct idem_store *base, struct idem_store_window *w)
{
    struct sqlite *s = of(base);
    sqlite3_stmt *st = s->stmt[WINDOW_ADD];

    sqlite3_bind_int64(st, 1, s->last_row + 1);
    sqlite3_bind_int64(st, 2, w->organisation);
    sqlite3_bind_int64(st, 3, w->session);
    sqlite3_bind_int64(st, 4, w->previous);
    sqlite3_bind_int64(st, 5, w->seq);
    sqlite3_bind_int64(st, 6, w->received_ms);
    bind_blob(st, 7, w->payload, w->len);
    int err = run(s, WINDOW_ADD);
    if (err == 0)
        w->row = ++s->last_row;
    return err;
}

static int get_window(sqlite3_stmt *st, struct idem_store_window *w)
{
    w->row = sqlite3_column_int64(st, 0);
    w->organisation = sqlite3_column_int64(st, 1);
    w->session = sqlite3_column_int64(st, 2);
    w->previous = sqlite3_column_int64(st, 3);
    w->seq = (uint32_t)sqlite3_column_int64(st, 4);
    w->received_ms = sqlite3_column_int64(st, 5);
    w->payload = sqlite3_column_blob(st, 6);
    w->len = (size_t)sqlite3_column_bytes(st, 6);
    return w->payload == NULL || w->len > IDEM_STORE_PAYLOAD_MAX ? IDEM_ERR_FORMAT : IDEM_OK;
}

static int sqlite_windows(struct idem_store *base, idem_store_window_fn *fn, void *arg)
{
    struct sqlite *s = of(base);
    sqlite3_stmt *st = s->stmt[WINDOWS];
    struct idem_store_window w;
    int rc, err = IDEM_OK;

    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        if ((err = result(s->db, rc)) == 0 && (err = get_window(st, &w)) == 0)
            err = fn(arg, &w);
    }
    sqlite3_reset(st);
    return err;
}

/* Calls fn with one row, then resets: fn may not keep anything. */
static int one_window(struct sqlite *s, int64_t row, idem_store_window_fn *fn, void *arg,
                      int64_t *previous)
{
    sqlite3_stmt *st = s->stmt[WINDOW_GET];
    struct idem_store_window w;

    sqlite3_bind_int64(st, 1, row);
    int rc = sqlite3_step(st);
    int err = rc == SQLITE_DONE ? IDEM_ERR_NOT_FOUND : result(s->db, rc);
    if (err == 0 && (err = get_window(st, &w)) == 0) {
        if (w.previous >= row)
            err = IDEM_ERR_FORMAT; /* the chain must fall, or it might not end */
        else
            err = fn(arg, &w);
        *previous = w.previous;
    }
    sqlite3_reset(st);
    return err;
}

static int sqlite_session_windows(struct idem_store *base, int64_t last, idem_store_window_fn *fn,
                                  void *arg)
{
    int err = IDEM_OK;
    while (err == 0 && last != 0)
        err = one_window(of(base), last, fn, arg, &last);
    return err;
}

static int drop_nothing(void *arg, const struct idem_store_window *w)
{
    (void)arg;
    (void)w;
    return IDEM_OK;
}

static int sqlite_session_windows_drop(struct idem_store *base, int64_t last)
{
    struct sqlite *s = of(base);
    int err = IDEM_OK;

    while (err == 0 && last != 0) {
        int64_t row = last;
        err = one_window(s, row, drop_nothing, NULL, &last);
        sqlite3_bind_int64(s->stmt[WINDOW_DROP], 1, row);
        if (err == 0)
            err = run(s, WINDOW_DROP);
    }
    return err;
}

static int64_t sqlite_last_row(const struct idem_store *base)
{
    return ((const struct sqlite *)base)->last_row;
}

/* ------------------------------------------------------------------ opening and closing */

static void sqlite_close(struct idem_store *base)
{
    struct sqlite *s = of(base);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(s->stmt[i]);
    sqlite3_close(s->db);
    free(s);
}

static const struct idem_store_ops sqlite_ops = {
    .close = sqlite_close,
    .why = sqlite_why,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .organisation = sqlite_organisation,
    .person_add = sqlite_person_add,
    .person_find = sqlite_person_find,
    .person_count = sqlite_person_count,
    .profile_put = sqlite_profile_put,
    .profiles = sqlite_profiles,
    .session_add = sqlite_session_add,
    .session_lock = sqlite_session_lock,
    .session_close = sqlite_session_close,
    .sessions_open = sqlite_sessions_open,
    .sessions_forget = sqlite_sessions_forget,
    .window_add = sqlite_window_add,
    .windows = sqlite_windows,
    .session_windows = sqlite_session_windows,
    .session_windows_drop = sqlite_session_windows_drop,
    .last_row = sqlite_last_row,
};

/* A single integer that the data base answers to a query. */
static int ask(sqlite3 *db, const char *query, int64_t *out)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(db, query, -1, &st, NULL);
    if (rc != SQLITE_OK)
        return result(db, rc);
    rc = sqlite3_step(st);
    int err = rc == SQLITE_ROW ? IDEM_OK : rc == SQLITE_DONE ? IDEM_ERR_FORMAT : result(db, rc);
    if (err == 0)
        *out = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return err;
}

static int create(sqlite3 *db)
{
    char mark[96];

    snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
             IDEM_SCHEMA_APPLICATION, IDEM_SCHEMA_VERSION);
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, idem_schema, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, mark, NULL, NULL, NULL);
    return result(db, rc);
}

/* Makes the tables in an empty file, accepts our own, refuses everything else. */
static int check_schema(sqlite3 *db, const char **why)
{
    int64_t version = 0, application = 0, tables = 0;
    int err;

    if ((err = ask(db, "PRAGMA user_version", &version)) != 0 ||
        (err = ask(db, "PRAGMA application_id", &application)) != 0 ||
        (err = ask(db, "SELECT count(*) FROM sqlite_master", &tables)) != 0)
        return err;
    if (version == 0 && application == 0 && tables == 0)
        return create(db);
    if (application != IDEM_SCHEMA_APPLICATION) {
        *why = "the file is a data base of another program";
        return IDEM_ERR_FORMAT;
    }
    if (version != IDEM_SCHEMA_VERSION) {
        *why = "the data base was written by a newer version";
        return IDEM_ERR_VERSION;
    }
    return IDEM_OK;
}

static int prepare_all(struct sqlite *s)
{
    for (int i = 0; i < STATEMENTS; i++) {
        int rc =
            sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[i], NULL);
        if (rc != SQLITE_OK)
            return result(s->db, rc);
    }
    return ask(s->db,
               "SELECT max(coalesce((SELECT max(row) FROM windows), 0),"
               " coalesce((SELECT max(until_row) FROM profiles), 0),"
               " coalesce((SELECT max(unlock_row) FROM sessions), 0))",
               &s->last_row);
}

int idem_store_sqlite_open(const char *path, struct idem_store **out, const char **why)
{
    const char *ignored;
    struct sqlite *s = calloc(1, sizeof *s);
    int err = IDEM_ERR_NOMEM;

    why = why != NULL ? why : &ignored;
    *why = "the data base cannot be opened";
    if (s == NULL)
        return err;
    s->base.ops = &sqlite_ops;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(path, &s->db, flags, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(s->db, 2000); /* somebody with the sqlite3 shell */
        rc = sqlite3_exec(s->db, set_up, NULL, NULL, NULL);
    }
    err = result(s->db, rc);
    if (err != 0 || (err = check_schema(s->db, why)) != 0 || (err = prepare_all(s)) != 0) {
        sqlite_close(&s->base);
        return err;
    }
    *out = &s->base;
    return IDEM_OK;
}
