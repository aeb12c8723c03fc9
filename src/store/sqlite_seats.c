/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_seats.c - seats, codes, API keys, and tokens of sessions; see seats.h. */
#include "store/seats.h"
#include "store/sqlite_parts.h"

#include <stdio.h>
#include <string.h>

enum {
    GET,
    NAMED,
    WITH_KEY,
    ADD,
    PUT,
    LIST,
    INVITE_VOID,
    INVITE,
    INVITED,
    USE,
    FORGET,
    KEY_ADD,
    KEY_NAMED,
    KEY_GET,
    KEY_REVOKE,
    KEYS,
    RENEW,
    DOUBT,
    PAUSE,
    STATEMENTS
};
_Static_assert((int)STATEMENTS == (int)IDEM_SQLITE_SEAT_STATEMENTS, "sqlite_parts.h");

#define SEAT                                                                                       \
    "SELECT row, organisation, name, site, country, device_class, state, public_key,"              \
    " instance, former, since_ms FROM seats"
#define KEY "SELECT row, organisation, name, scopes, key_hash, since_ms, revoked FROM api_keys"

/* clang-format off */
static const char *const sql[STATEMENTS] = {
    [GET] = SEAT " WHERE row = ?1",
    [NAMED] = SEAT " WHERE organisation = ?1 AND name = ?2",
    [WITH_KEY] = SEAT " WHERE public_key = ?1 AND state = 2",
    [ADD] = "INSERT INTO seats (organisation, name, site, country, device_class, state, since_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [PUT] = "UPDATE seats SET site = ?2, country = ?3, device_class = ?4, state = ?5,"
        " public_key = ?6, instance = ?7, former = ?8, since_ms = ?9 WHERE row = ?1",
    [LIST] = SEAT " WHERE (?1 = 0 OR organisation = ?1) AND row > ?2 AND state > 0"
        " ORDER BY row LIMIT ?3",
    [INVITE_VOID] = "DELETE FROM invitations WHERE seat = ?1 AND used_ms IS NULL",
    [INVITE] = "INSERT INTO invitations (code_hash, organisation, seat, expires_ms)"
        " VALUES (?1, ?2, ?3, ?4)",
    [INVITED] = "SELECT organisation, seat, expires_ms, used_ms FROM invitations"
        " WHERE code_hash = ?1",
    [USE] = "UPDATE invitations SET used_ms = ?2 WHERE code_hash = ?1",
    [FORGET] = "DELETE FROM invitations WHERE expires_ms < ?1",
    [KEY_ADD] = "INSERT INTO api_keys (organisation, name, scopes, key_hash, since_ms, revoked)"
        " VALUES (?1, ?2, ?3, ?4, ?5, 0)",
    [KEY_NAMED] = KEY " WHERE organisation = ?1 AND name = ?2",
    [KEY_GET] = KEY " WHERE row = ?1",
    [KEY_REVOKE] = "UPDATE api_keys SET revoked = 1 WHERE row = ?1",
    [KEYS] = KEY " WHERE ?1 = 0 OR organisation = ?1 ORDER BY row",
    [RENEW] = "UPDATE sessions SET token_hash = ?2, token_expires_ms = ?3, renewals = ?4"
        " WHERE row = ?1",
    [DOUBT] = "UPDATE sessions SET doubts = ?2 WHERE row = ?1",
    [PAUSE] = "UPDATE sessions SET paused_from_ms = ?2, paused_until_ms = ?3, pause_row = ?4"
        " WHERE row = ?1",
};
/* clang-format on */

static sqlite3_stmt *statement(struct idem_store *base, int which)
{
    return idem_sqlite_of(base)->seat_stmt[which];
}

static int run(struct idem_store *base, int which)
{
    return idem_sqlite_step(idem_sqlite_of(base), statement(base, which));
}

/* ------------------------------------------------------------------ columns */

static int get_text(sqlite3_stmt *st, int at, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(st, at);

    if (text == NULL || strlen(text) >= size)
        return IDEM_ERR_FORMAT;
    memcpy(out, text, strlen(text) + 1);
    return IDEM_OK;
}

/* A blob that may be missing: then nought. */
static int get_blob(sqlite3_stmt *st, int at, uint8_t *out, size_t len, bool *there)
{
    *there = sqlite3_column_type(st, at) != SQLITE_NULL;
    if (*there)
        return idem_sqlite_blob(st, at, out, len);
    memset(out, 0, len);
    return IDEM_OK;
}

