/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand.h - pointer sessions as hands produce them, from a model: what the guard must not alarm on.
 *
 * The few recordings of hands whose terms allow to learn from them show one task only. This model
 * fills in the others: aimed movements as overlapping strokes of log-normal speed (Plamondon's
 * kinematic theory of rapid movements), each a little wrong in length and direction and corrected
 * by the next; noise that grows with the speed; tremor; wandering, looping, dragging along an axis.
 * What moves is then seen through a mouse: counted, clocked, gathered into frames or sent over a
 * slow line. It broadens what counts as a hand and proves nothing about people.
 */
#ifndef IDEM_EVAL_HAND_H
#define IDEM_EVAL_HAND_H

#include "input/recording.h"

/* A session of so many gestures. The number of events, at most cap. */
uint32_t idem_hand_play(uint64_t seed, uint32_t gestures, struct idem_motion *out, uint32_t cap);

#endif
