/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opening.c - a session's own requests: it is opened with a signed challenge, its token is renewed,
 * it is asked how it stands, the server hears of an unlocking and of a pause, it is closed.
 *
 * A session starts "strong" when the person has shown who he is since the last time that this was
 * told, and the administrator lets the log-in count (config.h); else "none".
 */
#include "agent/courier/courier.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum { HOUR_MS = 3600 * 1000, BODY_MAX = 2048, PATH_MAX_HERE = IDEM_KEEP_ID_MAX + 32 };

/* Of a token's life, after which another one is asked for. */
#define RENEW_AFTER 0.6

static char body_bytes[BODY_MAX]; /* copied when it is sent */

static struct idem_text body_new(void)
{
    return (struct idem_text){body_bytes, 0, sizeof body_bytes, false};
}

static void put_bytes(struct idem_text *t, const char *name, const uint8_t *bytes, size_t len)
{
    char text[2 + 4 * IDEM_SEAL_SIGNATURE / 3];

    idem_seal_text(bytes, len, text);
    idem_text_fmt(t, ",\"%s\":\"%s\"", name, text);
}

static void put_signature(const struct idem_courier *c, struct idem_text *t,
                          const struct idem_seal_message *m)
{
    uint8_t signature[IDEM_SEAL_SIGNATURE];

    idem_seal_sign(&c->key.key, m, signature);
    put_bytes(t, "signature", signature, sizeof signature);
}

static const char *path_of(const struct idem_courier *c, const char *rest, char *path)
{
    snprintf(path, PATH_MAX_HERE, "/v1/sessions/%s%s", c->session.id, rest);
    return path;
}

/* Since he was last told of, the person has shown who he is. */
static bool has_unlocked(const struct idem_courier *c)
{
    return c->seat.unlocked > c->strong_told;
}

/* ------------------------------------------------------------------ opening */

static bool open_due(struct idem_courier *c)
{
    return c->enrolled && !idem_session_is_open(c) && c->seat.presence == IDEM_PRESENT &&
           c->person[0] != 0 && c->open_not_before_us <= idem_loop_now();
}

static int ask_challenge(struct idem_courier *c)
{
    struct idem_text t = body_new();

    idem_text_put(&t, "{}");
    return idem_session_post(c, "/v1/challenge", NULL, &t);
}

static bool starts_strong(const struct idem_courier *c)
{
    return c->config.login_is_strong && has_unlocked(c);
}

static int open_begin(struct idem_courier *c)
{
    if (!c->challenged)
        return ask_challenge(c);
    struct idem_seal_opening o = {.host = c->config.server.host,
                                  .seat = c->key.seat,
                                  .person = c->person,
                                  .job = c->config.job,
                                  .time_ms = idem_courier_unix_ms(),
                                  .start = starts_strong(c)};
    struct idem_seal_message m;
    struct idem_text t = body_new();

    memcpy(o.nonce, c->challenge, sizeof o.nonce);
    memcpy(o.instance, c->instance, sizeof o.instance);
    int err = idem_seal_opening(&o, &m);
    if (err != 0)
        return err;
    idem_text_fmt(&t, "{\"seat_id\":%lld,\"time_ms\":%lld,\"start\":\"%s\",\"person\":",
                  (long long)o.seat, (long long)o.time_ms, o.start != 0 ? "strong" : "none");
    idem_text_string(&t, o.person);
    if (o.job[0] != 0) {
        idem_text_put(&t, ",\"job\":");
        idem_text_string(&t, o.job);
    }
    put_bytes(&t, "nonce", o.nonce, sizeof o.nonce);
    put_bytes(&t, "instance", o.instance, sizeof o.instance);
    put_signature(c, &t, &m);
    idem_text_put(&t, "}");
    c->opened_with = c->seat.unlocked;
    /* Whose it will be, for the answer: the seat may have another user by then. */
    snprintf(c->session.person, sizeof c->session.person, "%s", c->person);
    snprintf(c->session.user, sizeof c->session.user, "%s", c->seat.user);
    return idem_session_post(c, "/v1/sessions", NULL, &t);
}

