/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c - see auth.h. */
#include "server/auth.h"

#include "server/doubts.h"
#include "server/index.h"
#include "server/notices.h"
#include "server/retired.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An API key or a log-in. */
struct held {
    uint8_t hash[IDEM_HASH_BYTES];
    struct idem_grant grant;
    int64_t expires_ms, idle_ms, seen_ms;
    bool used;
};

struct of_session {
    uint8_t id[IDEM_ID_BYTES];
    int64_t organisation;
    uint8_t hash[IDEM_HASH_BYTES], old_hash[IDEM_HASH_BYTES]; /* of the token, and the one before */
    int64_t expires_ms, old_until_ms;                         /* 0: never; there is no old one */
    uint64_t place, place_before; /* where it was used from last, and before that */
    unsigned doubts;              /* that the worker has not taken yet */
    bool listed;                  /* for these */
    int32_t next_doubted;
};

struct idem_auth {
    char operator[IDEM_SECRET_TEXT + 1];
    uint8_t operator_hash[IDEM_HASH_BYTES];
    int64_t demo;
    pthread_mutex_t lock; /* over all that follows */
    struct idem_index *hashes, *held_hashes;
    struct held *held; /* [IDEM_GRANTS_MAX] */
    struct idem_retired *retired;
    int32_t first_doubted; /* slot, or IDEM_INDEX_NONE */
    uint32_t max;
    struct of_session sessions[]; /* by slot */
};

void idem_auth_hash(const char *text, uint8_t hash[IDEM_HASH_BYTES])
{
    crypto_generichash(hash, IDEM_HASH_BYTES, (const uint8_t *)text, strlen(text), NULL, 0);
}

void idem_auth_csrf(const char *token, char *text)
{
    static const uint8_t use[] = "idem: cross-site request forgery";
    uint8_t hash[IDEM_SECRET_BYTES];

    crypto_generichash(hash, sizeof hash, (const uint8_t *)token, strlen(token), use, sizeof use);
    idem_secret_text(hash, text);
}

static int load_operator(struct idem_auth *a, const char *dir)
{
    uint8_t secret[IDEM_SECRET_BYTES];
    int err = idem_secret_load(dir, "operator.token", true, secret);

    if (err != 0)
        return err;
    idem_secret_text(secret, a->operator);
    idem_auth_hash(a->operator, a->operator_hash);
    sodium_memzero(secret, sizeof secret);
    return IDEM_OK;
}

int idem_auth_new(const char *dir, uint32_t max, int64_t demo, struct idem_auth **out)
{
    struct idem_auth *a = calloc(1, sizeof *a + (size_t)max * sizeof a->sessions[0]);
    int err;

    if (a == NULL)
        return IDEM_ERR_NOMEM;
    a->max = max;
    a->demo = demo;
    a->first_doubted = IDEM_INDEX_NONE;
    pthread_mutex_init(&a->lock, NULL);
    a->held = calloc(IDEM_GRANTS_MAX, sizeof a->held[0]);
    if (a->held == NULL)
        err = IDEM_ERR_NOMEM;
    else if ((err = idem_index_new(IDEM_HASH_BYTES, 2 * max, &a->hashes)) == 0 &&
             (err = idem_retired_new(&a->retired)) == 0 &&
             (err = idem_index_new(IDEM_HASH_BYTES, IDEM_GRANTS_MAX, &a->held_hashes)) == 0 &&
             demo != 0)
        err = load_operator(a, dir);
    if (err != 0) {
        idem_auth_free(a);
        return err;
    }
    *out = a;
    return IDEM_OK;
}

void idem_auth_free(struct idem_auth *auth)
{
    if (auth == NULL)
        return;
    idem_index_free(auth->hashes);
    idem_index_free(auth->held_hashes);
    idem_retired_free(auth->retired);
    free(auth->held);
    pthread_mutex_destroy(&auth->lock);
    sodium_memzero(auth->operator, sizeof auth->operator);
    free(auth);
}

