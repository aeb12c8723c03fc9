/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mixture.c - scores, responsibilities and statistics of mixtures small enough to compute by
 * hand, and the refusal of damaged tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "idem/idem.h"
#include "window/mixture.h"

/* Knots 0, 1, ... 62, so that feature value v is the quantile of knot v. */
static void ramp(float *table)
{
    for (int k = 0; k < IDEM_KNOTS; k++)
        table[k] = (float)k;
}

/* One dimension, the normal score of feature 0; two components of unit variance at -1 and 1. */
static void make(struct idem_mixture *mix, uint32_t features)
{
    assert_int_equal(idem_mixture_alloc(mix, features, 1, 2), 0);
    for (uint32_t f = 0; f < features; f++)
        ramp(mix->quantile + (size_t)f * IDEM_KNOTS);
    ramp(mix->scalar);
    mix->project[0] = 1;
    mix->mean[0] = -1;
    mix->mean[1] = 1;
    mix->inv_sd[0] = mix->inv_sd[1] = 1;
}

static void near_to(double a, double b)
{
    if (fabs(a - b) > 2e-4)
        fail_msg("%.6f, not %.6f", a, b);
}

static double score(struct idem_mixture *mix, float value)
{
    idem_mixture_scores(mix, &value);
    return value;
}

static void test_scores(void **state)
{
    struct idem_mixture mix;
    (void)state;
    make(&mix, 1);
    near_to(score(&mix, 31), 0);           /* the median */
    near_to(score(&mix, 0), -2.7478);      /* the quantile 0.003 */
    near_to(score(&mix, -1e30f), -2.7478); /* and nothing beyond it */
    near_to(score(&mix, 1e30f), 2.7478);
    near_to(score(&mix, 62), 2.7478);
    near_to(score(&mix, 61), 2.0742);    /* 0.98097 */
    near_to(score(&mix, 61.5f), 2.4110); /* between knots */
    near_to(score(&mix, NAN), 0);
    near_to(score(&mix, INFINITY), 0);
    idem_mixture_free(&mix);
}

/* A value that a third of the people share gets the middle of the scores that it spans. */
static void test_ties(void **state)
{
    struct idem_mixture mix;
    (void)state;
    make(&mix, 1);
    for (int k = 21; k <= 41; k++)
        mix.quantile[k] = 30;
    near_to(score(&mix, 30), 0);
    for (int k = 0; k < IDEM_KNOTS; k++)
        mix.quantile[k] = k < 31 ? 0 : 1;
    near_to(score(&mix, 0), -1.3940); /* half of -2.7478 - 0.0402 */
    near_to(score(&mix, 1), 1.3739);
    near_to(score(&mix, 0.5f), -0.0201);
    for (int k = 0; k < IDEM_KNOTS; k++)
        mix.quantile[k] = 5;
    near_to(score(&mix, 5), 0); /* a feature that never varied */
    idem_mixture_free(&mix);
}

static void test_statistics(void **state)
{
    struct idem_mixture mix;
    float stats[(2 + IDEM_SCALARS) * 3] = {0};
    const float middle = 31;
    (void)state;
    make(&mix, 1);
    assert_int_equal(idem_shape_len(idem_mixture_shape(&mix)), sizeof stats / sizeof stats[0]);
    idem_mixture_add(&mix, &middle, stats);
    near_to(stats[0], 0.5); /* z = 0 lies between the components */
    near_to(stats[1], 0.5);
    near_to(stats[5], 0.5);             /* half of a deviation of 1 from the first */
    near_to(stats[6], 0.5 * 0.2 / 1.1); /* (1 - 0.8) / 1.1 */
    near_to(stats[7], -0.5);
    for (int k = 9; k < 15; k++)
        assert_true(stats[k] == 0);
    idem_mixture_free(&mix);
}

