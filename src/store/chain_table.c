/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain_table.c - a log in an SQLite table; see chain.h. The head is kept in memory: adding a line
 * is one hash and one insertion. A line that is already there under the next number (somebody wrote
 * into the table meanwhile) makes the insertion fail, so that nobody's lines are ever passed over.
 */
#include "store/chain.h"

#include "store/sqlite_parts.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATEMENT_MAX = 256 };

/* clang-format off */
enum which { HEAD, ADD, READ, BEFORE, BODIES, BLANK_UNTIL, BLANK, SEARCH, ALL, STATEMENTS };

#define COLUMNS "seq, organisation, at_ms, salt, body, body_hash, hash"

/* @: the table. */
static const char *const sql[STATEMENTS] = {
    [HEAD] = "SELECT seq, hash FROM @ ORDER BY seq DESC LIMIT 1",
    [ADD] = "INSERT INTO @ (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [READ] = "SELECT " COLUMNS " FROM @ WHERE organisation IN (?1, ?2) AND seq > ?3"
        " ORDER BY seq LIMIT ?4",
    [BEFORE] = "SELECT coalesce((SELECT seq - 1 FROM @ WHERE at_ms BETWEEN ?1 AND ?2"
        " ORDER BY seq LIMIT 1), (SELECT max(seq) FROM @), 0)",
    [BODIES] = "SELECT count(*) FROM @ WHERE seq <= ?1 AND body IS NOT NULL",
    [BLANK_UNTIL] = "UPDATE @ SET body = NULL, salt = NULL WHERE seq <= ?1 AND body IS NOT NULL",
    [BLANK] = "UPDATE @ SET body = NULL, salt = NULL WHERE seq = ?1",
    [SEARCH] = "SELECT seq FROM @ WHERE organisation = ?1 AND seq > ?3 AND instr(body, ?2) > 0"
        " ORDER BY seq LIMIT ?4",
    [ALL] = "SELECT " COLUMNS " FROM @ ORDER BY seq",
};
/* clang-format on */

struct idem_chain {
    sqlite3 *db;
    sqlite3_stmt *st[STATEMENTS];
    char log[IDEM_CHAIN_NAME_MAX + 1];
    struct idem_chain_head head, begun;
};

/* ------------------------------------------------------------------ statements */

/* The name becomes part of a statement. */
static int check_name(const char *log)
{
    size_t len = strspn(log, "abcdefghijklmnopqrstuvwxyz_");
    return len > 0 && len <= IDEM_CHAIN_NAME_MAX && log[len] == '\0' ? IDEM_OK : IDEM_ERR_INVALID;
}

static int prepare(sqlite3 *db, const char *log, enum which which, sqlite3_stmt **out)
{
    char text[STATEMENT_MAX];
    size_t len = 0;

    for (const char *from = sql[which]; *from != '\0'; from++) {
        const char piece[2] = {*from, '\0'};
        int n = snprintf(text + len, sizeof text - len, "%s", *from == '@' ? log : piece);
        if ((len += (size_t)n) >= sizeof text)
            return IDEM_ERR_LIMIT;
    }
    int rc = sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    return idem_sqlite_result(db, rc);
}

/* Runs a bound statement that returns no rows. */
static int run(struct idem_chain *c, enum which which)
{
    int rc = sqlite3_step(c->st[which]);
    int err = idem_sqlite_result(c->db, rc);
    sqlite3_reset(c->st[which]);
    return err;
}

/* One that returns a number. */
static int ask(struct idem_chain *c, enum which which, int64_t arg, int64_t *out)
{
    sqlite3_stmt *st = c->st[which];

    sqlite3_bind_int64(st, 1, arg);
    int rc = sqlite3_step(st);
    int err = rc == SQLITE_DONE ? IDEM_ERR_FORMAT : idem_sqlite_result(c->db, rc);
    if (err == 0)
        *out = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return err;
}

static int read_head(struct idem_chain *c)
{
    sqlite3_stmt *st = c->st[HEAD];

    idem_chain_origin(c->log, &c->head);
    int rc = sqlite3_step(st);
    int err = idem_sqlite_result(c->db, rc);
    if (rc == SQLITE_ROW) {
        c->head.seq = sqlite3_column_int64(st, 0);
        err = idem_sqlite_blob(st, 1, c->head.hash, sizeof c->head.hash);
    }
    sqlite3_reset(st);
    return err;
}

int idem_chain_open(struct sqlite3 *db, const char *log, struct idem_chain **out)
{
    struct idem_chain *c = NULL;
    int err = check_name(log);

    if (err == 0 && (c = calloc(1, sizeof *c)) == NULL)
        err = IDEM_ERR_NOMEM;
    if (err != 0)
        return err;
    c->db = db;
    snprintf(c->log, sizeof c->log, "%s", log);
    for (enum which i = 0; i < STATEMENTS && err == 0; i++)
        err = prepare(db, log, i, &c->st[i]);
    if (err == 0)
        err = read_head(c);
    if (err != 0) {
        idem_chain_close(c);
        return err;
    }
    c->begun = c->head;
    *out = c;
    return IDEM_OK;
}

