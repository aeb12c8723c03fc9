/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard_policy.h - what a guard's alarm does to its session: a table of kind and confidence, and
 * nothing else. Rows of a kind stand with the highest confidence first; the first that fits
 * decides, and a kind that no row fits is observed.
 *
 *   observe   it is kept, shown and counted
 *   notify    and the operator is told
 *   step-up   and the session asks for strong authentication
 *   lock      and the session is locked
 *   cut-off-device   and the seat is told to take no more from the device of the alarm
 *   end-session      and the session is closed
 */
#ifndef IDEM_SERVER_GUARD_POLICY_H
#define IDEM_SERVER_GUARD_POLICY_H

#include "idem/idem.h"

/* In the order of strictness; the numbers are also those in the store. */
enum idem_guard_action {
    IDEM_GUARD_OBSERVE = 0,
    IDEM_GUARD_NOTIFY = 1,
    IDEM_GUARD_STEP_UP = 2,
    IDEM_GUARD_LOCK = 3,
    IDEM_GUARD_CUT_OFF_DEVICE = 4,
    IDEM_GUARD_END_SESSION = 5,
    IDEM_GUARD_ACTIONS
};

struct idem_guard_rule {
    enum idem_guard_kind kind;
    double at_least; /* confidence, 0..1 */
    enum idem_guard_action action;
    uint32_t line; /* of the policy's file; 0: of none */
};

struct idem_guard_policy {
    const struct idem_guard_rule *rules;
    size_t count;
};

extern const struct idem_guard_policy idem_guard_policy_default;

enum idem_guard_action idem_guard_policy_decide(const struct idem_guard_policy *policy,
                                                enum idem_guard_kind kind, double confidence,
                                                uint32_t *line); /* NULL: not asked */
/* "observe", "notify", "step-up", "lock", "cut-off-device", "end-session". */
const char *idem_guard_action_name(enum idem_guard_action action);

#endif
