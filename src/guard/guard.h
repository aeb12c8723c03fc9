/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.h - the inside of a guard: one device, two judges, one verdict.
 *
 *   keys.h    what key-downs, holds and modifiers say
 *   motion.h  what the paths, the speed and the clicks of a pointer say
 *   words.c   names and sentences;  known.c  which devices are known as what
 *
 * A judge keeps a finding: its kind, the log odds of that kind against a hand at this device, and
 * what it saw. Log odds start at the prior, IDEM_GUARD_PRIOR for a device that was there before
 * anybody came, and an alarm is given at IDEM_GUARD_ALARM.
 */
#ifndef IDEM_GUARD_GUARD_H
#define IDEM_GUARD_GUARD_H

#include "idem/idem.h"

/* ln odds that a device which somebody has begun to use is no hand's: one in ten thousand. */
#define IDEM_GUARD_PRIOR (-9.2)
/* ln odds at which an alarm is given: a hundred to one. */
#define IDEM_GUARD_ALARM 4.6

struct idem_finding {
    enum idem_guard_kind kind;
    double log_odds; /* of an alarm, nats; of `human`, the odds that it is one */
    int64_t at_us;
    uint32_t saw_count;
    struct idem_guard_saw saw[IDEM_GUARD_SAW_MAX];
};

/* Adds what was seen, or renews it where it stands; a fifth reason is not taken. */
void idem_finding_see(struct idem_finding *f, enum idem_guard_reason reason, uint32_t count,
                      double value);

#endif
