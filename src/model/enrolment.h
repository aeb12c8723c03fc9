/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrolment.h - is an enrolment one person's? It is asked to disagree with itself.
 *
 * For parts A and B of an enrolment, -llr(A, B) is the log-likelihood ratio of "two people gave
 * these windows" to "one did" (evidence.h). Two ways of parting are tried:
 *
 *   split    everything before a window against everything after it, the best such: the one who
 *            enrolled was relieved
 *   pattern  any two groups of windows: each window goes to the group that it scores higher with,
 *            itself left out, until nothing moves (at most IDEM_ENROLMENT_ROUNDS), from several
 *            starts; the best end: two people took turns
 *
 * Both are maxima over many partings, so even one person's enrolment reaches values above nought,
 * the more the more windows it has; and people change in the course of an hour. What one person
 * reaches is therefore measured: a threshold is a quantile of single people's enrolments of that
 * many windows (`idem eval ageing --mixed`), given by the caller.
 */
#ifndef IDEM_MODEL_ENROLMENT_H
#define IDEM_MODEL_ENROLMENT_H

#include "model/model.h"

enum {
    IDEM_ENROLMENT_WINDOWS_MAX = 128,
    IDEM_ENROLMENT_ROUNDS = 8,
    IDEM_ENROLMENT_PART_MIN = 3, /* windows in the smaller part of a parting */
};

struct idem_enrolment_windows {
    const float *const *stats; /* [count], flat statistics in order of time */
    const float *strokes;      /* [count] */
    uint32_t count;            /* 2 x IDEM_ENROLMENT_PART_MIN..IDEM_ENROLMENT_WINDOWS_MAX */
};

/* Log-likelihood ratios, two people : one, nats, calibrated by the parts' sizes, unbounded. */
struct idem_enrolment_parting {
    double split, pattern;
    uint32_t split_at;                         /* first window of the second part */
    uint8_t group[IDEM_ENROLMENT_WINDOWS_MAX]; /* 0 or 1: the best pattern */
};

/*
 * IDEM_ERR_TOO_LITTLE and IDEM_ERR_LIMIT outside the range of windows. Allocates its scratch
 * memory: once an enrolment, not per window.
 */
int idem_enrolment_part(const struct idem_model *model,
                        const struct idem_enrolment_windows *windows,
                        struct idem_enrolment_parting *out);

/* What one person's enrolment stays below, except for a known share of people. */
struct idem_enrolment_limits {
    double split, pattern;
};
bool idem_enrolment_mixed(const struct idem_enrolment_limits *limits,
                          const struct idem_enrolment_parting *parting);

/*
 * The limits from partings of `count` single people's enrolments of the size in question: of so
 * many honest enrolments the share false_rate is called mixed at most, each way of parting taking
 * its half. Reorders the arrays. IDEM_ERR_TOO_LITTLE with fewer than 20.
 */
int idem_enrolment_limits_fit(double *split, double *pattern, uint32_t count, double false_rate,
                              struct idem_enrolment_limits *out);

#endif
