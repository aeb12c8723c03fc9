/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_normal.c - see leak_normal.h.
 *
 * With y a window's sums, n its counts and M the person's mean deviations (from his profile),
 *     y = M n + e,   e ~ N(0, D),  D: count times the person's variance in the cell, and the noise
 * so y ~ N(M mean, S) with S = M C M' + D, and a word that moves the counts by d is told best,
 * among linear tests, by d' M' S^-1 (y - M mean).
 */
#include "eval/leak_normal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/linalg.h"

#define RIDGE 0.05
/* A profile's means are drawn to the population's by so many strokes. */
#define PRIOR_STROKES 4.0

static size_t at(uint32_t i, uint32_t j)
{
    return i >= j ? (size_t)i * (i + 1) / 2 + j : (size_t)j * (j + 1) / 2 + i;
}

void idem_leak_moments(const double *rows, uint32_t count, uint32_t dims, double *mean,
                       double *covariance)
{
    memset(mean, 0, dims * sizeof *mean);
    memset(covariance, 0, at(dims, 0) * sizeof *covariance);
    for (uint32_t r = 0; r < count; r++)
        for (uint32_t i = 0; i < dims; i++)
            mean[i] += rows[(size_t)r * dims + i] / count;
    for (uint32_t r = 0; r < count; r++) {
        const double *x = rows + (size_t)r * dims;
        for (uint32_t i = 0; i < dims; i++)
            for (uint32_t j = 0; j <= i; j++)
                covariance[at(i, j)] += (x[i] - mean[i]) * (x[j] - mean[j]) / count;
    }
}

void idem_leak_normal_set(struct idem_leak_normal *d, uint32_t dims, const double *mean,
                          const double *covariance)
{
    d->dims = dims;
    memcpy(d->mean, mean, dims * sizeof *mean);
    memcpy(d->factor, covariance, at(dims, 0) * sizeof *covariance);
    for (uint32_t i = 0; i < dims; i++)
        d->factor[at(i, i)] += RIDGE;
    idem_packed_factor(dims, d->factor);
    d->half_log_det = 0;
    for (uint32_t i = 0; i < dims; i++)
        d->half_log_det += log(d->factor[at(i, i)]);
}

double idem_leak_normal_log(const struct idem_leak_normal *d, const double *x)
{
    double y[IDEM_LEAK_DIMS], square = 0;
    for (uint32_t i = 0; i < d->dims; i++) {
        const double *row = d->factor + at(i, 0);
        double v = x[i] - d->mean[i];
        for (uint32_t j = 0; j < i; j++)
            v -= row[j] * y[j];
        y[i] = v / row[i];
        square += y[i] * y[i];
    }
    return -0.5 * square - d->half_log_det;
}

static struct idem_leak_cell profile_of(const struct idem_leak_person *p, uint32_t cell)
{
    const uint32_t first = p->first[cell], end = p->first[cell + 1];
    const double n = end - first + PRIOR_STROKES;
    double s[2] = {0, 0}, q[2] = {0.8 * PRIOR_STROKES, PRIOR_STROKES}, cross = 0;
    for (uint32_t i = first; i < end; i++) {
        double x = (double)p->values[i], y = (double)idem_centred_square(p->values[i]);
        s[0] += x;
        s[1] += y;
        q[0] += x * x;
        q[1] += y * y;
        cross += x * y;
    }
    struct idem_leak_cell c = {.m = {s[0] / n, s[1] / n}};
    c.v[0] = q[0] / n - c.m[0] * c.m[0];
    c.v[1] = q[1] / n - c.m[1] * c.m[1];
    c.cross = cross / n - c.m[0] * c.m[1];
    return c;
}

/* S = M C M' + D, packed over the sums (x, q of cell 0, of cell 1, ...). */
static void spread(const struct idem_leak_cell *c, uint32_t dims, const double *mean,
                   const double *covariance, double noise, double *S)
{
    for (uint32_t i = 0; i < 2 * dims; i++)
        for (uint32_t j = 0; j <= i; j++)
            S[at(i, j)] = c[i / 2].m[i % 2] * c[j / 2].m[j % 2] * covariance[at(i / 2, j / 2)];
    for (uint32_t i = 0; i < dims; i++) {
        S[at(2 * i, 2 * i)] += mean[i] * c[i].v[0] + noise + 1e-3;
        S[at(2 * i + 1, 2 * i + 1)] += mean[i] * c[i].v[1] + noise + 1e-3;
        S[at(2 * i + 1, 2 * i)] += mean[i] * c[i].cross * 0.98;
    }
}

