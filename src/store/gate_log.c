/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_log.c - see gate_log.h. One table, the chain's, and two indices over what its bodies say, so
 * that an auditor's question does not read them all. A commit is an append to the write-ahead log
 * and one fdatasync; folding the log back into the file is left for moments without requests.
 */
#include "store/gate_log.h"

#include "store/cover.h"
#include "store/sqlite_parts.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    APPLICATION = 0x69646567, /* "ideg" */
    VERSION = 1,
    TIDY_PAGES = 256, /* of the write-ahead log, worth a quiet moment */
    LOG_PAGES = 8192, /* and that are folded back, quiet or not */
};

#define HOUR_MS (INT64_C(3600) * 1000)

/* clang-format off */
static const char set_up[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cache_size = -16384;"
    "PRAGMA secure_delete = ON;"
    "PRAGMA wal_autocheckpoint = 0;"
    "PRAGMA journal_size_limit = 67108864;";
static const char schema[] =
    "BEGIN IMMEDIATE;"
    IDEM_CHAIN_TABLE(IDEM_GATE_LOG_NAME)
    "CREATE INDEX gate_resource ON gate (organisation, json_extract(body, '$.resource'), seq);"
    "CREATE INDEX gate_person ON gate (organisation, json_extract(body, '$.person'), seq);"
    "PRAGMA application_id = 1768187239; PRAGMA user_version = 1;"
    "COMMIT;";
_Static_assert(APPLICATION == 1768187239, "one number, written twice");

enum which { BY_RESOURCE, BY_PERSON, STATEMENTS };
static const char *const sql[STATEMENTS] = {
    [BY_RESOURCE] = "SELECT seq, at_ms, body FROM gate WHERE organisation = ?1"
        " AND json_extract(body, '$.resource') = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4",
    [BY_PERSON] = "SELECT seq, at_ms, body FROM gate WHERE organisation = ?1"
        " AND json_extract(body, '$.person') = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4",
};
/* clang-format on */

struct idem_gate_log {
    sqlite3 *db;
    struct idem_chain *chain; /* NULL: a reader */
    sqlite3_stmt *st[STATEMENTS];
    int pages;   /* in the write-ahead log */
    bool unsure; /* idem_sqlite_fold's */
};

/* ------------------------------------------------------------------ opening */

static int pragma(sqlite3 *db, const char *query, int64_t *out)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(db, query, -1, &st, NULL);
    int err = idem_sqlite_result(db, rc);

    if (err != 0)
        return err;
    rc = sqlite3_step(st);
    err = rc == SQLITE_ROW ? IDEM_OK : IDEM_ERR_FORMAT;
    if (err == 0)
        *out = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return err;
}

static int check_schema(sqlite3 *db, const char **why)
{
    int64_t version = 0, application = 0, tables = 0;
    int err;

    if ((err = pragma(db, "PRAGMA user_version", &version)) != 0 ||
        (err = pragma(db, "PRAGMA application_id", &application)) != 0 ||
        (err = pragma(db, "SELECT count(*) FROM sqlite_master", &tables)) != 0)
        return err;
    if (version == 0 && application == 0 && tables == 0)
        return idem_sqlite_result(db, sqlite3_exec(db, schema, NULL, NULL, NULL));
    *why = application != APPLICATION ? "the file is no record of a gate"
                                      : "the record was written by a newer version";
    return application != APPLICATION ? IDEM_ERR_FORMAT
           : version != VERSION       ? IDEM_ERR_VERSION
                                      : IDEM_OK;
}

static int prepare(struct idem_gate_log *log)
{
    int rc = SQLITE_OK;

    for (int i = 0; i < STATEMENTS && rc == SQLITE_OK; i++)
        rc = sqlite3_prepare_v3(log->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &log->st[i], NULL);
    return idem_sqlite_result(log->db, rc);
}

static int open_file(const char *path, int flags, struct idem_gate_log **out)
{
    struct idem_gate_log *log = calloc(1, sizeof *log);

    if (log == NULL)
        return IDEM_ERR_NOMEM;
    int rc = sqlite3_open_v2(path, &log->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(log->db, 2000);
    if (rc != SQLITE_OK) {
        int err = idem_sqlite_result(log->db, rc);
        idem_gate_log_close(log);
        return err;
    }
    *out = log;
    return IDEM_OK;
}

static int count_pages(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db, (void)name;
    ((struct idem_gate_log *)arg)->pages = pages;
    return SQLITE_OK;
}

int idem_gate_log_open(const char *path, struct idem_gate_log **out, const char **why)
{
    struct idem_gate_log *log = NULL;

    *why = "the gate's record cannot be opened";
    int err = open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &log);
    if (err != 0)
        return err;
    err = idem_sqlite_result(log->db, sqlite3_exec(log->db, set_up, NULL, NULL, NULL));
    if (err == 0) /* what a predecessor wrote and did not synchronise */
        err = idem_sqlite_result(log->db, idem_sqlite_settle_log(log->db));
    if (err != 0 || (err = check_schema(log->db, why)) != 0 || (err = prepare(log)) != 0 ||
        (err = idem_chain_open(log->db, IDEM_GATE_LOG_NAME, &log->chain)) != 0) {
        idem_gate_log_close(log);
        return err;
    }
    sqlite3_wal_hook(log->db, count_pages, log); /* after the schema: in place of SQLite's own */
    *out = log;
    return IDEM_OK;
}

