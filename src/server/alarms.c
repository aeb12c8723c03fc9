/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alarms.c - alarms of guards become durable, then they act, then they are acknowledged; see
 * guard_alarm.h for what they do.
 *
 * Cases: an alarm held before, under its number, is answered and changes nothing, also within one
 * request; another alarm under a number that is held is refused, with the whole request, for two
 * pages of one session count alike (a tab that was duplicated); a request of repeats alone is only
 * answered, so that nobody keeps a session open by them; the server's own alarms have no number and
 * are written after the windows that brought them, as locks are.
 *
 * A number above IDEM_WIRE_ALARM_SEQ_MAX is refused, with the whole request, but not unheard: the
 * strictest alarm of it is written when it does more than what stands, and asks for strong
 * authentication at least. So a session's rows stay few, and nobody goes on deaf.
 */
#include "server/worker_parts.h"

#include "base/log.h"
#include "server/metrics.h"
#include "server/policing.h"
#include "server/quarantine.h"

enum { LOG_EVERY_MS = 10000 };

/* ------------------------------------------------------------------ what everybody is told */

/* Alarms are driven by peers: a line now and then, with the number of those that got none. */
static void log_alarm(struct idem_worker *w, const struct idem_guard_alarm *a)
{
    if (w->now_ms - w->alarmed_ms < LOG_EVERY_MS) {
        w->alarms_hushed++;
        return;
    }
    idem_log(IDEM_LOG_INFO, "guard: %s at a %s, confidence %.3f: %s; %u more since the last line",
             idem_guard_kind_name(a->verdict.kind), idem_modality_name(a->device),
             a->verdict.confidence, idem_guard_action_name(a->action), w->alarms_hushed);
    w->alarmed_ms = w->now_ms;
    w->alarms_hushed = 0;
}

static void tell_streams(struct idem_worker *w, const struct idem_session *s,
                         const struct idem_guard_alarm *a)
{
    char bytes[IDEM_GUARD_EVENT_MAX];
    struct idem_text t = {bytes, 0, sizeof bytes, false};
    struct idem_guard_view view;

    if (!idem_streams_watched(w->parts.streams))
        return;
    idem_guard_alarm_view(a, false, &view);
    idem_text_fmt(&t, "{\"session\":\"%s\",\"guard\":", s->name);
    idem_guard_json(&t, &view);
    idem_text_put(&t, "}");
    if (!t.full)
        idem_streams_event(w->parts.streams, s->person->organisation, "guard", t.bytes, t.len);
}

static void withdraw(struct idem_worker *w, struct idem_session *s)
{
    int err = idem_quarantine_withdraw(w->parts.people, w->parts.store, &w->benches[0].judge,
                                       w->benches[0].reader, s);
    if (err != 0) /* tried again when the session ends, before anything is kept */
        idem_log(IDEM_LOG_ERROR, "what was enrolled before an alarm is not taken out yet: %s",
                 idem_strerror(err));
}

static void announce(struct idem_worker *w, const struct idem_session *s,
                     const struct idem_guard_alarm *a)
{
    log_alarm(w, a);
    tell_streams(w, s, a);
}

/* Of one that came in, before it takes effect; the server's own waits at its session. */
static void announce_new(struct idem_worker *w, const struct idem_session *s,
                         const struct idem_guard_alarm *a)
{
    struct idem_decision d;

    announce(w, s, a);
    idem_decision_of_alarm(s, a, &d);
    idem_decision_tell(w, s, &d);
}

/* ------------------------------------------------------------------ the store */

static int save(struct idem_worker *w, const struct idem_session *s,
                const struct idem_guard_alarm *a, uint32_t seq)
{
    struct idem_store *store = w->parts.store;
    const struct idem_wire_alarm wire = {.device = a->device, .verdict = a->verdict};
    char bytes[IDEM_WIRE_ALARM_JSON_MAX];
    struct idem_text t = {bytes, 0, sizeof bytes, false};

    idem_wire_write_alarm(&t, &wire);
    if (t.full)
        return IDEM_ERR_LIMIT;
    struct idem_store_alarm row = {
        .organisation = s->person->organisation,
        .session = s->row,
        .seq = seq,
        .action = (uint8_t)a->action,
        .windows = a->windows,
        .window_row = seq == 0 ? s->guard.own_row : 0,
        .received_ms = a->at_ms,
        .payload = t.bytes,
        .len = t.len,
    };
    return store->ops->alarm_add(store, &row);
}

