/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tail.h - beyond what was recorded: rare alarms by a fitted tail, and how alarm rates spread over
 * people by a fitted distribution. Both are extrapolations and must be called so where printed.
 */
#ifndef IDEM_EVAL_TAIL_H
#define IDEM_EVAL_TAIL_H

#include <stddef.h>
#include <stdint.h>

/*
 * P(X > x) = over * (1 + shape (x - start) / scale)^(-1 / shape) for x >= start: the generalised
 * Pareto distribution over the highest fifth of a sample, fitted by probability-weighted moments
 * (Hosking and Wallis, "Parameter and quantile estimation for the generalized Pareto distribution",
 * 1987). The shape is held within -1/2 and 1/2, where the estimator is trustworthy.
 */
struct idem_tail {
    double start, over, scale, shape;
    uint32_t count; /* values above start */
};

/* values[count] ascending. IDEM_ERR_TOO_LITTLE with fewer than 10 in the highest fifth. */
int idem_tail_fit(const double *values, size_t count, struct idem_tail *out);
double idem_tail_beyond(const struct idem_tail *tail, double x);
/* The x with P(X > x) = p; INFINITY when the tail ends before. p at most `over`. */
double idem_tail_where(const struct idem_tail *tail, double p);

/*
 * Rates of people are gamma distributed around the common mean; what each is seen to do in his
 * hours is Poisson. The shape is the most likely one (a search over 0.02..50).
 */
struct idem_spread {
    double mean, shape;
};

/* IDEM_ERR_TOO_LITTLE with fewer than five events in all. */
int idem_spread_fit(const double *events, const double *hours, uint32_t people,
                    struct idem_spread *out);
/* The share of people whose rate is above `rate`. */
double idem_spread_above(const struct idem_spread *spread, double rate);
/* The mean rate of the `share` of people with the highest rates. */
double idem_spread_worst(const struct idem_spread *spread, double share);

#endif
