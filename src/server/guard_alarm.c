/* SPDX-License-Identifier: Apache-2.0 */
/* guard_alarm.c - see guard_alarm.h. */
#include "server/guard_alarm.h"

#include "base/siphash.h"
#include "server/metrics.h"
#include "server/sessions.h"

/* ------------------------------------------------------------------ numbers */

uint64_t idem_guard_alarm_content(const struct idem_wire_alarm *alarm)
{
    static const uint8_t key[IDEM_SIPHASH_KEY];
    char bytes[IDEM_WIRE_ALARM_JSON_MAX];
    struct idem_text t = {bytes, 0, sizeof bytes, false};

    idem_wire_write_alarm(&t, alarm);
    return idem_siphash(key, t.bytes, t.len) | 1;
}

void idem_guard_alarm_hold(struct idem_session *s, uint32_t seq, uint64_t content)
{
    s->guard.held |= UINT64_C(1) << (seq - 1);
    s->guard.contents[seq - 1] = content;
}

/* ------------------------------------------------------------------ what is not learned */

static bool spoils(enum idem_guard_kind kind)
{
    return kind == IDEM_GUARD_INJECTED_KEYS || kind == IDEM_GUARD_SCRIPTED_POINTER ||
           kind == IDEM_GUARD_REPLAY;
}

static void drop_candidates(struct idem_session *s)
{
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        idem_profile_free(s->candidate[m]);
        s->candidate[m] = NULL;
    }
}

void idem_guard_alarm_bar(struct idem_session *s, enum idem_guard_kind kind, uint32_t windows)
{
    struct idem_session_guard *g = &s->guard;
    const uint32_t margin = IDEM_QUARANTINE_MARGIN;
    uint32_t from = spoils(kind) || windows < margin ? 0 : windows - margin;

    if (!spoils(kind) && kind != IDEM_GUARD_REMOTE_CONTROL)
        return;
    if (!g->barred || from < g->barred_from)
        g->barred_from = from;
    g->barred = true;
    s->spoiled = s->spoiled || spoils(kind);
    drop_candidates(s);
    for (int m = 0; m < IDEM_MODALITIES; m++)
        g->withdraw = g->withdraw || g->enrolled_to[m] > g->enrolled_from[m];
}

bool idem_guard_alarm_bars(const struct idem_session *s, uint32_t window)
{
    return s->spoiled || (s->guard.barred && window >= s->guard.barred_from);
}

/* ------------------------------------------------------------------ what is shown and done */

static void show(struct idem_session_guard *g, const struct idem_guard_alarm *alarm, bool standing)
{
    if (g->standing && (!standing || alarm->action < g->shown.action))
        return;
    g->shown = *alarm;
    g->standing = standing;
    g->any = true;
}

/* Shows it and draws the consequences. */
static void act(struct idem_session *s, const struct idem_guard_alarm *alarm, bool standing)
{
    show(&s->guard, alarm, standing);
    if (standing && alarm->action >= IDEM_GUARD_LOCK && !s->locked)
        s->locked = s->lock_unsaved = true;
    if (alarm->at_ms > s->clock_ms)
        s->clock_ms = alarm->at_ms;
    s->changed_ms = s->clock_ms;
}

void idem_guard_alarm_recall(struct idem_session *s, const struct idem_guard_alarm *alarm,
                             bool standing, bool own)
{
    act(s, alarm, standing);
    if (own && !s->guard.own_unsaved) {
        s->guard.own = *alarm;
        s->guard.own_standing = standing;
    }
}

void idem_guard_alarm_decide(const struct idem_session *s, struct idem_guard_alarm *alarm)
{
    struct idem_guard_policy policy = idem_guard_policy_default;

    if (s->rules != NULL)
        policy = (struct idem_guard_policy){s->rules->guard, s->rules->guard_count};
    alarm->action = idem_guard_policy_decide(&policy, alarm->verdict.kind,
                                             alarm->verdict.confidence, &alarm->line);
}

void idem_guard_alarm_take(struct idem_session *s, const struct idem_guard_alarm *alarm)
{
    enum idem_guard_kind kind = alarm->verdict.kind;
    bool locks = alarm->action >= IDEM_GUARD_LOCK && !s->locked;

    idem_guard_alarm_bar(s, kind, alarm->windows);
    act(s, alarm, true);
    idem_metric_add(idem_metric_of_alarm(kind), 1);
    if (locks)
        idem_metric_add(IDEM_METRIC_LOCKS, 1);
}

void idem_guard_alarm_clear(struct idem_session *s)
{
    s->guard.standing = s->guard.own_standing = false;
}

bool idem_guard_alarm_steps_up(const struct idem_session *s)
{
    return s->guard.standing && s->guard.shown.action >= IDEM_GUARD_STEP_UP;
}

void idem_guard_alarm_view(const struct idem_guard_alarm *alarm, bool cleared,
                           struct idem_guard_view *out)
{
    *out = (struct idem_guard_view){
        .verdict = &alarm->verdict,
        .device = idem_modality_name(alarm->device),
        .action = idem_guard_action_name(alarm->action),
        .cleared = cleared,
        .at_ms = alarm->at_ms,
    };
}

/* ------------------------------------------------------------------ the server's own */

void idem_guard_alarm_raise(struct idem_session *s, enum idem_modality device,
                            const struct idem_guard_verdict *verdict, int64_t row)
{
    struct idem_session_guard *g = &s->guard;
    struct idem_decision decision;
    struct idem_guard_alarm alarm = {
        .verdict = *verdict,
        .device = device,
        .at_ms = s->clock_ms,
        .windows = s->received,
    };

    idem_wire_round_verdict(&alarm.verdict); /* as it will come back from the store */
    idem_guard_alarm_decide(s, &alarm);
    if (row <= g->own_row)
        return;
    if (g->own_standing && g->own.verdict.kind == verdict->kind && alarm.action <= g->own.action)
        return;
    g->own = alarm;
    g->own_row = row;
    g->own_standing = g->own_unsaved = g->own_untold = true;
    idem_decision_of_alarm(s, &alarm, &decision);
    idem_decision_push(s, &decision);
    idem_guard_alarm_take(s, &alarm);
}
