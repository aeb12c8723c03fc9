/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_normal.h - normal densities of a few cells, and what a person's sums tell of his counts.
 */
#ifndef IDEM_EVAL_LEAK_NORMAL_H
#define IDEM_EVAL_LEAK_NORMAL_H

#include "eval/leak_world.h"

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

/* A person's mean deviation and mean centred square in a cell, their variances and covariance. */
struct idem_leak_cell {
    double m[2], v[2], cross;
};

/* The linear view of a person's sums: counts - their mean, seen as `gain` x `sums`. */
struct idem_leak_lens {
    uint32_t seen; /* numbers that a window shows: 2 dims, or the rank of a projection */
    double *view;  /* [dims][seen]: M' S^-1 */
    double *gain;  /* [dims][dims]: M' S^-1 M */
    double *rest;  /* [seen]: M mean */
    double *prior; /* [dims][dims]: covariance of counts */
    struct idem_leak_cell *profile; /* [dims] */
    double *rate;                   /* [dims] mean counts */
};

int idem_leak_lens_init(struct idem_leak_lens *lens, const struct idem_leak_world *world,
                        const struct idem_leak_person *person, const uint16_t *cell, uint32_t dims,
                        const double *mean, const double *covariance);
/*
 * The counts of one window, guessed cell by cell from its sums: posterior means under a Poisson
 * prior and the person's moments. One stroke alone shows itself (its square is the square of its
 * sum), and so does none, unless noise was added.
 */
void idem_leak_lens_guess(const struct idem_leak_lens *lens, const struct idem_leak_world *world,
                          const float *stats, const uint16_t *cell, uint32_t dims, double *n);
void idem_leak_lens_fini(struct idem_leak_lens *lens);
/* z[dims] = view (sums - rest) of one window. */
void idem_leak_lens_look(const struct idem_leak_lens *lens, const struct idem_leak_world *world,
                         const float *stats, const uint16_t *cell, uint32_t dims, double *z);

#endif
