/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.c - see metrics.h. One sweep over the scores in ascending order gives every pooled
 * figure; the same sweep with people's weights is one bootstrap replicate.
 */
#include "eval/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "eval/parallel.h"
#include "idem/idem.h"

enum { WORK_MAX = 400 * 1000 * 1000 }; /* comparisons swept by a bootstrap, about half a second */

/* What a sweep reads, in ascending order of score. */
struct sweep {
    const struct idem_results *results;
    float *cost; /* [count], bits by which a comparison enters Cllr */
};

double idem_eer(const double *g, size_t ng, const double *im, size_t ni)
{
    size_t below_g = 0, below_i = 0;
    double least = INFINITY, eer = 0.5;
    while (below_g < ng || below_i < ni) {
        double fnmr = (double)below_g / (double)ng, fmr = 1 - (double)below_i / (double)ni;
        if (fabs(fnmr - fmr) < least) {
            least = fabs(fnmr - fmr);
            eer = 0.5 * (fnmr + fmr);
        }
        double t = below_g == ng              ? im[below_i]
                   : below_i == ni            ? g[below_g]
                   : g[below_g] < im[below_i] ? g[below_g]
                                              : im[below_i];
        while (below_g < ng && g[below_g] == t)
            below_g++;
        while (below_i < ni && im[below_i] == t)
            below_i++;
    }
    return eer;
}

/* log2(1 + e^x) without overflow. */
static double softplus_bits(double x)
{
    return (x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))) / M_LN2;
}

/* Sums that grow along a sweep. */
struct pooled {
    double genuine, impostor; /* total weights */
    double below_g, below_i;  /* weights below the threshold */
    double pairs, cost_g, cost_i, least;
    struct idem_figures f;
};

/* At a new threshold: everything before it is below. */
static void at_threshold(struct pooled *p)
{
    double fnmr = p->below_g / p->genuine, fmr = 1 - p->below_i / p->impostor;
    double apart = fabs(fnmr - fmr);
    if (apart < p->least) {
        p->least = apart;
        p->f.eer_global = 0.5 * (fnmr + fmr);
    }
    if (fmr <= 0.01 && fnmr < p->f.fnmr_at_fmr_01)
        p->f.fnmr_at_fmr_01 = fnmr;
    if (fmr <= 0.001 && fnmr < p->f.fnmr_at_fmr_001)
        p->f.fnmr_at_fmr_001 = fnmr;
}

/* The comparison's weight: how often its people were drawn. weight NULL: once each. */
static inline double weight_of(const struct idem_result *r, const uint8_t *weight)
{
    if (!weight)
        return 1;
    return r->genuine || r->other == IDEM_NOBODY ? weight[r->user]
                                                 : weight[r->user] * weight[r->other];
}

static void count(const struct idem_results *results, const uint8_t *weight, struct pooled *p)
{
    memset(p, 0, sizeof *p);
    p->least = INFINITY;
    p->f.fnmr_at_fmr_01 = p->f.fnmr_at_fmr_001 = 1;
    for (size_t i = 0; i < results->count; i++) {
        double w = weight_of(&results->list[i], weight);
        if (results->list[i].genuine)
            p->genuine += w;
        else
            p->impostor += w;
    }
}

/* False when no genuine or no impostor comparison was drawn. */
static bool sweep(const struct sweep *s, const uint8_t *weight, struct pooled *p)
{
    const struct idem_result *list = s->results->list;
    count(s->results, weight, p);
    if (p->genuine == 0 || p->impostor == 0)
        return false;
    for (size_t i = 0, end; i < s->results->count; i = end) {
        double g = 0, im = 0;
        for (end = i; end < s->results->count && list[end].score == list[i].score; end++) {
            double w = weight_of(&list[end], weight);
            if (list[end].genuine) {
                g += w;
                p->cost_g += w * s->cost[end];
            } else {
                im += w;
                p->cost_i += w * s->cost[end];
            }
        }
        if (g + im == 0)
            continue; /* a score that was not drawn is no threshold */
        at_threshold(p);
        p->pairs += g * (p->below_i + 0.5 * im);
        p->below_g += g;
        p->below_i += im;
    }
    p->f.auc = p->pairs / (p->genuine * p->impostor);
    p->f.cllr = 0.5 * (p->cost_g / p->genuine + p->cost_i / p->impostor);
    return true;
}

/* A block of pooled scores in which the share of genuine ones is taken to be constant. */
struct block {
    double genuine, impostor;
};

