/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local.c - the bus within one process: a ring under one mutex. The consumer takes everything in
 * one go, so that under load the lock is taken once a batch on its side, and producers signal only
 * when it sleeps.
 */
#include "bus/bus.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { CAPACITY_MAX = 65536 };

struct local {
    struct idem_bus base;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    size_t capacity, first, count;
    bool waiting, shut;
    void *items[];
};

static int local_push(struct idem_bus *base, void *item)
{
    struct local *b = (struct local *)base;
    int err = IDEM_OK;
    bool wake = false;

    pthread_mutex_lock(&b->lock);
    if (b->shut) {
        err = IDEM_ERR_NOT_FOUND;
    } else if (b->count == b->capacity) {
        err = IDEM_ERR_FULL;
    } else {
        b->items[(b->first + b->count++) % b->capacity] = item;
        wake = b->waiting;
        b->waiting = false;
    }
    pthread_mutex_unlock(&b->lock);
    if (wake)
        pthread_cond_signal(&b->filled);
    return err;
}

static void wait_for_item(struct local *b, int timeout_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (b->count == 0 && !b->shut) {
        b->waiting = true;
        if (pthread_cond_timedwait(&b->filled, &b->lock, &until) != 0)
            break;
    }
    b->waiting = false;
}

static size_t local_drain(struct idem_bus *base, void **items, size_t max, int timeout_ms)
{
    struct local *b = (struct local *)base;
    size_t n = 0;

    pthread_mutex_lock(&b->lock);
    if (b->count == 0 && timeout_ms > 0)
        wait_for_item(b, timeout_ms);
    for (; n < max && b->count > 0; n++, b->count--) {
        items[n] = b->items[b->first];
        b->first = (b->first + 1) % b->capacity;
    }
    pthread_mutex_unlock(&b->lock);
    return n;
}

static void local_shut(struct idem_bus *base)
{
    struct local *b = (struct local *)base;
    pthread_mutex_lock(&b->lock);
    b->shut = true;
    pthread_mutex_unlock(&b->lock);
    pthread_cond_signal(&b->filled);
}

static size_t local_depth(struct idem_bus *base)
{
    struct local *b = (struct local *)base;
    pthread_mutex_lock(&b->lock);
    size_t depth = b->count;
    pthread_mutex_unlock(&b->lock);
    return depth;
}

static void local_free(struct idem_bus *base)
{
    struct local *b = (struct local *)base;
    pthread_cond_destroy(&b->filled);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static const struct idem_bus_ops local_ops = {
    .push = local_push,
    .drain = local_drain,
    .shut = local_shut,
    .depth = local_depth,
    .free = local_free,
};

int idem_bus_local_new(size_t capacity, struct idem_bus **out)
{
    pthread_condattr_t monotonic;

    if (capacity == 0 || capacity > CAPACITY_MAX)
        return IDEM_ERR_INVALID;
    struct local *b = calloc(1, sizeof *b + capacity * sizeof b->items[0]);
    if (b == NULL)
        return IDEM_ERR_NOMEM;
    b->base.ops = &local_ops;
    b->capacity = capacity;
    pthread_mutex_init(&b->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&b->filled, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = &b->base;
    return IDEM_OK;
}
