/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.h - the tables, as SQLite is told. Private to src/store.
 *
 * Every row that belongs to somebody carries its organisation. People are pseudonyms; their names
 * are sealed with a key that is not in this file. Windows live until their session ends, alarms of
 * guards as long as the session is remembered. Times of what people do are rounded to the hour.
 */
#ifndef IDEM_STORE_SCHEMA_H
#define IDEM_STORE_SCHEMA_H

#include "store/chain.h"

enum { IDEM_SCHEMA_VERSION = 6, IDEM_SCHEMA_APPLICATION = 0x6964656d /* "idem" */ };

/* clang-format off */
#define IDEM_SCHEMA_ALARMS \
    "CREATE TABLE alarms (" \
    " row INTEGER PRIMARY KEY," \
    " organisation INTEGER NOT NULL," \
    " session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE," \
    " seq INTEGER NOT NULL,"         /* the sender's number, 0: the server's own */ \
    " action INTEGER NOT NULL,"      /* server/guard_policy.h */ \
    " cleared INTEGER NOT NULL,"     /* by a strong authentication since */ \
    " windows INTEGER NOT NULL,"     /* that the session held then */ \
    " window_row INTEGER NOT NULL,"  /* own: the window that it was raised for */ \
    " received_ms INTEGER NOT NULL," /* rounded to the hour once the session is closed */ \
    " payload TEXT NOT NULL) STRICT;" \
    "CREATE INDEX alarms_session ON alarms (session);"

/* Whether a person has a session open; whether a seat is any session's. */
#define IDEM_SCHEMA_OPEN \
    "CREATE INDEX sessions_open ON sessions (organisation, person) WHERE closed_ms IS NULL;" \
    "CREATE INDEX sessions_seat ON sessions (seat);"

/* Imprints of windows that are deleted by now: nothing of them can be read (model/imprint.h). */
#define IDEM_SCHEMA_SKETCHES \
    "CREATE TABLE sketches (" \
    " organisation INTEGER NOT NULL," \
    " person BLOB NOT NULL," \
    " modality INTEGER NOT NULL," \
    " front INTEGER NOT NULL," \
    " bytes BLOB NOT NULL," \
    " PRIMARY KEY (organisation, person, modality)," \
    " FOREIGN KEY (organisation, person) REFERENCES people ON DELETE CASCADE) STRICT;"

/* One key, one seat. */
#define IDEM_SCHEMA_SEATS_KEY \
    "CREATE UNIQUE INDEX seats_key ON seats (public_key) WHERE state = 2;"

/* Who may send: how a seat becomes known, and the keys of web applications. */
#define IDEM_SCHEMA_SEATS \
    "CREATE TABLE invitations (" \
    " code_hash BLOB PRIMARY KEY," \
    " organisation INTEGER NOT NULL REFERENCES organisations," \
    " seat INTEGER NOT NULL REFERENCES seats ON DELETE CASCADE," \
    " expires_ms INTEGER NOT NULL," \
    " used_ms INTEGER) STRICT, WITHOUT ROWID;" \
    "CREATE TABLE api_keys (" \
    " row INTEGER PRIMARY KEY AUTOINCREMENT," \
    " organisation INTEGER NOT NULL REFERENCES organisations," \
    " name TEXT NOT NULL," \
    " scopes INTEGER NOT NULL," \
    " key_hash BLOB NOT NULL UNIQUE," \
    " since_ms INTEGER NOT NULL," \
    " revoked INTEGER NOT NULL," \
    " UNIQUE (organisation, name)) STRICT;" \
    "CREATE TABLE bindings (" \
    " organisation INTEGER NOT NULL REFERENCES organisations," \
    " cookie_hash BLOB NOT NULL," /* of a web application's log-in */ \
    " session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE," \
    " hour_ms INTEGER NOT NULL," \
    " api_key INTEGER NOT NULL," /* that bound it */ \
    " client BLOB," /* keyed hash of what the proxy saw of the browser */ \
    " PRIMARY KEY (organisation, cookie_hash)) STRICT, WITHOUT ROWID;" \
    "CREATE INDEX bindings_session ON bindings (session);"

