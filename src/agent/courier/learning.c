/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learning.c - what the courier knows from the server: the rules that hold for the person, the
 * front that windows are made by, whether the person has acknowledged, what stands of the session.
 *
 * Rules, acknowledgement and front are kept on disk (keep.h), so that a seat that starts without
 * its server goes by what was last said for the same person, and not by nothing. Rules of somebody
 * else are never taken: until the server has answered, nothing is collected of a person who is new
 * here, and guards act as shipped.
 */
#include "agent/courier/courier.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"

/* ------------------------------------------------------------------ kept rules */

static const char *const states[IDEM_ACKS] = {
    [IDEM_ACK_UNKNOWN] = "unknown", [IDEM_ACK_NOT_ASKED] = "not-required",
    [IDEM_ACK_MISSING] = "missing", [IDEM_ACK_OUTDATED] = "outdated",
    [IDEM_ACK_GIVEN] = "given",
};

static enum idem_control_acknowledgement state_of(const char *name)
{
    for (int s = 0; name != NULL && s < IDEM_ACKS; s++)
        if (strcmp(name, states[s]) == 0)
            return (enum idem_control_acknowledgement)s;
    return IDEM_ACK_UNKNOWN;
}

void idem_learning_keep(struct idem_courier *c)
{
    json_t *doc = json_object();

    if (c->rules_json != NULL)
        json_object_update_new(doc, json_pack("{s:s, s:s, s:s, s:s, s:O}", "person", c->rules_of,
                                              "acknowledgement", states[c->acknowledgement],
                                              "version", c->version, "hour", c->acknowledged_hour,
                                              "rules", c->rules_json));
    if (c->withdrawn != NULL)
        json_object_set(doc, "withdrawn", c->withdrawn);
    if (c->untold != NULL)
        json_object_set(doc, "untold", c->untold);
    char *text = doc != NULL ? json_dumps(doc, JSON_COMPACT) : NULL;
    size_t len = text != NULL ? strlen(text) : 0;

    if (len > 0 && len <= IDEM_KEEP_RULES_MAX && idem_keep_write_rules(c->keep, text, len) != 0)
        idem_log(IDEM_LOG_ERROR, "courier: kernel: the rules cannot be kept on disk");
    free(text);
    json_decref(doc);
}

static void take_rules(struct idem_courier *c, const struct idem_rules *rules, json_t *copy)
{
    json_decref(c->rules_json);
    c->rules_json = copy;
    c->rules = *rules;
}

static void restore_rules(struct idem_courier *c)
{
    char text[IDEM_KEEP_RULES_MAX];
    size_t len = 0;
    struct idem_rules rules;
    int err = idem_keep_read_rules(c->keep, text, sizeof text, &len);
    json_t *doc = err == 0 ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    json_t *object = json_object_get(doc, "rules");

    if (err == IDEM_ERR_CHECKSUM)
        idem_log(IDEM_LOG_ERROR, "courier: the kept rules are damaged: the server is asked anew");
    idem_withdrawn_restore(&c->withdrawn, json_object_get(doc, "withdrawn"));
    idem_withdrawn_restore(&c->untold, json_object_get(doc, "untold"));
    if (doc != NULL && idem_rules_parse(object, &rules) == 0 &&
        idem_json_copy(doc, "person", c->rules_of, sizeof c->rules_of)) {
        take_rules(c, &rules, json_incref(object));
        c->acknowledgement = state_of(json_string_value(json_object_get(doc, "acknowledgement")));
        idem_json_copy(doc, "version", c->version, sizeof c->version);
        idem_json_copy(doc, "hour", c->acknowledged_hour, sizeof c->acknowledged_hour);
    }
    json_decref(doc);
}

void idem_learning_forget(struct idem_courier *c)
{
    c->rules_of[0] = c->version[0] = c->acknowledged_hour[0] = 0;
    c->acknowledgement = IDEM_ACK_UNKNOWN;
    json_decref(c->rules_json);
    c->rules_json = NULL;
    idem_rules_default(&c->rules);
    memset(&c->standing, 0, sizeof c->standing);
}

int idem_learning_rules(struct idem_courier *c, const json_t *object)
{
    struct idem_rules rules;
    int err = idem_rules_parse(object, &rules);
    json_t *copy = err == 0 ? idem_rules_copy(object) : NULL;

    if (copy != NULL && idem_session_is_left(c)) {
        json_decref(copy); /* of somebody who has gone */
        return 0;
    }
    if (copy == NULL)
        return err != 0 ? err : IDEM_ERR_NOMEM;
    if (strcmp(c->rules_of, c->session.person) != 0) {
        idem_learning_forget(c);
        snprintf(c->rules_of, sizeof c->rules_of, "%s", c->session.person);
    }
    take_rules(c, &rules, copy);
    idem_learning_keep(c);
    const struct idem_pause_rule pause = {rules.pause_allowed, rules.pause_at_most_s};
    idem_presence_paused(c, idem_pause_rules(&c->pause, pause, idem_loop_now()));
    idem_presence_offline(c);
    return 0;
}

