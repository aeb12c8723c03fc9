/* SPDX-License-Identifier: Apache-2.0 */
/* test_resample.c - recordings on other clocks and scales, and the decisions that this turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "eval/flips.h"
#include "eval/resample.h"
#include "idem/idem.h"

static struct idem_resampled out;

static int teardown(void **state)
{
    (void)state;
    idem_resampled_fini(&out);
    return 0;
}

static void resample(const struct idem_motion *m, uint32_t count, uint32_t step_ms, double scale)
{
    const struct idem_resampling how = {step_ms, scale};
    assert_int_equal(idem_resample(m, count, &how, &out), 0);
}

static void is_event(uint32_t i, int64_t ms, double x, double y, unsigned kind, uint32_t source)
{
    const struct idem_motion *m = &out.motions[i];
    assert_true(i < out.count);
    if (m->t_us != ms * 1000 || m->x != (float)x || m->y != (float)y || m->kind != kind)
        fail_msg("event %u is %d us (%g, %g) kind %u", i, (int)m->t_us, (double)m->x, (double)m->y,
                 m->kind);
    assert_int_equal(out.source[i], source);
}

/* Positions lie on the line between those recorded; a click keeps its time and place. */
static void test_grid(void **state)
{
    static const struct idem_motion m[] = {
        {.t_us = 16000, .x = 100, .y = 50},
        {.t_us = 56000, .x = 140, .y = 10},
        {.t_us = 70000, .x = 147, .y = 3, .kind = IDEM_POINTER_PRESS},
        {.t_us = 150000, .x = 147, .y = 3, .kind = IDEM_POINTER_RELEASE},
    };
    (void)state;
    resample(m, 4, 20, 1);
    assert_int_equal(out.count, 6);
    is_event(0, 20, 104, 46, IDEM_POINTER_MOVE, 1);
    is_event(1, 40, 124, 26, IDEM_POINTER_MOVE, 1);
    is_event(2, 60, 142, 8, IDEM_POINTER_MOVE, 2);
    is_event(3, 70, 147, 3, IDEM_POINTER_PRESS, 2);
    is_event(4, 80, 147, 3, IDEM_POINTER_MOVE, 3); /* where the press was, next on the grid */
    is_event(5, 150, 147, 3, IDEM_POINTER_RELEASE, 3);
}

/* Nothing is made up inside a pause, and a lone event stays. */
static void test_pauses(void **state)
{
    static const struct idem_motion m[] = {
        {.t_us = 0, .x = 1},       {.t_us = 16000, .x = 9},   {.t_us = 401000, .x = 70},
        {.t_us = 900000, .x = 80}, {.t_us = 916000, .x = 96}, {.t_us = 5000, .x = 7},
    };
    (void)state;
    resample(m, 6, 8, 1);
    assert_int_equal(out.count, 7);
    is_event(0, 0, 1, 0, IDEM_POINTER_MOVE, 0);
    is_event(1, 8, 5, 0, IDEM_POINTER_MOVE, 1);
    is_event(2, 16, 9, 0, IDEM_POINTER_MOVE, 1);
    is_event(3, 401, 70, 0, IDEM_POINTER_MOVE, 2);
    is_event(4, 904, 84, 0, IDEM_POINTER_MOVE, 4);
    is_event(5, 912, 92, 0, IDEM_POINTER_MOVE, 4);
    is_event(6, 5, 7, 0, IDEM_POINTER_MOVE, 5); /* the clock ran backwards */
}

/* Coordinates are multiplied and rounded; lost ones are not, and no way leads through them. */
static void test_scale_and_lost_positions(void **state)
{
    static const struct idem_motion m[] = {
        {.t_us = 0, .x = 11, .y = 10},
        {.t_us = 10000, .x = 65535, .y = 65535},
        {.t_us = 20000, .x = 31, .y = 20},
        {.t_us = 30000, .x = 40, .y = 20, .kind = IDEM_POINTER_SCROLL},
    };
    (void)state;
    resample(m, 4, 0, 1.5);
    assert_int_equal(out.count, 4);
    is_event(0, 0, 16, 15, IDEM_POINTER_MOVE, 0); /* 16.5, to even */
    is_event(1, 10, 65535, 65535, IDEM_POINTER_MOVE, 1);
    is_event(3, 30, 40, 20, IDEM_POINTER_SCROLL, 3);
    resample(m, 4, 10, 2);
    assert_int_equal(out.count, 4);
    is_event(1, 10, 42, 30, IDEM_POINTER_MOVE, 2);
    is_event(2, 20, 62, 40, IDEM_POINTER_MOVE, 2);
    is_event(3, 30, 40, 20, IDEM_POINTER_SCROLL, 3);
}

static void test_flips(void **state)
{
    struct idem_result a[] = {{.score = 3, .genuine = 1},
                              {.score = 1, .genuine = 1},
                              {.score = 0.5},
                              {.score = -1},
                              {.score = -2},
                              {.score = -0.5, .genuine = 1}};
    struct idem_result b[6];
    const struct idem_results x = {.list = a, .count = 6};
    struct idem_results y = {.list = b, .count = 6};
    struct idem_flips flips;
    (void)state;
    memcpy(b, a, sizeof a);
    assert_int_equal(idem_flips_count(&x, &y, &flips), 0);
    assert_true(flips.genuine == 0 && flips.impostor == 0);
    b[1].score = -4; /* the threshold is 0.5 */
    b[3].score = 0.6;
    b[4].score = -9;
    assert_int_equal(idem_flips_count(&x, &y, &flips), 0);
    assert_true(flips.genuine * 3 == 1 && flips.impostor * 3 == 1);
    y.count = 5;
    assert_int_equal(idem_flips_count(&x, &y, &flips), IDEM_ERR_MISMATCH);
    y.count = 6;
    b[0].genuine = 0;
    assert_int_equal(idem_flips_count(&x, &y, &flips), IDEM_ERR_MISMATCH);
    for (int i = 0; i < 6; i++)
        a[i].genuine = b[i].genuine = 1;
    assert_int_equal(idem_flips_count(&x, &y, &flips), IDEM_ERR_TOO_LITTLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_grid, teardown),
        cmocka_unit_test_teardown(test_pauses, teardown),
        cmocka_unit_test_teardown(test_scale_and_lost_positions, teardown),
        cmocka_unit_test(test_flips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
