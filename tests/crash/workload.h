/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload.h - a day of three people at one server, short enough to lose power in it at every
 * operation: sessions are opened, enrolled, acknowledged, told of alarms, unlocked, closed with
 * what they teach, the log is folded back into the data base, the server stopped and started.
 */
#ifndef IDEM_TESTS_WORKLOAD_H
#define IDEM_TESTS_WORKLOAD_H

#include "deeds.h"

enum { WORKLOAD_PEOPLE = 3, WORKLOAD_WINDOWS_MAX = 64, WORKLOAD_KEYS = 50 };

/* Windows that the three typed, in the form in which the store keeps them; made once. */
struct typed {
    struct idem_population *population;
    uint8_t *payloads[WORKLOAD_PEOPLE][WORKLOAD_WINDOWS_MAX];
    uint32_t lens[WORKLOAD_PEOPLE][WORKLOAD_WINDOWS_MAX];
};

void typed_make(struct typed *t);
void typed_free(struct typed *t);

struct workload {
    const struct typed *typed;
    const char *dir; /* of the secrets */
    unsigned threads;
    struct world world;
    struct deeds *deeds;
    uint32_t sent[WORKLOAD_PEOPLE];
    int session[WORKLOAD_PEOPLE]; /* index in deeds, -1: none open */
    bool faulty;                  /* requests may fail; else that ends the test */
    unsigned refused;             /* requests that failed for want of the store */
    unsigned odd;                 /* that failed and were not answered as 507 or 500 of the store */
    unsigned not_started;         /* times that the server did not start, and said so */
    uint64_t faults;              /* of the disk, that happened */
    size_t evening;               /* time of the disk before the orderly end */
};

/* The whole day, from an empty disk to an orderly end. Faulty: the fault of the disk is taken away
 * in the evening, and all that was refused is sent again to the same server, which must take it. */
void workload_run(struct workload *w);
/* As a peer that got no answer: all windows and alarms of the open sessions, again. n: sent until
 * then. What is acknowledged now counts from now. */
void workload_repeat(struct workload *w, size_t n);

#endif