/* ------------------------------------------------------------------ the front */

/* The sensor can read it and nobody can change it any more. */
static int sealed_file(const void *bytes, size_t len)
{
    int fd = memfd_create("idem-front", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return -1;
    if (write(fd, bytes, len) == (ssize_t)len &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0 &&
        lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    close(fd);
    return -1;
}

static void forget_front(struct idem_courier *c)
{
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        idem_window_free(c->windows[m]);
        c->windows[m] = NULL;
    }
    idem_front_free(c->front);
    c->front = NULL;
    if (c->front_fd >= 0)
        close(c->front_fd);
    c->front_fd = -1;
    c->sensor.has_front = c->x11.has_front = false;
}

static int take_front(struct idem_courier *c, const void *bytes, size_t len)
{
    struct idem_front *front;
    int err = idem_front_parse(bytes, len, &front);

    if (err != 0)
        return err;
    forget_front(c);
    c->front = front;
    c->front_len = len;
    c->front_fd = sealed_file(bytes, len);
    err = c->front_fd < 0 ? IDEM_ERR_IO : 0;
    for (int m = 0; m < IDEM_MODALITIES && err == 0; m++)
        if (idem_front_cells(front, (enum idem_modality)m) > 0)
            err = idem_window_new(front, (enum idem_modality)m, &c->windows[m]);
    if (err != 0)
        forget_front(c);
    return err;
}

static bool front_due(struct idem_courier *c)
{
    return idem_session_is_open(c) && c->front_wanted;
}

static int front_begin(struct idem_courier *c)
{
    const struct idem_http_request r = {
        .method = "GET", .path = "/v1/front", .limit = IDEM_FRONT_MAX};

    return idem_session_ask(c, &r);
}

static void front_answered(struct idem_courier *c, const struct idem_http_answer *a)
{
    int err = a->status == 200 ? take_front(c, a->body, a->len) : IDEM_ERR_INVALID;

    c->front_wanted = false; /* until the next opening, or the next refusal of a window */
    if (err != 0) {
        idem_session_say(c, "the server's front cannot be used", a);
        return;
    }
    if (idem_keep_write_front(c->keep, a->body, a->len) != 0)
        idem_log(IDEM_LOG_ERROR, "courier: kernel: the front cannot be kept on disk");
    c->session.front = idem_front_id(c->front);
    idem_session_keep(c);
    idem_lines_update(c);
}

const struct idem_operation idem_operation_front = {"front", front_due, front_begin, front_answered,
                                                    NULL};

static void restore_front(struct idem_courier *c)
{
    void *bytes = NULL;
    size_t len = 0;
    int err = idem_keep_read_front(c->keep, &bytes, &len);

    if (err == 0 && take_front(c, bytes, len) != 0)
        err = IDEM_ERR_CHECKSUM;
    if (err == IDEM_ERR_CHECKSUM)
        idem_log(IDEM_LOG_ERROR, "courier: the kept front is damaged: the server is asked anew");
    free(bytes);
}

void idem_learning_restore(struct idem_courier *c)
{
    restore_rules(c);
    restore_front(c);
    /* What a sensor has made meanwhile it made by a former process's leave, and so for this one,
     * unless it was taken back since. */
    if (idem_learning_is_acknowledged(c))
        memcpy(c->collected, c->rules_of, sizeof c->collected);
    memcpy(c->before, c->rules_of, sizeof c->before);
    memcpy(c->guarded, c->rules_of, sizeof c->guarded);
}

void idem_learning_close(struct idem_courier *c)
{
    forget_front(c);
    json_decref(c->rules_json);
    json_decref(c->withdrawn);
    json_decref(c->untold);
    c->rules_json = c->withdrawn = c->untold = NULL;
}

/* ------------------------------------------------------------------ rules, asked for */

static bool rules_due(struct idem_courier *c)
{
    return idem_session_is_open(c) && c->rules_wanted && !idem_session_is_left(c);
}

static int rules_begin(struct idem_courier *c)
{
    char path[IDEM_KEEP_ID_MAX + 32];
    const struct idem_http_request r = {
        .method = "GET", .path = path, .token = c->session.token, .limit = IDEM_ANSWER_MAX};

    snprintf(path, sizeof path, "/v1/sessions/%s/rules", c->session.id);
    return idem_session_ask(c, &r);
}

static void rules_answered(struct idem_courier *c, const struct idem_http_answer *a)
{
    json_t *doc = a->status == 200 ? json_loadb(a->body, a->len, 0, NULL) : NULL;

    if (a->status != 200 && idem_session_refused(c, a))
        return;
    c->rules_wanted = false;
    if (doc == NULL || idem_learning_rules(c, doc) != 0)
        idem_session_say(c, "the server's rules cannot be read", a);
    json_decref(doc);
    idem_lines_update(c);
    idem_ask_changed(c);
}

const struct idem_operation idem_operation_rules = {"rules", rules_due, rules_begin, rules_answered,
                                                    NULL};

/* ------------------------------------------------------------------ acknowledgement */

static bool counts(enum idem_control_acknowledgement state)
{
    return state == IDEM_ACK_GIVEN || state == IDEM_ACK_NOT_ASKED;
}

bool idem_learning_is_acknowledged(const struct idem_courier *c)
{
    return counts(c->acknowledgement);
}

void idem_learning_acknowledgement(struct idem_courier *c, enum idem_control_acknowledgement state,
                                   const char *version)
{
    bool missing = state == IDEM_ACK_MISSING || state == IDEM_ACK_OUTDATED;
    bool changed = state != c->acknowledgement || strcmp(version, c->version) != 0;

    c->may_send = counts(state);
    if (idem_session_is_left(c))
        return; /* of somebody who has gone */
    c->acknowledgement = state;
    snprintf(c->version, sizeof c->version, "%.*s", (int)sizeof c->version - 1, version);
    if (changed && c->rules_of[0] != 0)
        idem_learning_keep(c);
    if (!missing)
        c->told_acknowledge = false;
    if (missing && !c->told_acknowledge && idem_lines_stand(&c->sensor) &&
        c->seat.presence == IDEM_PRESENT) {
        c->told_acknowledge = true;
        idem_lines_notify(c, IDEM_NOTICE_ACKNOWLEDGE);
    }
    idem_lines_update(c);
    idem_ask_changed(c);
}

static bool acknowledgement_due(struct idem_courier *c)
{
    return idem_session_is_open(c) && c->acknowledgement_wanted && !idem_session_is_left(c);
}

static int acknowledgement_begin(struct idem_courier *c)
{
    const struct idem_http_request r = {.method = "GET",
                                        .path = "/v1/acknowledgement",
                                        .token = c->session.token,
                                        .limit = IDEM_ANSWER_MAX};
    return idem_session_ask(c, &r);
}

static void acknowledgement_answered(struct idem_courier *c, const struct idem_http_answer *a)
{
    json_t *doc = a->status == 200 ? json_loadb(a->body, a->len, 0, NULL) : NULL;
    const char *version = json_string_value(json_object_get(doc, "version"));

    if (a->status != 200 && idem_session_refused(c, a))
        return;
    c->acknowledgement_wanted = false;
    idem_json_copy(doc, "hour", c->acknowledged_hour, sizeof c->acknowledged_hour);
    if (doc == NULL)
        idem_session_say(c, "whether anything is to be acknowledged is not known", a);
    else if (version != NULL && idem_withdrawn_is(c->withdrawn, c->session.person, version))
        idem_learning_acknowledgement(c, IDEM_ACK_MISSING, version);
    else
        idem_learning_acknowledgement(c, state_of(json_string_value(json_object_get(doc, "state"))),
                                      version != NULL ? version : "");
    json_decref(doc);
}

const struct idem_operation idem_operation_acknowledgement = {
    "acknowledgement", acknowledgement_due, acknowledgement_begin, acknowledgement_answered, NULL};

/* ------------------------------------------------------------------ what stands */

static void another_policy(struct idem_courier *c)
{
    memcpy(c->session.policy, c->standing.policy, sizeof c->session.policy);
    idem_session_keep(c);
    c->rules_wanted = c->acknowledgement_wanted = true;
}

/* Told an unlocking, or about to be: what was said before it does not count. */
static bool is_telling(const struct idem_courier *c)
{
    return idem_operation_strong.due((struct idem_courier *)(uintptr_t)c);
}

void idem_learning_standing(struct idem_courier *c, const json_t *session)
{
    const struct idem_act_seat seat = {c->seat.unlocked, is_telling(c)};
    struct idem_act_message act;

    if (idem_standing_parse(session, &c->standing) != 0)
        return;
    if (strcmp(c->session.policy, c->standing.policy) != 0)
        another_policy(c);
    c->held_back = json_is_string(json_object_get(session, "paused_until"));
    /* The server has ended it: something asks for the person, or policy allows it no more. */
    if (!c->held_back && !c->pause_wanted && c->pause.state == IDEM_PAUSE_ON)
        idem_presence_paused(c, idem_pause_stop(&c->pause));
    /* A courier that was killed has forgotten its pause, and goes on collecting. */
    if (c->held_back && c->pause.state != IDEM_PAUSE_ON)
        c->pause_wanted = true;
    if (!idem_session_is_left(c) && idem_lines_stand(&c->sensor) &&
        idem_act_decide(&c->acted, &c->standing, &seat, &act))
        idem_lines_act(c, &act);
    if (c->standing.stands && c->standing.action >= IDEM_ACTION_LOCK)
        idem_presence_paused(c, idem_pause_stop(&c->pause));
    if (c->standing.closed)
        idem_session_lose(c, "the server has closed it");
    idem_ask_changed(c);
}