int idem_gate_log_open_reader(const char *path, struct idem_gate_log **out)
{
    struct idem_gate_log *log = NULL;
    /* not READONLY: who reads beside a writer has to take part in the index of its log */
    int err = open_file(path, SQLITE_OPEN_READWRITE, &log);

    if (err != 0)
        return err;
    err = idem_sqlite_result(log->db,
                             sqlite3_exec(log->db, "PRAGMA query_only = ON;", NULL, NULL, NULL));
    if (err != 0 || (err = prepare(log)) != 0) {
        idem_gate_log_close(log);
        return err;
    }
    *out = log;
    return IDEM_OK;
}

void idem_gate_log_close(struct idem_gate_log *log)
{
    if (log == NULL)
        return;
    idem_chain_close(log->chain);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(log->st[i]);
    idem_sqlite_close_unsure(log->db, log->unsure);
    free(log);
}

const char *idem_gate_log_why(const struct idem_gate_log *log)
{
    return sqlite3_errmsg(log->db);
}

/* ------------------------------------------------------------------ writing */

static int execute(struct idem_gate_log *log, const char *statement)
{
    return idem_sqlite_result(log->db, sqlite3_exec(log->db, statement, NULL, NULL, NULL));
}

/* What a reader still needs stays in the log; the next time comes. */
static void fold(struct idem_gate_log *log, int how)
{
    idem_sqlite_fold(log->db, how, &log->unsure);
    log->pages = 0;
}

int idem_gate_log_begin(struct idem_gate_log *log)
{
    idem_chain_begin(log->chain); /* first: whoever cannot begin rolls back, too */
    return execute(log, "BEGIN IMMEDIATE");
}

int idem_gate_log_commit(struct idem_gate_log *log)
{
    return execute(log, "COMMIT");
}

void idem_gate_log_rollback(struct idem_gate_log *log)
{
    if (!sqlite3_get_autocommit(log->db))
        execute(log, "ROLLBACK");
    idem_chain_rollback(log->chain);
}

static json_t *text_of(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

static int body_of(const struct idem_gate_record *r, char *body, size_t size, size_t *len)
{
    json_t *j = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:o, s:I, s:I}", "action",
                          "gate.asked", "person", text_of(r->person), "session",
                          text_of(r->session), "actor", text_of(r->actor), "resource",
                          text_of(r->resource), "class", text_of(r->class), "answer", r->answer,
                          "cause", r->cause, "level", r->level, "policy", text_of(r->policy),
                          "line", (json_int_t)r->line, "count", (json_int_t)r->count);
    if (j == NULL)
        return IDEM_ERR_INVALID;
    *len = json_dumpb(j, body, size, JSON_COMPACT);
    json_decref(j);
    return *len == 0 || *len > size ? IDEM_ERR_LIMIT : IDEM_OK;
}

int idem_gate_log_add(struct idem_gate_log *log, const struct idem_gate_record *record,
                      int64_t *seq)
{
    char body[IDEM_GATE_BODY_MAX];
    size_t len = 0;
    int err = body_of(record, body, sizeof body, &len);

    return err != 0 ? err
                    : idem_chain_add(log->chain, record->organisation,
                                     record->at_ms - record->at_ms % HOUR_MS, body, len, seq);
}

struct idem_chain_head idem_gate_log_head(const struct idem_gate_log *log)
{
    return idem_chain_head(log->chain);
}

void idem_gate_log_tidy(struct idem_gate_log *log, bool quiet)
{
    if (log->pages >= (quiet ? TIDY_PAGES : LOG_PAGES))
        fold(log, SQLITE_CHECKPOINT_PASSIVE);
}

/* ------------------------------------------------------------------ reading */

static const char *word(const json_t *body, const char *name)
{
    return json_string_value(json_object_get(body, name));
}

