/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_window.c - what a window is, and that nobody can build one that no collector could have
 * made.
 */
#include "people.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { G = IDEM_GRID };

static struct idem_front *front;
static struct idem_window *w;

static int setup(void **state)
{
    (void)state;
    front = people_front(20, 500);
    return idem_window_new(front, IDEM_KEYBOARD, &w);
}

static int teardown(void **state)
{
    (void)state;
    idem_window_free(w);
    idem_front_free(front);
    return 0;
}

/* One put into a fresh window. */
static int put(uint32_t cell, int32_t n, int32_t slow, int32_t uneven)
{
    const int32_t sums[IDEM_CONTRASTS] = {slow, uneven};
    assert_int_equal(idem_window_begin(w, 25, 1000), 0);
    return idem_window_put(w, cell, n, sums);
}

static void test_new_window_is_empty(void **state)
{
    struct idem_window *fresh;
    (void)state;
    assert_int_equal(idem_window_new(front, IDEM_KEYBOARD, &fresh), 0);
    assert_int_equal(idem_window_strokes(fresh), 0);
    assert_int_equal(idem_window_duration_ms(fresh), 0);
    assert_true(idem_window_front_id(fresh) == idem_front_id(front));
    assert_int_equal(idem_window_modality(fresh), IDEM_KEYBOARD);
    for (uint32_t c = 0; c < front->cells; c++)
        assert_int_equal(idem_window_counts(fresh)[c], 0);
    idem_window_free(fresh);
    idem_window_free(NULL);
}

static void test_a_modality_the_front_does_not_know(void **state)
{
    struct idem_window *none = NULL;
    (void)state;
    assert_int_equal(idem_window_new(front, IDEM_POINTER, &none), IDEM_ERR_INVALID);
    assert_null(none);
}

static void test_begin_keeps_its_ranges(void **state)
{
    (void)state;
    assert_int_equal(idem_window_begin(w, 0, 0), IDEM_ERR_INVALID);
    assert_int_equal(idem_window_begin(w, IDEM_WINDOW_STROKES_MAX + 1, 0), IDEM_ERR_INVALID);
    assert_int_equal(idem_window_begin(w, 1, IDEM_WINDOW_DURATION_MAX_MS + 1), IDEM_ERR_INVALID);
    assert_int_equal(idem_window_begin(w, 1, 0), 0);
    assert_int_equal(idem_window_begin(w, IDEM_WINDOW_STROKES_MAX, IDEM_WINDOW_DURATION_MAX_MS), 0);
}

static void test_begin_clears(void **state)
{
    (void)state;
    assert_int_equal(put(3, 5 * G, 100, 50), 0);
    assert_int_equal(idem_window_begin(w, 25, 1000), 0);
    for (size_t i = 0; i < idem_shape_len(w->shape); i++)
        assert_int_equal(w->n[i], 0);
}

static void test_counts_must_be_possible(void **state)
{
    (void)state;
    assert_int_equal(put(0, 0, 0, 0), IDEM_ERR_INVALID);
    assert_int_equal(put(0, -G, 0, 0), IDEM_ERR_INVALID);
    assert_int_equal(put(0, INT32_MIN, 0, 0), IDEM_ERR_INVALID);
    assert_int_equal(put(0, INT32_MAX, 0, 0), IDEM_ERR_INVALID);
    assert_int_equal(put(0, 2 * IDEM_WINDOW_STROKES_MAX * G + G, 0, 0), IDEM_ERR_INVALID);
    assert_int_equal(put(0, G, 0, 0), 0);
}

static void test_cells_must_ascend(void **state)
{
    const int32_t sums[IDEM_CONTRASTS] = {0};
    (void)state;
    assert_int_equal(idem_window_begin(w, 25, 1000), 0);
    assert_int_equal(idem_window_put(w, 4, G, sums), 0);
    assert_int_equal(idem_window_put(w, 4, G, sums), IDEM_ERR_INVALID);
    assert_int_equal(idem_window_put(w, 3, G, sums), IDEM_ERR_INVALID);
    assert_int_equal(idem_window_put(w, 5, G, sums), 0);
    assert_int_equal(idem_window_put(w, front->cells, G, sums), IDEM_ERR_INVALID);
    assert_int_equal(idem_window_put(w, UINT32_MAX, G, sums), IDEM_ERR_INVALID);
    assert_int_equal(idem_window_end(w), 0);
}

