/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_evidence.c - the closed form against what it claims to be: an integral over all possible
 * people, done here by brute force, and the analytic formula where there is one.
 */
#include "base/rng.h"
#include "idem/idem.h"
#include "model/evidence.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct idem_model random_model(uint32_t cells, uint32_t channels, uint32_t rank,
                                      uint64_t seed)
{
    struct idem_model m;
    struct idem_rng rng;
    assert_int_equal(idem_model_alloc(&m, (struct idem_shape){cells, channels}, rank), 0);
    idem_rng_seed(&rng, seed);
    for (size_t k = 0; k < idem_shape_dims(m.shape); k++) {
        m.weight[k] = (float)(0.3 + idem_rng_uniform(&rng));
        m.plain[k] = (float)(0.1 + 0.4 * idem_rng_uniform(&rng));
        for (uint32_t i = 0; i < rank; i++)
            m.load[k * rank + i] = (float)(0.4 * idem_rng_normal(&rng));
    }
    idem_model_seal(&m);
    return m;
}

static float *random_stats(const struct idem_model *m, uint64_t seed)
{
    float *stats = calloc(idem_shape_len(m->shape), sizeof *stats);
    const uint32_t per_cell = 2 * m->shape.channels;
    struct idem_rng rng;
    idem_rng_seed(&rng, seed);
    for (uint32_t c = 0; c < m->shape.cells; c++) {
        stats[c] = (float)idem_rng_below(&rng, 6);
        for (uint32_t k = 0; k < per_cell; k++)
            stats[m->shape.cells + c * per_cell + k] =
                stats[c] > 0 ? (float)(sqrt((double)stats[c]) * idem_rng_normal(&rng)) : 0;
    }
    return stats;
}

struct projected {
    double *L, *b, *scratch;
};

static struct projected project(const struct idem_model *m, const float *stats)
{
    struct projected p = {calloc(idem_packed(m->rank) + 1, sizeof(double)),
                          calloc(m->rank + 1, sizeof(double)),
                          calloc(idem_evidence_scratch(m->rank) + 1, sizeof(double))};
    idem_project(m, stats, p.L, p.b);
    return p;
}

static void projected_free(struct projected *p)
{
    free(p->L);
    free(p->b);
    free(p->scratch);
}

static double evidence_of(const struct idem_model *m, const float *stats)
{
    struct projected p = project(m, stats);
    double E = idem_evidence(m->rank, p.L, p.b, p.scratch);
    projected_free(&p);
    return E;
}

/* E = 1/2 b^2 / (1 + n G) - 1/2 log(1 + n G) with G = W T^2 and b = f W T. */
static void test_rank_one_formula(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct idem_model m = random_model(1, 1, 1, seed);
        const double W0 = (double)m.weight[0], W1 = (double)m.weight[1];
        const double T0 = (double)m.load[0], T1 = (double)m.load[1];
        const float stats[3] = {(float)seed, 1.5f * (float)seed, -0.25f * (float)seed};
        double G = (double)seed * (W0 * T0 * T0 + W1 * T1 * T1);
        double b = (double)stats[1] * W0 * T0 + (double)stats[2] * W1 * T1;
        double want = 0.5 * b * b / (1 + G) - 0.5 * log(1 + G);
        assert_true(fabs(evidence_of(&m, stats) - want) < 1e-9 * fmax(1, fabs(want)));
        idem_model_free(&m);
    }
}

/* log of the likelihood ratio of person w to the average one, per the model's first line. */
static double log_ratio(const struct idem_model *m, const float *stats, const double *w)
{
    const uint32_t per_cell = 2 * m->shape.channels;
    double sum = 0;
    for (uint32_t k = 0; k < m->shape.cells * per_cell; k++) {
        double mean = 0, n = (double)stats[k / per_cell], f = (double)stats[m->shape.cells + k];
        for (uint32_t i = 0; i < m->rank; i++)
            mean += (double)m->load[k * m->rank + i] * w[i];
        sum += (double)m->weight[k] * (f * mean - 0.5 * n * mean * mean);
    }
    return sum;
}

/* log of the integral over N(0, I) in two dimensions, by the trapezoidal rule out to 8 sigma. */
static void test_brute_force_integral(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct idem_model m = random_model(4, 1, 2, seed);
        float *stats = random_stats(&m, seed + 100);
        const double step = 0.02;
        double integral = 0;
        for (double x = -8; x <= 8; x += step) {
            for (double y = -8; y <= 8; y += step) {
                const double w[2] = {x, y};
                integral += exp(log_ratio(&m, stats, w) - 0.5 * (x * x + y * y));
            }
        }
        double want = log(integral * step * step / 6.283185307179586);
        assert_true(fabs(evidence_of(&m, stats) - want) < 1e-6);
        free(stats);
        idem_model_free(&m);
    }
}

static void test_evidence_of_nothing_is_nought(void **state)
{
    (void)state;
    for (uint32_t rank = 0; rank <= 48; rank += 8) {
        struct idem_model m = random_model(5, 2, rank, 1);
        float *stats = calloc(idem_shape_len(m.shape), sizeof *stats);
        assert_true(evidence_of(&m, stats) == 0);
        free(stats);
        idem_model_free(&m);
    }
}

static void test_projection_is_linear(void **state)
{
    struct idem_model m = random_model(6, 2, 9, 3);
    float *P = random_stats(&m, 1), *S = random_stats(&m, 2);
    struct projected p = project(&m, P), s = project(&m, S);
    (void)state;
    for (size_t i = 0; i < idem_shape_len(m.shape); i++)
        P[i] += S[i];
    struct projected sum = project(&m, P);
    for (size_t i = 0; i < idem_packed(m.rank); i++)
        assert_true(fabs(sum.L[i] - p.L[i] - s.L[i]) < 1e-5);
    for (uint32_t i = 0; i < m.rank; i++)
        assert_true(fabs(sum.b[i] - p.b[i] - s.b[i]) < 1e-5);
    projected_free(&p);
    projected_free(&s);
    projected_free(&sum);
    free(P);
    free(S);
    idem_model_free(&m);
}

