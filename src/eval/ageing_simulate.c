/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ageing_simulate.c - drift whose truth is known, see ageing.h.
 *
 * A person is a vector w drawn from the model's prior; every day w <- sqrt(1 - step^2) w + step e
 * with e from the same prior, so people stay as different as they are. A window takes its cell
 * counts from a random window of the recording and its sums from the model: f_k ~ N(n T_k w, n /
 * W_k). Nothing here shows how much people drift; it shows what learning does if they drift so.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "eval/ageing.h"
#include "eval/tally.h"
#include "eval/timeline.h"

enum { PEOPLE = 50, DAYS = 60, ENROL = 16, DAILY = 8, PROBES = 4, PROBE_WINDOWS = 2, CHECKS = 4 };

static const int check_days[CHECKS] = {10, 20, 40, 60};

struct world {
    const struct idem_study *study;
    const struct idem_model *model;
    struct idem_timelines t;
    struct idem_scorer *scorer;
    struct idem_rng rng;
    double *w; /* [PEOPLE][rank] */
    struct idem_profile *anchor[PEOPLE], *profile[PEOPLE], *typed[PEOPLE][PROBES], *lesson;
    struct idem_adapt_day learned[PEOPLE];
};

static void clear(struct idem_profile *p)
{
    memset(p->stats, 0, idem_shape_len(p->shape) * sizeof p->stats[0]);
    p->strokes = 0;
    p->windows = 0;
}

/* One window of a person who is w today, added to the sum. */
static void type(struct world *x, const double *w, struct idem_profile *sum)
{
    const struct idem_model *m = x->model;
    const uint32_t per_cell = m->shape.channels * 2, cells = m->shape.cells;
    uint32_t p = idem_rng_below(&x->rng, x->t.count);
    while (x->t.people[p].count == 0)
        p = (p + 1) % x->t.count;
    const uint32_t i = idem_rng_below(&x->rng, x->t.people[p].count);
    const float *counts = idem_timeline_at(&x->t, p, i);
    for (uint32_t k = 0; k < cells * per_cell; k++) {
        const double n = (double)counts[k / per_cell], W = (double)m->weight[k];
        double mean = 0;
        if (n <= 0 || W <= 0)
            continue;
        for (uint32_t r = 0; r < m->rank; r++)
            mean += (double)m->load[(size_t)k * m->rank + r] * w[r];
        sum->stats[cells + k] += (float)(n * mean + sqrt(n / W) * idem_rng_normal(&x->rng));
    }
    for (uint32_t c = 0; c < cells; c++)
        sum->stats[c] += counts[c];
    sum->strokes += x->t.people[p].strokes[i];
    sum->windows++;
}

static void type_many(struct world *x, uint32_t person, int windows, struct idem_profile *sum)
{
    clear(sum);
    for (int i = 0; i < windows; i++)
        type(x, x->w + (size_t)person * x->model->rank, sum);
}

static void walk(struct world *x, double step)
{
    const double keep = sqrt(1 - step * step);
    for (size_t i = 0; i < (size_t)PEOPLE * x->model->rank; i++)
        x->w[i] = keep * x->w[i] + step * idem_rng_normal(&x->rng);
}

static int check(struct world *x, struct idem_tally *tally)
{
    int r = 0;
    for (uint32_t u = 0; u < PEOPLE; u++)
        for (int i = 0; i < PROBES; i++)
            type_many(x, u, PROBE_WINDOWS, x->typed[u][i]);
    for (uint32_t u = 0; u < PEOPLE && r == 0; u++)
        for (uint32_t v = 0; v < PEOPLE && r == 0; v++)
            for (int i = 0; i < (u == v ? PROBES : 1) && r == 0; i++)
                r = idem_tally_add(tally, u, v,
                                   idem_study_llr(x->scorer, x->profile[u], x->typed[v][i]->stats,
                                                  (double)x->typed[v][i]->strokes));
    return r;
}

static int live(struct world *x, const struct idem_adapt_rules *rules, double step,
                struct idem_tally *tallies, double *kept)
{
    double offered = 0, taken = 0;
    int r = 0, next = 0;
    idem_rng_seed(&x->rng, 5); /* the same people and text for every rule */
    for (size_t i = 0; i < (size_t)PEOPLE * x->model->rank; i++)
        x->w[i] = idem_rng_normal(&x->rng);
    for (uint32_t u = 0; u < PEOPLE; u++) {
        type_many(x, u, ENROL, x->anchor[u]);
        clear(x->profile[u]);
        idem_profile_merge(x->profile[u], x->anchor[u]);
        x->learned[u] = (struct idem_adapt_day){-1, 0};
    }
    for (int day = 1; day <= DAYS && r == 0; day++) {
        walk(x, step);
        for (uint32_t u = 0; u < PEOPLE && r == 0; u++) {
            enum idem_adapt_verdict verdict = IDEM_ADAPT_NOTHING;
            type_many(x, u, DAILY, x->lesson);
            if (rules)
                r = idem_adapt_fold(rules, x->scorer, x->anchor[u], x->lesson, day, x->profile[u],
                                    &x->learned[u], &verdict, NULL);
            offered++;
            taken += verdict == IDEM_ADAPT_LEARNED;
        }
        if (r == 0 && day == check_days[next])
            r = check(x, &tallies[next++]);
    }
    *kept = taken / offered;
    return r;
}

