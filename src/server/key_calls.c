/* SPDX-License-Identifier: Apache-2.0 */
/* key_calls.c - API keys of web applications, and tokens that are renewed; see seat_calls.h. */
#include "server/seat_calls.h"

#include "server/audit.h"
#include "server/clock.h"
#include "server/metrics.h"
#include "server/notices.h"
#include "server/porter.h"
#include "server/seats.h"
#include "server/worker_parts.h"
#include "store/bindings.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ API keys */

static void put_key(struct idem_worker *w, const struct idem_store_api_key *key,
                    struct idem_text *t)
{
    idem_text_fmt(t, "{\"id\":%lld,\"name\":", (long long)key->row);
    idem_text_string(t, key->name);
    idem_text_put(t, ",\"organisation\":");
    idem_text_string(t, idem_organisations_name(w->parts.organisations, key->organisation));
    idem_text_fmt(t, ",\"scopes\":[%s%s%s],\"since\":",
                  (key->scopes & IDEM_SCOPE_SESSIONS) != 0 ? "\"sessions\"" : "",
                  key->scopes == IDEM_SCOPES ? "," : "",
                  (key->scopes & IDEM_SCOPE_GATE) != 0 ? "\"gate\"" : "");
    idem_text_time(t, key->since_ms);
    idem_text_fmt(t, ",\"revoked\":%s}", key->revoked ? "true" : "false");
}

static int grant(struct idem_worker *w, const struct idem_store_api_key *key)
{
    struct idem_grant g = {.may = IDEM_MAY_API_KEY,
                           .organisation = key->organisation,
                           .api_key = key->row,
                           .scopes = key->scopes};

    snprintf(g.actor, sizeof g.actor, "key:%.90s", key->name);
    return idem_auth_grant(w->parts.auth, key->hash, &g, 0, 0, idem_clock_ms());
}

static int load_one(void *arg, const struct idem_store_api_key *key)
{
    return key->revoked ? IDEM_OK : grant(arg, key);
}

int idem_keys_load(struct idem_worker *w)
{
    return w->parts.store->seats->keys(w->parts.store, 0, load_one, w);
}

static int add_line(struct idem_worker *w, const struct idem_command *c, const char *action,
                    const struct idem_store_api_key *key)
{
    char subject[IDEM_AUDIT_SUBJECT_MAX + 1];
    const struct idem_audit_line line = {
        .organisation = key->organisation,
        .at_ms = c->received_ms,
        .actor = c->grant.actor[0] != '\0' ? c->grant.actor : "system",
        .action = action,
        .subject = subject,
        .important = true,
    };

    snprintf(subject, sizeof subject, "key:%s", key->name);
    return idem_audit_add(w, &line);
}

static unsigned scopes_of(const struct idem_command *c)
{
    const json_t *list = json_object_get(c->json, "scopes");
    unsigned scopes = 0;
    size_t i;
    json_t *value;

    json_array_foreach(list, i, value) scopes |=
        strcmp(json_string_value(value), "gate") == 0 ? IDEM_SCOPE_GATE : IDEM_SCOPE_SESSIONS;
    return list == NULL ? (unsigned)IDEM_SCOPE_SESSIONS : scopes;
}

static int store_key(struct idem_worker *w, struct idem_command *c, struct idem_store_api_key *key)
{
    struct idem_store *store = w->parts.store;
    struct idem_store_api_key held;
    int err = store->ops->begin(store);

    if (err != 0)
        return err;
    err = store->seats->key_named(store, key->organisation, key->name, &held);
    if (err == 0)
        idem_command_refuse(c, IDEM_PROBLEM_NAME_TAKEN, "there is or was a key of this name");
    else if (err == IDEM_ERR_NOT_FOUND && (err = store->seats->key_add(store, key)) == 0)
        err = add_line(w, c, "key.added", key);
    return idem_worker_commit(w, err);
}

