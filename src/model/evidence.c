/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence.c - projections and their evidence. Hot: everything that scores runs through here.
 *
 * The batch keeps matrix element (i, j) of all lanes side by side, so that one Cholesky
 * factorisation works on IDEM_LANES matrices with full vector registers and no shuffles.
 */
#include "model/evidence.h"

#include "model/linalg.h"
#include "model/multiversion.h"

#include <math.h>
#include <string.h>

/* Row i of the packed lower triangle starts here. */
static inline size_t row(uint32_t i)
{
    return (size_t)i * (i + 1) / 2;
}

void idem_project(const struct idem_model *model, const float *stats, double *L, double *b)
{
    const uint32_t per_cell = model->shape.channels * 2, rank = model->rank;
    const size_t packed = idem_packed(rank);
    const float *f = stats + model->shape.cells;

    for (uint32_t c = 0; c < model->shape.cells; c++) {
        if (stats[c] == 0)
            continue;
        idem_axpy(L, model->gram + c * packed, stats[c], packed);
        for (uint32_t k = c * per_cell; k < (c + 1) * per_cell; k++)
            idem_axpy(b, model->wload + (size_t)k * rank, f[k], rank);
    }
}

size_t idem_evidence_scratch(uint32_t rank)
{
    return (idem_packed(rank) + rank) * IDEM_LANES;
}

/*
 * Cholesky factor of A = I + L, in place, and y = C^-1 b. Row-wise (Cholesky-Crout): every update
 * runs along contiguous rows of already finished ones. Returns 1/2 y'y - sum log diag C.
 */
IDEM_MULTIVERSION
static double factor_one(uint32_t rank, double *A, double *y)
{
    double half = 0, logs = 0;
    for (uint32_t i = 0; i < rank; i++) {
        double *Ai = A + row(i);
        for (uint32_t j = 0; j < i; j++) {
            const double *Aj = A + row(j);
            double sum = Ai[j];
            for (uint32_t k = 0; k < j; k++)
                sum -= Ai[k] * Aj[k];
            Ai[j] = sum / Aj[j];
        }
        double diag = Ai[i] + 1, rhs = y[i];
        for (uint32_t k = 0; k < i; k++) {
            diag -= Ai[k] * Ai[k];
            rhs -= Ai[k] * y[k];
        }
        Ai[i] = sqrt(diag);
        y[i] = rhs / Ai[i];
        half += y[i] * y[i];
        logs += log(Ai[i]);
    }
    return 0.5 * half - logs;
}

double idem_evidence(uint32_t rank, const double *L, const double *b, double *scratch)
{
    const size_t packed = idem_packed(rank);
    memcpy(scratch, L, packed * sizeof *L);
    memcpy(scratch + packed, b, rank * sizeof *b);
    return factor_one(rank, scratch, scratch + packed);
}

/* One matrix element of every lane. A vector of the compiler's, only as aligned as a double is. */
typedef double v8
    __attribute__((vector_size(IDEM_LANES * sizeof(double)), aligned(sizeof(double))));

/* Rows between two logarithms of the running determinant: diagonals stay below 1e15, 1e240 fits. */
enum { LOG_EVERY = 16 };

static void add_logs(const double *determinant, double *logs)
{
    for (int l = 0; l < IDEM_LANES; l++)
        logs[l] += log(determinant[l]);
}

/* As factor_one, for IDEM_LANES matrices; the diagonal keeps its reciprocal. */
IDEM_MULTIVERSION
static void factor_lanes(uint32_t rank, v8 *restrict A, v8 *restrict y, double *out)
{
    double logs[IDEM_LANES] = {0};
    v8 half = {0}, determinant = {1, 1, 1, 1, 1, 1, 1, 1};

    for (uint32_t i = 0; i < rank; i++) {
        v8 *Ai = A + row(i);
        for (uint32_t j = 0; j < i; j++) {
            const v8 *Aj = A + row(j);
            v8 sum = Ai[j];
            for (uint32_t k = 0; k < j; k++)
                sum -= Ai[k] * Aj[k];
            Ai[j] = sum * Aj[j];
        }
        v8 diag = Ai[i] + 1.0, rhs = y[i], inverse;
        for (uint32_t k = 0; k < i; k++) {
            diag -= Ai[k] * Ai[k];
            rhs -= Ai[k] * y[k];
        }
        for (int l = 0; l < IDEM_LANES; l++)
            inverse[l] = 1 / sqrt(diag[l]);
        Ai[i] = inverse;
        y[i] = rhs * inverse;
        half += y[i] * y[i];
        determinant *= diag;
        if ((i + 1) % LOG_EVERY == 0 || i + 1 == rank) {
            add_logs((const double *)&determinant, logs);
            determinant = determinant / determinant;
        }
    }
    for (int l = 0; l < IDEM_LANES; l++)
        out[l] = 0.5 * (half[l] - logs[l]);
}

/* Sums a lane's two terms into column `lane` of the interleaved batch. */
static void gather(double *batch, int lane, const double *a, const double *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        batch[i * IDEM_LANES + (size_t)lane] = a[i] + (b != NULL ? b[i] : 0);
}

void idem_evidence_batch(uint32_t rank, const struct idem_lane *lanes, int count, double *scratch,
                         double *out)
{
    const size_t packed = idem_packed(rank);
    double *A = scratch, *y = scratch + packed * IDEM_LANES, results[IDEM_LANES];

    for (int l = 0; l < IDEM_LANES; l++) {
        const struct idem_lane *lane = &lanes[l < count ? l : 0]; /* idle lanes repeat the first */
        gather(A, l, lane->La, lane->Lb, packed);
        gather(y, l, lane->ba, lane->bb, rank);
    }
    factor_lanes(rank, (v8 *)(void *)A, (v8 *)(void *)y, results);
    memcpy(out, results, (size_t)count * sizeof *out);
}

void idem_posterior(uint32_t rank, const double *L, const double *b, double *scratch, double *w)
{
    const size_t packed = idem_packed(rank);
    double *A = scratch, *y = scratch + packed;
    idem_evidence(rank, L, b, scratch);
    for (uint32_t i = rank; i-- > 0;) {
        double sum = y[i];
        for (uint32_t k = i + 1; k < rank; k++)
            sum -= A[row(k) + i] * w[k];
        w[i] = sum / A[row(i) + i];
    }
}

static double plain_evidence(double n, double f, double weight, double d2)
{
    double spread = 1 + n * weight * d2;
    return 0.5 * (weight * weight * f * f * d2 / spread - log(spread));
}

double idem_plain_score(const struct idem_model *model, const float *P, const float *S)
{
    const uint32_t cells = model->shape.cells, per_cell = model->shape.channels * 2;
    double score = 0;

    for (uint32_t c = 0; c < cells; c++) {
        double np = P[c], ns = S[c];
        if (np == 0 || ns == 0)
            continue; /* E(P + S) - E(P) - E(S) is nought when either is empty */
        for (uint32_t k = c * per_cell; k < (c + 1) * per_cell; k++) {
            double fp = P[cells + k], fs = S[cells + k], W = model->weight[k];
            double d2 = model->plain[k];
            score += plain_evidence(np + ns, fp + fs, W, d2) - plain_evidence(np, fp, W, d2) -
                     plain_evidence(ns, fs, W, d2);
        }
    }
    return score;
}
