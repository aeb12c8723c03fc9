/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_solve.c - see leak_solve.h. The fit is a pattern search: from several starts, single times
 * and pairs of them are moved as long as that helps, by ever smaller steps.
 */
#include "eval/leak_solve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STARTS = 8, MOVES_MAX = 40 };
/* Rounding to the grid of 1/64 moves the shares by about 0.002 each. */
#define FITS (6 * 0.002 * 0.002)
/* Nearer to the end of the blur than this the share is lost in the rounding. */
#define TOLD_MS 14.0

/* How many strokes lie below each edge, blurred. */
static void shares(float n, const float *sums, double below[IDEM_EDGES])
{
    double so_far = 0;
    for (int b = 0; b < IDEM_EDGES; b++) {
        double in_bin = (double)n;
        for (int k = 0; k < IDEM_CONTRASTS; k++) {
            double phi = (double)idem_contrast_last[k];
            for (int e = b; e < IDEM_EDGES; e++)
                phi += (double)idem_contrast_step[e][k];
            in_bin += phi * (double)sums[k];
        }
        so_far += in_bin / IDEM_BINS;
        below[b] = so_far;
    }
}

struct fit {
    const float *edges;
    double below[IDEM_EDGES];
    uint32_t n;
    double ms[IDEM_LEAK_SOLVE], misfit;
};

static double misfit(const struct fit *f, const double *ms)
{
    double sum = 0;
    for (int e = 0; e < IDEM_EDGES; e++) {
        double left = f->below[e];
        for (uint32_t i = 0; i < f->n; i++)
            left -= (double)idem_blur_below(f->edges[e] - (float)ms[i]);
        sum += left * left;
    }
    return sum;
}

/* Moves time i by a and time j by b if that fits better. */
static bool move(struct fit *f, uint32_t i, double a, uint32_t j, double b)
{
    double ms[IDEM_LEAK_SOLVE];
    memcpy(ms, f->ms, sizeof ms);
    ms[i] += a;
    ms[j] += b;
    double now = misfit(f, ms);
    if (now >= f->misfit)
        return false;
    memcpy(f->ms, ms, sizeof ms);
    f->misfit = now;
    return true;
}

static bool move_any(struct fit *f, double step)
{
    bool moved = false;
    for (uint32_t i = 0; i < f->n; i++)
        for (int up = 0; up < 2; up++) {
            double a = up ? step : -step;
            moved |= move(f, i, a, i, 0);
            for (uint32_t j = 0; j < i; j++) {
                moved |= move(f, i, a, j, a);
                moved |= move(f, i, a, j, -a);
            }
        }
    return moved;
}

/* Where the number that lies below passes `wanted`, between the edges. */
static double quantile(const struct fit *f, double wanted)
{
    const double blur = (double)IDEM_BLUR_MS;
    double from = (double)f->edges[0] - blur, before = 0;
    for (int e = 0; e < IDEM_EDGES; e++) {
        double at = (double)f->edges[e];
        if (f->below[e] >= wanted && f->below[e] > before)
            return from + (at - from) * (wanted - before) / (f->below[e] - before);
        from = at;
        before = f->below[e] > before ? f->below[e] : before;
    }
    return from + blur / 2;
}

