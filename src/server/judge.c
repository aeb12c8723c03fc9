/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c - see judge.h. */
#include "server/judge.h"

#include "server/doubts.h"
#include "server/enrol.h"
#include "server/metrics.h"
#include "server/pause.h"

#include <math.h>
#include <stdlib.h>

static struct idem_template *template_of(struct idem_session *s, enum idem_modality m)
{
    return &s->person->templates[s->device_class][m];
}

static bool any_enrolled(struct idem_session *s)
{
    return template_of(s, IDEM_KEYBOARD)->enrolled || template_of(s, IDEM_POINTER)->enrolled;
}

bool idem_judge_vouched(const struct idem_session *s, enum idem_modality m)
{
    return s->candidate[m] != NULL && !s->spoiled && s->reading.trust >= IDEM_TRUST_DIP &&
           s->reading.windows >= s->candidate_at[m] + IDEM_QUARANTINE_MARGIN;
}

/* ------------------------------------------------------------------ evidence */

static void profiles_of(struct idem_session *s,
                        const struct idem_profile *profiles[IDEM_MODALITIES])
{
    for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++)
        profiles[m] = template_of(s, m)->enrolled ? template_of(s, m)->profile : NULL;
}

static int score(struct idem_judge *j, struct idem_session *s, const struct idem_window *window)
{
    const struct idem_profile *profiles[IDEM_MODALITIES];
    int err = IDEM_OK;

    profiles_of(s, profiles);
    if (s->trust == NULL) {
        err = idem_trust_new(j->population, &j->params, s->clock_ms * 1000, &s->trust);
        s->reasons_trust = j->params.prior;
    }
    if (err == 0)
        err = idem_trust_update(s->trust, j->scorer, profiles, window, s->clock_ms * 1000);
    s->reasons_age++;
    idem_metric_add(IDEM_METRIC_SCORED, 1);
    return err;
}

/* Nothing is learned from the windows next to the newest one. */
static void note_dip(struct idem_session *s)
{
    uint32_t at = s->received - 1, margin = IDEM_QUARANTINE_MARGIN;
    struct idem_dip dip = {at > margin ? at - margin : 0, at + margin};
    struct idem_dip *last = s->dip_count > 0 ? &s->dips[s->dip_count - 1] : NULL;

    if (last != NULL && dip.first <= last->last + 1)
        last->last = dip.last;
    else if (s->dip_count < IDEM_QUARANTINE_DIPS_MAX)
        s->dips[s->dip_count++] = dip;
    else
        s->spoiled = true; /* a session of so many alarms teaches nothing */
}

static void spoil(struct idem_session *s)
{
    s->spoiled = true;
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        idem_profile_free(s->candidate[m]);
        s->candidate[m] = NULL;
    }
}

/* ------------------------------------------------------------------ what stands */

static const struct idem_policy_do *wish(const struct idem_session *s, enum idem_cause cause)
{
    static const struct idem_policy_do ask = {IDEM_GUARD_STEP_UP, 0}, lock = {IDEM_GUARD_LOCK, 0},
                                       nothing = {IDEM_GUARD_OBSERVE, 0};
    const struct idem_policy_rules *r = s->rules;

    switch (cause) {
    case IDEM_CAUSE_BELOW_LOCK:
        return r != NULL ? &r->below_lock : &lock;
    case IDEM_CAUSE_BELOW_STEP_UP:
        return r != NULL ? &r->below_step_up : &ask;
    default:
        return r != NULL ? &r->insufficient : &nothing;
    }
}

/* Equals leave the first where it is. */
static void stricter(struct idem_stands *most, enum idem_cause cause, enum idem_guard_action action,
                     uint32_t line)
{
    if (action > most->action)
        *most = (struct idem_stands){cause, action, line};
}

/* A session that has just begun is not silent, though nothing has been compared yet; nor is one
 * that was paused meanwhile. */
