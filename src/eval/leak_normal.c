/* SPDX-License-Identifier: Apache-2.0 */
/* leak_normal.c - see leak_normal.h. */
#include "eval/leak_normal.h"

#include <math.h>
#include <string.h>

#include "model/linalg.h"

/* Added to every variance: cells that hardly vary are not certain. */
#define RIDGE 0.05

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