void idem_chain_close(struct idem_chain *chain)
{
    if (chain == NULL)
        return;
    for (enum which i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(chain->st[i]);
    free(chain);
}

/* ------------------------------------------------------------------ adding */

void idem_chain_begin(struct idem_chain *chain)
{
    chain->begun = chain->head;
}

void idem_chain_rollback(struct idem_chain *chain)
{
    chain->head = chain->begun;
}

struct idem_chain_head idem_chain_head(const struct idem_chain *chain)
{
    return chain->head;
}

static int insert(struct idem_chain *c, const struct idem_chain_line *line)
{
    sqlite3_stmt *st = c->st[ADD];

    sqlite3_bind_int64(st, 1, line->seq);
    sqlite3_bind_int64(st, 2, line->organisation);
    sqlite3_bind_int64(st, 3, line->at_ms);
    idem_sqlite_bind(st, 4, line->salt, sizeof line->salt);
    sqlite3_bind_text(st, 5, line->body, (int)line->len, SQLITE_STATIC);
    idem_sqlite_bind(st, 6, line->body_hash, sizeof line->body_hash);
    idem_sqlite_bind(st, 7, line->hash, sizeof line->hash);
    return run(c, ADD);
}

int idem_chain_add(struct idem_chain *chain, int64_t organisation, int64_t at_ms, const char *body,
                   size_t len, int64_t *seq)
{
    struct idem_chain_line line = {.seq = chain->head.seq + 1,
                                   .organisation = organisation,
                                   .at_ms = at_ms,
                                   .body = body,
                                   .len = len};
    if (len > IDEM_CHAIN_BODY_MAX)
        return IDEM_ERR_LIMIT;
    randombytes_buf(line.salt, sizeof line.salt);
    idem_chain_body_hash(line.salt, body, len, line.body_hash);
    idem_chain_link(&chain->head, &line);
    int err = insert(chain, &line);
    if (err != 0)
        return err;
    chain->head.seq = line.seq;
    memcpy(chain->head.hash, line.hash, sizeof line.hash);
    if (seq != NULL)
        *seq = line.seq;
    return IDEM_OK;
}

/* ------------------------------------------------------------------ reading */

static int get_line(sqlite3_stmt *st, struct idem_chain_line *line)
{
    int err;

    memset(line, 0, sizeof *line);
    line->seq = sqlite3_column_int64(st, 0);
    line->organisation = sqlite3_column_int64(st, 1);
    line->at_ms = sqlite3_column_int64(st, 2);
    line->body = (const char *)sqlite3_column_text(st, 4);
    line->len = (size_t)sqlite3_column_bytes(st, 4);
    if (line->body != NULL && (err = idem_sqlite_blob(st, 3, line->salt, sizeof line->salt)) != 0)
        return err;
    if ((err = idem_sqlite_blob(st, 5, line->body_hash, sizeof line->body_hash)) != 0)
        return err;
    return idem_sqlite_blob(st, 6, line->hash, sizeof line->hash);
}

static int each(sqlite3 *db, sqlite3_stmt *st, idem_chain_fn *fn, void *arg)
{
    struct idem_chain_line line;
    int rc, err = IDEM_OK;

    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        if ((err = idem_sqlite_result(db, rc)) == 0 && (err = get_line(st, &line)) == 0)
            err = fn(arg, &line);
    }
    sqlite3_reset(st);
    return err;
}

int idem_chain_read(struct idem_chain *chain, int64_t organisation, bool own, int64_t after,
                    int limit, idem_chain_fn *fn, void *arg)
{
    sqlite3_stmt *st = chain->st[READ];

    sqlite3_bind_int64(st, 1, organisation);
    sqlite3_bind_int64(st, 2, own ? organisation : 0);
    sqlite3_bind_int64(st, 3, after);
    sqlite3_bind_int(st, 4, limit);
    return each(chain->db, st, fn, arg);
}

/* ------------------------------------------------------------------ blanking */

int idem_chain_before(struct idem_chain *chain, int64_t before_ms, int64_t now_ms, int64_t *seq)
{
    sqlite3_bind_int64(chain->st[BEFORE], 2, now_ms + 24 * IDEM_HOUR_MS);
    return ask(chain, BEFORE, before_ms, seq);
}

int idem_chain_bodies(struct idem_chain *chain, int64_t until, int64_t *count)
{
    return ask(chain, BODIES, until, count);
}

int idem_chain_blank_until(struct idem_chain *chain, int64_t until)
{
    sqlite3_bind_int64(chain->st[BLANK_UNTIL], 1, until);
    return run(chain, BLANK_UNTIL);
}

int idem_chain_blank(struct idem_chain *chain, int64_t seq)
{
    sqlite3_bind_int64(chain->st[BLANK], 1, seq);
    return run(chain, BLANK);
}

int idem_chain_search(struct idem_chain *chain, int64_t organisation, const char *text,
                      int64_t after, int limit, int64_t *seqs, int *count)
{
    sqlite3_stmt *st = chain->st[SEARCH];
    int rc, n = 0, err = IDEM_OK;

    sqlite3_bind_int64(st, 1, organisation);
    sqlite3_bind_text(st, 2, text, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 3, after);
    sqlite3_bind_int(st, 4, limit);
    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE)
        if ((err = idem_sqlite_result(chain->db, rc)) == 0 && n < limit)
            seqs[n++] = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    if (err == 0)
        *count = n;
    return err;
}

/* ------------------------------------------------------------------ checking */

static int check_one(void *arg, const struct idem_chain_line *line)
{
    return idem_chain_check_line(arg, line);
}

int idem_chain_each(struct sqlite3 *db, const char *log, idem_chain_fn *fn, void *arg)
{
    sqlite3_stmt *st = NULL;
    int err = check_name(log);

    if (err == 0)
        err = prepare(db, log, ALL, &st);
    if (err == 0)
        err = each(db, st, fn, arg);
    sqlite3_finalize(st);
    return err;
}

int idem_chain_check_table(struct sqlite3 *db, const char *log, struct idem_chain_check *check)
{
    int err = idem_chain_each(db, log, check_one, check);
    return err != 0 ? err : idem_chain_check_end(check);
}
