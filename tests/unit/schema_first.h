/* SPDX-License-Identifier: Apache-2.0 */
/* schema_first.h - the tables as the first version made them, for the test that brings such a data
 * base up to date. Never changed. */
#ifndef IDEM_TESTS_SCHEMA_FIRST_H
#define IDEM_TESTS_SCHEMA_FIRST_H

static const char schema_first[] =
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
    " payload BLOB NOT NULL) STRICT;";

#endif