void idem_key_add(struct idem_worker *w, struct idem_command *c)
{
    struct idem_text *t = &c->answer;
    char text[IDEM_SECRET_TEXT + 1];
    struct idem_store_api_key key = {
        .organisation = c->grant.organisation,
        .scopes = scopes_of(c),
        .since_ms = c->received_ms - c->received_ms % (3600 * 1000),
    };

    snprintf(key.name, sizeof key.name, "%s", json_string_value(json_object_get(c->json, "name")));
    idem_auth_token(text, key.hash);
    int err = store_key(w, c, &key);
    if (err == 0 && c->problem == IDEM_PROBLEM_NONE)
        err = grant(w, &key);
    if (err != 0) {
        idem_worker_refuse_store(c, err);
    } else if (c->problem == IDEM_PROBLEM_NONE) {
        c->status = 201;
        idem_text_put(t, "{\"key\":");
        put_key(w, &key, t);
        idem_text_fmt(t, ",\"secret\":\"%s\"}", text);
    }
    sodium_memzero(text, sizeof text);
    c->done(c, false);
}

static int revoke(struct idem_worker *w, struct idem_command *c, struct idem_store_api_key *key)
{
    struct idem_store *store = w->parts.store;
    int err = store->ops->begin(store);

    if (err != 0)
        return err;
    key->revoked = true;
    if ((err = store->seats->key_revoke(store, key->row)) == 0 &&
        (err = store->bindings->end_key(store, key->row)) == 0)
        err = add_line(w, c, "key.revoked", key);
    return idem_worker_commit(w, err);
}

void idem_key_revoke(struct idem_worker *w, struct idem_command *c)
{
    struct idem_store *store = w->parts.store;
    struct idem_store_api_key key;
    int err = store->seats->key_get(store, c->clock_ms, &key);

    if (err == IDEM_ERR_NOT_FOUND || (err == 0 && !idem_worker_may_see(c, key.organisation))) {
        idem_command_refuse(c, IDEM_PROBLEM_NO_SUCH_KEY, "no API key here has this number");
    } else if (err != 0 || (!key.revoked && (err = revoke(w, c, &key)) != 0)) {
        idem_worker_refuse_store(c, err);
    } else {
        idem_auth_revoke_key(w->parts.auth, key.row);
        idem_porter_unbind_key(w->parts.porter, key.row);
        idem_seat_end_sessions(w, 0, key.row);
        c->status = 200;
        put_key(w, &key, &c->answer);
    }
    c->done(c, false);
}

struct listing {
    struct idem_worker *worker;
    struct idem_text *text;
    int64_t after, last; /* rows, in whose order they come */
    int count;
};

static int list_one(void *arg, const struct idem_store_api_key *key)
{
    struct listing *l = arg;

    if (key->row <= l->after || l->count == IDEM_LIST_MAX)
        return IDEM_OK;
    l->last = key->row;
    idem_text_put(l->text, l->count++ > 0 ? "," : "");
    put_key(l->worker, key, l->text);
    return IDEM_OK;
}

void idem_key_list(struct idem_worker *w, struct idem_command *c)
{
    struct idem_store *store = w->parts.store;
    struct listing l = {.worker = w, .text = &c->answer, .after = c->clock_ms};

    c->status = 200;
    idem_text_put(&c->answer, "{\"keys\":[");
    int err = store->seats->keys(store, c->grant.organisation, list_one, &l);
    if (err != 0)
        idem_worker_refuse_store(c, err);
    else if (l.count == IDEM_LIST_MAX)
        idem_text_fmt(&c->answer, "],\"next\":%lld}", (long long)l.last);
    else
        idem_text_put(&c->answer, "],\"next\":null}");
    c->done(c, false);
}

/* ------------------------------------------------------------------ tokens of sessions */

bool idem_token_counted(struct idem_command *c, const struct idem_session *s, uint32_t *counter)
{
    const bool agent = s->opening.kind == IDEM_SESSION_AGENT;

    *counter = s->renewals + 1;
    if (agent && c->sealed)
        *counter = (uint32_t)json_integer_value(json_object_get(c->json, "counter"));
    if (agent && !c->sealed) {
        idem_notice_of_session(IDEM_NOTICE_SIGNATURE_WRONG, s->person->organisation, s->id);
        idem_command_refuse(c, IDEM_PROBLEM_SIGNATURE_WRONG, "the session's seat has to sign");
    } else if (*counter <= s->renewals) {
        idem_notice_of_session(IDEM_NOTICE_RENEWAL_REPLAYED, s->person->organisation, s->id);
        idem_command_refuse(c, IDEM_PROBLEM_COUNTER_USED, "the counter must be above %u",
                            s->renewals);
    }
    return c->problem == IDEM_PROBLEM_NONE;
}

