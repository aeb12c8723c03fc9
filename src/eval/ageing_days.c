/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ageing_days.c - error by days since enrolment, see ageing.h.
 *
 * Every session of a later day is a genuine probe of the profile as it stood when that day began;
 * impostors of a day are one session of everybody else, of the same age. After the day its sessions
 * are the lesson, if their sum is accepted by the profile, as quarantine would have it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/ageing.h"
#include "eval/tally.h"
#include "eval/timeline.h"

enum { ENROL_DAYS = 2, BINS = 4 };

static const double bin_from[BINS + 1] = {2, 4, 6, 8, INFINITY};

struct days {
    const struct idem_study *study;
    struct idem_timelines t;
    struct idem_scorer *scorer;
    double kept, offered; /* lessons */
};

/* One way to learn, and what came of it. */
struct way {
    struct idem_adapt_rules rules;
    bool learns;
    struct idem_tally bin[BINS], all;
};

static uint32_t first_of_day(const struct idem_timeline *p, double day, uint32_t from)
{
    while (from < p->count && p->day[from] < day)
        from++;
    return from;
}

static int bin_of(double day)
{
    int b = 0;
    while (day >= bin_from[b + 1])
        b++;
    return b;
}

static int probe(struct days *d, struct way *way, uint32_t user, uint32_t other, uint32_t window,
                 double day, const struct idem_profile *profile)
{
    double llr = idem_study_llr(d->scorer, profile, idem_timeline_at(&d->t, other, window),
                                (double)d->t.people[other].strokes[window]);
    int r = idem_tally_add(&way->bin[bin_of(day)], user, other, llr);
    return r < 0 ? r : idem_tally_add(&way->all, user, other, llr);
}

/* Everybody else's first session of that day or later, else the last one there is. */
static int impostors(struct days *d, struct way *way, uint32_t user, double day,
                     const struct idem_profile *profile)
{
    int r = 0;
    for (uint32_t v = 0; v < d->t.count && r == 0; v++) {
        const struct idem_timeline *p = &d->t.people[v];
        uint32_t w = first_of_day(p, day, 0);
        if (v == user || p->count == 0)
            continue;
        r = probe(d, way, user, v, w < p->count ? w : p->count - 1, day, profile);
    }
    return r;
}

static int learn(struct days *d, const struct way *way, uint32_t user, uint32_t from, uint32_t end,
                 const struct idem_profile *anchor, struct idem_profile *profile,
                 struct idem_adapt_day *learned)
{
    enum idem_adapt_verdict verdict = IDEM_ADAPT_NOTHING;
    struct idem_profile *lesson;
    int r = idem_timelines_profile(&d->t, d->study->population->front, &lesson);
    if (r < 0)
        return r;
    idem_timelines_add(&d->t, user, from, end, lesson);
    d->offered++;
    if (idem_study_llr(d->scorer, profile, lesson->stats, (double)lesson->strokes) >= 0)
        r = idem_adapt_fold(&way->rules, d->scorer, anchor, lesson,
                            (int64_t)d->t.people[user].day[from], profile, learned, &verdict, NULL);
    d->kept += verdict == IDEM_ADAPT_LEARNED;
    idem_profile_free(lesson);
    return r;
}

static int live(struct days *d, struct way *way, uint32_t user, uint32_t first,
                const struct idem_profile *anchor, struct idem_profile *profile)
{
    const struct idem_timeline *p = &d->t.people[user];
    struct idem_adapt_day learned = {0, 0};
    int r = 0;
    for (uint32_t w = first, end; w < p->count && r == 0; w = end) {
        const double day = floor(p->day[w]);
        end = first_of_day(p, day + 1, w);
        for (uint32_t i = w; i < end && r == 0; i++)
            r = probe(d, way, user, user, i, day, profile);
        if (r == 0)
            r = impostors(d, way, user, day, profile);
        if (r == 0 && way->learns)
            r = learn(d, way, user, w, end, anchor, profile, &learned);
    }
    return r;
}

