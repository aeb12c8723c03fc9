/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_lanes.c - eight small problems side by side against each of them alone, done naively.
 *
 * Ranks lie on both sides of what the code takes together: rows by four, logarithms by sixteen,
 * matrix elements by 256, cells by four.
 */
#include "base/rng.h"
#include "model/evidence.h"
#include "model/lanes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint32_t ranks[] = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 24, 31, 33, 48, IDEM_RANK_MAX};
enum { RANKS = sizeof ranks / sizeof ranks[0] };

static size_t at(uint32_t i, uint32_t j)
{
    return (size_t)i * (i + 1) / 2 + j;
}

/* Room for A and y of eight lanes on a cache line. */
static idem_v8 *lanes_new(size_t vectors, double **memory)
{
    *memory = calloc(vectors * IDEM_LANES + IDEM_LINE_DOUBLES, sizeof **memory);
    return idem_on_a_line(*memory);
}

/* A random positive semidefinite matrix: G G' of `rank` random columns, times `size`. */
static void draw_matrix(struct idem_rng *rng, uint32_t rank, double size, double *packed)
{
    double *g = malloc((size_t)rank * rank * sizeof *g);
    for (size_t i = 0; i < (size_t)rank * rank; i++)
        g[i] = idem_rng_normal(rng);
    for (uint32_t i = 0; i < rank; i++) {
        for (uint32_t j = 0; j <= i; j++) {
            packed[at(i, j)] = 0;
            for (uint32_t k = 0; k < rank; k++)
                packed[at(i, j)] += size * g[i * rank + k] * g[j * rank + k] / rank;
        }
    }
    free(g);
}

/* Cholesky by the book, of I + A, with C^-1 y and then C'^-1 C^-1 y. */
struct naive {
    double C[IDEM_RANK_MAX * (IDEM_RANK_MAX + 1) / 2], y[IDEM_RANK_MAX], w[IDEM_RANK_MAX], out;
};

static void naive_factor(uint32_t rank, const double *A, const double *y, struct naive *n)
{
    double half = 0, logs = 0;
    for (uint32_t i = 0; i < rank; i++) {
        for (uint32_t j = 0; j <= i; j++) {
            double sum = A[at(i, j)] + (i == j);
            for (uint32_t k = 0; k < j; k++)
                sum -= n->C[at(i, k)] * n->C[at(j, k)];
            n->C[at(i, j)] = i == j ? sqrt(sum) : sum / n->C[at(j, j)];
        }
        n->y[i] = y[i];
        for (uint32_t k = 0; k < i; k++)
            n->y[i] -= n->C[at(i, k)] * n->y[k];
        n->y[i] /= n->C[at(i, i)];
        half += 0.5 * n->y[i] * n->y[i];
        logs += log(n->C[at(i, i)]);
    }
    for (uint32_t i = rank; i-- > 0;) {
        n->w[i] = n->y[i];
        for (uint32_t k = i + 1; k < rank; k++)
            n->w[i] -= n->C[at(k, i)] * n->w[k];
        n->w[i] /= n->C[at(i, i)];
    }
    n->out = half - logs;
}

static bool close_to(double got, double want, double tolerance)
{
    return fabs(got - want) <= tolerance * fmax(1, fabs(want));
}

/* The first `used` lanes hold random problems of the given size, the others nothing. */
static void compare(uint32_t rank, int used, double size, uint64_t seed)
{
    const size_t packed = idem_packed(rank);
    double *memory, *problem = calloc(packed + rank, sizeof *problem), out[IDEM_LANES];
    idem_v8 *A = lanes_new(packed + rank, &memory), *y = A + packed;
    struct naive *want = calloc(IDEM_LANES, sizeof *want);
    struct idem_rng rng;

    idem_rng_seed(&rng, seed);
    for (int l = 0; l < IDEM_LANES; l++) {
        if (l < used) {
            draw_matrix(&rng, rank, size * (l + 1), problem);
            for (uint32_t i = 0; i < rank; i++)
                problem[packed + i] = sqrt(size) * idem_rng_normal(&rng);
        } else {
            memset(problem, 0, (packed + rank) * sizeof *problem);
        }
        for (size_t i = 0; i < packed + rank; i++)
            A[i][l] = problem[i];
        naive_factor(rank, problem, problem + packed, &want[l]);
    }
    idem_lanes_factor(rank, A, y, out);
    for (int l = 0; l < IDEM_LANES; l++) {
        assert_true(close_to(out[l], want[l].out, 1e-9));
        for (uint32_t i = 0; i < rank; i++) {
            assert_true(close_to(y[i][l], want[l].y[i], 1e-8));
            assert_true(close_to(1 / A[at(i, i)][l], want[l].C[at(i, i)], 1e-9));
            for (uint32_t j = 0; j < i; j++)
                assert_true(close_to(A[at(i, j)][l], want[l].C[at(i, j)], 1e-8));
        }
    }
    idem_lanes_solve_upper(rank, A, y);
    for (int l = 0; l < IDEM_LANES; l++) {
        for (uint32_t i = 0; i < rank; i++)
            assert_true(close_to(y[i][l], want[l].w[i], 1e-8));
    }
    free(memory);
    free(problem);
    free(want);
}

static void test_factor_and_solve(void **state)
{
    (void)state;
    for (int r = 0; r < RANKS; r++) {
        for (int used = 1; used <= IDEM_LANES; used++)
            compare(ranks[r], used, 3, (uint64_t)(100 * r + used));
    }
}

