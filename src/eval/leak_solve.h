/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_solve.h - single times read off a cell's sums.
 *
 * The six contrasts of a cell of n strokes are, turned back, six numbers: for each edge how many of
 * the strokes lie below it, blurred. A time within the blur of an edge lies below it by a share
 * that tells where exactly; only one further from every edge keeps to its bin. So one stroke near
 * an edge is known to a fraction of a millisecond, and of few strokes the times are sought that fit
 * all six numbers.
 */
#ifndef IDEM_EVAL_LEAK_SOLVE_H
#define IDEM_EVAL_LEAK_SOLVE_H

#include "eval/leak_world.h"

enum { IDEM_LEAK_SOLVE = 8 }; /* most strokes of a cell to be told apart */
/* A time counts as found within so many ms. */
#define IDEM_LEAK_NEAR_MS 5.0

struct idem_leak_solved {
    uint32_t strokes;      /* measurements in the window's cells */
    uint32_t tried, right; /* of these, in cells of at most IDEM_LEAK_SOLVE; found */
    uint32_t guessed;      /* of those tried, found without sums, by the population's quantiles */
    uint32_t lone, lone_right, lone_guessed; /* the same in cells of one stroke */
};

/*
 * The times in ms, ascending, that fit best; their number, 0 unless the cell holds 1 to
 * IDEM_LEAK_SOLVE strokes. edges: [IDEM_EDGES], sums: [IDEM_CONTRASTS].
 */
uint32_t idem_leak_solve(const float *edges, float n, const float *sums,
                         double ms[IDEM_LEAK_SOLVE]);
/* Is a lone time told by its sums, lying within the blur of an edge? */
bool idem_leak_told(const float *edges, double ms);

/* Solves the cells of an undefended window and compares with the truth. */
int idem_leak_solve_window(const struct idem_leak_world *world, uint32_t person, uint32_t first,
                           uint32_t keys, struct idem_leak_solved *out);

#endif
