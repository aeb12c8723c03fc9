/* SPDX-License-Identifier: Apache-2.0 */
/* quarantine.c - see quarantine.h. */
#include "server/quarantine.h"

#include "model/adapt.h"
#include "server/enrol.h"
#include "server/metrics.h"

#include <string.h>

struct learning {
    struct idem_people *people;
    const struct idem_session *session;
    const struct idem_front *front;
    struct idem_wire_reader *reader;
    struct idem_lesson *lesson;
    struct idem_scorer *scorer;
    struct idem_adapt_rules rules[IDEM_MODALITIES];
    struct idem_profile *sum[IDEM_MODALITIES]; /* of the windows to be learned, NULL: none */
    double share[IDEM_MODALITIES];             /* strokes that may still be learned today */
    uint32_t ordinal; /* of the window before, counted from the session's first */
};

static const struct idem_template *template_of(const struct idem_session *s, enum idem_modality m)
{
    return &s->person->templates[s->device_class][m];
}

/* Adds what `from` holds, if anything, to an empty profile made here. */
static int copy_profile(const struct idem_front *front, const struct idem_profile *from,
                        enum idem_modality m, struct idem_profile **out)
{
    int err = idem_profile_new(front, m, out);
    return err != 0 || from == NULL ? err : idem_profile_merge(*out, from);
}

/* A copy of the person's template to work on; its profile is empty when there is none. */
static int copy_template(const struct idem_front *front, const struct idem_template *from,
                         enum idem_modality m, struct idem_template *out)
{
    struct idem_template t = *from;
    t.profile = t.anchor = NULL;
    int err = copy_profile(front, from->profile, m, &t.profile);

    if (err == 0 && from->anchor != NULL)
        err = copy_profile(front, from->anchor, m, &t.anchor);
    if (err != 0) {
        idem_template_fini(&t);
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
    if (ordinal + IDEM_QUARANTINE_MARGIN >= s->received || idem_guard_alarm_bars(s, ordinal))
        return false;
    for (uint32_t i = 0; i < s->dip_count; i++)
        if (ordinal >= s->dips[i].first && ordinal <= s->dips[i].last)
            return false;
    return true;
}

/* The window that reaches the day's share is taken whole: the fold scales the sum to the share, and
 * a window longer than a day's share would otherwise never be learned. */
static int learn_window(struct learning *l, const struct idem_window *window)
{
    enum idem_modality m = idem_window_modality(window);
    double strokes = idem_window_strokes(window);
    int err = IDEM_OK;

    if (l->share[m] <= 0)
        return IDEM_OK;
    if (l->sum[m] == NULL)
        err = idem_profile_new(l->front, m, &l->sum[m]);
    if (err == 0)
        err = idem_profile_add(l->sum[m], window);
    if (err == 0)
        l->share[m] -= strokes;
    return err;
}

/* A window of the session, opened. False: of another front, before the population was replaced, or
 * not what was sealed. */
static bool read_stored(struct idem_people *people, const struct idem_session *s,
                        struct idem_wire_reader *reader, const struct idem_store_window *stored,
                        const struct idem_window **out)
{
    struct idem_store_window opened;
    uint32_t seq;

    return idem_people_open_window(people, s->person, s->id, stored, &opened) == 0 &&
           idem_wire_read_window(reader, opened.payload, opened.len, &seq, out) == 0;
}

static int consider(void *arg, const struct idem_store_window *stored)
{
    struct learning *l = arg;
    const struct idem_window *window;

    if (!may_learn(l->session, --l->ordinal) ||
        !read_stored(l->people, l->session, l->reader, stored, &window))
        return IDEM_OK;
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
        const struct idem_adapt_day learned = {t->day, t->day_strokes};
        if (t->enrolled)
            l->share[m] =
                idem_adapt_left(&l->rules[m], idem_profile_strokes(t->profile), &learned, day);
    }
}

/* ------------------------------------------------------------------ folding in */

/* The first lesson makes the profile as it is the anchor of everything that follows. */
static int ensure_anchor(struct learning *l, enum idem_modality m, struct idem_template *t)
{
    if (t->anchor != NULL)
        return IDEM_OK;
    int err = idem_profile_new(l->front, m, &t->anchor);
    return err != 0 ? err : idem_adapt_anchor(&l->rules[m], t->profile, t->anchor);
}

/* On anything but a lesson learned the copy is dropped: nothing changes. */
static int fold(struct learning *l, enum idem_modality m, int64_t day)
{
    struct idem_template *t = &l->lesson->templates[m];
    enum idem_adapt_verdict verdict = IDEM_ADAPT_NOTHING;
    struct idem_adapt_day learned;

    if (l->sum[m] == NULL)
        return IDEM_OK;
    int err = ensure_copy(l, m);
    if (err == 0)
        err = ensure_anchor(l, m, t);
    if (err != 0)
        return err;
    learned = (struct idem_adapt_day){t->day, t->day_strokes};
    err = idem_adapt_fold(&l->rules[m], l->scorer, t->anchor, l->sum[m], day, t->profile, &learned,
                          &verdict, NULL);
    t->day = learned.day;
    t->day_strokes = learned.strokes;
    if (err == 0 && verdict == IDEM_ADAPT_LEARNED)
        idem_metric_add(IDEM_METRIC_LEARNED, idem_profile_windows(l->sum[m]));
    else
        idem_template_fini(t);
    if (verdict == IDEM_ADAPT_REFUSED)
        idem_metric_add(IDEM_METRIC_DRIFTS, 1);
    return err;
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
    if (vouched)
        copy->sessions += idem_enrol_counts(l->session, m, copy, 0,
                                            idem_profile_strokes(l->session->candidate[m]));
    copy->enrolled = idem_enrol_complete(l->session, m, copy);
    copy->until_row = last_row;
    return IDEM_OK;
}

