/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kinematics.c - features of paths whose values follow from geometry, and of random paths
 * against plain double arithmetic with the library's atan2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "window/kinematics.h"

#define GRID_STEP (1.0 / 4096)

static void near_to(const float *f, enum idem_feature k, double want, double slack)
{
    if (!(fabs(f[k] - want) <= slack + GRID_STEP))
        fail_msg("feature %d is %.6f, not %.6f", (int)k, (double)f[k], want);
}

/* 11 points, 16 ms and 2 units apart: 125 units/s. */
static void test_straight(void **state)
{
    struct idem_path p = {.count = 11};
    float f[IDEM_FEATURES];
    (void)state;

    for (int i = 0; i < 11; i++) {
        p.t_us[i] = 16000 * i;
        p.x[i] = (float)(2 * i);
    }
    assert_true(idem_kinematics(&p, IDEM_GESTURE_PRESS, false, f));
    near_to(f, IDEM_FEATURE_LENGTH, log(20), 0);
    near_to(f, IDEM_FEATURE_DURATION, log(0.16), 0);
    near_to(f, IDEM_FEATURE_STRAIGHTNESS, 1, 0);
    near_to(f, IDEM_FEATURE_SPEED_MEAN, log(126), 0);
    near_to(f, IDEM_FEATURE_SPEED_SD, 0, 0);
    near_to(f, IDEM_FEATURE_SPEED_MAX, log(126), 0);
    near_to(f, IDEM_FEATURE_PEAK_TIME, 0, 0);
    near_to(f, IDEM_FEATURE_ACCELERATION, 0, 0);
    near_to(f, IDEM_FEATURE_ACCELERATION_RANGE, 0, 0);
    near_to(f, IDEM_FEATURE_JERK, 0, 0);
    near_to(f, IDEM_FEATURE_TURN_RATE, log(0.01), 0);
    near_to(f, IDEM_FEATURE_TURN_RATE_SD, log(0.01), 0);
    assert_true(f[IDEM_FEATURE_TURN_END] == 0 && f[IDEM_FEATURE_TURN_SUM] == 0);
    near_to(f, IDEM_FEATURE_CURVATURE, log(1e-4), 0);
    assert_true(f[IDEM_FEATURE_SIN] == 0 && f[IDEM_FEATURE_COS] == 1);
    assert_true(f[IDEM_FEATURE_COS2] == 1);
    assert_true(f[IDEM_FEATURE_ENDS_PRESS] == 1 && f[IDEM_FEATURE_ENDS_RELEASE] == 0);
    near_to(f, IDEM_FEATURE_SPEED_END, 1, 0);
    near_to(f, IDEM_FEATURE_SPEED_START, 1, 0);
    near_to(f, IDEM_FEATURE_QUARTER_1, 0.25, 0);
    near_to(f, IDEM_FEATURE_QUARTER_2, 0.5, 0);
    near_to(f, IDEM_FEATURE_QUARTER_3, 0.75, 0);
    assert_true(f[IDEM_FEATURE_BOW_LEFT] == 0 && f[IDEM_FEATURE_BOW_RIGHT] == 0);
    assert_true(f[IDEM_FEATURE_AIM] == 0 && f[IDEM_FEATURE_TURN_SIGNED] == 0);
    near_to(f, IDEM_FEATURE_BRAKING, log(0.17), 0);
    near_to(f, IDEM_FEATURE_SPEED_SKEW, 0, 0);
    near_to(f, IDEM_FEATURE_HOMING, 0.6, 0); /* from point 4, at 64 ms of 160 */
    assert_true(f[IDEM_FEATURE_DRAG] == 0);
}

