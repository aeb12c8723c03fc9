/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_calibration.c - the calibration finds back what it was fed, and never turns a score upside
 * down.
 */
#include "base/rng.h"
#include "idem/idem.h"
#include "model/calibration.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TRIALS = 20000 };

/*
 * Scores whose true log-likelihood ratio is slope raw + offset, at one amount of evidence. For LLRs
 * normal with variance v and mean +-v/2, the ratio of the densities at x is x itself.
 */
static void simulate_spread(struct idem_trial *trials, size_t count, double slope, double offset,
                            float probe, float profile, uint64_t seed, double v)
{
    struct idem_rng rng;
    idem_rng_seed(&rng, seed);
    for (size_t i = 0; i < count; i++) {
        bool genuine = i % 2 == 0;
        double llr = (genuine ? v / 2 : -v / 2) + sqrt(v) * idem_rng_normal(&rng);
        trials[i] = (struct idem_trial){.raw = (float)((llr - offset) / slope),
                                        .probe_strokes = probe,
                                        .profile_strokes = profile,
                                        .genuine = genuine};
    }
}

static void simulate(struct idem_trial *trials, size_t count, double slope, double offset,
                     float probe, float profile, uint64_t seed)
{
    simulate_spread(trials, count, slope, offset, probe, profile, seed, 3);
}

static void test_identity(void **state)
{
    struct idem_calibration cal;
    (void)state;
    idem_calibration_identity(&cal);
    /* e^1 is slope; the name promises no more than that nothing is fitted */
    assert_true(idem_calibrate(&cal, 0, 50, 500) == 0);
    assert_true(idem_calibrate(&cal, 2, 50, 500) > 0);
}

/* Scores beyond +-10 are drawn in for the fit; here none lie so far out. */
static void test_finds_slope_and_offset(void **state)
{
    static const struct {
        double slope, offset, spread;
    } truths[] = {{1, 0, 4}, {0.4, 0, 1}, {0.5, 1, 1}, {2, -1, 6}, {0.3, 0.2, 0.5}};
    struct idem_trial *trials = calloc(TRIALS, sizeof *trials);
    (void)state;
    for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
        double slope = truths[i].slope, offset = truths[i].offset;
        struct idem_calibration cal;
        simulate_spread(trials, TRIALS, slope, offset, 50, 500, i + 1, truths[i].spread);
        assert_int_equal(idem_calibration_fit(trials, TRIALS, &cal), 0);
        for (double llr = -3; llr <= 3; llr += 1.5) {
            double got = idem_calibrate(&cal, (llr - offset) / slope, 50, 500);
            if (fabs(got - llr) > 0.06 + 0.06 * fabs(llr))
                fail_msg("slope %g offset %g: llr %g instead of %g", slope, offset, got, llr);
        }
    }
    free(trials);
}

/* One in a hundred did something else altogether: nobody's slope is flattened by that. */
static void test_a_few_wild_trials_change_little(void **state)
{
    struct idem_trial *trials = calloc(TRIALS, sizeof *trials);
    struct idem_calibration plain, wild;
    (void)state;
    simulate(trials, TRIALS, 1, 0, 50, 500, 11);
    assert_int_equal(idem_calibration_fit(trials, TRIALS, &plain), 0);
    for (size_t i = 0; i < TRIALS; i += 200)
        trials[i].raw = -60; /* genuine */
    assert_int_equal(idem_calibration_fit(trials, TRIALS, &wild), 0);
    assert_true(idem_calibrate_unbounded(&wild, 5, 50, 500) >
                0.75 * idem_calibrate_unbounded(&plain, 5, 50, 500));
    /* but nobody claims more from now on than that one in a hundred is wild */
    assert_true(idem_calibrate(&plain, -1000, 50, 500) < -4.9);
    assert_true(idem_calibrate(&wild, -1000, 50, 500) > -4.85);
    assert_true(idem_calibrate(&wild, -1000, 50, 500) < -3.5);
    free(trials);
}

