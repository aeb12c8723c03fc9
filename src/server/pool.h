/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - a few threads that work with their owner on one thing at a time: the owner hands out
 * shares, takes the first one itself, and goes on when all are done.
 */
#ifndef IDEM_SERVER_POOL_H
#define IDEM_SERVER_POOL_H

#include "idem/idem.h"

struct idem_pool;

typedef void idem_pool_fn(void *arg, unsigned share);

/* threads: 1..IDEM_THREADS_MAX, the owner counted. */
int idem_pool_new(unsigned threads, struct idem_pool **out);
void idem_pool_free(struct idem_pool *pool);
unsigned idem_pool_threads(const struct idem_pool *pool);
/* fn(arg, 0) .. fn(arg, threads - 1), at the same time; returns after the last. Owner only. */
void idem_pool_run(struct idem_pool *pool, idem_pool_fn *fn, void *arg);

#endif
