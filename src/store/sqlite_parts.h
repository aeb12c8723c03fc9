/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_parts.h - the SQLite store from the inside, for the files that are it: sqlite.c (opening,
 * transactions, results), sqlite_people.c, sqlite_sessions.c, sqlite_windows.c, sqlite_alarms.c.
 */
#ifndef IDEM_STORE_SQLITE_PARTS_H
#define IDEM_STORE_SQLITE_PARTS_H

#include "store/audit.h"
#include "store/store.h"

#include "store/privacy.h"

#include <sqlite3.h>

enum { IDEM_HOUR_MS = 3600 * 1000, IDEM_SQLITE_BUSY_MS = 2000 };

/* clang-format off */
enum idem_statement {
    SQL_BEGIN, SQL_COMMIT, SQL_ROLLBACK, SQL_ORGANISATION, SQL_ORGANISATIONS, SQL_ORGANISATION_ADD, SQL_PERSON_ADD, SQL_PERSON_FIND,
    SQL_PERSON_COUNT, SQL_PROFILE_PUT, SQL_PROFILES, SQL_SKETCH_PUT, SQL_SKETCHES, SQL_SEAT_ADD, SQL_PERSON_JOB, SQL_SESSION_ADD,
    SQL_SESSION_LOCK, SQL_SESSION_START, SQL_SESSION_DECIDED, SQL_SESSION_CLOSE, SQL_SESSION_SETTLE, SQL_SESSIONS_OPEN, SQL_WINDOW_ADD,
    SQL_WINDOWS, SQL_WINDOW_GET, SQL_WINDOW_DROP, SQL_ALARM_ADD, SQL_ALARMS, SQL_ALARMS_CLEAR,
    SQL_ALARMS_ROUND, SQL_NAME_PUT, SQL_NAME_GET,
    SQL_BINDING_PUT, SQL_BINDING_DROP, SQL_BINDINGS_END, SQL_BINDINGS,
    SQL_BINDINGS_TRIM, SQL_BINDINGS_END_KEY,
    SQL_ACKNOWLEDGEMENT_PUT, SQL_ACKNOWLEDGEMENT_GET,
    SQL_ACKNOWLEDGEMENT_DROP, SQL_STATEMENTS
};
/* clang-format on */

enum { IDEM_SQLITE_SEAT_STATEMENTS = 19 };

struct idem_sqlite {
    struct idem_store base;
    sqlite3 *db;
    sqlite3_stmt *stmt[SQL_STATEMENTS];
    sqlite3_stmt *seat_stmt[IDEM_SQLITE_SEAT_STATEMENTS];
    int64_t last_row;
    int64_t begun_row; /* last_row when the transaction began */
    struct idem_chain *logs[IDEM_AUDIT_LOGS];
    bool unsure; /* idem_sqlite_fold's */
};

static inline struct idem_sqlite *idem_sqlite_of(struct idem_store *s)
{
    return (struct idem_sqlite *)s; /* base is the first member */
}

/* sqlite_privacy.c */
extern const struct idem_store_privacy_ops idem_sqlite_privacy_ops;

/* An IDEM_ERR_* for a result code. */
int idem_sqlite_result(sqlite3 *db, int rc);
/* Runs a bound statement that returns no rows, and makes it ready for the next time. */
int idem_sqlite_run(struct idem_sqlite *s, enum idem_statement which);
int idem_sqlite_step(struct idem_sqlite *s, sqlite3_stmt *st);
void idem_sqlite_bind(sqlite3_stmt *st, int at, const void *bytes, size_t len);
/* A column that must be a blob of exactly len bytes. */
int idem_sqlite_blob(sqlite3_stmt *st, int at, void *out, size_t len);

/* sqlite_log.c: what the log of any data base holds is on the disk afterwards. An SQLITE_* code. */
int idem_sqlite_settle_log(sqlite3 *db);
/* Folds the log back into the data base, in place of sqlite3_wal_checkpoint_v2. *unsure: the
 * connection's own, false at first; true after a failure, until what it left is settled. */
int idem_sqlite_fold(sqlite3 *db, int mode, bool *unsure);
void idem_sqlite_close_unsure(sqlite3 *db, bool unsure);
/* sqlite_seats.c: seats that somebody only named, once no session is left that was on them. Inside
 * the transaction in which sessions went: such a name may be a person's. */
int idem_sqlite_seats_forget(sqlite3 *db);
/* sqlite_audit.c */
int idem_sqlite_audit_open(struct idem_sqlite *s);
void idem_sqlite_audit_close(struct idem_sqlite *s);
void idem_sqlite_audit_begin(struct idem_sqlite *s);
void idem_sqlite_audit_rollback(struct idem_sqlite *s);

/* The functions of store.h's table. */
int idem_sqlite_organisation(struct idem_store *base, const char *name, int64_t *row);
int idem_sqlite_organisations(struct idem_store *base, idem_store_organisation_fn *fn, void *arg);
int idem_sqlite_organisation_add(struct idem_store *base, const char *name, int64_t *row);
int idem_sqlite_person_add(struct idem_store *base, int64_t organisation, const uint8_t *person,
                           const uint8_t *key_id, const char *job, int64_t now_ms);
int idem_sqlite_person_find(struct idem_store *base, int64_t organisation, const uint8_t *person);
int idem_sqlite_person_count(struct idem_store *base, int64_t *count);
int idem_sqlite_profile_put(struct idem_store *base, const struct idem_store_profile *p);
int idem_sqlite_profiles(struct idem_store *base, int64_t organisation, const uint8_t *person,
                         idem_store_profile_fn *fn, void *arg);
int idem_sqlite_sketch_put(struct idem_store *base, const struct idem_store_sketch *x);
int idem_sqlite_sketches(struct idem_store *base, int64_t organisation, const uint8_t *person,
                         idem_store_sketch_fn *fn, void *arg);
int idem_sqlite_session_add(struct idem_store *base, struct idem_store_session *x);
int idem_sqlite_session_lock(struct idem_store *base, int64_t row, bool locked, int64_t unlock_row);
int idem_sqlite_session_decided(struct idem_store *base, int64_t row, int64_t decided_row);
int idem_sqlite_session_start(struct idem_store *base, int64_t row, uint8_t start,
                              int64_t start_row);
int idem_sqlite_session_close(struct idem_store *base, int64_t row, int64_t closed_ms);
int idem_sqlite_sessions_open(struct idem_store *base, idem_store_session_fn *fn, void *arg);
int idem_sqlite_window_add(struct idem_store *base, struct idem_store_window *w);
int idem_sqlite_windows(struct idem_store *base, idem_store_window_fn *fn, void *arg);
int idem_sqlite_session_windows(struct idem_store *base, int64_t last, idem_store_window_fn *fn,
                                void *arg);
int idem_sqlite_session_windows_drop(struct idem_store *base, int64_t last);
int64_t idem_sqlite_last_row(const struct idem_store *base);
int idem_sqlite_alarm_add(struct idem_store *base, struct idem_store_alarm *a);
int idem_sqlite_alarms(struct idem_store *base, idem_store_alarm_fn *fn, void *arg);
int idem_sqlite_alarms_clear(struct idem_store *base, int64_t session);

/* sqlite_seats.c: the functions of seats.h, with statements of their own. */
int idem_sqlite_seats_open(struct idem_sqlite *s);
void idem_sqlite_seats_close(struct idem_sqlite *s);

#endif