int idem_alarms_save_own(struct idem_worker *w, const struct idem_session *s)
{
    return save(w, s, &s->guard.own, 0);
}

static int write_decision(struct idem_worker *w, const struct idem_session *s,
                          const struct idem_guard_alarm *a)
{
    struct idem_decision d;

    idem_decision_of_alarm(s, a, &d);
    return idem_decision_write(w, s, &d);
}

/* ------------------------------------------------------------------ a session's alarms */

static bool is_held(const struct idem_session *s, uint32_t seq)
{
    return (s->guard.held >> (seq - 1) & 1) != 0;
}

/* What is under this number already, in the session or earlier in the request, or 0. */
static uint64_t content_before(const struct idem_command *c, const struct idem_session *s,
                               uint32_t i)
{
    const uint32_t seq = c->alarms[i].seq;

    if (is_held(s, seq))
        return s->guard.contents[seq - 1];
    for (uint32_t k = 0; k < i; k++)
        if (c->alarms[k].seq == seq)
            return idem_guard_alarm_content(&c->alarms[k]);
    return 0;
}

static bool too_many(const struct idem_command *c)
{
    for (uint32_t i = 0; i < c->item_count; i++)
        if (c->alarms[i].seq > IDEM_WIRE_ALARM_SEQ_MAX)
            return true;
    return false;
}

/* The ones of the request that are new: bit i stands for alarms[i]. */
static uint32_t find_fresh(struct idem_command *c, const struct idem_session *s)
{
    uint32_t fresh = 0;

    for (uint32_t i = 0; i < c->item_count; i++) {
        const uint64_t before = content_before(c, s, i);
        if (before == 0)
            fresh |= UINT32_C(1) << i;
        else if (before != idem_guard_alarm_content(&c->alarms[i]))
            idem_command_refuse(c, IDEM_PROBLEM_ALARM_NUMBER_TAKEN,
                                "alarms[%u]: number %u is another alarm's", i, c->alarms[i].seq);
    }
    return fresh;
}

static bool accepts(struct idem_command *c, const struct idem_session *s)
{
    if (s->closed)
        idem_command_refuse(c, IDEM_PROBLEM_SESSION_CLOSED, "session %s has ended", s->name);
    else if (c->has_clock && !s->test_clock)
        idem_command_refuse(c, IDEM_PROBLEM_INVALID_FIELD,
                            "\"clock_ms\" needs a session that was opened with it");
    return c->problem == IDEM_PROBLEM_NONE;
}

static struct idem_guard_alarm alarm_of(const struct idem_session *s,
                                        const struct idem_wire_alarm *wire)
{
    const struct idem_guard_verdict *v = &wire->verdict;
    struct idem_guard_alarm alarm = {
        .verdict = *v,
        .device = wire->device,
        .at_ms = s->clock_ms,
        .windows = s->received,
    };
    idem_guard_alarm_decide(s, &alarm);
    return alarm;
}

static int commit(struct idem_worker *w, const struct idem_command *c, const struct idem_session *s,
                  uint32_t fresh)
{
    struct idem_store *store = w->parts.store;
    int err = store->ops->begin(store);

    for (uint32_t i = 0; i < c->item_count && err == 0; i++) {
        const struct idem_guard_alarm alarm = alarm_of(s, &c->alarms[i]);
        if ((fresh >> i & 1) != 0)
            err = save(w, s, &alarm, c->alarms[i].seq);
        if ((fresh >> i & 1) != 0 && err == 0)
            err = write_decision(w, s, &alarm);
    }
    return idem_worker_commit(w, err);
}

static void settle(struct idem_worker *w, struct idem_session *s)
{
    withdraw(w, s);
    idem_judge_refresh(s, s->clock_ms);
    idem_worker_changed(w, s);
    idem_worker_unsaved(w, s);
}

