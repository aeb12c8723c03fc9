/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mixture_learn.c - see mixture_learn.h. Steps in the order of the file: choose gestures, tables,
 * projection, seeds, Lloyd, EM.
 */
#include "model/mixture_learn.h"

#include "base/rng.h"
#include "model/linalg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { F = IDEM_FEATURES, LLOYD_STEPS = 10, EM_STEPS = 15 };

static const double ridge = 0.02;          /* on the covariance within people */
static const double variance_floor = 0.02; /* added to every component's variance */

/* The gestures that are learned from, person by person. */
struct sample {
    size_t count, people;
    float *feature;   /* [count][F], raw, then normal scores */
    uint32_t *source; /* [count], ascending */
    size_t *first;    /* [people + 1] */
    float *z;         /* [count][dims] */
    struct idem_rng rng;
};

struct idem_mixture_options idem_mixture_defaults(void)
{
    return (struct idem_mixture_options){
        .dims = 32, .components = 4, .gestures = 60000, .session = 25, .seed = 1};
}

static void sample_fini(struct sample *s)
{
    if (s->feature != NULL)
        idem_wipe(s->feature, s->count * F * sizeof *s->feature);
    free(s->feature);
    free(s->source);
    free(s->first);
    free(s->z);
}

/* Sources [from, result) belong to one person, who has *gestures. */
static size_t person_end(const struct idem_mixture_source *src, size_t count, size_t from,
                         size_t *gestures)
{
    size_t i = from;
    *gestures = 0;
    for (; i < count && src[i].person == src[from].person; i++)
        *gestures += src[i].trace->gestures;
    return i;
}

/* Keeps `keep` of a person's gestures, each subset as likely (selection sampling, Knuth 3.4.2). */
static void copy_person(struct sample *s, const struct idem_mixture_source *src, size_t from,
                        size_t to, size_t have, size_t keep)
{
    for (size_t i = from; i < to; i++) {
        for (uint32_t g = 0; g < src[i].trace->gestures; g++, have--) {
            if (idem_rng_uniform(&s->rng) * (double)have >= (double)keep)
                continue;
            s->source[s->count] = (uint32_t)i;
            memcpy(s->feature + s->count++ * F, src[i].trace->feature + (size_t)g * F,
                   F * sizeof *s->feature);
            keep--;
        }
    }
}

static int choose(struct sample *s, const struct idem_mixture_source *src, size_t count,
                  uint32_t most)
{
    size_t people = 0, have;
    for (size_t i = 0; i < count;) {
        i = person_end(src, count, i, &have);
        people += have >= 2;
    }
    if (people < IDEM_MIXTURE_PEOPLE_MIN)
        return IDEM_ERR_TOO_LITTLE;
    const size_t each = most / people > 2 ? most / people : 2;
    s->feature = malloc(people * each * F * sizeof *s->feature);
    s->source = malloc(people * each * sizeof *s->source);
    s->first = calloc(people + 1, sizeof *s->first);
    if (s->feature == NULL || s->source == NULL || s->first == NULL)
        return IDEM_ERR_NOMEM;
    for (size_t i = 0; i < count;) {
        size_t end = person_end(src, count, i, &have);
        if (have >= 2) {
            copy_person(s, src, i, end, have, have < each ? have : each);
            s->first[++s->people] = s->count;
        }
        i = end;
    }
    return s->count >= IDEM_MIXTURE_GESTURES_MIN ? IDEM_OK : IDEM_ERR_TOO_LITTLE;
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Quantiles of values, which are sorted, between order statistics (Hyndman and Fan's type 7). */
static void make_table(float *values, size_t count, float *table)
{
    qsort(values, count, sizeof *values, ascending);
    for (uint32_t k = 0; k < IDEM_KNOTS; k++) {
        double p = IDEM_KNOT_FIRST + k * (1 - 2 * IDEM_KNOT_FIRST) / (IDEM_KNOTS - 1);
        double at = p * (double)(count - 1);
        size_t i = (size_t)at < count - 1 ? (size_t)at : count - 2;
        double part = at - (double)i;
        table[k] = (float)((1 - part) * values[i] + part * values[i + 1]);
        if (k > 0 && table[k] < table[k - 1]) /* rounding */
            table[k] = table[k - 1];
    }
}

static int make_feature_tables(const struct sample *s, struct idem_mixture *mix)
{
    float *column = malloc(s->count * sizeof *column);
    if (column == NULL)
        return IDEM_ERR_NOMEM;
    for (uint32_t f = 0; f < F; f++) {
        for (size_t i = 0; i < s->count; i++)
            column[i] = s->feature[i * F + f];
        make_table(column, s->count, mix->quantile + (size_t)f * IDEM_KNOTS);
    }
    for (size_t i = 0; i < s->count; i++)
        idem_mixture_scores(mix, s->feature + i * F);
    free(column);
    return IDEM_OK;
}

static int make_timing_table(const struct idem_mixture_source *src, size_t count,
                             enum idem_scalar scalar, struct idem_mixture *mix)
{
    size_t n = 0, most = 1;
    for (size_t i = 0; i < count; i++)
        most += src[i].trace->timings;
    float *values = malloc(most * sizeof *values);
    if (values == NULL)
        return IDEM_ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < src[i].trace->timings; k++) {
            if (src[i].trace->timing[k].scalar == scalar)
                values[n++] = src[i].trace->timing[k].value;
        }
    }
    if (n > IDEM_TIMINGS_MIN)
        make_table(values, n, mix->scalar + (size_t)scalar * IDEM_KNOTS);
    free(values);
    return IDEM_OK;
}

