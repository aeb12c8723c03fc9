/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c - see audit.h. A line's body is compact JSON with its members in a fixed order, so that
 * what was hashed is what is shown.
 */
#include "server/audit.h"

#include "base/log.h"
#include "server/clock.h"
#include "server/heads.h"
#include "server/worker_parts.h"
#include "store/audit.h"

#include <stdatomic.h>
#include <string.h>

enum { SUMS_EVERY_MS = 10 * 1000 };

/* ------------------------------------------------------------------ a line */

static bool too_long(const struct idem_audit_line *line)
{
    return strlen(line->actor) > IDEM_AUDIT_ACTOR_MAX ||
           strlen(line->action) > IDEM_AUDIT_ACTION_MAX ||
           (line->subject != NULL && strlen(line->subject) > IDEM_AUDIT_SUBJECT_MAX);
}

static int put_member(json_t *body, const char *name, const char *text)
{
    return text == NULL ? 0 : json_object_set_new(body, name, json_string(text));
}

static int put_detail(json_t *body, const struct idem_audit_line *line)
{
    json_t *detail = line->detail != NULL ? json_deep_copy(line->detail) : NULL;

    if (line->detail == NULL && line->person == NULL)
        return 0;
    if (line->detail == NULL)
        detail = json_object();
    if (detail != NULL && put_member(detail, "person", line->person) != 0) {
        json_decref(detail);
        detail = NULL;
    }
    return json_object_set_new(body, "detail", detail); /* fails without one */
}

/* Members stay in the order in which they are set. */
static int write_body(const struct idem_audit_line *line, char *text, size_t cap, size_t *len)
{
    json_t *body = json_object();
    bool good = body != NULL && put_member(body, "actor", line->actor) == 0 &&
                put_member(body, "action", line->action) == 0 &&
                put_member(body, "subject", line->subject) == 0 && put_detail(body, line) == 0;
    size_t n = good ? json_dumpb(body, text, cap, JSON_COMPACT) : 0;

    json_decref(body);
    if (n == 0)
        return IDEM_ERR_INVALID;
    if (n > cap)
        return IDEM_ERR_LIMIT;
    *len = n;
    return IDEM_OK;
}

int idem_audit_add(struct idem_worker *w, const struct idem_audit_line *line)
{
    struct idem_store *store = w->parts.store;
    enum idem_audit_log log = line->about_seat ? IDEM_AUDIT_SEATS_LOG : IDEM_AUDIT_LOG;
    int64_t at_ms = line->about_seat ? line->at_ms - line->at_ms % IDEM_AUDIT_HOUR_MS : line->at_ms;
    char body[IDEM_CHAIN_BODY_MAX];
    size_t len = 0;

    if (too_long(line))
        return IDEM_ERR_LIMIT;
    int err = write_body(line, body, sizeof body, &len);
    if (err == 0)
        err = store->audit->add(store, log, line->organisation, at_ms, body, len);
    if (err == 0 && line->important)
        w->audit.important = true;
    return err;
}

int idem_audit_write(struct idem_worker *w, const struct idem_audit_line *line)
{
    struct idem_store *store = w->parts.store;
    int err = store->ops->begin(store);

    if (err == 0)
        err = idem_audit_add(w, line);
    return idem_worker_commit(w, err);
}

/* ------------------------------------------------------------------ sums */

static atomic_uint sums[IDEM_AUDIT_SUMS];

static const char *const sum_actions[IDEM_AUDIT_SUMS] = {
    [IDEM_AUDIT_TOKEN_REFUSED] = "token.refused",
    [IDEM_AUDIT_ROLE_REFUSED] = "role.refused",
    [IDEM_AUDIT_LOGIN_REFUSED] = "login.refused",
    [IDEM_AUDIT_SEAT_REFUSED] = "seat.refused",
    [IDEM_AUDIT_WINDOW_REFUSED] = "window.refused",
    [IDEM_AUDIT_SESSION_REFUSED] = "session.refused",
};

void idem_audit_count(enum idem_audit_sum which)
{
    atomic_fetch_add_explicit(&sums[which], 1, memory_order_relaxed);
}

/* What could not be written is counted on. */
static void write_sum(struct idem_worker *w, enum idem_audit_sum which)
{
    unsigned count = atomic_exchange_explicit(&sums[which], 0, memory_order_relaxed);
    struct idem_audit_line line = {
        .at_ms = w->now_ms, .actor = "system", .action = sum_actions[which]};
    json_t *detail;

    if (count == 0)
        return;
    detail = json_pack("{s:I}", "times", (json_int_t)count);
    line.detail = detail;
    if (detail == NULL || idem_audit_write(w, &line) != 0)
        atomic_fetch_add_explicit(&sums[which], count, memory_order_relaxed);
    json_decref(detail);
}

static void write_sums(struct idem_worker *w)
{
    if (w->now_ms - w->audit.summed_ms < SUMS_EVERY_MS && w->now_ms >= w->audit.summed_ms)
        return;
    w->audit.summed_ms = w->now_ms;
    for (enum idem_audit_sum i = 0; i < IDEM_AUDIT_SUMS; i++)
        write_sum(w, i);
}

