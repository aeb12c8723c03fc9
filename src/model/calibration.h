/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calibration.h - from a raw score to a log-likelihood ratio, conditional on the amount of
 * evidence.
 *
 *     z = a(p, q) raw + b(p, q),  p = log2(probe strokes / 50),  q = log2(profile strokes / 500)
 *     a = exp(a0 + a1 p + a2 q),  b = b0 + b1 p + b2 q
 *     llr = log(((1 - e) exp(z) + e) / ((1 - e) + e exp(z))),  e = exp(e0 + e1 p)
 *
 * With probability e a probe says nothing of who gave it: its owner did something else altogether
 * (another task, one hand), or a stranger happened to. So however far z goes, the ratio claims no
 * more than (1 - e) / e. z itself, which orders scores beyond that, is what alarms compare.
 *
 * All are fitted together by regularised logistic regression on same-person and different-person
 * trials of the population (Brummer and du Preez, "Application-independent evaluation of speaker
 * detection", 2006, section 5), both classes weighted equally. p and q are clamped to the range
 * seen in fitting.
 */
#ifndef IDEM_MODEL_CALIBRATION_H
#define IDEM_MODEL_CALIBRATION_H

#include "base/bytes.h"

#include <stdbool.h>

enum { IDEM_CALIBRATION_TERMS = 8 };

struct idem_calibration {
    double coef[IDEM_CALIBRATION_TERMS]; /* a0 a1 a2 b0 b1 b2 e0 e1 */
    double probe_min, probe_max;         /* strokes */
    double profile_min, profile_max;     /* strokes */
};

struct idem_trial {
    float raw, probe_strokes, profile_strokes;
    bool genuine;
};

void idem_calibration_identity(struct idem_calibration *cal);
/* IDEM_ERR_TOO_LITTLE with fewer than 20 trials of either class. */
int idem_calibration_fit(const struct idem_trial *trials, size_t count,
                         struct idem_calibration *cal);
double idem_calibrate(const struct idem_calibration *cal, double raw, double probe_strokes,
                      double profile_strokes);
/* z: the same before it is bounded. */
double idem_calibrate_unbounded(const struct idem_calibration *cal, double raw,
                                double probe_strokes, double profile_strokes);
/* What a z of a probe of so many strokes is worth once it is bounded: rises with z. */
double idem_calibration_bound(const struct idem_calibration *cal, double z, double probe_strokes);
void idem_calibration_write(const struct idem_calibration *cal, struct idem_writer *w);
int idem_calibration_read(struct idem_calibration *cal, struct idem_reader *r);

#endif
