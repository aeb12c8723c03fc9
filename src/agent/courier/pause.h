/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause.h - when the person's pause begins and ends. A room-mate at a seat that was left unlocked
 * must not be able to switch idem off, so a pause takes what opens the screen:
 *
 *     ask ---> the screen is locked ---> unlocked by the same person within 2 minutes ---> pause
 *      |                                                                                    |
 *      +-- not locked, or unlocked too late, or by another: nothing                         |
 *                                     its time is up, resume, a lock-out, somebody else, <--+
 *                                     policy allows none (or less) any more
 *
 * A pure machine: the courier hands it presence, policy and time (CLOCK_BOOTTIME, us), and does
 * what it says. A screen that is locked during the pause does not end it: the time goes on.
 */
#ifndef IDEM_AGENT_COURIER_PAUSE_H
#define IDEM_AGENT_COURIER_PAUSE_H

#include "agent/message.h"

enum { IDEM_PAUSE_TO_UNLOCK_S = 120, IDEM_PAUSE_LONGEST_S = 24 * 3600 };

/* What policy says. */
struct idem_pause_rule {
    bool allowed;
    uint32_t at_most_s;
};

enum idem_pause_state { IDEM_PAUSE_NONE = 0, IDEM_PAUSE_ASKED, IDEM_PAUSE_ON };

struct idem_pause {
    enum idem_pause_state state;
    struct idem_pause_rule rule;
    struct idem_presence_message seat; /* the last one; NOBODY before the first */
    uint32_t seconds;                  /* asked for */
    bool locked;                       /* ASKED: the screen was locked since */
    uint32_t unlocked;                 /* ASKED: the count then */
    int64_t until_us;                  /* ASKED: to unlock; ON: the end */
};

/* What the courier does next. */
enum idem_pause_step {
    IDEM_PAUSE_NOTHING = 0,
    IDEM_PAUSE_BEGINS,   /* tell the server (until_us), the sensor (collect 0), the person */
    IDEM_PAUSE_ENDS,     /* tell the server (0), the sensor, the person */
    IDEM_PAUSE_GIVEN_UP, /* was asked for and is not to be: tell watchers */
};

/*
 * 0: lock the screen now (IDEM_ACTION_LOCK, without a notice). IDEM_ERR_LEVEL: policy allows none;
 * IDEM_ERR_LIMIT: longer than policy allows; IDEM_ERR_INVALID: nobody is at the seat, unlocked;
 * IDEM_ERR_FULL: there is one, or one is asked for. seconds: 1..IDEM_PAUSE_LONGEST_S.
 */
int idem_pause_ask(struct idem_pause *pause, uint32_t seconds, int64_t now_us);
/* The person has thought better of it. */
enum idem_pause_step idem_pause_resume(struct idem_pause *pause);
/* The broker said so; NULL: the broker is gone. */
enum idem_pause_step idem_pause_presence(struct idem_pause *pause,
                                         const struct idem_presence_message *seat, int64_t now_us);
/* Policy says so. What is on gets no longer than from now on would be allowed. */
enum idem_pause_step idem_pause_rules(struct idem_pause *pause, struct idem_pause_rule rule,
                                      int64_t now_us);
/* The session is over, or locked by the server: no more pause. */
enum idem_pause_step idem_pause_stop(struct idem_pause *pause);
/* The timer: call when idem_pause_due_us() has come. */
enum idem_pause_step idem_pause_due(struct idem_pause *pause, int64_t now_us);
/* Microseconds from now, at least 0; -1: nothing to wait for. For idem_loop_after(). */
int64_t idem_pause_due_us(const struct idem_pause *pause, int64_t now_us);
/* Seconds left of what is ASKED or ON, rounded up. */
uint32_t idem_pause_left_s(const struct idem_pause *pause, int64_t now_us);

#endif
