/* SPDX-License-Identifier: Apache-2.0 */
/* words.c - see words.h. */
#include "window/words.h"

#include <stdio.h>

static enum idem_cell_measure of_key(const struct idem_front *front, uint32_t cell,
                                     char text[IDEM_CELL_WORDS_MAX])
{
    bool hold = true;

    if (idem_slot_describe(front->level, front->slot[cell], text, IDEM_CELL_WORDS_MAX, &hold) != 0)
        snprintf(text, IDEM_CELL_WORDS_MAX, "cell %u", cell);
    return hold ? IDEM_CELL_HOLD : IDEM_CELL_GAP;
}

static enum idem_cell_measure of_gesture(const struct idem_front *front, uint32_t cell,
                                         char text[IDEM_CELL_WORDS_MAX])
{
    static const char *const clicks[IDEM_SCALARS] = {
        [IDEM_SCALAR_CLICK] = "clicks",
        [IDEM_SCALAR_OTHER_CLICK] = "clicks of another button",
        [IDEM_SCALAR_DOUBLE_CLICK] = "double clicks",
    };
    const uint32_t kinds = front->mixture.components;

    if (cell < kinds) {
        snprintf(text, IDEM_CELL_WORDS_MAX, "movements of kind %u", cell + 1);
        return IDEM_CELL_MOVEMENT;
    }
    snprintf(text, IDEM_CELL_WORDS_MAX, "%s", clicks[cell - kinds]);
    return IDEM_CELL_CLICK;
}

enum idem_cell_measure idem_cell_words(const struct idem_front *front, enum idem_modality modality,
                                       uint32_t cell, char text[IDEM_CELL_WORDS_MAX])
{
    if (cell < idem_front_shape(front, modality).cells)
        return modality == IDEM_POINTER ? of_gesture(front, cell, text) : of_key(front, cell, text);
    snprintf(text, IDEM_CELL_WORDS_MAX, "cell %u", cell);
    return IDEM_CELL_MOVEMENT;
}
