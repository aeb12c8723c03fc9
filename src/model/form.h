/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form.h - can typing have made this keyboard window? Three conditions that every window of the
 * collector meets whoever types, up to the rounding to the grid, and that sums computed from other
 * sums do not. There is no statistic in them, so no false alarm either.
 *
 *   thin    A cell of one stroke holds the six contrasts of one time: a curve in six dimensions. A
 *           cell of two holds those of two times. A mixture of windows, or a profile scaled down to
 *           a window, leaves the curve.
 *   whole   Times are blurred before they are counted (histogram.h), so a full cell's counts are
 *           fractions. Counts drawn bin by bin are whole numbers.
 *   path    A flight ends where the next one begins: out of each zone go as many as come in, but
 *           for one at each end of an unbroken run of keys. How many runs there are, the flights
 *           missing beside the holds tell. Counts drawn cell by cell know nothing of it.
 *
 * What it does not find: sums of times that were drawn one by one along a path and filed as the
 * collector files them, and a mixture whose thin cells were left as one of its windows had them.
 */
#ifndef IDEM_MODEL_FORM_H
#define IDEM_MODEL_FORM_H

#include "window/front.h"
#include "window/window.h"

enum {
    IDEM_FORM_FULL = 8,   /* strokes of a cell that is looked at for whole counts */
    IDEM_FORM_WHOLE = 2,  /* so many hold cells in whole counts, and all of them: no window */
    IDEM_FORM_SLACK = 10, /* ends of runs that rollover at both borders of a window may add */
};

struct idem_form {
    uint32_t thin, bent;  /* cells of one or two strokes, and those that nobody's times add up to */
    uint32_t full, whole; /* hold cells of FULL strokes, and those in whole counts */
    int32_t loose;        /* ends of flights beyond those that missing flights account for */
};

enum idem_form_fault { IDEM_FORM_SOUND = 0, IDEM_FORM_BENT, IDEM_FORM_WHOLES, IDEM_FORM_LOOSE };

/* Keyboard windows of this front. */
void idem_form_read(const struct idem_front *front, const struct idem_window *window,
                    struct idem_form *out);
enum idem_form_fault idem_form_fault(const struct idem_form *form);

/* Blurred counts below each edge, of a cell's count and sums in grid units, in strokes. */
void idem_form_below(int32_t n, const int32_t *sums, double below[IDEM_EDGES]);

#endif
