/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.c - what the person at the seat asks, by control.h: how things stand is answered from what is
 * known here; what the server has to be asked for waits its turn, at most IDEM_COURIER_ASKS
 * questions at once, and is answered with the server's answer or with why there is none.
 *
 *   text, acknowledge, nonce              the session's requests, signed where the server wants it
 *   withdraw                              done here at once, whatever the server does; that it is
 *                                         told is on the disk, and comes before a next
 * "acknowledge" pause, resume                         pause.h decides here; the server is told
 * (opening.c) enrol                                 registers a key (key.h), before there is any
 * session
 */
#include "agent/courier/courier.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum { PATH_CAP = IDEM_CONTROL_ARGUMENT_MAX + 64, BODY_CAP = 1024 };

/* ------------------------------------------------------------------ how things stand */

static bool has_devices(const struct idem_courier *c)
{
    return c->sensor.state.keyboards + c->sensor.state.pointers + c->x11.state.keyboards +
               c->x11.state.pointers >
           0;
}

static enum idem_control_why why_of_presence(const struct idem_courier *c)
{
    switch (c->seat.presence) {
    case IDEM_NOBODY:
        return IDEM_WHY_NOBODY;
    case IDEM_REMOTE:
        return IDEM_WHY_REMOTE;
    case IDEM_LOCKED:
        return IDEM_WHY_LOCKED;
    case IDEM_AWAY:
        return IDEM_WHY_AWAY;
    case IDEM_SUSPENDED:
        return IDEM_WHY_SUSPENDED;
    default:
        return IDEM_WHY_COLLECTING;
    }
}

static enum idem_control_why why(const struct idem_courier *c)
{
    if (!c->enrolled)
        return IDEM_WHY_NOT_ENROLLED;
    if (!idem_lines_stand(&c->broker))
        return IDEM_WHY_NO_BROKER;
    if (!idem_lines_stand(&c->sensor))
        return IDEM_WHY_NO_SENSOR;
    if (c->seat.presence != IDEM_PRESENT)
        return why_of_presence(c);
    if (strcmp(c->rules_of, c->person) != 0 || c->acknowledgement == IDEM_ACK_UNKNOWN ||
        c->front == NULL)
        return IDEM_WHY_NO_SESSION;
    if (c->rules.exempt_behaviour)
        return IDEM_WHY_EXEMPT;
    if (c->acknowledgement == IDEM_ACK_MISSING || c->acknowledgement == IDEM_ACK_OUTDATED)
        return IDEM_WHY_NOT_ACKNOWLEDGED;
    if (c->pause.state == IDEM_PAUSE_ON)
        return IDEM_WHY_PAUSED;
    return has_devices(c) ? IDEM_WHY_COLLECTING : IDEM_WHY_NO_DEVICES;
}

static void put_rules(const struct idem_courier *c, struct idem_control_status *s)
{
    s->has_rules = c->person[0] != 0 && strcmp(c->rules_of, c->person) == 0;
    s->settings = c->rules.settings;
    s->window_keys = c->rules.settings.window_keys;
    s->window_gestures = c->rules.settings.window_gestures;
    s->fail_closed = c->rules.fail_closed;
    s->fail_after_s = c->rules.fail_after_s;
    s->pause_allowed = c->rules.pause_allowed;
    s->pause_at_most_s = c->rules.pause_at_most_s;
    s->unlock_counts = c->rules.unlock_counts;
    snprintf(s->level, sizeof s->level, "%s",
             c->front != NULL ? idem_level_name(idem_front_level(c->front)) : "");
    s->acknowledgement = c->acknowledgement;
    if (c->acknowledgement != IDEM_ACK_GIVEN)
        return;
    snprintf(s->acknowledged, sizeof s->acknowledged, "%s", c->version);
    snprintf(s->acknowledged_hour, sizeof s->acknowledged_hour, "%s", c->acknowledged_hour);
}

static void put_spool(const struct idem_courier *c, struct idem_control_status *s)
{
    struct idem_spool_counts n;

    if (c->spool == NULL)
        return;
    idem_upkeep_counts(c, &n);
    for (int k = 0; k < IDEM_SPOOL_KINDS; k++)
        s->spool_waiting += n.waiting[k] + n.in_flight[k];
    s->spool_dropped = n.dropped;
    s->spool_expired = n.expired;
    s->spool_refused = n.refused + c->turned_away;
    s->spool_unreadable = n.unreadable;
    s->spool_begun_anew = n.lost;
}

static void put_standing(const struct idem_courier *c, struct idem_control_status *s)
{
    const char *state = c->standing.state;
    bool asks = strcmp(state, "step-up") == 0 || strcmp(state, "locked") == 0;

    if (!idem_session_is_open(c))
        return;
    snprintf(s->standing, sizeof s->standing, "%.15s", asks ? state : "watched");
    snprintf(s->cause, sizeof s->cause, "%s", c->standing.text);
}

