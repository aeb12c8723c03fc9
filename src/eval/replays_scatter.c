/* SPDX-License-Identifier: Apache-2.0 */
/* replays_scatter.c - runs of windows, honest and drawn: are they too regular? See replays.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/replays.h"

const uint32_t idem_scatter_lengths[IDEM_SCATTER_RUNS] = {10, 20, 40};

struct stage {
    const struct idem_replays_options *o;
    const struct idem_front *front;
    float *everybody; /* flat */
    struct idem_even *even;
};

/* A person under way. */
struct person {
    struct idem_typing typing;
    struct idem_window **windows;
    uint32_t count;
    float *profile, *all; /* flat */
    double found[IDEM_SCATTER_WINDOWS], expected[IDEM_SCATTER_WINDOWS];
};

static size_t flat(const struct stage *s)
{
    return idem_shape_len(idem_front_shape(s->front, IDEM_KEYBOARD));
}

/* ------------------------------------------------------------------ runs */

static void weigh(const struct stage *s, struct person *p, const struct idem_window *w, uint32_t at)
{
    const struct idem_even_sums sums = idem_even_weigh(s->even, p->profile, w);
    p->found[at] = sums.found;
    p->expected[at] = sums.expected;
}

static int keep(struct idem_scatter_runs *runs, double ratio)
{
    if (runs->count == runs->room) {
        const uint32_t room = runs->room ? 2 * runs->room : 64;
        double *list = realloc(runs->ratio, room * sizeof *list);
        if (!list)
            return IDEM_ERR_NOMEM;
        runs->ratio = list;
        runs->room = room;
    }
    runs->ratio[runs->count++] = ratio;
    return 0;
}

static int add_runs(const struct person *p, struct idem_scatter_runs *runs)
{
    int r = 0;
    for (int l = 0; l < IDEM_SCATTER_RUNS; l++)
        for (uint32_t from = 0; from + idem_scatter_lengths[l] <= IDEM_SCATTER_WINDOWS && r == 0;
             from += idem_scatter_lengths[l]) {
            double found = 0, expected = 0;
            for (uint32_t i = from; i < from + idem_scatter_lengths[l]; i++) {
                found += p->found[i];
                expected += p->expected[i];
            }
            if (expected > 0)
                r = keep(&runs[l], found / expected);
        }
    return r;
}

static int play_kind(const struct stage *s, struct person *p, enum idem_scatter_kind kind,
                     struct idem_attacker *a, struct idem_window *w, struct idem_scatter *out)
{
    static const char *const names[IDEM_SCATTER_KINDS] = {
        [IDEM_SCATTER_FROM_PROFILE] = "profile, times along a path",
        [IDEM_SCATTER_FROM_TYPING] = "profile, times along a path",
        [IDEM_SCATTER_STROKES] = "single strokes of old windows",
        [IDEM_SCATTER_PUBLIC] = "public people, along a path"};
    int r = 0;
    a->profile = kind == IDEM_SCATTER_FROM_TYPING ? p->all : p->profile;
    for (uint32_t i = 0; i < IDEM_SCATTER_WINDOWS && r == 0; i++) {
        if (kind != IDEM_SCATTER_HONEST)
            r = idem_attack_named(names[kind])->make(a, 0, w);
        if (r == 0)
            weigh(s, p, kind == IDEM_SCATTER_HONEST ? p->windows[IDEM_SCATTER_PROFILE + i] : w, i);
    }
    return r == 0 ? add_runs(p, out->runs[kind]) : r;
}

static int play_person(const struct stage *s, uint32_t number, struct person *p,
                       struct idem_scatter *out)
{
    struct idem_window *w = NULL;
    struct idem_attacker a = {.front = s->front,
                              .typing = &p->typing,
                              .windows = p->windows,
                              .count = p->count,
                              .keys = s->o->strokes,
                              .population = s->everybody,
                              .stats = malloc(flat(s) * sizeof(float)),
                              .obs = malloc(4 * s->o->strokes * sizeof(struct idem_obs))};
    int r = a.stats && a.obs ? idem_window_new(s->front, IDEM_KEYBOARD, &w) : IDEM_ERR_NOMEM;
    idem_rng_seed(&a.rng, s->o->seed * 1000033 + number);
    for (int k = 0; k < IDEM_SCATTER_KINDS && r == 0; k++)
        r = play_kind(s, p, (enum idem_scatter_kind)k, &a, w, out);
    out->people += r == 0;
    idem_window_free(w);
    free(a.stats);
    free(a.obs);
    return r;
}

/* ------------------------------------------------------------------ people */

static void close_person(struct person *p)
{
    idem_typing_windows_free(p->windows, p->count);
    idem_typing_fini(&p->typing);
    free(p->profile);
    free(p->all);
}

