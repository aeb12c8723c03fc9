/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alarm.h - when trust becomes an alarm, and what a list of alarms and takeovers is worth.
 *
 * The statistic is the filter's log_odds_recent, read with every window. The rule: below the
 * threshold an alarm is raised; the owner then authenticates strongly at once (idem_trust_
 * step_up: the filter begins anew at its prior), and for the refractory time nothing is raised,
 * whoever sits there. A takeover is detected by the first alarm at or after it; one that falls into
 * a refractory time is found at its end at the earliest.
 */
#ifndef IDEM_EVAL_ALARM_H
#define IDEM_EVAL_ALARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idem_alarm {
    double threshold; /* log odds */
    int64_t refractory_us;
    int64_t quiet_until_us; /* begins at INT64_MIN */
};

/* True when an alarm is raised at now_us, which starts the refractory time. */
bool idem_alarm_step(struct idem_alarm *alarm, double statistic, int64_t now_us);

/*
 * The alarms on a path: their places to out (room for count); returns their number. Valid for a
 * path on which the filter began anew at just these places.
 */
uint32_t idem_alarm_scan(struct idem_alarm alarm, const double *statistic, const int64_t *t_us,
                         uint32_t count, uint32_t *out);

/* The log odds of a probability, within +-40. */
double idem_log_odds(double p);

/*
 * The share-quantile of weighted values: the smallest v with at least that share of the weight at
 * or below it. values ascend, INFINITY (a miss) last; weight NULL: one each. NAN without weight.
 */
double idem_weighted_quantile(const double *values, const uint32_t *order, const double *weight,
                              size_t count, double share);

/* The 95 % interval of the mean of a Poisson variable of which `count` were seen (Garwood 1936). */
void idem_poisson_interval(double count, double *low, double *high);

#endif
