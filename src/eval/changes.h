/* SPDX-License-Identifier: Apache-2.0 */
/* changes.h - what a hurt hand, missing fingers, another keyboard or clock do to recorded strokes.
 */
#ifndef IDEM_EVAL_CHANGES_H
#define IDEM_EVAL_CHANGES_H

#include "eval/timeline.h"

enum idem_change_kind {
    IDEM_CHANGE_NONE,
    IDEM_CHANGE_HURT_HAND,    /* left hand: holds x 1.4, every press 60 ms late */
    IDEM_CHANGE_LOST_FINGERS, /* left ring and little: holds x 1.2, every press 120 ms late */
    IDEM_CHANGE_KEYBOARD,     /* longer travel: every hold 25 ms longer */
    IDEM_CHANGE_CLOCK,        /* times on a grid of 15.625 ms */
    IDEM_CHANGE_KEYBOARD_CLOCK,
    IDEM_CHANGES,
};

const char *idem_change_name(enum idem_change_kind kind);
/* The strokes of one session, in order of press. */
void idem_change_apply(enum idem_change_kind kind, struct idem_stroke *strokes, uint32_t count);
/* For idem_timelines_keys; lives as long as the program. */
const struct idem_change *idem_change_of(enum idem_change_kind kind);

#endif
