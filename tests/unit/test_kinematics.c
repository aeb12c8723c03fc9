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

static bool measure(const struct idem_path *p, enum idem_gesture_end end, bool drag, float *f)
{
    const struct idem_gesture_frame frame = {end, 0, drag};
    return idem_kinematics(p, &frame, f);
}

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
    assert_true(measure(&p, IDEM_GESTURE_PRESS, false, f));
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

/* From (-100, 0) over (0, 100) to (100, 0) in 20 equal steps of 16 ms: turns of -pi / 20. */
static void test_semicircle(void **state)
{
    const double step = 200 * sin(M_PI / 40), length = 20 * step, turn = M_PI / 20;
    struct idem_path p = {.count = 21};
    float f[IDEM_FEATURES];
    (void)state;

    for (int i = 0; i < 21; i++) {
        p.t_us[i] = 16000 * i;
        p.x[i] = (float)(100 - 100 * cos(turn * i));
        p.y[i] = (float)(100 * sin(turn * i));
    }
    assert_true(measure(&p, IDEM_GESTURE_RELEASE, true, f));
    near_to(f, IDEM_FEATURE_LENGTH, log(length), 0);
    near_to(f, IDEM_FEATURE_STRAIGHTNESS, 200 / length, 0);
    near_to(f, IDEM_FEATURE_SPEED_MEAN, log(1 + step / 0.016), 0);
    near_to(f, IDEM_FEATURE_TURN_RATE, log(0.01 + turn / 0.016), 0);
    near_to(f, IDEM_FEATURE_TURN_SUM, 19 * turn, 0);
    near_to(f, IDEM_FEATURE_TURN_SIGNED, -19 * turn, 0);
    near_to(f, IDEM_FEATURE_TURN_END, 19 * turn, 0);
    near_to(f, IDEM_FEATURE_TURN_MEAN, turn, 0);
    near_to(f, IDEM_FEATURE_CURVATURE, log(1e-4 + turn / step), 0);
    near_to(f, IDEM_FEATURE_BOW_LEFT, 100 / length, 0);
    near_to(f, IDEM_FEATURE_BOW_RIGHT, 0, 0);
    near_to(f, IDEM_FEATURE_BOW_TIME, 0.5, 0);
    near_to(f, IDEM_FEATURE_AIM, M_PI / 2 - turn / 2, 0);
    near_to(f, IDEM_FEATURE_HOMING, 0.3, 0.051); /* a step may fall to either side of 100 ms */
    assert_true(f[IDEM_FEATURE_ENDS_RELEASE] == 1 && f[IDEM_FEATURE_ENDS_PRESS] == 0);
    assert_true(f[IDEM_FEATURE_DRAG] == 1);
}

/* Speeds 100, 300, 200, 600: mean 300, sd sqrt(35000), median 250, top in the last step. */
static void test_speeds(void **state)
{
    struct idem_path p = {
        .count = 5, .t_us = {0, 16000, 32000, 48000, 64000}, .y = {0, 1.6f, 6.4f, 9.6f, 19.2f}};
    float f[IDEM_FEATURES];
    (void)state;

    assert_true(measure(&p, IDEM_GESTURE_PAUSE, false, f));
    near_to(f, IDEM_FEATURE_SPEED_MEAN, log(301), 0);
    near_to(f, IDEM_FEATURE_SPEED_SD, log(1 + sqrt(35000)), 0);
    near_to(f, IDEM_FEATURE_SPEED_MAX, log(601), 0);
    near_to(f, IDEM_FEATURE_PEAK_TIME, 0.75, 0);
    near_to(f, IDEM_FEATURE_BRAKING, log(0.026), 0);
    near_to(f, IDEM_FEATURE_SPEED_SKEW, 50 / (sqrt(35000) + 1), 0);
    near_to(f, IDEM_FEATURE_ACCELERATION, log(1 + (200 + 100 + 400) / 0.016 / 3), 0);
    near_to(f, IDEM_FEATURE_ACCELERATION_RANGE, log(1 + 500 / 0.016), 0);
    near_to(f, IDEM_FEATURE_JERK, log(1 + (300 + 500) / 0.016 / 0.016 / 2), 0);
    near_to(f, IDEM_FEATURE_SPEED_END, 601.0 / 301, 0);
    near_to(f, IDEM_FEATURE_SPEED_START, 101.0 / 301, 0);
    near_to(f, IDEM_FEATURE_SIN, 1, 0);
    near_to(f, IDEM_FEATURE_COS2, -1, 0);
    near_to(f, IDEM_FEATURE_QUARTER_3, 0.5, 0);
    near_to(f, IDEM_FEATURE_PEAKS, log(2), 0); /* 300; the last step is no maximum */
    near_to(f, IDEM_FEATURE_SECOND_PEAK, 300.0 / 601, 1e-3);
    near_to(f, IDEM_FEATURE_FIRST_SHARE, 1, 0);
    near_to(f, IDEM_FEATURE_SPEED_AT_1, 100.0 / 301, 0);
    near_to(f, IDEM_FEATURE_SPEED_AT_5, 200.0 / 301, 0);
    near_to(f, IDEM_FEATURE_SPEED_AT_9, 600.0 / 301, 0);
    near_to(f, IDEM_FEATURE_APPROACH, 0, 0);
}

