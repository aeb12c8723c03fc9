/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seat.h - logind, asked without ever waiting for it: who is in front at the seat, is the screen
 * locked, does the machine go to sleep; and the one request, lock.
 *
 *   something changed      its signals are no more than a reason to ask again
 *   to begin with          nothing is said before logind has answered, for ten seconds at most: a
 *                          broker that was started anew must not send a person away who is there
 *   logind is restarted    asked again when it is back; until then what it said last stands
 *   the bus is gone        connected to anew, for ten seconds what was said last stands; then the
 *                          broker no longer knows, and that is NOBODY
 *   another person         NOBODY in between, so that nothing of the one is taken for the other's
 *   no logind at all       --without-logind: one person, always there; nothing can be locked
 */
#ifndef IDEM_BROKER_SEAT_H
#define IDEM_BROKER_SEAT_H

#include <systemd/sd-bus.h>

#include "agent/broker/presence.h"
#include "agent/loop.h"

struct idem_seat {
    struct idem_loop *loop;
    const char *name;                      /* "seat0" */
    void (*known)(void *arg);              /* once: what it is has been found out, or cannot be */
    void (*changed)(void *arg);            /* now is something else */
    void (*lock_done)(void *arg, int err); /* once for each idem_seat_lock() */
    void *arg;
    struct idem_presence_message now; /* as for the courier */
    /* its own */
    char path[IDEM_SESSION_TEXT]; /* of the seat, at logind */
    sd_bus *bus;
    sd_bus_slot *asking, *locking;
    bool again, sleeping, is_known;
    struct idem_watch watch;
    struct idem_timer due, retry; /* what sd-bus waits for; the next try */
    int64_t lost_us;              /* since when nothing is known; 0: all is */
    struct idem_session front, owner;
    struct idem_unlocks unlocks;
    uint32_t locks; /* asked for under way */
};

int idem_seat_open(struct idem_seat *seat);
/* Instead: this person is at it all day. IDEM_ERR_NOT_FOUND: nobody has that name. */
int idem_seat_fixed(struct idem_seat *seat, const char *user);
void idem_seat_close(struct idem_seat *seat);
/* Locks the screen of the person in front, or behind the greeter. 0: lock_done() follows.
 * IDEM_ERR_NOT_FOUND: nobody's session; IDEM_ERR_IO */
int idem_seat_lock(struct idem_seat *seat);

#endif
