/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal_old.c - a data base of a version that sealed nothing: everybody gets a key, and what is
 * theirs is written anew under it, in one transaction, which also notes the keys: so a person with
 * a key_id is sealed and one without is not. Keys made by an attempt that a crash cut short are
 * used again. At the end the file is written anew, for the old bytes were in it and in its log.
 *
 * These people keep their pseudonyms, which are keyed hashes of their names: it is their handle
 * too.
 */
#include "store/erase.h"

#include "store/sealed.h"
#include "store/sqlite_parts.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct one {
    int64_t organisation;
    uint8_t person[IDEM_ID_BYTES];
};

struct sealing {
    sqlite3 *db;
    struct idem_vault *vault;
    struct one *people;
    size_t count;
};

/* ------------------------------------------------------------------ who */

static int list_people(struct sealing *s)
{
    sqlite3_stmt *st = NULL;
    int err = IDEM_OK;
    int rc = sqlite3_prepare_v2(
        s->db, "SELECT organisation, person FROM people WHERE key_id IS NULL", -1, &st, NULL);

    while (rc == SQLITE_OK && err == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct one *more = realloc(s->people, (s->count + 1) * sizeof *more);
        rc = SQLITE_OK;
        if (more == NULL) {
            err = IDEM_ERR_NOMEM;
            break;
        }
        s->people = more;
        more[s->count].organisation = sqlite3_column_int64(st, 0);
        err = idem_sqlite_blob(st, 1, more[s->count].person, IDEM_ID_BYTES);
        s->count++;
    }
    sqlite3_finalize(st);
    return err != 0 ? err : idem_sqlite_result(s->db, rc);
}

static int add_key(struct idem_vault *vault, const struct one *one)
{
    struct idem_vault_entry entry = {.organisation = one->organisation};
    int err = idem_vault_by_person(vault, one->organisation, one->person, &entry);

    if (err == IDEM_ERR_NOT_FOUND) {
        memcpy(entry.handle, one->person, sizeof entry.handle);
        memcpy(entry.person, one->person, sizeof entry.person);
        err = idem_vault_add_new(vault, &entry);
    }
    sodium_memzero(&entry, sizeof entry);
    return err;
}

static int add_keys(struct sealing *s)
{
    int err = idem_vault_begin(s->vault);

    for (size_t i = 0; i < s->count && err == 0; i++)
        err = add_key(s->vault, &s->people[i]);
    if (err == 0)
        err = idem_vault_commit(s->vault);
    if (err != 0)
        idem_vault_rollback(s->vault);
    return err;
}

/* ------------------------------------------------------------------ one row at a time */

static int bind_person(sqlite3_stmt *st, const struct one *one)
{
    sqlite3_bind_int64(st, 1, one->organisation);
    idem_sqlite_bind(st, 2, one->person, IDEM_ID_BYTES);
    return SQLITE_OK;
}

/* UPDATE ... SET ?1 [, ?2] WHERE rowid = ?3 */
static int update(sqlite3 *db, const char *sql, const void *bytes, size_t len, const void *anchor,
                  size_t anchor_len, int64_t row)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

    if (rc == SQLITE_OK) {
        idem_sqlite_bind(st, 1, bytes, len);
        if (anchor != NULL)
            idem_sqlite_bind(st, 2, anchor, anchor_len);
        sqlite3_bind_int64(st, 3, row);
        rc = sqlite3_step(st);
    }
    int err = idem_sqlite_result(db, rc);
    sqlite3_finalize(st);
    return err;
}

static int seal_profile(sqlite3 *db, const uint8_t *key, const struct one *one, sqlite3_stmt *st)
{
    static const char sql[] = "UPDATE profiles SET bytes = ?1, anchor = ?2, day = 0,"
                              " day_strokes = 0 WHERE rowid = ?3";
    struct idem_store_profile row = {
        .organisation = one->organisation,
        .device_class = (uint8_t)sqlite3_column_int(st, 1),
        .modality = (uint8_t)sqlite3_column_int(st, 2),
        .front = (uint64_t)sqlite3_column_int64(st, 3),
        .bytes = sqlite3_column_blob(st, 4),
        .len = (size_t)sqlite3_column_bytes(st, 4),
        .anchor = sqlite3_column_blob(st, 5),
        .anchor_len = (size_t)sqlite3_column_bytes(st, 5),
        .day = sqlite3_column_int64(st, 6),
        .day_strokes = sqlite3_column_double(st, 7),
    };
    const size_t room = IDEM_STORE_PROFILE_MAX + IDEM_SEALED_PROFILE_OVER;
    uint8_t *space = malloc(3 * room);
    int err = IDEM_ERR_FORMAT;

    memcpy(row.person, one->person, IDEM_ID_BYTES);
    if (space == NULL)
        err = IDEM_ERR_NOMEM;
    else if (row.bytes != NULL && row.len <= IDEM_STORE_PROFILE_MAX &&
             row.anchor_len <= IDEM_STORE_PROFILE_MAX) {
        idem_sealed_profile_seal(key, &row, space, space + room, space + 2 * room);
        err = update(db, sql, row.bytes, row.len, row.anchor, row.anchor_len,
                     sqlite3_column_int64(st, 0));
    }
    free(space);
    return err;
}

