/* SPDX-License-Identifier: Apache-2.0 */
/* guard_policy.c - see guard_policy.h. */
#include "server/guard_policy.h"

/*
 * Keys that no hand typed have been typed already when the alarm comes, so a sure alarm locks, and
 * cuts off the device that did it: it would type on when somebody unlocks. A
 * pointer that a program moves may be a tool that its owner uses, and a window seen before may be
 * an error of whoever sent it: both ask who is there. Remote help is everyday in many companies.
 */
static const struct idem_guard_rule rules[] = {
    {IDEM_GUARD_INJECTED_KEYS, 0.99, IDEM_GUARD_CUT_OFF_DEVICE, 0},
    {IDEM_GUARD_INJECTED_KEYS, 0, IDEM_GUARD_STEP_UP, 0},
    {IDEM_GUARD_SCRIPTED_POINTER, 0, IDEM_GUARD_STEP_UP, 0},
    {IDEM_GUARD_REPLAY, 0, IDEM_GUARD_STEP_UP, 0},
    {IDEM_GUARD_REMOTE_CONTROL, 0, IDEM_GUARD_NOTIFY, 0},
    {IDEM_GUARD_MACRO, 0, IDEM_GUARD_OBSERVE, 0},
};

const struct idem_guard_policy idem_guard_policy_default = {rules, sizeof rules / sizeof rules[0]};

enum idem_guard_action idem_guard_policy_decide(const struct idem_guard_policy *policy,
                                                enum idem_guard_kind kind, double confidence,
                                                uint32_t *line)
{
    const struct idem_guard_rule *found = NULL;

    for (size_t i = 0; i < policy->count && found == NULL; i++)
        if (policy->rules[i].kind == kind && confidence >= policy->rules[i].at_least)
            found = &policy->rules[i];
    if (line != NULL)
        *line = found != NULL ? found->line : 0;
    return found != NULL ? found->action : IDEM_GUARD_OBSERVE;
}

const char *idem_guard_action_name(enum idem_guard_action action)
{
    static const char *const names[IDEM_GUARD_ACTIONS] = {
        "observe", "notify", "step-up", "lock", "cut-off-device", "end-session"};
    return names[action];
}
