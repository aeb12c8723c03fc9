/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinematics.h - from the points of one gesture to its features.
 *
 * All features are rates, ratios and angles of the path; none counts points, so a faster mouse is
 * not another person. Rates are taken between neighbouring points, which the gesture machine keeps
 * at least IDEM_MERGE_US apart. Directions: a step of length nought points along +x.
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
    IDEM_FEATURES,
};

/* How a gesture came to its end. */
enum idem_gesture_end {
    IDEM_GESTURE_PAUSE,   /* a gap, or somebody asked for what there is */
    IDEM_GESTURE_FULL,    /* as many points as fit */
    IDEM_GESTURE_PRESS,   /* point and click */
    IDEM_GESTURE_RELEASE, /* a drag's end, or what was moved during a click */
    IDEM_GESTURE_SCROLL,
};

enum { IDEM_PATH_MAX = 80, IDEM_PATH_MIN = 4 };

/* The points of one gesture, relative to its first; times ascend strictly. */
struct idem_path {
    uint32_t count;
    int32_t t_us[IDEM_PATH_MAX];
    float x[IDEM_PATH_MAX], y[IDEM_PATH_MAX];
};

/*
 * Fills feature[IDEM_FEATURES], rounded to the grid of 1/4096 so that values which many gestures
 * share (straight, no turn) stay equal whatever the machine. False, and nothing written, for fewer
 * than IDEM_PATH_MIN points or a path shorter than 3 units.
 */
bool idem_kinematics(const struct idem_path *path, enum idem_gesture_end end, bool drag,
                     float *feature);

/* What a person would say of more (or less) of feature f: "moves faster"; NULL: not worth saying.
 */
const char *idem_feature_words(uint32_t feature, bool more);

#endif
