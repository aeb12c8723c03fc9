/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause.h - a person at a seat wants nothing collected for a while: a right, and no way out of
 * anything. Worker and judges.
 *
 *   begins   by the seat's signature; where policy allows it; not while anything asks for strong
 *            authentication or more; after a window since the pause before
 *   lasts    as long as was asked, and never longer than policy lets one pause last, by the
 *            server's clock; asking again while it lasts moves its end, within the same limit
 *   ends     by the seat's signature, by time, when policy does not allow it any more, and when
 *            something begins to ask for strong authentication
 *
 * While it lasts windows are refused, so that nothing is compared or learned; silence is not
 * counted; the session is "insufficient" at best. Alarms are taken and act as ever. What the gate
 * does: gate.h. Beginning and end are on disk, with their lines, before they are answered; an end
 * that nobody asked for is written as locks are.
 */
#ifndef IDEM_SERVER_PAUSE_H
#define IDEM_SERVER_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    IDEM_PAUSE_LATER_MS = 60 * 1000, /* one that begins later is of a clock that was set back */
};

struct idem_command;
struct idem_session;
struct idem_worker;

/* Of any pause: whether it holds at that time. */
bool idem_pause_holds(int64_t from_ms, int64_t until_ms, int64_t now_ms);
/* How much of the time between then_ms and now_ms lies in it. */
int64_t idem_pause_within(int64_t from_ms, int64_t until_ms, int64_t then_ms, int64_t now_ms);
/* Whether the session is paused at its time now_ms; how long it was since then_ms, of its last
 * pause. */
bool idem_paused(const struct idem_session *s, int64_t now_ms);
int64_t idem_paused_since(const struct idem_session *s, int64_t then_ms, int64_t now_ms);
/* Ends a pause that is over, or that policy does not allow any more. */
void idem_pause_look(struct idem_session *s, int64_t now_ms);
/* Ends it, if there is one. */
void idem_pause_end(struct idem_session *s, int64_t now_ms);
/* An end that is not written yet, in the caller's transaction. */
int idem_pause_save(struct idem_worker *w, const struct idem_session *s);
/* A call: what the seat has signed, with its "seconds". */
void idem_seat_pause(struct idem_worker *w, struct idem_command *c);

#endif
