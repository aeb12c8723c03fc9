/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act.h - what a decision of the server asks of the seat, once. The same session object comes with
 * every answer, so what stands is told over and over; the person is locked out once.
 *
 *   what stands         the seat is asked
 *   anew                at once
 *   as before           no more
 *   as another action   at once (a step-up that becomes a lock; a lock that becomes a step-up)
 *   no longer           nothing; the next one is anew
 *   still, though the   again: policy does not let that count (an operator has to unlock), or a
 *   screen was unlocked new decision came at once
 *
 * While an unlocking is still to be told to the server, its answers are of before and are not
 * looked at. Pure: no clock, no sending.
 */
#ifndef IDEM_AGENT_COURIER_ACT_H
#define IDEM_AGENT_COURIER_ACT_H

#include "agent/courier/rules.h"

struct idem_act_once {
    bool done;
    enum idem_agent_action action;
    int cut_off;
    uint32_t unlocked; /* when it was done */
};

/* What is known of the seat. */
struct idem_act_seat {
    uint32_t unlocked; /* the broker's count */
    bool telling;      /* the server has yet to hear of the last unlocking */
};

/* True: out is to be sent to the sensor. */
bool idem_act_decide(struct idem_act_once *once, const struct idem_standing *standing,
                     const struct idem_act_seat *seat, struct idem_act_message *out);
/* A message for the sensor. modality: of a cut-off, else 0. */
void idem_act_message(enum idem_agent_action action, uint32_t modality, enum idem_notice notice,
                      struct idem_act_message *out);

#endif
