/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_keystroke.c - the chain from key events to holds and flights, with everything that real
 * recorders do. Times here are milliseconds; the replays in tests/replay tell longer stories.
 */
#include "window/keystroke.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { A = 30, S = 31, D = 32, F = 33, G = 34, J = 36, K = 37, L = 38, SPACE = 57 };
enum { DOWN = IDEM_KEY_DOWN, UP = IDEM_KEY_UP, REPEAT = IDEM_KEY_REPEAT };
enum { MOST = 64 };

struct bench {
    struct idem_zoning z;
    struct idem_chain chain;
    struct idem_obs obs[MOST];
    uint32_t count, strokes;
};

static void start(struct bench *b)
{
    memset(b, 0, sizeof *b);
    assert_int_equal(idem_zoning_init(&b->z, IDEM_LEVEL_MIXED), 0);
    idem_chain_init(&b->chain);
}

static uint32_t event_us(struct bench *b, uint32_t key, int action, int64_t t_us)
{
    struct idem_obs out[IDEM_OBS_PER_EVENT];
    uint32_t strokes, n = idem_chain_event(&b->chain, &b->z, key, (enum idem_key_action)action,
                                           t_us, out, &strokes);
    assert_in_range(n, 0, IDEM_OBS_PER_EVENT);
    assert_in_range(strokes, 0, 1);
    assert_in_range(b->chain.count, 0, IDEM_ROLLOVER);
    for (uint32_t i = 0; i < n && b->count < MOST; i++)
        b->obs[b->count++] = out[i];
    b->strokes += strokes;
    return n;
}

static uint32_t event(struct bench *b, uint32_t key, int action, int64_t ms)
{
    return event_us(b, key, action, ms * 1000);
}

static void assert_obs(const struct bench *b, uint32_t i, uint32_t slot, float value)
{
    assert_true(i < b->count);
    assert_int_equal(b->obs[i].slot, slot);
    if (fabsf(b->obs[i].value - value) > 1e-4f)
        fail_msg("measurement %u: %g instead of %g", i, (double)b->obs[i].value, (double)value);
}

static void assert_hold(const struct bench *b, uint32_t i, uint32_t key, double ms)
{
    assert_obs(b, i, idem_slot_hold(&b->z, key), (float)ms);
}

static void assert_flight(const struct bench *b, uint32_t i, uint32_t from, uint32_t to, double ms)
{
    assert_obs(b, i, idem_slot_flight(&b->z, from, to), (float)ms);
}

/* The chain remembers nothing of any key. */
static void assert_wiped(const struct idem_chain *chain)
{
    const unsigned char *p = (const unsigned char *)chain;
    for (size_t i = 0; i < sizeof *chain; i++)
        assert_int_equal(p[i], 0);
}

static void test_hold_values(void **state)
{
    (void)state;
    assert_true(fabsf(idem_hold_value(0, 100000) - 100) < 1e-4f);
    assert_true(idem_hold_value(0, 4999) == 5);
    assert_true(idem_hold_value(0, 0) == 5);
    assert_true(idem_hold_value(50000, 20000) == 5); /* negative */
    assert_true(idem_hold_value(0, 1000000) == 1000);
    assert_true(idem_hold_value(0, 60000000) == 1000);
}

static void test_flight_values(void **state)
{
    float v = 42;
    (void)state;
    assert_true(idem_flight_value(0, 100000, 160000, &v));
    assert_true(fabsf(v - 60) < 1e-4f);
    assert_true(idem_flight_value(0, 100000, 70000, &v));
    assert_true(fabsf(v + 30) < 1e-4f);
    assert_true(idem_flight_value(0, 100000, 100000, &v));
    assert_true(v == 0);
    assert_true(idem_flight_value(0, 2000000, 1000, &v)); /* clipped at -300 ms */
    assert_true(v == -300);
    assert_true(idem_flight_value(0, 100000, 4000000, &v)); /* clipped at 1500 ms */
    assert_true(v == 1500);
}