/* Long first steps leave bad starts, short ones do not jump over where the blur ends. */
static void search(struct fit *f, struct idem_rng *rng, int start)
{
    for (uint32_t i = 0; i < f->n; i++)
        f->ms[i] = quantile(f, start == 0 ? i + 0.5 : f->n * idem_rng_uniform(rng));
    f->misfit = misfit(f, f->ms);
    for (double step = 16 >> start % 4; step > 0.03; step /= 2)
        for (int k = 0; k < MOVES_MAX && move_any(f, step); k++)
            ;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

uint32_t idem_leak_solve(const float *edges, float n, const float *sums, double ms[IDEM_LEAK_SOLVE])
{
    struct fit f = {.edges = edges}, best = {.misfit = INFINITY};
    struct idem_rng rng;
    if (n < 1 || n > IDEM_LEAK_SOLVE)
        return 0;
    f.n = (uint32_t)n;
    shares(n, sums, f.below);
    idem_rng_seed(&rng, 1);
    for (int i = 0; i < STARTS && best.misfit > FITS; i++) {
        search(&f, &rng, i);
        if (f.misfit < best.misfit)
            best = f;
    }
    qsort(best.ms, f.n, sizeof *best.ms, ascending);
    memcpy(ms, best.ms, f.n * sizeof *ms);
    return f.n;
}

bool idem_leak_told(const float *edges, double ms)
{
    for (int e = 0; e < IDEM_EDGES; e++)
        if (fabs((double)edges[e] - ms) < TOLD_MS)
            return true;
    return false;
}

/* ------------------------------------------------------------------ held against the truth */

struct truth {
    uint32_t count;
    struct idem_obs *obs; /* slot, value */
};

static int observe(const struct idem_leak_world *w, uint32_t person, uint32_t first, uint32_t keys,
                   struct truth *out)
{
    const struct idem_leak_person *p = &w->people[person];
    out->obs = malloc((size_t)keys * IDEM_OBS_PER_STROKE * sizeof *out->obs);
    if (!out->obs)
        return IDEM_ERR_NOMEM;
    out->count = idem_filing_strokes(w->filing, first > 0 ? p->strokes + first - 1 : NULL,
                                     p->strokes + first, keys, out->obs);
    return 0;
}

static uint32_t true_values(const struct truth *t, uint32_t slot, double ms[IDEM_LEAK_SOLVE])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->count && n < IDEM_LEAK_SOLVE; i++)
        if (t->obs[i].slot == slot)
            ms[n++] = (double)t->obs[i].value;
    qsort(ms, n, sizeof *ms, ascending);
    return n;
}

static void solve_cell(const struct idem_leak_world *w, const struct truth *t, uint32_t cell,
                       const float *stats, struct idem_leak_solved *out)
{
    const float *edges = w->front->edges + (size_t)cell * IDEM_EDGES;
    double found[IDEM_LEAK_SOLVE], real[IDEM_LEAK_SOLVE];
    uint32_t right = 0, guessed = 0;
    struct fit any = {.edges = edges};
    uint32_t n = idem_leak_solve(edges, stats[cell],
                                 stats + w->front->cells + (size_t)cell * IDEM_CONTRASTS, found);
    out->strokes += (uint32_t)stats[cell];
    if (n == 0 || true_values(t, w->front->slot[cell], real) != n)
        return;
    for (int e = 0; e < IDEM_EDGES; e++)
        any.below[e] = n * (e + 1.0) / IDEM_BINS;
    for (uint32_t i = 0; i < n; i++) {
        right += fabs(found[i] - real[i]) < IDEM_LEAK_NEAR_MS;
        guessed += fabs(quantile(&any, i + 0.5) - real[i]) < IDEM_LEAK_NEAR_MS;
    }
    out->tried += n;
    out->right += right;
    out->guessed += guessed;
    out->lone += n == 1;
    out->lone_right += n == 1 ? right : 0;
    out->lone_guessed += n == 1 ? guessed : 0;
}

int idem_leak_solve_window(const struct idem_leak_world *world, uint32_t person, uint32_t first,
                           uint32_t keys, struct idem_leak_solved *out)
{
    float *stats = malloc(idem_leak_len(world) * sizeof *stats);
    struct idem_leak_solved s = {0};
    struct truth t = {0};
    struct idem_rng rng;
    int r = stats ? observe(world, person, first, keys, &t) : IDEM_ERR_NOMEM;
    idem_rng_seed(&rng, 1);
    if (r == 0) {
        idem_leak_window(world, person, first, keys, &rng, stats);
        for (uint32_t c = 0; c < world->front->cells; c++)
            solve_cell(world, &t, c, stats, &s);
        *out = s;
    }
    free(stats);
    free(t.obs);
    return r;
}