static int seal_sketch(sqlite3 *db, const uint8_t *key, const struct one *one, sqlite3_stmt *st)
{
    struct idem_store_sketch row = {
        .organisation = one->organisation,
        .modality = (uint8_t)sqlite3_column_int(st, 1),
        .front = (uint64_t)sqlite3_column_int64(st, 2),
    };
    static uint8_t sealed[IDEM_STORE_SKETCH_MAX + IDEM_SEAL_OVERHEAD];
    const size_t len = (size_t)sqlite3_column_bytes(st, 3);
    size_t sealed_len;

    memcpy(row.person, one->person, IDEM_ID_BYTES);
    if (len > IDEM_STORE_SKETCH_MAX)
        return IDEM_ERR_FORMAT;
    const struct idem_seal_label label = idem_sealed_sketch(&row);
    idem_seal(key, &label, sqlite3_column_blob(st, 3), len, sealed, &sealed_len);
    return update(db, "UPDATE sketches SET bytes = ?1 WHERE rowid = ?3", sealed, sealed_len, NULL,
                  0, sqlite3_column_int64(st, 0));
}

static int seal_window(sqlite3 *db, const uint8_t *key, const struct one *one, sqlite3_stmt *st)
{
    static uint8_t sealed[IDEM_STORE_PAYLOAD_MAX + IDEM_SEAL_OVERHEAD];
    const size_t len = (size_t)sqlite3_column_bytes(st, 3);
    uint8_t session[IDEM_ID_BYTES];
    size_t sealed_len;

    if (len > IDEM_STORE_PAYLOAD_MAX - IDEM_SEAL_OVERHEAD ||
        idem_sqlite_blob(st, 1, session, sizeof session) != 0)
        return IDEM_ERR_FORMAT;
    const struct idem_seal_label label = idem_sealed_window(one->organisation, one->person, session,
                                                            (uint32_t)sqlite3_column_int64(st, 2));
    idem_seal(key, &label, sqlite3_column_blob(st, 3), len, sealed, &sealed_len);
    return update(db, "UPDATE windows SET payload = ?1 WHERE row = ?3", sealed, sealed_len, NULL, 0,
                  sqlite3_column_int64(st, 0));
}

/* ------------------------------------------------------------------ one person */

typedef int seal_fn(sqlite3 *db, const uint8_t *key, const struct one *one, sqlite3_stmt *st);

/* Rows keep their number, so that what is written while they are read is not read again. */
static int seal_rows(struct sealing *s, const char *sql, const uint8_t *key, const struct one *one,
                     seal_fn *fn)
{
    sqlite3_stmt *st = NULL;
    int err = IDEM_OK, rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = bind_person(st, one);
    while (rc == SQLITE_OK && err == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        err = fn(s->db, key, one, st);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(st);
    return err != 0 ? err : idem_sqlite_result(s->db, rc);
}

static int note_key(struct sealing *s, const struct one *one, const uint8_t *key_id)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(
        s->db, "UPDATE people SET key_id = ?3 WHERE organisation = ?1 AND person = ?2", -1, &st,
        NULL);

    if (rc == SQLITE_OK) {
        bind_person(st, one);
        idem_sqlite_bind(st, 3, key_id, IDEM_ID_BYTES);
        rc = sqlite3_step(st);
    }
    int err = idem_sqlite_result(s->db, rc);
    sqlite3_finalize(st);
    return err;
}

/* ORDER BY +rowid: sorted apart, so the rows are all known before the first one changes. */
static int seal_person(struct sealing *s, const struct one *one)
{
    struct idem_vault_entry entry;
    int err = idem_vault_by_person(s->vault, one->organisation, one->person, &entry);

    if (err == 0)
        err = seal_rows(s,
                        "SELECT rowid, device_class, modality, front, bytes, anchor, day,"
                        " day_strokes FROM profiles WHERE organisation = ?1 AND person = ?2"
                        " ORDER BY +rowid",
                        entry.key, one, seal_profile);
    if (err == 0)
        err = seal_rows(s,
                        "SELECT rowid, modality, front, bytes FROM sketches"
                        " WHERE organisation = ?1 AND person = ?2 ORDER BY +rowid",
                        entry.key, one, seal_sketch);
    if (err == 0)
        err = seal_rows(s,
                        "SELECT w.row, s.id, w.seq, w.payload FROM sessions s JOIN windows w"
                        " ON w.session = s.row WHERE s.organisation = ?1 AND s.person = ?2"
                        " ORDER BY +w.row",
                        entry.key, one, seal_window);
    if (err == 0)
        err = note_key(s, one, entry.key_id);
    sodium_memzero(&entry, sizeof entry);
    return err;
}

static int seal_all(struct sealing *s, struct idem_store *store)
{
    int err = add_keys(s);

    if (err == 0)
        err = store->ops->begin(store);
    if (err != 0)
        return err;
    for (size_t i = 0; i < s->count && err == 0; i++)
        err = seal_person(s, &s->people[i]);
    if (err == 0)
        err = store->ops->commit(store);
    if (err != 0) {
        store->ops->rollback(store);
        return err;
    }
    int rc = sqlite3_exec(s->db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE);", NULL, NULL, NULL);
    return idem_sqlite_result(s->db, rc);
}

int idem_people_seal_old(struct idem_store *store, struct idem_vault *vault, int64_t *count)
{
    struct sealing s = {.db = idem_sqlite_of(store)->db, .vault = vault};
    int err = list_people(&s);

    if (err == 0 && s.count > 0)
        err = seal_all(&s, store);
    if (err == 0)
        *count = (int64_t)s.count;
    free(s.people);
    return err;
}
