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

/* Scratch is put on a cache line: a vector that straddles two costs twice. */
enum { LINE = 64, LINE_DOUBLES = LINE / sizeof(double) };

static double *on_a_line(double *scratch)
{
    return (double *)(((uintptr_t)scratch + LINE - 1) & ~(uintptr_t)(LINE - 1));
}

size_t idem_evidence_scratch(uint32_t rank)
{
    return (idem_packed(rank) + rank) * IDEM_LANES + LINE_DOUBLES;
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

/* Rows worked on together: four independent sums hide the latency of a subtraction. */
enum { ROWS = 4 };

/* Elements (i..i+3, j) for all j < i. The diagonal holds reciprocals. */
static inline __attribute__((always_inline)) void rows_below(v8 *A, uint32_t i)
{
    v8 *restrict A0 = A + row(i), *restrict A1 = A + row(i + 1);
    v8 *restrict A2 = A + row(i + 2), *restrict A3 = A + row(i + 3);

    for (uint32_t j = 0; j < i; j++) {
        const v8 *Aj = A + row(j);
        v8 s0 = A0[j], s1 = A1[j], s2 = A2[j], s3 = A3[j];
        for (uint32_t k = 0; k < j; k++) {
            v8 a = Aj[k];
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
static inline __attribute__((always_inline)) void corner(v8 *A, v8 *y, uint32_t i)
{
    v8 *r0 = A + row(i), *r1 = A + row(i + 1), *r2 = A + row(i + 2), *r3 = A + row(i + 3);
    v8 s00 = r0[i], s10 = r1[i], s11 = r1[i + 1], s20 = r2[i], s21 = r2[i + 1], s22 = r2[i + 2];
    v8 s30 = r3[i], s31 = r3[i + 1], s32 = r3[i + 2], s33 = r3[i + 3];
    v8 y0 = y[i], y1 = y[i + 1], y2 = y[i + 2], y3 = y[i + 3];

    for (uint32_t k = 0; k < i; k++) {
        v8 a0 = r0[k], a1 = r1[k], a2 = r2[k], a3 = r3[k], b = y[k];
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
    v8 half, determinant;
    double logs[IDEM_LANES];
};

/* Finishes row i when the columns before `from` have been taken out of it already. */
static inline __attribute__((always_inline)) void finish_row(v8 *A, v8 *y, uint32_t i,
                                                             uint32_t from, struct sums *sums)
{
    v8 *Ai = A + row(i), inverse = {0};

    for (uint32_t j = from; j < i; j++) {
        const v8 *Aj = A + row(j);
        v8 sum = Ai[j];
        for (uint32_t k = from; k < j; k++)
            sum -= Ai[k] * Aj[k];
        Ai[j] = sum * Aj[j];
    }
    v8 diag = Ai[i] + 1.0, rhs = y[i];
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

/* As factor_one, for IDEM_LANES matrices; the diagonal keeps its reciprocal. */
IDEM_MULTIVERSION
static void factor_lanes(uint32_t rank, v8 *A, v8 *y, double *out)
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

/* One term of all lanes, side by side. */
static void gather(double *batch, const double *const *terms, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        for (int l = 0; l < IDEM_LANES; l++)
            batch[i * IDEM_LANES + (size_t)l] = terms[l][i];
    }
}

static void gather_more(double *batch, const double *const *terms, size_t len)
{
    for (int l = 0; l < IDEM_LANES; l++) {
        for (size_t i = 0; i < len && terms[l] != NULL; i++)
            batch[i * IDEM_LANES + (size_t)l] += terms[l][i];
    }
}

void idem_evidence_batch(uint32_t rank, const struct idem_lane *lanes, int count, double *scratch,
                         double *out)
{
    const size_t packed = idem_packed(rank);
    const double *La[IDEM_LANES], *Lb[IDEM_LANES], *ba[IDEM_LANES], *bb[IDEM_LANES];
    double *A = on_a_line(scratch), *y = A + packed * IDEM_LANES, results[IDEM_LANES];

    for (int l = 0; l < IDEM_LANES; l++) {
        const struct idem_lane *lane = &lanes[l < count ? l : 0]; /* idle lanes repeat the first */
        La[l] = lane->La;
        ba[l] = lane->ba;
        Lb[l] = l < count ? lane->Lb : NULL;
        bb[l] = l < count ? lane->bb : NULL;
    }
    gather(A, La, packed);
    gather(y, ba, rank);
    gather_more(A, Lb, packed);
    gather_more(y, bb, rank);
    factor_lanes(rank, (v8 *)(void *)A, (v8 *)(void *)y, results);
    memcpy(out, results, (size_t)count * sizeof *out);
}

/* Matrix elements of a tile: 16 KiB of eight lanes, which stay in the first-level cache. */
enum { TILE = 256 };

/* A[idx] += sum over cells of n_c G_c[idx], for the lanes of n[cells]. */
IDEM_MULTIVERSION
static void project_lanes(const struct idem_model *model, const v8 *n, v8 *A)
{
    const size_t packed = idem_packed(model->rank);
    const uint32_t cells = model->shape.cells, even = cells / CELLS * CELLS;

    for (size_t tile = 0; tile < packed; tile += TILE) {
        size_t end = tile + TILE < packed ? tile + TILE : packed;
        for (uint32_t c = 0; c < even; c += CELLS) {
            const double *g0 = model->gram + c * packed, *g1 = g0 + packed;
            const double *g2 = g1 + packed, *g3 = g2 + packed;
            v8 n0 = n[c], n1 = n[c + 1], n2 = n[c + 2], n3 = n[c + 3];
            for (size_t i = tile; i < end; i++)
                A[i] += (n0 * g0[i] + n1 * g1[i]) + (n2 * g2[i] + n3 * g3[i]);
        }
        for (uint32_t c = even; c < cells; c++) {
            const double *gram = model->gram + c * packed;
            v8 nc = n[c];
            for (size_t i = tile; i < end; i++)
                A[i] += nc * gram[i];
        }
    }
}

/* y[i] += sum over statistics of f_k W_k T_k[i], for the lanes of f[dims]. */
IDEM_MULTIVERSION
static void project_lanes_b(const struct idem_model *model, const v8 *f, v8 *y)
{
    const size_t dims = idem_shape_dims(model->shape);
    for (size_t k = 0; k < dims; k++) {
        const double *wload = model->wload + k * model->rank;
        v8 fk = f[k];
        for (uint32_t i = 0; i < model->rank; i++)
            y[i] += fk * wload[i];
    }
}

size_t idem_evidence_probes_scratch(const struct idem_model *model)
{
    const size_t size = idem_packed(model->rank) + model->rank;
    return (2 * size + idem_shape_len(model->shape)) * IDEM_LANES + LINE_DOUBLES;
}

/* B = A plus the profile's projection in every lane. */
static void add_profile(v8 *B, const v8 *A, const double *profile, size_t len)
{
    for (size_t i = 0; i < len; i++)
        B[i] = A[i] + profile[i];
}

void idem_evidence_probes(const struct idem_model *model, const double *profile,
                          const float *const *probes, int count, double *scratch, double *alone,
                          double *joint, double *own)
{
    const size_t packed = idem_packed(model->rank), size = packed + model->rank;
    const size_t len = idem_shape_len(model->shape);
    v8 *A = (v8 *)(void *)on_a_line(scratch), *B = A + size, *stats = B + size;
    double results[IDEM_LANES];

    memset(A, 0, size * sizeof *A);
    for (size_t i = 0; i < len; i++) {
        for (int l = 0; l < IDEM_LANES; l++)
            ((double *)(void *)&stats[i])[l] = l < count ? (double)probes[l][i] : 0;
    }
    project_lanes(model, stats, A);
    project_lanes_b(model, stats + model->shape.cells, A + packed);
    add_profile(B, A, profile, size);
    factor_lanes(model->rank, A, A + packed, results);
    memcpy(alone, results, (size_t)count * sizeof *alone);
    factor_lanes(model->rank, B, B + packed, results);
    memcpy(joint, results, (size_t)count * sizeof *joint);
    /* An idle lane has an empty probe, so its sum is the profile alone. */
    *own = count < IDEM_LANES ? results[count]
                              : idem_evidence(model->rank, profile, profile + packed, scratch);
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
