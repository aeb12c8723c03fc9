/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - see clock.h. */
#include "server/clock.h"

#include <stdatomic.h>
#include <time.h>

static struct idem_clock servers;

static int64_t read_ms(clockid_t which)
{
    struct timespec ts;

    clock_gettime(which, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t idem_clock_of(struct idem_clock *clock, int64_t calendar_ms, int64_t monotonic_ms)
{
    const int64_t ahead = calendar_ms - monotonic_ms;
    int64_t most = atomic_load_explicit(&clock->ahead_ms, memory_order_relaxed);

    while (ahead > most && !atomic_compare_exchange_weak(&clock->ahead_ms, &most, ahead))
        ;
    return monotonic_ms + (ahead > most ? ahead : most);
}

int64_t idem_clock_calendar_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

int64_t idem_clock_ms(void)
{
    const int64_t calendar = idem_clock_calendar_ms();
    return idem_clock_of(&servers, calendar, read_ms(CLOCK_MONOTONIC));
}