static void apply(struct idem_worker *w, const struct idem_command *c, struct idem_session *s,
                  uint32_t fresh)
{
    for (uint32_t i = 0; i < c->item_count; i++) {
        const struct idem_guard_alarm alarm = alarm_of(s, &c->alarms[i]);
        if ((fresh >> i & 1) != 0)
            announce_new(w, s, &alarm);
    }
    for (uint32_t i = 0; i < c->item_count; i++) {
        const struct idem_guard_alarm alarm = alarm_of(s, &c->alarms[i]);
        if ((fresh >> i & 1) == 0) {
            idem_metric_add(IDEM_METRIC_ALARMS_REPEATED, 1);
            continue;
        }
        idem_guard_alarm_hold(s, c->alarms[i].seq, idem_guard_alarm_content(&c->alarms[i]));
        idem_guard_alarm_take(s, &alarm);
    }
    settle(w, s);
}

static void answer(struct idem_worker *w, struct idem_command *c, struct idem_session *s)
{
    c->status = 200;
    idem_text_put(&c->answer, "{\"acknowledged\":[");
    for (uint32_t i = 0; i < c->item_count; i++)
        idem_text_fmt(&c->answer, "%s%u", i > 0 ? "," : "", c->alarms[i].seq);
    idem_text_put(&c->answer, "],\"session\":");
    idem_worker_put_session(w, s, &c->answer);
    idem_text_put(&c->answer, "}");
}

static void take(struct idem_worker *w, struct idem_command *c, struct idem_session *s)
{
    const uint32_t fresh = find_fresh(c, s);

    if (c->problem != IDEM_PROBLEM_NONE)
        return;
    if (fresh == 0) {
        idem_metric_add(IDEM_METRIC_ALARMS_REPEATED, c->item_count);
        answer(w, c, s);
        return;
    }
    idem_session_clock(s, c->received_ms, c->has_clock, c->clock_ms);
    int err = commit(w, c, s, fresh);
    if (err != 0) {
        idem_worker_refuse_store(c, err);
        return;
    }
    apply(w, c, s, fresh);
    answer(w, c, s);
}

/* ------------------------------------------------------------------ one too many */

/* Of the request's alarms the one that does most, and asks for strong authentication at least. */
static struct idem_guard_alarm strictest(const struct idem_command *c, const struct idem_session *s)
{
    struct idem_guard_alarm most = alarm_of(s, &c->alarms[0]);

    for (uint32_t i = 1; i < c->item_count; i++) {
        const struct idem_guard_alarm alarm = alarm_of(s, &c->alarms[i]);
        if (alarm.action > most.action)
            most = alarm;
    }
    if (most.action < IDEM_GUARD_STEP_UP)
        most.action = IDEM_GUARD_STEP_UP;
    return most;
}

/* Under a number that no alarm of the session's can have, so that it bars none. */
static void overhear(struct idem_worker *w, struct idem_command *c, struct idem_session *s)
{
    struct idem_store *store = w->parts.store;
    struct idem_guard_alarm alarm = strictest(c, s);

    if (s->guard.standing && s->guard.shown.action >= alarm.action)
        return;
    alarm.at_ms = idem_session_clock(s, c->received_ms, c->has_clock, c->clock_ms);
    int err = store->ops->begin(store);
    if (err == 0)
        err = save(w, s, &alarm, IDEM_WIRE_ALARM_SEQ_MAX + 1);
    if (err == 0)
        err = write_decision(w, s, &alarm);
    err = idem_worker_commit(w, err);
    if (err != 0) {
        idem_worker_refuse_store(c, err);
        return;
    }
    announce_new(w, s, &alarm);
    idem_guard_alarm_take(s, &alarm);
    settle(w, s);
}

static void refuse_too_many(struct idem_worker *w, struct idem_command *c, struct idem_session *s)
{
    overhear(w, c, s);
    if (c->problem == IDEM_PROBLEM_NONE)
        idem_command_refuse(c, IDEM_PROBLEM_TOO_MANY_ALARMS,
                            "a session takes %d alarms; it asks for strong authentication now",
                            IDEM_WIRE_ALARM_SEQ_MAX);
}

void idem_alarms_take(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find(w, c);

    if (s != NULL && accepts(c, s)) {
        if (too_many(c))
            refuse_too_many(w, c, s);
        else
            take(w, c, s);
    }
    c->done(c, false);
    if (s != NULL)
        idem_policing_end(w, s);
}

/* ------------------------------------------------------------------ the server's own */

void idem_alarms_follow_up(struct idem_worker *w, struct idem_session *s)
{
    if (s->guard.own_untold)
        announce(w, s, &s->guard.own);
    s->guard.own_untold = false;
    if (s->guard.withdraw)
        withdraw(w, s);
}
