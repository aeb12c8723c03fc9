/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - see clock.h. */
#include "server/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t latest;

int64_t idem_clock_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    int64_t now = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
    int64_t seen = atomic_load_explicit(&latest, memory_order_relaxed);
    while (now > seen && !atomic_compare_exchange_weak(&latest, &seen, now))
        ;
    return now > seen ? now : seen;
}
