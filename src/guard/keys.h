/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.h - does a hand type on this keyboard? From key events to keystrokes, from these to a
 * finding.
 *
 * Of a key the judge keeps its code while it is down, because its release must find it, and the
 * code of the key before, because a key that repeats says nothing; besides that sums,
 * and the hold times and gaps of the last eight keystrokes, for the words. A gap wipes all of it.
 */
#ifndef IDEM_GUARD_KEYS_H
#define IDEM_GUARD_KEYS_H

#include "guard/contest.h"

enum { IDEM_KEYS_HELD = 16, IDEM_KEYS_RECENT = 8 };

struct idem_held_key {
    int64_t down_us, gap_us, flight_us, stall_us;
    uint16_t code;
    uint16_t what; /* IDEM_STROKE_* */
    bool silent;   /* the same key again: no evidence */
};

struct idem_key_judge {
    struct idem_guard_device device;
    struct idem_finding finding;
    struct idem_contest contest;
    struct idem_held_key held[IDEM_KEYS_HELD]; /* what is down now, in no order */
    uint32_t held_count;
    int64_t last_us, last_down_us, last_up_us; /* IDEM_TIME_NONE */
    int64_t modifier_us;                       /* when a modifier last went down */
    int64_t stall_us, stall_end_us;
    int64_t interval_us[2]; /* between the newest events: the last, the one before */
    int64_t tick_us[2]; /* least difference of intervals: in this stretch of events, in the last */
    uint32_t tick_events;
    bool mixed;     /* intervals of two kinds were seen */
    uint32_t burst; /* keys since the last rest */
    uint16_t last_code;
    bool sticky;    /* Shift was tapped on its own: the next capital is not bare */
    bool weighed;   /* the device's arrival has been weighed */
    uint8_t downs;  /* keys seen, stays at its maximum */
    uint8_t serial; /* newest strokes none of which overlapped another; likewise */
    float past_ms;  /* how long keys were held on this device by hand, a moving mean */
    uint8_t recent_at, recent;
    float hold_ms[IDEM_KEYS_RECENT], gap_ms[IDEM_KEYS_RECENT]; /* newest strokes; gap NAN: none */
};

void idem_key_judge_init(struct idem_key_judge *j, const struct idem_guard_device *device);
/* One event; true when the finding has changed in kind or gained a reason. */
bool idem_key_judge_event(struct idem_key_judge *j, uint32_t key, enum idem_key_action action,
                          unsigned flags, int64_t t_us);
void idem_key_judge_gap(struct idem_key_judge *j);

#endif