/* Who may see: accounts of the console. Who is logged in lives in memory only. */
#define IDEM_SCHEMA_ACCESS \
    "CREATE TABLE accounts (" \
    " row INTEGER PRIMARY KEY AUTOINCREMENT," \
    " organisation INTEGER NOT NULL REFERENCES organisations," \
    " login_key BLOB NOT NULL," /* keyed hash of what is typed to log in */ \
    " label TEXT NOT NULL,"     /* staff: the same in words; employees: their pseudonym */ \
    " password TEXT,"           /* Argon2id; NULL: by OpenID Connect only */ \
    " fresh INTEGER NOT NULL,"  /* the password is somebody else's making */ \
    " totp BLOB,"               /* sealed */ \
    " totp_step INTEGER NOT NULL," /* the last one that was taken */ \
    " roles INTEGER NOT NULL,"  /* server/auth.h */ \
    " person BLOB,"             /* an employee's own pseudonym */ \
    " issuer TEXT,"             /* of OpenID Connect; the subject is in login_key */ \
    " disabled INTEGER NOT NULL," \
    " since_ms INTEGER NOT NULL," \
    " UNIQUE (organisation, login_key)) STRICT;"

/* What people have said to it, and their names. */
#define IDEM_SCHEMA_PRIVACY \
    "CREATE TABLE names (" \
    " organisation INTEGER NOT NULL," \
    " person BLOB NOT NULL," \
    " sealed BLOB NOT NULL," \
    " PRIMARY KEY (organisation, person)," \
    " FOREIGN KEY (organisation, person) REFERENCES people ON DELETE CASCADE)" \
    " STRICT, WITHOUT ROWID;" \
    "CREATE TABLE acknowledgements (" \
    " organisation INTEGER NOT NULL," \
    " person BLOB NOT NULL," \
    " version TEXT NOT NULL," \
    " country TEXT NOT NULL," \
    " asked BLOB NOT NULL," /* a hash of whose text it was, its version and its words */ \
    " hour_ms INTEGER NOT NULL," \
    " PRIMARY KEY (organisation, person)," \
    " FOREIGN KEY (organisation, person) REFERENCES people ON DELETE CASCADE)" \
    " STRICT, WITHOUT ROWID;" \
    "CREATE TABLE members (" /* whose profiles a population was learned from */ \
    " population BLOB NOT NULL," \
    " key_id BLOB NOT NULL," \
    " PRIMARY KEY (population, key_id)) STRICT, WITHOUT ROWID;"

/* Chains of hashes, see chain.h and audit.h. */
#define IDEM_SCHEMA_AUDIT IDEM_CHAIN_TABLE("audit") IDEM_CHAIN_TABLE("audit_seats")
/* clang-format on */