/* Stillness before the first move and after the last is told, and changes nothing else. */
static void test_stillness(void **state)
{
    struct idem_path p = {.count = 6, .t_us = {0, 16000, 32000, 48000, 64000, 80000}};
    struct idem_path still = {.count = 8,
                              .t_us = {0, 90000, 106000, 122000, 138000, 154000, 170000, 370000}};
    const struct idem_gesture_frame at_once = {IDEM_GESTURE_PRESS, 0, false};
    const struct idem_gesture_frame waited = {IDEM_GESTURE_PRESS, 40000, false};
    float a[IDEM_FEATURES], b[IDEM_FEATURES];
    (void)state;

    for (int i = 0; i < 6; i++)
        p.x[i] = still.x[i + 1] = (float)(3 * i * i);
    still.x[7] = still.x[6];
    assert_true(idem_kinematics(&p, &at_once, a));
    assert_true(idem_kinematics(&still, &waited, b));
    near_to(a, IDEM_FEATURE_LEAD, log(0.01), 0);
    near_to(a, IDEM_FEATURE_DWELL, log(0.01), 0);
    near_to(b, IDEM_FEATURE_LEAD, log(0.14), 0); /* 40 ms before the first point, 90 after it */
    near_to(b, IDEM_FEATURE_DWELL, log(0.21), 0);
    a[IDEM_FEATURE_LEAD] = b[IDEM_FEATURE_LEAD];
    a[IDEM_FEATURE_DWELL] = b[IDEM_FEATURE_DWELL];
    assert_memory_equal(a, b, sizeof a);
}

/* One movement of minimum jerk, reported every 8 and every 16 ms: nearly the same features. */
static void test_common_clock(void **state)
{
    float f[2][IDEM_FEATURES];
    (void)state;

    for (int k = 0; k < 2; k++) {
        struct idem_path p = {.count = k == 0 ? 61 : 31};
        for (uint32_t i = 0; i < p.count; i++) {
            const double s = (double)i / (p.count - 1);
            p.t_us[i] = (int32_t)(480000 * s);
            p.x[i] = (float)(400 * s * s * s * (10 + s * (6 * s - 15)));
            p.y[i] = (float)(60 * sin(M_PI * s));
        }
        assert_true(measure(&p, IDEM_GESTURE_PAUSE, false, f[k]));
    }
    for (int k = 0; k < IDEM_FEATURES; k++)
        assert_true(fabsf(f[0][k] - f[1][k]) < 0.02f);
}

/* Out and back: no chord, so its direction counts as +x and its length as nought. */
static void test_back_to_the_start(void **state)
{
    struct idem_path p = {
        .count = 5, .t_us = {0, 16000, 32000, 48000, 64000}, .x = {0, 10, 20, 10, 0}};
    float f[IDEM_FEATURES];
    (void)state;

    assert_true(measure(&p, IDEM_GESTURE_PAUSE, false, f));
    assert_true(f[IDEM_FEATURE_STRAIGHTNESS] == 0);
    assert_true(f[IDEM_FEATURE_SIN] == 0 && f[IDEM_FEATURE_COS] == 1);
    assert_true(f[IDEM_FEATURE_BOW_LEFT] == 0 && f[IDEM_FEATURE_AIM] == 0);
    near_to(f, IDEM_FEATURE_TURN_SUM, M_PI, 0);
}

static void test_too_little(void **state)
{
    struct idem_path p = {.count = 2, .t_us = {0, 16000, 32000, 48000}, .x = {0, 10, 20, 30}};
    float f[IDEM_FEATURES] = {7};
    (void)state;

    assert_false(measure(&p, IDEM_GESTURE_PAUSE, false, f)); /* two points */
    p.count = 4;
    p.x[1] = p.x[0];
    p.x[3] = p.x[2];
    assert_false(measure(&p, IDEM_GESTURE_PAUSE, false, f)); /* two where it moves */
    p.x[1] = 1, p.x[2] = 2, p.x[3] = 2.9f;
    assert_false(measure(&p, IDEM_GESTURE_PAUSE, false, f)); /* under 3 units */
    p.x[3] = 3;
    p.t_us[1] = 9000, p.t_us[2] = 19000, p.t_us[3] = 29000;
    assert_false(measure(&p, IDEM_GESTURE_PAUSE, false, f)); /* under 30 ms */
    assert_true(f[0] == 7);
    p.t_us[3] = 30000;
    assert_true(measure(&p, IDEM_GESTURE_PAUSE, false, f));
}