static size_t packed_row(uint32_t i)
{
    return (size_t)i * (i + 1) / 2;
}

/* x <- C^-1 x and x <- C'^-1 x for a packed lower factor C. */
static void solve_lower(uint32_t n, const double *C, double *x)
{
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < i; k++)
            x[i] -= C[packed_row(i) + k] * x[k];
        x[i] /= C[packed_row(i) + i];
    }
}

static void solve_upper(uint32_t n, const double *C, double *x)
{
    for (uint32_t i = n; i-- > 0;) {
        x[i] /= C[packed_row(i) + i];
        for (uint32_t k = 0; k < i; k++)
            x[k] -= C[packed_row(i) + k] * x[i];
    }
}

/* Row i of C times x. */
static double row_product(const double *C, uint32_t i, const double *x)
{
    double sum = 0;
    for (uint32_t k = 0; k <= i; k++)
        sum += C[packed_row(i) + k] * x[k];
    return sum;
}

/* Means of every person's scores and the covariance within people, packed. */
static void within_people(const struct sample *s, double *mean, double *W)
{
    memset(mean, 0, s->people * F * sizeof *mean);
    memset(W, 0, packed_row(F) * sizeof *W);
    for (size_t u = 0; u < s->people; u++) {
        const double n = (double)(s->first[u + 1] - s->first[u]);
        double *m = mean + u * F, d[F];
        for (size_t i = s->first[u]; i < s->first[u + 1]; i++) {
            for (uint32_t f = 0; f < F; f++)
                m[f] += s->feature[i * F + f] / n;
        }
        for (size_t i = s->first[u]; i < s->first[u + 1]; i++) {
            for (uint32_t f = 0; f < F; f++)
                d[f] = s->feature[i * F + f] - m[f];
            for (uint32_t f = 0; f < F; f++)
                idem_axpy(W + packed_row(f), d, d[f] * n / (n - 1) / (double)s->count, f + 1);
        }
    }
    for (uint32_t f = 0; f < F; f++)
        W[packed_row(f) + f] += ridge;
}

/* Mean scores of the gestures [from, result), which are one session's of a person's up to `end`. */
static size_t session_mean(const struct sample *s, size_t from, size_t end, double *mean)
{
    size_t to = from;
    memset(mean, 0, F * sizeof *mean);
    for (; to < end && s->source[to] == s->source[from]; to++) {
        for (uint32_t f = 0; f < F; f++)
            mean[f] += (double)s->feature[to * F + f];
    }
    for (uint32_t f = 0; f < F; f++)
        mean[f] /= (double)(to - from);
    return to;
}

/*
 * Adds the scatter of one person's session means around their own mean, packed, by Welford's
 * recurrence. Returns its degrees of freedom.
 */
static size_t scatter_sessions(const struct sample *s, size_t person, double *S)
{
    const size_t end = s->first[person + 1];
    double centre[F] = {0}, mean[F], d[F];
    size_t sessions = 0;

    for (size_t i = s->first[person], to; i < end; i = to) {
        to = session_mean(s, i, end, mean);
        if (to - i < IDEM_MIXTURE_SESSION_MIN)
            continue;
        const double n = (double)++sessions;
        for (uint32_t f = 0; f < F; f++)
            d[f] = mean[f] - centre[f];
        for (uint32_t f = 0; f < F; f++)
            idem_axpy(S + packed_row(f), d, d[f] * (n - 1) / n, f + 1);
        idem_axpy(centre, d, 1 / n, F);
    }
    return sessions > 0 ? sessions - 1 : 0;
}

