/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_order.h - what a window's counts and sums say about the order of strokes.
 *
 * Orders: the flights are the edges of a directed multigraph over zones, and a text is one of its
 * Eulerian trails; the theorem of de Bruijn, van Aardenne-Ehrenfest, Smith and Tutte counts them.
 * Chaining: with down-down and up-up flights beside the up-down one, DD - UD = hold of the first
 * key, UU - UD = hold of the second, and a transition whose second hold is another's first hold
 * comes before it.
 */
#ifndef IDEM_EVAL_LEAK_ORDER_H
#define IDEM_EVAL_LEAK_ORDER_H

#include "eval/leak_world.h"

struct idem_leak_chained {
    uint32_t transitions; /* from a stroke of the window to the next */
    uint32_t claimed;     /* successions that the attacker claims to know */
    uint32_t right;
};

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