static int live_all(struct days *d, struct way *way)
{
    const struct idem_front *front = d->study->population->front;
    int r = 0;
    for (uint32_t u = 0; u < d->t.count && r == 0; u++) {
        struct idem_profile *anchor = NULL, *profile = NULL;
        uint32_t first = first_of_day(&d->t.people[u], ENROL_DAYS, 0);
        if (first == 0 || first == d->t.people[u].count)
            continue;
        r = idem_timelines_profile(&d->t, front, &anchor);
        if (r == 0)
            r = idem_timelines_profile(&d->t, front, &profile);
        if (r == 0) {
            idem_timelines_add(&d->t, u, 0, first, anchor);
            idem_timelines_add(&d->t, u, 0, first, profile);
            r = live(d, way, u, first, anchor, profile);
        }
        idem_profile_free(anchor);
        idem_profile_free(profile);
    }
    return r == 0 && way->all.results.count == 0 ? IDEM_ERR_TOO_LITTLE : r;
}

static void way_fini(struct way *way)
{
    for (int b = 0; b < BINS; b++)
        idem_tally_fini(&way->bin[b]);
    idem_tally_fini(&way->all);
}

/* ------------------------------------------------------------------ tables */

static const struct idem_sheet_column age_columns[] = {
    {"day", "days since enrolment", IDEM_SHEET_COUNT, false},
    {"probes", "probes", IDEM_SHEET_COUNT, false},
    {"eer_user_static", "EER, fixed", IDEM_SHEET_RATE, true},
    {"eer_user_adapted", "EER, learning", IDEM_SHEET_RATE, true},
    {"difference", "difference", IDEM_SHEET_RATE, false},
    {"difference_low", "low", IDEM_SHEET_RATE, false},
    {"difference_high", "high", IDEM_SHEET_RATE, false},
    {"eer_global_static", "global, fixed", IDEM_SHEET_RATE, false},
    {"eer_global_adapted", "global, learning", IDEM_SHEET_RATE, false},
    {"cllr_static", "Cllr, fixed", IDEM_SHEET_NUMBER, false},
    {"cllr_adapted", "Cllr, learning", IDEM_SHEET_NUMBER, false},
    {"fnmr_static", "FNMR, fixed", IDEM_SHEET_RATE, true},
    {"fnmr_adapted", "FNMR, learning", IDEM_SHEET_RATE, true},
    {"fmr_adapted", "FMR, learning", IDEM_SHEET_RATE, false},
};

static int age_row(struct idem_tally *fixed, struct idem_tally *adapted, double day,
                   double threshold, const char *label, struct idem_sheet_table *table)
{
    struct idem_evaluation a, b;
    struct idem_difference diff = {NAN, NAN, NAN, 0};
    if (idem_evaluate(&fixed->results, &a) < 0 || idem_evaluate(&adapted->results, &b) < 0)
        return 0; /* nobody has typed on such a day */
    int r = idem_tally_difference(adapted, fixed, &diff);
    if (r == IDEM_ERR_NOMEM)
        return r;
    return idem_sheet_row(
        table, label,
        (const double[]){day, (double)a.genuine, a.figures.eer_user_mean, b.figures.eer_user_mean,
                         diff.mean, diff.low, diff.high, a.figures.eer_global, b.figures.eer_global,
                         a.figures.cllr, b.figures.cllr, idem_tally_fnmr(fixed, threshold),
                         idem_tally_fnmr(adapted, threshold), idem_tally_fmr(adapted, threshold)});
}

static int age_table(struct way *fixed, struct way *adapted, struct idem_sheet *sheet)
{
    static const char *const labels[BINS] = {"days 2-3", "days 4-5", "days 6-7", "day 8 and later"};
    static const double middle[BINS] = {3, 5, 7, 9};
    struct idem_sheet_table *table = idem_sheet_add(
        sheet, "age", "Error by days since enrolment",
        "EER: mean over people; difference: learning less fixed, 95 % interval by drawing people "
        "anew. FNMR and FMR at the one threshold at which fixed profiles have an FMR of 1 %.",
        age_columns, sizeof age_columns / sizeof *age_columns);
    if (!table)
        return IDEM_ERR_NOMEM;
    const double threshold = idem_tally_threshold(&fixed->all, 0.01);
    int r = 0;
    for (int b = 0; b < BINS && r == 0; b++)
        r = age_row(&fixed->bin[b], &adapted->bin[b], middle[b], threshold, labels[b], table);
    return r < 0 ? r : age_row(&fixed->all, &adapted->all, NAN, threshold, "all", table);
}