/* Adds `share` times the covariance of sessions within people to W; S: scratch like W. */
static void add_sessions(const struct sample *s, double share, double *S, double *W)
{
    size_t freedom = 0;
    memset(S, 0, packed_row(F) * sizeof *S);
    for (size_t u = 0; u < s->people; u++)
        freedom += scatter_sessions(s, u, S);
    if (freedom > 0)
        idem_axpy(W, S, share / (double)freedom, packed_row(F));
}

/* Covariance of the rows of mean, full matrix. */
static void between_people(const struct sample *s, const double *mean, double *B)
{
    double centre[F] = {0};
    for (size_t u = 0; u < s->people; u++)
        idem_axpy(centre, mean + u * F, 1.0 / (double)s->people, F);
    memset(B, 0, (size_t)F * F * sizeof *B);
    for (size_t u = 0; u < s->people; u++) {
        double d[F];
        for (uint32_t f = 0; f < F; f++)
            d[f] = mean[u * F + f] - centre[f];
        for (uint32_t f = 0; f < F; f++)
            idem_axpy(B + (size_t)f * F, d, d[f] / (double)(s->people - 1), F);
    }
}

static int make_projection(struct sample *s, double session, struct idem_mixture *mix)
{
    double *work = malloc((s->people * F + packed_row(F) + 2 * F * F) * sizeof *work), values[F];
    if (work == NULL)
        return IDEM_ERR_NOMEM;
    double *mean = work, *W = mean + s->people * F, *B = W + packed_row(F), *V = B + F * F;

    within_people(s, mean, W);
    add_sessions(s, session, B, W);
    idem_packed_factor(F, W);
    for (size_t u = 0; u < s->people; u++)
        solve_lower(F, W, mean + u * F);
    between_people(s, mean, B);
    idem_symmetric_eigen(F, B, values, V);
    for (uint32_t d = 0; d < mix->dims; d++) {
        double *v = V + (size_t)(F - 1 - d) * F; /* eigenvalues ascend */
        for (uint32_t f = 0; f < F; f++)
            mix->unproject[(size_t)f * mix->dims + d] = (float)row_product(W, f, v);
        solve_upper(F, W, v);
        for (uint32_t f = 0; f < F; f++)
            mix->project[(size_t)f * mix->dims + d] = (float)v[f];
    }
    for (size_t i = 0; i < s->count; i++)
        idem_mixture_project(mix, s->feature + i * F, s->z + i * mix->dims);
    free(work);
    return IDEM_OK;
}

