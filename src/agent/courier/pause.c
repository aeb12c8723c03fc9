/* SPDX-License-Identifier: Apache-2.0 */
/* pause.c - see pause.h. */
#include "agent/courier/pause.h"

#include <stddef.h>

static const int64_t second_us = 1000000;

static enum idem_pause_step end(struct idem_pause *p)
{
    const enum idem_pause_state was = p->state;

    p->state = IDEM_PAUSE_NONE;
    return was == IDEM_PAUSE_ON      ? IDEM_PAUSE_ENDS
           : was == IDEM_PAUSE_ASKED ? IDEM_PAUSE_GIVEN_UP
                                     : IDEM_PAUSE_NOTHING;
}

int idem_pause_ask(struct idem_pause *p, uint32_t seconds, int64_t now_us)
{
    if (seconds == 0 || seconds > IDEM_PAUSE_LONGEST_S || p->seat.presence != IDEM_PRESENT)
        return IDEM_ERR_INVALID;
    if (!p->rule.allowed)
        return IDEM_ERR_LEVEL;
    if (seconds > p->rule.at_most_s)
        return IDEM_ERR_LIMIT;
    if (p->state != IDEM_PAUSE_NONE)
        return IDEM_ERR_FULL;
    p->state = IDEM_PAUSE_ASKED;
    p->seconds = seconds;
    p->locked = false;
    p->until_us = now_us + IDEM_PAUSE_TO_UNLOCK_S * second_us;
    return 0;
}

enum idem_pause_step idem_pause_resume(struct idem_pause *p)
{
    return end(p);
}

static bool is_another(const struct idem_pause *p, const struct idem_presence_message *seat)
{
    return seat == NULL || seat->presence == IDEM_NOBODY || seat->presence == IDEM_REMOTE ||
           seat->uid != p->seat.uid;
}

/* The count is taken when the lock is seen: what was unlocked before it is no answer to it. */
static enum idem_pause_step answer(struct idem_pause *p, int64_t now_us)
{
    if (p->seat.presence == IDEM_LOCKED && !p->locked) {
        p->locked = true;
        p->unlocked = p->seat.unlocked;
        return IDEM_PAUSE_NOTHING;
    }
    if (p->seat.presence != IDEM_PRESENT || !p->locked)
        return IDEM_PAUSE_NOTHING;
    if (now_us > p->until_us || (int32_t)(p->seat.unlocked - p->unlocked) <= 0)
        return end(p);
    p->state = IDEM_PAUSE_ON;
    p->until_us = now_us + p->seconds * second_us;
    return IDEM_PAUSE_BEGINS;
}

enum idem_pause_step idem_pause_presence(struct idem_pause *p,
                                         const struct idem_presence_message *seat, int64_t now_us)
{
    enum idem_pause_step step = is_another(p, seat) ? end(p) : IDEM_PAUSE_NOTHING;

    if (seat == NULL)
        p->seat = (struct idem_presence_message){.presence = IDEM_NOBODY};
    else
        p->seat = *seat;
    return p->state == IDEM_PAUSE_ASKED ? answer(p, now_us) : step;
}

enum idem_pause_step idem_pause_rules(struct idem_pause *p, struct idem_pause_rule rule,
                                      int64_t now_us)
{
    p->rule = rule;
    if (p->state == IDEM_PAUSE_NONE)
        return IDEM_PAUSE_NOTHING;
    if (!rule.allowed || rule.at_most_s == 0)
        return end(p);
    if (p->seconds > rule.at_most_s)
        p->seconds = rule.at_most_s;
    if (p->state == IDEM_PAUSE_ON && p->until_us > now_us + rule.at_most_s * second_us)
        p->until_us = now_us + rule.at_most_s * second_us;
    return IDEM_PAUSE_NOTHING;
}

enum idem_pause_step idem_pause_stop(struct idem_pause *p)
{
    return end(p);
}

enum idem_pause_step idem_pause_due(struct idem_pause *p, int64_t now_us)
{
    if (p->state == IDEM_PAUSE_NONE || now_us < p->until_us)
        return IDEM_PAUSE_NOTHING;
    return end(p);
}

int64_t idem_pause_due_us(const struct idem_pause *p, int64_t now_us)
{
    if (p->state == IDEM_PAUSE_NONE)
        return -1;
    return p->until_us > now_us ? p->until_us - now_us : 0;
}

uint32_t idem_pause_left_s(const struct idem_pause *p, int64_t now_us)
{
    const int64_t left = idem_pause_due_us(p, now_us);

    return left < 0 ? 0 : (uint32_t)((left + second_us - 1) / second_us);
}
