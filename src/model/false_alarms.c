/* SPDX-License-Identifier: Apache-2.0 */
/* false_alarms.c - see false_alarms.h. */
#include "model/false_alarms.h"

/* One threshold: its alarms in all of the recording, and their upper bound. */
struct row {
    double log_odds;
    uint32_t alarms;
    double at_most;
};

#include "model/false_alarms.inc"

enum { ROWS = sizeof rows / sizeof rows[0] };

static struct idem_false_alarms describe(const struct row *row, bool supported)
{
    return (struct idem_false_alarms){
        .log_odds = row->log_odds,
        .seen_per_hour = row->alarms / ACTIVE_HOURS,
        .at_most_per_hour = row->at_most / ACTIVE_HOURS,
        .supported = supported,
    };
}

struct idem_false_alarms idem_false_alarms_threshold(double per_hour)
{
    const double allowed = per_hour * ACTIVE_HOURS * (1 + 1e-9);
    const struct row *best = &rows[0];

    for (int i = 1; i < ROWS; i++)
        if (rows[i].alarms <= allowed)
            best = &rows[i];
    return describe(best, allowed >= 1 && best->alarms <= allowed);
}

const char *idem_false_alarms_recording(void)
{
    return RECORDING;
}

double idem_false_alarms_hours(void)
{
    return ACTIVE_HOURS;
}

bool idem_false_alarms_row(uint32_t i, struct idem_false_alarms *out)
{
    if (i >= ROWS)
        return false;
    *out = describe(&rows[i], true);
    return true;
}
