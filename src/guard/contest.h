/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contest.h - which explanation of the keystrokes so far is the best?
 *
 * Every explanation is a way in which key events come about, with a density of its own for a
 * keystroke's hold time and the time since the key-down before it. Each keeps the logarithm of its
 * probability and of the data under it (nats, relative to IDEM_BY_HAND's prior); the difference
 * between the best machine and the best honest one decides. Sums and maxima only: Viterbi's way
 * through a mixture with change points.
 *
 *   hand      a person at a keyboard that reports at once
 *   bunch     the same behind a busy machine: what queued up in a stall is delivered at once.
 *             Needs the stall, and no more keys than a person types in it
 *   light     a hand on keys that come up at once, or are hardly pressed
 *   soft      a touch or on-screen keyboard: no hold to speak of, but a finger's pace
 *   tap_hold  home-row modifiers: the keys of the home row are sent when they are let go
 *   role      what the device is known as, as long as its bursts look like that
 *   exact     a machine in one rhythm;       jitter     with random delays;
 *   humanised with human delays but holds that are not;
 *   fast      with holds of any length, overlapping or not, and gaps that no hand makes
 *   even_*    with human times, of which the flight, or hold and flight, never change;
 *   program   with human times, and capitals as no hand makes them: without Shift, or with one that
 *             leads its key by no time at all
 */
#ifndef IDEM_GUARD_CONTEST_H
#define IDEM_GUARD_CONTEST_H

#include "guard/guard.h"

enum idem_explanation {
    IDEM_BY_HAND = 0,
    IDEM_BY_BUNCH,
    IDEM_BY_LIGHT,
    IDEM_BY_SOFT,
    IDEM_BY_TAP_HOLD,
    IDEM_BY_ROLE,
    IDEM_BY_EXACT, /* from here on: machines */
    IDEM_BY_JITTER,
    IDEM_BY_HUMANISED,
    IDEM_BY_FAST,
    IDEM_BY_EVEN,
    IDEM_BY_EVEN_FLIGHT,
    IDEM_BY_PROGRAM,
    IDEM_EXPLANATIONS,
    IDEM_HONEST = IDEM_BY_EXACT, /* so many honest ones */
};

/* A time that is not known, or says nothing. */
#define IDEM_TIME_NONE INT64_MIN

/* What a key is to the guard; nothing finer is kept. */
enum {
    IDEM_STROKE_MODIFIER = 1,
    IDEM_STROKE_CHORD = 2,         /* a modifier other than Shift */
    IDEM_STROKE_TAP_HOLD = 4,      /* a key that keyboards give a second function to */
    IDEM_STROKE_SWEEP = 8,         /* the key before it was a modifier: the gap says nothing */
    IDEM_STROKE_ROLLOVER = 16,     /* went down while the key before it, no modifier, was down */
    IDEM_STROKE_SAME = 32,         /* the key before again: equal times say nothing */
    IDEM_STROKE_BARE = 64,         /* a capital without Shift */
    IDEM_STROKE_EXACT = 128,       /* Shift went down at the same moment */
    IDEM_STROKE_LED = 256,         /* Shift went down before, as fingers do it */
    IDEM_STROKE_REPORT = 512,      /* in one report with its modifier */
    IDEM_STROKE_FOREIGN = 1024,    /* not a key that the device's role sends */
    IDEM_STROKE_LONG_BURST = 2048, /* more keys without a rest than the device's role sends */
};

struct idem_guard_stroke {
    int64_t hold_us;
    int64_t gap_us;    /* from the key-down before it to its own; IDEM_TIME_NONE */
    int64_t flight_us; /* from the release before it to its key-down, may be negative; likewise */
    int64_t stall_us;  /* the silence that ended just before this key went down; 0: none */
    unsigned what;     /* IDEM_STROKE_* */
};

struct idem_contest {
    double nats[IDEM_EXPLANATIONS];
    enum idem_explanation machine, honest; /* the best of them */
    int64_t last_hold_us, last_flight_us, last_gap_us;
    uint32_t strokes;   /* judged; stays at its maximum */
    uint32_t by_hand;   /* of them as a hand makes them; likewise */
    uint32_t backlog;   /* keys that may still be waiting since the last stall */
    bool held_stall;    /* the last stall was with a key down */
    uint32_t elsewhere; /* strokes by hand that are no tap_hold keys; stays at its maximum */
    uint32_t bare, exact, reports; /* counted up to what they weigh */
    enum idem_guard_role role;
    bool hardware, stamped;
};

/*
 * machine_odds: ln prior odds that no hand is at this device. hardware: it is no keyboard of glass.
 * stamped: and a kernel stamps its reports as they are made, so that none queue up.
 */
void idem_contest_init(struct idem_contest *c, enum idem_guard_role role, bool hardware,
                       bool stamped, double machine_odds);
/*
 * No event came for so long: what was typed meanwhile may come now. held: a key was down all the
 * while, which no machine that types does.
 */
void idem_contest_stall(struct idem_contest *c, int64_t stall_us, bool held);
/* tick_us: the coarseness of the time stamps, at least 1. */
void idem_contest_stroke(struct idem_contest *c, const struct idem_guard_stroke *stroke,
                         int64_t tick_us);
enum idem_explanation idem_contest_best_machine(const struct idem_contest *c);
enum idem_explanation idem_contest_best_honest(const struct idem_contest *c);
/* Of the best machine against the best honest explanation, nats. */
double idem_contest_odds(const struct idem_contest *c);
/* Makes machines that much more likely, nats. */
void idem_contest_suspect(struct idem_contest *c, double more);

#endif