static double block_cost(struct block b, double genuine, double impostor)
{
    if (b.genuine == 0 || b.impostor == 0)
        return 0;
    double odds = (b.impostor / impostor) / (b.genuine / genuine); /* e^-llr */
    return b.genuine / genuine * log1p(odds) + b.impostor / impostor * log1p(1 / odds);
}

/* Pool adjacent violators: the share of genuine comparisons must not fall as the score rises. */
static int min_cllr(const struct idem_results *r, double genuine, double impostor, double *out)
{
    struct block *stack = malloc((r->count + 1) * sizeof *stack);
    size_t top = 0;
    double sum = 0;
    if (!stack)
        return IDEM_ERR_NOMEM;
    for (size_t i = 0, end; i < r->count; i = end) {
        struct block b = {0, 0};
        for (end = i; end < r->count && r->list[end].score == r->list[i].score; end++) {
            b.genuine += r->list[end].genuine;
            b.impostor += !r->list[end].genuine;
        }
        while (top && stack[top - 1].genuine * b.impostor >= b.genuine * stack[top - 1].impostor) {
            top--;
            b.genuine += stack[top].genuine;
            b.impostor += stack[top].impostor;
        }
        stack[top++] = b;
    }
    for (size_t i = 0; i < top; i++)
        sum += block_cost(stack[i], genuine, impostor);
    free(stack);
    *out = 0.5 * sum / M_LN2;
    return 0;
}

static int by_score(const void *a, const void *b)
{
    const struct idem_result *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    if (x->user != y->user) /* ties in a fixed order, so that sums are reproducible */
        return x->user < y->user ? -1 : 1;
    return x->other < y->other ? -1 : x->other > y->other;
}

/* Every user's own EER, NAN where it has none, in one pass over the sorted list. */
static int user_eers(const struct idem_results *r, double *eer)
{
    size_t *start = calloc((size_t)r->people * 2 + 1, sizeof *start);
    double *scores = malloc((r->count + 1) * sizeof *scores);
    int err = start && scores ? 0 : IDEM_ERR_NOMEM;
    if (err == 0) {
        /* a counting sort into genuine and impostor scores of user 0, of user 1, ... */
        for (size_t i = 0; i < r->count; i++)
            start[2 * (size_t)r->list[i].user + !r->list[i].genuine + 1]++;
        for (size_t i = 0; i < 2 * (size_t)r->people; i++)
            start[i + 1] += start[i];
        for (size_t i = 0; i < r->count; i++)
            scores[start[2 * (size_t)r->list[i].user + !r->list[i].genuine]++] = r->list[i].score;
        for (uint32_t u = 0; u < r->people; u++) { /* starts have become ends */
            size_t from = u ? start[2 * u - 1] : 0, mid = start[2 * u], end = start[2 * u + 1];
            eer[u] = mid > from && end > mid
                         ? idem_eer(scores + from, mid - from, scores + mid, end - mid)
                         : NAN;
        }
    }
    free(start);
    free(scores);
    return err;
}

/* Mean over users who have one, each counted as often as drawn. */
static double user_mean(const double *eer, uint32_t people, const uint8_t *weight, uint32_t *users)
{
    double sum = 0, n = 0;
    uint32_t have = 0;
    for (uint32_t u = 0; u < people; u++) {
        if (isnan(eer[u]))
            continue;
        double w = weight ? weight[u] : 1;
        sum += w * eer[u];
        n += w;
        have++;
    }
    if (users)
        *users = have;
    return n > 0 ? sum / n : NAN;
}

struct bootstrap {
    const struct sweep *sweep;
    const double *eer;
    uint8_t *weights;           /* [replicates][people] */
    struct idem_figures *drawn; /* [replicates]; all NAN where a class was not drawn */
};