static bool fallen_silent(const struct idem_session *s, int64_t now_ms)
{
    const int64_t after_ms = idem_trust_defaults().expiry_us / 1000;
    const int64_t since_ms = s->trust != NULL ? s->evidence_ms : s->opened_ms;

    return (s->trust == NULL || s->reading.stale) &&
           now_ms - since_ms - idem_paused_since(s, since_ms, now_ms) > after_ms;
}

/* A number that is none counts as below: the comparisons are so written. */
static struct idem_stands weigh(struct idem_session *s, int64_t now_ms)
{
    struct idem_stands most = {IDEM_CAUSE_NONE, IDEM_GUARD_OBSERVE, 0};
    const struct idem_policy_do *d;

    if (s->guard.standing)
        stricter(&most, IDEM_CAUSE_GUARD, s->guard.shown.action, s->guard.shown.line);
    if (idem_doubts_step_up(s))
        stricter(&most, IDEM_CAUSE_DOUBT, IDEM_GUARD_STEP_UP, 0);
    if (s->silence.action > IDEM_GUARD_OBSERVE)
        stricter(&most, IDEM_CAUSE_SILENCE, s->silence.action, s->silence.line);
    if (s->trust != NULL && !(s->reading.trust_recent >= idem_session_lock(s))) {
        d = wish(s, IDEM_CAUSE_BELOW_LOCK);
        stricter(&most, IDEM_CAUSE_BELOW_LOCK, d->action, d->line);
    }
    if (s->trust != NULL && !(s->reading.trust >= idem_session_step_up(s))) {
        d = wish(s, IDEM_CAUSE_BELOW_STEP_UP);
        stricter(&most, IDEM_CAUSE_BELOW_STEP_UP, d->action, d->line);
    }
    if (any_enrolled(s) && fallen_silent(s, now_ms)) {
        d = wish(s, IDEM_CAUSE_INSUFFICIENT);
        stricter(&most, IDEM_CAUSE_INSUFFICIENT, d->action, d->line);
    }
    return most;
}

/* A lock stays until somebody lifts it, whatever comes after. */
static struct idem_stands latch(struct idem_session *s, struct idem_stands now)
{
    if (now.action >= IDEM_GUARD_LOCK && !s->locked && !s->lock_refused) {
        s->locked = s->lock_unsaved = true;
        idem_metric_add(IDEM_METRIC_LOCKS, 1);
    }
    if (!s->locked)
        return now;
    if (s->stands.action >= IDEM_GUARD_LOCK && s->stands.cause != IDEM_CAUSE_RECORD &&
        now.action <= s->stands.action)
        return s->stands;
    if (now.action < IDEM_GUARD_LOCK)
        now = (struct idem_stands){IDEM_CAUSE_RECORD, IDEM_GUARD_LOCK, 0};
    return now;
}

static enum idem_session_state next_state(struct idem_session *s)
{
    const bool paused = s->pause_until_ms != 0;

    if (s->closed)
        return IDEM_STATE_CLOSED;
    if (s->locked)
        return IDEM_STATE_LOCKED;
    if (s->stands.action >= IDEM_GUARD_STEP_UP)
        return IDEM_STATE_STEP_UP;
    if (!any_enrolled(s))
        return IDEM_STATE_ENROLLING;
    return s->reading.windows == 0 || s->reading.stale || paused ? IDEM_STATE_INSUFFICIENT
                                                                 : IDEM_STATE_OK;
}

/* ------------------------------------------------------------------ what is decided */

static double threshold_of(const struct idem_session *s, enum idem_cause cause)
{
    return cause == IDEM_CAUSE_BELOW_LOCK      ? idem_session_lock(s)
           : cause == IDEM_CAUSE_BELOW_STEP_UP ? idem_session_step_up(s)
                                               : (double)NAN;
}