const char *idem_auth_operator(const struct idem_auth *auth)
{
    return auth->operator;
}

/* ------------------------------------------------------------------ from a token to a grant */

static bool is_operator(const struct idem_auth *a, const uint8_t hash[IDEM_HASH_BYTES],
                        struct idem_grant *grant)
{
    if (a->demo == 0 || sodium_memcmp(hash, a->operator_hash, IDEM_HASH_BYTES) != 0)
        return false;
    grant->may |= IDEM_MAY_STAFF;
    grant->organisation = a->demo;
    snprintf(grant->actor, sizeof grant->actor, "demo");
    return true;
}

static void notice(struct idem_auth *a, struct of_session *s, enum idem_notice_kind kind,
                   unsigned doubt)
{
    if (doubt != 0 && !s->listed) {
        s->listed = true;
        s->next_doubted = a->first_doubted;
        a->first_doubted = (int32_t)(s - a->sessions);
    }
    s->doubts |= doubt;
    idem_notice_of_session(kind, s->organisation, s->id);
}

/* A token that was replaced a while ago: whoever has it has kept it. */
static enum idem_problem find_retired(struct idem_auth *a, const uint8_t hash[IDEM_HASH_BYTES])
{
    uint8_t id[IDEM_ID_BYTES];
    int64_t organisation;
    int32_t slot;

    if (!idem_retired_find(a->retired, hash, id, &organisation, &slot))
        return IDEM_PROBLEM_TOKEN_UNKNOWN;
    if (memcmp(a->sessions[slot].id, id, IDEM_ID_BYTES) == 0)
        notice(a, &a->sessions[slot], IDEM_NOTICE_TOKEN_REUSED, IDEM_DOUBT_TOKEN_REUSED);
    else /* its session is over */
        idem_notice_of_session(IDEM_NOTICE_TOKEN_REUSED, organisation, id);
    return IDEM_PROBLEM_TOKEN_EXPIRED;
}

/* One move is somebody travelling; there and back again within one token's life is two people. */
static void notice_place(struct idem_auth *a, struct of_session *s, uint64_t place)
{
    if (place == 0 || place == s->place)
        return;
    if (s->place != 0 && place == s->place_before)
        notice(a, s, IDEM_NOTICE_TOKEN_TORN, IDEM_DOUBT_TOKEN_TORN);
    else if (s->place != 0)
        notice(a, s, IDEM_NOTICE_TOKEN_MOVED, 0);
    s->place_before = s->place;
    s->place = place;
}

static bool has_expired(struct idem_auth *a, struct of_session *s,
                        const uint8_t hash[IDEM_HASH_BYTES], int64_t now_ms)
{
    if (memcmp(hash, s->hash, IDEM_HASH_BYTES) == 0)
        return s->expires_ms != 0 && now_ms >= s->expires_ms;
    if (now_ms < s->old_until_ms)
        return false;
    notice(a, s, IDEM_NOTICE_TOKEN_REUSED, IDEM_DOUBT_TOKEN_REUSED);
    return true;
}

static enum idem_problem find_session(struct idem_auth *a, const uint8_t hash[IDEM_HASH_BYTES],
                                      const struct idem_credentials *brought, int64_t now_ms,
                                      struct idem_grant *grant)
{
    int32_t slot = idem_index_find(a->hashes, hash);

    if (slot == IDEM_INDEX_NONE)
        return find_retired(a, hash);
    struct of_session *s = &a->sessions[slot];
    if (has_expired(a, s, hash, now_ms))
        return IDEM_PROBLEM_TOKEN_EXPIRED;
    notice_place(a, s, brought->place);
    grant->slot = slot;
    memcpy(grant->id, s->id, IDEM_ID_BYTES);
    grant->organisation = s->organisation;
    grant->may |= IDEM_MAY_SESSION;
    return IDEM_PROBLEM_NONE;
}

