/* SPDX-License-Identifier: Apache-2.0 */
/* test_gesture.c - every case at the head of gesture.c: what ends a gesture, what a button times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "window/gesture.h"

static struct idem_gesture g;
static struct idem_observed seen;

static int setup(void **state)
{
    (void)state;
    idem_gesture_init(&g);
    return 0;
}

static unsigned event(enum idem_pointer_kind kind, double x, double ms)
{
    memset(&seen, 0, sizeof seen);
    return idem_gesture_event(&g, kind, x, 0, (int64_t)(ms * 1000), &seen);
}

/* n moves of 5 units every 16 ms; nothing may come of them yet. */
static double glide(int n, double from_ms)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(event(IDEM_POINTER_MOVE, 100 + 5 * i, from_ms + 16 * i), 0);
    return from_ms + 16 * n;
}

static void near_to(double a, double b)
{
    assert_true(fabs(a - b) < 1e-3);
}

static void test_point_and_click(void **state)
{
    (void)state;
    double t = glide(5, 1000);
    assert_int_equal(event(IDEM_POINTER_PRESS, 125, t), IDEM_OBSERVED_GESTURE);
    near_to(seen.feature[IDEM_FEATURE_LENGTH], log(25)); /* the press is its last point */
    assert_true(seen.feature[IDEM_FEATURE_ENDS_PRESS] == 1);
    assert_true(seen.feature[IDEM_FEATURE_DRAG] == 0);
    assert_int_equal(event(IDEM_POINTER_RELEASE, 126, t + 80), IDEM_OBSERVED_SCALAR);
    assert_int_equal(seen.scalar, IDEM_SCALAR_CLICK);
    near_to(seen.value, log(0.08));
}

static void test_drag(void **state)
{
    (void)state;
    event(IDEM_POINTER_PRESS, 100, 1000);
    double t = glide(5, 1016);
    assert_int_equal(event(IDEM_POINTER_RELEASE, 125, t), IDEM_OBSERVED_GESTURE); /* no click */
    assert_true(seen.feature[IDEM_FEATURE_ENDS_RELEASE] == 1);
    assert_true(seen.feature[IDEM_FEATURE_DRAG] == 1);
    t = glide(5, t + 16);
    assert_int_equal(event(IDEM_POINTER_SCROLL, 125, t),
                     IDEM_OBSERVED_GESTURE | IDEM_OBSERVED_BEFORE);
    assert_true(seen.feature[IDEM_FEATURE_DRAG] == 0);
}

static void test_pause(void **state)
{
    (void)state;
    double t = glide(5, 1000) - 16;
    assert_int_equal(event(IDEM_POINTER_MOVE, 125, t + 300), 0); /* not yet a pause */
    t += 300;
    assert_int_equal(event(IDEM_POINTER_MOVE, 400, t + 300.001),
                     IDEM_OBSERVED_GESTURE | IDEM_OBSERVED_BEFORE);
    near_to(seen.feature[IDEM_FEATURE_LENGTH], log(25));
    assert_int_equal(g.path.count, 1); /* the event that told belongs to the next gesture */
}

static void test_scroll_is_no_point(void **state)
{
    (void)state;
    double t = glide(4, 1000);
    assert_int_equal(event(IDEM_POINTER_SCROLL, 900, t),
                     IDEM_OBSERVED_GESTURE | IDEM_OBSERVED_BEFORE);
    near_to(seen.feature[IDEM_FEATURE_LENGTH], log(15));
    assert_int_equal(event(IDEM_POINTER_SCROLL, 900, t + 16), 0);
    assert_int_equal(g.path.count, 0);
}

/* 1.28 s of moves are a gesture whatever the number of reports; it is over with the next one. */
static void test_full(void **state)
{
    (void)state;
    for (int step = 8; step <= 32; step *= 2) {
        double t = 10000 * step;
        for (int i = 0; i <= 1280 / step; i++)
            assert_int_equal(event(IDEM_POINTER_MOVE, 5 * i * step / 8.0, t + i * step), 0);
        assert_int_equal(event(IDEM_POINTER_MOVE, 900, t + 1280 + step),
                         IDEM_OBSERVED_GESTURE | IDEM_OBSERVED_BEFORE);
        near_to(seen.feature[IDEM_FEATURE_LENGTH], log(800));
        near_to(seen.feature[IDEM_FEATURE_DURATION], log(1.28));
        assert_int_equal(g.path.count, 1);
        idem_gesture_init(&g);
    }
}