static enum idem_outcome outcome_of(const struct idem_session *s, struct idem_stands before,
                                    int64_t now_ms)
{
    if (s->lock_refused && s->stands.action >= IDEM_GUARD_LOCK)
        return IDEM_OUTCOME_REFUSED_BY_FAIL_MODE;
    if (s->stands.action >= IDEM_GUARD_STEP_UP && s->stands.action == before.action)
        return IDEM_OUTCOME_ALREADY_SO;
    if (!s->test_clock && now_ms - s->seen_ms > IDEM_SEAT_SILENT_MS &&
        now_ms - s->due_ms > IDEM_SEAT_SILENT_MS)
        return IDEM_OUTCOME_SEAT_NOT_REACHED;
    return IDEM_OUTCOME_APPLIED;
}

static enum idem_cause why_lifted(const struct idem_session *s)
{
    return s->because != IDEM_CAUSE_NONE ? s->because : IDEM_CAUSE_EVIDENCE;
}

static bool just_enrolled(struct idem_session *s)
{
    for (int m = 0; m < IDEM_MODALITIES; m++)
        if (template_of(s, m)->enrolled && template_of(s, m)->unsaved)
            return true;
    return false;
}

/* An alarm is a decision of its own, made where it came in (alarms.c). */
static void note_decision(struct idem_session *s, struct idem_stands before,
                          enum idem_session_state was, int64_t now_ms)
{
    const bool enrolled = was == IDEM_STATE_ENROLLING && just_enrolled(s);
    const bool lifted = before.action >= IDEM_GUARD_NOTIFY && s->stands.action < before.action;
    const bool raised = s->stands.action >= IDEM_GUARD_NOTIFY &&
                        (s->stands.action > before.action || s->stands.cause != before.cause);
    struct idem_decision d;

    if (s->closed || !(enrolled || lifted || (raised && s->stands.cause != IDEM_CAUSE_GUARD)))
        return;
    idem_decision_fill(s, now_ms, &d);
    d.what = s->stands;
    d.threshold = threshold_of(s, s->stands.cause);
    d.outcome = outcome_of(s, before, now_ms);
    d.from = (uint8_t)was;
    if (s->stands.action == IDEM_GUARD_END_SESSION)
        d.to = IDEM_STATE_CLOSED;
    if (lifted)
        d.what.cause = why_lifted(s);
    else if (enrolled && !raised)
        d.what.cause = IDEM_CAUSE_ENROLLED;
    d.logged = d.what.cause == IDEM_CAUSE_AUTHENTICATED; /* by whoever it was: session.unlocked */
    idem_decision_push(s, &d);
}

/* What nobody has signed may speak against somebody as loud as it likes, and for him only so far.
 */
static void limit_reading(struct idem_session *s)
{
    const double most = s->rules != NULL && s->opening.kind != IDEM_SESSION_AGENT
                            ? s->rules->gate.browser_trust_max
                            : 1;

    s->reading.trust = fmin(s->reading.trust, most);
    s->reading.p_owner = fmin(s->reading.p_owner, most);
}

bool idem_judge_refresh(struct idem_session *s, int64_t now_ms)
{
    const enum idem_session_state was = s->state;
    const struct idem_stands before = s->stands;

    idem_pause_look(s, now_ms);
    if (s->trust != NULL) {
        const uint32_t had = s->reading.windows;
        s->reading = idem_trust_read(s->trust, now_ms * 1000);
        limit_reading(s);
        if (s->reading.windows > had)
            s->evidence_ms = now_ms;
    }
    s->stands = latch(s, weigh(s, now_ms));
    if (s->stands.action >= IDEM_GUARD_STEP_UP)
        idem_pause_end(s, now_ms);
    if (s->trust != NULL && !s->spoiled &&
        (s->locked || s->reading.trust < idem_session_step_up(s)))
        spoil(s);
    s->state = next_state(s);
    note_decision(s, before, was, now_ms);
    if (s->state != was)
        s->changed_ms = now_ms;
    return s->state != was || s->stands.action != before.action;
}