static void test_no_flight_over_a_pause(void **state)
{
    float v = 42;
    (void)state;
    assert_true(idem_flight_value(0, 100000, IDEM_FLIGHT_GAP_US, &v));
    v = 42;
    assert_false(idem_flight_value(0, 100000, IDEM_FLIGHT_GAP_US + 1, &v));
    assert_false(idem_flight_value(1000, 100000, 999, &v)); /* presses run backwards */
    assert_true(v == 42);
}

static void test_two_keys(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    assert_int_equal(event(&b, A, DOWN, 1000), 0);
    assert_int_equal(event(&b, A, UP, 1090), 1);
    assert_int_equal(event(&b, L, DOWN, 1150), 1);
    assert_int_equal(event(&b, L, UP, 1260), 1);
    assert_int_equal(b.strokes, 2);
    assert_hold(&b, 0, A, 90);
    assert_flight(&b, 1, A, L, 60);
    assert_hold(&b, 2, L, 110);
}

static void test_negative_flight_waits_for_the_release(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    event(&b, A, DOWN, 1000);
    assert_int_equal(event(&b, L, DOWN, 1080), 0);
    assert_int_equal(event(&b, A, UP, 1100), 2);
    assert_int_equal(event(&b, L, UP, 1180), 1);
    assert_hold(&b, 0, A, 100);
    assert_flight(&b, 1, A, L, -20);
    assert_hold(&b, 2, L, 100);
}

/* Presses at 0 20 40 60 80, released in the order 3 1 5 2 4. */
static void test_rollover_of_five(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    event(&b, A, DOWN, 1000);
    event(&b, J, DOWN, 1020);
    event(&b, S, DOWN, 1040);
    event(&b, SPACE, DOWN, 1060);
    assert_int_equal(event(&b, K, DOWN, 1080), 0);
    assert_int_equal(event(&b, S, UP, 1100), 2);
    assert_int_equal(event(&b, A, UP, 1130), 2);
    assert_int_equal(event(&b, K, UP, 1170), 1); /* the newest has no successor yet */
    assert_int_equal(event(&b, J, UP, 1220), 2);
    assert_int_equal(event(&b, SPACE, UP, 1250), 2);
    assert_int_equal(event(&b, L, DOWN, 1300), 1); /* now K's flight is known */
    assert_int_equal(b.strokes, 5);
    assert_int_equal(b.count, 10);
    assert_hold(&b, 0, S, 60);
    assert_flight(&b, 1, S, SPACE, -40);
    assert_hold(&b, 2, A, 130);
    assert_flight(&b, 3, A, J, -110);
    assert_hold(&b, 4, K, 90);
    assert_hold(&b, 5, J, 200);
    assert_flight(&b, 6, J, S, -180);
    assert_hold(&b, 7, SPACE, 190);
    assert_flight(&b, 8, SPACE, K, -170);
    assert_flight(&b, 9, K, L, 130);
}

static void test_auto_repeat_changes_nothing(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    event(&b, A, DOWN, 1000);
    for (int ms = 1250; ms < 1500; ms += 33)
        assert_int_equal(event(&b, A, REPEAT, ms), 0);
    event(&b, A, UP, 1500);
    event(&b, L, REPEAT, 1510); /* of a key that is not down */
    event(&b, L, DOWN, 1550);
    assert_int_equal(b.count, 2);
    assert_hold(&b, 0, A, 500);
    assert_flight(&b, 1, A, L, 50);
}

static void test_release_without_press(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    assert_int_equal(event(&b, A, UP, 1000), 0);
    event(&b, L, DOWN, 1100);
    assert_int_equal(event(&b, A, UP, 1150), 0);
    assert_int_equal(event(&b, L, UP, 1200), 1);
    assert_int_equal(event(&b, L, UP, 1210), 0); /* twice */
    assert_int_equal(b.strokes, 1);
    assert_hold(&b, 0, L, 100);
}

