/* SPDX-License-Identifier: Apache-2.0 */
/* enrol.c - see enrol.h. */
#include "server/enrol.h"

#include "server/metrics.h"

static struct idem_template *template_of(struct idem_session *s, enum idem_modality m)
{
    return &s->person->templates[s->device_class][m];
}

static uint32_t sessions_needed(const struct idem_session *s)
{
    return s->rules != NULL ? s->rules->enrol_sessions : 1;
}

bool idem_enrol_waits(const struct idem_session *s)
{
    return s->rules != NULL && s->rules->trusted_start && s->opening.start == IDEM_START_NONE;
}

bool idem_enrol_may(const struct idem_session *s, int64_t row)
{
    return !idem_enrol_waits(s) && row > s->start_row;
}

static double share(const struct idem_session *s, enum idem_modality m)
{
    return (double)idem_enrol_need(m) / sessions_needed(s);
}

/* By whole hours, which is all that is known of a profile that was read back. */
static bool is_apart(const struct idem_session *s, const struct idem_template *template)
{
    enum { HOUR_MS = 3600 * 1000 };

    return template->sessions == 0 ||
           s->opened_ms / HOUR_MS >= template->counted_ms / HOUR_MS + IDEM_ENROL_APART_H;
}

bool idem_enrol_counts(const struct idem_session *s, enum idem_modality m,
                       const struct idem_template *template, double before, double now)
{
    return before < share(s, m) && now >= share(s, m) && is_apart(s, template);
}

/* Where one session does, several that are too short for a share do as well. */
static bool sessions_do(const struct idem_session *s, uint32_t sessions)
{
    return sessions_needed(s) <= 1 || sessions >= sessions_needed(s);
}

bool idem_enrol_complete(const struct idem_session *s, enum idem_modality m,
                         const struct idem_template *template)
{
    return template->profile != NULL && sessions_do(s, template->sessions) &&
           idem_profile_strokes(template->profile) >= idem_enrol_need(m);
}

void idem_enrol_recall(struct idem_session *s, const struct idem_window *window)
{
    s->enrolled[idem_window_modality(window)] += idem_window_strokes(window);
}

/* ------------------------------------------------------------------ the first modality */

static int add_to(const struct idem_front *front, struct idem_profile **profile,
                  const struct idem_window *window)
{
    if (*profile == NULL) {
        int err = idem_profile_new(front, idem_window_modality(window), profile);
        if (err != 0)
            return err;
    }
    return idem_profile_add(*profile, window);
}

static void check_complete(struct idem_session *s, enum idem_modality m, int64_t row)
{
    struct idem_template *t = template_of(s, m);
    if (!idem_enrol_complete(s, m, t))
        return;
    t->enrolled = t->unsaved = true;
    t->until_row = row;
}

static void count(struct idem_session *s, enum idem_modality m, struct idem_template *t)
{
    t->sessions++;
    t->counted_ms = s->clock_ms;
    s->counted[m] = true;
}

int idem_enrol_directly(struct idem_judge *j, struct idem_session *s,
                        const struct idem_window *window, int64_t row)
{
    enum idem_modality m = idem_window_modality(window);
    struct idem_template *t = template_of(s, m);

    if (s->enrolled[m] >= idem_enrol_need(m))
        return IDEM_OK; /* this session has given its share */
    int err = add_to(j->front, &t->profile, window);
    if (err != 0)
        return err;
    const uint32_t before = s->enrolled[m];
    s->enrolled[m] += idem_window_strokes(window);
    if (idem_enrol_counts(s, m, t, before, s->enrolled[m]))
        count(s, m, t);
    else if (s->counted[m])
        t->counted_ms = s->clock_ms;
    if (s->guard.enrolled_to[m] == 0)
        s->guard.enrolled_from[m] = t->until_row;
    s->guard.enrolled_to[m] = row;
    t->learned_ms = s->clock_ms;
    idem_metric_add(IDEM_METRIC_ENROLLED, 1);
    check_complete(s, m, row);
    return IDEM_OK;
}

/* ------------------------------------------------------------------ the second */

static double strokes_of(const struct idem_profile *profile)
{
    return profile != NULL ? idem_profile_strokes(profile) : 0;
}

/* More of this session is wanted: of the strokes, or of its share. */
static bool wants(struct idem_session *s, enum idem_modality m)
{
    const struct idem_template *t = template_of(s, m);
    const double mine = strokes_of(s->candidate[m]);

    return strokes_of(t->profile) + mine < idem_enrol_need(m) ||
           (!sessions_do(s, t->sessions) && mine < share(s, m));
}

/* With the candidate the profile would be complete. */
static bool would_do(struct idem_session *s, enum idem_modality m)
{
    const struct idem_template *t = template_of(s, m);
    const double mine = strokes_of(s->candidate[m]);

    return strokes_of(t->profile) + mine >= idem_enrol_need(m) &&
           sessions_do(s, t->sessions + idem_enrol_counts(s, m, t, 0, mine));
}

/* The candidate becomes the profile, or is added to what there is of one. */
static int accept_candidate(struct idem_session *s, enum idem_modality m, int64_t row)
{
    struct idem_template *t = template_of(s, m);
    const double mine = strokes_of(s->candidate[m]);

    if (t->profile == NULL) {
        t->profile = s->candidate[m];
    } else {
        int err = idem_profile_merge(t->profile, s->candidate[m]);
        if (err != 0)
            return err;
        idem_profile_free(s->candidate[m]);
    }
    s->candidate[m] = NULL;
    if (idem_enrol_counts(s, m, t, 0, mine))
        count(s, m, t);
    s->enrolled[m] = (uint32_t)mine;
    t->learned_ms = s->clock_ms;
    check_complete(s, m, row);
    return IDEM_OK;
}

int idem_enrol_under_trust(struct idem_judge *j, struct idem_session *s,
                           const struct idem_window *window, int64_t row)
{
    enum idem_modality m = idem_window_modality(window);
    int err = IDEM_OK;

    if (s->spoiled || s->enrolled[m] > 0)
        return IDEM_OK;
    if (wants(s, m)) {
        err = add_to(j->front, &s->candidate[m], window);
        s->candidate_at[m] = s->reading.windows;
        idem_metric_add(IDEM_METRIC_ENROLLED, 1);
    }
    /* One that does not complete the profile waits for the end of its session. */
    if (err == 0 && idem_judge_vouched(s, m) && s->state == IDEM_STATE_OK && would_do(s, m))
        err = accept_candidate(s, m, row);
    return err;
}
