/* SPDX-License-Identifier: Apache-2.0 */
/*
 * robot.h - programs that move a pointer, for teaching and testing the guard: point-and-click
 * sessions as automation libraries produce them, from a seed.
 *
 * A session draws its habits once (clock, rounding, how fast, how long a button is held) and then
 * goes from target to target. Every style is written from the description of the method.
 */
#ifndef IDEM_EVAL_ROBOT_H
#define IDEM_EVAL_ROBOT_H

#include "input/recording.h"

enum idem_robot {
    IDEM_ROBOT_LINE,   /* straight, equal steps */
    IDEM_ROBOT_EASE,   /* straight, eased in and out: sine, square or cube */
    IDEM_ROBOT_JERK,   /* straight, minimum jerk */
    IDEM_ROBOT_BEZIER, /* cubic Bezier curve, its parameter in equal steps */
    IDEM_ROBOT_CURVE,  /* the same curve, eased */
    IDEM_ROBOT_SINE,   /* a line with a sine wave across it */
    IDEM_ROBOT_ARC,    /* part of a circle, equal steps */
    IDEM_ROBOT_SPLINE, /* through random points between, few steps */
    IDEM_ROBOT_RULER,  /* straight, steps of random length */
    IDEM_ROBOT_WAVER,  /* a Bezier curve, steps of random length */
    IDEM_ROBOT_NOISE,  /* any of the above, every point displaced at random */
    IDEM_ROBOT_WANDER, /* the same with noise that remembers (autoregressive) */
    IDEM_ROBOT_WIND,   /* gravity and wind: a target pulls, random gusts push */
    IDEM_ROBOT_JUMP,   /* no way at all: there, and click */
    IDEM_ROBOT_STYLES,
};

enum { IDEM_ROBOT_MOTIONS = 4096 }; /* most events of a session */

const char *idem_robot_name(enum idem_robot style);
/* A session of so many gestures, each ending in a click. The number of events, at most cap. */
uint32_t idem_robot_play(enum idem_robot style, uint64_t seed, uint32_t gestures,
                         struct idem_motion *out, uint32_t cap);
/*
 * A recorded path played again: moved by a constant, every position displaced by up to `noise` px
 * and every interval by up to `noise` ms.
 */
void idem_robot_replay(struct idem_motion *motions, uint32_t count, double noise, uint64_t seed);

#endif
