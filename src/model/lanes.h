/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lanes.h - the same small linear algebra for eight problems side by side.
 *
 * Matrix element (i, j) of all lanes lies together, so that one Cholesky factorisation works on
 * IDEM_LANES matrices with full vector registers and no shuffles.
 */
#ifndef IDEM_MODEL_LANES_H
#define IDEM_MODEL_LANES_H

#include "model/model.h"

/* Eight doubles fill one 512-bit or two 256-bit registers. */
enum { IDEM_LANES = 8 };

/* One matrix element of every lane. A vector of the compiler's, only as aligned as a double is. */
typedef double idem_v8
    __attribute__((vector_size(IDEM_LANES * sizeof(double)), aligned(sizeof(double))));

/* Scratch is put on a cache line: a vector that straddles two costs twice. */
enum { IDEM_LINE = 64, IDEM_LINE_DOUBLES = IDEM_LINE / sizeof(double) };

static inline idem_v8 *idem_on_a_line(double *scratch)
{
    return (idem_v8 *)(((uintptr_t)scratch + IDEM_LINE - 1) & ~(uintptr_t)(IDEM_LINE - 1));
}

/*
 * Cholesky factor C of I + A, in place (packed lower triangle, the diagonal keeps its reciprocal),
 * and y <- C^-1 y. out[IDEM_LANES]: 1/2 y'y - sum log diag C of each lane.
 */
void idem_lanes_factor(uint32_t rank, idem_v8 *A, idem_v8 *y, double *out);
/* y <- C'^-1 y for the factor of the function above. */
void idem_lanes_solve_upper(uint32_t rank, const idem_v8 *A, idem_v8 *y);
/* A += sum over cells of n_c G_c, for the lanes of n[cells]. */
void idem_lanes_project(const struct idem_model *model, const idem_v8 *n, idem_v8 *A);
/* y += sum over statistics of f_k W_k T_k, for the lanes of f[dims]. */
void idem_lanes_project_b(const struct idem_model *model, const idem_v8 *f, idem_v8 *y);

#endif