/* The largest value of a contrast is sqrt(2) cos(pi / 14): n strokes sum to at most n times that.
 */
static void test_sums_stay_within_the_contrasts(void **state)
{
    const int32_t n = 10 * G, top = (int32_t)ceil(n * 1.41421356);
    (void)state;
    for (int k = 0; k < IDEM_CONTRASTS; k++) {
        static const int32_t beyond[] = {3, INT32_MAX / 2};
        int32_t sums[IDEM_CONTRASTS] = {0};
        for (int sign = -1; sign <= 1; sign += 2) {
            sums[k] = sign * top;
            assert_int_equal(idem_window_begin(w, 25, 1000), 0);
            assert_int_equal(idem_window_put(w, 0, n, sums), 0);
            for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
                sums[k] = sign * (top + beyond[i]);
                assert_int_equal(idem_window_begin(w, 25, 1000), 0);
                assert_int_equal(idem_window_put(w, 0, n, sums), IDEM_ERR_INVALID);
            }
        }
        sums[k] = INT32_MIN;
        assert_int_equal(idem_window_put(w, 0, n, sums), IDEM_ERR_INVALID);
        sums[k] = INT32_MAX;
        assert_int_equal(idem_window_put(w, 0, n, sums), IDEM_ERR_INVALID);
    }
}

/* The even contrasts of the middle bin were taken for forged. */
static void test_strokes_all_in_one_bin_are_accepted(void **state)
{
    static float wide[IDEM_EDGES] = {100, 200, 300, 400, 500, 600};
    float *stats = calloc(idem_shape_len(w->shape), sizeof *stats);
    float *edges = front->edges, *was = malloc(sizeof wide);
    (void)state;
    memcpy(was, edges, sizeof wide);
    memcpy(edges, wide, sizeof wide);
    for (int bin = 0; bin < IDEM_BINS; bin++) {
        struct idem_window *copy;
        memset(stats, 0, idem_shape_len(w->shape) * sizeof *stats);
        for (int i = 0; i < 1000; i++)
            idem_front_file(front, front->slot[0], 50 + 100 * (float)bin, stats);
        assert_int_equal(idem_window_fill(w, stats, 1000, 1000000), 0);
        assert_int_equal(idem_window_new(front, IDEM_KEYBOARD, &copy), 0);
        assert_int_equal(idem_window_begin(copy, 1000, 1000), 0);
        assert_int_equal(idem_window_put(copy, 0, w->n[0], w->sums), 0);
        assert_int_equal(idem_window_end(copy), 0);
        idem_window_free(copy);
    }
    memcpy(edges, was, sizeof wide);
    free(stats);
    free(was);
}

static void test_keyboard_counts_are_whole(void **state)
{
    (void)state;
    assert_int_equal(put(0, G, 0, 0), 0);
    assert_int_equal(idem_window_end(w), 0);
    assert_int_equal(put(0, G + 1, 0, 0), 0);
    assert_int_equal(idem_window_end(w), IDEM_ERR_INVALID);
    assert_int_equal(put(0, G / 2, 0, 0), 0);
    assert_int_equal(idem_window_end(w), IDEM_ERR_INVALID);
}

/* 25 strokes are 25 holds, 25 flights and what was carried over from ten held keys. */
static void test_counts_must_fit_the_strokes(void **state)
{
    (void)state;
    assert_int_equal(put(0, 60 * G, 0, 0), 0);
    assert_int_equal(idem_window_end(w), 0);
    assert_int_equal(put(0, 61 * G, 0, 0), 0);
    assert_int_equal(idem_window_end(w), IDEM_ERR_INVALID);
}