static const char idem_schema[] =
    "CREATE TABLE organisations ("
    " row INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE) STRICT;"
    "INSERT INTO organisations (name) VALUES ('demo');"

    "CREATE TABLE people ("
    " organisation INTEGER NOT NULL REFERENCES organisations,"
    " person BLOB NOT NULL,"          /* random; who it is, vault.h knows */
    " since_ms INTEGER NOT NULL,"     /* rounded to the hour */
    " key_id BLOB,"                   /* of the key that seals what is theirs */
    " site TEXT NOT NULL DEFAULT ''," /* as the policy's groups say it */
    " country TEXT NOT NULL DEFAULT '',"
    " job TEXT NOT NULL DEFAULT '',"
    " PRIMARY KEY (organisation, person)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE profiles ("
    " organisation INTEGER NOT NULL,"
    " person BLOB NOT NULL,"
    " device_class INTEGER NOT NULL,"
    " modality INTEGER NOT NULL,"
    " front INTEGER NOT NULL,"
    " bytes BLOB NOT NULL,"
    " learned_ms INTEGER NOT NULL," /* rounded to the hour */
    " day INTEGER NOT NULL,"
    " day_strokes REAL NOT NULL,"
    " until_row INTEGER NOT NULL,"
    " anchor BLOB,"                         /* NULL: the profile is its own anchor */
    " sessions INTEGER NOT NULL DEFAULT 1," /* that were enrolled from */
    " PRIMARY KEY (organisation, person, device_class, modality),"
    " FOREIGN KEY (organisation, person) REFERENCES people) STRICT;"

    "CREATE TABLE seats ("
    " row INTEGER PRIMARY KEY,"
    " organisation INTEGER NOT NULL REFERENCES organisations,"
    " name TEXT NOT NULL,"
    " site TEXT NOT NULL DEFAULT '',"
    " country TEXT NOT NULL DEFAULT '',"
    " device_class INTEGER NOT NULL DEFAULT 0,"
    " public_key BLOB,"
    " state INTEGER NOT NULL DEFAULT 0," /* enum idem_store_seat_state */
    " since_ms INTEGER NOT NULL DEFAULT 0,"
    " instance BLOB," /* the machine's run that signed last */
    " former BLOB,"   /* hashes of those before it */
    " UNIQUE (organisation, name)) STRICT;" IDEM_SCHEMA_SEATS_KEY

    "CREATE TABLE sessions ("
    " row INTEGER PRIMARY KEY,"
    " organisation INTEGER NOT NULL REFERENCES organisations,"
    " id BLOB NOT NULL UNIQUE,"
    " person BLOB NOT NULL,"
    " seat INTEGER NOT NULL REFERENCES seats,"
    " device_class INTEGER NOT NULL,"
    " token_hash BLOB NOT NULL,"
    " test_clock INTEGER NOT NULL,"
    " locked INTEGER NOT NULL,"
    " unlock_row INTEGER NOT NULL,"
    " opened_ms INTEGER NOT NULL,"
    " closed_ms INTEGER,"
    " kind INTEGER NOT NULL DEFAULT 0,"             /* enum idem_session_kind */
    " start INTEGER NOT NULL DEFAULT 0,"            /* enum idem_session_start */
    " nonce BLOB,"                                  /* of sessions that sign */
    " token_expires_ms INTEGER NOT NULL DEFAULT 0," /* 0: never */
    " api_key INTEGER NOT NULL DEFAULT 0,"          /* that opened it, 0: none */
    " start_row INTEGER NOT NULL DEFAULT 0,"   /* windows up to here came before somebody vouched */
    " decided_row INTEGER NOT NULL DEFAULT 0," /* decisions on windows up to here are logged */
    " renewals INTEGER NOT NULL DEFAULT 0,"    /* of its token */
    " doubts INTEGER NOT NULL DEFAULT 0,"      /* server/doubts.h */
    " paused_from_ms INTEGER NOT NULL DEFAULT 0," /* 0: it is not */
    " paused_until_ms INTEGER NOT NULL DEFAULT 0,"
    " pause_row INTEGER NOT NULL DEFAULT 0," /* the next pause begins after a window from here on */
    " FOREIGN KEY (organisation, person) REFERENCES people) STRICT;"
    "CREATE INDEX sessions_closed ON sessions (closed_ms);"
    IDEM_SCHEMA_OPEN

    "CREATE TABLE windows ("
    " row INTEGER PRIMARY KEY,"
    " organisation INTEGER NOT NULL,"
    " session INTEGER NOT NULL,"
    " previous INTEGER NOT NULL," /* the row before it in its session, 0: none */
    " seq INTEGER NOT NULL,"
    " received_ms INTEGER NOT NULL,"
    " payload BLOB NOT NULL) STRICT;"

    IDEM_SCHEMA_ALARMS IDEM_SCHEMA_SKETCHES IDEM_SCHEMA_SEATS IDEM_SCHEMA_ACCESS IDEM_SCHEMA_PRIVACY
        IDEM_SCHEMA_AUDIT;

/* From version i + 1 to i + 2, each in a transaction with the new number. */
static const char *const idem_schema_steps[IDEM_SCHEMA_VERSION - 1] = {
    "ALTER TABLE profiles ADD COLUMN anchor BLOB;",
    IDEM_SCHEMA_ALARMS,
    IDEM_SCHEMA_SKETCHES,
    "ALTER TABLE people ADD COLUMN key_id BLOB;"
    "ALTER TABLE people ADD COLUMN site TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE people ADD COLUMN country TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE people ADD COLUMN job TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE profiles ADD COLUMN sessions INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE seats ADD COLUMN site TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE seats ADD COLUMN country TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE seats ADD COLUMN device_class INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE seats ADD COLUMN public_key BLOB;"
    "ALTER TABLE seats ADD COLUMN state INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE seats ADD COLUMN since_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sessions ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sessions ADD COLUMN start INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sessions ADD COLUMN nonce BLOB;"
    "ALTER TABLE sessions ADD COLUMN token_expires_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sessions ADD COLUMN api_key INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sessions ADD COLUMN start_row INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sessions ADD COLUMN decided_row INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE seats ADD COLUMN instance BLOB;"
    "ALTER TABLE seats ADD COLUMN former BLOB;" IDEM_SCHEMA_SEATS_KEY
    "ALTER TABLE sessions ADD COLUMN renewals INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sessions ADD COLUMN doubts INTEGER NOT NULL DEFAULT 0;" IDEM_SCHEMA_OPEN
        IDEM_SCHEMA_SEATS IDEM_SCHEMA_ACCESS IDEM_SCHEMA_PRIVACY IDEM_SCHEMA_AUDIT,
    "ALTER TABLE sessions ADD COLUMN paused_from_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sessions ADD COLUMN paused_until_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE sessions ADD COLUMN pause_row INTEGER NOT NULL DEFAULT 0;",
};

#endif
