/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinematics.h - from the points of one gesture to its features.
 *
 * No feature reads the sampling clock: all are ratios or rates of the path, not of its samples.
 */
#ifndef IDEM_WINDOW_KINEMATICS_H
#define IDEM_WINDOW_KINEMATICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Order of a gesture's feature vector. */
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
    IDEM_FEATURE_TURN_END, /* |last direction - first direction| */
    IDEM_FEATURE_TURN_SUM, /* sum of |turns| */
    IDEM_FEATURE_TURN_MEAN,
    IDEM_FEATURE_CURVATURE, /* ln(1e-4 + mean |curvature|) */
    IDEM_FEATURE_SIN,       /* direction of the chord */
    IDEM_FEATURE_COS,
    IDEM_FEATURE_COS2,
    IDEM_FEATURE_ENDS_PRESS,
    IDEM_FEATURE_ENDS_RELEASE,
    IDEM_FEATURE_SPEED_END, /* last over mean speed */
    IDEM_FEATURE_SPEED_START,
};

/* What a person would say of more (or less) of feature f: "moves faster"; NULL: not worth saying.
 */
const char *idem_feature_words(uint32_t feature, bool more);

#endif
