/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - see metrics.h. */
#include "server/metrics.h"

#include <stdatomic.h>
#include <string.h>

struct row {
    const char *name, *help; /* rows of one name follow each other, each with a label */
};

#define ALARMS      "idem_guard_alarms_total"
#define ALARMS_HELP "Alarms of guards, by what they say is at the device"

#define GATE      "idem_gate_answers_total"
#define GATE_HELP "Answers of the gate, by verdict"

/* clang-format off */
static const struct row rows[IDEM_METRICS] = {
    [IDEM_METRIC_REQUESTS] = {"idem_requests_total", "HTTP requests begun"},
    [IDEM_METRIC_REFUSED] = {"idem_requests_refused_total", "HTTP requests refused"},
    [IDEM_METRIC_OVERLOADED] = {"idem_requests_overloaded_total", "HTTP requests answered 503"},
    [IDEM_METRIC_WINDOWS] = {"idem_windows_total", "Windows made durable"},
    [IDEM_METRIC_REPEATED] = {"idem_windows_repeated_total", "Windows that were held already"},
    [IDEM_METRIC_SCORED] = {"idem_windows_scored_total", "Windows compared with a profile"},
    [IDEM_METRIC_ENROLLED] = {"idem_windows_enrolled_total", "Windows taken for enrolment"},
    [IDEM_METRIC_LEARNED] = {"idem_windows_learned_total", "Windows learned after quarantine"},
    [IDEM_METRIC_DRIFTS] = {"idem_lessons_refused_total", "Lessons too far from what was enrolled"},
    [IDEM_METRIC_COMMITS] = {"idem_commits_total", "Transactions committed"},
    [IDEM_METRIC_COMMIT_FAILURES] = {"idem_commit_failures_total", "Transactions rolled back"},
    [IDEM_METRIC_LOCKS] = {"idem_locks_total", "Sessions locked"},
    [IDEM_METRIC_STREAM_DROPS] = {"idem_stream_drops_total", "Stream clients that fell behind"},
    [IDEM_METRIC_ALARMS_INJECTED] = {ALARMS, ALARMS_HELP},
    [IDEM_METRIC_ALARMS_SCRIPTED] = {ALARMS, ALARMS_HELP},
    [IDEM_METRIC_ALARMS_REMOTE] = {ALARMS, ALARMS_HELP},
    [IDEM_METRIC_ALARMS_MACRO] = {ALARMS, ALARMS_HELP},
    [IDEM_METRIC_ALARMS_REPLAY] = {ALARMS, ALARMS_HELP},
    [IDEM_METRIC_ALARMS_REPEATED] = {"idem_guard_alarms_repeated_total",
        "Alarms that were held already"},
    [IDEM_METRIC_BAD_TOKENS] = {"idem_bad_tokens_total", "Requests with a token that is unknown"},
    [IDEM_METRIC_TURNED_AWAY] = {"idem_connections_turned_away_total",
        "Connections beyond the limit of their address"},
    [IDEM_METRIC_OVERDUE] = {"idem_connections_overdue_total",
        "Connections closed for a head, body or answer that took too long, or for idleness"},
    [IDEM_METRIC_CROWDED_OUT] = {"idem_connections_crowded_out_total",
        "Idle connections closed to make room"},
    [IDEM_METRIC_GATE_PASSED] = {GATE, GATE_HELP},
    [IDEM_METRIC_GATE_STEP_UPS] = {GATE, GATE_HELP},
    [IDEM_METRIC_GATE_DENIED] = {GATE, GATE_HELP},
    [IDEM_METRIC_GATE_LOCKED] = {GATE, GATE_HELP},
    [IDEM_METRIC_GATE_CLOSED] = {GATE, GATE_HELP},
    [IDEM_METRIC_GATE_FAILURES] = {"idem_gate_record_failures_total",
        "Commits of the gate's record that failed; nothing of them was let through"},
    [IDEM_METRIC_SIGNED] = {"idem_windows_signed_total", "Windows under a seat's good signature"},
    [IDEM_METRIC_FORGERIES] = {"idem_signatures_wrong_total", "Signatures that did not hold"},
    [IDEM_METRIC_RENEWALS] = {"idem_tokens_renewed_total", "Tokens of sessions renewed"},
    [IDEM_METRIC_CLONES] = {"idem_seats_cloned_total", "Seats seen in two places"},
    [IDEM_METRIC_SESSIONS] = {"idem_sessions", "Sessions open"},
    [IDEM_METRIC_STREAMS] = {"idem_streams", "Stream clients connected"},
    [IDEM_METRIC_CONNECTIONS] = {"idem_connections", "Connections open"},
    [IDEM_METRIC_POPULATION_ERASED] = {"idem_population_erased_members",
        "Erased people whom the population in use was learned from: learn it anew"},
};
/* clang-format on */