int idem_judge_window(struct idem_judge *j, struct idem_session *s,
                      const struct idem_window *window, int64_t row)
{
    enum idem_modality m = idem_window_modality(window);
    struct idem_template *t = template_of(s, m);
    int err = IDEM_OK;

    s->judged_row = row;
    s->received++;
    s->windows[m]++;
    s->changed_ms = s->clock_ms;
    if (idem_again_look(&j->again, s, window, row)) {
        /* evidence of nothing: who has a window may have them all */
    } else if (t->enrolled) {
        if (row > t->until_row)
            err = score(j, s, window);
    } else if (row <= t->until_row) {
        idem_enrol_recall(s, window);
    } else if (idem_enrol_may(s, row) && !idem_guard_alarm_bars(s, s->received - 1)) {
        err = any_enrolled(s) ? idem_enrol_under_trust(j, s, window, row)
                              : idem_enrol_directly(j, s, window, row);
    }
    idem_judge_refresh(s, s->clock_ms);
    if (s->trust != NULL && s->reading.trust < IDEM_TRUST_DIP)
        note_dip(s);
    if (fabs(s->reading.trust - s->reasons_trust) > IDEM_EXPLAIN_STEP ||
        s->reasons_age >= IDEM_EXPLAIN_EVERY)
        idem_judge_explain(j, s);
    return err;
}

void idem_judge_unlock(struct idem_session *s)
{
    if (s->trust != NULL)
        idem_trust_step_up(s->trust, s->clock_ms * 1000);
    s->locked = s->lock_unsaved = s->lock_refused = false;
    s->strong_ms = s->clock_ms;
    s->silence = (struct idem_stands){0};
    idem_guard_alarm_clear(s);
    s->doubts = idem_doubts_answered(s->doubts);
    s->because = IDEM_CAUSE_AUTHENTICATED;
    idem_judge_refresh(s, s->clock_ms);
    s->because = IDEM_CAUSE_NONE;
}

void idem_judge_silence(struct idem_session *s, enum idem_guard_action action, uint32_t line)
{
    s->silence = (struct idem_stands){IDEM_CAUSE_SILENCE, action, line};
    idem_judge_refresh(s, s->clock_ms);
}

void idem_judge_unrecorded(struct idem_session *s)
{
    struct idem_decision *d = s->decisions;

    if (!s->locked || !s->lock_unsaved || s->stands.cause == IDEM_CAUSE_GUARD || s->rules == NULL ||
        !s->rules->lock_fails_open)
        return;
    s->locked = s->lock_unsaved = false;
    s->lock_refused = true;
    for (; d != NULL; d = d->next)
        if (d->what.action >= IDEM_GUARD_LOCK && !d->by_guard)
            d->outcome = IDEM_OUTCOME_REFUSED_BY_FAIL_MODE;
    s->state = next_state(s);
}

void idem_judge_anew(struct idem_session *s, int64_t now_ms)
{
    s->because = IDEM_CAUSE_POLICY;
    idem_judge_refresh(s, now_ms);
    s->because = IDEM_CAUSE_NONE;
}

/* Whoever watches would count windows by the reasons' numbers that move with each of them. */
static bool is_hushed(const struct idem_session *s)
{
    return s->opening.kind != IDEM_SESSION_DEMO &&
           s->clock_ms - s->reasons_ms < IDEM_TOLD_EVERY_MS &&
           fabs(s->reading.trust - s->reasons_trust) <= IDEM_EXPLAIN_STEP;
}

void idem_judge_explain(struct idem_judge *j, struct idem_session *s)
{
    const struct idem_profile *profiles[IDEM_MODALITIES];

    if (s->trust == NULL || s->reasons_age == 0 || (s->reasons_ms != 0 && is_hushed(s)))
        return;
    if (s->reasons == NULL)
        s->reasons = calloc(IDEM_REASONS_MAX, sizeof s->reasons[0]);
    if (s->reasons == NULL)
        return; /* an explanation is not worth failing for */
    profiles_of(s, profiles);
    int found = idem_trust_explain(s->trust, j->scorer, profiles, s->reasons, IDEM_REASONS_MAX);
    s->reason_count = found > 0 ? (uint32_t)found : 0;
    s->reasons_trust = s->reading.trust;
    s->reasons_age = 0;
    s->reasons_ms = s->clock_ms;
}
