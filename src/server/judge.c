/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c - see judge.h. */
#include "server/judge.h"

#include "server/enrol.h"
#include "server/metrics.h"

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

static enum idem_session_state next_state(struct idem_session *s)
{
    if (s->closed)
        return IDEM_STATE_CLOSED;
    if (s->locked)
        return IDEM_STATE_LOCKED;
    if (idem_guard_alarm_steps_up(s))
        return IDEM_STATE_STEP_UP;
    if (!any_enrolled(s))
        return IDEM_STATE_ENROLLING;
    if (s->trust != NULL && !(s->reading.trust >= idem_session_step_up(s)))
        return IDEM_STATE_STEP_UP;
    return s->reading.windows == 0 || s->reading.stale ? IDEM_STATE_INSUFFICIENT : IDEM_STATE_OK;
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
    enum idem_session_state before = s->state;

    if (s->trust != NULL) {
        const uint32_t had = s->reading.windows;
        s->reading = idem_trust_read(s->trust, now_ms * 1000);
        limit_reading(s);
        if (s->reading.windows > had)
            s->evidence_ms = now_ms;
        if (!(s->reading.trust_recent >= idem_session_lock(s)) &&
            !s->locked) { /* no number: locked */
            s->locked = s->lock_unsaved = true;
            idem_metric_add(IDEM_METRIC_LOCKS, 1);
        }
        if ((s->locked || s->reading.trust < idem_session_step_up(s)) && !s->spoiled)
            spoil(s);
    }
    s->state = next_state(s);
    if (s->state != before)
        s->changed_ms = now_ms;
    return s->state != before;
}

int idem_judge_window(struct idem_judge *j, struct idem_session *s,
                      const struct idem_window *window, int64_t row)
{
    enum idem_modality m = idem_window_modality(window);
    struct idem_template *t = template_of(s, m);
    int err = IDEM_OK;

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
    s->locked = s->lock_unsaved = false;
    s->strong_ms = s->clock_ms;
    idem_guard_alarm_clear(s);
    idem_judge_refresh(s, s->clock_ms);
}

void idem_judge_explain(struct idem_judge *j, struct idem_session *s)
{
    const struct idem_profile *profiles[IDEM_MODALITIES];

    if (s->trust == NULL || s->reasons_age == 0)
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
}
