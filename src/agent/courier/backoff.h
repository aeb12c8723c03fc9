/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backoff.h - how long to leave a server alone that did not answer, or asked for it: 1 s, 2 s, 4 s
 * ... 5 min, of which a random half, so that a thousand seats do not come back in the same second;
 * never less than the server's own Retry-After.
 */
#ifndef IDEM_AGENT_COURIER_BACKOFF_H
#define IDEM_AGENT_COURIER_BACKOFF_H

#include <stdint.h>

enum { IDEM_BACKOFF_FIRST_S = 1, IDEM_BACKOFF_LAST_S = 300 };

struct idem_backoff {
    uint32_t failures;
};

/* One more failure: microseconds to wait. random: any number, evenly distributed. */
int64_t idem_backoff_next(struct idem_backoff *b, uint32_t random, uint32_t retry_after_s);
static inline void idem_backoff_reset(struct idem_backoff *b)
{
    b->failures = 0;
}

#endif
