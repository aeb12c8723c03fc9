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

/* A comparison as a sweep reads it, in ascending order of score. */
struct item {
    uint32_t user, other; /* places of weights; other is `people`, whose weight is 1, for a genuine
                             comparison */
    float cost;           /* bits by which it enters Cllr */
    bool genuine;
    bool last; /* of its score: the next item's is higher */
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

/* Weights are whole numbers: how often people were drawn. All ones in the first sweep. */
struct pooled {
    int64_t genuine, impostor; /* totals */
    int64_t below_g, below_i;  /* below the threshold */
    double pairs, cost_g, cost_i;
    bool crossed;
    struct idem_figures f;
};

static double fnmr_of(const struct pooled *p, int64_t below_g)
{
    return (double)below_g / (double)p->genuine;
}

static double fmr_of(const struct pooled *p, int64_t below_i)
{
    return 1 - (double)below_i / (double)p->impostor;
}

/*
 * FNMR rises and FMR falls along the sweep, so they differ least right before or right after they
 * cross. The state with everything below has no observed threshold and does not count.
 */
static void cross(struct pooled *p, int64_t g, int64_t im)
{
    double fnmr = fnmr_of(p, p->below_g - g), fmr = fmr_of(p, p->below_i - im);
    double fnmr2 = fnmr_of(p, p->below_g), fmr2 = fmr_of(p, p->below_i);
    bool after = p->below_g < p->genuine || p->below_i < p->impostor;
    p->f.eer_global =
        after && fabs(fnmr2 - fmr2) < fabs(fnmr - fmr) ? 0.5 * (fnmr2 + fmr2) : 0.5 * (fnmr + fmr);
    p->crossed = true;
}

static void count(const struct item *items, size_t n, const uint8_t *weight, struct pooled *p)
{
    memset(p, 0, sizeof *p);
    for (size_t i = 0; i < n; i++) {
        int64_t w = weight[items[i].user] * weight[items[i].other];
        p->genuine += items[i].genuine ? w : 0;
        p->impostor += items[i].genuine ? 0 : w;
    }
}

/* The first number of impostors below a threshold at which FMR is not above the rate. */
static int64_t enough(const struct pooled *p, double rate)
{
    int64_t n = (int64_t)floor((1 - rate) * (double)p->impostor) - 1;
    while (n < 0 || fmr_of(p, n) > rate)
        n++;
    return n;
}

/* False when no genuine or no impostor comparison was drawn. weight[people] is 1. */
static bool sweep(const struct item *items, size_t n, const uint8_t *weight, struct pooled *p)
{
    count(items, n, weight, p);
    if (p->genuine == 0 || p->impostor == 0)
        return false;
    const double both = (double)p->genuine * (double)p->impostor;
    const int64_t at_01 = enough(p, 0.01), at_001 = enough(p, 0.001);
    int64_t g = 0, im = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t w = weight[items[i].user] * weight[items[i].other];
        if (items[i].genuine) {
            g += w;
            p->cost_g += (double)w * (double)items[i].cost;
        } else {
            im += w;
            p->cost_i += (double)w * (double)items[i].cost;
        }
        if (!items[i].last)
            continue;
        p->pairs += (double)g * ((double)p->below_i + 0.5 * (double)im);
        if (p->below_i < at_01 && p->below_i + im >= at_01)
            p->f.fnmr_at_fmr_01 = fnmr_of(p, p->below_g + g);
        if (p->below_i < at_001 && p->below_i + im >= at_001)
            p->f.fnmr_at_fmr_001 = fnmr_of(p, p->below_g + g);
        p->below_g += g;
        p->below_i += im;
        if (!p->crossed && (double)(p->below_g * p->impostor + p->below_i * p->genuine) >= both)
            cross(p, g, im);
        g = im = 0;
    }
    p->f.auc = p->pairs / both;
    p->f.cllr = 0.5 * (p->cost_g / (double)p->genuine + p->cost_i / (double)p->impostor);
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
    const struct item *items;
    size_t count;
    uint32_t people;
    const double *eer;          /* [people] */
    uint8_t *weights;           /* [replicates][people + 1], nought */
    struct idem_figures *drawn; /* [replicates]; all NAN where a class was not drawn */
};

