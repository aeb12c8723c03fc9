/* SPDX-License-Identifier: Apache-2.0 */
/* evidence.c - projections, posteriors and the plain term; see evidence.h. */
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

/* Cells taken into a projection together: the sum stays in a register for four of them. */
enum { CELLS = 4 };

/* L += sum of n_c G_c over CELLS cells of the profile. */
IDEM_MULTIVERSION
static void add_grams(double *restrict L, const double *const gram[CELLS], const double n[CELLS],
                      size_t len)
{
    const double *restrict g0 = gram[0], *restrict g1 = gram[1];
    const double *restrict g2 = gram[2], *restrict g3 = gram[3];
    const double n0 = n[0], n1 = n[1], n2 = n[2], n3 = n[3];
    for (size_t i = 0; i < len; i++)
        L[i] += (n0 * g0[i] + n1 * g1[i]) + (n2 * g2[i] + n3 * g3[i]);
}

static void project_matrix(const struct idem_model *model, const float *stats, double *L)
{
    const size_t packed = idem_packed(model->rank);
    const double *gram[CELLS];
    double n[CELLS];
    int have = 0;

    for (uint32_t c = 0; c < model->shape.cells; c++) {
        if (stats[c] == 0)
            continue;
        gram[have] = model->gram + c * packed;
        n[have++] = (double)stats[c];
        if (have == CELLS) {
            add_grams(L, gram, n, packed);
            have = 0;
        }
    }
    for (int k = 0; k < have; k++)
        idem_axpy(L, gram[k], n[k], packed);
}

void idem_project(const struct idem_model *model, const float *stats, double *L, double *b)
{
    const uint32_t per_cell = model->shape.channels * 2, rank = model->rank;
    const float *f = stats + model->shape.cells;

    project_matrix(model, stats, L);
    for (uint32_t k = 0; k < model->shape.cells * per_cell; k++) {
        if (f[k] != 0)
            idem_axpy(b, model->wload + (size_t)k * rank, (double)f[k], rank);
    }
}

size_t idem_evidence_scratch(uint32_t rank)
{
    return idem_packed(rank) + rank;
}

/*
 * Cholesky factor of A = I + L, in place, and y = C^-1 b. Right-looking: every finished column is
 * taken out of the rows below it, along contiguous memory, so that no sum waits for itself. Returns
 * 1/2 y'y - sum log diag C.
 */
IDEM_MULTIVERSION
static double factor_one(uint32_t rank, double *A, double *y)
{
    double column[IDEM_RANK_MAX], half = 0, logs = 0;
    for (uint32_t i = 0; i < rank; i++)
        A[row(i) + i] += 1;
    for (uint32_t j = 0; j < rank; j++) {
        double diag = sqrt(A[row(j) + j]);
        A[row(j) + j] = diag;
        y[j] /= diag;
        for (uint32_t i = j + 1; i < rank; i++) {
            double *Ai = A + row(i), a = Ai[j] / diag;
            Ai[j] = column[i] = a;
            y[i] -= a * y[j];
            for (uint32_t k = j + 1; k <= i; k++)
                Ai[k] -= a * column[k];
        }
        half += y[j] * y[j];
        logs += log(diag);
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

/*
 * Twice the plain ratio of one statistic without its logarithm; *spread is multiplied by what the
 * logarithm is due of: (1 + (np + ns) v) / ((1 + np v) (1 + ns v)) with v = W d^2.
 */
static double plain_ratio(double np, double fp, double ns, double fs, double weight, double d2,
                          double *spread)
{
    const double v = weight * d2, joint = 1 + (np + ns) * v, p = 1 + np * v, s = 1 + ns * v;
    *spread *= joint / (p * s);
    return weight * v * ((fp + fs) * (fp + fs) / joint - fp * fp / p - fs * fs / s);
}

double idem_plain_term(double np, double fp, double ns, double fs, double W, double d2)
{
    double spread = 1, twice = plain_ratio(np, fp, ns, fs, W, d2, &spread);
    return 0.5 * (twice - log(spread));
}

double idem_plain_score(const struct idem_model *model, const float *P, const float *S)
{
    const uint32_t cells = model->shape.cells, per_cell = model->shape.channels * 2;
    double twice = 0, logs = 0, spread = 1;

    for (uint32_t c = 0; c < cells; c++) {
        const double np = (double)P[c], ns = (double)S[c];
        if (np == 0 || ns == 0)
            continue; /* E(P + S) - E(P) - E(S) is nought when either is empty */
        for (uint32_t k = c * per_cell; k < (c + 1) * per_cell; k++) {
            twice += plain_ratio(np, (double)P[cells + k], ns, (double)S[cells + k],
                                 (double)model->weight[k], (double)model->plain[k], &spread);
            if (spread < 1e-200) { /* one factor is above 1e-18: no underflow between two looks */
                logs += log(spread);
                spread = 1;
            }
        }
    }
    return 0.5 * (twice - logs - log(spread));
}