/* As many as were kept when it was written; of an earlier version one, which is known no more. */
static int get_former(sqlite3_stmt *st, int at, struct idem_store_seat *x)
{
    const size_t len = (size_t)sqlite3_column_bytes(st, at);

    if (sqlite3_column_type(st, at) == SQLITE_NULL || len == IDEM_SEAT_INSTANCE_BYTES)
        return IDEM_OK;
    return idem_sqlite_blob(st, at, x->former, sizeof x->former);
}

static int get_seat(sqlite3_stmt *st, struct idem_store_seat *x)
{
    int err, state = sqlite3_column_int(st, 6);
    bool ignored;

    memset(x, 0, sizeof *x);
    x->row = sqlite3_column_int64(st, 0);
    x->organisation = sqlite3_column_int64(st, 1);
    x->device_class = (uint8_t)sqlite3_column_int(st, 5);
    x->state = (enum idem_store_seat_state)state;
    x->since_ms = sqlite3_column_int64(st, 10);
    if (state < 0 || state >= IDEM_SEAT_STATES)
        return IDEM_ERR_FORMAT;
    if ((err = get_text(st, 2, x->name, sizeof x->name)) != 0 ||
        (err = get_text(st, 3, x->site, sizeof x->site)) != 0 ||
        (err = get_text(st, 4, x->country, sizeof x->country)) != 0 ||
        (err = get_blob(st, 7, x->public_key, sizeof x->public_key, &x->has_key)) != 0 ||
        (err = get_blob(st, 8, x->instance, sizeof x->instance, &ignored)) != 0)
        return err;
    return get_former(st, 9, x);
}

static int get_key(sqlite3_stmt *st, struct idem_store_api_key *x)
{
    int err;

    memset(x, 0, sizeof *x);
    x->row = sqlite3_column_int64(st, 0);
    x->organisation = sqlite3_column_int64(st, 1);
    x->scopes = (unsigned)sqlite3_column_int(st, 3);
    x->since_ms = sqlite3_column_int64(st, 5);
    x->revoked = sqlite3_column_int(st, 6) != 0;
    if ((err = get_text(st, 2, x->name, sizeof x->name)) != 0)
        return err;
    return idem_sqlite_blob(st, 4, x->hash, sizeof x->hash);
}

/* ------------------------------------------------------------------ one row or many */

static int one_seat(struct idem_store *base, int which, struct idem_store_seat *out)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = statement(base, which);
    struct idem_store_seat found;
    int rc = sqlite3_step(st), err = idem_sqlite_result(s->db, rc);

    if (err == 0)
        err = rc == SQLITE_ROW ? get_seat(st, &found) : IDEM_ERR_NOT_FOUND;
    sqlite3_reset(st);
    if (err == 0)
        *out = found;
    return err;
}

static int one_key(struct idem_store *base, int which, struct idem_store_api_key *out)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = statement(base, which);
    struct idem_store_api_key found;
    int rc = sqlite3_step(st), err = idem_sqlite_result(s->db, rc);

    if (err == 0)
        err = rc == SQLITE_ROW ? get_key(st, &found) : IDEM_ERR_NOT_FOUND;
    sqlite3_reset(st);
    if (err == 0)
        *out = found;
    return err;
}

/* ------------------------------------------------------------------ seats */

int idem_sqlite_seats_forget(sqlite3 *db)
{
    static const char forget[] =
        "DELETE FROM seats WHERE state = 0 AND public_key IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.seat = seats.row)";

    _Static_assert((int)IDEM_SEAT_OPEN == 0, "the statement's number");
    return idem_sqlite_result(db, sqlite3_exec(db, forget, NULL, NULL, NULL));
}

static int seat_get(struct idem_store *base, int64_t row, struct idem_store_seat *out)
{
    sqlite3_bind_int64(statement(base, GET), 1, row);
    return one_seat(base, GET, out);
}

static int seat_named(struct idem_store *base, int64_t organisation, const char *name,
                      struct idem_store_seat *out)
{
    sqlite3_bind_int64(statement(base, NAMED), 1, organisation);
    sqlite3_bind_text(statement(base, NAMED), 2, name, -1, SQLITE_STATIC);
    return one_seat(base, NAMED, out);
}

static int seat_with_key(struct idem_store *base, const uint8_t *public_key,
                         struct idem_store_seat *out)
{
    idem_sqlite_bind(statement(base, WITH_KEY), 1, public_key, IDEM_SEAT_KEY_BYTES);
    return one_seat(base, WITH_KEY, out);
}