static void replicate(void *arg, int i)
{
    struct bootstrap *b = arg;
    uint8_t *weight = b->weights + (size_t)i * (b->people + 1);
    struct pooled p;
    struct idem_rng rng;
    idem_rng_seed(&rng, 20000 + (uint64_t)i);
    for (uint32_t u = 0; u < b->people; u++) {
        uint8_t *w = &weight[idem_rng_below(&rng, b->people)];
        *w += *w < UINT8_MAX;
    }
    weight[b->people] = 1;
    bool ok = sweep(b->items, b->count, weight, &p);
    p.f.eer_user_mean = user_mean(b->eer, b->people, weight, NULL);
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

static int intervals(struct bootstrap b, struct idem_evaluation *out)
{
    size_t most = WORK_MAX / (b.count + 1);
    int n = most < 100 ? 100 : most < IDEM_BOOTSTRAP ? (int)most : IDEM_BOOTSTRAP;
    double *sorted = malloc((size_t)n * sizeof *sorted);
    b.weights = calloc((size_t)n, (size_t)b.people + 1);
    b.drawn = malloc((size_t)n * sizeof *b.drawn);
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

static void fill_items(const struct idem_results *r, struct item *items)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct idem_result *x = &r->list[i];
        bool alone = x->genuine || x->other >= r->people;
        items[i] = (struct item){
            .user = x->user,
            .other = alone ? r->people : x->other,
            .cost = (float)softplus_bits(x->genuine ? -x->score : x->score),
            .genuine = x->genuine,
            .last = i + 1 == r->count || r->list[i + 1].score != x->score,
        };
    }
}

/* With the list sorted and the memory there. ones: [people + 1] */
static int compute(const struct idem_results *r, const struct item *items, double *eer,
                   const uint8_t *ones, struct idem_evaluation *out)
{
    struct pooled p;
    int err = user_eers(r, eer);
    if (err < 0)
        return err;
    if (!sweep(items, r->count, ones, &p))
        return IDEM_ERR_TOO_LITTLE;
    out->figures = p.f;
    out->figures.eer_user_mean = user_mean(eer, r->people, NULL, &out->users);
    out->genuine = (size_t)p.genuine;
    out->impostor = (size_t)p.impostor;
    err = min_cllr(r, (double)p.genuine, (double)p.impostor, &out->cllr_min);
    if (err < 0)
        return err;
    return intervals(
        (struct bootstrap){.items = items, .count = r->count, .people = r->people, .eer = eer},
        out);
}

int idem_evaluate(struct idem_results *results, struct idem_evaluation *out)
{
    struct idem_evaluation e = {0};
    struct item *items = malloc((results->count + 1) * sizeof *items);
    double *eer = malloc(((size_t)results->people + 1) * sizeof *eer);
    uint8_t *ones = malloc((size_t)results->people + 1);
    int err = IDEM_ERR_NOMEM;
    if (items && eer && ones) {
        memset(ones, 1, (size_t)results->people + 1);
        qsort(results->list, results->count, sizeof *results->list, by_score);
        fill_items(results, items);
        err = compute(results, items, eer, ones, &e);
    }
    free(items);
    free(eer);
    free(ones);
    if (err == 0)
        *out = e;
    return err;
}

double idem_probit(double p)
{
    static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,
                               -2.759285104469687e+02, 1.383577518672690e+02,
                               -3.066479806614716e+01, 2.506628277459239e+00};
    static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,
                               -1.556989798598866e+02, 6.680131188771972e+01,
                               -1.328068155288572e+01};
    static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01,
                               -2.400758277161838e+00, -2.549732539343734e+00,
                               4.374664141464968e+00,  2.938163982698783e+00};
    static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                               3.754408661907416e+00};
    if (p > 0.5)
        return -idem_probit(1 - p);
    if (p < 0.02425) {
        double q = sqrt(-2 * log(p));
        return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
               ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    }
    double q = p - 0.5, r = q * q;
    return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
           (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

double idem_probit_of_rate(double p)
{
    return idem_probit(p < 1e-6 ? 1e-6 : p > 1 - 1e-6 ? 1 - 1e-6 : p);
}

/* Half the points for either axis, evenly in probits, between -4.76 and 4.76. */
#define DET_STEP (9.6 / (IDEM_DET_POINTS / 2 - 2))

size_t idem_det(const struct idem_results *results, struct idem_det_point *out)
{
    struct pooled p = {0};
    double x = INFINITY, y = -INFINITY;
    size_t n = 0;
    for (size_t i = 0; i < results->count; i++) {
        p.genuine += results->list[i].genuine;
        p.impostor += !results->list[i].genuine;
    }
    for (size_t i = 0; i < results->count && n < IDEM_DET_POINTS - 1; i++) {
        const struct idem_result *r = &results->list[i];
        if (i == 0 || r->score != r[-1].score) {
            struct idem_det_point here = {fmr_of(&p, p.below_i), fnmr_of(&p, p.below_g)};
            double fmr = idem_probit_of_rate(here.fmr), fnmr = idem_probit_of_rate(here.fnmr);
            if (x - fmr > DET_STEP || fnmr - y > DET_STEP) {
                out[n++] = here;
                x = fmr;
                y = fnmr;
            }
        }
        p.below_g += r->genuine;
        p.below_i += !r->genuine;
    }
    out[n++] = (struct idem_det_point){0, 1};
    return n;
}
