/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upkeep.c - what the spool needs though nobody comes: what has waited too long goes, and what was
 * given up is said in the log. At the start, and from then on once an hour while anything waits; a
 * seat with an empty spool is not woken up. Nothing is given up that has not waited, so that the
 * hour after it, or the next start, always comes.
 *
 *   what was given up      one line with numbers for an hour, however often: a line for each window
 *                          would say when somebody worked
 *   it was said            counted from nought in the spool, and for idem-agent status in here
 *   that cannot be kept    it counts as not said: the same line comes in an hour again
 */
#include "agent/courier/courier.h"

#include <inttypes.h>

#include "base/log.h"

enum { HOUR_MS = 3600 * 1000 };

static const int64_t hour_us = INT64_C(3600) * IDEM_COURIER_SECOND;

static void add(struct idem_spool_counts *sum, const struct idem_spool_counts *n)
{
    sum->dropped += n->dropped;
    sum->expired += n->expired;
    sum->refused += n->refused;
    sum->unreadable += n->unreadable;
    sum->lost |= n->lost;
}

static void say(struct idem_courier *c)
{
    struct idem_spool_counts n;

    idem_spool_counts(c->spool, &n);
    if (n.lost)
        idem_log(IDEM_LOG_ERROR, "courier: kernel: the spool could not be read and was begun anew");
    if (n.dropped + n.expired + n.refused + n.unreadable > 0)
        idem_log(IDEM_LOG_ERROR,
                 "courier: the spool has given up: windows %" PRIu64 ", waited too long %" PRIu64
                 ", alarms %" PRIu64 ", damaged blocks %" PRIu64,
                 n.dropped, n.expired, n.refused, n.unreadable);
    else if (!n.lost)
        return;
    if (idem_spool_counted(c->spool) == 0)
        add(&c->given_up, &n);
}

static bool anything_waits(const struct idem_courier *c)
{
    struct idem_spool_counts n;
    uint32_t waiting = 0;

    idem_spool_counts(c->spool, &n);
    for (int k = 0; k < IDEM_SPOOL_KINDS; k++)
        waiting += n.waiting[k] + n.in_flight[k];
    return waiting > 0 || n.lost || n.dropped + n.expired + n.refused + n.unreadable > 0;
}

static void due(void *arg)
{
    struct idem_courier *c = arg;

    if (idem_spool_expire(c->spool, idem_courier_unix_ms() / HOUR_MS) != 0)
        idem_log(IDEM_LOG_ERROR, "courier: kernel: the spool cannot be written");
    say(c);
    idem_ask_changed(c);
    c->upkeep_set = false;
    if (anything_waits(c))
        idem_upkeep_wait(c);
}

void idem_upkeep_begin(struct idem_courier *c)
{
    c->upkeep = (struct idem_timer){.due = due, .arg = c};
    due(c);
}

void idem_upkeep_wait(struct idem_courier *c)
{
    if (!c->upkeep_set)
        c->upkeep_set = idem_loop_after(&c->loop, &c->upkeep, hour_us) == 0;
}

void idem_upkeep_counts(const struct idem_courier *c, struct idem_spool_counts *out)
{
    idem_spool_counts(c->spool, out);
    add(out, &c->given_up);
}
