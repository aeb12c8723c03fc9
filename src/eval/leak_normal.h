/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_normal.h - normal densities of the counts of a few cells.
 */
#ifndef IDEM_EVAL_LEAK_NORMAL_H
#define IDEM_EVAL_LEAK_NORMAL_H

#include <stdint.h>

enum { IDEM_LEAK_DIMS = 48 };

/* N(mean, C C'), C the packed lower factor. */
struct idem_leak_normal {
    uint32_t dims;
    double mean[IDEM_LEAK_DIMS];
    double factor[IDEM_LEAK_DIMS * (IDEM_LEAK_DIMS + 1) / 2];
    double half_log_det;
};

/* Mean and covariance (packed) of rows[count][dims]. */
void idem_leak_moments(const double *rows, uint32_t count, uint32_t dims, double *mean,
                       double *covariance);
/* Takes over mean and covariance, with a ridge on the diagonal. */
void idem_leak_normal_set(struct idem_leak_normal *d, uint32_t dims, const double *mean,
                          const double *covariance);
double idem_leak_normal_log(const struct idem_leak_normal *d, const double *x);

#endif
