/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.h - keyboard recordings as statistics: a front and a corpus to learn from, and single
 * windows to score.
 */
#ifndef IDEM_EVAL_KEYS_H
#define IDEM_EVAL_KEYS_H

#include "eval/filing.h"

/*
 * The keyboard's front, unsealed, and its corpus. A session is cut into slices of about
 * slice_strokes of equal length; the flight over a cut belongs to the later slice. Lost releases
 * must have been dropped.
 */
int idem_keys_learn_front(const struct idem_filing *filing, struct idem_recording *const *recs,
                          int count, uint32_t slice_strokes, struct idem_front **front,
                          struct idem_corpus *corpus);

/* Adds the strokes' statistics, as a window would hold them (on the grid), to stats[shape len]. */
int idem_keys_window(const struct idem_filing *filing, const struct idem_front *front,
                     const struct idem_stroke *strokes, uint32_t count, float *stats);

/* Rounds flat statistics to the grid of 1/IDEM_GRID. */
void idem_round_to_grid(float *stats, size_t len);

#endif