/* The first press lost its release: nothing is known of its hold, and no long hold results. */
static void test_second_press_of_a_held_key(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    event(&b, A, DOWN, 1000);
    assert_int_equal(event(&b, A, DOWN, 1400), 0);
    assert_int_equal(event(&b, A, UP, 1480), 1);
    assert_int_equal(b.strokes, 1);
    assert_hold(&b, 0, A, 80);
}

static void test_lost_release_in_rollover(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    event(&b, S, DOWN, 1000);
    event(&b, A, DOWN, 1050); /* its release gets lost */
    event(&b, S, UP, 1100);   /* flight S to A: -50 */
    event(&b, A, DOWN, 1300);
    event(&b, A, UP, 1400);
    assert_int_equal(b.count, 3);
    assert_hold(&b, 0, S, 100);
    assert_flight(&b, 1, S, A, -50);
    assert_hold(&b, 2, A, 100);
}

static void test_hold_of_five_seconds(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    event_us(&b, A, DOWN, 1000000);
    assert_int_equal(event_us(&b, A, UP, 1000000 + IDEM_HOLD_LOST_US), 1);
    assert_hold(&b, 0, A, 1000); /* clipped */
    start(&b);
    event_us(&b, A, DOWN, 1000000);
    assert_int_equal(event_us(&b, A, UP, 1000001 + IDEM_HOLD_LOST_US), 0);
    assert_int_equal(b.strokes, 0);
    assert_int_equal(b.chain.count, 0);
}

/* A modifier at rest must not swallow the strokes typed meanwhile. */
static void test_typing_over_a_lost_release(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    event(&b, 42, DOWN, 1000);
    for (int i = 0; i < 20; i++) {
        event(&b, i % 2 ? A : L, DOWN, 1100 + 300 * i);
        event(&b, i % 2 ? A : L, UP, 1190 + 300 * i);
    }
    assert_int_equal(b.strokes, 20);
    assert_int_equal(event(&b, 42, UP, 8000), 0);
    assert_int_equal(b.count, 39); /* 20 holds, 19 flights; shift to its successor never measured */
}

static void test_equal_time_stamps(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    event(&b, A, DOWN, 1000);
    event(&b, A, UP, 1000);
    event(&b, L, DOWN, 1000);
    event(&b, L, UP, 1000);
    assert_int_equal(b.count, 3);
    assert_hold(&b, 0, A, 5);
    assert_flight(&b, 1, A, L, 0);
    assert_hold(&b, 2, L, 5);
}

static void test_eleven_keys_down(void **state)
{
    static const uint32_t keys[] = {16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 30};
    struct bench b;
    (void)state;
    start(&b);
    for (int i = 0; i < 11; i++)
        event(&b, keys[i], DOWN, 1000 + 10 * i);
    assert_int_equal(b.chain.count, IDEM_ROLLOVER);
    assert_int_equal(event(&b, keys[0], UP, 1200), 0); /* the oldest is forgotten */
    for (int i = 1; i < 10; i++)
        assert_int_equal(event(&b, keys[i], UP, 1200 + 10 * i), 2);
    assert_int_equal(event(&b, keys[10], UP, 1300), 1);
    assert_int_equal(b.strokes, 10);
    for (int i = 1; i < 10; i++) {
        assert_hold(&b, (uint32_t)(2 * (i - 1)), keys[i], 200);
        assert_flight(&b, (uint32_t)(2 * (i - 1) + 1), keys[i], keys[i + 1], -190);
    }
    assert_hold(&b, 18, keys[10], 200);
}

static void test_clock_runs_backwards(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    event(&b, A, DOWN, 5000);
    event(&b, S, DOWN, 5050);
    event(&b, S, UP, 5100);
    b.count = 0;
    assert_int_equal(event(&b, A, UP, 3000), 0); /* A is forgotten with everything else */
    assert_int_equal(event(&b, L, DOWN, 3100), 0);
    assert_int_equal(event(&b, L, UP, 3200), 1);
    assert_hold(&b, 0, L, 100);
}

