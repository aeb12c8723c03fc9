/* SPDX-License-Identifier: Apache-2.0 */
/* lanes.c - see lanes.h. Hot: every embedding, and so every score, is computed here. */
#include "model/lanes.h"

#include "model/multiversion.h"

#include <math.h>

/* Cells taken together: the sum stays in a register for four of them. */
enum { CELLS = 4 };

/* Row i of the packed lower triangle starts here. */
static inline size_t row(uint32_t i)
{
    return (size_t)i * (i + 1) / 2;
}

/* Rows between two logarithms of the running determinant: diagonals stay below 1e15, 1e240 fits. */
enum { LOG_EVERY = 16 };

static void add_logs(const double *determinant, double *logs)
{
    for (int l = 0; l < IDEM_LANES; l++)
        logs[l] += log(determinant[l]);
}

/* Rows worked on together: four independent sums hide the latency of a subtraction. */
enum { ROWS = 4 };

/* Elements (i..i+3, j) for all j < i. The diagonal holds reciprocals. */
static inline __attribute__((always_inline)) void rows_below(idem_v8 *A, uint32_t i)
{
    idem_v8 *restrict A0 = A + row(i), *restrict A1 = A + row(i + 1);
    idem_v8 *restrict A2 = A + row(i + 2), *restrict A3 = A + row(i + 3);

    for (uint32_t j = 0; j < i; j++) {
        const idem_v8 *Aj = A + row(j);
        idem_v8 s0 = A0[j], s1 = A1[j], s2 = A2[j], s3 = A3[j];
        for (uint32_t k = 0; k < j; k++) {
            idem_v8 a = Aj[k];
            s0 -= A0[k] * a;
            s1 -= A1[k] * a;
            s2 -= A2[k] * a;
            s3 -= A3[k] * a;
        }
        A0[j] = s0 * Aj[j];
        A1[j] = s1 * Aj[j];
        A2[j] = s2 * Aj[j];
        A3[j] = s3 * Aj[j];
    }
}

/* The block's own corner and right-hand sides, less what the columns before it explain. */
static inline __attribute__((always_inline)) void corner(idem_v8 *A, idem_v8 *y, uint32_t i)
{
    idem_v8 *r0 = A + row(i), *r1 = A + row(i + 1), *r2 = A + row(i + 2), *r3 = A + row(i + 3);
    idem_v8 s00 = r0[i], s10 = r1[i], s11 = r1[i + 1], s20 = r2[i], s21 = r2[i + 1],
            s22 = r2[i + 2];
    idem_v8 s30 = r3[i], s31 = r3[i + 1], s32 = r3[i + 2], s33 = r3[i + 3];
    idem_v8 y0 = y[i], y1 = y[i + 1], y2 = y[i + 2], y3 = y[i + 3];

    for (uint32_t k = 0; k < i; k++) {
        idem_v8 a0 = r0[k], a1 = r1[k], a2 = r2[k], a3 = r3[k], b = y[k];
        s00 -= a0 * a0, s10 -= a1 * a0, s11 -= a1 * a1;
        s20 -= a2 * a0, s21 -= a2 * a1, s22 -= a2 * a2;
        s30 -= a3 * a0, s31 -= a3 * a1, s32 -= a3 * a2, s33 -= a3 * a3;
        y0 -= a0 * b, y1 -= a1 * b, y2 -= a2 * b, y3 -= a3 * b;
    }
    r0[i] = s00;
    r1[i] = s10, r1[i + 1] = s11;
    r2[i] = s20, r2[i + 1] = s21, r2[i + 2] = s22;
    r3[i] = s30, r3[i + 1] = s31, r3[i + 2] = s32, r3[i + 3] = s33;
    y[i] = y0, y[i + 1] = y1, y[i + 2] = y2, y[i + 3] = y3;
}

/* What the rows finished so far amount to. */
struct sums {
    idem_v8 half, determinant;
    double logs[IDEM_LANES];
};

