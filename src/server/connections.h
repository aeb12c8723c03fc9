/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connections.h - what a lane knows of each of its connections, and until when it waits for it.
 * libmicrohttpd's own time-out begins anew with every byte, so a client that sends one a minute
 * would hold a connection for ever. Here every part of a request has one end, from its start:
 *
 *   FIRST   connected, perhaps shaking hands; until the first whole head
 *   BODY    the head was whole; until the body is
 *   (none)  the worker has it, or it is an event stream: nobody waits for the client
 *   ANSWER  until the client has taken the answer
 *   IDLE    until the next whole head
 *
 * All of a phase wait for the same time, so each phase is a queue with the oldest at its front, and
 * what is overdue is found without looking at the others. Also when the table of connections is
 * nearly full, or too many have not asked for anything yet, the front is cut off: of those that
 * have had time enough for a first request and sent none, else of the idle ones, else of the
 * newest.
 *
 * A lane's own, for its thread alone. `now` is milliseconds of one clock that never goes back.
 */
#ifndef IDEM_SERVER_CONNECTIONS_H
#define IDEM_SERVER_CONNECTIONS_H

#include "server/address.h"

enum {
    IDEM_TIME_ENOUGH_MS = 1000,
    IDEM_STRANGERS_MAX = 1024, /* in IDEM_PHASE_FIRST */
};

enum idem_phase {
    IDEM_PHASE_FIRST,
    IDEM_PHASE_IDLE,
    IDEM_PHASE_BODY,
    IDEM_PHASE_ANSWER,
    IDEM_PHASES,
    IDEM_PHASE_NONE = IDEM_PHASES
};

struct idem_connection {
    struct idem_connection *next, *previous;
    enum idem_phase phase;
    int64_t until_ms;
    int fd;
    bool tls, counted, cut, proxy;
    struct idem_machine peer;
};

struct idem_connections {
    int64_t patience_ms[IDEM_PHASES];
    struct idem_connection *first[IDEM_PHASES], *last[IDEM_PHASES];
    uint32_t waiting[IDEM_PHASES]; /* in each queue */
    uint32_t count, cut;           /* of all; of those, to be gone at once */
};

/* To the end of the phase's queue; IDEM_PHASE_NONE: out of all queues. */
void idem_connection_enter(struct idem_connections *all, struct idem_connection *c,
                           enum idem_phase phase, int64_t now_ms);
void idem_connections_add(struct idem_connections *all, struct idem_connection *c, int64_t now_ms);
void idem_connections_remove(struct idem_connections *all, struct idem_connection *c);

/* Out of its queue, and counted as cut, until it is removed. */
void idem_connection_cut(struct idem_connections *all, struct idem_connection *c);
/* One whose time is over, or NULL. It has been cut. */
struct idem_connection *idem_connections_overdue(struct idem_connections *all, int64_t now_ms);
/* One to be cut when there are more than most, or too many strangers; NULL when not, or when all
 * have work under way. It has been cut. */
struct idem_connection *idem_connections_spare(struct idem_connections *all, uint32_t most,
                                               int64_t now_ms);

#endif
