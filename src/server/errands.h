/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errands.h - a thread for what is slow: hashing passwords, asking another server. The worker and
 * the HTTP threads never wait for it, and it never gets more than it can hold:
 *
 *   the queue is full                  IDEM_ERR_FULL, and whoever asked is told to come again
 *   one address has its share in it    likewise, while others are still taken
 *   the server stops                   what still waits is run as cancelled
 *
 * The thread runs one errand at a time and yields the processor to everybody else (nice), so a
 * flood of log-ins costs windows nothing.
 */
#ifndef IDEM_SERVER_ERRANDS_H
#define IDEM_SERVER_ERRANDS_H

#include "idem/idem.h"

struct idem_errand {
    /* Called once, on the errands' thread; may free the errand. */
    void (*run)(struct idem_errand *errand, bool cancelled);
    uint64_t who; /* whose share it counts against, 0: nobody's */
    struct idem_errand *next;
};

struct idem_errands;

/* name: of the thread, at most 15 characters. share: of one who, at most max. */
int idem_errands_new(const char *name, unsigned max, unsigned share, struct idem_errands **out);
/* Ends the thread; what waits is cancelled. */
void idem_errands_free(struct idem_errands *errands);
/* IDEM_ERR_FULL, also once it is being ended. The errand is the caller's again then. */
int idem_errands_push(struct idem_errands *errands, struct idem_errand *errand);

#endif
