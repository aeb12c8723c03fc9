/* SPDX-License-Identifier: Apache-2.0 */
/* linalg.c - packed Cholesky and Jacobi, see linalg.h. */
#include "model/linalg.h"

#include "model/multiversion.h"

#include <math.h>

static inline size_t row(uint32_t i)
{
    return (size_t)i * (i + 1) / 2;
}

IDEM_MULTIVERSION
void idem_axpy(double *restrict y, const double *restrict x, double a, size_t len)
{
    for (size_t i = 0; i < len; i++)
        y[i] += a * x[i];
}

void idem_packed_factor(uint32_t n, double *A)
{
    for (uint32_t i = 0; i < n; i++) {
        double *Ai = A + row(i);
        for (uint32_t j = 0; j <= i; j++) {
            const double *Aj = A + row(j);
            double sum = Ai[j];
            for (uint32_t k = 0; k < j; k++)
                sum -= Ai[k] * Aj[k];
            Ai[j] = i == j ? sqrt(sum) : sum / Aj[j];
        }
    }
}

void idem_packed_solve(uint32_t n, const double *C, double *b)
{
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < i; k++)
            b[i] -= C[row(i) + k] * b[k];
        b[i] /= C[row(i) + i];
    }
    for (uint32_t i = n; i-- > 0;) {
        b[i] /= C[row(i) + i];
        for (uint32_t k = 0; k < i; k++)
            b[k] -= C[row(i) + k] * b[i];
    }
}

void idem_packed_times_factor(uint32_t n, double *x, const double *C)
{
    for (uint32_t j = 0; j < n; j++) { /* element j needs x[j..]: ascending order is safe */
        double sum = 0;
        for (uint32_t i = j; i < n; i++)
            sum += x[i] * C[row(i) + j];
        x[j] = sum;
    }
}

/* Rows of C^-1 (lower triangular), packed into the same place. */
static void invert_factor(uint32_t n, double *C)
{
    for (uint32_t i = 0; i < n; i++) {
        double inverse = 1 / C[row(i) + i];
        for (uint32_t j = 0; j < i; j++) {
            double sum = 0;
            for (uint32_t k = j; k < i; k++)
                sum += C[row(i) + k] * C[row(k) + j];
            C[row(i) + j] = -sum * inverse;
        }
        C[row(i) + i] = inverse;
    }
}

void idem_packed_inverse_from_factor(uint32_t n, double *C, double *scratch)
{
    invert_factor(n, C);
    for (size_t i = 0; i < row(n); i++)
        scratch[i] = 0;
    for (uint32_t k = 0; k < n; k++) { /* inverse = sum over k of (row k)' (row k) */
        const double *r = C + row(k);
        for (uint32_t i = 0; i <= k; i++)
            idem_axpy(scratch + row(i), r, r[i], i + 1);
    }
    for (size_t i = 0; i < row(n); i++)
        C[i] = scratch[i];
}

static void rotate(uint32_t n, double *A, double *vectors, uint32_t p, uint32_t q)
{
    double apq = A[p * n + q];
    if (fabs(apq) < 1e-300)
        return;
    double theta = (A[q * n + q] - A[p * n + p]) / (2 * apq);
    double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (uint32_t k = 0; k < n; k++) {
        double a = A[k * n + p], b = A[k * n + q];
        A[k * n + p] = c * a - s * b;
        A[k * n + q] = s * a + c * b;
    }
    for (uint32_t k = 0; k < n; k++) {
        double a = A[p * n + k], b = A[q * n + k];
        A[p * n + k] = c * a - s * b;
        A[q * n + k] = s * a + c * b;
        a = vectors[p * n + k], b = vectors[q * n + k];
        vectors[p * n + k] = c * a - s * b;
        vectors[q * n + k] = s * a + c * b;
    }
}

static void sort_ascending(uint32_t n, double *values, double *vectors)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t least = i;
        for (uint32_t j = i + 1; j < n; j++)
            least = values[j] < values[least] ? j : least;
        double v = values[i];
        values[i] = values[least];
        values[least] = v;
        for (uint32_t k = 0; k < n && least != i; k++) {
            double x = vectors[i * n + k];
            vectors[i * n + k] = vectors[least * n + k];
            vectors[least * n + k] = x;
        }
    }
}

void idem_symmetric_eigen(uint32_t n, double *A, double *values, double *vectors)
{
    for (uint32_t i = 0; i < n * n; i++)
        vectors[i] = i / n == i % n;
    for (int sweep = 0; sweep < 60; sweep++) {
        double off = 0, diag = 0;
        for (uint32_t i = 0; i < n; i++) {
            for (uint32_t j = 0; j < n; j++)
                *(i == j ? &diag : &off) += A[i * n + j] * A[i * n + j];
        }
        if (off <= 1e-24 * diag)
            break;
        for (uint32_t p = 0; p + 1 < n; p++) {
            for (uint32_t q = p + 1; q < n; q++)
                rotate(n, A, vectors, p, q);
        }
    }
    for (uint32_t i = 0; i < n; i++)
        values[i] = A[i * n + i];
    sort_ascending(n, values, vectors);
}