static double squared_distance(const float *a, const float *b, uint32_t dims)
{
    float sum = 0;
    for (uint32_t d = 0; d < dims; d++)
        sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

/* k-means++: every further seed is drawn with probability proportional to its squared distance. */
static int seed_means(struct sample *s, struct idem_mixture *mix)
{
    const uint32_t dims = mix->dims;
    double *near = malloc(s->count * sizeof *near);
    size_t pick = idem_rng_below(&s->rng, (uint32_t)s->count);

    if (near == NULL)
        return IDEM_ERR_NOMEM;
    for (size_t i = 0; i < s->count; i++)
        near[i] = INFINITY;
    for (uint32_t c = 0; c < mix->components; c++) {
        float *mean = mix->mean + (size_t)c * dims;
        double total = 0;
        memcpy(mean, s->z + pick * dims, dims * sizeof *mean);
        for (size_t i = 0; i < s->count; i++) {
            double d = squared_distance(s->z + i * dims, mean, dims);
            near[i] = d < near[i] ? d : near[i];
            total += near[i];
        }
        double at = idem_rng_uniform(&s->rng) * total;
        for (pick = 0; pick + 1 < s->count && (at -= near[pick]) >= 0;)
            pick++;
    }
    free(near);
    return IDEM_OK;
}

/* Sums over gestures that a step of Lloyd's or EM needs. */
struct sums {
    double n[IDEM_COMPONENTS_MAX];
    double *z, *zz; /* [components][dims] */
};

static void add_weighted(struct sums *sums, uint32_t c, const float *z, double weight,
                         uint32_t dims)
{
    double *s = sums->z + (size_t)c * dims, *ss = sums->zz + (size_t)c * dims;
    sums->n[c] += weight;
    for (uint32_t d = 0; d < dims; d++) {
        s[d] += weight * z[d];
        ss[d] += weight * z[d] * z[d];
    }
}

static void clear_sums(struct sums *sums, const struct idem_mixture *mix)
{
    const size_t size = (size_t)mix->components * mix->dims * sizeof(double);
    memset(sums->n, 0, sizeof sums->n);
    memset(sums->z, 0, size);
    memset(sums->zz, 0, size);
}

static void assign(const struct sample *s, const struct idem_mixture *mix, struct sums *sums)
{
    clear_sums(sums, mix);
    for (size_t i = 0; i < s->count; i++) {
        const float *z = s->z + i * mix->dims;
        double least = INFINITY;
        uint32_t best = 0;
        for (uint32_t c = 0; c < mix->components; c++) {
            double d = squared_distance(z, mix->mean + (size_t)c * mix->dims, mix->dims);
            best = d < least ? c : best;
            least = d < least ? d : least;
        }
        add_weighted(sums, best, z, 1, mix->dims);
    }
}

static void lloyd(const struct sample *s, struct idem_mixture *mix, struct sums *sums)
{
    for (int step = 0; step < LLOYD_STEPS; step++) {
        assign(s, mix, sums);
        for (uint32_t c = 0; c < mix->components; c++) {
            for (uint32_t d = 0; d < mix->dims && sums->n[c] > 0; d++) {
                size_t k = (size_t)c * mix->dims + d;
                mix->mean[k] = (float)(sums->z[k] / sums->n[c]);
            }
        }
    }
    assign(s, mix, sums);
}

static void expect(const struct sample *s, const struct idem_mixture *mix, struct sums *sums)
{
    float resp[IDEM_COMPONENTS_MAX];
    clear_sums(sums, mix);
    for (size_t i = 0; i < s->count; i++) {
        const float *z = s->z + i * mix->dims;
        idem_mixture_responsibilities(mix, z, resp);
        for (uint32_t c = 0; c < mix->components; c++) {
            if (resp[c] > 0)
                add_weighted(sums, c, z, resp[c], mix->dims);
        }
    }
}

static void maximise(const struct sample *s, struct idem_mixture *mix, const struct sums *sums)
{
    for (uint32_t c = 0; c < mix->components; c++) {
        const double n = sums->n[c] + 1e-9;
        double log_weight = log(n / (double)s->count);
        for (uint32_t d = 0; d < mix->dims; d++) {
            size_t k = (size_t)c * mix->dims + d;
            double mean = sums->z[k] / n, variance = sums->zz[k] / n - mean * mean;
            variance = (variance > 0 ? variance : 0) + variance_floor;
            mix->mean[k] = (float)mean;
            mix->inv_sd[k] = (float)(1 / sqrt(variance));
            log_weight -= 0.5 * log(variance);
        }
        mix->log_weight[c] = (float)log_weight;
    }
}

static int make_mixture(struct sample *s, struct idem_mixture *mix)
{
    const size_t cells = (size_t)mix->components * mix->dims;
    struct sums sums = {.z = malloc(2 * cells * sizeof(double))};
    int r = sums.z != NULL ? seed_means(s, mix) : IDEM_ERR_NOMEM;

    if (r == 0) {
        sums.zz = sums.z + cells;
        lloyd(s, mix, &sums);
        maximise(s, mix, &sums);
        for (int step = 0; step < EM_STEPS; step++) {
            expect(s, mix, &sums);
            maximise(s, mix, &sums);
        }
    }
    free(sums.z);
    return r;
}

int idem_mixture_learn(const struct idem_mixture_source *sources, size_t count,
                       const struct idem_mixture_options *opt, struct idem_mixture *out)
{
    struct sample s = {0};
    struct idem_mixture mix = {0};
    int r;

    if (opt->dims == 0 || opt->components == 0)
        return IDEM_ERR_INVALID;
    idem_rng_seed(&s.rng, opt->seed);
    if ((r = choose(&s, sources, count, opt->gestures)) != 0 ||
        (r = idem_mixture_alloc(&mix, F, opt->dims, opt->components)) != 0)
        goto out;
    s.z = malloc(s.count * opt->dims * sizeof *s.z);
    r = s.z != NULL ? make_feature_tables(&s, &mix) : IDEM_ERR_NOMEM;
    for (enum idem_scalar k = 0; k < IDEM_SCALARS && r == 0; k++)
        r = make_timing_table(sources, count, k, &mix);
    if (r == 0 && (r = make_projection(&s, opt->session, &mix)) == 0 &&
        (r = make_mixture(&s, &mix)) == 0)
        *out = mix;
out:
    if (r != 0)
        idem_mixture_free(&mix);
    sample_fini(&s);
    return r;
}

void idem_pointer_discounts(const struct idem_mixture *mix, float *discount)
{
    const struct idem_shape shape = idem_mixture_shape(mix);

    for (uint32_t k = 0; k < shape.cells * shape.channels; k++) {
        bool timing = k / shape.channels >= mix->components;
        bool used = !timing || k % shape.channels == 0;
        discount[2 * k] = !used ? 0 : timing ? 0.5f : 0.4f;
        discount[2 * k + 1] = 0.25f * discount[2 * k];
    }
}
