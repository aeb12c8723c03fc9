/* SPDX-License-Identifier: Apache-2.0 */
/* test_linalg.c - the residuals of each operation on random matrices of many sizes. */
#include "base/rng.h"
#include "model/linalg.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 48, PACKED = N * (N + 1) / 2 };

static const uint32_t sizes[] = {1, 2, 3, 5, 8, 17, 32, 47, 48};

static double at(const double *packed, uint32_t i, uint32_t j)
{
    return i >= j ? packed[(size_t)i * (i + 1) / 2 + j] : packed[(size_t)j * (j + 1) / 2 + i];
}

/* X X' / n + I / 10: positive definite. */
static void random_matrix(uint32_t n, uint64_t seed, double *packed)
{
    double X[N][N];
    struct idem_rng rng;
    idem_rng_seed(&rng, seed);
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < n; j++)
            X[i][j] = idem_rng_normal(&rng);
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j <= i; j++) {
            double sum = i == j ? 0.1 : 0;
            for (uint32_t k = 0; k < n; k++)
                sum += X[i][k] * X[j][k] / n;
            *packed++ = sum;
        }
    }
}

static void test_factor(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const uint32_t n = sizes[s];
        double A[PACKED], C[PACKED];
        random_matrix(n, s + 1, A);
        memcpy(C, A, sizeof C);
        idem_packed_factor(n, C);
        for (uint32_t i = 0; i < n; i++) {
            for (uint32_t j = 0; j <= i; j++) {
                double sum = 0;
                for (uint32_t k = 0; k <= j; k++)
                    sum += at(C, i, k) * at(C, j, k);
                assert_true(fabs(sum - at(A, i, j)) < 1e-12 * n);
            }
        }
    }
}

static void test_solve(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const uint32_t n = sizes[s];
        double A[PACKED], C[PACKED], b[N], x[N];
        struct idem_rng rng;
        random_matrix(n, s + 20, A);
        memcpy(C, A, sizeof C);
        idem_packed_factor(n, C);
        idem_rng_seed(&rng, s);
        for (uint32_t i = 0; i < n; i++)
            x[i] = b[i] = idem_rng_normal(&rng);
        idem_packed_solve(n, C, x);
        for (uint32_t i = 0; i < n; i++) {
            double sum = 0;
            for (uint32_t j = 0; j < n; j++)
                sum += at(A, i, j) * x[j];
            assert_true(fabs(sum - b[i]) < 1e-10);
        }
    }
}

static void test_inverse(void **state)
{
    double *scratch = malloc(N * N * sizeof *scratch);
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const uint32_t n = sizes[s];
        double A[PACKED], V[PACKED];
        random_matrix(n, s + 40, A);
        memcpy(V, A, sizeof V);
        idem_packed_factor(n, V);
        idem_packed_inverse_from_factor(n, V, scratch);
        for (uint32_t i = 0; i < n; i++) {
            for (uint32_t j = 0; j < n; j++) {
                double sum = 0;
                for (uint32_t k = 0; k < n; k++)
                    sum += at(A, i, k) * at(V, k, j);
                assert_true(fabs(sum - (i == j)) < 1e-10);
            }
        }
    }
    free(scratch);
}

static void test_times_factor(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const uint32_t n = sizes[s];
        double C[PACKED], x[N], y[N];
        random_matrix(n, s + 60, C);
        idem_packed_factor(n, C);
        for (uint32_t i = 0; i < n; i++)
            x[i] = y[i] = (double)i - 3;
        idem_packed_times_factor(n, y, C);
        for (uint32_t j = 0; j < n; j++) {
            double sum = 0;
            for (uint32_t i = j; i < n; i++)
                sum += x[i] * at(C, i, j);
            assert_true(fabs(sum - y[j]) < 1e-12 * n * n);
        }
    }
}

static void test_eigen(void **state)
{
    double *A = malloc(N * N * sizeof *A), *V = malloc(N * N * sizeof *V), values[N];
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const uint32_t n = sizes[s];
        double packed[PACKED];
        random_matrix(n, s + 80, packed);
        for (uint32_t i = 0; i < n * n; i++)
            A[i] = at(packed, i / n, i % n);
        idem_symmetric_eigen(n, A, values, V);
        for (uint32_t e = 0; e < n; e++) {
            assert_true(e == 0 || values[e - 1] <= values[e]);
            for (uint32_t i = 0; i < n; i++) { /* A v = lambda v */
                double sum = 0;
                for (uint32_t j = 0; j < n; j++)
                    sum += at(packed, i, j) * V[e * n + j];
                assert_true(fabs(sum - values[e] * V[e * n + i]) < 1e-10);
            }
            for (uint32_t other = 0; other <= e; other++) { /* orthonormal */
                double dot = 0;
                for (uint32_t i = 0; i < n; i++)
                    dot += V[e * n + i] * V[other * n + i];
                assert_true(fabs(dot - (e == other)) < 1e-10);
            }
        }
    }
    free(A);
    free(V);
}

static void test_eigen_of_known_matrices(void **state)
{
    double A[4] = {2, 1, 1, 2}, values[2], V[4];
    double diagonal[9] = {3, 0, 0, 0, 1, 0, 0, 0, 2}, three[3], W[9];
    (void)state;
    idem_symmetric_eigen(2, A, values, V);
    assert_true(fabs(values[0] - 1) < 1e-12 && fabs(values[1] - 3) < 1e-12);
    assert_true(fabs(V[0] + V[1]) < 1e-12 && fabs(V[2] - V[3]) < 1e-12);
    idem_symmetric_eigen(3, diagonal, three, W);
    for (int i = 0; i < 3; i++)
        assert_true(three[i] == i + 1);
}

static void test_axpy(void **state)
{
    double x[9], y[9];
    (void)state;
    for (size_t len = 0; len <= 9; len++) {
        for (size_t i = 0; i < 9; i++) {
            x[i] = (double)i;
            y[i] = 1;
        }
        idem_axpy(y, x, 2, len);
        for (size_t i = 0; i < 9; i++)
            assert_true(y[i] == (i < len ? 1 + 2 * (double)i : 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_factor),  cmocka_unit_test(test_solve),
        cmocka_unit_test(test_inverse), cmocka_unit_test(test_times_factor),
        cmocka_unit_test(test_eigen),   cmocka_unit_test(test_eigen_of_known_matrices),
        cmocka_unit_test(test_axpy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
