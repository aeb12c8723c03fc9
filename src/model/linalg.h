/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linalg.h - the little linear algebra that learning needs, on packed lower triangles (row by row:
 * element (i, j <= i) at i (i + 1) / 2 + j). Plain doubles, no allocation.
 */
#ifndef IDEM_MODEL_LINALG_H
#define IDEM_MODEL_LINALG_H

#include <stddef.h>
#include <stdint.h>

/* y += a x */
void idem_axpy(double *y, const double *x, double a, size_t len);
/* Cholesky factor C of a positive definite matrix, in place. */
void idem_packed_factor(uint32_t n, double *A);
/* Solves C C' x = b in place of b. */
void idem_packed_solve(uint32_t n, const double *C, double *b);
/* x' <- x' C in place (row vector times lower factor). */
void idem_packed_times_factor(uint32_t n, double *x, const double *C);
/* (C C')^-1 in place of C. scratch: n n doubles. */
void idem_packed_inverse_from_factor(uint32_t n, double *C, double *scratch);
/*
 * Eigenvalues (ascending) and eigenvectors (rows of vectors[n][n]) of the symmetric A[n][n], which
 * is destroyed: cyclic Jacobi rotations (Golub and Van Loan, section 8.5).
 */
void idem_symmetric_eigen(uint32_t n, double *A, double *values, double *vectors);

#endif
