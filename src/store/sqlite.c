/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite.c - the store over one SQLite file: write-ahead log, full synchronisation, statements
 * prepared once. A commit is one append to the log and one fdatasync, however many rows it holds:
 * that is the group commit. The log is folded back into the file every FOLD_PAGES pages.
 */
#include "store/access.h"
#include "store/acknowledgements.h"
#include "store/bindings.h"
#include "store/retention.h"
#include "store/schema.h"
#include "store/sqlite_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FOLD_PAGES = 4096 };

/* clang-format off */
#define WINDOW_COLUMNS "row, organisation, session, previous, seq, received_ms, payload"

static const char *const sql[SQL_STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_ORGANISATION] = "SELECT row FROM organisations WHERE name = ?1",
    [SQL_ORGANISATIONS] = "SELECT row, name FROM organisations ORDER BY row",
    [SQL_ORGANISATION_ADD] = "INSERT INTO organisations (name) VALUES (?1)",
    [SQL_PERSON_ADD] = "INSERT OR IGNORE INTO people (organisation, person, since_ms, key_id)"
        " VALUES (?1, ?2, ?3, ?4)",
    [SQL_PERSON_JOB] = "UPDATE people SET job = ?3 WHERE organisation = ?1 AND person = ?2"
        " AND job <> ?3",
    [SQL_PERSON_FIND] = "SELECT 1 FROM people WHERE organisation = ?1 AND person = ?2",
    [SQL_PERSON_COUNT] = "SELECT count(*) FROM people",
    [SQL_PROFILE_PUT] = "INSERT OR REPLACE INTO profiles (organisation, person, device_class,"
        " modality, front, bytes, learned_ms, day, day_strokes, until_row, anchor,"
        " sessions) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [SQL_PROFILES] = "SELECT device_class, modality, front, bytes, learned_ms, day, day_strokes,"
        " until_row, anchor, sessions FROM profiles WHERE organisation = ?1 AND person = ?2",
    [SQL_SKETCH_PUT] = "INSERT OR REPLACE INTO sketches (organisation, person, modality, front,"
        " bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
    [SQL_SKETCHES] = "SELECT person, modality, front, bytes FROM sketches"
        " WHERE organisation = ?1 AND (?2 IS NULL OR person = ?2)",
    [SQL_SEAT_ADD] = "INSERT INTO seats (organisation, name, site, country)"
        " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (organisation, name) DO UPDATE SET"
        " site = excluded.site, country = excluded.country WHERE public_key IS NULL"
        " AND (site <> excluded.site OR country <> excluded.country)",
    [SQL_SESSION_ADD] = "INSERT INTO sessions (organisation, id, person, seat, device_class,"
        " token_hash, test_clock, locked, unlock_row, opened_ms, kind, start, nonce,"
        " token_expires_ms, api_key) VALUES (?1, ?2, ?3, (SELECT row FROM seats"
        " WHERE organisation = ?1 AND name = ?4), ?5, ?6, ?7, 0, 0, ?8, ?9, ?10, ?11, ?12, ?13)",
    [SQL_SESSION_LOCK] = "UPDATE sessions SET locked = ?2, unlock_row = ?3 WHERE row = ?1",
    [SQL_SESSION_DECIDED] = "UPDATE sessions SET decided_row = ?2 WHERE row = ?1",
    [SQL_SESSION_START] = "UPDATE sessions SET start = ?2, start_row = ?3 WHERE row = ?1",
    /* Nothing remains that tells a moment, or how much there was. */
    [SQL_SESSION_CLOSE] = "UPDATE sessions SET closed_ms = ?2 - ?2 % 3600000,"
        " opened_ms = opened_ms - opened_ms % 3600000, unlock_row = 0, start_row = 0,"
        " decided_row = 0, renewals = 0, token_expires_ms = 0, token_hash = zeroblob(32),"
        " paused_from_ms = 0, paused_until_ms = 0, pause_row = 0, nonce = NULL WHERE row = ?1",
    [SQL_SESSION_SETTLE] = "UPDATE profiles SET until_row = 0 WHERE (organisation, person) ="
        " (SELECT organisation, person FROM sessions WHERE row = ?1) AND NOT EXISTS"
        " (SELECT 1 FROM sessions o WHERE o.organisation = profiles.organisation"
        " AND o.person = profiles.person AND o.closed_ms IS NULL)",
    [SQL_SESSIONS_OPEN] = "SELECT s.row, s.organisation, s.id, s.person, t.name, s.device_class,"
        " s.token_hash, s.test_clock, s.locked, s.opened_ms, s.unlock_row, s.kind, s.start,"
        " s.nonce, s.token_expires_ms, s.api_key, t.site, t.country, p.job,"
        " s.start_row, s.decided_row, s.seat, s.renewals, s.doubts, s.paused_from_ms,"
        " s.paused_until_ms, s.pause_row"
        " FROM sessions s JOIN seats t ON t.row = s.seat JOIN people p"
        " ON p.organisation = s.organisation AND p.person = s.person"
        " WHERE s.closed_ms IS NULL ORDER BY s.row",
    [SQL_ACKNOWLEDGEMENT_PUT] = "INSERT OR REPLACE INTO acknowledgements (organisation, person,"
        " version, country, hour_ms, asked) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_ACKNOWLEDGEMENT_GET] = "SELECT version, country, hour_ms, asked FROM acknowledgements"
        " WHERE organisation = ?1 AND person = ?2",
    [SQL_ACKNOWLEDGEMENT_DROP] = "DELETE FROM acknowledgements"
        " WHERE organisation = ?1 AND person = ?2",
    [SQL_WINDOW_ADD] = "INSERT INTO windows (" WINDOW_COLUMNS ")"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [SQL_WINDOWS] = "SELECT " WINDOW_COLUMNS " FROM windows ORDER BY row",
    [SQL_WINDOW_GET] = "SELECT " WINDOW_COLUMNS " FROM windows WHERE row = ?1",
    [SQL_WINDOW_DROP] = "DELETE FROM windows WHERE row = ?1",
    [SQL_ALARM_ADD] = "INSERT INTO alarms (organisation, session, seq, action, cleared, windows,"
        " window_row, received_ms, payload) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8)",
    [SQL_ALARMS] = "SELECT a.row, a.organisation, a.session, a.seq, a.action, a.cleared,"
        " a.windows, a.window_row, a.received_ms, a.payload FROM alarms a JOIN sessions s"
        " ON s.row = a.session WHERE s.closed_ms IS NULL ORDER BY a.row",
    [SQL_ALARMS_CLEAR] = "UPDATE alarms SET cleared = 1 WHERE session = ?1",
    [SQL_ALARMS_ROUND] = "UPDATE alarms SET received_ms = received_ms - received_ms % 3600000,"
        " windows = 0, window_row = 0 WHERE session = ?1",
    [SQL_NAME_PUT] = "INSERT OR IGNORE INTO names (organisation, person, sealed)"
        " VALUES (?1, ?2, ?3)",
    [SQL_NAME_GET] = "SELECT sealed FROM names WHERE organisation = ?1 AND person = ?2",
    [SQL_BINDING_PUT] = "INSERT OR REPLACE INTO bindings (organisation, cookie_hash, session,"
        " hour_ms, api_key, client) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_BINDING_DROP] = "DELETE FROM bindings WHERE organisation = ?1 AND cookie_hash = ?2",
    [SQL_BINDINGS_END] = "DELETE FROM bindings WHERE session = ?1",
    [SQL_BINDINGS_END_KEY] = "DELETE FROM bindings WHERE api_key = ?1",
    [SQL_BINDINGS] = "SELECT b.organisation, b.cookie_hash, b.session, b.hour_ms, b.api_key,"
        " b.client FROM bindings b JOIN sessions s ON s.row = b.session"
        " WHERE s.closed_ms IS NULL ORDER BY b.hour_ms, b.session",
    [SQL_BINDINGS_TRIM] = "DELETE FROM bindings WHERE (organisation, cookie_hash) IN (SELECT"
        " b.organisation, b.cookie_hash FROM bindings b JOIN sessions s ON s.row = b.session"
        " WHERE s.closed_ms IS NULL ORDER BY b.hour_ms DESC, b.session DESC LIMIT -1 OFFSET ?1)",
};
static const char set_up[] =
    "PRAGMA auto_vacuum = INCREMENTAL;" /* the file's size tells nothing of what was in it */
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA secure_delete = ON;" /* nor do free pages: rows that are gone cannot be counted */
    "PRAGMA cache_size = -32768;"
    "PRAGMA wal_autocheckpoint = 0;"
    "PRAGMA journal_size_limit = 67108864;";