static const struct idem_sheet_column columns[] = {
    {"step", "step a day", IDEM_SHEET_NUMBER, false},
    {"half_life_days", "half-life, days", IDEM_SHEET_NUMBER, false},
    {"eer_10", "EER, day 10", IDEM_SHEET_RATE, false},
    {"eer_20", "day 20", IDEM_SHEET_RATE, false},
    {"eer_40", "day 40", IDEM_SHEET_RATE, false},
    {"eer_60", "day 60", IDEM_SHEET_RATE, false},
    {"eer_60_low", "low", IDEM_SHEET_RATE, false},
    {"eer_60_high", "high", IDEM_SHEET_RATE, false},
    {"cllr_60", "Cllr, day 60", IDEM_SHEET_NUMBER, false},
    {"fnmr_60", "FNMR at 0, day 60", IDEM_SHEET_RATE, false},
    {"kept", "lessons kept", IDEM_SHEET_RATE, false},
};

static int row(struct world *x, const struct idem_adapt_rules *rules, double step,
               const char *label, struct idem_sheet_table *table)
{
    struct idem_tally tallies[CHECKS] = {{{NULL, 0, 0}, 0}};
    struct idem_evaluation e[CHECKS];
    double kept = NAN;
    int r = live(x, rules, step, tallies, &kept);
    for (int i = 0; i < CHECKS && r == 0; i++)
        r = idem_evaluate(&tallies[i].results, &e[i]);
    if (r == 0) {
        const struct idem_evaluation *last = &e[CHECKS - 1];
        r = idem_sheet_row(table, label,
                           (const double[]){step, rules ? rules->half_life_days : (double)NAN,
                                            e[0].figures.eer_user_mean, e[1].figures.eer_user_mean,
                                            e[2].figures.eer_user_mean, last->figures.eer_user_mean,
                                            last->low.eer_user_mean, last->high.eer_user_mean,
                                            last->figures.cllr,
                                            idem_tally_fnmr(&tallies[CHECKS - 1], 0), kept});
    }
    for (int i = 0; i < CHECKS; i++)
        idem_tally_fini(&tallies[i]);
    return r;
}

static int rows(struct world *x, double step, struct idem_sheet_table *table)
{
    static const double half_lives[] = {2, 5, 10, 20, 50, INFINITY};
    char label[IDEM_SHEET_LABEL];
    snprintf(label, sizeof label, "step %g, fixed", step);
    int r = row(x, NULL, step, label, table);
    for (size_t i = 0; i < sizeof half_lives / sizeof *half_lives && r == 0; i++) {
        struct idem_adapt_rules rules = x->study->rules;
        rules.half_life_days = half_lives[i];
        snprintf(label, sizeof label, "step %g, half-life %g", step, half_lives[i]);
        r = row(x, &rules, step, label, table);
    }
    if (r == 0) {
        struct idem_adapt_rules rules = x->study->rules;
        rules.bound = -INFINITY;
        snprintf(label, sizeof label, "step %g, no bound", step);
        r = row(x, &rules, step, label, table);
    }
    return r;
}

static int make(struct world *x)
{
    const struct idem_front *front = x->study->population->front;
    int r = idem_timelines_profile(&x->t, front, &x->lesson);
    x->w = calloc((size_t)PEOPLE * (x->model->rank + 1), sizeof *x->w);
    for (int u = 0; u < PEOPLE && r == 0; u++) {
        r = idem_timelines_profile(&x->t, front, &x->anchor[u]);
        if (r == 0)
            r = idem_timelines_profile(&x->t, front, &x->profile[u]);
        for (int i = 0; i < PROBES && r == 0; i++)
            r = idem_timelines_profile(&x->t, front, &x->typed[u][i]);
    }
    return r == 0 && !x->w ? IDEM_ERR_NOMEM : r;
}

static void unmake(struct world *x)
{
    for (int u = 0; u < PEOPLE; u++) {
        idem_profile_free(x->anchor[u]);
        idem_profile_free(x->profile[u]);
        for (int i = 0; i < PROBES; i++)
            idem_profile_free(x->typed[u][i]);
    }
    idem_profile_free(x->lesson);
    free(x->w);
    idem_scorer_free(x->scorer);
    idem_timelines_fini(&x->t);
}

int idem_ageing_simulate(const struct idem_study *study, struct idem_sheet *sheet)
{
    static const double steps[] = {0, 0.05, 0.1, 0.2};
    struct world x = {.study = study, .model = &study->population->model[IDEM_KEYBOARD]};
    struct idem_sheet_table *table = idem_sheet_add(
        sheet, "simulated", "Simulated drift",
        "Fifty people, 16 windows of enrolment, 8 windows a day for 60 days, probes of two "
        "windows. Step: how much of w is new every day.",
        columns, sizeof columns / sizeof *columns);
    if (!table)
        return IDEM_ERR_NOMEM;
    int r = idem_timelines_keys(study->recording, study->population->front, study->filing,
                                study->keys, NULL, &x.t);
    if (r < 0)
        return r;
    r = idem_scorer_new(study->population, &x.scorer);
    if (r == 0)
        r = make(&x);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && r == 0; i++) {
        r = rows(&x, steps[i], table);
        if (study->progress)
            study->progress(study->progress_arg, (uint32_t)i + 1, sizeof steps / sizeof *steps);
    }
    unmake(&x);
    return r;
}