/* From the event before, of whatever kind, to the first point; at first a long pause is assumed. */
static void test_lead(void **state)
{
    (void)state;
    double t = glide(5, 1000);
    event(IDEM_POINTER_PRESS, 125, t);
    near_to(seen.feature[IDEM_FEATURE_LEAD], log(2.01));
    near_to(seen.feature[IDEM_FEATURE_DWELL],
            log(0.01)); /* the press is where the last step goes */
    event(IDEM_POINTER_SCROLL, 125, t + 50);
    double start = t + 170;
    t = glide(5, start);
    event(IDEM_POINTER_PRESS, 120, t + 84); /* 100 ms after the last move, at the same place */
    near_to(seen.feature[IDEM_FEATURE_LEAD], log(0.13));
    near_to(seen.feature[IDEM_FEATURE_DWELL], log(0.11));
}

/* 1000 reports a second become points at least 6 ms apart, the last position of each winning. */
static void test_merge(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++)
        assert_int_equal(event(IDEM_POINTER_MOVE, i, 1000 + i), 0);
    assert_int_equal(g.path.count, 10);
    assert_int_equal(g.path.t_us[1], 6000);
    assert_true(g.path.x[0] == 5 && g.path.x[9] == 59);
}

static void test_equal_times(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++)
        assert_int_equal(event(IDEM_POINTER_MOVE, i, 1000), 0);
    assert_int_equal(g.path.count, 1);
    assert_int_equal(event(IDEM_POINTER_PRESS, 0, 1000), 0); /* one point is no gesture */
    assert_int_equal(event(IDEM_POINTER_RELEASE, 0, 1000), IDEM_OBSERVED_SCALAR);
    near_to(seen.value, log(0.004));
}

static void test_clock_backwards(void **state)
{
    (void)state;
    event(IDEM_POINTER_PRESS, 100, 900);
    glide(5, 1000);
    assert_int_equal(event(IDEM_POINTER_RELEASE, 100, 950),
                     IDEM_OBSERVED_GESTURE | IDEM_OBSERVED_BEFORE); /* and no hold */
    assert_int_equal(event(IDEM_POINTER_PRESS, 100, 940), 0);       /* nor a double click */
}

static void test_lost_positions(void **state)
{
    static const double lost[] = {65535, -65535, 60000, INFINITY, -INFINITY, NAN};
    (void)state;
    double t = glide(4, 1000);
    for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++)
        assert_int_equal(event(IDEM_POINTER_MOVE, lost[i], t + 16 * (double)i), 0);
    assert_int_equal(g.path.count, 4);
    /* a click at a lost place is still a click */
    assert_int_equal(event(IDEM_POINTER_PRESS, 65535, t + 100), IDEM_OBSERVED_GESTURE);
    assert_int_equal(event(IDEM_POINTER_RELEASE, 65535, t + 200), IDEM_OBSERVED_SCALAR);
}

static void test_nothing_but_lost_positions(void **state)
{
    unsigned found = 0;
    (void)state;
    double t = glide(4, 1000);
    for (int i = 0; i < 300; i++)
        found |= event(IDEM_POINTER_MOVE, 65535, t + 250 * i);
    assert_int_equal(found, IDEM_OBSERVED_GESTURE | IDEM_OBSERVED_BEFORE);
}

static void test_other_button(void **state)
{
    (void)state;
    event(IDEM_POINTER_PRESS_OTHER, 100, 1000);
    event(IDEM_POINTER_PRESS, 100, 1020); /* both down: each finds its own press */
    assert_true(event(IDEM_POINTER_RELEASE_OTHER, 100, 1100) & IDEM_OBSERVED_SCALAR);
    assert_int_equal(seen.scalar, IDEM_SCALAR_OTHER_CLICK);
    near_to(seen.value, log(0.1));
    assert_true(event(IDEM_POINTER_RELEASE, 100, 1140) & IDEM_OBSERVED_SCALAR);
    assert_int_equal(seen.scalar, IDEM_SCALAR_CLICK);
    near_to(seen.value, log(0.12));
}

