/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keystroke.h - from key events to measured strokes: holds and up-down flights.
 *
 * Two ways in, one arithmetic: recordings hand over finished strokes to idem_hold_value and
 * idem_flight_value; live sources feed events to the chain, which finds out what belongs together.
 */
#ifndef IDEM_WINDOW_KEYSTROKE_H
#define IDEM_WINDOW_KEYSTROKE_H

#include "window/zones.h"

/* Times beyond +-146,000 years count as that, so that differences of two cannot overflow. */
static inline int64_t idem_time_bound(int64_t t_us)
{
    const int64_t most = INT64_C(1) << 62;
    return t_us > most - 1 ? most - 1 : t_us < 1 - most ? 1 - most : t_us;
}

/* One measurement: where it is filed, and its value in milliseconds. */
struct idem_obs {
    uint32_t slot;
    float value;
};

/* Hold time in ms, clipped to 5..1000; a negative or zero hold counts as 5 ms. */
float idem_hold_value(int64_t press_us, int64_t release_us);

/*
 * Up-down flight in ms, from release to next press, clipped to -300..1500. False when there is no
 * transition: the presses lie further apart than the gap or run backwards.
 */
bool idem_flight_value(int64_t press1_us, int64_t release1_us, int64_t press2_us, float *value);

/* Presses further apart than this do not form a transition: the person did something else. */
#define IDEM_FLIGHT_GAP_US INT64_C(5000000)
/* A key held longer than this has lost its release (or is a modifier at rest). */
#define IDEM_HOLD_LOST_US INT64_C(5000000)

enum {
    IDEM_ROLLOVER = 10,     /* keys held at once, ten fingers */
    IDEM_OBS_PER_EVENT = 2, /* a release yields at most its hold and the flight that follows */
};

/* A stroke that is still held, or released and waiting for its successor. */
struct idem_held {
    int64_t press_us, release_us, next_press_us;
    uint32_t key;       /* while down; wiped with the release */
    uint32_t next_slot; /* where the flight to the successor is filed, once it is pressed */
    uint16_t hold_zone, flight_zone;
    bool down, has_next;
};

/*
 * Key identity lives here only while the key is held (the release must find its press), as the
 * event code in `key`; it is wiped with the release.
 */
struct idem_chain {
    struct idem_held held[IDEM_ROLLOVER];
    uint32_t count;  /* strokes in held[], oldest press first; the last is the newest press */
    int64_t last_us; /* time of the newest event */
    bool started;
};

void idem_chain_init(struct idem_chain *chain); /* also wipes */

/*
 * One event in, 0..IDEM_OBS_PER_EVENT measurements out, *strokes is set to the number of
 * completed keystrokes (0 or 1).
 */
uint32_t idem_chain_event(struct idem_chain *chain, const struct idem_zoning *zoning, uint32_t key,
                          enum idem_key_action action, int64_t t_us,
                          struct idem_obs out[IDEM_OBS_PER_EVENT], uint32_t *strokes);

#endif