static const struct idem_sheet_column life_columns[] = {
    {"half_life_days", "half-life, days", IDEM_SHEET_NUMBER, false},
    {"eer_user", "EER", IDEM_SHEET_RATE, true},
    {"eer_low", "low", IDEM_SHEET_RATE, false},
    {"eer_high", "high", IDEM_SHEET_RATE, false},
    {"eer_global", "global", IDEM_SHEET_RATE, true},
    {"cllr", "Cllr", IDEM_SHEET_NUMBER, false},
    {"cllr_min", "min Cllr", IDEM_SHEET_NUMBER, false},
    {"lessons", "lessons kept", IDEM_SHEET_RATE, false},
};

static int life_row(struct days *d, struct way *way, const char *label, double half_life,
                    struct idem_sheet_table *table)
{
    struct idem_evaluation e;
    d->kept = d->offered = 0;
    int r = live_all(d, way);
    if (r == 0)
        r = idem_evaluate(&way->all.results, &e);
    if (r < 0)
        return r;
    return idem_sheet_row(table, label,
                          (const double[]){half_life, e.figures.eer_user_mean, e.low.eer_user_mean,
                                           e.high.eer_user_mean, e.figures.eer_global,
                                           e.figures.cllr, e.cllr_min,
                                           d->offered > 0 ? d->kept / d->offered : (double)NAN});
}

static int life_table(struct days *d, struct idem_sheet *sheet)
{
    static const double half_lives[] = {1, 2, 5, 10, 20, 50, INFINITY};
    struct idem_sheet_table *table =
        idem_sheet_add(sheet, "half_life", "Forgetting",
                       "Half-life in days that teach; otherwise the default rules.", life_columns,
                       sizeof life_columns / sizeof *life_columns);
    if (!table)
        return IDEM_ERR_NOMEM;
    struct way fixed = {.rules = d->study->rules};
    int r = life_row(d, &fixed, "fixed profile", NAN, table);
    way_fini(&fixed);
    for (size_t i = 0; i < sizeof half_lives / sizeof *half_lives && r == 0; i++) {
        struct way way = {.rules = d->study->rules, .learns = true};
        char label[32];
        way.rules.half_life_days = half_lives[i];
        snprintf(label, sizeof label, "half-life %g", half_lives[i]);
        r = life_row(d, &way, label, half_lives[i], table);
        way_fini(&way);
    }
    return r;
}

static int bound_table(struct days *d, struct idem_sheet *sheet)
{
    static const double bounds[] = {-INFINITY, -0.5, 0, 0.25, 0.5};
    struct idem_sheet_table *table = idem_sheet_add(
        sheet, "bound", "What the bound and the cap cost",
        "Otherwise the default rules. Uncapped: no bound, a day may teach any amount and all that "
        "is learned may weigh twenty times the anchor: what learning could gain at most.",
        life_columns, sizeof life_columns / sizeof *life_columns);
    int r = table ? 0 : IDEM_ERR_NOMEM;
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds && r == 0; i++) {
        struct way way = {.rules = d->study->rules, .learns = true};
        char label[32];
        way.rules.bound = bounds[i];
        snprintf(label, sizeof label, isfinite(bounds[i]) ? "bound %g" : "no bound", bounds[i]);
        r = life_row(d, &way, label, way.rules.half_life_days, table);
        way_fini(&way);
    }
    if (r == 0) {
        struct way way = {.rules = d->study->rules, .learns = true};
        way.rules.bound = -INFINITY;
        way.rules.per_day = INFINITY;
        way.rules.learned_most = 20;
        r = life_row(d, &way, "uncapped", way.rules.half_life_days, table);
        way_fini(&way);
    }
    return r;
}

static int compare(struct days *d, struct idem_sheet *sheet)
{
    struct way fixed = {.rules = d->study->rules};
    struct way adapted = {.rules = d->study->rules, .learns = true};
    int r = live_all(d, &fixed);
    if (r == 0)
        r = live_all(d, &adapted);
    if (r == 0)
        r = age_table(&fixed, &adapted, sheet);
    way_fini(&fixed);
    way_fini(&adapted);
    return r;
}

int idem_ageing_days(const struct idem_study *study, struct idem_sheet *sheet)
{
    struct days d = {.study = study};
    int r = idem_timelines_keys(study->recording, study->population->front, study->filing, 0, NULL,
                                &d.t);
    if (r < 0)
        return r;
    r = idem_scorer_new(study->population, &d.scorer);
    if (r == 0)
        r = compare(&d, sheet);
    if (r == 0)
        r = life_table(&d, sheet);
    if (r == 0)
        r = bound_table(&d, sheet);
    idem_scorer_free(d.scorer);
    idem_timelines_fini(&d.t);
    return r;
}