/* Finishes row i when the columns before `from` have been taken out of it already. */
static inline __attribute__((always_inline)) void finish_row(idem_v8 *A, idem_v8 *y, uint32_t i,
                                                             uint32_t from, struct sums *sums)
{
    idem_v8 *Ai = A + row(i), inverse = {0};

    for (uint32_t j = from; j < i; j++) {
        const idem_v8 *Aj = A + row(j);
        idem_v8 sum = Ai[j];
        for (uint32_t k = from; k < j; k++)
            sum -= Ai[k] * Aj[k];
        Ai[j] = sum * Aj[j];
    }
    idem_v8 diag = Ai[i] + 1.0, rhs = y[i];
    for (uint32_t k = from; k < i; k++) {
        diag -= Ai[k] * Ai[k];
        rhs -= Ai[k] * y[k];
    }
    for (int l = 0; l < IDEM_LANES; l++)
        inverse[l] = 1 / sqrt(diag[l]);
    Ai[i] = inverse;
    y[i] = rhs * inverse;
    sums->half += y[i] * y[i];
    sums->determinant *= diag;
    if ((i + 1) % LOG_EVERY == 0) {
        add_logs((const double *)&sums->determinant, sums->logs);
        sums->determinant = sums->determinant / sums->determinant;
    }
}

IDEM_MULTIVERSION
void idem_lanes_factor(uint32_t rank, idem_v8 *A, idem_v8 *y, double *out)
{
    struct sums sums = {.determinant = {1, 1, 1, 1, 1, 1, 1, 1}};
    uint32_t i = 0;

    for (; i + ROWS <= rank; i += ROWS) {
        rows_below(A, i);
        corner(A, y, i);
        for (uint32_t r = i; r < i + ROWS; r++)
            finish_row(A, y, r, i, &sums);
    }
    for (; i < rank; i++)
        finish_row(A, y, i, 0, &sums);
    add_logs((const double *)&sums.determinant, sums.logs);
    for (int l = 0; l < IDEM_LANES; l++)
        out[l] = 0.5 * (sums.half[l] - sums.logs[l]);
}

/* Matrix elements of a tile: 16 KiB of eight lanes, which stay in the first-level cache. */
enum { TILE = 256 };

IDEM_MULTIVERSION
void idem_lanes_project(const struct idem_model *model, const idem_v8 *n, idem_v8 *A)
{
    const size_t packed = idem_packed(model->rank);
    const uint32_t cells = model->shape.cells, even = cells / CELLS * CELLS;

    for (size_t tile = 0; tile < packed; tile += TILE) {
        size_t end = tile + TILE < packed ? tile + TILE : packed;
        for (uint32_t c = 0; c < even; c += CELLS) {
            const double *g0 = model->gram + c * packed, *g1 = g0 + packed;
            const double *g2 = g1 + packed, *g3 = g2 + packed;
            idem_v8 n0 = n[c], n1 = n[c + 1], n2 = n[c + 2], n3 = n[c + 3];
            for (size_t i = tile; i < end; i++)
                A[i] += (n0 * g0[i] + n1 * g1[i]) + (n2 * g2[i] + n3 * g3[i]);
        }
        for (uint32_t c = even; c < cells; c++) {
            const double *gram = model->gram + c * packed;
            idem_v8 nc = n[c];
            for (size_t i = tile; i < end; i++)
                A[i] += nc * gram[i];
        }
    }
}

IDEM_MULTIVERSION
void idem_lanes_project_b(const struct idem_model *model, const idem_v8 *f, idem_v8 *y)
{
    const size_t dims = idem_shape_dims(model->shape);
    for (size_t k = 0; k < dims; k++) {
        const double *wload = model->wload + k * model->rank;
        idem_v8 fk = f[k];
        for (uint32_t i = 0; i < model->rank; i++)
            y[i] += fk * wload[i];
    }
}

IDEM_MULTIVERSION
void idem_lanes_solve_upper(uint32_t rank, const idem_v8 *A, idem_v8 *y)
{
    for (uint32_t i = rank; i-- > 0;) {
        idem_v8 w = y[i] * A[row(i) + i];
        const idem_v8 *Ai = A + row(i);
        y[i] = w;
        for (uint32_t k = 0; k < i; k++)
            y[k] -= Ai[k] * w;
    }
}
