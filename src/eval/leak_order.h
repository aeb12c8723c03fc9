/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_order.h - what a window's counts and sums say about single strokes and about their order.
 *
 * Solving: a cell of one stroke shows its value, a cell of two shows both, the roots of what the
 * sum and the sum of squares say. Orders: the flights are the edges of a directed multigraph over
 * zones, and a text is one of its Eulerian trails; the theorem of de Bruijn, van
 * Aardenne-Ehrenfest, Smith and Tutte counts them. Chaining: with down-down and up-up flights
 * beside the up-down one, DD - UD = hold of the first key,   UU - UD = hold of the second, and a
 * transition whose second hold is another's first hold comes before it.
 */
#ifndef IDEM_EVAL_LEAK_ORDER_H
#define IDEM_EVAL_LEAK_ORDER_H

#include "eval/leak_world.h"

struct idem_leak_solved {
    uint32_t strokes;      /* measurements in the window's cells */
    uint32_t single, pair; /* of these, in cells with one and with two */
    uint32_t right;        /* values found within 0.1 standard deviations */
};

struct idem_leak_chained {
    uint32_t transitions; /* from a stroke of the window to the next */
    uint32_t claimed;     /* successions that the attacker claims to know */
    uint32_t right;
};

/* Values that follow from (n, x, q) of one cell: 0, 1 or 2 of them. */
uint32_t idem_leak_solve(double n, double x, double q, double values[2]);

/* Solves the cells of an undefended window and compares with the truth. */
int idem_leak_solve_window(const struct idem_leak_world *world, uint32_t person, uint32_t first,
                           uint32_t keys, struct idem_leak_solved *out);

/*
 * log2 of the number of zone sequences with these flight counts m[zones][zones]. False when no
 * single sequence has them.
 */
bool idem_leak_orders(const uint32_t *m, uint32_t zones, double *log2_orders);
/*
 * The same for a window's counts n[cells], and log2_keys: the ways to give the holds' finger zones
 * to the places of a sequence where their flight zones are coarser; 0 where they are the same.
 */
bool idem_leak_window_orders(const struct idem_leak_world *world, const float *n,
                             double *log2_orders, double *log2_keys);

/* Chains a window's transitions. IDEM_ERR_INVALID unless all three flights are filed. */
int idem_leak_chain_window(const struct idem_leak_world *world, uint32_t person, uint32_t first,
                           uint32_t keys, struct idem_leak_chained *out);

#endif
