/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gesture.h - from pointer events to measured gestures and the timings of buttons.
 *
 * The machine is pure: time comes with the events, nothing is allocated, and what held positions is
 * wiped as soon as a gesture has ended. The cases stand at the head of gesture.c.
 */
#ifndef IDEM_WINDOW_GESTURE_H
#define IDEM_WINDOW_GESTURE_H

#include "idem/idem.h"
#include "window/kinematics.h"

/* A pause longer than this ends a gesture. */
#define IDEM_GESTURE_GAP_US INT64_C(300000)
/*
 * Positions closer in time than this are one point: the later position at the earlier time. Live
 * sources report up to 1000 times a second; the common clock of kinematics.h is slower than this.
 */
#define IDEM_MERGE_US INT64_C(6000)
/* No gesture lasts longer: what comes after is the next one. */
#define IDEM_GESTURE_LONGEST_US INT64_C(1280000)
/* Before the first event there was a pause of this length. */
#define IDEM_LEAD_US INT64_C(2000000)
/* A button held longer, or moved further while held, was not clicked. */
#define IDEM_CLICK_HOLD_US  INT64_C(5000000)
#define IDEM_CLICK_DISTANCE 5.0
/* From a release to the next press: longer is no double click. */
#define IDEM_DOUBLE_CLICK_US INT64_C(600000)

/* Timings beside the gestures, ln s, at least 4 ms. */
enum idem_scalar {
    IDEM_SCALAR_CLICK,        /* primary button, press to release */
    IDEM_SCALAR_OTHER_CLICK,  /* any other button */
    IDEM_SCALAR_DOUBLE_CLICK, /* release to the next press, nothing moved in between */
    IDEM_SCALARS,
};

/* What one event yielded: at most one gesture and one timing. */
enum {
    IDEM_OBSERVED_GESTURE = 1,
    IDEM_OBSERVED_BEFORE = 2, /* the gesture had ended before this event, which is not part of it */
    IDEM_OBSERVED_SCALAR = 4,
};

struct idem_observed {
    float feature[IDEM_FEATURES];
    float value; /* of the scalar */
    enum idem_scalar scalar;
};

struct idem_button {
    bool down;
    int64_t press_us;
    double x, y;
};

struct idem_gesture {
    struct idem_path path;
    double x0, y0;                /* of the path's first point */
    int64_t start_us;             /* likewise */
    int64_t lead_us;              /* from the event before to that point */
    uint32_t events;              /* since the last gesture's end, scrolls not counted */
    uint32_t drags;               /* of these, moves with a button down */
    int64_t last_us;              /* of the newest event */
    bool started;                 /* last_us is valid */
    bool just_released;           /* since release_us nothing moved */
    int64_t release_us;           /* of any button */
    struct idem_button button[2]; /* the primary one, any other */
};

void idem_gesture_init(struct idem_gesture *g); /* also wipes */

/* One event in; returns IDEM_OBSERVED_* flags and fills what they name. */
unsigned idem_gesture_event(struct idem_gesture *g, enum idem_pointer_kind kind, double x, double y,
                            int64_t t_us, struct idem_observed *out);
/* The session is over: yields the gesture under way, if it is one. */
unsigned idem_gesture_finish(struct idem_gesture *g, struct idem_observed *out);

#endif