/* A slope that falls with the probe's size is found at every size. */
static void test_depends_on_the_evidence(void **state)
{
    static const float probes[] = {25, 50, 100, 200};
    struct idem_trial *trials = calloc(4 * TRIALS, sizeof *trials);
    struct idem_calibration cal;
    (void)state;
    for (int i = 0; i < 4; i++)
        simulate(trials + i * TRIALS, TRIALS, exp(-0.3 * log2(probes[i] / 50.0)), 0, probes[i], 500,
                 10 + (uint64_t)i);
    assert_int_equal(idem_calibration_fit(trials, 4 * TRIALS, &cal), 0);
    for (int i = 0; i < 4; i++) {
        double slope = exp(-0.3 * log2(probes[i] / 50.0));
        assert_true(fabs(idem_calibrate(&cal, 4 / slope, probes[i], 500) - 4) < 0.3);
        assert_true(fabs(idem_calibrate(&cal, -4 / slope, probes[i], 500) + 4) < 0.3);
    }
    /* beyond what was seen in fitting, the nearest seen amount counts */
    assert_true(idem_calibrate(&cal, 3, 1e6, 500) == idem_calibrate(&cal, 3, 200, 500));
    assert_true(idem_calibrate(&cal, 3, 1, 500) == idem_calibrate(&cal, 3, 25, 500));
    assert_true(idem_calibrate(&cal, 3, 50, 1) == idem_calibrate(&cal, 3, 50, 1e8));
    free(trials);
}

static void assert_monotone(const struct idem_calibration *cal)
{
    static const double amounts[] = {0, 1, 10, 25, 50, 400, 1e5};
    for (size_t p = 0; p < 7; p++) {
        for (size_t q = 0; q < 7; q++) {
            double before = -INFINITY;
            for (double raw = -50; raw <= 50; raw += 2.5) {
                double llr = idem_calibrate(cal, raw, amounts[p], amounts[q]);
                assert_true(isfinite(llr) && llr > before);
                before = llr;
            }
        }
    }
}

static void test_monotone(void **state)
{
    struct idem_trial *trials = calloc(TRIALS, sizeof *trials);
    struct idem_calibration cal;
    (void)state;
    simulate(trials, TRIALS, 0.7, 0.3, 50, 500, 3);
    for (size_t i = 0; i < TRIALS; i++) {
        trials[i].probe_strokes = (float)(10 + 40 * (i % 7));
        trials[i].profile_strokes = (float)(100 + 300 * (i % 5));
    }
    assert_int_equal(idem_calibration_fit(trials, TRIALS, &cal), 0);
    assert_monotone(&cal);
    free(trials);
}

/* Trials whose labels are exchanged, or random: the slope shrinks but never changes its sign. */
static void test_never_inverts(void **state)
{
    struct idem_trial *trials = calloc(TRIALS, sizeof *trials);
    struct idem_calibration cal;
    struct idem_rng rng;
    (void)state;
    simulate(trials, TRIALS, 1, 0, 50, 500, 4);
    for (size_t i = 0; i < TRIALS; i++)
        trials[i].genuine = !trials[i].genuine;
    assert_int_equal(idem_calibration_fit(trials, TRIALS, &cal), 0);
    assert_monotone(&cal);
    assert_true(fabs(idem_calibrate(&cal, 5, 50, 500)) < 0.5); /* worthless scores say nothing */
    idem_rng_seed(&rng, 9);
    for (size_t i = 0; i < TRIALS; i++)
        trials[i].genuine = idem_rng_below(&rng, 2);
    assert_int_equal(idem_calibration_fit(trials, TRIALS, &cal), 0);
    assert_monotone(&cal);
    assert_true(fabs(idem_calibrate(&cal, 5, 50, 500)) < 0.5);
    free(trials);
}

/* Both classes count alike, however many impostor trials there are. */
static void test_unequal_classes(void **state)
{
    struct idem_trial *trials = calloc(TRIALS, sizeof *trials);
    struct idem_calibration cal;
    size_t n = 0;
    (void)state;
    simulate(trials, TRIALS, 0.5, 0, 50, 500, 5);
    for (size_t i = 0; i < TRIALS; i++) {
        if (!trials[i].genuine || i % 20 == 0)
            trials[n++] = trials[i];
    }
    assert_int_equal(idem_calibration_fit(trials, n, &cal), 0);
    assert_true(fabs(idem_calibrate(&cal, 0, 50, 500)) < 0.25);
    assert_true(fabs(idem_calibrate(&cal, 6, 50, 500) - 3) < 0.4);
    free(trials);
}