static int save(struct learning *l, struct idem_people *people, enum idem_modality m,
                int64_t now_ms)
{
    struct idem_template *t = &l->lesson->templates[m];
    const struct idem_session *s = l->session;

    if (t->profile == NULL && template_of(s, m)->unsaved) /* its windows go with this session */
        return idem_people_save(people, s->person, s->device_class, m, template_of(s, m));
    if (t->profile == NULL)
        return IDEM_OK;
    t->learned_ms = now_ms;
    t->unsaved = false;
    return idem_people_save(people, s->person, s->device_class, m, t);
}

static int learn(struct learning *l, struct idem_people *people, struct idem_store *store,
                 int64_t now_ms)
{
    const struct idem_session *s = l->session;
    const bool trusted = s->trust != NULL && s->reading.windows > 0 && !s->spoiled;
    const int64_t day = idem_adapt_day_of(now_ms), last_row = store->ops->last_row(store);
    int err = IDEM_OK;

    if (trusted) {
        open_shares(l, day);
        err = store->ops->session_windows(store, s->last_row, consider, l);
    }
    for (enum idem_modality m = 0; m < IDEM_MODALITIES && err == 0; m++) {
        if ((err = fold(l, m, day)) == 0 && (err = keep_enrolment(l, m, last_row)) == 0)
            err = save(l, people, m, now_ms);
    }
    return err;
}

int idem_quarantine_learn(struct idem_people *people, struct idem_store *store,
                          const struct idem_judge *judge, struct idem_wire_reader *reader,
                          const struct idem_session *s, int64_t now_ms, struct idem_lesson *out)
{
    struct learning l = {.people = people,
                         .session = s,
                         .front = judge->front,
                         .reader = reader,
                         .lesson = out,
                         .scorer = judge->scorer,
                         .ordinal = s->received};

    memset(out, 0, sizeof *out);
    for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++)
        l.rules[m] = idem_adapt_defaults(m);
    int err = learn(&l, people, store, now_ms);
    for (int m = 0; m < IDEM_MODALITIES; m++)
        idem_profile_free(l.sum[m]);
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
        idem_template_fini(t);
        *t = lesson->templates[m];
    }
    memset(lesson, 0, sizeof *lesson);
}

void idem_lesson_forget(struct idem_lesson *lesson)
{
    for (int m = 0; m < IDEM_MODALITIES; m++)
        idem_template_fini(&lesson->templates[m]);
}

/* ------------------------------------------------------------------ taking out again */

struct withdrawal {
    struct idem_people *people;
    struct idem_session *session;
    const struct idem_front *front;
    struct idem_wire_reader *reader;
    int64_t last_row; /* of the store */
    uint32_t ordinal; /* of the window before, counted from the session's first */
};

/* The profile without the window, and an empty one when it cannot be told apart. */
static int take_out(const struct idem_front *front, struct idem_template *t,
                    const struct idem_window *window)
{
    struct idem_profile *empty;
    int err = idem_profile_subtract(t->profile, window);

    if (err == 0)
        return IDEM_OK;
    if ((err = idem_profile_new(front, idem_window_modality(window), &empty)) != 0)
        return err;
    idem_profile_free(t->profile);
    t->profile = empty;
    return IDEM_OK;
}

/* A session that ended meanwhile may have stored the window with its own: it is stored anew. */
static int withdraw_window(void *arg, const struct idem_store_window *stored)
{
    struct withdrawal *x = arg;
    struct idem_session *s = x->session;
    const struct idem_window *window;

    if (!idem_guard_alarm_bars(s, --x->ordinal) ||
        !read_stored(x->people, s, x->reader, stored, &window))
        return IDEM_OK;
    enum idem_modality m = idem_window_modality(window);
    struct idem_template *t = &s->person->templates[s->device_class][m];
    if (t->enrolled || t->profile == NULL || stored->row > s->guard.enrolled_to[m] ||
        stored->row <= s->guard.enrolled_from[m])
        return IDEM_OK;
    int err = take_out(x->front, t, window);
    if (err != 0)
        return err;
    s->guard.enrolled_to[m] = stored->row - 1;
    t->until_row = x->last_row;
    t->unsaved = true;
    return IDEM_OK;
}

/* Nothing of the session is left in the profiles under way: it was none of theirs. */
static void uncount(struct idem_session *s)
{
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        struct idem_template *t = &s->person->templates[s->device_class][m];
        if (!t->enrolled && t->sessions > 0 && s->counted[m])
            t->sessions--;
        s->enrolled[m] = 0;
        s->counted[m] = false;
    }
}

int idem_quarantine_withdraw(struct idem_people *people, struct idem_store *store,
                             const struct idem_judge *judge, struct idem_wire_reader *reader,
                             struct idem_session *s)
{
    struct withdrawal x = {people,     s, judge->front, reader, store->ops->last_row(store),
                           s->received};
    int err = IDEM_OK;

    if (s->guard.withdraw)
        err = store->ops->session_windows(store, s->last_row, withdraw_window, &x);
    if (err == 0 && s->guard.withdraw && s->guard.barred_from == 0)
        uncount(s);
    if (err == 0)
        s->guard.withdraw = false;
    return err;
}