/* clang-format on */

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

int idem_sqlite_result(sqlite3 *db, int rc)
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

int idem_sqlite_step(struct idem_sqlite *s, sqlite3_stmt *st)
{
    errno = 0;
    int rc = sqlite3_step(st);
    int err = idem_sqlite_result(s->db, rc);
    sqlite3_reset(st);
    return err;
}

int idem_sqlite_run(struct idem_sqlite *s, enum idem_statement which)
{
    return idem_sqlite_step(s, s->stmt[which]);
}

void idem_sqlite_bind(sqlite3_stmt *st, int at, const void *bytes, size_t len)
{
    sqlite3_bind_blob(st, at, bytes, (int)len, SQLITE_STATIC);
}

int idem_sqlite_blob(sqlite3_stmt *st, int at, void *out, size_t len)
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
    return sqlite3_errmsg(idem_sqlite_of(base)->db);
}

static int sqlite_begin(struct idem_store *base)
{
    idem_sqlite_of(base)->begun_row = idem_sqlite_of(base)->last_row;
    idem_sqlite_audit_begin(idem_sqlite_of(base));
    return idem_sqlite_run(idem_sqlite_of(base), SQL_BEGIN);
}

static int sqlite_commit(struct idem_store *base)
{
    return idem_sqlite_run(idem_sqlite_of(base), SQL_COMMIT);
}

