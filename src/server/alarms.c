/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alarms.c - alarms of guards become durable, then they act, then they are acknowledged; see
 * guard_alarm.h for what they do.
 *
 * Cases: a number held before is answered and changes nothing, also within one request; a number
 * above IDEM_WIRE_ALARM_SEQ_MAX is refused, with the whole request: whoever has sent so many has
 * been heard; the server's own alarms have no number and are written after the windows that
 * brought them, as locks are.
 */
#include "server/worker_parts.h"

#include "base/log.h"
#include "server/metrics.h"
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
        idem_streams_event(w->parts.streams, "guard", t.bytes, t.len);
}

static void withdraw(struct idem_worker *w, struct idem_session *s)
{
    int err =
        idem_quarantine_withdraw(w->parts.store, &w->benches[0].judge, w->benches[0].reader, s);
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
        .organisation = w->organisation,
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

/* ------------------------------------------------------------------ a session's alarms */

static bool accepts(struct idem_command *c, const struct idem_session *s)
{
    if (s->closed)
        idem_command_refuse(c, IDEM_PROBLEM_SESSION_CLOSED, "session %s has ended", s->name);
    else if (c->has_clock && !s->test_clock)
        idem_command_refuse(c, IDEM_PROBLEM_INVALID_FIELD,
                            "\"clock_ms\" needs a session that was opened with it");
    for (uint32_t i = 0; i < c->item_count && c->problem == IDEM_PROBLEM_NONE; i++)
        if (c->alarms[i].seq > IDEM_WIRE_ALARM_SEQ_MAX)
            idem_command_refuse(c, IDEM_PROBLEM_TOO_MANY_ALARMS,
                                "a session takes %d alarms, and this would be number %u",
                                IDEM_WIRE_ALARM_SEQ_MAX, c->alarms[i].seq);
    return c->problem == IDEM_PROBLEM_NONE;
}

static struct idem_guard_alarm alarm_of(const struct idem_session *s,
                                        const struct idem_wire_alarm *wire)
{
    const struct idem_guard_verdict *v = &wire->verdict;
    return (struct idem_guard_alarm){
        .verdict = *v,
        .device = wire->device,
        .action = idem_guard_policy_decide(&idem_guard_policy_default, v->kind, v->confidence),
        .at_ms = s->clock_ms,
        .windows = s->received,
    };
}

/* The ones of the request whose number is not held yet: bit i stands for alarms[i]. */
static uint32_t find_fresh(const struct idem_command *c, const struct idem_session *s)
{
    uint64_t held = s->guard.held;
    uint32_t fresh = 0;

    for (uint32_t i = 0; i < c->item_count; i++) {
        const uint64_t bit = UINT64_C(1) << (c->alarms[i].seq - 1);
        fresh |= (held & bit) == 0 ? UINT32_C(1) << i : 0;
        held |= bit;
    }
    return fresh;
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
    }
    if (err == 0)
        err = store->ops->commit(store);
    idem_worker_storage(w, err);
    if (err != 0)
        store->ops->rollback(store);
    return err;
}

static void apply(struct idem_worker *w, const struct idem_command *c, struct idem_session *s,
                  uint32_t fresh)
{
    for (uint32_t i = 0; i < c->item_count; i++) {
        const struct idem_guard_alarm alarm = alarm_of(s, &c->alarms[i]);
        if ((fresh >> i & 1) == 0) {
            idem_metric_add(IDEM_METRIC_ALARMS_REPEATED, 1);
            continue;
        }
        s->guard.held |= UINT64_C(1) << (c->alarms[i].seq - 1);
        idem_guard_alarm_take(s, &alarm);
        announce(w, s, &alarm);
    }
    withdraw(w, s);
    idem_judge_refresh(s, s->clock_ms);
    idem_worker_changed(w, s);
    idem_worker_unsaved(w, s);
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

    idem_session_clock(s, c->received_ms, c->has_clock, c->clock_ms);
    int err = fresh != 0 ? commit(w, c, s, fresh) : IDEM_OK;
    if (err != 0) {
        idem_worker_refuse_store(c, err);
        return;
    }
    apply(w, c, s, fresh);
    answer(w, c, s);
}

void idem_alarms_take(struct idem_worker *w, struct idem_command *c)
{
    struct idem_session *s = idem_worker_find(w, c);

    if (s != NULL && accepts(c, s))
        take(w, c, s);
    c->done(c, false);
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
