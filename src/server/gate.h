/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.h - may this browser session see this now? One question and its answer, as a function of
 * what is known and nothing else: no clock, no table, no I/O. docs/gate.md is the contract.
 *
 * In this order; the first that holds decides:
 *
 *   the worker stands still                   closed     what is known may be old
 *   no session is bound to the cookie         step-up    whoever else of that name is trusted
 *   the proxy sees another client             deny       a cookie that was carried off; the session
 *                                                        itself is not touched
 *   the session is locked                     deny
 *   silence for the lock's allowance          lock       by time: after a step-up was asked for
 *   a guard's alarm stands                    step-up
 *   exempted by the policy                    pass; class MATCHING: strong authentication
 *   nobody enrolled                           as the policy's until_enrolled says
 *   class BOUND                               pass
 *   paused: class MATCHING                    step-up    pass when an application or an operator
 * has just vouched and the behaviour matched when the pause began paused: other classes as without
 * a pause; its time is no silence silence for the step-up's allowance       step-up    until a
 * window or a strong authentication class UNSUSPECTED: doubt                  step-up    unless
 * strong authentication is fresh and what came after it is not doubted again class UNSUSPECTED pass
 *   class MATCHING: nothing compared, stale,
 *   doubt, or no match                        step-up    which alone never changes it
 *   class MATCHING                            pass
 *
 * A match is evidence, not the absence of doubt: the session's behaviour as a whole speaks for the
 * owner by IDEM_GATE_MATCH_NATS at least, no end of it speaks against by as much, and trust is not
 * below the step-up threshold. All of these are of evidence alone, which no strong authentication
 * cancels. So whoever passes every step-up, and types as somebody else, waits here for good; also
 * who pauses before he has typed at all.
 */
#ifndef IDEM_SERVER_GATE_H
#define IDEM_SERVER_GATE_H

#include "server/policy.h"
#include "server/standing.h"

/* e^3: twenty times as likely as another's; of impostors at most one in twenty ever gets there, and
 * only while nothing newer speaks against him. */
#define IDEM_GATE_MATCH_NATS 3.0f

enum {
    IDEM_GATE_CLOSED_MS = 5000, /* without a turn of the worker's loop */
    IDEM_GATE_LATER_MS = 60000, /* what seems later than now by more is not known to be fresh */
    IDEM_GATE_HEADER_MAX = 256,
};

/* The numbers are also those in the record. */
enum idem_gate_verdict {
    IDEM_GATE_PASS = 0,
    IDEM_GATE_STEP_UP = 1,
    IDEM_GATE_DENY = 2,
    IDEM_GATE_LOCK = 3, /* denied, and the session is locked from now on */
    IDEM_GATE_CLOSED = 4,
    IDEM_GATE_VERDICTS
};

enum idem_gate_cause {
    IDEM_GATE_MATCHES = 0,
    IDEM_GATE_UNSUSPECTED = 1,
    IDEM_GATE_BOUND = 2,
    IDEM_GATE_AUTHENTICATED = 3, /* strong authentication answered a doubt, or stands in */
    IDEM_GATE_NOT_ENROLLED = 4,
    IDEM_GATE_UNBOUND = 5,
    IDEM_GATE_OTHER_CLIENT = 6,
    IDEM_GATE_LOCKED = 7,
    IDEM_GATE_ALARM = 8,
    IDEM_GATE_SILENCE = 9,
    IDEM_GATE_DOUBT = 10,
    IDEM_GATE_NOTHING_COMPARED = 11,
    IDEM_GATE_NO_MATCH = 12,
    IDEM_GATE_WORKER_STANDS = 13,
    IDEM_GATE_PAUSED = 14, /* the other factor is asked for, or stood in */
    IDEM_GATE_CAUSES
};

/* How sure, coarsely: all that leaves the server, and all that is recorded. */
enum idem_gate_level {
    IDEM_GATE_LEVEL_NONE = 0,   /* something speaks against, or nothing is known */
    IDEM_GATE_LEVEL_LOW = 1,    /* log-in or strong authentication only, nothing against it */
    IDEM_GATE_LEVEL_MEDIUM = 2, /* a browser's evidence matches */
    IDEM_GATE_LEVEL_HIGH = 3,   /* signed evidence of a seat matches */
    IDEM_GATE_LEVELS
};

struct idem_gate_question {
    bool stands;       /* the worker does */
    bool bound;        /* the rest is known of a session */
    bool other_client; /* than the one that was there when the cookie was bound */
    const char *class; /* of the resource */
    int64_t now_ms;    /* the server's */
    struct idem_standing standing;
    struct idem_silence silence;
    const struct idem_policy_rules *rules; /* of the session's person; unbound: of nobody */
};

struct idem_gate_answer {
    enum idem_gate_verdict verdict;
    enum idem_gate_cause cause;
    enum idem_gate_level level;
    uint32_t line;     /* of the policy, 0: no line of it decided */
    bool for_silence;  /* it asks for a step-up because of silence */
    int64_t max_age_s; /* with a step-up: how old a strong authentication may be */
};

void idem_gate_decide(const struct idem_gate_question *question, struct idem_gate_answer *out);

const char *idem_gate_verdict_name(enum idem_gate_verdict verdict);
const char *idem_gate_cause_name(enum idem_gate_cause cause);
const char *idem_gate_level_name(enum idem_gate_level level);

#endif