static bool may_renew(struct idem_worker *w, struct idem_command *c, const struct idem_session *s,
                      uint32_t *counter)
{
    if (s->closed) {
        idem_command_refuse(c, IDEM_PROBLEM_SESSION_CLOSED, "session %s has ended", s->name);
    } else if (idem_token_counted(c, s, counter) && !s->test_clock &&
               w->now_ms - s->opened_ms >= IDEM_SESSION_LIFE_MS) {
        idem_command_refuse(c, IDEM_PROBLEM_SESSION_CLOSED,
                            "session %s has had its time: open "
                            "another",
                            s->name);
    }
    return c->problem == IDEM_PROBLEM_NONE;
}

static int store_renewal(struct idem_worker *w, const struct idem_session *s,
                         const uint8_t hash[IDEM_HASH_BYTES], int64_t expires_ms, uint32_t counter)
{
    struct idem_store *store = w->parts.store;
    int err = store->ops->begin(store);

    if (err != 0)
        return err;
    return idem_worker_commit(
        w, store->seats->session_renew(store, s->row, hash, expires_ms, counter));
}

bool idem_token_count(struct idem_worker *w, struct idem_command *c, struct idem_session *s)
{
    uint32_t counter;

    if (!idem_token_counted(c, s, &counter))
        return false;
    int err = store_renewal(w, s, s->token_hash, s->token_expires_ms, counter);
    if (err != 0)
        idem_worker_refuse_store(c, err);
    else
        s->renewals = counter;
    if (err == 0)
        idem_session_heard(s, c->received_ms);
    return err == 0;
}

void idem_token_answer(struct idem_text *t, const char *token, int64_t expires_ms, int64_t now_ms)
{
    idem_text_fmt(t, "{\"token\":\"%s\",\"token_expires\":", token);
    if (expires_ms == 0)
        idem_text_put(t, "null,\"token_life_s\":null");
    else {
        idem_text_time(t, expires_ms);
        idem_text_fmt(t, ",\"token_life_s\":%lld", (long long)(expires_ms - now_ms) / 1000);
    }
}

static int renew(struct idem_worker *w, struct idem_command *c, struct idem_session *s,
                 uint32_t counter)
{
    const int64_t life = w->parts.token_ms, now = c->received_ms;
    const int64_t expires_ms = s->token_expires_ms == 0 ? 0 : now + life;
    const int64_t overlap = life / 5 < IDEM_TOKEN_OVERLAP_MS ? life / 5 : IDEM_TOKEN_OVERLAP_MS;
    uint8_t hash[IDEM_HASH_BYTES];
    char token[IDEM_SECRET_TEXT + 1];

    idem_auth_token(token, hash);
    int err = store_renewal(w, s, hash, expires_ms, counter);
    if (err == 0)
        err = idem_auth_renew(w->parts.auth, s->slot, hash, expires_ms, now + overlap);
    if (err == 0) {
        memcpy(s->token_hash, hash, sizeof s->token_hash);
        s->token_expires_ms = expires_ms;
        s->renewals = counter;
        idem_metric_add(IDEM_METRIC_RENEWALS, 1);
        idem_token_answer(&c->answer, token, expires_ms, now);
        idem_text_put(&c->answer, "}");
    }
    sodium_memzero(token, sizeof token);
    return err;
}

void idem_token_renew(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find_own(w, c);
    uint32_t counter = 0;

    c->status = 200;
    if (s != NULL && may_renew(w, c, s, &counter)) {
        int err = renew(w, c, s, counter);
        if (err != 0)
            idem_worker_refuse_store(c, err);
        else
            idem_session_heard(s, c->received_ms);
    }
    c->done(c, false);
}
