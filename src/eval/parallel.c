/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parallel.c - threads that draw item numbers from one counter. A thread that cannot be started is
 * done without: the caller's own thread works too, so the work always ends.
 */
#include "eval/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static int wanted; /* 0: decide by the machine */

struct work {
    void (*fn)(void *arg, int i);
    void *arg;
    int n;
    atomic_int next;
};

static int threads(void)
{
    cpu_set_t set;
    if (wanted)
        return wanted;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n > IDEM_THREADS_MAX ? IDEM_THREADS_MAX : n;
}

void idem_parallel_threads(int n)
{
    wanted = n < 0 ? 0 : n > IDEM_THREADS_MAX ? IDEM_THREADS_MAX : n;
}

static void *drain(void *p)
{
    struct work *work = p;
    for (;;) {
        int i = atomic_fetch_add(&work->next, 1);
        if (i >= work->n)
            return NULL;
        work->fn(work->arg, i);
    }
}

void idem_parallel(void (*fn)(void *arg, int i), void *arg, int n)
{
    struct work work = {.fn = fn, .arg = arg, .n = n};
    pthread_t started[IDEM_THREADS_MAX];
    int count = 0, most = threads() < n ? threads() : n;
    while (count < most - 1 && pthread_create(&started[count], NULL, drain, &work) == 0)
        count++;
    drain(&work);
    while (count > 0)
        pthread_join(started[--count], NULL);
}