/* From (-100, 0) over (0, 100) to (100, 0) in 20 equal steps of 10 ms: turns of -pi / 20. */
static void test_semicircle(void **state)
{
    const double step = 200 * sin(M_PI / 40), length = 20 * step, turn = M_PI / 20;
    struct idem_path p = {.count = 21};
    float f[IDEM_FEATURES];
    (void)state;

    for (int i = 0; i < 21; i++) {
        p.t_us[i] = 10000 * i;
        p.x[i] = (float)(100 - 100 * cos(turn * i));
        p.y[i] = (float)(100 * sin(turn * i));
    }
    assert_true(idem_kinematics(&p, IDEM_GESTURE_RELEASE, true, f));
    near_to(f, IDEM_FEATURE_LENGTH, log(length), 0);
    near_to(f, IDEM_FEATURE_STRAIGHTNESS, 200 / length, 0);
    near_to(f, IDEM_FEATURE_SPEED_MEAN, log(1 + step / 0.01), 0);
    near_to(f, IDEM_FEATURE_TURN_RATE, log(0.01 + turn / 0.01), 0);
    near_to(f, IDEM_FEATURE_TURN_SUM, 19 * turn, 0);
    near_to(f, IDEM_FEATURE_TURN_SIGNED, -19 * turn, 0);
    near_to(f, IDEM_FEATURE_TURN_END, 19 * turn, 0);
    near_to(f, IDEM_FEATURE_TURN_MEAN, turn, 0);
    near_to(f, IDEM_FEATURE_CURVATURE, log(1e-4 + turn / step), 0);
    near_to(f, IDEM_FEATURE_BOW_LEFT, 100 / length, 0);
    near_to(f, IDEM_FEATURE_BOW_RIGHT, 0, 0);
    near_to(f, IDEM_FEATURE_BOW_TIME, 0.5, 0);
    near_to(f, IDEM_FEATURE_AIM, M_PI / 2 - turn / 2, 0);
    near_to(f, IDEM_FEATURE_HOMING, 0.5, 0.051); /* a step may fall to either side of 100 ms */
    assert_true(f[IDEM_FEATURE_ENDS_RELEASE] == 1 && f[IDEM_FEATURE_ENDS_PRESS] == 0);
    assert_true(f[IDEM_FEATURE_DRAG] == 1);
}

/* Speeds 100, 300, 200, 600: mean 300, sd sqrt(35000), median 250, top in the last step. */
static void test_speeds(void **state)
{
    struct idem_path p = {
        .count = 5, .t_us = {0, 10000, 20000, 30000, 40000}, .y = {0, 1, 4, 6, 12}};
    float f[IDEM_FEATURES];
    (void)state;

    assert_true(idem_kinematics(&p, IDEM_GESTURE_PAUSE, false, f));
    near_to(f, IDEM_FEATURE_SPEED_MEAN, log(301), 0);
    near_to(f, IDEM_FEATURE_SPEED_SD, log(1 + sqrt(35000)), 0);
    near_to(f, IDEM_FEATURE_SPEED_MAX, log(601), 0);
    near_to(f, IDEM_FEATURE_PEAK_TIME, 0.75, 0);
    near_to(f, IDEM_FEATURE_BRAKING, log(0.02), 0);
    near_to(f, IDEM_FEATURE_SPEED_SKEW, 50 / (sqrt(35000) + 1), 0);
    near_to(f, IDEM_FEATURE_ACCELERATION, log(1 + (20000 + 10000 + 40000) / 3.0), 0);
    near_to(f, IDEM_FEATURE_ACCELERATION_RANGE, log(50001), 0);
    near_to(f, IDEM_FEATURE_JERK, log(1 + (3e6 + 5e6) / 2), 0);
    near_to(f, IDEM_FEATURE_SPEED_END, 601.0 / 301, 0);
    near_to(f, IDEM_FEATURE_SPEED_START, 101.0 / 301, 0);
    near_to(f, IDEM_FEATURE_SIN, 1, 0);
    near_to(f, IDEM_FEATURE_COS2, -1, 0);
    near_to(f, IDEM_FEATURE_QUARTER_3, 0.5, 0);
}

/* Out and back: no chord, so its direction counts as +x and its length as nought. */
static void test_back_to_the_start(void **state)
{
    struct idem_path p = {
        .count = 5, .t_us = {0, 8000, 16000, 24000, 32000}, .x = {0, 10, 20, 10, 0}};
    float f[IDEM_FEATURES];
    (void)state;

    assert_true(idem_kinematics(&p, IDEM_GESTURE_PAUSE, false, f));
    assert_true(f[IDEM_FEATURE_STRAIGHTNESS] == 0);
    assert_true(f[IDEM_FEATURE_SIN] == 0 && f[IDEM_FEATURE_COS] == 1);
    assert_true(f[IDEM_FEATURE_BOW_LEFT] == 0 && f[IDEM_FEATURE_AIM] == 0);
    near_to(f, IDEM_FEATURE_TURN_SUM, M_PI, 0);
}