static void test_needs_enough_trials(void **state)
{
    struct idem_trial trials[60];
    struct idem_calibration cal = {.coef = {42}};
    (void)state;
    simulate(trials, 60, 1, 0, 50, 500, 6);
    assert_int_equal(idem_calibration_fit(trials, 0, &cal), IDEM_ERR_TOO_LITTLE);
    assert_int_equal(idem_calibration_fit(trials, 39, &cal), IDEM_ERR_TOO_LITTLE);
    assert_true(cal.coef[0] == 42);
    assert_int_equal(idem_calibration_fit(trials, 40, &cal), 0);
    for (int i = 0; i < 60; i++)
        trials[i].genuine = true;
    assert_int_equal(idem_calibration_fit(trials, 60, &cal), IDEM_ERR_TOO_LITTLE);
}

static void test_refuses_what_is_no_number(void **state)
{
    struct idem_trial trials[60];
    struct idem_calibration cal = {.coef = {42}};
    (void)state;
    simulate(trials, 60, 1, 0, 50, 500, 7);
    trials[30].raw = NAN;
    assert_int_equal(idem_calibration_fit(trials, 60, &cal), IDEM_ERR_INVALID);
    assert_true(cal.coef[0] == 42);
}

/* Perfectly separated classes must not send the slope to infinity. */
static void test_separated_classes_stay_bounded(void **state)
{
    struct idem_trial trials[200];
    struct idem_calibration cal;
    (void)state;
    for (int i = 0; i < 200; i++)
        trials[i] = (struct idem_trial){i % 2 ? 20 : -20, 50, 500, i % 2};
    assert_int_equal(idem_calibration_fit(trials, 200, &cal), 0);
    double llr = idem_calibrate(&cal, 20, 50, 500);
    assert_true(isfinite(llr) && llr > 2 && llr <= 20 * 3.1);
    assert_monotone(&cal);
}

static void test_bytes_round_trip(void **state)
{
    struct idem_calibration cal, back;
    struct idem_trial trials[400];
    uint8_t bytes[96];
    struct idem_writer w;
    struct idem_reader r;
    (void)state;
    simulate(trials, 400, 1, 0, 50, 500, 8);
    assert_int_equal(idem_calibration_fit(trials, 400, &cal), 0);
    idem_writer_init(&w, bytes, sizeof bytes);
    idem_calibration_write(&cal, &w);
    assert_int_equal(w.len, sizeof bytes);
    idem_reader_init(&r, bytes, sizeof bytes);
    assert_int_equal(idem_calibration_read(&back, &r), 0);
    assert_memory_equal(&cal, &back, sizeof cal);
    for (size_t n = 0; n < sizeof bytes; n++) {
        idem_reader_init(&r, bytes, n);
        assert_int_equal(idem_calibration_read(&back, &r), IDEM_ERR_TRUNCATED);
    }
}

/* Bounding the unbounded is the same as calibrating. */
static void test_bound_of_the_unbounded(void **state)
{
    struct idem_calibration cal;
    double before = -1e9;
    (void)state;
    idem_calibration_identity(&cal);
    cal.coef[0] = -0.5;
    cal.coef[3] = 0.2;
    cal.coef[6] = -5;
    cal.coef[7] = -0.3;
    for (double raw = -30; raw <= 30; raw += 0.5) {
        double z = idem_calibrate_unbounded(&cal, raw, 120, 700);
        double llr = idem_calibration_bound(&cal, z, 120);
        assert_true(fabs(llr - idem_calibrate(&cal, raw, 120, 700)) < 1e-12);
        assert_true(llr > before);
        before = llr;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_finds_slope_and_offset),
        cmocka_unit_test(test_a_few_wild_trials_change_little),
        cmocka_unit_test(test_depends_on_the_evidence),
        cmocka_unit_test(test_monotone),
        cmocka_unit_test(test_never_inverts),
        cmocka_unit_test(test_unequal_classes),
        cmocka_unit_test(test_needs_enough_trials),
        cmocka_unit_test(test_refuses_what_is_no_number),
        cmocka_unit_test(test_separated_classes_stay_bounded),
        cmocka_unit_test(test_bytes_round_trip),
        cmocka_unit_test(test_bound_of_the_unbounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