static const char *const labels[IDEM_METRICS] = {
    [IDEM_METRIC_ALARMS_INJECTED] = "{kind=\"injected-keys\"}",
    [IDEM_METRIC_ALARMS_SCRIPTED] = "{kind=\"scripted-pointer\"}",
    [IDEM_METRIC_ALARMS_REMOTE] = "{kind=\"remote-control\"}",
    [IDEM_METRIC_ALARMS_MACRO] = "{kind=\"macro\"}",
    [IDEM_METRIC_ALARMS_REPLAY] = "{kind=\"replay\"}",
    [IDEM_METRIC_GATE_PASSED] = "{verdict=\"pass\"}",
    [IDEM_METRIC_GATE_STEP_UPS] = "{verdict=\"step-up\"}",
    [IDEM_METRIC_GATE_DENIED] = "{verdict=\"deny\"}",
    [IDEM_METRIC_GATE_LOCKED] = "{verdict=\"lock\"}",
    [IDEM_METRIC_GATE_CLOSED] = "{verdict=\"closed\"}",
};

/* Each on a cache line of its own: different threads count different things. */
struct counter {
    _Alignas(64) _Atomic int64_t value;
};

static struct counter counters[IDEM_METRICS];

void idem_metric_add(enum idem_metric metric, int64_t n)
{
    atomic_fetch_add_explicit(&counters[metric].value, n, memory_order_relaxed);
}

int64_t idem_metric_read(enum idem_metric metric)
{
    return atomic_load_explicit(&counters[metric].value, memory_order_relaxed);
}

enum idem_metric idem_metric_of_alarm(enum idem_guard_kind kind)
{
    return (enum idem_metric)(IDEM_METRIC_ALARMS_INJECTED + (kind - IDEM_GUARD_INJECTED_KEYS));
}

static void put_head(struct idem_text *t, enum idem_metric m)
{
    const char *type = m >= IDEM_METRIC_SESSIONS ? "gauge" : "counter";
    idem_text_fmt(t, "# HELP %s %s\n# TYPE %s %s\n", rows[m].name, rows[m].help, rows[m].name,
                  type);
}

/* Counts that grow with what people do. */
static bool is_activity(enum idem_metric m)
{
    return m == IDEM_METRIC_REQUESTS || m == IDEM_METRIC_COMMITS ||
           (m >= IDEM_METRIC_WINDOWS && m <= IDEM_METRIC_LEARNED) ||
           (m >= IDEM_METRIC_GATE_PASSED && m <= IDEM_METRIC_GATE_CLOSED);
}

static int64_t told(enum idem_metric m, bool exact)
{
    const int64_t value = idem_metric_read(m);
    return exact || !is_activity(m) ? value : value - value % IDEM_METRICS_STEP;
}

void idem_metrics_text(struct idem_text *t, bool exact)
{
    for (enum idem_metric m = 0; m < IDEM_METRICS; m++) {
        if (m == 0 || strcmp(rows[m].name, rows[m - 1].name) != 0)
            put_head(t, m);
        idem_text_fmt(t, "%s%s %lld\n", rows[m].name, labels[m] != NULL ? labels[m] : "",
                      (long long)told(m, exact));
    }
}