static void test_too_little(void **state)
{
    struct idem_path p = {.count = 3, .t_us = {0, 8000, 16000, 24000}, .x = {0, 10, 20, 30}};
    float f[IDEM_FEATURES] = {7};
    (void)state;

    assert_false(idem_kinematics(&p, IDEM_GESTURE_PAUSE, false, f));
    p.count = 4;
    p.x[1] = 1, p.x[2] = 2, p.x[3] = 2.9f;
    assert_false(idem_kinematics(&p, IDEM_GESTURE_PAUSE, false, f));
    assert_true(f[0] == 7);
    p.x[3] = 3;
    assert_true(idem_kinematics(&p, IDEM_GESTURE_PAUSE, false, f));
}

/* A walk on the pixel grid with steps of nought in it, as slow hands make them. */
static void random_path(struct idem_path *p, struct idem_rng *rng)
{
    p->count = IDEM_PATH_MIN + idem_rng_below(rng, IDEM_PATH_MAX - IDEM_PATH_MIN + 1);
    for (uint32_t i = 1; i < p->count; i++) {
        p->t_us[i] = p->t_us[i - 1] + 6000 + (int32_t)idem_rng_below(rng, 50000);
        p->x[i] = p->x[i - 1] + (float)idem_rng_below(rng, 9) - 3;
        p->y[i] = p->y[i - 1] + (float)idem_rng_below(rng, 9) - 4;
    }
}

static void check_turns(const struct idem_path *p, const float *f)
{
    double sum = 0, rates = 0, last = 0, speeds[IDEM_PATH_MAX], below = 0, above = 0;
    for (uint32_t i = 0; i + 1 < p->count; i++) {
        double dx = (double)p->x[i + 1] - p->x[i], dy = (double)p->y[i + 1] - p->y[i];
        double dt = 1e-6 * (p->t_us[i + 1] - p->t_us[i]), way = atan2(dy, dx);
        double turn = fabs(remainder(way - last, 2 * M_PI));
        speeds[i] = hypot(dx, dy) / dt;
        last = way;
        sum += i > 0 ? turn : 0;
        rates += i > 0 ? turn / dt : 0;
    }
    near_to(f, IDEM_FEATURE_TURN_SUM, sum, 1e-3);
    near_to(f, IDEM_FEATURE_TURN_RATE, log(0.01 + rates / (p->count - 2)), 1e-3);
    /* the median, from what the skew says, has as many speeds below it as above */
    double median = exp(f[IDEM_FEATURE_SPEED_MEAN]) - 1 -
                    (double)f[IDEM_FEATURE_SPEED_SKEW] * exp(f[IDEM_FEATURE_SPEED_SD]);
    for (uint32_t i = 0; i + 1 < p->count; i++) {
        below += speeds[i] < median * 0.995 - 0.5;
        above += speeds[i] > median * 1.005 + 0.5;
    }
    assert_true(below <= (p->count - 1) / 2.0 && above <= (p->count - 1) / 2.0);
}

static void test_random_paths(void **state)
{
    struct idem_rng rng;
    (void)state;
    idem_rng_seed(&rng, 3);
    for (int round = 0; round < 2000; round++) {
        struct idem_path p = {0};
        float f[IDEM_FEATURES];
        random_path(&p, &rng);
        if (!idem_kinematics(&p, IDEM_GESTURE_FULL, false, f))
            continue;
        for (int k = 0; k < IDEM_FEATURES; k++) {
            assert_true(isfinite(f[k]) && fabsf(f[k]) < 1024);
            assert_true(f[k] * 4096 == rintf(f[k] * 4096));
        }
        check_turns(&p, f);
    }
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(idem_feature_words(IDEM_FEATURE_SPEED_MEAN, true), "moves faster");
    assert_string_equal(idem_feature_words(IDEM_FEATURE_DRAG, false), "drags less");
    assert_null(idem_feature_words(IDEM_FEATURE_SIN, true));
    assert_null(idem_feature_words(IDEM_FEATURES, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_straight),   cmocka_unit_test(test_semicircle),
        cmocka_unit_test(test_speeds),     cmocka_unit_test(test_back_to_the_start),
        cmocka_unit_test(test_too_little), cmocka_unit_test(test_random_paths),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