/* A far gesture: deviation clipped at 3, its square at 4; the other component gets nothing. */
static void test_clip(void **state)
{
    struct idem_mixture mix;
    float stats[(2 + IDEM_SCALARS) * 3] = {0};
    const float far = 1000;
    (void)state;
    make(&mix, 1);
    mix.inv_sd[0] = mix.inv_sd[1] = 10;
    idem_mixture_add(&mix, &far, stats);
    assert_true(stats[0] == 0 && stats[1] == 1);
    near_to(stats[7], 3);
    near_to(stats[8], 3.2 / 1.1);
    idem_mixture_free(&mix);
}

static void test_scalar(void **state)
{
    struct idem_mixture mix;
    float stats[(2 + IDEM_SCALARS) * 3] = {0};
    struct idem_observed seen = {.scalar = IDEM_SCALAR_CLICK, .value = 1000};
    (void)state;
    make(&mix, 1);
    idem_mixture_observe(&mix, IDEM_OBSERVED_SCALAR, &seen, stats);
    seen.scalar = IDEM_SCALAR_DOUBLE_CLICK; /* its table is empty: not in use */
    idem_mixture_observe(&mix, IDEM_OBSERVED_SCALAR, &seen, stats);
    idem_mixture_add_scalar(&mix, IDEM_SCALAR_CLICK, NAN, stats);
    assert_true(stats[0] == 0 && stats[1] == 0 && stats[2] == 1 && stats[4] == 0);
    assert_true(stats[9] == 2);
    near_to(stats[10], 3.2 / 1.1);
    idem_mixture_free(&mix);
}

static int roundtrip(const struct idem_mixture *mix, struct idem_mixture *out)
{
    struct idem_writer w;
    struct idem_reader r;
    idem_writer_init(&w, NULL, 0);
    idem_mixture_write(mix, &w);
    size_t len = w.len;
    uint8_t *bytes = malloc(len);
    idem_writer_init(&w, bytes, len);
    idem_mixture_write(mix, &w);
    idem_reader_init(&r, bytes, len);
    *out = (struct idem_mixture){0};
    int err = idem_mixture_read(out, &r);
    if (err == 0)
        assert_true(r.at == r.end);
    free(bytes);
    return err;
}

static void refuse(struct idem_mixture *mix, float *where, float value)
{
    struct idem_mixture copy;
    float kept = *where;
    *where = value;
    assert_int_equal(roundtrip(mix, &copy), IDEM_ERR_FORMAT);
    *where = kept;
    idem_mixture_free(&copy);
}

static void test_bytes(void **state)
{
    struct idem_mixture mix, copy;
    (void)state;
    make(&mix, IDEM_FEATURES);
    assert_int_equal(roundtrip(&mix, &copy), 0);
    assert_int_equal(copy.components, 2);
    assert_true(copy.mean[0] == -1 && copy.quantile[62] == 62 && copy.scalar[62] == 62);
    idem_mixture_free(&copy);
    refuse(&mix, &mix.quantile[5], 3);
    refuse(&mix, &mix.scalar[62], 0);
    refuse(&mix, &mix.inv_sd[1], 0);
    refuse(&mix, &mix.inv_sd[1], -1);
    refuse(&mix, &mix.mean[0], 1e20f);
    refuse(&mix, &mix.project[0], NAN);
    idem_mixture_free(&mix);
    make(&mix, IDEM_FEATURES - 1); /* of another build's features */
    assert_int_equal(roundtrip(&mix, &copy), IDEM_ERR_FORMAT);
    idem_mixture_free(&mix);
}

static void test_limits(void **state)
{
    struct idem_mixture mix;
    (void)state;
    assert_int_equal(idem_mixture_alloc(&mix, IDEM_FEATURES + 1, 1, 1), IDEM_ERR_LIMIT);
    assert_int_equal(idem_mixture_alloc(&mix, 4, 5, 1), IDEM_ERR_LIMIT);
    assert_int_equal(idem_mixture_alloc(&mix, 4, 4, IDEM_COMPONENTS_MAX + 1), IDEM_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores),     cmocka_unit_test(test_ties),
        cmocka_unit_test(test_statistics), cmocka_unit_test(test_clip),
        cmocka_unit_test(test_scalar),     cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