/* ------------------------------------------------------------------ the server's own lines */

/* Whether the server wrote its last line before this, too: a crash, or somebody else. */
static int take_action(void *arg, const struct idem_chain_line *line)
{
    json_t *body = line->body == NULL ? NULL : json_loadb(line->body, line->len, 0, NULL);
    const char *action = json_string_value(json_object_get(body, "action"));

    *(bool *)arg = action != NULL && strcmp(action, "server.stopped") == 0;
    json_decref(body);
    return 0;
}

static const char *what_was_before(struct idem_worker *w)
{
    struct idem_store *store = w->parts.store;
    struct idem_chain_head head = store->audit->head(store, IDEM_AUDIT_LOG);
    bool stopped = false;

    if (head.seq == 0)
        return "nothing";
    int err = store->audit->read(store, IDEM_AUDIT_LOG, 0, head.seq - 1, 1, take_action, &stopped);
    return err == 0 && stopped ? "stop" : "no stop";
}

static void tell_fault(struct idem_worker *w, enum idem_audit_log log, const char *fault)
{
    json_t *detail = json_pack("{s:s, s:s}", "log", idem_audit_log_name(log), "fault", fault);
    const struct idem_audit_line line = {.at_ms = idem_clock_ms(),
                                         .actor = "system",
                                         .action = "audit.fault",
                                         .detail = detail,
                                         .important = true};

    idem_log(IDEM_LOG_ERROR,
             "storage: THE LOG %s IS NOT WHAT THIS SERVER WROTE: %s; keep the data directory and "
             "the heads outside as they are, and see idem audit verify",
             idem_audit_log_name(log), fault);
    if (detail != NULL)
        idem_audit_write(w, &line);
    json_decref(detail);
}

/* What is signed from here on stands on what is there: if that does not hold, the next signed line
 * says so. */
static void check_log(struct idem_worker *w, enum idem_audit_log log)
{
    struct idem_store *store = w->parts.store;
    struct idem_chain_check *check = NULL;

    if (idem_chain_check_new(idem_audit_log_name(log), NULL, 0, &check) != 0)
        return;
    idem_chain_check_key(check, idem_heads_public(w->parts.heads));
    int err = store->audit->check(store, log, check);
    if (idem_chain_check_fault(check)[0] != '\0')
        tell_fault(w, log, idem_chain_check_fault(check));
    else if (err != 0)
        tell_fault(w, log, idem_strerror(err));
    idem_chain_check_free(check);
}

void idem_audit_started(struct idem_worker *w)
{
    json_t *detail = json_pack("{s:s, s:s}", "version", IDEM_VERSION, "after", what_was_before(w));
    struct idem_audit_line line = {.at_ms = idem_clock_ms(),
                                   .actor = "system",
                                   .action = "server.started",
                                   .detail = detail,
                                   .important = true};
    if (detail != NULL)
        idem_audit_write(w, &line);
    json_decref(detail);
    for (enum idem_audit_log log = 0; log < IDEM_AUDIT_LOGS && w->parts.heads != NULL; log++)
        check_log(w, log);
}

void idem_audit_stopped(struct idem_worker *w)
{
    const struct idem_audit_line line = {
        .at_ms = idem_clock_ms(), .actor = "system", .action = "server.stopped"};

    for (enum idem_audit_sum i = 0; i < IDEM_AUDIT_SUMS; i++)
        write_sum(w, i);
    idem_audit_write(w, &line);
    idem_audit_tick(w);
}

/* A failing store cannot say that it fails; afterwards it says since when. */
void idem_audit_storage(struct idem_worker *w, bool failing)
{
    if (failing && w->audit.failing_ms == 0)
        w->audit.failing_ms = idem_clock_ms();
    if (!failing && w->audit.failing_ms != 0)
        w->audit.recovered = true;
}

static void write_recovery(struct idem_worker *w)
{
    if (!w->audit.recovered)
        return;
    w->audit.recovered = false;
    json_t *detail =
        json_pack("{s:I}", "seconds", (json_int_t)((w->now_ms - w->audit.failing_ms) / 1000));
    const struct idem_audit_line line = {.at_ms = w->audit.failing_ms,
                                         .actor = "system",
                                         .action = "storage.failed",
                                         .detail = detail};
    if (detail != NULL && idem_audit_write(w, &line) == 0)
        w->audit.failing_ms = 0;
    json_decref(detail);
}

void idem_audit_tick(struct idem_worker *w)
{
    struct idem_store *store = w->parts.store;

    write_recovery(w);
    write_sums(w);
    for (enum idem_audit_log log = 0; log < IDEM_AUDIT_LOGS && w->parts.heads != NULL; log++) {
        struct idem_chain_head head = store->audit->head(store, log);
        bool important = w->audit.important && log == IDEM_AUDIT_LOG;
        if (head.seq != w->audit.offered[log])
            idem_heads_offer(w->parts.heads, idem_audit_log_name(log), &head, important);
        w->audit.offered[log] = head.seq;
    }
    w->audit.important = false;
}