static void test_clock_jumps_forwards(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    event(&b, A, DOWN, 1000);
    event(&b, S, DOWN, 1050);
    event(&b, S, UP, 1100);
    b.count = 0;
    assert_int_equal(event(&b, L, DOWN, 86400000), 0); /* no flight over a day */
    assert_int_equal(event(&b, A, UP, 86400010), 0);   /* and no hold of a day */
    assert_int_equal(event(&b, L, UP, 86400080), 1);
    assert_hold(&b, 0, L, 80);
}

static void test_the_ends_of_time(void **state)
{
    static const int64_t times[] = {INT64_MIN, INT64_MAX, INT64_MIN, -1, 0, INT64_MAX};
    struct bench b;
    (void)state;
    start(&b);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
            event_us(&b, A, DOWN, times[i]);
            event_us(&b, S, DOWN, times[i]);
            event_us(&b, S, UP, times[i]);
        }
    }
    for (uint32_t i = 0; i < b.count; i++)
        assert_true(isfinite(b.obs[i].value));
}

static void test_codes_beyond_the_table(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    event(&b, 0x100 + A, DOWN, 1000); /* not the key that its low byte names */
    assert_int_equal(event(&b, A, UP, 1050), 0);
    assert_int_equal(event(&b, 0x100 + A, UP, 1090), 1);
    event(&b, UINT32_MAX, DOWN, 1200);
    event(&b, UINT32_MAX, UP, 1300);
    assert_int_equal(b.count, 3);
    assert_obs(&b, 0, b.z.holds - 1u, 90);
    assert_obs(&b, 1, b.z.holds + 6u * 7 + 6, 110);
    assert_obs(&b, 2, b.z.holds - 1u, 100);
}

static void test_key_is_wiped_with_its_release(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    event(&b, A, DOWN, 1000);
    assert_int_equal(b.chain.held[0].key, A);
    event(&b, A, UP, 1090);
    assert_int_equal(b.chain.count, 1); /* still waits for its successor, by zone alone */
    assert_int_equal(b.chain.held[0].key, 0);
    event(&b, S, DOWN, 1200);
    event(&b, D, DOWN, 1220);
    event(&b, S, UP, 1230);
    event(&b, D, UP, 1240);
    for (uint32_t i = b.chain.count; i < IDEM_ROLLOVER; i++) {
        static const struct idem_held nothing;
        assert_memory_equal(&b.chain.held[i], &nothing, sizeof nothing);
    }
}

static void test_init_wipes(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    for (int i = 0; i < 12; i++)
        event(&b, (uint32_t)(16 + i), DOWN, 1000 + i);
    idem_chain_init(&b.chain);
    assert_wiped(&b.chain);
}

static void test_unknown_action_is_ignored(void **state)
{
    struct bench b;
    (void)state;
    start(&b);
    event(&b, A, DOWN, 1000);
    assert_int_equal(event(&b, A, 7, 1010), 0);
    assert_int_equal(event(&b, A, UP, 1100), 1);
    assert_hold(&b, 0, A, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hold_values),
        cmocka_unit_test(test_flight_values),
        cmocka_unit_test(test_no_flight_over_a_pause),
        cmocka_unit_test(test_two_keys),
        cmocka_unit_test(test_negative_flight_waits_for_the_release),
        cmocka_unit_test(test_rollover_of_five),
        cmocka_unit_test(test_auto_repeat_changes_nothing),
        cmocka_unit_test(test_release_without_press),
        cmocka_unit_test(test_second_press_of_a_held_key),
        cmocka_unit_test(test_lost_release_in_rollover),
        cmocka_unit_test(test_hold_of_five_seconds),
        cmocka_unit_test(test_typing_over_a_lost_release),
        cmocka_unit_test(test_equal_time_stamps),
        cmocka_unit_test(test_eleven_keys_down),
        cmocka_unit_test(test_clock_runs_backwards),
        cmocka_unit_test(test_clock_jumps_forwards),
        cmocka_unit_test(test_the_ends_of_time),
        cmocka_unit_test(test_codes_beyond_the_table),
        cmocka_unit_test(test_key_is_wiped_with_its_release),
        cmocka_unit_test(test_init_wipes),
        cmocka_unit_test(test_unknown_action_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
