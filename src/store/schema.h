/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.h - the tables, as SQLite is told. Private to src/store.
 *
 * Every row that belongs to somebody carries its organisation. People are pseudonyms; no table
 * holds a name of a person. Windows live until their session ends, alarms of guards as long as the
 * session is remembered.
 */
#ifndef IDEM_STORE_SCHEMA_H
#define IDEM_STORE_SCHEMA_H

enum { IDEM_SCHEMA_VERSION = 4, IDEM_SCHEMA_APPLICATION = 0x6964656d /* "idem" */ };

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
/* clang-format on */

static const char idem_schema[] =
    "CREATE TABLE organisations ("
    " row INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE) STRICT;"
    "INSERT INTO organisations (name) VALUES ('demo');"

    "CREATE TABLE people ("
    " organisation INTEGER NOT NULL REFERENCES organisations,"
    " person BLOB NOT NULL,"      /* keyed hash of organisation and name */
    " since_ms INTEGER NOT NULL," /* rounded to the hour */
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
    " anchor BLOB," /* NULL: the profile is its own anchor */
    " PRIMARY KEY (organisation, person, device_class, modality),"
    " FOREIGN KEY (organisation, person) REFERENCES people) STRICT;"

    "CREATE TABLE seats ("
    " row INTEGER PRIMARY KEY,"
    " organisation INTEGER NOT NULL REFERENCES organisations,"
    " name TEXT NOT NULL,"
    " UNIQUE (organisation, name)) STRICT;"

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
    " FOREIGN KEY (organisation, person) REFERENCES people) STRICT;"
    "CREATE INDEX sessions_closed ON sessions (closed_ms);"

    "CREATE TABLE windows ("
    " row INTEGER PRIMARY KEY,"
    " organisation INTEGER NOT NULL,"
    " session INTEGER NOT NULL,"
    " previous INTEGER NOT NULL," /* the row before it in its session, 0: none */
    " seq INTEGER NOT NULL,"
    " received_ms INTEGER NOT NULL,"
    " payload BLOB NOT NULL) STRICT;"

    IDEM_SCHEMA_ALARMS IDEM_SCHEMA_SKETCHES;

/* From version i + 1 to i + 2, each in a transaction with the new number. */
static const char *const idem_schema_steps[IDEM_SCHEMA_VERSION - 1] = {
    "ALTER TABLE profiles ADD COLUMN anchor BLOB;",
    IDEM_SCHEMA_ALARMS,
    IDEM_SCHEMA_SKETCHES,
};

#endif