static bool is_over(const struct held *h, int64_t now_ms)
{
    return (h->expires_ms != 0 && now_ms >= h->expires_ms) ||
           (h->idle_ms != 0 && now_ms - h->seen_ms >= h->idle_ms);
}

/* by_cookie: a log-in, and nothing else, comes in a cookie; an API key never does. */
static bool find_held(struct idem_auth *a, const uint8_t hash[IDEM_HASH_BYTES], bool by_cookie,
                      int64_t now_ms, struct idem_grant *grant)
{
    int32_t at = idem_index_find(a->held_hashes, hash);

    if (at == IDEM_INDEX_NONE || (a->held[at].grant.account != 0) != by_cookie ||
        is_over(&a->held[at], now_ms))
        return false;
    a->held[at].seen_ms = now_ms;
    *grant = a->held[at].grant;
    grant->may |= IDEM_MAY_ANYBODY;
    grant->slot = IDEM_INDEX_NONE;
    return true;
}

static enum idem_problem find_bearer(struct idem_auth *a, const struct idem_credentials *brought,
                                     int64_t now_ms, struct idem_grant *grant)
{
    static const char scheme[] = "Bearer ";
    const char *header = brought->authorization;
    uint8_t hash[IDEM_HASH_BYTES];

    if (strncasecmp(header, scheme, sizeof scheme - 1) != 0 ||
        strlen(header + sizeof scheme - 1) != IDEM_SECRET_TEXT)
        return IDEM_PROBLEM_TOKEN_UNKNOWN;
    idem_auth_hash(header + sizeof scheme - 1, hash);
    if (is_operator(a, hash, grant))
        return IDEM_PROBLEM_NONE;
    pthread_mutex_lock(&a->lock);
    enum idem_problem problem = find_held(a, hash, false, now_ms, grant)
                                    ? IDEM_PROBLEM_NONE
                                    : find_session(a, hash, brought, now_ms, grant);
    pthread_mutex_unlock(&a->lock);
    return problem;
}

static enum idem_problem find_login(struct idem_auth *a, const struct idem_credentials *brought,
                                    int64_t now_ms, struct idem_grant *grant)
{
    char csrf[IDEM_SECRET_TEXT + 1];
    uint8_t hash[IDEM_HASH_BYTES];

    if (strlen(brought->cookie) != IDEM_SECRET_TEXT)
        return IDEM_PROBLEM_TOKEN_UNKNOWN;
    idem_auth_hash(brought->cookie, hash);
    pthread_mutex_lock(&a->lock);
    bool found = find_held(a, hash, true, now_ms, grant);
    pthread_mutex_unlock(&a->lock);
    if (!found)
        return IDEM_PROBLEM_TOKEN_UNKNOWN;
    if (!brought->changes)
        return IDEM_PROBLEM_NONE;
    idem_auth_csrf(brought->cookie, csrf);
    if (brought->csrf == NULL || strlen(brought->csrf) != IDEM_SECRET_TEXT ||
        sodium_memcmp(brought->csrf, csrf, IDEM_SECRET_TEXT) != 0)
        return IDEM_PROBLEM_CSRF_MISSING;
    return IDEM_PROBLEM_NONE;
}

enum idem_problem idem_auth_check(struct idem_auth *auth, const struct idem_credentials *brought,
                                  int64_t now_ms, struct idem_grant *out)
{
    const struct idem_grant nobody = {.slot = IDEM_INDEX_NONE, .may = IDEM_MAY_ANYBODY};
    struct idem_grant grant = nobody;
    enum idem_problem problem = IDEM_PROBLEM_NONE;

    if (brought->authorization != NULL)
        problem = find_bearer(auth, brought, now_ms, &grant);
    else if (brought->cookie != NULL)
        problem = find_login(auth, brought, now_ms, &grant);
    *out = problem == IDEM_PROBLEM_NONE ? grant : nobody;
    return problem;
}