static int give(sqlite3_stmt *st, const struct idem_gate_search *search, idem_gate_record_fn *fn,
                void *arg)
{
    json_t *body = json_loadb((const char *)sqlite3_column_text(st, 2),
                              (size_t)sqlite3_column_bytes(st, 2), 0, NULL);
    const struct idem_gate_record r = {
        .seq = sqlite3_column_int64(st, 0),
        .organisation = search->organisation,
        .at_ms = sqlite3_column_int64(st, 1),
        .person = word(body, "person"),
        .session = word(body, "session"),
        .actor = word(body, "actor"),
        .resource = word(body, "resource"),
        .class = word(body, "class"),
        .answer = word(body, "answer"),
        .cause = word(body, "cause"),
        .level = word(body, "level"),
        .policy = word(body, "policy"),
        .line = (uint32_t)json_integer_value(json_object_get(body, "line")),
        .count = json_integer_value(json_object_get(body, "count")),
    };
    int err =
        r.answer == NULL || r.cause == NULL || r.level == NULL ? IDEM_ERR_FORMAT : fn(arg, &r);
    json_decref(body);
    return err;
}

int idem_gate_log_read(struct idem_gate_log *log, const struct idem_gate_search *search,
                       idem_gate_record_fn *fn, void *arg)
{
    const char *what = search->resource != NULL ? search->resource : search->person;
    sqlite3_stmt *st = log->st[search->resource != NULL ? BY_RESOURCE : BY_PERSON];
    int rc, err = IDEM_OK;

    sqlite3_bind_int64(st, 1, search->organisation);
    sqlite3_bind_text(st, 2, what, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 3, search->after);
    sqlite3_bind_int(st, 4, search->limit);
    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        err = idem_sqlite_result(log->db, rc);
        if (err == 0)
            err = give(st, search, fn, arg);
    }
    sqlite3_reset(st);
    return err;
}

/* ------------------------------------------------------------------ blanking */

static int add_cover(struct idem_gate_log *log, const struct idem_cover *cover, int64_t now_ms)
{
    const struct idem_cover_place place = {IDEM_GATE_LOG_NAME, idem_chain_head(log->chain),
                                           now_ms - now_ms % HOUR_MS};
    char body[IDEM_CHAIN_BODY_MAX];
    size_t len = idem_cover_body(&place, cover, body);

    return idem_chain_add(log->chain, 0, place.at_ms, body, len, NULL);
}

static int finish(struct idem_gate_log *log, int err)
{
    if (err == 0)
        err = idem_gate_log_commit(log);
    if (err != 0)
        idem_gate_log_rollback(log);
    return err;
}

int idem_gate_log_expire(struct idem_gate_log *log, int64_t before_ms, int64_t now_ms,
                         int64_t *removed)
{
    int64_t until = 0, count = 0;
    int err = idem_gate_log_begin(log);

    if (err == 0)
        err = idem_chain_before(log->chain, before_ms, now_ms, &until);
    if (err == 0)
        err = idem_chain_bodies(log->chain, until, &count);
    if (err == 0 && count > 0)
        err = idem_chain_blank_until(log->chain, until);
    if (err == 0 && count > 0) {
        const struct idem_cover cover = idem_cover_of_age(until, before_ms);
        err = add_cover(log, &cover, now_ms);
    }
    err = finish(log, err);
    if (err == 0 && count > 0)
        fold(log, SQLITE_CHECKPOINT_TRUNCATE); /* nor is it left in there */
    if (err == 0)
        *removed = count;
    return err;
}

enum { ERASE_AT_ONCE = IDEM_COVER_RANGES_MAX };

struct found {
    int64_t seqs[ERASE_AT_ONCE];
    int count;
};

static int note(void *arg, const struct idem_gate_record *record)
{
    struct found *found = arg;
    found->seqs[found->count++] = record->seq;
    return IDEM_OK;
}

/* At most ERASE_AT_ONCE lines, and the one that covers them. */
static int erase_some(struct idem_gate_log *log, const struct idem_gate_search *search,
                      int64_t now_ms, struct found *found)
{
    found->count = 0;
    int err = idem_gate_log_begin(log);
    if (err == 0)
        err = idem_gate_log_read(log, search, note, found);
    for (int i = 0; i < found->count && err == 0; i++)
        err = idem_chain_blank(log->chain, found->seqs[i]);
    if (err == 0 && found->count > 0) {
        const struct idem_cover cover = idem_cover_of_person(found->seqs, found->count);
        err = add_cover(log, &cover, now_ms);
    }
    return finish(log, err);
}

int idem_gate_log_erase(struct idem_gate_log *log, int64_t organisation, const char *person,
                        int64_t now_ms, int64_t *removed)
{
    const struct idem_gate_search search = {
        .organisation = organisation, .person = person, .limit = ERASE_AT_ONCE};
    struct found found;
    int64_t count = 0;
    int err;

    do {
        err = erase_some(log, &search, now_ms, &found);
        count += found.count;
    } while (err == 0 && found.count == ERASE_AT_ONCE);
    if (err == 0 && count > 0)
        fold(log, SQLITE_CHECKPOINT_TRUNCATE);
    if (err == 0)
        *removed = count;
    return err;
}
