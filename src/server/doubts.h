/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doubts.h - what speaks against a session besides behaviour and guards: that its token or its
 * seat's key seems to be in two hands. A doubt asks for strong authentication until there was one;
 * nothing of a session that was ever in doubt is learned. Worker only.
 */
#ifndef IDEM_SERVER_DOUBTS_H
#define IDEM_SERVER_DOUBTS_H

#include <stdbool.h>

enum {
    IDEM_DOUBT_TOKEN_REUSED = 1 << 0, /* a token was used after it had been renewed */
    IDEM_DOUBT_TOKEN_TORN = 1 << 1,   /* one token came from two addresses in turn */
    IDEM_DOUBT_SEAT_CLONED = 1 << 2,  /* the seat's key is used in two places */
    IDEM_DOUBTS = 3,
    IDEM_DOUBTS_STANDING = (1 << IDEM_DOUBTS) - 1,
    IDEM_DOUBTS_PAST = 8, /* bits above: those that were answered */
};

struct idem_session;

/* The store is told with what else is unsaved of the session. */
void idem_doubt_raise(struct idem_session *s, unsigned doubt);
/* Strong authentication answers them. The result is what the store keeps from then on. */
unsigned idem_doubts_answered(unsigned doubts);
/* After a restart. */
void idem_doubts_recall(struct idem_session *s, unsigned doubts);
bool idem_doubts_step_up(const struct idem_session *s);
/* bit: 0..IDEM_DOUBTS - 1 */
const char *idem_doubt_name(int bit);

#endif
