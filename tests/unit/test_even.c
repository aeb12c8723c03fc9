/* SPDX-License-Identifier: Apache-2.0 */
/* test_even.c - typing scatters around its profile as strokes do, averages and scaled sums do not.
 */
#include "people.h"

#include "model/even.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 100, WINDOWS = 60, PROFILE = 20 };

static struct idem_front *front;
static struct idem_even *even;
static struct idem_window *typed[WINDOWS], *made;
static float *profile;

static int make_world(void **state)
{
    struct person person;
    (void)state;
    front = people_front(20, 1000);
    assert_int_equal(idem_front_seal(front), 0);
    assert_int_equal(idem_even_new(front, &even), 0);
    person_draw(&person, 7);
    struct typist typist = typist_new(&person, 70);
    profile = calloc(idem_shape_len(idem_front_shape(front, IDEM_KEYBOARD)), sizeof *profile);
    for (int i = 0; i < WINDOWS; i++) {
        typed[i] = typist_window(&typist, front, KEYS);
        if (i < PROFILE)
            idem_window_add_to(typed[i], 1, profile);
    }
    return idem_window_new(front, IDEM_KEYBOARD, &made);
}

static int end_world(void **state)
{
    (void)state;
    for (int i = 0; i < WINDOWS; i++)
        idem_window_free(typed[i]);
    idem_window_free(made);
    free(profile);
    idem_even_free(even);
    idem_front_free(front);
    return 0;
}

static double ratio_of(const struct idem_window *w)
{
    const struct idem_even_sums sums = idem_even_weigh(even, profile, w);
    assert_true(sums.count >= IDEM_EVEN_SUMS);
    return sums.found / sums.expected;
}

/* Simulated strokes are independent: their ratio is one. */
static void independent_strokes_scatter_as_expected(void **state)
{
    double sum = 0;
    (void)state;
    for (int i = PROFILE; i < WINDOWS; i++) {
        const struct idem_even_sums sums = idem_even_weigh(even, profile, typed[i]);
        assert_false(idem_even_is_too(&sums));
        sum += ratio_of(typed[i]);
    }
    assert_true(fabs(sum / (WINDOWS - PROFILE) - 1) < 0.15);
}

/* Sums of windows `from` to `to` times `weight`. */
static struct idem_even_sums sums_of_mean(int from, int to, float weight)
{
    float *stats = calloc(idem_shape_len(made->shape), sizeof *stats);
    for (int i = from; i < to; i++)
        idem_window_add_to(typed[i], weight, stats);
    for (uint32_t c = 0; c < front->cells; c++)
        stats[c] = rintf(stats[c]);
    assert_int_equal(idem_window_fill(made, stats, KEYS, 0), 0);
    free(stats);
    return idem_even_weigh(even, profile, made);
}

static void averages_scatter_less(void **state)
{
    (void)state;
    const struct idem_even_sums four = sums_of_mean(PROFILE, PROFILE + 4, 0.25f);
    assert_true(four.found < 0.6 * four.expected && !idem_even_is_too(&four));
    const struct idem_even_sums twenty = sums_of_mean(PROFILE, PROFILE + 20, 0.05f);
    assert_true(idem_even_is_too(&twenty));
    const struct idem_even_sums own = sums_of_mean(0, PROFILE, 1.0f / PROFILE);
    assert_true(idem_even_is_too(&own) && own.found < 0.05 * own.expected);
}

static void little_says_nothing(void **state)
{
    struct idem_even_sums sums;
    (void)state;
    float *young = calloc(idem_shape_len(made->shape), sizeof *young);
    sums = idem_even_weigh(even, young, typed[0]);
    assert_true(sums.count == 0 && !idem_even_is_too(&sums));
    free(young);
    sums = (struct idem_even_sums){.found = 0, .expected = 30, .count = IDEM_EVEN_SUMS - 1};
    assert_false(idem_even_is_too(&sums));
    sums.count++;
    assert_true(idem_even_is_too(&sums));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(independent_strokes_scatter_as_expected),
        cmocka_unit_test(averages_scatter_less),
        cmocka_unit_test(little_says_nothing),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