/* V = M, or A M with a projection A of the sums on `seen` numbers: [seen][dims]. */
static void gains(struct idem_leak_lens *lens, const struct idem_model *A, const uint16_t *cell,
                  uint32_t dims, double *V)
{
    for (uint32_t i = 0; i < lens->seen; i++)
        for (uint32_t j = 0; j < dims; j++) {
            const struct idem_leak_cell *c = &lens->profile[j];
            double *v = V + (size_t)i * dims + j;
            if (A)
                *v = A->wload[(2 * (size_t)cell[j]) * A->rank + i] * c->m[0] +
                     A->wload[(2 * (size_t)cell[j] + 1) * A->rank + i] * c->m[1];
            else
                *v = i / 2 == j ? c->m[i % 2] : 0;
        }
}

/* S of the projection: A S A'. */
static void project_spread(const struct idem_model *A, const uint16_t *cell, uint32_t dims,
                           const double *S, double *out)
{
    for (uint32_t i = 0; i < A->rank; i++) {
        double row[2 * IDEM_LEAK_DIMS] = {0};
        for (uint32_t k = 0; k < 2 * dims; k++)
            for (uint32_t l = 0; l < 2 * dims; l++)
                row[l] += A->wload[(2 * (size_t)cell[k / 2] + k % 2) * A->rank + i] * S[at(k, l)];
        for (uint32_t j = 0; j <= i; j++) {
            double sum = i == j ? 1e-6 : 0;
            for (uint32_t l = 0; l < 2 * dims; l++)
                sum += row[l] * A->wload[(2 * (size_t)cell[l / 2] + l % 2) * A->rank + j];
            out[at(i, j)] = sum;
        }
    }
}

static int lens_alloc(struct idem_leak_lens *lens, uint32_t dims)
{
    lens->view = calloc((size_t)dims * lens->seen, sizeof *lens->view);
    lens->gain = calloc((size_t)dims * dims, sizeof *lens->gain);
    lens->prior = calloc((size_t)dims * dims, sizeof *lens->prior);
    lens->rest = calloc(lens->seen, sizeof *lens->rest);
    lens->profile = calloc(dims, sizeof *lens->profile);
    lens->rate = calloc(dims, sizeof *lens->rate);
    return lens->view && lens->gain && lens->prior && lens->rest && lens->profile && lens->rate
               ? 0
               : IDEM_ERR_NOMEM;
}

/* view = V' S^-1, gain = V' S^-1 V, rest = V mean. factor: of S. */
static void lens_fill(struct idem_leak_lens *lens, uint32_t dims, const double *V,
                      const double *factor)
{
    for (uint32_t i = 0; i < dims; i++) {
        double *row = lens->view + (size_t)i * lens->seen;
        for (uint32_t k = 0; k < lens->seen; k++) {
            row[k] = V[(size_t)k * dims + i];
            lens->rest[k] += row[k] * lens->rate[i];
        }
        idem_packed_solve(lens->seen, factor, row);
        for (uint32_t j = 0; j < dims; j++)
            for (uint32_t k = 0; k < lens->seen; k++)
                lens->gain[i * dims + j] += row[k] * V[(size_t)k * dims + j];
    }
}

int idem_leak_lens_init(struct idem_leak_lens *lens, const struct idem_leak_world *world,
                        const struct idem_leak_person *person, const uint16_t *cell, uint32_t dims,
                        const double *mean, const double *covariance)
{
    const struct idem_model *A = world->defence.projection;
    *lens = (struct idem_leak_lens){.seen = A ? A->rank : 2 * dims};
    double *S = malloc(at(2 * dims, 0) * sizeof *S);
    double *seen = malloc(at(lens->seen, 0) * sizeof *seen);
    double *V = malloc((size_t)lens->seen * dims * sizeof *V);
    int r = S && seen && V ? lens_alloc(lens, dims) : IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < dims && r == 0; i++) {
        lens->profile[i] = profile_of(person, cell[i]);
        lens->rate[i] = mean[i];
        for (uint32_t j = 0; j < dims; j++)
            lens->prior[i * dims + j] = covariance[at(i, j)];
    }
    if (r == 0) {
        spread(lens->profile, dims, mean, covariance, world->defence.noise, S);
        gains(lens, A, cell, dims, V);
        if (A)
            project_spread(A, cell, dims, S, seen);
        else
            memcpy(seen, S, at(lens->seen, 0) * sizeof *seen);
        idem_packed_factor(lens->seen, seen);
        lens_fill(lens, dims, V, seen);
    }
    free(S);
    free(seen);
    free(V);
    return r;
}

