/* SPDX-License-Identifier: Apache-2.0 */
/*
 * takeover_figures.h - what the outcome of spliced sessions is worth: the curve, the operating
 * points with intervals, the spread over people, the extrapolation to a year.
 */
#ifndef IDEM_EVAL_TAKEOVER_FIGURES_H
#define IDEM_EVAL_TAKEOVER_FIGURES_H

#include "eval/tail.h"
#include "eval/takeover.h"

enum { IDEM_TAKEOVER_POINTS = 2, IDEM_TAKEOVER_DRAWS = 500 };
#define IDEM_SEAT_WEEK_H  40.0
#define IDEM_SEAT_MONTH_H (IDEM_SEAT_WEEK_H * 52 / 12)
#define IDEM_SEAT_YEAR_H  (IDEM_SEAT_WEEK_H * 46) /* weeks at work */

/* One threshold. Quantiles are over all takeovers; INFINITY: missed. */
struct idem_takeover_point {
    double threshold; /* log odds */
    double alarms;    /* false ones, in all */
    double per_hour;
    double detected; /* share */
    double strokes_p50, strokes_p90, seconds_p50, seconds_p90;
};

/* The spread of false alarms over people at one threshold. NAN: too few alarms to say. */
struct idem_takeover_people {
    double troubled;       /* share of people with an alarm in what was recorded */
    double worst_per_hour; /* of the worst 5 % (at least one person), as seen */
    double worst_share;    /* their share of all alarms */
    double worst_fitted;   /* the same rate by the fitted gamma distribution */
    double monthly_seen;   /* share of people seen to have more than one a month */
    double monthly_fitted; /* by the fitted distribution */
};

struct idem_takeover_operating {
    double asked;                         /* false alarms per active hour */
    int index;                            /* of the curve, or -1: no threshold was so quiet */
    struct idem_takeover_point low, high; /* 95 % */
    struct idem_takeover_people people;
    double per_year; /* extrapolated by the tail, NAN: not to be had */
    /* The same figures when each fifth of the people has the threshold that the other four fifths
     * would have chosen: `threshold` is NAN. No figures (NAN) with fewer than ten people. */
    struct idem_takeover_point held_out;
};

struct idem_takeover_figures {
    struct idem_takeover_point curve[IDEM_TAKEOVER_THRESHOLDS];
    uint32_t count;
    struct idem_takeover_operating points[IDEM_TAKEOVER_POINTS];
    struct idem_tail tail; /* of minus the lowest statistic in a quarter of an active hour */
    bool has_tail;
    double yearly_threshold; /* for one a seat-year by the tail; NAN or -INFINITY: none */
};

int idem_takeover_figures(const struct idem_takeover *t, const double rates[IDEM_TAKEOVER_POINTS],
                          uint64_t seed, struct idem_takeover_figures *out);

#endif
