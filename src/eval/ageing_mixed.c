/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ageing_mixed.c - two people in one enrolment, see ageing.h.
 *
 * The limits are fitted on enrolments of every other person of the recording, at a false rate of
 * 5 %; the rest give the rate that is then seen, and the mixtures: half and half or 70 to 30, one
 * after the other, taking turns in runs of four windows, or at every window.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "eval/ageing.h"
#include "eval/timeline.h"
#include "model/enrolment.h"

static const uint32_t sizes[] = {16, 24, 32, 64};
enum { SIZES = sizeof sizes / sizeof *sizes };

#define FALSE_RATE 0.05

/* Which of n windows are the second person's. */
enum order { ONE_PERSON, RELIEVED, RUNS, TURNS };

static const struct mixture {
    const char *name;
    double share; /* of the second person */
    enum order order;
} mixtures[] = {
    {"one person", 0, ONE_PERSON},
    {"50/50, one after the other", 0.5, RELIEVED},
    {"70/30, one after the other", 0.3, RELIEVED},
    {"50/50, in runs of four windows", 0.5, RUNS},
    {"70/30, in runs of four windows", 0.3, RUNS},
    {"50/50, at every window", 0.5, TURNS},
    {"70/30, at every window", 0.3, TURNS},
};

struct mixed {
    const struct idem_study *study;
    const struct idem_model *model;
    struct idem_timelines t;
};

/* Evenly spread marks: of unit u it is the second's when the running share passes a whole number.
 */
static bool second(const struct mixture *m, uint32_t i, uint32_t n)
{
    uint32_t u = m->order == RUNS ? i / 4 : i;
    if (m->order == ONE_PERSON)
        return false;
    if (m->order == RELIEVED)
        return (double)i >= (1 - m->share) * n;
    return floor((u + 1) * m->share + 1e-9) > floor(u * m->share + 1e-9);
}

static int part(const struct mixed *x, uint32_t a, uint32_t b, const struct mixture *m, uint32_t n,
                struct idem_enrolment_parting *out)
{
    const float *stats[IDEM_ENROLMENT_WINDOWS_MAX];
    float strokes[IDEM_ENROLMENT_WINDOWS_MAX];
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t who = second(m, i, n) ? b : a;
        stats[i] = idem_timeline_at(&x->t, who, i);
        strokes[i] = x->t.people[who].strokes[i];
    }
    return idem_enrolment_part(x->model, &(struct idem_enrolment_windows){stats, strokes, n}, out);
}

/* People with so many windows, in order; returns their number. */
static uint32_t able(const struct mixed *x, uint32_t n, uint32_t *people)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < x->t.count; p++)
        if (x->t.people[p].count >= n)
            people[count++] = p;
    return count;
}

static int fit(const struct mixed *x, const uint32_t *people, uint32_t count, uint32_t n,
               struct idem_enrolment_limits *limits)
{
    double *split = malloc((count + 1) * sizeof *split),
           *pattern = malloc((count + 1) * sizeof *pattern);
    uint32_t got = 0;
    int r = split && pattern ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t k = 0; k < count && r == 0; k += 2) {
        struct idem_enrolment_parting parting;
        r = part(x, people[k], people[k], &mixtures[0], n, &parting);
        if (r < 0)
            break;
        split[got] = parting.split;
        pattern[got++] = parting.pattern;
    }
    if (r == 0)
        r = idem_enrolment_limits_fit(split, pattern, got, FALSE_RATE, limits);
    free(split);
    free(pattern);
    return r;
}

static const struct idem_sheet_column columns[] = {
    {"windows", "windows", IDEM_SHEET_COUNT, false},
    {"enrolments", "enrolments", IDEM_SHEET_COUNT, false},
    {"mixed", "called mixed", IDEM_SHEET_RATE, false},
    {"low", "low", IDEM_SHEET_RATE, false},
    {"high", "high", IDEM_SHEET_RATE, false},
    {"by_split", "by split", IDEM_SHEET_RATE, false},
    {"by_pattern", "by pattern", IDEM_SHEET_RATE, false},
    {"limit_split", "limit, split", IDEM_SHEET_NUMBER, false},
    {"limit_pattern", "limit, pattern", IDEM_SHEET_NUMBER, false},
};

/* Wilson's interval of k out of n at 95 %. */
static void wilson(double k, double n, double *low, double *high)
{
    const double z = 1.96, p = k / n, mid = p + z * z / (2 * n);
    const double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    *low = (mid - half) / (1 + z * z / n);
    *high = (mid + half) / (1 + z * z / n);
}

/* Every second person enrols as one, or with the next such person as the other. */
static int measure(const struct mixed *x, const uint32_t *people, uint32_t count, uint32_t n,
                   const struct mixture *m, const struct idem_enrolment_limits *limits,
                   struct idem_sheet_table *table)
{
    double all = 0, called = 0, split = 0, pattern = 0, low, high;
    for (uint32_t k = 1; k < count; k += 2) {
        struct idem_enrolment_parting parting;
        const uint32_t other = k + 2 < count ? k + 2 : 1;
        int r = part(x, people[k], people[other], m, n, &parting);
        if (r < 0)
            return r;
        all++;
        called += idem_enrolment_mixed(limits, &parting);
        split += parting.split > limits->split;
        pattern += parting.pattern > limits->pattern;
    }
    wilson(called, all, &low, &high);
    return idem_sheet_row(table, m->name,
                          (const double[]){n, all, called / all, low, high, split / all,
                                           pattern / all, limits->split, limits->pattern});
}

static int size_rows(const struct mixed *x, uint32_t n, uint32_t *people,
                     struct idem_sheet_table *table)
{
    struct idem_enrolment_limits limits;
    const uint32_t count = able(x, n, people);
    int r = count >= 40 ? fit(x, people, count, n, &limits) : IDEM_ERR_TOO_LITTLE;
    for (size_t i = 0; i < sizeof mixtures / sizeof *mixtures && r == 0; i++)
        r = measure(x, people, count, n, &mixtures[i], &limits, table);
    return r;
}

int idem_ageing_mixed(const struct idem_study *study, struct idem_sheet *sheet)
{
    const enum idem_modality m = study->recording->modality;
    struct mixed x = {.study = study, .model = &study->population->model[m]};
    struct idem_sheet_table *table = idem_sheet_add(
        sheet, "mixed", "Two people in one enrolment",
        "Limits fitted on every other person at a false rate of 5 %; the first row of each size is "
        "the rate seen on the others. Intervals: Wilson.",
        columns, sizeof columns / sizeof *columns);
    int r = !table                           ? IDEM_ERR_NOMEM
            : !study->population->present[m] ? IDEM_ERR_MISMATCH
            : m == IDEM_KEYBOARD
                ? idem_timelines_keys(study->recording, study->population->front, study->filing,
                                      study->keys, NULL, &x.t)
                : idem_timelines_pointer(study->recording, study->population->front,
                                         study->gestures, &x.t);
    if (r < 0)
        return r;
    uint32_t *people = malloc(((size_t)x.t.count + 1) * sizeof *people);
    r = people ? 0 : IDEM_ERR_NOMEM;
    for (int i = 0; i < SIZES && r == 0; i++) {
        r = size_rows(&x, sizes[i], people, table);
        if (r == IDEM_ERR_TOO_LITTLE && i > 0) {
            r = 0;
            break; /* nobody has recorded more */
        }
        if (study->progress)
            study->progress(study->progress_arg, (uint32_t)i + 1, SIZES);
    }
    if (study->progress)
        study->progress(study->progress_arg, SIZES, SIZES);
    free(people);
    idem_timelines_fini(&x.t);
    return r;
}
