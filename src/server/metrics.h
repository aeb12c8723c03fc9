/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - counters of the whole process, and their Prometheus text. Nothing here can be
 * attributed to a person, a seat or a session. Any thread.
 */
#ifndef IDEM_SERVER_METRICS_H
#define IDEM_SERVER_METRICS_H

#include "idem/idem.h"
#include "wire/text.h"

enum { IDEM_METRICS_STEP = 1000 };

enum idem_metric {
    IDEM_METRIC_REQUESTS,
    IDEM_METRIC_REFUSED,
    IDEM_METRIC_OVERLOADED,
    IDEM_METRIC_WINDOWS,
    IDEM_METRIC_REPEATED,
    IDEM_METRIC_SCORED,
    IDEM_METRIC_ENROLLED,
    IDEM_METRIC_LEARNED,
    IDEM_METRIC_DRIFTS,
    IDEM_METRIC_COMMITS,
    IDEM_METRIC_COMMIT_FAILURES,
    IDEM_METRIC_LOCKS,
    IDEM_METRIC_STREAM_DROPS,
    IDEM_METRIC_ALARMS_INJECTED, /* one of each kind, in the order of idem_guard_kind */
    IDEM_METRIC_ALARMS_SCRIPTED,
    IDEM_METRIC_ALARMS_REMOTE,
    IDEM_METRIC_ALARMS_MACRO,
    IDEM_METRIC_ALARMS_REPLAY,
    IDEM_METRIC_ALARMS_REPEATED,
    IDEM_METRIC_BAD_TOKENS,
    IDEM_METRIC_TURNED_AWAY, /* connections */
    IDEM_METRIC_OVERDUE,
    IDEM_METRIC_CROWDED_OUT,
    IDEM_METRIC_GATE_PASSED, /* one of each verdict, in the order of idem_gate_verdict */
    IDEM_METRIC_GATE_STEP_UPS,
    IDEM_METRIC_GATE_DENIED,
    IDEM_METRIC_GATE_LOCKED,
    IDEM_METRIC_GATE_CLOSED,
    IDEM_METRIC_GATE_FAILURES,
    IDEM_METRIC_SIGNED,
    IDEM_METRIC_FORGERIES,
    IDEM_METRIC_RENEWALS,
    IDEM_METRIC_CLONES,
    IDEM_METRIC_SESSIONS, /* gauges from here on */
    IDEM_METRIC_STREAMS,
    IDEM_METRIC_CONNECTIONS,
    IDEM_METRIC_POPULATION_ERASED,
    IDEM_METRICS
};

/* The counter of a guard's alarms of this kind, IDEM_GUARD_INJECTED_KEYS or later. */
enum idem_metric idem_metric_of_alarm(enum idem_guard_kind kind);
void idem_metric_add(enum idem_metric metric, int64_t n);
int64_t idem_metric_read(enum idem_metric metric);
/* exact: else what grows with people's work is rounded down to IDEM_METRICS_STEP. With one person
 * at work, as at night, a counter read every few seconds would be a curve of how he types. */
void idem_metrics_text(struct idem_text *t, bool exact);

#endif
