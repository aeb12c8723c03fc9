/* SPDX-License-Identifier: Apache-2.0 */
/* quarantine.c - see quarantine.h. */
#include "server/quarantine.h"

#include "base/log.h"
#include "server/judge.h"
#include "server/metrics.h"

#include <string.h>

enum { DAY_MS = 24 * 3600 * 1000 };

struct learning {
    const struct idem_session *session;
    const struct idem_front *front;
    struct idem_wire_reader *reader;
    struct idem_lesson *lesson;
    double share[IDEM_MODALITIES]; /* strokes that may still be learned today */
    uint32_t ordinal;              /* of the window before, counted from the session's first */
};

static const struct idem_template *template_of(const struct idem_session *s, enum idem_modality m)
{
    return &s->person->templates[s->device_class][m];
}

/* A copy of the person's profile to work on; an empty one when there is none. */
static int copy_template(const struct idem_front *front, const struct idem_template *from,
                         enum idem_modality m, struct idem_template *out)
{
    struct idem_template t = *from;
    int err = idem_profile_new(front, m, &t.profile);

    if (err == 0 && from->profile != NULL)
        err = idem_profile_merge(t.profile, from->profile);
    if (err != 0) {
        idem_profile_free(t.profile);
        return err;
    }
    *out = t;
    return IDEM_OK;
}

static int ensure_copy(struct learning *l, enum idem_modality m)
{
    struct idem_template *t = &l->lesson->templates[m];
    if (t->profile != NULL)
        return IDEM_OK;
    return copy_template(l->front, template_of(l->session, m), m, t);
}

/* ------------------------------------------------------------------ windows */

static bool may_learn(const struct idem_session *s, uint32_t ordinal)
{
    if (ordinal + IDEM_QUARANTINE_MARGIN >= s->received)
        return false;
    for (uint32_t i = 0; i < s->dip_count; i++)
        if (ordinal >= s->dips[i].first && ordinal <= s->dips[i].last)
            return false;
    return true;
}

static int learn_window(struct learning *l, const struct idem_window *window)
{
    enum idem_modality m = idem_window_modality(window);
    double strokes = idem_window_strokes(window);

    if (strokes > l->share[m])
        return IDEM_OK;
    int err = ensure_copy(l, m);
    if (err == 0)
        err = idem_profile_add(l->lesson->templates[m].profile, window);
    if (err != 0)
        return err;
    l->share[m] -= strokes;
    l->lesson->templates[m].day_strokes += strokes;
    idem_metric_add(IDEM_METRIC_LEARNED, 1);
    return IDEM_OK;
}

static int consider(void *arg, const struct idem_store_window *stored)
{
    struct learning *l = arg;
    const struct idem_window *window;
    uint32_t seq;

    if (!may_learn(l->session, --l->ordinal))
        return IDEM_OK;
    if (idem_wire_read_window(l->reader, stored->payload, stored->len, &seq, &window) != 0)
        return IDEM_OK; /* of another front, before the population was replaced */
    enum idem_modality m = idem_window_modality(window);
    const struct idem_template *t = template_of(l->session, m);
    if (!t->enrolled || stored->row <= t->until_row)
        return IDEM_OK;
    return learn_window(l, window);
}

static void open_shares(struct learning *l, int64_t day)
{
    for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++) {
        const struct idem_template *t = template_of(l->session, m);
        if (!t->enrolled)
            continue;
        double today = t->day == day ? t->day_strokes : 0;
        l->share[m] = IDEM_LEARN_PER_DAY * idem_profile_strokes(t->profile) - today;
    }
}

/* ------------------------------------------------------------------ enrolment under way */

static int keep_enrolment(struct learning *l, enum idem_modality m, int64_t last_row)
{
    const struct idem_template *t = template_of(l->session, m);
    const bool vouched = idem_judge_vouched(l->session, m);
    int err;

    if (t->enrolled || (t->profile == NULL && !vouched))
        return IDEM_OK;
    if ((err = ensure_copy(l, m)) != 0)
        return err;
    struct idem_template *copy = &l->lesson->templates[m];
    if (vouched && (err = idem_profile_merge(copy->profile, l->session->candidate[m])) != 0)
        return err;
    copy->enrolled = idem_profile_strokes(copy->profile) >= idem_enrol_need(m);
    copy->until_row = last_row;
    return IDEM_OK;
}

static int forget_some(struct idem_profile *profile, enum idem_modality m)
{
    double most = m == IDEM_KEYBOARD ? IDEM_PROFILE_KEYS_MAX : IDEM_PROFILE_GESTURES_MAX;
    double strokes = idem_profile_strokes(profile);
    return strokes > most ? idem_profile_discount(profile, most / strokes) : IDEM_OK;
}

static int save(struct learning *l, struct idem_people *people, enum idem_modality m, int64_t day,
                int64_t now_ms)
{
    struct idem_template *t = &l->lesson->templates[m];
    const struct idem_session *s = l->session;

    if (t->profile == NULL && template_of(s, m)->unsaved) /* its windows go with this session */
        return idem_people_save(people, s->person, s->device_class, m, template_of(s, m));
    if (t->profile == NULL)
        return IDEM_OK;
    if (template_of(s, m)->day != day)
        t->day_strokes -= template_of(s, m)->day_strokes;
    t->day = day;
    t->learned_ms = now_ms;
    t->unsaved = false;
    int err = forget_some(t->profile, m);
    return err != 0 ? err : idem_people_save(people, s->person, s->device_class, m, t);
}

int idem_quarantine_learn(struct idem_people *people, struct idem_store *store,
                          const struct idem_front *front, struct idem_wire_reader *reader,
                          const struct idem_session *s, int64_t now_ms, struct idem_lesson *out)
{
    struct learning l = {s, front, reader, out, {0}, 0};
    bool trusted = s->trust != NULL && s->reading.windows > 0 && !s->spoiled;
    int64_t day = now_ms / DAY_MS, last_row = store->ops->last_row(store);
    int err = IDEM_OK;

    memset(out, 0, sizeof *out);
    l.ordinal = s->received;
    if (trusted) {
        open_shares(&l, day);
        err = store->ops->session_windows(store, s->last_row, consider, &l);
    }
    for (enum idem_modality m = 0; m < IDEM_MODALITIES && err == 0; m++) {
        if ((err = keep_enrolment(&l, m, last_row)) == 0)
            err = save(&l, people, m, day, now_ms);
    }
    if (err != 0)
        idem_lesson_forget(out);
    return err;
}

void idem_lesson_apply(struct idem_lesson *lesson, struct idem_session *s)
{
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        struct idem_template *t = &s->person->templates[s->device_class][m];
        if (lesson->templates[m].profile == NULL)
            continue;
        idem_profile_free(t->profile);
        *t = lesson->templates[m];
    }
    memset(lesson, 0, sizeof *lesson);
}

void idem_lesson_forget(struct idem_lesson *lesson)
{
    for (int m = 0; m < IDEM_MODALITIES; m++)
        idem_profile_free(lesson->templates[m].profile);
    memset(lesson, 0, sizeof *lesson);
}
