/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parallel.h - the same work over 0..n-1 on all cores. Results never depend on the number of
 * threads: an item writes only to its own place.
 */
#ifndef IDEM_EVAL_PARALLEL_H
#define IDEM_EVAL_PARALLEL_H

enum { IDEM_THREADS_MAX = 64 };

/* Threads used from now on; 0: as many as the process may run at once. Set before the work starts.
 */
void idem_parallel_threads(int threads);

/* Runs fn(arg, i) for every i in 0..n-1, in any order, and returns when all have ended. */
void idem_parallel(void (*fn)(void *arg, int i), void *arg, int n);

#endif
