/* SPDX-License-Identifier: Apache-2.0 */
/*
 * liveness_figures.c - areas under curves, their intervals by drawing sessions anew, and how soon
 * alarms came.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "eval/liveness.h"

/* Scores of both sides, each as its place among all different scores, and how often each drawn. */
struct places {
    uint32_t *place[2];           /* of people, of programs */
    uint32_t count[2], different; /* different scores */
    uint32_t *drawn[2];           /* [different] */
};

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint32_t place_of(const double *sorted, uint32_t n, double v)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (sorted[mid] < v)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static double area(const struct places *p)
{
    double below = 0, sum = 0;
    for (uint32_t i = 0; i < p->different; i++) {
        sum += p->drawn[1][i] * (below + 0.5 * p->drawn[0][i]);
        below += p->drawn[0][i];
    }
    return sum / ((double)p->count[0] * (double)p->count[1]);
}

static void draw(struct places *p, struct idem_rng *rng)
{
    for (int side = 0; side < 2; side++) {
        memset(p->drawn[side], 0, p->different * sizeof *p->drawn[side]);
        for (uint32_t i = 0; i < p->count[side]; i++) {
            const uint32_t which = rng ? idem_rng_below(rng, p->count[side]) : i;
            p->drawn[side][p->place[side][which]]++;
        }
    }
}

static int intervals(struct places *p, struct idem_interval *out)
{
    double areas[IDEM_LIVENESS_BOOTSTRAP];
    struct idem_rng rng;
    idem_rng_seed(&rng, 1);
    draw(p, NULL);
    out->value = area(p);
    for (int i = 0; i < IDEM_LIVENESS_BOOTSTRAP; i++) {
        draw(p, &rng);
        areas[i] = area(p);
    }
    qsort(areas, IDEM_LIVENESS_BOOTSTRAP, sizeof *areas, ascending);
    out->low = areas[(int)(0.025 * IDEM_LIVENESS_BOOTSTRAP)];
    out->high = areas[(int)(0.975 * IDEM_LIVENESS_BOOTSTRAP)];
    return 0;
}

static bool counts(const struct idem_liveness_score *s, int source)
{
    return !s->program || source < 0 || s->source == (uint32_t)source;
}

/* three: scores of the first movements only. */
static int figure(const struct idem_liveness_scores *scores, int source, bool three,
                  struct idem_interval *out)
{
    const size_t room = scores->count + 1;
    double *value = malloc(room * sizeof *value);
    uint32_t *memory = malloc(4 * room * sizeof *memory), n = 0;
    struct places p = {{NULL, NULL}, {0, 0}, 0, {NULL, NULL}};
    for (int side = 0; side < 2 && memory; side++) {
        p.place[side] = memory + (size_t)side * room;
        p.drawn[side] = memory + (size_t)(2 + side) * room;
    }
    int r = value && memory ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < scores->count && r == 0; i++)
        if (counts(&scores->list[i], source))
            value[n++] = three ? scores->list[i].three : scores->list[i].all;
    if (r == 0)
        qsort(value, n, sizeof *value, ascending);
    for (uint32_t i = 0; i < n && r == 0; i++)
        if (i == 0 || value[i] > value[p.different - 1])
            value[p.different++] = value[i];
    for (uint32_t i = 0; i < scores->count && r == 0; i++) {
        const struct idem_liveness_score *s = &scores->list[i];
        if (counts(s, source))
            p.place[s->program][p.count[s->program]++] =
                place_of(value, p.different, three ? s->three : s->all);
    }
    if (r == 0)
        r = p.count[0] && p.count[1] ? intervals(&p, out) : IDEM_ERR_TOO_LITTLE;
    free(value);
    free(memory);
    return r;
}

/* Movements at or before which that share of the programs had their alarm. */
static double quantile(const struct idem_liveness_scores *scores, int source, double share,
                       uint32_t programs)
{
    double *at = malloc((programs + 1) * sizeof *at), found = INFINITY;
    uint32_t n = 0;
    for (uint32_t i = 0; i < scores->count && at; i++) {
        const struct idem_liveness_score *s = &scores->list[i];
        if (s->program && counts(s, source))
            at[n++] = s->alarm_at ? s->alarm_at : INFINITY;
    }
    if (at && n > 0) {
        qsort(at, n, sizeof *at, ascending);
        const uint32_t k = (uint32_t)ceil(share * n);
        found = at[k > 0 ? k - 1 : 0];
    }
    free(at);
    return found;
}

int idem_liveness_row(const struct idem_liveness_scores *scores, int source,
                      struct idem_liveness_row *out)
{
    struct idem_liveness_row row = {0};
    for (uint32_t i = 0; i < scores->count; i++) {
        const struct idem_liveness_score *s = &scores->list[i];
        if (!counts(s, source))
            continue;
        row.programs += s->program;
        row.people += !s->program;
        row.false_alarms += s->program ? 0 : s->alarms;
        row.alarmed += s->program && s->alarm_at > 0;
        row.soon += s->program && s->alarm_at > 0 && s->alarm_at <= IDEM_LIVENESS_SOON;
    }
    int r = figure(scores, source, false, &row.auc);
    if (r == 0)
        r = figure(scores, source, true, &row.auc3);
    row.at_p50 = quantile(scores, source, 0.5, row.programs);
    row.at_p95 = quantile(scores, source, 0.95, row.programs);
    if (r == 0)
        *out = row;
    return r;
}
