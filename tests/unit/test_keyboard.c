/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_keyboard.c - the collector: when a window is ready, what is carried over, that the order of
 * strokes is destroyed, and that nothing is left in memory that it was told to forget.
 *
 * The collector's source is included, so that its memory can be looked into, with free() replaced:
 * a test can then see what a freed collector would have left on the heap.
 */
#include "people.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void inspect_free(void *memory);
#define free inspect_free
#include "window/keyboard.c"
#undef free

enum { A = 30, S = 31, J = 36, L = 38, SPACE = 57 };

static struct idem_front *front;
static size_t left_over; /* bytes that were not nought when a collector was freed */

static int setup(void **state)
{
    (void)state;
    front = people_front(20, 1000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    idem_front_free(front);
    return 0;
}

static size_t nonzero(const void *memory, size_t len)
{
    const unsigned char *p = memory;
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += p[i] != 0;
    return n;
}

/* Everything in the collector that events can have written. */
static size_t traces(const struct idem_keyboard *kb)
{
    return nonzero(&kb->chain, sizeof kb->chain) + nonzero(&kb->strokes, sizeof kb->strokes) +
           nonzero(&kb->first_us, sizeof kb->first_us) + nonzero(&kb->last_us, sizeof kb->last_us) +
           nonzero(kb->stats, stats_size(kb));
}

static void inspect_free(void *memory)
{
    left_over = traces(memory);
    free(memory);
}

static struct idem_keyboard *collector(uint32_t target)
{
    struct idem_keyboard *kb = NULL;
    assert_int_equal(idem_keyboard_new(front, target, &kb), 0);
    return kb;
}

static struct idem_window *window(void)
{
    struct idem_window *w = NULL;
    assert_int_equal(idem_window_new(front, IDEM_KEYBOARD, &w), 0);
    return w;
}

static bool stroke(struct idem_keyboard *kb, uint32_t key, int64_t down_ms, int64_t up_ms)
{
    idem_keyboard_event(kb, key, IDEM_KEY_DOWN, down_ms * 1000);
    return idem_keyboard_event(kb, key, IDEM_KEY_UP, up_ms * 1000);
}

static int32_t count_of(const struct idem_window *w, uint32_t slot)
{
    int32_t cell = front->cell_of_slot[slot];
    assert_true(cell >= 0);
    return idem_window_counts(w)[cell] / IDEM_GRID;
}

static int32_t total(const struct idem_window *w)
{
    int32_t sum = 0;
    for (uint32_t c = 0; c < front->cells; c++)
        sum += idem_window_counts(w)[c];
    return sum / IDEM_GRID;
}

static void test_targets(void **state)
{
    struct idem_keyboard *kb = NULL;
    (void)state;
    assert_int_equal(idem_keyboard_new(front, 4, &kb), IDEM_ERR_INVALID);
    assert_int_equal(idem_keyboard_new(front, 1001, &kb), IDEM_ERR_INVALID);
    assert_null(kb);
    idem_keyboard_free(collector(5));
    idem_keyboard_free(collector(1000));
    idem_keyboard_free(NULL);
}

static void test_ready_at_the_target(void **state)
{
    struct idem_keyboard *kb = collector(5);
    struct idem_window *w = window();
    (void)state;

    for (int i = 0; i < 4; i++) {
        assert_false(stroke(kb, i % 2 ? A : L, 1000 + 200 * i, 1100 + 200 * i));
        assert_int_equal(idem_keyboard_take(kb, w), IDEM_ERR_TOO_LITTLE);
    }
    assert_int_equal(idem_keyboard_pending(kb), 4);
    assert_int_equal(idem_window_strokes(w), 0); /* untouched by the refusals */
    assert_true(stroke(kb, L, 1800, 1900));
    assert_int_equal(idem_keyboard_take(kb, w), 0);
    assert_int_equal(idem_window_strokes(w), 5);
    assert_int_equal(idem_window_duration_ms(w), 800); /* first release 1100 to last 1900 */
    assert_int_equal(count_of(w, idem_slot_hold(&front->zoning, L)), 3);
    assert_int_equal(count_of(w, idem_slot_hold(&front->zoning, A)), 2);
    assert_int_equal(total(w), 9); /* five holds, four flights */
    assert_int_equal(idem_keyboard_pending(kb), 0);
    assert_int_equal(idem_keyboard_take(kb, w), IDEM_ERR_TOO_LITTLE);
    idem_window_free(w);
    idem_keyboard_free(kb);
}

/* Keys held across the border: their holds and flights fall into the next window. */
static void test_carry_over(void **state)
{
    struct idem_keyboard *kb = collector(5);
    struct idem_window *w = window();
    (void)state;

    for (int i = 0; i < 4; i++)
        stroke(kb, i % 2 ? A : L, 1000 + 200 * i, 1100 + 200 * i);
    idem_keyboard_event(kb, S, IDEM_KEY_DOWN, 1800000);
    idem_keyboard_event(kb, J, IDEM_KEY_DOWN, 1850000);
    assert_true(idem_keyboard_event(kb, S, IDEM_KEY_UP, 1900000));
    assert_int_equal(idem_keyboard_take(kb, w), 0);
    assert_int_equal(total(w), 10); /* S brought its flight to J along */
    for (int i = 0; i < 4; i++)
        assert_false(stroke(kb, SPACE, 2100 + 200 * i, 2190 + 200 * i));
    assert_true(idem_keyboard_event(kb, J, IDEM_KEY_UP, 2900000));
    assert_int_equal(idem_keyboard_take(kb, w), 0);
    assert_int_equal(count_of(w, idem_slot_hold(&front->zoning, J)), 1);
    assert_int_equal(count_of(w, idem_slot_flight(&front->zoning, J, SPACE)), 1);
    idem_window_free(w);
    idem_keyboard_free(kb);
}

static void test_flight_over_the_border_is_not_lost(void **state)
{
    struct idem_keyboard *kb = collector(5);
    struct idem_window *w = window();
    int32_t flights = 0;
    (void)state;

    for (int i = 0; i < 50; i++) {
        if (stroke(kb, i % 2 ? A : L, 1000 + 200 * i, 1100 + 200 * i)) {
            assert_int_equal(idem_keyboard_take(kb, w), 0);
            flights += total(w) - 5;
        }
    }
    assert_int_equal(flights, 49);
    idem_window_free(w);
    idem_keyboard_free(kb);
}

/* A window that nobody took goes on growing, up to the maximum; then the newest rest is kept. */
static void test_untaken_window_is_bounded(void **state)
{
    struct idem_keyboard *kb = collector(1000);
    struct idem_window *w = window();
    bool ready = false;
    (void)state;

    for (int i = 0; i < 1000; i++)
        ready = stroke(kb, i % 2 ? A : L, 1000 + 200 * i, 1100 + 200 * i);
    assert_true(ready);
    assert_int_equal(idem_keyboard_take(kb, w), 0);
    assert_int_equal(idem_window_strokes(w), 1000);
    for (int i = 1000; i < 2500; i++) {
        stroke(kb, i % 2 ? A : L, 1000 + 200 * i, 1100 + 200 * i);
        assert_in_range(idem_keyboard_pending(kb), 0, IDEM_WINDOW_STROKES_MAX);
    }
    idem_window_free(w);
    idem_keyboard_free(kb);
}

/* Strokes so far apart that no transition joins them, typed in two orders: the same window. */
static void test_order_is_destroyed(void **state)
{
    static const uint32_t keys[] = {A, S, J, L, SPACE, 17, 24, 45};
    static const int holds[] = {80, 93, 111, 70, 150, 64, 87, 101};
    enum { N = 8 };
    struct idem_window *first = window(), *second = window();
    struct idem_rng rng;
    (void)state;

    idem_rng_seed(&rng, 1);
    for (int round = 0; round < 20; round++) {
        struct idem_keyboard *one = collector(N), *two = collector(N);
        int order[N];
        for (int i = 0; i < N; i++)
            order[i] = i;
        for (int i = N - 1; i > 0; i--) {
            int k = (int)idem_rng_below(&rng, (uint32_t)i + 1), swap = order[i];
            order[i] = order[k];
            order[k] = swap;
        }
        for (int i = 0; i < N; i++) {
            stroke(one, keys[i], 1000 + 6000 * i, 1000 + 6000 * i + holds[i]);
            stroke(two, keys[order[i]], 1000 + 6000 * i, 1000 + 6000 * i + holds[order[i]]);
        }
        assert_int_equal(idem_keyboard_take(one, first), 0);
        assert_int_equal(idem_keyboard_take(two, second), 0);
        assert_int_equal(total(first), N); /* no flights */
        assert_memory_equal(first->n, second->n, idem_shape_len(first->shape) * sizeof *first->n);
        idem_keyboard_free(one);
        idem_keyboard_free(two);
    }
    idem_window_free(first);
    idem_window_free(second);
}

static void test_gap_makes_no_long_hold(void **state)
{
    struct idem_keyboard *kb = collector(5);
    (void)state;
    stroke(kb, A, 1000, 1100);
    idem_keyboard_event(kb, S, IDEM_KEY_DOWN, 1200000);
    idem_keyboard_gap(kb);
    assert_int_equal(nonzero(&kb->chain, sizeof kb->chain), 0);
    assert_int_equal(idem_keyboard_pending(kb), 1); /* what was complete stays */
    assert_false(idem_keyboard_event(kb, S, IDEM_KEY_UP, 3000000));
    assert_int_equal(idem_keyboard_pending(kb), 1);
    idem_keyboard_free(kb);
}

static void test_reset_leaves_nothing(void **state)
{
    struct idem_keyboard *kb = collector(25);
    (void)state;
    for (int i = 0; i < 12; i++)
        stroke(kb, i % 2 ? A : L, 1000 + 200 * i, 1100 + 200 * i);
    for (uint32_t k = 0; k < 12; k++)
        idem_keyboard_event(kb, 16 + k, IDEM_KEY_DOWN, 9000000 + k);
    assert_true(traces(kb) > 0);
    idem_keyboard_reset(kb);
    assert_int_equal(traces(kb), 0);
    assert_int_equal(idem_keyboard_pending(kb), 0);
    idem_keyboard_free(kb);
}

static void test_free_leaves_nothing(void **state)
{
    struct idem_keyboard *kb = collector(25);
    (void)state;
    for (int i = 0; i < 12; i++)
        stroke(kb, i % 2 ? A : L, 1000 + 200 * i, 1100 + 200 * i);
    idem_keyboard_event(kb, S, IDEM_KEY_DOWN, 9000000);
    left_over = 1;
    idem_keyboard_free(kb);
    assert_int_equal(left_over, 0);
}

static void test_take_leaves_no_statistics(void **state)
{
    struct idem_keyboard *kb = collector(5);
    struct idem_window *w = window();
    (void)state;
    for (int i = 0; i < 5; i++)
        stroke(kb, A, 1000 + 200 * i, 1100 + 200 * i);
    assert_int_equal(idem_keyboard_take(kb, w), 0);
    assert_int_equal(nonzero(kb->stats, stats_size(kb)), 0);
    idem_window_free(w);
    idem_keyboard_free(kb);
}

static void test_clock_that_runs_backwards(void **state)
{
    struct idem_keyboard *kb = collector(5);
    struct idem_window *w = window();
    (void)state;
    for (int i = 0; i < 3; i++)
        stroke(kb, A, 100000 + 200 * i, 100100 + 200 * i);
    for (int i = 0; i < 2; i++)
        stroke(kb, A, 1000 + 200 * i, 1100 + 200 * i);
    assert_int_equal(idem_keyboard_take(kb, w), 0);
    assert_int_equal(idem_window_strokes(w), 5);
    assert_int_equal(idem_window_duration_ms(w), 200); /* since the jump */
    assert_int_equal(total(w), 8);                     /* no flight over it */
    idem_window_free(w);
    idem_keyboard_free(kb);
}

static void test_windows_of_others_are_refused(void **state)
{
    struct idem_front *other = people_front(10, 500);
    struct idem_keyboard *kb = collector(5);
    struct idem_window *w = NULL;
    (void)state;
    for (int i = 0; i < 5; i++)
        stroke(kb, A, 1000 + 200 * i, 1100 + 200 * i);
    assert_int_equal(idem_window_new(other, IDEM_KEYBOARD, &w), 0);
    assert_int_equal(idem_keyboard_take(kb, w), IDEM_ERR_MISMATCH);
    assert_int_equal(idem_keyboard_pending(kb), 5);
    idem_window_free(w);
    idem_keyboard_free(kb);
    idem_front_free(other);
}

/* Any events whatever: nothing impossible may come out. */
static void test_noise_makes_possible_windows(void **state)
{
    struct idem_keyboard *kb = collector(10);
    struct idem_window *w = window();
    struct idem_rng rng;
    int64_t now = 0;
    int windows = 0;
    (void)state;

    idem_rng_seed(&rng, 5);
    for (int i = 0; i < 60000; i++) {
        uint32_t dice = idem_rng_below(&rng, 1000);
        now += dice == 0 ? -3000000 : dice == 1 ? 7000000 : (int64_t)idem_rng_below(&rng, 90000);
        if (dice == 2)
            idem_keyboard_gap(kb);
        if (!idem_keyboard_event(kb, idem_rng_below(&rng, 20) + 16,
                                 (enum idem_key_action)idem_rng_below(&rng, 3), now))
            continue;
        assert_int_equal(idem_keyboard_take(kb, w), 0);
        assert_int_equal(idem_window_end(w), 0);
        windows++;
    }
    assert_true(windows > 100);
    idem_window_free(w);
    idem_keyboard_free(kb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_ready_at_the_target),
        cmocka_unit_test(test_carry_over),
        cmocka_unit_test(test_flight_over_the_border_is_not_lost),
        cmocka_unit_test(test_untaken_window_is_bounded),
        cmocka_unit_test(test_order_is_destroyed),
        cmocka_unit_test(test_gap_makes_no_long_hold),
        cmocka_unit_test(test_reset_leaves_nothing),
        cmocka_unit_test(test_free_leaves_nothing),
        cmocka_unit_test(test_take_leaves_no_statistics),
        cmocka_unit_test(test_clock_that_runs_backwards),
        cmocka_unit_test(test_windows_of_others_are_refused),
        cmocka_unit_test(test_noise_makes_possible_windows),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
