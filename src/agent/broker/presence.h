/* SPDX-License-Identifier: Apache-2.0 */
/*
 * presence.h - what the seat is, from what logind says of its sessions. Pure: seat.c asks, this
 * decides, a table of cases tests it.
 *
 *   front   the session that the seat shows now, of whatever class
 *   owner   the last session of a person that was in front here: the same as front, or behind a
 *           greeter or an empty terminal, for as long as logind has it
 *
 *   owner gone or closing            nobody
 *   the machine goes to sleep        suspended
 *   owner behind something else      away
 *   owner in front                   remote, locked or present, in this order
 */
#ifndef IDEM_BROKER_PRESENCE_H
#define IDEM_BROKER_PRESENCE_H

#include "agent/message.h"

enum { IDEM_SESSION_TEXT = 128 };

struct idem_session {
    char path[IDEM_SESSION_TEXT]; /* logind's object; empty: there is none */
    char id[IDEM_SESSION_TEXT];
    char class[IDEM_SESSION_TEXT], state[IDEM_SESSION_TEXT];
    char service[IDEM_SESSION_TEXT]; /* PAM's name of what let the person in */
    char user[IDEM_USER_MAX];
    uint32_t uid;
    bool remote, locked;
    uint64_t since_us; /* when it was opened, CLOCK_MONOTONIC */
};

/* A person's session that is not at its end, with a name that fits a message. */
bool idem_session_is_persons(const struct idem_session *session);
enum idem_presence idem_presence_of(bool sleeping, const struct idem_session *front,
                                    const struct idem_session *owner);

/*
 * How often the owner has shown who he is (seat.c begins anew with each NOBODY): by a session that
 * was opened after all that were in front before it, but for automatic log-ins, and by a lock seen
 * to be opened. A session that only comes back to the front counts for nothing: changing terminals
 * asks for no password.
 */
struct idem_unlocks {
    uint32_t count;
    uint64_t
        newest_us; /* to begin with: now, for whom the broker found here has shown it nothing */
    char path[IDEM_SESSION_TEXT];
    bool locked;
};
void idem_unlocks_see(struct idem_unlocks *unlocks, const struct idem_session *owner);

#endif