static int seat_add(struct idem_store *base, struct idem_store_seat *seat)
{
    sqlite3_stmt *st = statement(base, ADD);

    sqlite3_bind_int64(st, 1, seat->organisation);
    sqlite3_bind_text(st, 2, seat->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 3, seat->site, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 4, seat->country, -1, SQLITE_STATIC);
    sqlite3_bind_int(st, 5, seat->device_class);
    sqlite3_bind_int(st, 6, (int)seat->state);
    sqlite3_bind_int64(st, 7, seat->since_ms);
    int err = run(base, ADD);
    if (err == 0)
        seat->row = sqlite3_last_insert_rowid(idem_sqlite_of(base)->db);
    return err;
}

static int seat_put(struct idem_store *base, const struct idem_store_seat *seat)
{
    sqlite3_stmt *st = statement(base, PUT);

    sqlite3_bind_int64(st, 1, seat->row);
    sqlite3_bind_text(st, 2, seat->site, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 3, seat->country, -1, SQLITE_STATIC);
    sqlite3_bind_int(st, 4, seat->device_class);
    sqlite3_bind_int(st, 5, (int)seat->state);
    if (seat->has_key)
        idem_sqlite_bind(st, 6, seat->public_key, sizeof seat->public_key);
    else
        sqlite3_bind_null(st, 6);
    idem_sqlite_bind(st, 7, seat->instance, sizeof seat->instance);
    idem_sqlite_bind(st, 8, seat->former, sizeof seat->former);
    sqlite3_bind_int64(st, 9, seat->since_ms);
    return run(base, PUT);
}

static int seat_list(struct idem_store *base, int64_t organisation, int64_t after, int max,
                     idem_store_seat_fn *fn, void *arg)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = statement(base, LIST);
    struct idem_store_seat seat;
    int rc, err = IDEM_OK;

    sqlite3_bind_int64(st, 1, organisation);
    sqlite3_bind_int64(st, 2, after);
    sqlite3_bind_int(st, 3, max);
    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE)
        if ((err = idem_sqlite_result(s->db, rc)) == 0 && (err = get_seat(st, &seat)) == 0)
            err = fn(arg, &seat);
    sqlite3_reset(st);
    return err;
}

/* ------------------------------------------------------------------ codes */

static int invite(struct idem_store *base, const struct idem_store_invitation *invitation)
{
    sqlite3_stmt *st = statement(base, INVITE);

    sqlite3_bind_int64(statement(base, INVITE_VOID), 1, invitation->seat);
    int err = run(base, INVITE_VOID);
    if (err != 0)
        return err;
    idem_sqlite_bind(st, 1, invitation->code_hash, IDEM_HASH_BYTES);
    sqlite3_bind_int64(st, 2, invitation->organisation);
    sqlite3_bind_int64(st, 3, invitation->seat);
    sqlite3_bind_int64(st, 4, invitation->expires_ms);
    return run(base, INVITE);
}

static int invited(struct idem_store *base, const uint8_t *code_hash,
                   struct idem_store_invitation *out)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = statement(base, INVITED);

    idem_sqlite_bind(st, 1, code_hash, IDEM_HASH_BYTES);
    int rc = sqlite3_step(st), err = idem_sqlite_result(s->db, rc);
    if (err == 0 && rc != SQLITE_ROW)
        err = IDEM_ERR_NOT_FOUND;
    if (err == 0) {
        memcpy(out->code_hash, code_hash, IDEM_HASH_BYTES);
        out->organisation = sqlite3_column_int64(st, 0);
        out->seat = sqlite3_column_int64(st, 1);
        out->expires_ms = sqlite3_column_int64(st, 2);
        out->used_ms = sqlite3_column_int64(st, 3); /* NULL is nought */
    }
    sqlite3_reset(st);
    return err;
}

static int use_code(struct idem_store *base, const uint8_t *code_hash, int64_t now_ms)
{
    idem_sqlite_bind(statement(base, USE), 1, code_hash, IDEM_HASH_BYTES);
    sqlite3_bind_int64(statement(base, USE), 2, now_ms);
    return run(base, USE);
}

static int invitations_forget(struct idem_store *base, int64_t before_ms)
{
    sqlite3_bind_int64(statement(base, FORGET), 1, before_ms);
    return run(base, FORGET);
}

/* ------------------------------------------------------------------ API keys */

