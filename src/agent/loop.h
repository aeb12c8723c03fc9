/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - waiting: the one loop of each of the agent's processes. It sleeps until a descriptor can
 * be read (or written) or the earliest timer is due, and never else, so that an idle seat costs
 * nothing. Timers are on CLOCK_BOOTTIME: a suspended machine's timers are due when it wakes.
 *
 * Watches and timers are the caller's memory; the loop allocates nothing. A watch may be taken out
 * in any callback, also another's.
 */
#ifndef IDEM_AGENT_LOOP_H
#define IDEM_AGENT_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IDEM_LOOP_WATCHES = 128, IDEM_LOOP_TIMERS = 16 };

struct idem_watch {
    int fd;
    short events; /* POLLIN, POLLOUT */
    void (*ready)(void *arg, short events);
    void *arg;
};

struct idem_timer {
    int64_t due_us; /* idem_loop_now(); set by idem_loop_after() */
    void (*due)(void *arg);
    void *arg;
};

struct idem_loop {
    struct idem_watch *watches[IDEM_LOOP_WATCHES];
    struct idem_timer *timers[IDEM_LOOP_TIMERS];
    size_t watch_count, timer_count;
    bool over;
    int status;
};

int64_t idem_loop_now(void); /* CLOCK_BOOTTIME, us */

/* IDEM_ERR_LIMIT when there are IDEM_LOOP_WATCHES. */
int idem_loop_watch(struct idem_loop *loop, struct idem_watch *watch);
/* One that is not in the loop is no mistake. */
void idem_loop_unwatch(struct idem_loop *loop, const struct idem_watch *watch);
/* Sets the timer anew, once; below nought: takes it out. IDEM_ERR_LIMIT as above. */
int idem_loop_after(struct idem_loop *loop, struct idem_timer *timer, int64_t us);

/* Until idem_loop_end(); its status. IDEM_ERR_IO: poll() failed. A signal handler is run and
 * waiting goes on: who wants to hear of signals watches a signalfd. */
int idem_loop_run(struct idem_loop *loop);
void idem_loop_end(struct idem_loop *loop, int status);

#endif