/* Products of sixteen diagonals reach 1e240: still a finite logarithm, and a right one. */
static void test_huge_matrices(void **state)
{
    (void)state;
    compare(48, IDEM_LANES, 1e13, 1);
    compare(IDEM_RANK_MAX, 3, 1e13, 2);
}

static void test_rank_nought(void **state)
{
    double *memory, out[IDEM_LANES];
    idem_v8 *A = lanes_new(1, &memory);
    (void)state;
    idem_lanes_factor(0, A, A, out);
    idem_lanes_solve_upper(0, A, A);
    for (int l = 0; l < IDEM_LANES; l++)
        assert_true(out[l] == 0);
    free(memory);
}

/* A lane's numbers are the same to the last bit, whatever its neighbours hold. */
static void test_lanes_do_not_touch_each_other(void **state)
{
    enum { RANK = 19 };
    const size_t packed = idem_packed(RANK), size = packed + RANK;
    double *memory[2], *problem = calloc(size, sizeof *problem), out[2][IDEM_LANES];
    idem_v8 *A[2];
    struct idem_rng rng;
    (void)state;

    idem_rng_seed(&rng, 4);
    for (int side = 0; side < 2; side++)
        A[side] = lanes_new(size, &memory[side]);
    for (int l = 0; l < IDEM_LANES; l++) {
        draw_matrix(&rng, RANK, 2, problem);
        problem[packed] = 1;
        for (size_t i = 0; i < size; i++) {
            A[0][i][l] = problem[i];
            if (l == 5)
                A[1][i][l] = problem[i];
        }
    }
    for (int side = 0; side < 2; side++) {
        idem_lanes_factor(RANK, A[side], A[side] + packed, out[side]);
        idem_lanes_solve_upper(RANK, A[side], A[side] + packed);
    }
    assert_true(out[0][5] == out[1][5] && out[0][4] != out[1][4]);
    for (size_t i = 0; i < size; i++)
        assert_true(A[0][i][5] == A[1][i][5]);
    free(memory[0]);
    free(memory[1]);
    free(problem);
}

static struct idem_model random_model(uint32_t cells, uint32_t channels, uint32_t rank,
                                      struct idem_rng *rng)
{
    struct idem_model m;
    assert_int_equal(idem_model_alloc(&m, (struct idem_shape){cells, channels}, rank), 0);
    for (size_t k = 0; k < idem_shape_dims(m.shape); k++) {
        m.weight[k] = (float)(0.3 + idem_rng_uniform(rng));
        for (uint32_t i = 0; i < rank; i++)
            m.load[k * rank + i] = (float)(0.4 * idem_rng_normal(rng));
    }
    idem_model_seal(&m);
    return m;
}

/* Both projections of eight statistics, against those of one. */
static void project(uint32_t cells, uint32_t rank)
{
    struct idem_rng rng;
    idem_rng_seed(&rng, cells + rank);
    struct idem_model m = random_model(cells, 3, rank, &rng);
    const size_t len = idem_shape_len(m.shape), packed = idem_packed(rank);
    double *memory, *L = malloc((packed + rank) * sizeof *L);
    float *stats = calloc(IDEM_LANES * len, sizeof *stats);
    idem_v8 *lanes = lanes_new(len + packed + rank, &memory), *A = lanes + len;

    for (int l = 0; l < IDEM_LANES; l++) {
        for (size_t i = 0; i < len; i++) {
            float v = (float)idem_rng_normal(&rng);
            v = i < cells ? (float)idem_rng_below(&rng, 5) : v;
            stats[(size_t)l * len + i] = l == 6 ? 0 : v;
            lanes[i][l] = (double)stats[(size_t)l * len + i];
        }
    }
    for (size_t i = 0; i < packed + rank; i++)
        A[i] += 0.5; /* they add */
    idem_lanes_project(&m, lanes, A);
    idem_lanes_project_b(&m, lanes + cells, A + packed);
    for (int l = 0; l < IDEM_LANES; l++) {
        for (size_t i = 0; i < packed + rank; i++)
            L[i] = 0.5;
        idem_project(&m, stats + (size_t)l * len, L, L + packed);
        for (size_t i = 0; i < packed + rank; i++)
            assert_true(close_to(A[i][l], L[i], 1e-10));
    }
    free(memory);
    free(L);
    free(stats);
    idem_model_free(&m);
}

static void test_projections(void **state)
{
    (void)state;
    for (int r = 0; r < RANKS; r++) {
        for (uint32_t cells = 1; cells <= 9; cells++)
            project(cells, ranks[r]);
    }
    project(62, 48);
}

static void test_scratch_is_put_on_a_line(void **state)
{
    double memory[3 * IDEM_LINE_DOUBLES];
    (void)state;
    for (int i = 0; i < IDEM_LINE_DOUBLES; i++) {
        const double *line = (const double *)idem_on_a_line(memory + i);
        assert_int_equal((uintptr_t)line % IDEM_LINE, 0);
        assert_true(line >= memory + i && line < memory + i + IDEM_LINE_DOUBLES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_factor_and_solve),
        cmocka_unit_test(test_huge_matrices),
        cmocka_unit_test(test_rank_nought),
        cmocka_unit_test(test_lanes_do_not_touch_each_other),
        cmocka_unit_test(test_projections),
        cmocka_unit_test(test_scratch_is_put_on_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
