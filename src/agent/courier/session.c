/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c - which request is the next. There is one connection and one request at a time;
 * whenever something has happened (an answer, presence, a window, a question, a timer), the table
 * of operations is gone through from the top, and the first one that is due is begun. With nothing
 * due the courier sleeps until the heartbeat.
 *
 *   answer                            what happens
 *   none, 5xx, or a refusal that      left alone for a while (backoff.h), then the same again
 *   no idem-server says (a proxy's)
 *   429, 503 with Retry-After         likewise, not before then, whoever asks; else a new alarm, an
 *                                     unlocking and a question of the person's are tried at once
 *   401 token-expired                 the token is renewed, then the same again
 *   401 token-unknown, 404,           the session is over at the server: here too, and another one
 *   409 session-closed                is opened while the person is there
 *   403 signature-wrong,              this side's past is not the server's (an older copy of the
 *   409 chain-broken, counter-used    state directory): likewise
 *   403 acknowledgement-missing       nothing is collected until the person has acknowledged
 *   409 front-mismatch                the front is fetched; windows by the old one are dropped
 *   any other                         told in the log and in status; the operation decides
 *
 * A session that is lost soon after it was opened is not opened anew at once (opening backs off
 * by itself), so that no disagreement with a server becomes a storm.
 */
#include "agent/courier/courier.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"

/* An order is read downwards. */
/* clang-format off */
static const struct idem_operation *const operations[] = {
    &idem_operation_enrol,
    &idem_operation_alarms,
    &idem_operation_renew,
    &idem_operation_withdrawal,
    &idem_operation_strong,
    &idem_operation_front,
    &idem_operation_rules,
    &idem_operation_acknowledgement,
    &idem_operation_people,
    &idem_operation_pause,
    &idem_operation_windows,
    &idem_operation_close,
    &idem_operation_open,
    &idem_operation_beat,
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ------------------------------------------------------------------ saying */

void idem_session_say(struct idem_courier *c, const char *what, const struct idem_http_answer *a)
{
    struct idem_problem_said problem;
    char said[IDEM_COURIER_SAID_MAX];

    idem_problem_parse(a->body, a->len, &problem);
    if (a->status == 0)
        snprintf(said, sizeof said, "%s", a->why);
    else
        snprintf(said, sizeof said, "%s: %d %s%s%s", what, a->status, problem.name,
                 problem.detail[0] != 0 ? ", " : "", problem.detail);
    for (char *p = said; *p != 0; p++) /* a log line is one line */
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    if (strcmp(said, c->said) != 0) /* again is no news */
        idem_log(IDEM_LOG_ERROR, "courier: peer: %s", said);
    memcpy(c->said, said, sizeof c->said);
    idem_ask_changed(c);
}

/* ------------------------------------------------------------------ sending */

static uint32_t random_number(void)
{
    uint32_t n = 0;

    if (getrandom(&n, sizeof n, 0) != sizeof n)
        n = (uint32_t)idem_loop_now(); /* for jitter that does */
    return n;
}

/* A refusal that is no problem of the interface is not the server's word: a proxy's, say. */
static bool is_trouble(const struct idem_http_answer *a)
{
    struct idem_problem_said problem;

    if (a->status == 0 || a->status == 429 || a->status >= 500)
        return true;
    if (a->status < 300)
        return false;
    idem_problem_parse(a->body, a->len, &problem);
    return problem.name[0] == 0;
}

static void trouble(struct idem_courier *c, const struct idem_operation *operation,
                    const struct idem_http_answer *a)
{
    c->reached = false;
    c->was_told_to_wait = a->retry_after_s > 0;
    c->not_before_us =
        idem_loop_now() + idem_backoff_next(&c->backoff, random_number(), a->retry_after_s);
    idem_session_say(c, "the server cannot do it now", a);
    if (operation->failed != NULL)
        operation->failed(c, c->said);
    idem_ask_refuse_all(c, "offline", c->said);
}

static void answered(void *arg, const struct idem_http_answer *a)
{
    struct idem_courier *c = arg;
    const struct idem_operation *operation = c->operation;

    c->operation = NULL;
    if (is_trouble(a)) {
        trouble(c, operation, a);
    } else {
        bool was_away = !c->reached;
        c->reached = true;
        c->reached_us = idem_loop_now();
        c->reached_ms = idem_courier_unix_ms();
        c->offline_done = false;
        idem_backoff_reset(&c->backoff);
        if (a->status < 400)
            c->said[0] = 0;
        operation->answered(c, a);
        idem_presence_offline(c);
        if (was_away)
            idem_ask_changed(c);
    }
    idem_session_step(c);
}

int idem_session_ask(struct idem_courier *c, const struct idem_http_request *request)
{
    int err = idem_http_ask(&c->http, request, answered, c);

    if (err == 0)
        c->sent_us = idem_loop_now();
    return err;
}

int idem_session_post(struct idem_courier *c, const char *path, const char *token,
                      const struct idem_text *body)
{
    const struct idem_http_request r = {.method = "POST",
                                        .path = path,
                                        .token = token,
                                        .type = "application/json",
                                        .body = body->bytes,
                                        .len = body->len,
                                        .limit = IDEM_ANSWER_MAX};
    return body->full ? IDEM_ERR_LIMIT : idem_session_ask(c, &r);
}

/* ------------------------------------------------------------------ the end of a session */

int idem_session_keep(struct idem_courier *c)
{
    int err = idem_keep_write_session(c->keep, &c->session);

    if (err != 0)
        idem_log(IDEM_LOG_ERROR, "courier: kernel: the session cannot be kept on disk: %s",
                 idem_strerror(err));
    return err;
}

bool idem_session_is_left(const struct idem_courier *c)
{
    return idem_session_is_open(c) && c->seat_known &&
           (!idem_presence_is_here(c) || strcmp(c->session.user, c->seat.user) != 0 ||
            strcmp(c->session.person, c->person) != 0);
}

void idem_session_lose(struct idem_courier *c, const char *why)
{
    if (!idem_session_is_open(c))
        return;
    if (why != NULL) /* else it is the person's own, and no log's business */
        idem_log(IDEM_LOG_INFO, "courier: the session has ended: %s", why);
    if (idem_spool_forget(c->spool) != 0 || idem_keep_drop_session(c->keep) != 0)
        idem_log(IDEM_LOG_ERROR, "courier: kernel: the end of a session cannot be written to disk");
    memset(&c->session, 0, sizeof c->session);
    memset(&c->standing, 0, sizeof c->standing);
    c->front_wanted = c->rules_wanted = c->acknowledgement_wanted = false;
    c->open_not_before_us = idem_loop_now() + idem_backoff_next(&c->opening, random_number(), 0);
    idem_presence_paused(c, idem_pause_stop(&c->pause));
    c->pause_wanted = c->held_back = c->announced = c->may_send = false;
    idem_ask_refuse_all(c, "over", "The session with the server has ended.");
    idem_control_over(c->control);
    idem_lines_update(c);
    idem_ask_changed(c);
}

/* A refusal's name, and why it means that the session cannot go on. */
static const struct {
    const char *problem, *why;
} ends[] = {
    {"token-unknown", "the server does not know it any more"},
    {"token-missing", "the server does not know it any more"},
    {"no-such-session", "the server does not know it any more"},
    {"session-closed", "the server has closed it"},
    {"forbidden-session", "its token is another session's"},
    {"signature-wrong", "the server does not take this seat's signature"},
    {"chain-broken", "the server has other windows of it than this seat"},
    {"counter-used", "this seat has counted on from an old copy of its state"},
    {"seat-revoked", "the seat was revoked"},
    {"too-many-alarms", "it has as many alarms as a session takes"},
    {"alarm-number-taken", "the server has other alarms of it than this seat"},
};

bool idem_session_refused(struct idem_courier *c, const struct idem_http_answer *a)
{
    struct idem_problem_said problem;

    idem_problem_parse(a->body, a->len, &problem);
    if (strcmp(problem.name, "token-expired") == 0) {
        c->token_stale = true;
        return true;
    }
    if (strcmp(problem.name, "acknowledgement-missing") == 0) {
        c->acknowledgement_wanted = true; /* missing, or outdated */
        idem_learning_acknowledgement(c, IDEM_ACK_MISSING, c->version);
        return true;
    }
    if (strcmp(problem.name, "session-paused") == 0) {
        c->held_back = true; /* until it says otherwise, with a heartbeat at the latest */
        return true;
    }
    if (strcmp(problem.name, "front-mismatch") == 0) {
        c->front_wanted = true;
        return true;
    }
    for (size_t i = 0; i < COUNT(ends); i++) {
        if (strcmp(problem.name, ends[i].problem) != 0)
            continue;
        idem_session_say(c, ends[i].why, a);
        idem_session_lose(c, ends[i].why);
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------ what is the next */

static const struct idem_operation *next(struct idem_courier *c)
{
    for (size_t i = 0; i < COUNT(operations); i++)
        if (operations[i]->due(c))
            return operations[i];
    return NULL;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* When to look again though nothing has happened; -1: never. */
static int64_t wait_us(const struct idem_courier *c)
{
    int64_t now = idem_loop_now(), at = -1;

    if (c->not_before_us > now)
        return c->not_before_us - now;
    if (!c->enrolled)
        return -1;
    if (idem_session_is_open(c)) {
        bool slow = c->seat.presence != IDEM_PRESENT;
        int64_t beat = slow ? IDEM_COURIER_SLOW_BEAT_S : IDEM_COURIER_BEAT_S;
        at = c->sent_us + beat * IDEM_COURIER_SECOND;
        if (!slow)
            at = sooner(at, c->renew_us);
    } else if (c->seat.presence == IDEM_PRESENT && c->person[0] != 0) {
        at = c->open_not_before_us;
    }
    return at < 0 ? -1 : at > now ? at - now : 0;
}

static void woken(void *arg)
{
    idem_session_step(arg);
}

void idem_session_init(struct idem_courier *c)
{
    c->wake = (struct idem_timer){.due = woken, .arg = c};
    c->front_fd = -1;
    idem_rules_default(&c->rules);
}

/* An alarm does not wait for what the courier alone has decided to wait for: it is tried once,
 * though a request that was under way when it was raised may have failed since. */
static void hurry(struct idem_courier *c)
{
    if (c->alarm_is_new && !c->was_told_to_wait)
        c->not_before_us = 0;
    c->alarm_is_new = false;
}

void idem_session_step(struct idem_courier *c)
{
    const struct idem_operation *operation = NULL;

    if (idem_http_busy(&c->http))
        return;
    hurry(c);
    if (c->not_before_us <= idem_loop_now())
        operation = next(c);
    if (operation == NULL) {
        idem_loop_after(&c->loop, &c->wake, wait_us(c));
        return;
    }
    c->operation = operation;
    int err = operation->begin(c);
    if (err == 0)
        return;
    c->operation = NULL;
    if (err == IDEM_SESSION_AGAIN) {
        idem_loop_after(&c->loop, &c->wake, 0);
        return;
    }
    idem_log(IDEM_LOG_ERROR, "courier: bug: \"%s\" cannot be asked for: %s", operation->name,
             idem_strerror(err));
    c->not_before_us = idem_loop_now() + idem_backoff_next(&c->backoff, random_number(), 0);
    idem_loop_after(&c->loop, &c->wake, wait_us(c));
}

/* ------------------------------------------------------------------ after a kill -9 */

static int finish_acknowledged(struct idem_courier *c)
{
    int err = 0;

    if (c->session.next_seq > 1)
        err = idem_spool_acknowledged(c->spool, IDEM_SPOOL_WINDOW, c->session.next_seq - 1);
    if (err == 0 && c->session.next_alarm > 1)
        err = idem_spool_acknowledged(c->spool, IDEM_SPOOL_ALARM, c->session.next_alarm - 1);
    return err;
}

void idem_session_restore(struct idem_courier *c)
{
    int err = idem_keep_read_session(c->keep, &c->session);

    if (err == IDEM_ERR_CHECKSUM)
        idem_log(IDEM_LOG_ERROR, "courier: the kept session is damaged: another one is opened");
    if (err != 0)
        memset(&c->session, 0, sizeof c->session);
    if (err == 0 && memcmp(c->session.instance, c->instance, sizeof c->instance) != 0)
        idem_session_lose(c, "the machine was started anew");
    if (strcmp(idem_spool_session(c->spool), c->session.id) != 0 &&
        idem_spool_session(c->spool)[0] != 0 && idem_spool_forget(c->spool) != 0)
        idem_log(IDEM_LOG_ERROR, "courier: kernel: the spool cannot be written");
    if (!idem_session_is_open(c))
        return;
    finish_acknowledged(c);
    c->may_send = strcmp(c->rules_of, c->session.person) == 0 && idem_learning_is_acknowledged(c);
    c->token_stale = true; /* how old it is, is not known */
    c->strong_told = c->session.unlocked;
    c->open_not_before_us = 0;
}
