/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain.h - a log that nobody can change unseen: each line's hash covers the line before it.
 *
 *   body_hash = BLAKE2b-256(salt, body)
 *   hash      = BLAKE2b-256(hash of the line before, seq, time, organisation, body_hash)
 *
 * The first line's "hash before" is that of the log's name. Lines are numbered from 1 without gaps.
 * Whoever knows the hash of the last line (a head, store/head.h) knows all lines.
 *
 * A body can be blanked, when it has become too old or the person whom it is about is erased:
 * body and salt go, body_hash stays and the chain still holds. Without the salt nobody can try out
 * what a body might have said. A blanked line must be covered: a later line of the same log, signed
 * by the server (store/cover.h), names it.
 *
 *   case                                        what the check says
 *   a body, time or organisation was changed    the line's number
 *   a line was taken out, or put in             the first number that is not in its place
 *   a body was blanked without a cover          the line's number
 *   a cover that no server signed               the cover's number
 *   a cover by age of a line that was younger   both numbers
 *   the end is missing                          needs a head: which lines were there
 *   all hashes were computed anew               needs a head: up to which line it no longer fits
 *
 * chain.c is the arithmetic and the check, chain_table.c a log in an SQLite table of the form
 * IDEM_CHAIN_TABLE on any connection. One thread uses a chain.
 */
#ifndef IDEM_STORE_CHAIN_H
#define IDEM_STORE_CHAIN_H

#include "idem/idem.h"

enum {
    IDEM_CHAIN_HASH = 32,
    IDEM_CHAIN_SALT = 16,
    IDEM_CHAIN_BODY_MAX = 4096,
    IDEM_CHAIN_NAME_MAX = 16, /* of a log: lower-case letters */
    IDEM_CHAIN_RANGES_MAX = 1 << 20,
    IDEM_CHAIN_FAULT_MAX = 200,
};

/* The end of a log: its last line's number (0: none) and hash. */
struct idem_chain_head {
    int64_t seq;
    uint8_t hash[IDEM_CHAIN_HASH];
};

struct idem_chain_line {
    int64_t seq, organisation, at_ms;
    const char *body; /* JSON, not ended by a nought; NULL: blanked */
    size_t len;
    uint8_t salt[IDEM_CHAIN_SALT]; /* unless blanked */
    uint8_t body_hash[IDEM_CHAIN_HASH], hash[IDEM_CHAIN_HASH];
};

typedef int idem_chain_fn(void *arg, const struct idem_chain_line *line);

/* ------------------------------------------------------------------ arithmetic (chain.c) */

/* What the first line follows. */
void idem_chain_origin(const char *log, struct idem_chain_head *out);
void idem_chain_body_hash(const uint8_t salt[IDEM_CHAIN_SALT], const char *body, size_t len,
                          uint8_t out[IDEM_CHAIN_HASH]);
/* From the line's seq, time, organisation and body_hash; sets its hash. */
void idem_chain_link(const struct idem_chain_head *before, struct idem_chain_line *line);

/* ------------------------------------------------------------------ the check (chain.c) */

struct idem_chain_check;
struct idem_cover;

typedef void idem_chain_cover_fn(void *arg, int64_t seq, int64_t at_ms,
                                 const struct idem_cover *cover);

/* heads: what is known from outside, in any order; copied. */
int idem_chain_check_new(const char *log, const struct idem_chain_head *heads, size_t count,
                         struct idem_chain_check **out);
void idem_chain_check_free(struct idem_chain_check *check);
/* The public key (32 bytes) that covers must be signed with; without it every cover is a fault. */
void idem_chain_check_key(struct idem_chain_check *check, const uint8_t *public_key);
/* Told of every cover that holds. */
void idem_chain_check_covers(struct idem_chain_check *check, idem_chain_cover_fn *fn, void *arg);
/* Lines in order. IDEM_ERR_FORMAT: idem_chain_check_fault says what is wrong, and where. */
int idem_chain_check_line(struct idem_chain_check *check, const struct idem_chain_line *line);
/* After the last line: are all heads there, and is every blank covered? */
int idem_chain_check_end(struct idem_chain_check *check);
/* A sentence with the number of the line; "" while nothing was found. */
const char *idem_chain_check_fault(const struct idem_chain_check *check);
struct idem_chain_head idem_chain_check_head(const struct idem_chain_check *check);
int64_t idem_chain_check_blanked(const struct idem_chain_check *check);

/* ------------------------------------------------------------------ a table (chain_table.c) */

/* The statement that makes a log's table. log: a string literal. */
#define IDEM_CHAIN_TABLE(log)                                                                      \
    "CREATE TABLE " log " ("                                                                       \
    " seq INTEGER PRIMARY KEY,"                                                                    \
    " organisation INTEGER NOT NULL,"                                                              \
    " at_ms INTEGER NOT NULL,"                                                                     \
    " salt BLOB,"                                                                                  \
    " body TEXT,"                                                                                  \
    " body_hash BLOB NOT NULL,"                                                                    \
    " hash BLOB NOT NULL) STRICT;"                                                                 \
    "CREATE INDEX " log "_organisation ON " log " (organisation, seq);"

struct sqlite3;
struct idem_chain;

/* log: the table's name. Reads the head. The connection must outlive the chain. */
int idem_chain_open(struct sqlite3 *db, const char *log, struct idem_chain **out);
void idem_chain_close(struct idem_chain *chain);
/*
 * Within a transaction of the caller's. After BEGIN and before the first line: idem_chain_begin;
 * after ROLLBACK, or a failed COMMIT: idem_chain_rollback, which puts the head back.
 */
void idem_chain_begin(struct idem_chain *chain);
void idem_chain_rollback(struct idem_chain *chain);
/* IDEM_ERR_LIMIT: the body is too long. seq may be NULL. */
int idem_chain_add(struct idem_chain *chain, int64_t organisation, int64_t at_ms, const char *body,
                   size_t len, int64_t *seq);
struct idem_chain_head idem_chain_head(const struct idem_chain *chain);

/* Lines of one organisation, and of organisation 0 too when own is not set, behind number `after`,
 * at most limit. */
int idem_chain_read(struct idem_chain *chain, int64_t organisation, bool own, int64_t after,
                    int limit, idem_chain_fn *fn, void *arg);
/* The number of the last line before a time, 0: none. Lines of a time to come, from a clock that
 * was wrong for a while, do not hold it up. */
int idem_chain_before(struct idem_chain *chain, int64_t before_ms, int64_t now_ms, int64_t *seq);
/* How many bodies up to and including the number are still there. */
int idem_chain_bodies(struct idem_chain *chain, int64_t until, int64_t *count);
/* Blanks bodies up to and including the number. The caller adds the cover, in the transaction. */
int idem_chain_blank_until(struct idem_chain *chain, int64_t until);
int idem_chain_blank(struct idem_chain *chain, int64_t seq);
/* One organisation's lines whose body holds the text, oldest first, behind number `after`. */
int idem_chain_search(struct idem_chain *chain, int64_t organisation, const char *text,
                      int64_t after, int limit, int64_t *seqs, int *count);

/* All lines, oldest first, in one reading transaction of the connection's. */
int idem_chain_each(struct sqlite3 *db, const char *log, idem_chain_fn *fn, void *arg);
/* Runs the whole table through a check. */
int idem_chain_check_table(struct sqlite3 *db, const char *log, struct idem_chain_check *check);

#endif