/* ------------------------------------------------------------------ sessions */

void idem_auth_token(char *text, uint8_t hash[IDEM_HASH_BYTES])
{
    uint8_t secret[IDEM_SECRET_BYTES];

    randombytes_buf(secret, sizeof secret);
    idem_secret_text(secret, text);
    idem_auth_hash(text, hash);
    sodium_memzero(secret, sizeof secret);
}

int idem_auth_add(struct idem_auth *auth, const uint8_t hash[IDEM_HASH_BYTES],
                  const uint8_t id[IDEM_ID_BYTES], int64_t organisation, int32_t slot,
                  int64_t expires_ms)
{
    if (slot < 0 || (uint32_t)slot >= auth->max)
        return IDEM_ERR_LIMIT;
    pthread_mutex_lock(&auth->lock);
    int err = idem_index_add(auth->hashes, hash, slot);
    if (err == 0) {
        struct of_session *s = &auth->sessions[slot];
        *s = (struct of_session){.organisation = organisation,
                                 .expires_ms = expires_ms,
                                 .listed = s->listed, /* without the doubts of the one before */
                                 .next_doubted = s->next_doubted};
        memcpy(s->id, id, IDEM_ID_BYTES);
        memcpy(s->hash, hash, IDEM_HASH_BYTES);
    }
    pthread_mutex_unlock(&auth->lock);
    return err;
}

/* Nobody opens anything with the one before any more. */
static void retire(struct idem_auth *a, struct of_session *s)
{
    if (s->old_until_ms == 0)
        return;
    idem_index_remove(a->hashes, s->old_hash);
    idem_retired_add(a->retired, s->old_hash, s->id, s->organisation, (int32_t)(s - a->sessions));
    s->old_until_ms = 0;
}

int idem_auth_renew(struct idem_auth *auth, int32_t slot, const uint8_t hash[IDEM_HASH_BYTES],
                    int64_t expires_ms, int64_t old_until_ms)
{
    if (slot < 0 || (uint32_t)slot >= auth->max)
        return IDEM_ERR_LIMIT;
    struct of_session *s = &auth->sessions[slot];
    pthread_mutex_lock(&auth->lock);
    retire(auth, s);
    int err = idem_index_add(auth->hashes, hash, slot);
    if (err == 0) {
        memcpy(s->old_hash, s->hash, IDEM_HASH_BYTES);
        memcpy(s->hash, hash, IDEM_HASH_BYTES);
        s->old_until_ms = old_until_ms;
        s->expires_ms = expires_ms;
        s->place_before = 0;
    }
    pthread_mutex_unlock(&auth->lock);
    return err;
}

bool idem_auth_doubted(struct idem_auth *auth, uint8_t id[IDEM_ID_BYTES], unsigned *doubts)
{
    unsigned found = 0;

    pthread_mutex_lock(&auth->lock);
    while (found == 0 && auth->first_doubted != IDEM_INDEX_NONE) {
        struct of_session *s = &auth->sessions[auth->first_doubted];
        auth->first_doubted = s->next_doubted;
        found = s->doubts;
        s->doubts = 0;
        s->listed = false;
        if (found != 0)
            memcpy(id, s->id, IDEM_ID_BYTES);
    }
    pthread_mutex_unlock(&auth->lock);
    if (found != 0)
        *doubts = found;
    return found != 0;
}

void idem_auth_remove(struct idem_auth *auth, const uint8_t hash[IDEM_HASH_BYTES], int32_t slot)
{
    pthread_mutex_lock(&auth->lock);
    if (idem_index_find(auth->hashes, hash) == slot) {
        idem_index_remove(auth->hashes, hash);
        retire(auth, &auth->sessions[slot]);
    }
    pthread_mutex_unlock(&auth->lock);
}