static void test_fill_rounds_to_the_grid(void **state)
{
    float *stats = calloc(idem_shape_len(w->shape), sizeof *stats);
    (void)state;

    stats[2] = 3;
    stats[front->cells + 12] = 0.3f;   /* 19.2 steps */
    stats[front->cells + 17] = -0.71f; /* -45.44 steps */
    stats[front->cells + 0] = 1;       /* a sum without a count: nothing is sent */
    assert_int_equal(idem_window_fill(w, stats, 25, 123456789), 0);
    assert_int_equal(idem_window_counts(w)[2], 3 * G);
    assert_int_equal(idem_window_sums(w)[12], 19);
    assert_int_equal(idem_window_sums(w)[17], -45);
    assert_int_equal(idem_window_sums(w)[0], 0);
    assert_int_equal(idem_window_duration_ms(w), 123500); /* 123456.789 ms to 100 ms */
    free(stats);
}

static void test_fill_bounds_the_duration(void **state)
{
    float *stats = calloc(idem_shape_len(w->shape), sizeof *stats);
    (void)state;
    assert_int_equal(idem_window_fill(w, stats, 25, -5000000), 0);
    assert_int_equal(idem_window_duration_ms(w), 0);
    assert_int_equal(idem_window_fill(w, stats, 25, INT64_MAX), 0);
    assert_int_equal(idem_window_duration_ms(w), IDEM_WINDOW_DURATION_MAX_MS);
    assert_int_equal(idem_window_fill(w, stats, 25, INT64_MIN), 0);
    assert_int_equal(idem_window_duration_ms(w), 0);
    assert_int_equal(idem_window_fill(w, stats, 25, 49999), 0);
    assert_int_equal(idem_window_duration_ms(w), 0);
    assert_int_equal(idem_window_fill(w, stats, 25, 50000), 0);
    assert_int_equal(idem_window_duration_ms(w), 100);
    assert_int_equal(idem_window_fill(w, stats, 0, 0), IDEM_ERR_INVALID);
    assert_int_equal(idem_window_fill(w, stats, 1001, 0), IDEM_ERR_INVALID);
    free(stats);
}

static void test_add_to_weighs(void **state)
{
    float *stats = calloc(idem_shape_len(w->shape), sizeof *stats);
    (void)state;
    assert_int_equal(put(1, 4 * G, 32, -16), 0);
    idem_window_add_to(w, 1, stats);
    idem_window_add_to(w, -0.5f, stats);
    assert_true(stats[1] == 2);
    assert_true(stats[front->cells + 6] == 0.25f);
    assert_true(stats[front->cells + 7] == -0.125f);
    free(stats);
}

/* What the collector makes, the decoder takes: hundreds of windows, carried through put and end. */
static void test_every_honest_window_is_accepted(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct person who;
        person_draw(&who, seed);
        struct typist t = typist_new(&who, seed);
        struct idem_window *from = typist_window(&t, front, 5 + (uint32_t)seed % 60);
        assert_int_equal(idem_window_begin(w, from->strokes, from->duration_ms), 0);
        for (uint32_t c = 0; c < front->cells; c++) {
            if (from->n[c] != 0)
                assert_int_equal(idem_window_put(w, c, from->n[c], &from->sums[IDEM_CONTRASTS * c]),
                                 0);
        }
        assert_int_equal(idem_window_end(w), 0);
        assert_memory_equal(w->n, from->n, idem_shape_len(w->shape) * sizeof *w->n);
        idem_window_free(from);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_window_is_empty),
        cmocka_unit_test(test_a_modality_the_front_does_not_know),
        cmocka_unit_test(test_begin_keeps_its_ranges),
        cmocka_unit_test(test_begin_clears),
        cmocka_unit_test(test_counts_must_be_possible),
        cmocka_unit_test(test_cells_must_ascend),
        cmocka_unit_test(test_sums_stay_within_the_contrasts),
        cmocka_unit_test(test_strokes_all_in_one_bin_are_accepted),
        cmocka_unit_test(test_keyboard_counts_are_whole),
        cmocka_unit_test(test_counts_must_fit_the_strokes),
        cmocka_unit_test(test_fill_rounds_to_the_grid),
        cmocka_unit_test(test_fill_bounds_the_duration),
        cmocka_unit_test(test_add_to_weighs),
        cmocka_unit_test(test_every_honest_window_is_accepted),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