static int open_person(const struct stage *s, uint32_t number, struct person *p)
{
    *p = (struct person){.profile = calloc(flat(s), sizeof *p->profile),
                         .all = calloc(flat(s), sizeof *p->all)};
    int r = p->profile && p->all ? 0 : IDEM_ERR_NOMEM;
    if (r == 0)
        r = idem_typing_of_person(s->front, s->o->recording, number, 1, &p->typing);
    if (r == 0)
        r = idem_typing_windows(s->front, &p->typing, s->o->strokes, false, &p->windows, &p->count);
    for (uint32_t i = 0; i < p->count && r == 0; i++) {
        idem_window_add_to(p->windows[i], 1, p->all);
        if (i < IDEM_SCATTER_PROFILE)
            idem_window_add_to(p->windows[i], 1, p->profile);
    }
    return r;
}

/* Everybody's sum first, then each one's runs. */
static int pass(struct stage *s, bool runs, struct idem_scatter *out)
{
    int r = 0;
    for (uint32_t i = 0; i < s->o->recording->person_count && r == 0; i++) {
        struct person p;
        r = open_person(s, i, &p);
        if (r == 0 && !runs)
            for (size_t k = 0; k < flat(s); k++)
                s->everybody[k] += p.all[k];
        if (r == 0 && runs && p.count >= IDEM_SCATTER_PROFILE + IDEM_SCATTER_WINDOWS)
            r = play_person(s, i, &p, out);
        close_person(&p);
    }
    return r;
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

int idem_scatter_run(const struct idem_replays_options *options, struct idem_scatter *out)
{
    struct stage s = {.o = options, .front = options->population->front};
    struct idem_scatter scatter = {0};
    s.everybody = calloc(flat(&s), sizeof *s.everybody);
    int r = s.everybody ? idem_even_new(s.front, &s.even) : IDEM_ERR_NOMEM;
    if (r == 0)
        r = pass(&s, false, &scatter);
    if (r == 0)
        r = pass(&s, true, &scatter);
    for (int k = 0; k < IDEM_SCATTER_KINDS && r == 0; k++)
        for (int l = 0; l < IDEM_SCATTER_RUNS; l++)
            if (scatter.runs[k][l].count > 0)
                qsort(scatter.runs[k][l].ratio, scatter.runs[k][l].count, sizeof(double),
                      ascending);
    free(s.everybody);
    idem_even_free(s.even);
    if (r == 0)
        *out = scatter;
    else
        idem_scatter_fini(&scatter);
    return r;
}

void idem_scatter_fini(struct idem_scatter *s)
{
    for (int k = 0; k < IDEM_SCATTER_KINDS; k++)
        for (int l = 0; l < IDEM_SCATTER_RUNS; l++)
            free(s->runs[k][l].ratio);
    *s = (struct idem_scatter){0};
}

/* ------------------------------------------------------------------ telling */

static const struct idem_sheet_column columns[] = {
    {"run", "windows", IDEM_SHEET_COUNT, false},
    {"runs", "runs", IDEM_SHEET_COUNT, false},
    {"least", "least", IDEM_SHEET_NUMBER, false},
    {"median", "median", IDEM_SHEET_NUMBER, false},
    {"most", "most", IDEM_SHEET_NUMBER, false},
    {"below_honest", "below every honest", IDEM_SHEET_RATE, false},
};

int idem_scatter_report(const struct idem_scatter *scatter, struct idem_sheet *sheet)
{
    static const char *const names[IDEM_SCATTER_KINDS] = {
        "honest", "drawn from the profile", "drawn from all his typing",
        "single strokes of his typing", "drawn from public people"};
    struct idem_sheet_table *table = idem_sheet_add(
        sheet, "scatter", "scatter of many windows",
        "Ratio of a run's scatter around the profile to that of independent strokes. The server "
        "does not ask this: see how few people the least of the honest stands on.",
        columns, sizeof columns / sizeof *columns);
    int r = table ? 0 : IDEM_ERR_NOMEM;
    for (int l = 0; l < IDEM_SCATTER_RUNS; l++)
        for (int k = 0; k < IDEM_SCATTER_KINDS && r == 0; k++) {
            const struct idem_scatter_runs *x = &scatter->runs[k][l];
            const struct idem_scatter_runs *honest = &scatter->runs[IDEM_SCATTER_HONEST][l];
            uint32_t below = 0;
            if (x->count == 0 || honest->count == 0)
                continue;
            while (below < x->count && x->ratio[below] < honest->ratio[0])
                below++;
            const double v[] = {idem_scatter_lengths[l],
                                x->count,
                                x->ratio[0],
                                x->ratio[x->count / 2],
                                x->ratio[x->count - 1],
                                (double)below / x->count};
            r = idem_sheet_row(table, names[k], v);
        }
    return r;
}
