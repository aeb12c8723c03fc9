/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.h - what a cell of a front is about, for people: where and what is measured there. The same
 * words in everything that shows a person what is held or sent.
 */
#ifndef IDEM_WINDOW_WORDS_H
#define IDEM_WINDOW_WORDS_H

#include "window/front.h"

enum idem_cell_measure {
    IDEM_CELL_HOLD,     /* how long keys are held */
    IDEM_CELL_GAP,      /* from letting go of one key to pressing the next */
    IDEM_CELL_MOVEMENT, /* a kind of movement */
    IDEM_CELL_CLICK,    /* how long a button is held, or from one click to the next */
};

enum { IDEM_CELL_WORDS_MAX = 80 };

/* "left hand", "left hand to right hand", "movements of kind 3", "double clicks" into text; a cell
 * that the front does not have is "cell 7", a movement. */
enum idem_cell_measure idem_cell_words(const struct idem_front *front, enum idem_modality modality,
                                       uint32_t cell, char text[IDEM_CELL_WORDS_MAX]);

#endif