static void sqlite_rollback(struct idem_store *base)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    s->last_row = s->begun_row;
    idem_sqlite_audit_rollback(s);
    if (!sqlite3_get_autocommit(s->db)) /* some failures roll back by themselves */
        idem_sqlite_run(s, SQL_ROLLBACK);
}

/* ------------------------------------------------------------------ opening and closing */

static void sqlite_close(struct idem_store *base)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    idem_sqlite_audit_close(s);
    for (int i = 0; i < SQL_STATEMENTS; i++)
        sqlite3_finalize(s->stmt[i]);
    idem_sqlite_seats_close(s);
    idem_sqlite_close_unsure(s->db, s->unsure);
    free(s);
}

static const struct idem_store_ops sqlite_ops = {
    .close = sqlite_close,
    .why = sqlite_why,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .organisation = idem_sqlite_organisation,
    .organisations = idem_sqlite_organisations,
    .organisation_add = idem_sqlite_organisation_add,
    .person_add = idem_sqlite_person_add,
    .person_find = idem_sqlite_person_find,
    .person_count = idem_sqlite_person_count,
    .profile_put = idem_sqlite_profile_put,
    .profiles = idem_sqlite_profiles,
    .sketch_put = idem_sqlite_sketch_put,
    .sketches = idem_sqlite_sketches,
    .session_add = idem_sqlite_session_add,
    .session_lock = idem_sqlite_session_lock,
    .session_start = idem_sqlite_session_start,
    .session_decided = idem_sqlite_session_decided,
    .session_close = idem_sqlite_session_close,
    .sessions_open = idem_sqlite_sessions_open,
    .window_add = idem_sqlite_window_add,
    .windows = idem_sqlite_windows,
    .session_windows = idem_sqlite_session_windows,
    .session_windows_drop = idem_sqlite_session_windows_drop,
    .last_row = idem_sqlite_last_row,
    .alarm_add = idem_sqlite_alarm_add,
    .alarms = idem_sqlite_alarms,
    .alarms_clear = idem_sqlite_alarms_clear,
};

/* A single integer that the data base answers to a query. */
static int ask(sqlite3 *db, const char *query, int64_t *out)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(db, query, -1, &st, NULL);
    if (rc != SQLITE_OK)
        return idem_sqlite_result(db, rc);
    rc = sqlite3_step(st);
    int err = rc == SQLITE_ROW    ? IDEM_OK
              : rc == SQLITE_DONE ? IDEM_ERR_FORMAT
                                  : idem_sqlite_result(db, rc);
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
    return idem_sqlite_result(db, rc);
}

