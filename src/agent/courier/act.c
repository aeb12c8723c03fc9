/* SPDX-License-Identifier: Apache-2.0 */
/* act.c - see act.h. */
#include "agent/courier/act.h"

#include <string.h>

void idem_act_message(enum idem_agent_action action, uint32_t modality, enum idem_notice notice,
                      struct idem_act_message *out)
{
    memset(out, 0, sizeof *out);
    out->head = (struct idem_message_head){IDEM_CS_ACT, sizeof *out};
    out->action = (uint32_t)action;
    out->modality = modality;
    out->notice = (uint32_t)notice;
}

/* What the person is told. A decision to notify about anything but a guard's alarm is for the
 * operator: there is nothing that the person at the seat could do. */
static enum idem_notice notice_of(const struct idem_standing *s)
{
    switch (s->action) {
    case IDEM_ACTION_NOTIFY:
        return IDEM_NOTICE_ALARM;
    case IDEM_ACTION_STEP_UP:
        return IDEM_NOTICE_STEP_UP;
    case IDEM_ACTION_CUT_OFF:
        return IDEM_NOTICE_CUT_OFF;
    default:
        return IDEM_NOTICE_LOCKED;
    }
}

static bool asks_for_something(const struct idem_standing *s)
{
    return s->stands && (s->action > IDEM_ACTION_NOTIFY ||
                         (s->action == IDEM_ACTION_NOTIFY && strcmp(s->cause, "guard") == 0));
}

bool idem_act_decide(struct idem_act_once *once, const struct idem_standing *s,
                     const struct idem_act_seat *seat, struct idem_act_message *out)
{
    if (seat->telling)
        return false;
    if (!asks_for_something(s)) {
        once->done = false;
        return false;
    }
    if (once->done && once->action == s->action && once->cut_off == s->cut_off &&
        once->unlocked == seat->unlocked)
        return false;
    *once = (struct idem_act_once){true, s->action, s->cut_off, seat->unlocked};
    /* A cut-off that names no device is the lock that it is as well. */
    enum idem_agent_action action =
        s->action == IDEM_ACTION_CUT_OFF && s->cut_off < 0 ? IDEM_ACTION_LOCK : s->action;
    idem_act_message(action, s->cut_off < 0 ? 0 : (uint32_t)s->cut_off, notice_of(s), out);
    return true;
}
