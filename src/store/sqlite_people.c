/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_people.c - organisations, people and their profiles; see store.h. */
#include "store/sqlite_parts.h"

#include <string.h>

int idem_sqlite_organisation(struct idem_store *base, const char *name, int64_t *row)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = s->stmt[SQL_ORGANISATION];

    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    int err = rc == SQLITE_DONE ? IDEM_ERR_NOT_FOUND : idem_sqlite_result(s->db, rc);
    if (err == 0)
        *row = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return err;
}

int idem_sqlite_organisations(struct idem_store *base, idem_store_organisation_fn *fn, void *arg)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = s->stmt[SQL_ORGANISATIONS];
    int rc, err = IDEM_OK;

    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        err = idem_sqlite_result(s->db, rc);
        if (err == 0)
            err = fn(arg, sqlite3_column_int64(st, 0), (const char *)sqlite3_column_text(st, 1));
    }
    sqlite3_reset(st);
    return err;
}

int idem_sqlite_organisation_add(struct idem_store *base, const char *name, int64_t *row)
{
    struct idem_sqlite *s = idem_sqlite_of(base);

    sqlite3_bind_text(s->stmt[SQL_ORGANISATION_ADD], 1, name, -1, SQLITE_STATIC);
    int err = idem_sqlite_run(s, SQL_ORGANISATION_ADD);
    if (err == 0)
        *row = sqlite3_last_insert_rowid(s->db);
    return err;
}

int idem_sqlite_person_add(struct idem_store *base, int64_t organisation, const uint8_t *person,
                           const uint8_t *key_id, const char *job, int64_t now_ms)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *add = s->stmt[SQL_PERSON_ADD], *rename = s->stmt[SQL_PERSON_JOB];

    sqlite3_bind_int64(add, 1, organisation);
    idem_sqlite_bind(add, 2, person, IDEM_ID_BYTES);
    sqlite3_bind_int64(add, 3, now_ms - now_ms % IDEM_HOUR_MS);
    idem_sqlite_bind(add, 4, key_id, IDEM_ID_BYTES);
    int err = idem_sqlite_run(s, SQL_PERSON_ADD);
    if (err != 0 || job[0] == '\0')
        return err;
    sqlite3_bind_int64(rename, 1, organisation);
    idem_sqlite_bind(rename, 2, person, IDEM_ID_BYTES);
    sqlite3_bind_text(rename, 3, job, -1, SQLITE_STATIC);
    return idem_sqlite_run(s, SQL_PERSON_JOB);
}

int idem_sqlite_person_find(struct idem_store *base, int64_t organisation, const uint8_t *person)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = s->stmt[SQL_PERSON_FIND];

    sqlite3_bind_int64(st, 1, organisation);
    idem_sqlite_bind(st, 2, person, IDEM_ID_BYTES);
    int rc = sqlite3_step(st);
    int err = rc == SQLITE_DONE ? IDEM_ERR_NOT_FOUND : idem_sqlite_result(s->db, rc);
    sqlite3_reset(st);
    return err;
}

int idem_sqlite_person_count(struct idem_store *base, int64_t *count)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = s->stmt[SQL_PERSON_COUNT];
    int err = idem_sqlite_result(s->db, sqlite3_step(st));
    if (err == 0)
        *count = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return err;
}