static void status(void *arg, struct idem_control_status *s)
{
    const struct idem_courier *c = arg;

    s->enrolled = c->enrolled;
    snprintf(s->server, sizeof s->server, "%s://%.240s", c->config.server.tls ? "https" : "http",
             c->config.server.host);
    snprintf(s->policy, sizeof s->policy, "%.63s", c->session.policy);
    s->broker = idem_lines_stand(&c->broker);
    s->sensor = idem_lines_stand(&c->sensor);
    s->presence = (enum idem_presence)c->seat.presence;
    s->why = why(c);
    s->keyboards = c->sensor.state.keyboards + c->x11.state.keyboards;
    s->pointers = c->sensor.state.pointers + c->x11.state.pointers;
    s->reached = c->reached;
    s->reached_ms = c->reached_ms;
    put_spool(c, s);
    put_rules(c, s);
    put_standing(c, s);
    s->pause = c->pause.state;
    s->pause_left_s = idem_pause_left_s(&c->pause, idem_loop_now());
}

void idem_ask_changed(struct idem_courier *c)
{
    if (c->control != NULL)
        idem_control_changed(c->control);
}

/* ------------------------------------------------------------------ the queue */

static struct idem_courier_ask take_first(struct idem_courier *c)
{
    struct idem_courier_ask first = c->asks[0];

    if (c->ask_count == 0)
        return (struct idem_courier_ask){0}; /* it was refused meanwhile: nobody's ticket */
    c->ask_count--;
    memmove(c->asks, c->asks + 1, c->ask_count * sizeof *c->asks);
    return first;
}

static void refuse_first(struct idem_courier *c, const char *error, const char *message)
{
    idem_control_refuse(c->control, take_first(c).ticket, error, message);
}

/* The server's own words. */
static void refuse_with(struct idem_courier *c, const struct idem_http_answer *a)
{
    struct idem_problem_said problem;

    idem_problem_parse(a->body, a->len, &problem);
    if (problem.name[0] != 0)
        refuse_first(c, problem.name, problem.detail);
    else
        refuse_first(c, "failed", "The server's answer cannot be understood.");
}

static bool is_enrol(const struct idem_courier *c)
{
    return c->ask_count > 0 && c->asks[0].said.request == IDEM_CONTROL_ENROL;
}

/* ------------------------------------------------------------------ people's questions */

static bool people_due(struct idem_courier *c)
{
    return c->ask_count > 0 && !is_enrol(c) && idem_session_is_open(c) && !idem_session_is_left(c);
}

