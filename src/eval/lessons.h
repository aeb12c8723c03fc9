/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lessons.h - what the pointer's judge learns from: a recording that tells people and programs
 * apart, the programs of robot.h, the hands of hand.h, and people's movements varied: cut into
 * pieces, zoomed, seen at other rates and along an axis only, so that neither their one task nor
 * their devices become what a hand is.
 */
#ifndef IDEM_EVAL_LESSONS_H
#define IDEM_EVAL_LESSONS_H

#include "eval/movements.h"

enum { IDEM_LESSON_FOLDS = 3 };

/* Sessions labelled is_bot 0 or 1; others teach nothing. IDEM_ERR_MISMATCH: no pointer recording.
 */
int idem_lessons_recorded(struct idem_movements *m, const struct idem_recording *rec);
int idem_lessons_made(struct idem_movements *m);
/* The source of made hands, -1 when there is none. */
int idem_lessons_hands(const struct idem_movements *m);
/* The fold that a session of this number belongs to. */
uint32_t idem_lesson_fold(uint32_t session);

#endif