int idem_sqlite_profile_put(struct idem_store *base, const struct idem_store_profile *p)
{
    sqlite3_stmt *st = idem_sqlite_of(base)->stmt[SQL_PROFILE_PUT];
    sqlite3_bind_int64(st, 1, p->organisation);
    idem_sqlite_bind(st, 2, p->person, IDEM_ID_BYTES);
    sqlite3_bind_int(st, 3, p->device_class);
    sqlite3_bind_int(st, 4, p->modality);
    sqlite3_bind_int64(st, 5, (int64_t)p->front);
    idem_sqlite_bind(st, 6, p->bytes, p->len);
    sqlite3_bind_int64(st, 7, p->learned_ms - p->learned_ms % IDEM_HOUR_MS);
    sqlite3_bind_int64(st, 8, p->day);
    sqlite3_bind_double(st, 9, p->day_strokes);
    sqlite3_bind_int64(st, 10, p->until_row);
    if (p->anchor != NULL)
        idem_sqlite_bind(st, 11, p->anchor, p->anchor_len);
    else
        sqlite3_bind_null(st, 11);
    sqlite3_bind_int64(st, 12, p->sessions);
    return idem_sqlite_run(idem_sqlite_of(base), SQL_PROFILE_PUT);
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
    p->anchor = sqlite3_column_blob(st, 8);
    p->anchor_len = (size_t)sqlite3_column_bytes(st, 8);
    p->sessions = (uint32_t)sqlite3_column_int64(st, 9);
    if (p->len > IDEM_STORE_PROFILE_MAX || p->anchor_len > IDEM_STORE_PROFILE_MAX)
        return IDEM_ERR_FORMAT;
    return fn(arg, p);
}

int idem_sqlite_profiles(struct idem_store *base, int64_t organisation, const uint8_t *person,
                         idem_store_profile_fn *fn, void *arg)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = s->stmt[SQL_PROFILES];
    struct idem_store_profile p = {.organisation = organisation};
    int rc, err = IDEM_OK;

    memcpy(p.person, person, IDEM_ID_BYTES);
    sqlite3_bind_int64(st, 1, organisation);
    idem_sqlite_bind(st, 2, person, IDEM_ID_BYTES);
    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        err = idem_sqlite_result(s->db, rc);
        if (err == 0)
            err = give_profile(st, &p, fn, arg);
    }
    sqlite3_reset(st);
    return err;
}

int idem_sqlite_sketch_put(struct idem_store *base, const struct idem_store_sketch *x)
{
    sqlite3_stmt *st = idem_sqlite_of(base)->stmt[SQL_SKETCH_PUT];

    if (x->len > IDEM_STORE_SKETCH_MAX)
        return IDEM_ERR_LIMIT;
    sqlite3_bind_int64(st, 1, x->organisation);
    idem_sqlite_bind(st, 2, x->person, IDEM_ID_BYTES);
    sqlite3_bind_int(st, 3, x->modality);
    sqlite3_bind_int64(st, 4, (int64_t)x->front);
    idem_sqlite_bind(st, 5, x->bytes, x->len);
    return idem_sqlite_run(idem_sqlite_of(base), SQL_SKETCH_PUT);
}

static int give_sketch(sqlite3_stmt *st, struct idem_store_sketch *x, idem_store_sketch_fn *fn,
                       void *arg)
{
    int err = idem_sqlite_blob(st, 0, x->person, sizeof x->person);

    x->modality = (uint8_t)sqlite3_column_int(st, 1);
    x->front = (uint64_t)sqlite3_column_int64(st, 2);
    x->bytes = sqlite3_column_blob(st, 3);
    x->len = (size_t)sqlite3_column_bytes(st, 3);
    if (err != 0 || x->bytes == NULL || x->len > IDEM_STORE_SKETCH_MAX)
        return IDEM_ERR_FORMAT;
    return fn(arg, x);
}

int idem_sqlite_sketches(struct idem_store *base, int64_t organisation, const uint8_t *person,
                         idem_store_sketch_fn *fn, void *arg)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = s->stmt[SQL_SKETCHES];
    struct idem_store_sketch x = {.organisation = organisation};
    int rc, err = IDEM_OK;

    sqlite3_bind_int64(st, 1, organisation);
    if (person != NULL)
        idem_sqlite_bind(st, 2, person, IDEM_ID_BYTES);
    else
        sqlite3_bind_null(st, 2);
    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE) {
        err = idem_sqlite_result(s->db, rc);
        if (err == 0)
            err = give_sketch(st, &x, fn, arg);
    }
    sqlite3_reset(st);
    return err;
}