static void take_life(struct idem_courier *c, const json_t *answer)
{
    const json_t *life = json_object_get(answer, "token_life_s");
    json_int_t seconds = json_is_integer(life) ? json_integer_value(life) : 0;

    if (seconds < 1 || seconds > 24 * 3600)
        seconds = 900;
    c->token_stale = false;
    c->renew_us = idem_loop_now() + (int64_t)(RENEW_AFTER * (double)seconds * IDEM_COURIER_SECOND);
}

/* Whole, or nothing of it. */
static bool take_opening(struct idem_courier *c, const json_t *answer)
{
    const json_t *session = json_object_get(answer, "session");
    const char *nonce = json_string_value(json_object_get(answer, "nonce"));
    const char *front = json_string_value(json_object_get(answer, "front"));
    struct idem_keep_session *s = &c->session;
    unsigned long long id;
    char rest;

    if (nonce == NULL || idem_seal_parse(nonce, s->nonce, sizeof s->nonce) != 0 || front == NULL ||
        strlen(front) != 16 || sscanf(front, "%16llx%c", &id, &rest) != 1 ||
        !idem_json_copy(answer, "token", s->token, sizeof s->token) ||
        !idem_json_copy(session, "id", s->id, sizeof s->id) ||
        strspn(s->id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
            strlen(s->id))
        return false;
    idem_json_copy(session, "policy", s->policy, sizeof s->policy);
    memcpy(s->instance, c->instance, sizeof s->instance);
    idem_seal_first(s->nonce, s->link);
    s->front = id;
    s->next_seq = s->next_alarm = s->counter = 1;
    s->unlocked = c->opened_with;
    s->opened_ms = idem_courier_unix_ms();
    return true;
}

static void opened(struct idem_courier *c, const json_t *answer)
{
    c->strong_told = c->opened_with;
    c->pause_wanted = false;
    take_life(c, answer);
    idem_session_keep(c);
    idem_spool_expire(c->spool, c->session.opened_ms / HOUR_MS);
    c->front_wanted = c->front == NULL || idem_front_id(c->front) != c->session.front;
    c->acknowledgement_wanted = true;
    if (idem_learning_rules(c, answer) != 0)
        c->rules_wanted = true;
    idem_learning_standing(c, json_object_get(answer, "session"));
    idem_lines_update(c);
    idem_ask_changed(c);
}

static void give_up_opening(struct idem_courier *c)
{
    memset(&c->session, 0, sizeof c->session);
    c->open_not_before_us = idem_loop_now() + idem_backoff_next(&c->opening, UINT32_MAX, 0);
}

static void challenged(struct idem_courier *c, const struct idem_http_answer *a)
{
    json_t *doc = a->status == 201 ? json_loadb(a->body, a->len, 0, NULL) : NULL;
    const char *nonce = json_string_value(json_object_get(doc, "nonce"));

    c->challenged = nonce != NULL && idem_seal_parse(nonce, c->challenge, sizeof c->challenge) == 0;
    if (!c->challenged) {
        idem_session_say(c, "the server gives no challenge", a);
        give_up_opening(c);
    }
    json_decref(doc);
}

static void open_answered(struct idem_courier *c, const struct idem_http_answer *a)
{
    if (!c->challenged) {
        challenged(c, a);
        return;
    }
    json_t *doc = a->status == 201 ? json_loadb(a->body, a->len, 0, NULL) : NULL;
    c->challenged = false; /* good once */
    if (doc != NULL && take_opening(c, doc)) {
        opened(c, doc);
    } else {
        idem_session_say(c, "no session is opened for this seat", a);
        give_up_opening(c);
    }
    json_decref(doc);
}

/* Whether it was opened is not known: the challenge is used up perhaps. */
static void open_failed(struct idem_courier *c, const char *why)
{
    (void)why;
    c->challenged = false;
    memset(&c->session, 0, sizeof c->session);
}

const struct idem_operation idem_operation_open = {"session", open_due, open_begin, open_answered,
                                                   open_failed};

/* ------------------------------------------------------------------ the token */

/* A seat that falls silent says so first, or the server would think that it is cut off. */
static bool beat_due(struct idem_courier *c)
{
    const bool slow = c->seat.presence != IDEM_PRESENT;
    int64_t beat = slow ? IDEM_COURIER_SLOW_BEAT_S : IDEM_COURIER_BEAT_S;

    if (slow && c->seat_known && !c->announced)
        beat = 0;
    return idem_session_is_open(c) && c->sent_us + beat * IDEM_COURIER_SECOND <= idem_loop_now();
}

/* A locked seat's token may expire: it is renewed when it is needed. */
static bool renew_due(struct idem_courier *c)
{
    if (!idem_session_is_open(c))
        return false;
    return c->token_stale ||
           (c->renew_us <= idem_loop_now() && (c->seat.presence == IDEM_PRESENT || beat_due(c)));
}

/* {"counter": n, "signature": s}; more: what stands between them, and in the statement. */
static int post_counted(struct idem_courier *c, const char *rest, const char *token,
                        void (*statement)(const uint8_t *nonce, uint32_t counter,
                                          struct idem_seal_message *out))
{
    char path[PATH_MAX_HERE];
    struct idem_seal_message m;
    struct idem_text t = body_new();
    uint32_t counter;
    int err = idem_keep_use_counter(c->keep, &c->session, &counter);

    if (err != 0)
        return err;
    statement(c->session.nonce, counter, &m);
    idem_text_fmt(&t, "{\"counter\":%u", counter);
    put_signature(c, &t, &m);
    idem_text_put(&t, "}");
    return idem_session_post(c, path_of(c, rest, path), token, &t);
}

static int renew_begin(struct idem_courier *c)
{
    return post_counted(c, "/token", NULL, idem_seal_renewal);
}

static void renew_answered(struct idem_courier *c, const struct idem_http_answer *a)
{
    json_t *doc = a->status == 200 ? json_loadb(a->body, a->len, 0, NULL) : NULL;

    if (doc != NULL && idem_json_copy(doc, "token", c->session.token, sizeof c->session.token)) {
        take_life(c, doc);
        idem_session_keep(c);
        c->announced = false; /* it was in place of a heartbeat */
    } else if (a->status == 200 || !idem_session_refused(c, a) || c->token_stale) {
        idem_session_say(c, "the session is not renewed", a);
        idem_session_lose(c, "it was not renewed");
    }
    json_decref(doc);
}

const struct idem_operation idem_operation_renew = {"token", renew_due, renew_begin, renew_answered,
                                                    NULL};

/* ------------------------------------------------------------------ how it stands */

static int beat_begin(struct idem_courier *c)
{
    char path[PATH_MAX_HERE], next[16] = "";

    c->announced = c->seat.presence != IDEM_PRESENT;
    if (c->announced)
        snprintf(next, sizeof next, "?next=%d", IDEM_COURIER_SLOW_BEAT_S + IDEM_COURIER_BEAT_S);
    const struct idem_http_request r = {.method = "GET",
                                        .path = path_of(c, next, path),
                                        .token = c->session.token,
                                        .limit = IDEM_ANSWER_MAX};
    return idem_session_ask(c, &r);
}

static void take_session(struct idem_courier *c, const struct idem_http_answer *a)
{
    json_t *doc = json_loadb(a->body, a->len, 0, NULL);

    idem_backoff_reset(&c->opening);
    if (doc != NULL)
        idem_learning_standing(c, doc);
    json_decref(doc);
}

static void beat_answered(struct idem_courier *c, const struct idem_http_answer *a)
{
    bool unread = c->acknowledgement == IDEM_ACK_MISSING || c->acknowledgement == IDEM_ACK_OUTDATED;

    if (a->status == 200)
        take_session(c, a);
    else if (!idem_session_refused(c, a))
        idem_session_say(c, "the server does not say how the session stands", a);
    if (idem_session_is_open(c) && unread)
        c->acknowledgement_wanted = true; /* it may have been given elsewhere */
}

const struct idem_operation idem_operation_beat = {"heartbeat", beat_due, beat_begin, beat_answered,
                                                   NULL};

/* ------------------------------------------------------------------ an unlocking, a pause */

static bool strong_due(struct idem_courier *c)
{
    return idem_session_is_open(c) && !idem_session_is_left(c) &&
           c->seat.presence == IDEM_PRESENT && c->config.login_is_strong &&
           c->rules.unlock_counts && has_unlocked(c);
}

static int strong_begin(struct idem_courier *c)
{
    c->opened_with = c->seat.unlocked;
    return post_counted(c, "/strong", c->session.token, idem_seal_strong);
}

/* Whatever the answer: this unlocking was told. */
static void strong_answered(struct idem_courier *c, const struct idem_http_answer *a)
{
    struct idem_problem_said problem;

    if (a->status != 200 && idem_session_refused(c, a))
        return;
    c->session.unlocked = c->strong_told = c->opened_with;
    idem_session_keep(c);
    if (a->status == 200) {
        take_session(c, a);
        return;
    }
    idem_problem_parse(a->body, a->len, &problem);
    if (strcmp(problem.name, "unlock-not-counted") == 0)
        c->rules_wanted = true;
    else
        idem_session_say(c, "the server does not take the unlocking", a);
    c->sent_us = 0; /* how does it stand then? */
}

const struct idem_operation idem_operation_strong = {"unlocking", strong_due, strong_begin,
                                                     strong_answered, NULL};

static bool pause_due(struct idem_courier *c)
{
    return idem_session_is_open(c) && !idem_session_is_left(c) && c->pause_wanted;
}

static int pause_begin(struct idem_courier *c)
{
    char path[PATH_MAX_HERE];
    struct idem_seal_message m;
    struct idem_text t = body_new();
    uint32_t counter, seconds = 0;
    int err = idem_keep_use_counter(c->keep, &c->session, &counter);

    if (err != 0)
        return err;
    if (c->pause.state == IDEM_PAUSE_ON)
        seconds = idem_pause_left_s(&c->pause, idem_loop_now());
    idem_seal_pause(c->session.nonce, counter, seconds, &m);
    idem_text_fmt(&t, "{\"counter\":%u,\"seconds\":%u", counter, seconds);
    put_signature(c, &t, &m);
    idem_text_put(&t, "}");
    return idem_session_post(c, path_of(c, "/pause", path), c->session.token, &t);
}

static void pause_answered(struct idem_courier *c, const struct idem_http_answer *a)
{
    if (a->status != 200 && idem_session_refused(c, a))
        return;
    c->pause_wanted = false;
    if (a->status == 200) {
        take_session(c, a);
        return;
    }
    idem_session_say(c, "the server allows no pause", a);
    idem_presence_paused(c, idem_pause_stop(&c->pause));
    c->pause_wanted = false;
    c->rules_wanted = true;
}

const struct idem_operation idem_operation_pause = {"pause", pause_due, pause_begin, pause_answered,
                                                    NULL};

/* ------------------------------------------------------------------ the end */

/* What waits goes first, as far as it may. */
static bool close_due(struct idem_courier *c)
{
    return idem_session_is_left(c);
}

static int close_begin(struct idem_courier *c)
{
    char path[PATH_MAX_HERE];
    const struct idem_http_request r = {.method = "DELETE",
                                        .path = path_of(c, "", path),
                                        .token = c->session.token,
                                        .limit = IDEM_ANSWER_MAX};
    return idem_session_ask(c, &r);
}

static void close_answered(struct idem_courier *c, const struct idem_http_answer *a)
{
    if (a->status != 204 && idem_session_refused(c, a))
        return;
    if (a->status != 204)
        idem_session_say(c, "the session is not closed at the server", a);
    idem_backoff_reset(&c->opening);
    idem_session_lose(c, NULL);
    c->open_not_before_us = 0; /* the next one's is not kept waiting */
}

const struct idem_operation idem_operation_close = {"end", close_due, close_begin, close_answered,
                                                    NULL};
