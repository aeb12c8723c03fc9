/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.h - what might wait for somebody else is done by a child of a few seconds' life, so that
 * the broker never waits: a USB device that answers slowly, a desktop that does not answer at all.
 * A child inherits no descriptor but stderr, and ends by itself.
 */
#ifndef IDEM_BROKER_CHILD_H
#define IDEM_BROKER_CHILD_H

#include <stdint.h>
#include <sys/types.h>

enum { IDEM_CHILDREN = 4, IDEM_CHILD_S = 15 };

struct idem_children {
    struct {
        pid_t pid; /* 0: free */
        void (*done)(void *arg, uint32_t number, int err);
        void *arg;
        uint32_t number;
    } of[IDEM_CHILDREN];
};

/*
 * run(arg, number) in a child; its result, 0 or an idem_error, is handed to done() when it has
 * ended. IDEM_ERR_LIMIT: there are so many already (at most IDEM_CHILDREN); IDEM_ERR_IO.
 */
int idem_child_start(struct idem_children *children, int most,
                     int (*run)(const void *arg, uint32_t number),
                     void (*done)(void *arg, uint32_t number, int err), void *arg, uint32_t number);
/* On SIGCHLD. */
void idem_child_reap(struct idem_children *children);

#endif
