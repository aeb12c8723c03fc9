/* SPDX-License-Identifier: Apache-2.0 */
/*
 * false_alarms.h - from a wish, so many false alarms an hour, to a threshold of the trust filter.
 *
 * Measured, not modelled: `idem eval takeover` plays genuine sessions through the real filter and
 * counts the alarms under each threshold; this is its table for the longest sessions that there
 * are. A recording of T hours can show no rate below 1/T: such a wish gets the quietest threshold
 * measured and is told so. What the count itself is worth is its upper bound: no alarm in T hours
 * still allows 3/T (95 %, the rule of three).
 */
#ifndef IDEM_MODEL_FALSE_ALARMS_H
#define IDEM_MODEL_FALSE_ALARMS_H

#include <stdbool.h>
#include <stdint.h>

struct idem_false_alarms {
    double log_odds;         /* of p_recent: an alarm is below it */
    double seen_per_hour;    /* active hours */
    double at_most_per_hour; /* 95 % */
    bool supported;          /* false: the recording is too short to show so low a rate */
};

/* The highest threshold with at most so many false alarms an active hour. per_hour: 0 or more. */
struct idem_false_alarms idem_false_alarms_threshold(double per_hour);
/* "bbmas_desktop.csv.gz, 116 people" */
const char *idem_false_alarms_recording(void);
double idem_false_alarms_hours(void);
/* The table's rows, lowest threshold first; false beyond its end. */
bool idem_false_alarms_row(uint32_t i, struct idem_false_alarms *out);

#endif