/* (I + L) w = b */
static void test_posterior(void **state)
{
    (void)state;
    for (uint32_t rank = 1; rank <= 48; rank += 9) {
        struct idem_model m = random_model(10, 2, rank, rank);
        float *stats = random_stats(&m, rank);
        struct projected p = project(&m, stats);
        double w[48];
        idem_posterior(rank, p.L, p.b, p.scratch, w);
        for (uint32_t i = 0; i < rank; i++) {
            double sum = w[i];
            for (uint32_t j = 0; j < rank; j++) {
                uint32_t hi = i > j ? i : j, lo = i > j ? j : i;
                sum += p.L[(size_t)hi * (hi + 1) / 2 + lo] * w[j];
            }
            assert_true(fabs(sum - p.b[i]) < 1e-9 * fmax(1, fabs(p.b[i])));
        }
        projected_free(&p);
        free(stats);
        idem_model_free(&m);
    }
}

/* One cell, one statistic: log of the ratio of integrals over m ~ N(0, d^2), by brute force. */
static double plain_integral(double n, double f, double W, double d2)
{
    const double step = 0.001;
    double integral = 0;
    for (double x = -10; x <= 10; x += step)
        integral += exp(W * (f * x - 0.5 * n * x * x) - 0.5 * x * x / d2);
    return log(integral * step / sqrt(6.283185307179586 * d2));
}

static void test_plain_score(void **state)
{
    struct idem_model m = random_model(2, 1, 0, 4);
    const float P[6] = {10, 3, 7, 2, -1, 0.5f}, S[6] = {4, 0, 3, -1, 0, 0};
    double want = 0;
    (void)state;
    for (uint32_t k = 0; k < 2; k++) { /* the second cell holds nothing of the probe */
        double W = (double)m.weight[k], d2 = (double)m.plain[k];
        want += plain_integral(14, (double)(P[2 + k] + S[2 + k]), W, d2) -
                plain_integral(10, (double)P[2 + k], W, d2) -
                plain_integral(4, (double)S[2 + k], W, d2);
    }
    assert_true(fabs(idem_plain_score(&m, P, S) - want) < 1e-6);
    idem_model_free(&m);
}

/* Symmetric, nought where either side is empty, and added to a score by its share alone. */
static void test_plain_share(void **state)
{
    struct idem_model m = random_model(30, 3, 0, 9);
    float *P = random_stats(&m, 1), *S = random_stats(&m, 2);
    float *nothing = calloc(idem_shape_len(m.shape), sizeof *nothing);
    const double whole = idem_plain_score(&m, P, S);
    (void)state;
    assert_true(fabs(whole) > 1);
    assert_true(fabs(idem_plain_score(&m, S, P) - whole) < 1e-9 * fabs(whole));
    assert_true(idem_plain_score(&m, P, nothing) == 0 && idem_plain_score(&m, nothing, S) == 0);
    m.plain_share = 0.25f;
    assert_true(fabs(idem_plain_share(&m, P, S) - 0.25 * whole) < 1e-9 * fabs(whole));
    m.plain_share = 0;
    assert_true(idem_plain_share(&m, P, S) == 0);
    free(P);
    free(S);
    free(nothing);
    idem_model_free(&m);
}

/* One statistic's term is the whole of a model that has no other. */
static void test_plain_term(void **state)
{
    struct idem_model m = random_model(1, 1, 0, 6);
    const float P[3] = {12, 5, 0}, S[3] = {3, -2, 0};
    (void)state;
    m.plain[1] = 0; /* says nothing */
    double term = idem_plain_term(12, 5, 3, -2, (double)m.weight[0], (double)m.plain[0]);
    assert_true(fabs(idem_plain_score(&m, P, S) - term) < 1e-12);
    assert_true(fabs(term - (plain_integral(15, 3, (double)m.weight[0], (double)m.plain[0]) -
                             plain_integral(12, 5, (double)m.weight[0], (double)m.plain[0]) -
                             plain_integral(3, -2, (double)m.weight[0], (double)m.plain[0]))) <
                1e-6);
    idem_model_free(&m);
}

static void test_model_has_limits(void **state)
{
    struct idem_model m;
    (void)state;
    assert_int_equal(idem_model_alloc(&m, (struct idem_shape){1, 1}, IDEM_RANK_MAX + 1),
                     IDEM_ERR_LIMIT);
    assert_int_equal(idem_model_alloc(&m, (struct idem_shape){IDEM_CELLS_MAX + 1, 1}, 1),
                     IDEM_ERR_LIMIT);
    assert_int_equal(idem_model_alloc(&m, (struct idem_shape){1, IDEM_CHANNELS_MAX + 1}, 1),
                     IDEM_ERR_LIMIT);
    assert_int_equal(idem_model_alloc(&m, (struct idem_shape){IDEM_CELLS_MAX, 3}, 1),
                     IDEM_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rank_one_formula),
        cmocka_unit_test(test_brute_force_integral),
        cmocka_unit_test(test_evidence_of_nothing_is_nought),
        cmocka_unit_test(test_projection_is_linear),
        cmocka_unit_test(test_posterior),
        cmocka_unit_test(test_plain_score),
        cmocka_unit_test(test_plain_share),
        cmocka_unit_test(test_plain_term),
        cmocka_unit_test(test_model_has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