static int key_add(struct idem_store *base, struct idem_store_api_key *key)
{
    sqlite3_stmt *st = statement(base, KEY_ADD);

    sqlite3_bind_int64(st, 1, key->organisation);
    sqlite3_bind_text(st, 2, key->name, -1, SQLITE_STATIC);
    sqlite3_bind_int(st, 3, (int)key->scopes);
    idem_sqlite_bind(st, 4, key->hash, sizeof key->hash);
    sqlite3_bind_int64(st, 5, key->since_ms);
    int err = run(base, KEY_ADD);
    if (err == 0)
        key->row = sqlite3_last_insert_rowid(idem_sqlite_of(base)->db);
    return err;
}

static int key_named(struct idem_store *base, int64_t organisation, const char *name,
                     struct idem_store_api_key *out)
{
    sqlite3_bind_int64(statement(base, KEY_NAMED), 1, organisation);
    sqlite3_bind_text(statement(base, KEY_NAMED), 2, name, -1, SQLITE_STATIC);
    return one_key(base, KEY_NAMED, out);
}

static int key_get(struct idem_store *base, int64_t row, struct idem_store_api_key *out)
{
    sqlite3_bind_int64(statement(base, KEY_GET), 1, row);
    return one_key(base, KEY_GET, out);
}

static int key_revoke(struct idem_store *base, int64_t row)
{
    sqlite3_bind_int64(statement(base, KEY_REVOKE), 1, row);
    return run(base, KEY_REVOKE);
}

static int keys(struct idem_store *base, int64_t organisation, idem_store_api_key_fn *fn, void *arg)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = statement(base, KEYS);
    struct idem_store_api_key key;
    int rc, err = IDEM_OK;

    sqlite3_bind_int64(st, 1, organisation);
    while (err == 0 && (rc = sqlite3_step(st)) != SQLITE_DONE)
        if ((err = idem_sqlite_result(s->db, rc)) == 0 && (err = get_key(st, &key)) == 0)
            err = fn(arg, &key);
    sqlite3_reset(st);
    return err;
}

/* ------------------------------------------------------------------ sessions */

static int session_renew(struct idem_store *base, int64_t row, const uint8_t *token_hash,
                         int64_t expires_ms, uint32_t renewals)
{
    sqlite3_stmt *st = statement(base, RENEW);

    sqlite3_bind_int64(st, 1, row);
    idem_sqlite_bind(st, 2, token_hash, IDEM_HASH_BYTES);
    sqlite3_bind_int64(st, 3, expires_ms);
    sqlite3_bind_int64(st, 4, renewals);
    return run(base, RENEW);
}

static int session_doubt(struct idem_store *base, int64_t row, unsigned doubts)
{
    sqlite3_bind_int64(statement(base, DOUBT), 1, row);
    sqlite3_bind_int(statement(base, DOUBT), 2, (int)doubts);
    return run(base, DOUBT);
}

static int session_pause(struct idem_store *base, int64_t row, int64_t from_ms, int64_t until_ms,
                         int64_t pause_row)
{
    sqlite3_stmt *st = statement(base, PAUSE);

    sqlite3_bind_int64(st, 1, row);
    sqlite3_bind_int64(st, 2, from_ms);
    sqlite3_bind_int64(st, 3, until_ms);
    sqlite3_bind_int64(st, 4, pause_row);
    return run(base, PAUSE);
}

/* ------------------------------------------------------------------ life */

static const struct idem_store_seat_ops ops = {
    .get = seat_get,
    .named = seat_named,
    .with_key = seat_with_key,
    .add = seat_add,
    .put = seat_put,
    .list = seat_list,
    .invite = invite,
    .invited = invited,
    .use = use_code,
    .invitations_forget = invitations_forget,
    .key_add = key_add,
    .key_named = key_named,
    .key_get = key_get,
    .key_revoke = key_revoke,
    .keys = keys,
    .session_renew = session_renew,
    .session_doubt = session_doubt,
    .session_pause = session_pause,
};

int idem_sqlite_seats_open(struct idem_sqlite *s)
{
    for (int i = 0; i < STATEMENTS; i++) {
        int rc = sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->seat_stmt[i],
                                    NULL);
        if (rc != SQLITE_OK)
            return idem_sqlite_result(s->db, rc);
    }
    s->base.seats = &ops;
    return IDEM_OK;
}

void idem_sqlite_seats_close(struct idem_sqlite *s)
{
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(s->seat_stmt[i]);
}