/* ------------------------------------------------------------------ API keys and log-ins */

static void drop_held(struct idem_auth *a, struct held *h)
{
    idem_index_remove(a->held_hashes, h->hash);
    sodium_memzero(h, sizeof *h);
}

/* A free place, made by what is over if need be; NULL when there is none. */
static struct held *free_place(struct idem_auth *a, int64_t now_ms)
{
    struct held *found = NULL;

    for (int i = 0; i < IDEM_GRANTS_MAX && found == NULL; i++)
        if (!a->held[i].used)
            found = &a->held[i];
    for (int i = 0; i < IDEM_GRANTS_MAX && found == NULL; i++) {
        if (is_over(&a->held[i], now_ms)) {
            drop_held(a, &a->held[i]);
            found = &a->held[i];
        }
    }
    return found;
}

/* Whoever has one account must not fill the table that all others are in. */
static void make_room_for(struct idem_auth *a, int64_t account)
{
    struct held *oldest = NULL;
    unsigned count = 0;

    for (int i = 0; i < IDEM_GRANTS_MAX; i++) {
        struct held *h = &a->held[i];
        if (!h->used || h->grant.account != account)
            continue;
        count++;
        if (oldest == NULL || h->seen_ms < oldest->seen_ms)
            oldest = h;
    }
    if (count >= IDEM_LOGINS_EACH)
        drop_held(a, oldest);
}

int idem_auth_grant(struct idem_auth *auth, const uint8_t hash[IDEM_HASH_BYTES],
                    const struct idem_grant *grant, int64_t expires_ms, int64_t idle_ms,
                    int64_t now_ms)
{
    int err = IDEM_OK;

    pthread_mutex_lock(&auth->lock);
    int32_t at = idem_index_find(auth->held_hashes, hash);
    if (at == IDEM_INDEX_NONE && grant->account != 0)
        make_room_for(auth, grant->account);
    struct held *h = at != IDEM_INDEX_NONE ? &auth->held[at] : free_place(auth, now_ms);
    if (h == NULL)
        err = IDEM_ERR_LIMIT;
    else if (at == IDEM_INDEX_NONE)
        err = idem_index_add(auth->held_hashes, hash, (int32_t)(h - auth->held));
    if (err == 0) {
        *h = (struct held){.grant = *grant,
                           .expires_ms = expires_ms,
                           .idle_ms = idle_ms,
                           .seen_ms = now_ms,
                           .used = true};
        memcpy(h->hash, hash, IDEM_HASH_BYTES);
    }
    pthread_mutex_unlock(&auth->lock);
    return err;
}

void idem_auth_revoke(struct idem_auth *auth, const uint8_t hash[IDEM_HASH_BYTES])
{
    pthread_mutex_lock(&auth->lock);
    int32_t at = idem_index_find(auth->held_hashes, hash);
    if (at != IDEM_INDEX_NONE)
        drop_held(auth, &auth->held[at]);
    pthread_mutex_unlock(&auth->lock);
}

void idem_auth_revoke_account(struct idem_auth *auth, int64_t account, const uint8_t *keep)
{
    pthread_mutex_lock(&auth->lock);
    for (int i = 0; i < IDEM_GRANTS_MAX; i++) {
        struct held *h = &auth->held[i];
        if (h->used && h->grant.account == account &&
            (keep == NULL || memcmp(h->hash, keep, IDEM_HASH_BYTES) != 0))
            drop_held(auth, h);
    }
    pthread_mutex_unlock(&auth->lock);
}

void idem_auth_revoke_key(struct idem_auth *auth, int64_t api_key)
{
    pthread_mutex_lock(&auth->lock);
    for (int i = 0; i < IDEM_GRANTS_MAX; i++)
        if (auth->held[i].used && auth->held[i].grant.api_key == api_key)
            drop_held(auth, &auth->held[i]);
    pthread_mutex_unlock(&auth->lock);
}