void idem_leak_lens_fini(struct idem_leak_lens *lens)
{
    free(lens->view);
    free(lens->gain);
    free(lens->rest);
    free(lens->prior);
    free(lens->profile);
    free(lens->rate);
    memset(lens, 0, sizeof *lens);
}

void idem_leak_lens_look(const struct idem_leak_lens *lens, const struct idem_leak_world *world,
                         const float *stats, const uint16_t *cell, uint32_t dims, double *z)
{
    const float *sums = stats + world->front->cells;
    double y[2 * IDEM_LEAK_DIMS];
    for (uint32_t k = 0; k < lens->seen; k++) {
        size_t from = world->defence.projection ? k : 2 * (size_t)cell[k / 2] + k % 2;
        y[k] = (double)sums[from] - lens->rest[k];
    }
    for (uint32_t i = 0; i < dims; i++) {
        const double *row = lens->view + (size_t)i * lens->seen;
        z[i] = 0;
        for (uint32_t k = 0; k < lens->seen; k++)
            z[i] += row[k] * y[k];
    }
}

/* Log density of a cell's sums (x, q) of n strokes. */
static double log_sums(const struct idem_leak_cell *c, uint32_t n, double noise, double x, double q)
{
    const double grid = 1e-3; /* variance that rounding leaves */
    double a = n * c->v[0] + noise + grid, b = n * c->v[1] + noise + grid;
    double cross = 0.98 * n * c->cross, dx = x - n * c->m[0], dq = q - n * c->m[1];
    if (n == 1 && noise <= 0) {
        dq = q - (double)idem_centred_square((float)x);
        return -0.5 * (dx * dx / a + dq * dq / grid) - 0.5 * log(a * grid);
    }
    double det = a * b - cross * cross;
    return -0.5 * (b * dx * dx - 2 * cross * dx * dq + a * dq * dq) / det - 0.5 * log(det);
}

static double guess(const struct idem_leak_cell *c, double rate, double noise, double x, double q)
{
    enum { MOST = 40 };
    double log_p[MOST + 1], best = -INFINITY, total = 0, sum = 0;
    const uint32_t most = 3 * rate + 6 < MOST ? (uint32_t)(3 * rate + 6) : MOST;
    for (uint32_t n = 0; n <= most; n++) {
        log_p[n] = n * log(rate + 1e-6) - lgamma(n + 1.0) + log_sums(c, n, noise, x, q);
        best = log_p[n] > best ? log_p[n] : best;
    }
    for (uint32_t n = 0; n <= most; n++) {
        double p = exp(log_p[n] - best);
        total += p;
        sum += n * p;
    }
    return sum / total;
}

void idem_leak_lens_guess(const struct idem_leak_lens *lens, const struct idem_leak_world *world,
                          const float *stats, const uint16_t *cell, uint32_t dims, double *n)
{
    double z[IDEM_LEAK_DIMS];
    if (world->defence.projection) { /* its numbers mix all cells: the best linear guess */
        idem_leak_lens_look(lens, world, stats, cell, dims, z);
        for (uint32_t i = 0; i < dims; i++) {
            n[i] = lens->rate[i];
            for (uint32_t j = 0; j < dims; j++)
                n[i] += lens->prior[i * dims + j] * z[j];
        }
        return;
    }
    for (uint32_t i = 0; i < dims; i++) {
        const float *sums = stats + world->front->cells + 2 * (size_t)cell[i];
        n[i] = guess(&lens->profile[i], lens->rate[i], world->defence.noise, (double)sums[0],
                     (double)sums[1]);
    }
}