/* One step at a time; what fails leaves the version before it. */
static int migrate(sqlite3 *db, int64_t version)
{
    char mark[64];
    int rc = SQLITE_OK;

    for (; version < IDEM_SCHEMA_VERSION && rc == SQLITE_OK; version++) {
        snprintf(mark, sizeof mark, "PRAGMA user_version = %lld; COMMIT;", (long long)version + 1);
        rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        if (rc == SQLITE_OK)
            rc = sqlite3_exec(db, idem_schema_steps[version - 1], NULL, NULL, NULL);
        if (rc == SQLITE_OK)
            rc = sqlite3_exec(db, mark, NULL, NULL, NULL);
    }
    return idem_sqlite_result(db, rc);
}

/* Makes the tables in an empty file, brings older ones of ours up to date, refuses the rest. */
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
    if (version < 1 || version > IDEM_SCHEMA_VERSION) {
        *why = "the data base was written by a newer version";
        return IDEM_ERR_VERSION;
    }
    *why = "the data base cannot be brought up to date";
    return migrate(db, version);
}

/* Of files that were made before: their free pages are from then, too. */
static int shrink(sqlite3 *db)
{
    int64_t mode = 0;
    int err = ask(db, "PRAGMA auto_vacuum", &mode);

    if (err != 0 || mode == 2)
        return err;
    return idem_sqlite_result(
        db, sqlite3_exec(db, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM", NULL, NULL, NULL));
}

static int prepare_all(struct idem_sqlite *s)
{
    for (int i = 0; i < SQL_STATEMENTS; i++) {
        int rc =
            sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[i], NULL);
        if (rc != SQLITE_OK)
            return idem_sqlite_result(s->db, rc);
    }
    return ask(s->db,
               "SELECT max(coalesce((SELECT max(row) FROM windows), 0),"
               " coalesce((SELECT max(until_row) FROM profiles), 0),"
               " coalesce((SELECT max(unlock_row) FROM sessions), 0))",
               &s->last_row);
}

/* In place of SQLite's own, which does not look at what comes of it. */
static int fold_back(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct idem_sqlite *s = arg;

    (void)name;
    if (pages >= FOLD_PAGES)
        idem_sqlite_fold(db, SQLITE_CHECKPOINT_PASSIVE, &s->unsure);
    return SQLITE_OK; /* what is committed is committed */
}

int idem_store_sqlite_open(const char *path, struct idem_store **out, const char **why)
{
    const char *ignored;
    struct idem_sqlite *s = calloc(1, sizeof *s);
    int err = IDEM_ERR_NOMEM;

    why = why != NULL ? why : &ignored;
    *why = "the data base cannot be opened";
    if (s == NULL)
        return err;
    s->base.ops = &sqlite_ops;
    s->base.access = &idem_sqlite_access_ops;
    s->base.audit = &idem_sqlite_audit_ops;
    s->base.privacy = &idem_sqlite_privacy_ops;
    s->base.bindings = &idem_sqlite_binding_ops;
    s->base.retention = &idem_sqlite_retention_ops;
    s->base.acknowledgements = &idem_sqlite_acknowledgement_ops;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(path, &s->db, flags, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(s->db, IDEM_SQLITE_BUSY_MS); /* somebody with the sqlite3 shell */
        rc = sqlite3_exec(s->db, set_up, NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK)
        rc = idem_sqlite_settle_log(s->db);
    err = idem_sqlite_result(s->db, rc);
    if (err != 0 || (err = check_schema(s->db, why)) != 0 || (err = shrink(s->db)) != 0 ||
        (err = prepare_all(s)) != 0 || (err = idem_sqlite_audit_open(s)) != 0 ||
        (err = idem_sqlite_seats_open(s)) != 0) {
        sqlite_close(&s->base);
        return err;
    }
    sqlite3_wal_hook(s->db, fold_back, s);
    *out = &s->base;
    return IDEM_OK;
}
