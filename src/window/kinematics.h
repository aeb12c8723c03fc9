/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinematics.h - from the points of one gesture to its features.
 *
 * All features are rates, ratios and angles of the path, and none counts points. Before any rate is
 * taken, the path is put on a common clock: points at even steps of about IDEM_CLOCK_S between the
 * first move and the last, by linear interpolation. So neither the rate nor the jitter of a mouse
 * shows directly; what the interpolation leaves of them, and of the scale of the coordinates, the
 * projection takes out (mixture_learn.h). Directions: a step of length nought points along +x.
 */
#ifndef IDEM_WINDOW_KINEMATICS_H
#define IDEM_WINDOW_KINEMATICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Order of a gesture's feature vector. Units: length as given (pixels, as a rule), s, radian. */
enum idem_feature {
    IDEM_FEATURE_LENGTH,       /* ln path length */
    IDEM_FEATURE_DURATION,     /* ln s */
    IDEM_FEATURE_STRAIGHTNESS, /* chord over path */
    IDEM_FEATURE_SPEED_MEAN,   /* ln(1 + units/s), likewise sd and max */
    IDEM_FEATURE_SPEED_SD,
    IDEM_FEATURE_SPEED_MAX,
    IDEM_FEATURE_PEAK_TIME,    /* time of top speed over duration */
    IDEM_FEATURE_ACCELERATION, /* ln(1 + mean |a|) */
    IDEM_FEATURE_ACCELERATION_RANGE,
    IDEM_FEATURE_JERK,
    IDEM_FEATURE_TURN_RATE, /* ln(0.01 + mean |angular velocity|) */
    IDEM_FEATURE_TURN_RATE_SD,
    IDEM_FEATURE_TURN_END, /* |last direction - first direction|, full turns counted */
    IDEM_FEATURE_TURN_SUM, /* sum of |turns| */
    IDEM_FEATURE_TURN_MEAN,
    IDEM_FEATURE_CURVATURE, /* ln(1e-4 + mean |turn per length|) */
    IDEM_FEATURE_SIN,       /* direction of the chord */
    IDEM_FEATURE_COS,
    IDEM_FEATURE_COS2,
    IDEM_FEATURE_ENDS_PRESS,
    IDEM_FEATURE_ENDS_RELEASE,
    IDEM_FEATURE_SPEED_END, /* last over mean speed */
    IDEM_FEATURE_SPEED_START,
    IDEM_FEATURE_QUARTER_1, /* share of the path travelled at 1/4, 1/2, 3/4 of the time */
    IDEM_FEATURE_QUARTER_2,
    IDEM_FEATURE_QUARTER_3,
    IDEM_FEATURE_BOW_LEFT,    /* largest deviation from the chord to either side, over the path */
    IDEM_FEATURE_BOW_RIGHT,   /* (negative) */
    IDEM_FEATURE_BOW_TIME,    /* when the deviation is largest, over duration */
    IDEM_FEATURE_AIM,         /* first direction against the chord's, -pi..pi */
    IDEM_FEATURE_TURN_SIGNED, /* last direction - first direction */
    IDEM_FEATURE_BRAKING,     /* ln(0.01 + s from top speed to the end) */
    IDEM_FEATURE_SPEED_SKEW,  /* (mean - median speed) / (sd + 1) */
    IDEM_FEATURE_HOMING,      /* share of the path in the last 100 ms */
    IDEM_FEATURE_DRAG,        /* a button was down most of the time */
    IDEM_FEATURE_DWELL,       /* ln(0.01 + s from the last move to the gesture's end) */
    IDEM_FEATURE_LEAD,    /* ln(0.01 + s from the event before to the first move), 2 s at most */
    IDEM_FEATURE_BOW_COS, /* largest deviation, signed, times the chord's direction */
    IDEM_FEATURE_BOW_SIN,
    IDEM_FEATURE_BOW_COS2,
    IDEM_FEATURE_BOW_SIN2,
    IDEM_FEATURE_PEAKS,       /* ln(1 + maxima of speed above a tenth of the top) */
    IDEM_FEATURE_FIRST_SHARE, /* first sub-movement, up to the minimum after top speed: of the path
                               */
    IDEM_FEATURE_FIRST_TIME,  /* and of the duration */
    IDEM_FEATURE_SECOND_PEAK, /* second highest maximum over the highest speed */
    IDEM_FEATURE_APPROACH,    /* direction of the last fifth of the time against the chord's */
    IDEM_FEATURE_TREMOR,      /* ln(0.1 + rms distance from the mean of five points) */
    IDEM_FEATURE_SPEED_AT_1,  /* speed over mean speed at 1/10, 3/10, ... 9/10 of the duration */
    IDEM_FEATURE_SPEED_AT_3,
    IDEM_FEATURE_SPEED_AT_5,
    IDEM_FEATURE_SPEED_AT_7,
    IDEM_FEATURE_SPEED_AT_9,
    IDEM_FEATURES,
};

/* How a gesture came to its end. */
enum idem_gesture_end {
    IDEM_GESTURE_PAUSE,   /* a gap, or somebody asked for what there is */
    IDEM_GESTURE_FULL,    /* as long as one may be */
    IDEM_GESTURE_PRESS,   /* point and click */
    IDEM_GESTURE_RELEASE, /* a drag's end, or what was moved during a click */
    IDEM_GESTURE_SCROLL,
};

/* Steps of the common clock, s; a gesture may last IDEM_CLOCK_STEPS of them. */
#define IDEM_CLOCK_S 0.016f
enum { IDEM_CLOCK_STEPS = 80 };

/* Points at least IDEM_MERGE_US apart (gesture.h) over the longest gesture. */
enum { IDEM_PATH_MAX = 224, IDEM_PATH_MIN = 3 };

/* The points of one gesture, relative to its first; times ascend strictly. */
struct idem_path {
    uint32_t count;
    int32_t t_us[IDEM_PATH_MAX];
    float x[IDEM_PATH_MAX], y[IDEM_PATH_MAX];
};

/* What surrounds a path. */
struct idem_gesture_frame {
    enum idem_gesture_end end;
    int64_t lead_us; /* from the event before to the first point */
    bool drag;
};

/*
 * Fills feature[IDEM_FEATURES], rounded to the grid of 1/4096 so that values which many gestures
 * share (straight, no turn) stay equal whatever the machine. False, and nothing written, for fewer
 * than IDEM_PATH_MIN points between the first move and the last, less than 30 ms or a path shorter
 * than 3 units.
 */
bool idem_kinematics(const struct idem_path *path, const struct idem_gesture_frame *frame,
                     float *feature);

/* What a person would say of more (or less) of feature f: "moves faster"; NULL: not worth saying.
 */
const char *idem_feature_words(uint32_t feature, bool more);

#endif
