/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - a load generator for benchmarks: one thread, HTTP over connections that stay open, each
 * with one request under way. An answer that is not as expected ends the benchmark.
 */
#ifndef IDEM_BENCH_LOAD_H
#define IDEM_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REQUEST_MAX = 16384,
    ANSWER_MAX = 16384,
    CONNECTIONS_MAX = 1024,
};

/* Writes the next request; false when there is no more. */
typedef bool next_fn(void *arg, char *request, size_t *len);
/* Looks at a whole answer. */
typedef void answer_fn(void *arg, const char *answer, size_t len);

struct load {
    uint16_t port;
    int connections;
    next_fn *next;
    answer_fn *answer;
    void *arg;
    uint64_t answered;
    double *latency; /* of the first latency_max answers */
    size_t latency_max;
    size_t answer_bytes; /* of the last answer's body */
};

/* Says what failed and errno, and ends the process. */
_Noreturn void die(const char *what);
/* Monotonic, in seconds. */
double now(void);
/* Runs until next() has no more, or until the given number of seconds has passed; how long it took.
 */
double run(struct load *l, double seconds);
/* Sorts the latencies that were kept; how many. */
size_t sort_latencies(struct load *l);

#endif