static void test_double_click(void **state)
{
    (void)state;
    event(IDEM_POINTER_PRESS, 100, 1000);
    event(IDEM_POINTER_RELEASE, 100, 1080);
    assert_int_equal(event(IDEM_POINTER_PRESS, 100, 1200), IDEM_OBSERVED_SCALAR);
    assert_int_equal(seen.scalar, IDEM_SCALAR_DOUBLE_CLICK);
    near_to(seen.value, log(0.12));
    event(IDEM_POINTER_RELEASE, 100, 1280);
    assert_int_equal(event(IDEM_POINTER_PRESS, 100, 1880), 0); /* 600 ms: two single clicks */
    event(IDEM_POINTER_RELEASE, 100, 1960);
    event(IDEM_POINTER_MOVE, 101, 1980);
    assert_int_equal(event(IDEM_POINTER_PRESS, 101, 2000), 0); /* it moved in between */
}

static void test_no_click(void **state)
{
    (void)state;
    event(IDEM_POINTER_PRESS, 100, 1000);
    assert_int_equal(event(IDEM_POINTER_RELEASE, 100, 6000), 0); /* 5 s */
    assert_int_equal(event(IDEM_POINTER_RELEASE, 100, 6100), 0); /* without its press */
    event(IDEM_POINTER_PRESS, 100, 8000);
    assert_int_equal(event(IDEM_POINTER_RELEASE, 105, 8080), 0); /* 5 units away */
    event(IDEM_POINTER_PRESS, 100, 9000);
    event(IDEM_POINTER_PRESS, 100, 10000); /* the first release was lost */
    assert_int_equal(event(IDEM_POINTER_RELEASE, 100, 10100), IDEM_OBSERVED_SCALAR);
    near_to(seen.value, log(0.1));
}

static void test_too_few_points(void **state)
{
    (void)state;
    double t = glide(1, 1000);
    assert_int_equal(event(IDEM_POINTER_PRESS, 400, t), 0);
    assert_int_equal(g.path.count, 0);
}

static void test_finish(void **state)
{
    struct idem_observed out;
    (void)state;
    glide(5, 1000);
    assert_int_equal(idem_gesture_finish(&g, &out), IDEM_OBSERVED_GESTURE);
    assert_int_equal(idem_gesture_finish(&g, &out), 0);
}

/* After a gesture's end nothing of its way is left, measured or not. */
static void test_wiped(void **state)
{
    static const struct idem_path empty;
    (void)state;
    for (int points = 2; points <= 40; points += 38) {
        double t = glide(points, 1000.0 * points);
        event(IDEM_POINTER_SCROLL, 0, t);
        assert_memory_equal(&g.path, &empty, sizeof empty);
        assert_true(g.x0 == 0 && g.y0 == 0);
    }
    glide(2, 100000);
    idem_gesture_init(&g);
    static const struct idem_gesture fresh;
    assert_memory_equal(&g, &fresh, sizeof fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_point_and_click, setup),
        cmocka_unit_test_setup(test_drag, setup),
        cmocka_unit_test_setup(test_pause, setup),
        cmocka_unit_test_setup(test_scroll_is_no_point, setup),
        cmocka_unit_test_setup(test_full, setup),
        cmocka_unit_test_setup(test_lead, setup),
        cmocka_unit_test_setup(test_merge, setup),
        cmocka_unit_test_setup(test_equal_times, setup),
        cmocka_unit_test_setup(test_clock_backwards, setup),
        cmocka_unit_test_setup(test_lost_positions, setup),
        cmocka_unit_test_setup(test_nothing_but_lost_positions, setup),
        cmocka_unit_test_setup(test_other_button, setup),
        cmocka_unit_test_setup(test_double_click, setup),
        cmocka_unit_test_setup(test_no_click, setup),
        cmocka_unit_test_setup(test_too_few_points, setup),
        cmocka_unit_test_setup(test_finish, setup),
        cmocka_unit_test_setup(test_wiped, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
