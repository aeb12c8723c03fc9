/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decision.h - what was decided about a session, why, by which line of the policy, and what came of
 * it.
 *
 * A decision arises while a session is judged (on any judging thread), waits at the session, is
 * written to the audit log in the transaction that makes its consequence durable, and is told to
 * the streams after that. Decisions on windows are numbered by the window's row: after a crash the
 * replay comes to them again and writes those that are not in the log yet, and no other.
 *
 * What is a decision: an action from notify on, its end, and the completion of an enrolment. A
 * session that goes from "ok" to "insufficient" and back is none: nothing is decided, and a log
 * that kept it for a year would be a record of somebody's pauses. For the same reason a line at
 * rest keeps the hour, and no count of anything.
 *
 * Whoever holds a session's token can make its trust rise and fall as often as he likes. So of one
 * session so many decisions are written; what follows below a lock is told to the streams alone. A
 * lock is always written, and lifted by strong authentication only; alarms are bounded themselves.
 */
#ifndef IDEM_SERVER_DECISION_H
#define IDEM_SERVER_DECISION_H

#include "server/guard_policy.h"
#include "wire/text.h"

#include <jansson.h>

struct idem_guard_alarm;
struct idem_session;
struct idem_worker;

enum {
    IDEM_DECISIONS_WAITING_MAX = 8,  /* at one session; then the last one is replaced */
    IDEM_DECISIONS_LOGGED_MAX = 100, /* of a session, but for locks: see above */
    IDEM_DECISION_REASONS = 3,
    IDEM_DECISION_JSON_MAX = 2560,
    IDEM_SEAT_SILENT_MS = 60 * 1000, /* a seat not heard of for longer is not reached */
};

/* Why an action stands, or why it does no longer. */
enum idem_cause {
    IDEM_CAUSE_NONE,
    IDEM_CAUSE_GUARD,         /* an alarm: not typed, or not moved, by a hand */
    IDEM_CAUSE_DOUBT,         /* a token, or a seat's key, seems to be in two hands */
    IDEM_CAUSE_BELOW_LOCK,    /* trust, of what came after the last strong authentication */
    IDEM_CAUSE_BELOW_STEP_UP, /* trust, of the whole session */
    IDEM_CAUSE_SILENCE,       /* protected requests go on, windows do not come */
    IDEM_CAUSE_INSUFFICIENT,  /* nothing fresh to compare */
    IDEM_CAUSE_RECORD,        /* it stood when the server was started, whatever the replay says */
    IDEM_CAUSE_EVIDENCE,      /* lifted: the behaviour matches again */
    IDEM_CAUSE_AUTHENTICATED, /* lifted: strong authentication */
    IDEM_CAUSE_POLICY,        /* lifted: another policy, or an exemption began or ended */
    IDEM_CAUSE_ENROLLED,      /* the person is known from now on */
    IDEM_CAUSES
};

enum idem_outcome {
    IDEM_OUTCOME_APPLIED,
    IDEM_OUTCOME_ALREADY_SO,
    IDEM_OUTCOME_REFUSED_BY_FAIL_MODE, /* it could not be recorded, and locking fails open */
    IDEM_OUTCOME_SEAT_NOT_REACHED,     /* it stands here; the seat has been silent for too long */
    IDEM_OUTCOMES
};

/* What stands: the strictest action that any cause asks for. */
struct idem_stands {
    enum idem_cause cause;
    enum idem_guard_action action;
    uint32_t line; /* of the policy, 0: none */
};

struct idem_decision {
    struct idem_stands what;
    enum idem_outcome outcome;
    uint8_t from, to; /* enum idem_session_state */
    bool logged;      /* elsewhere already: the streams alone are told */
    int64_t at_ms;
    double trust, trust_recent, llr, threshold; /* NAN: nothing was compared */
    bool by_guard;                              /* the following are of an alarm */
    uint8_t kind, device;
    double confidence;
    uint8_t saw_count, saw[4];
    struct idem_decision *next;
};

const char *idem_cause_name(enum idem_cause cause);
const char *idem_outcome_name(enum idem_outcome outcome);

/* Any thread that judges the session. Without memory the session's next decision tells of both. */
void idem_decision_push(struct idem_session *s, const struct idem_decision *decision);
/* The decision that an alarm is, before it has taken effect. */
void idem_decision_of_alarm(const struct idem_session *s, const struct idem_guard_alarm *alarm,
                            struct idem_decision *out);
/* Numbers and times of now; the caller adds what was decided. */
void idem_decision_fill(const struct idem_session *s, int64_t now_ms, struct idem_decision *out);

/* Worker, in the caller's transaction: one decision; all that wait, and up to which window. */
int idem_decision_write(struct idem_worker *w, const struct idem_session *s,
                        const struct idem_decision *decision);
int idem_decisions_save(struct idem_worker *w, struct idem_session *s);
/* After the commit. */
void idem_decision_tell(struct idem_worker *w, const struct idem_session *s,
                        const struct idem_decision *decision);
void idem_decisions_saved(struct idem_worker *w, struct idem_session *s);
void idem_decisions_free(struct idem_session *s);

#endif
