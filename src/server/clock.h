/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - the server's receipt time: Unix milliseconds that neither run backwards nor stand while
 * the process lives, whatever is done to the machine's clock. Any thread.
 *
 *   the clock is set forward   this one goes with it
 *   the clock is set back      this one goes on, at the pace of the monotonic clock: what is so
 *                              old now gets older, and does not stay fresh until the hour comes
 *                              again. It is ahead of the calendar until the server's next start
 *
 * So ages are of this clock. What other machines say of the time (one-time codes, identity tokens)
 * is compared with the calendar, as it is.
 */
#ifndef IDEM_SERVER_CLOCK_H
#define IDEM_SERVER_CLOCK_H

#include <stdint.h>

int64_t idem_clock_ms(void);
int64_t idem_clock_calendar_ms(void);

/* How far the calendar was ahead of the monotonic clock, at most; any thread. */
struct idem_clock {
    _Atomic int64_t ahead_ms;
};

/* For idem_clock_ms(), and its test: the time, of what both clocks say. */
int64_t idem_clock_of(struct idem_clock *clock, int64_t calendar_ms, int64_t monotonic_ms);

#endif