static int ask_text(struct idem_courier *c, const char *language)
{
    char path[PATH_CAP];
    const struct idem_http_request r = {
        .method = "GET", .path = path, .token = c->session.token, .limit = IDEM_ANSWER_MAX};

    /* A language is a tag: nothing that would be another parameter. */
    bool tag = strspn(language, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") ==
               strlen(language);
    snprintf(path, sizeof path, "/v1/acknowledgement%s%s",
             tag && language[0] != 0 ? "?language=" : "", tag ? language : "");
    return idem_session_ask(c, &r);
}

static void put_signature(const struct idem_courier *c, struct idem_text *t,
                          const struct idem_seal_message *m)
{
    uint8_t signature[IDEM_SEAL_SIGNATURE];
    char text[2 + 4 * IDEM_SEAL_SIGNATURE / 3];

    idem_seal_sign(&c->key.key, m, signature);
    idem_seal_text(signature, sizeof signature, text);
    idem_text_fmt(t, ",\"signature\":\"%s\"}", text);
}

static int acknowledge(struct idem_courier *c, const char *version)
{
    char bytes[BODY_CAP];
    struct idem_text t = {bytes, 0, sizeof bytes, false};
    struct idem_seal_message m;
    int err = idem_seal_acknowledgement(c->session.nonce, version, &m);

    if (err != 0)
        return err;
    idem_text_put(&t, "{\"version\":");
    idem_text_string(&t, version);
    put_signature(c, &t, &m);
    return idem_session_post(c, "/v1/acknowledgement", c->session.token, &t);
}

static int ask_nonce(struct idem_courier *c)
{
    char bytes[BODY_CAP];
    struct idem_text t = {bytes, 0, sizeof bytes, false};
    struct idem_seal_message m;
    uint32_t counter;
    int err = idem_keep_use_counter(c->keep, &c->session, &counter);

    if (err != 0)
        return err;
    idem_seal_binding(c->session.nonce, counter, &m);
    idem_text_fmt(&t, "{\"counter\":%u", counter);
    put_signature(c, &t, &m);
    return idem_session_post(c, "/v1/bindings/nonce", c->session.token, &t);
}

static int people_begin(struct idem_courier *c)
{
    const struct idem_control_said *said = &c->asks[0].said;
    int err = IDEM_ERR_INVALID;

    /* Another person's session may have been opened while it waited. */
    if (c->asks[0].uid != c->seat.uid) {
        refuse_first(c, "not-yours", "Somebody else is at this seat now.");
        return IDEM_SESSION_AGAIN;
    }
    if (said->request == IDEM_CONTROL_TEXT)
        err = ask_text(c, said->argument);
    else if (said->request == IDEM_CONTROL_ACKNOWLEDGE)
        err = acknowledge(c, said->argument);
    else if (said->request == IDEM_CONTROL_NONCE)
        err = ask_nonce(c);
    if (err != 0) {
        refuse_first(c, "failed", "This cannot be asked of the server.");
        return IDEM_SESSION_AGAIN;
    }
    return 0;
}

static bool is_untold(const struct idem_courier *c)
{
    return idem_withdrawn_is(c->untold, c->session.person, "");
}

/* What was taken back at this seat is to be asked for here, whatever the server has on record. */
static void text_is_here(const struct idem_courier *c, json_t *doc)
{
    const char *version = json_string_value(json_object_get(doc, "version"));

    if (version != NULL && idem_withdrawn_is(c->withdrawn, c->session.person, version))
        json_object_set_new(doc, "state", json_string("missing"));
}

static void people_answered(struct idem_courier *c, const struct idem_http_answer *a)
{
    enum idem_control_request request = c->asks[0].said.request;
    json_t *doc = a->status < 300 ? json_loadb(a->body, a->len, 0, NULL) : NULL;

    if (doc != NULL) {
        if (request == IDEM_CONTROL_ACKNOWLEDGE) {
            if (!is_untold(c)) /* taken back while this was on its way */
                idem_withdrawn_clear(c->withdrawn, c->session.person);
            idem_learning_keep(c);
            c->acknowledgement_wanted = true;
        } else if (request == IDEM_CONTROL_TEXT) {
            text_is_here(c, doc);
        }
        idem_control_answer(c->control, take_first(c).ticket, doc);
    } else if (!idem_session_refused(c, a) || !c->token_stale) {
        refuse_with(c, a);
    }
    json_decref(doc);
}

const struct idem_operation idem_operation_people = {"question", people_due, people_begin,
                                                     people_answered, NULL};

void idem_ask_refuse_all(struct idem_courier *c, const char *error, const char *message)
{
    while (c->ask_count > 0)
        refuse_first(c, error, message);
}

/* ------------------------------------------------------------------ taking it back */

/* Nothing more is collected here, nor sent of what was; first of all on the disk. What the sensor
 * has on its way is made for nobody. */
static void withdraw(struct idem_courier *c, uint32_t ticket)
{
    const char *person = c->person;

    if (c->enrolled && person[0] != 0) {
        idem_withdrawn_note(&c->withdrawn, person,
                            strcmp(c->rules_of, person) == 0 ? c->version : "");
        idem_withdrawn_note(&c->untold, person, "");
        if (strcmp(c->collected, person) == 0)
            c->collected[0] = 0;
        if (strcmp(c->rules_of, person) == 0)
            idem_learning_acknowledgement(c, IDEM_ACK_MISSING, c->version);
        idem_learning_keep(c);
        if (idem_spool_erase(c->spool, person) != 0)
            idem_log(IDEM_LOG_ERROR, "courier: kernel: the spool cannot be written");
    }
    idem_control_answer(c->control, ticket, NULL);
    idem_ask_changed(c);
}

static bool withdrawal_due(struct idem_courier *c)
{
    return idem_session_is_open(c) && is_untold(c);
}

static int withdrawal_begin(struct idem_courier *c)
{
    const struct idem_http_request r = {.method = "DELETE",
                                        .path = "/v1/acknowledgement",
                                        .token = c->session.token,
                                        .limit = IDEM_ANSWER_MAX};
    return idem_session_ask(c, &r);
}

/* The session teaches nothing, and is over. A server that lost it is told in the next one. */
static void withdrawal_answered(struct idem_courier *c, const struct idem_http_answer *a)
{
    if (a->status != 204 && idem_session_refused(c, a) &&
        (c->token_stale || !idem_session_is_open(c)))
        return;
    idem_withdrawn_clear(c->untold, c->session.person);
    idem_learning_keep(c);
    if (a->status != 204)
        idem_session_say(c, "the server does not take a withdrawal", a);
    idem_session_lose(c, NULL);
}

const struct idem_operation idem_operation_withdrawal = {
    "withdrawal", withdrawal_due, withdrawal_begin, withdrawal_answered, NULL};

/* ------------------------------------------------------------------ enrolling */

static bool enrol_due(struct idem_courier *c)
{
    return is_enrol(c);
}

static int enrol_begin(struct idem_courier *c)
{
    char body[IDEM_KEY_REGISTRATION_MAX];
    size_t len = 0;
    int err = idem_key_take(c->dir, &c->key);

    if (err == 0)
        err = idem_key_registration(&c->key, c->asks[0].said.argument, c->config.server.host, body,
                                    &len);
    if (err != 0) {
        refuse_first(c, err == IDEM_ERR_FORMAT ? "no-code" : "failed",
                     err == IDEM_ERR_FORMAT     ? "This is no code: it has 25 letters and digits."
                     : err == IDEM_ERR_MISMATCH ? "This seat is enrolled already."
                                                : "The seat's key cannot be written.");
        return IDEM_SESSION_AGAIN;
    }
    const struct idem_text t = {body, len, sizeof body, false};
    return idem_session_post(c, "/v1/seats/register", NULL, &t);
}

static void enrol_answered(struct idem_courier *c, const struct idem_http_answer *a)
{
    json_t *doc = a->status == 201 ? json_loadb(a->body, a->len, 0, NULL) : NULL;
    const json_t *seat = json_object_get(doc, "seat");
    json_int_t id = json_integer_value(json_object_get(seat, "id"));

    if (c->ask_count > 0 && id > 0) {
        int err = idem_key_registered(c->dir, &c->key, id);
        if (err == 0)
            err = idem_courier_enrolled(c);
        if (err == 0)
            idem_control_answer(c->control, take_first(c).ticket, doc);
        else
            refuse_first(c, "failed", "The seat is enrolled, but its state cannot be written.");
    } else if (c->ask_count > 0) {
        refuse_with(c, a);
    }
    json_decref(doc);
}

const struct idem_operation idem_operation_enrol = {"enrolment", enrol_due, enrol_begin,
                                                    enrol_answered, NULL};

/* ------------------------------------------------------------------ being asked */

static int pause_ask(struct idem_courier *c, uint32_t ticket, uint32_t seconds)
{
    struct idem_act_message lock;
    int err = idem_pause_ask(&c->pause, seconds, idem_loop_now());

    if (err != 0) {
        idem_control_refuse(c->control, ticket, "not-now",
                            err == IDEM_ERR_LEVEL   ? "The policy allows no pause."
                            : err == IDEM_ERR_LIMIT ? "The policy allows no pause as long as this."
                            : err == IDEM_ERR_FULL
                                ? "There is a pause already, or one is asked for."
                                : "Nobody is at the seat.");
        return 0;
    }
    idem_act_message(IDEM_ACTION_LOCK, 0, (enum idem_notice)0, &lock);
    idem_lines_act(c, &lock);
    idem_presence_paused(c, IDEM_PAUSE_NOTHING);
    idem_control_answer(c->control, ticket, NULL);
    return 0;
}

static int here(struct idem_courier *c, uint32_t ticket, const struct idem_control_said *said)
{
    if (said->request == IDEM_CONTROL_PAUSE)
        return pause_ask(c, ticket, said->seconds);
    if (said->request == IDEM_CONTROL_WITHDRAW) {
        withdraw(c, ticket);
        return 0;
    }
    idem_presence_paused(c, idem_pause_resume(&c->pause));
    idem_control_answer(c->control, ticket, NULL);
    return 0;
}

static int later(struct idem_courier *c, uint32_t ticket, const struct idem_control_said *said)
{
    if (c->ask_count == IDEM_COURIER_ASKS)
        idem_control_refuse(c->control, ticket, "busy", "Too much is asked at once.");
    else if (said->request != IDEM_CONTROL_ENROL && !idem_session_is_open(c))
        idem_control_refuse(c->control, ticket, "offline",
                            c->said[0] != 0 ? c->said : "There is no session with the server yet.");
    else
        c->asks[c->ask_count++] = (struct idem_courier_ask){ticket, c->seat.uid, *said};
    return 0;
}

static int ask(void *arg, uint32_t ticket, const struct idem_control_said *said)
{
    struct idem_courier *c = arg;
    bool is_here = said->request == IDEM_CONTROL_PAUSE || said->request == IDEM_CONTROL_RESUME ||
                   said->request == IDEM_CONTROL_WITHDRAW;
    int err = is_here ? here(c, ticket, said) : later(c, ticket, said);

    if (!c->was_told_to_wait && c->ask_count > 0)
        c->not_before_us = 0; /* somebody waits for it */
    idem_session_step(c);
    return err;
}

int idem_ask_open(struct idem_courier *c)
{
    static const struct idem_control_calls calls = {status, ask};
    int fd = idem_line_inherited("control");

    return idem_control_new(&c->loop, fd, &calls, c, &c->control);
}