static void replicate(void *arg, int i)
{
    struct bootstrap *b = arg;
    const uint32_t people = b->sweep->results->people;
    uint8_t *weight = b->weights + (size_t)i * people;
    struct pooled p;
    struct idem_rng rng;
    idem_rng_seed(&rng, 20000 + (uint64_t)i);
    for (uint32_t u = 0; u < people; u++) {
        uint8_t *w = &weight[idem_rng_below(&rng, people)];
        *w += *w < UINT8_MAX;
    }
    bool ok = sweep(b->sweep, weight, &p);
    p.f.eer_user_mean = user_mean(b->eer, people, weight, NULL);
    b->drawn[i] = ok ? p.f : (struct idem_figures){NAN, NAN, NAN, NAN, NAN, NAN};
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The 2.5 % and 97.5 % points of one figure (a member at `offset`) over the replicates. */
static void percentiles(const struct idem_figures *drawn, int n, size_t offset, double *sorted,
                        struct idem_figures *low, struct idem_figures *high)
{
    int have = 0;
    for (int i = 0; i < n; i++) {
        double v;
        memcpy(&v, (const char *)&drawn[i] + offset, sizeof v);
        if (!isnan(v))
            sorted[have++] = v;
    }
    qsort(sorted, (size_t)have, sizeof *sorted, by_value);
    double lo = have ? sorted[(int)(0.025 * (have - 1) + 0.5)] : NAN;
    double hi = have ? sorted[(int)(0.975 * (have - 1) + 0.5)] : NAN;
    memcpy((char *)low + offset, &lo, sizeof lo);
    memcpy((char *)high + offset, &hi, sizeof hi);
}

static int intervals(const struct sweep *s, const double *eer, struct idem_evaluation *out)
{
    size_t most = WORK_MAX / (s->results->count + 1);
    int n = most < 100 ? 100 : most < IDEM_BOOTSTRAP ? (int)most : IDEM_BOOTSTRAP;
    double *sorted = malloc((size_t)n * sizeof *sorted);
    struct bootstrap b = {.sweep = s,
                          .eer = eer,
                          .weights = calloc((size_t)n, s->results->people),
                          .drawn = malloc((size_t)n * sizeof *b.drawn)};
    int err = sorted && b.weights && b.drawn ? 0 : IDEM_ERR_NOMEM;
    if (err == 0) {
        idem_parallel(replicate, &b, n);
        for (size_t at = 0; at < sizeof(struct idem_figures); at += sizeof(double))
            percentiles(b.drawn, n, at, sorted, &out->low, &out->high);
    }
    free(sorted);
    free(b.weights);
    free(b.drawn);
    return err;
}

static void costs(const struct idem_results *r, float *cost)
{
    for (size_t i = 0; i < r->count; i++)
        cost[i] = (float)softplus_bits(r->list[i].genuine ? -r->list[i].score : r->list[i].score);
}

/* With the list sorted and the memory there. */
static int compute(const struct sweep *s, double *eer, struct idem_evaluation *out)
{
    struct pooled p;
    int err = user_eers(s->results, eer);
    if (err < 0)
        return err;
    if (!sweep(s, NULL, &p))
        return IDEM_ERR_TOO_LITTLE;
    out->figures = p.f;
    out->figures.eer_user_mean = user_mean(eer, s->results->people, NULL, &out->users);
    out->genuine = (size_t)p.genuine;
    out->impostor = (size_t)p.impostor;
    if ((err = min_cllr(s->results, p.genuine, p.impostor, &out->cllr_min)) < 0)
        return err;
    return intervals(s, eer, out);
}

int idem_evaluate(struct idem_results *results, struct idem_evaluation *out)
{
    struct idem_evaluation e = {0};
    struct sweep s = {.results = results, .cost = malloc((results->count + 1) * sizeof *s.cost)};
    double *eer = malloc(((size_t)results->people + 1) * sizeof *eer);
    int err = IDEM_ERR_NOMEM;
    if (s.cost && eer) {
        qsort(results->list, results->count, sizeof *results->list, by_score);
        costs(results, s.cost);
        err = compute(&s, eer, &e);
    }
    free(s.cost);
    free(eer);
    if (err == 0)
        *out = e;
    return err;
}

/* How far the curve runs before it gets its next point: finer near 0 and 1, where probit axes
 * stretch. */
static double det_step(double fmr, double fnmr)
{
    double edge = fmin(fmin(fmr, 1 - fmr), fmin(fnmr, 1 - fnmr));
    return fmin(0.002, 0.04 * edge + 0.00005);
}

size_t idem_det(const struct idem_results *results, struct idem_det_point *out)
{
    struct pooled p;
    struct idem_det_point last = {2, -1};
    size_t n = 0;
    count(results, NULL, &p);
    for (size_t i = 0; i < results->count && n < IDEM_DET_POINTS - 1; i++) {
        const struct idem_result *r = &results->list[i];
        struct idem_det_point here = {1 - p.below_i / p.impostor, p.below_g / p.genuine};
        double step = det_step(here.fmr, here.fnmr);
        bool fresh = i == 0 || r->score != r[-1].score;
        if (fresh && (last.fmr - here.fmr > step || here.fnmr - last.fnmr > step))
            last = out[n++] = here;
        p.below_g += r->genuine;
        p.below_i += !r->genuine;
    }
    out[n++] = (struct idem_det_point){0, 1};
    return n;
}
