/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c - see loop.h. A handful of descriptors: poll(2) does. */
#include "agent/loop.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "idem/idem.h"

enum { US_A_MS = 1000, LONGEST_MS = 24 * 3600 * 1000 };

int64_t idem_loop_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int idem_loop_watch(struct idem_loop *loop, struct idem_watch *watch)
{
    if (loop->watch_count == IDEM_LOOP_WATCHES)
        return IDEM_ERR_LIMIT;
    loop->watches[loop->watch_count++] = watch;
    return 0;
}

void idem_loop_unwatch(struct idem_loop *loop, const struct idem_watch *watch)
{
    for (size_t i = 0; i < loop->watch_count; i++) {
        if (loop->watches[i] != watch)
            continue;
        loop->watches[i] = loop->watches[--loop->watch_count];
        return;
    }
}

static void take_out(struct idem_loop *loop, const struct idem_timer *timer)
{
    for (size_t i = 0; i < loop->timer_count; i++) {
        if (loop->timers[i] != timer)
            continue;
        loop->timers[i] = loop->timers[--loop->timer_count];
        return;
    }
}

int idem_loop_after(struct idem_loop *loop, struct idem_timer *timer, int64_t us)
{
    take_out(loop, timer);
    if (us < 0)
        return 0;
    if (loop->timer_count == IDEM_LOOP_TIMERS)
        return IDEM_ERR_LIMIT;
    timer->due_us = idem_loop_now() + us;
    loop->timers[loop->timer_count++] = timer;
    return 0;
}

static struct idem_timer *earliest(const struct idem_loop *loop)
{
    struct idem_timer *first = NULL;

    for (size_t i = 0; i < loop->timer_count; i++)
        if (first == NULL || loop->timers[i]->due_us < first->due_us)
            first = loop->timers[i];
    return first;
}

/* poll() does not count the time of a suspended machine, so that it may wake up late after one; the
 * kernel wakes it for the descriptors that matter then. Rounded up: not a moment too early. */
static int wait_ms(const struct idem_loop *loop)
{
    const struct idem_timer *first = earliest(loop);

    if (first == NULL)
        return -1;
    int64_t ms = (first->due_us - idem_loop_now() + US_A_MS - 1) / US_A_MS;
    return ms < 0 ? 0 : ms > LONGEST_MS ? LONGEST_MS : (int)ms;
}

static bool is_watched(const struct idem_loop *loop, const struct idem_watch *watch)
{
    for (size_t i = 0; i < loop->watch_count; i++)
        if (loop->watches[i] == watch)
            return true;
    return false;
}

static void run_timers(struct idem_loop *loop)
{
    int64_t now = idem_loop_now();

    for (size_t i = 0; i < IDEM_LOOP_TIMERS && !loop->over; i++) {
        struct idem_timer *first = earliest(loop);
        if (first == NULL || first->due_us > now)
            return;
        take_out(loop, first);
        first->due(first->arg);
    }
}

static int turn(struct idem_loop *loop)
{
    struct idem_watch *asked[IDEM_LOOP_WATCHES];
    struct pollfd polled[IDEM_LOOP_WATCHES];
    size_t count = loop->watch_count;

    memcpy(asked, loop->watches, count * sizeof *asked);
    for (size_t i = 0; i < count; i++)
        polled[i] = (struct pollfd){.fd = asked[i]->fd, .events = asked[i]->events};
    int n = poll(polled, count, wait_ms(loop));
    if (n < 0 && errno != EINTR)
        return IDEM_ERR_IO;
    for (size_t i = 0; n > 0 && i < count && !loop->over; i++)
        if (polled[i].revents != 0 && is_watched(loop, asked[i]) && asked[i]->fd == polled[i].fd)
            asked[i]->ready(asked[i]->arg, polled[i].revents);
    run_timers(loop);
    return 0;
}

int idem_loop_run(struct idem_loop *loop)
{
    int err = 0;

    while (!loop->over && err == 0)
        err = turn(loop);
    return err != 0 ? err : loop->status;
}

void idem_loop_end(struct idem_loop *loop, int status)
{
    loop->over = true;
    loop->status = status;
}