/* A walk on the pixel grid with steps of nought in it, as slow hands make them. */
static void random_path(struct idem_path *p, struct idem_rng *rng)
{
    p->count = IDEM_PATH_MIN + idem_rng_below(rng, 76);
    for (uint32_t i = 1; i < p->count; i++) {
        p->t_us[i] = p->t_us[i - 1] + 6000 + (int32_t)idem_rng_below(rng, 11000);
        p->x[i] = p->x[i - 1] + (float)idem_rng_below(rng, 9) - 3;
        p->y[i] = p->y[i - 1] + (float)idem_rng_below(rng, 9) - 4;
    }
}

/* The median speed, from what the skew says, has as many speeds below it as above. */
static void check_median(const double *speeds, uint32_t steps, const float *f)
{
    const double median =
        exp((double)f[IDEM_FEATURE_SPEED_MEAN]) - 1 -
        (double)f[IDEM_FEATURE_SPEED_SKEW] * exp((double)f[IDEM_FEATURE_SPEED_SD]);
    double below = 0, above = 0;
    for (uint32_t i = 0; i < steps; i++) {
        below += speeds[i] < median * 0.995 - 0.5;
        above += speeds[i] > median * 1.005 + 0.5;
    }
    assert_true(below <= steps / 2.0 && above <= steps / 2.0);
}

/* The path on even steps in double, without stillness at its ends, and its turns and speeds. */
static void check_turns(const struct idem_path *p, const float *f)
{
    double sum = 0, rates = 0, last = 0, speeds[IDEM_CLOCK_STEPS], x0 = 0, y0 = 0;
    uint32_t lo = 0, hi = p->count - 1, j;
    while (p->x[lo] == p->x[lo + 1] && p->y[lo] == p->y[lo + 1])
        lo++;
    while (p->x[hi] == p->x[hi - 1] && p->y[hi] == p->y[hi - 1])
        hi--;
    const double span = 1e-6 * (p->t_us[hi] - p->t_us[lo]);
    const uint32_t steps = span / 0.016 + 0.5 < 3 ? 3 : (uint32_t)(span / 0.016 + 0.5);
    j = lo;
    for (uint32_t i = 0; i <= steps; i++) {
        const double t = p->t_us[lo] + 1e6 * span * i / steps;
        while (j + 1 < hi && p->t_us[j + 1] < t)
            j++;
        const double part = (t - p->t_us[j]) / (p->t_us[j + 1] - p->t_us[j]);
        const double x = (double)p->x[j] + part * ((double)p->x[j + 1] - (double)p->x[j]);
        const double y = (double)p->y[j] + part * ((double)p->y[j + 1] - (double)p->y[j]);
        if (i > 0) {
            const double way = atan2(y - y0, x - x0), turn = fabs(remainder(way - last, 2 * M_PI));
            speeds[i - 1] = hypot(x - x0, y - y0) * steps / span;
            sum += i > 1 ? turn : 0;
            rates += i > 1 ? turn * steps / span : 0;
            last = way;
        }
        x0 = x;
        y0 = y;
    }
    near_to(f, IDEM_FEATURE_TURN_SUM, sum, 2e-3);
    near_to(f, IDEM_FEATURE_TURN_RATE, log(0.01 + rates / (steps - 1)), 2e-3);
    check_median(speeds, steps, f);
}

static void test_random_paths(void **state)
{
    struct idem_rng rng;
    int measured = 0;
    (void)state;
    idem_rng_seed(&rng, 3);
    for (int round = 0; round < 2000; round++) {
        struct idem_path p = {0};
        float f[IDEM_FEATURES];
        random_path(&p, &rng);
        if (!measure(&p, IDEM_GESTURE_FULL, false, f))
            continue;
        measured++;
        for (int k = 0; k < IDEM_FEATURES; k++) {
            assert_true(isfinite(f[k]) && fabsf(f[k]) < 1024);
            assert_true(f[k] * 4096 == rintf(f[k] * 4096));
        }
        check_turns(&p, f);
    }
    assert_true(measured > 1800);
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
        cmocka_unit_test(test_straight),     cmocka_unit_test(test_semicircle),
        cmocka_unit_test(test_speeds),       cmocka_unit_test(test_back_to_the_start),
        cmocka_unit_test(test_too_little),   cmocka_unit_test(test_random_paths),
        cmocka_unit_test(test_words),        cmocka_unit_test(test_stillness),
        cmocka_unit_test(test_common_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
