/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pointer.c - the collector: when windows are ready, what is in them, what is forgotten; and
 * that what honest collectors produce passes the receiver's checks, and little else does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "window/front.h"
#include "window/window.h"

enum { DIMS = 4, COMPONENTS = 3 };

static struct idem_front *front;

/* A made-up mixture over the first four features; nothing about it matters but its shape. */
static int make_front(void **state)
{
    (void)state;
    if (idem_front_alloc(0, 0, &front) != 0 ||
        idem_mixture_alloc(&front->mixture, IDEM_FEATURES, DIMS, COMPONENTS) != 0)
        return -1;
    struct idem_mixture *mix = &front->mixture;
    for (uint32_t f = 0; f < IDEM_FEATURES + IDEM_SCALARS; f++) {
        for (uint32_t k = 0; k < IDEM_KNOTS; k++)
            mix->quantile[f * IDEM_KNOTS + k] = -4 + 0.2f * (float)k;
    }
    for (uint32_t d = 0; d < DIMS; d++)
        mix->project[d * DIMS + d] = 1;
    for (uint32_t i = 0; i < COMPONENTS * DIMS; i++) {
        mix->mean[i] = (float)(i / DIMS) - 1;
        mix->inv_sd[i] = 1;
    }
    return idem_front_seal(front);
}

static int free_front(void **state)
{
    (void)state;
    idem_front_free(front);
    return 0;
}

struct source {
    struct idem_rng rng;
    int64_t t_us;
    double x, y;
    int left; /* moves until the click */
};

/* One event of somebody who moves a while, then clicks. */
static bool feed(struct source *s, struct idem_pointer *ptr)
{
    s->t_us += 8000 + idem_rng_below(&s->rng, 20000);
    if (s->left-- > 0) {
        s->x = fmod(s->x + idem_rng_below(&s->rng, 30), 2000);
        s->y += idem_rng_normal(&s->rng);
        return idem_pointer_event(ptr, IDEM_POINTER_MOVE, s->x, s->y, s->t_us);
    }
    if (s->left == -1)
        return idem_pointer_event(ptr, IDEM_POINTER_PRESS, s->x, s->y, s->t_us);
    s->left = 5 + (int)idem_rng_below(&s->rng, 40);
    return idem_pointer_event(ptr, IDEM_POINTER_RELEASE, s->x, s->y, s->t_us);
}

static void start(struct source *s)
{
    *s = (struct source){.t_us = 1000000, .left = 10};
    idem_rng_seed(&s->rng, 5);
}

static struct idem_pointer *new_pointer(uint32_t target)
{
    struct idem_pointer *ptr;
    assert_int_equal(idem_pointer_new(front, target, &ptr), 0);
    return ptr;
}

static struct idem_window *new_window(void)
{
    struct idem_window *w;
    assert_int_equal(idem_window_new(front, IDEM_POINTER, &w), 0);
    return w;
}

static void test_window(void **state)
{
    struct idem_pointer *ptr = new_pointer(5);
    struct idem_window *w = new_window();
    struct source s;
    int64_t total = 0;
    (void)state;

    start(&s);
    assert_int_equal(idem_pointer_take(ptr, w), IDEM_ERR_TOO_LITTLE);
    while (!feed(&s, ptr))
        assert_true(idem_pointer_pending(ptr) < 5);
    assert_int_equal(idem_pointer_pending(ptr), 5);
    assert_int_equal(idem_pointer_take(ptr, w), 0);
    assert_int_equal(idem_pointer_pending(ptr), 0);
    assert_int_equal(idem_pointer_take(ptr, w), IDEM_ERR_TOO_LITTLE);
    assert_int_equal(idem_window_strokes(w), 5);
    assert_true(idem_window_duration_ms(w) > 0 && idem_window_duration_ms(w) % 100 == 0);
    for (int c = 0; c < COMPONENTS; c++)
        total += idem_window_counts(w)[c];
    assert_true(llabs(total - 5 * IDEM_GRID) <= COMPONENTS);
    idem_window_free(w);
    idem_pointer_free(ptr);
}

/* The same events in windows of 5, and in windows of 10: the sums agree but for rounding. */
static void test_chunking(void **state)
{
    struct idem_pointer *small = new_pointer(5), *large = new_pointer(10);
    struct idem_window *w = new_window();
    const size_t len = idem_shape_len(w->shape);
    float *sums[2] = {calloc(len, sizeof(float)), calloc(len, sizeof(float))};
    uint32_t taken[2] = {0};
    struct source a, b;
    (void)state;

    start(&a);
    start(&b);
    while (taken[0] < 40 || taken[1] < 20) {
        if (feed(&a, small) && taken[0] < 40 && idem_pointer_take(small, w) == 0) {
            idem_window_add_to(w, 1, sums[0]);
            taken[0]++;
        }
        if (feed(&b, large) && taken[1] < 20 && idem_pointer_take(large, w) == 0) {
            idem_window_add_to(w, 1, sums[1]);
            taken[1]++;
        }
    }
    for (size_t i = 0; i < len; i++) /* each of 60 roundings is off by 1/128 at most */
        assert_true(fabsf(sums[0][i] - sums[1][i]) <= 60.0f / 128);
    free(sums[0]);
    free(sums[1]);
    idem_window_free(w);
    idem_pointer_free(small);
    idem_pointer_free(large);
}

/* Puts a window into another as a decoder does. */
static int resend(const struct idem_window *w, struct idem_window *out)
{
    int r = idem_window_begin(out, w->strokes, w->duration_ms);
    for (uint32_t c = 0; c < w->shape.cells && r == 0; c++) {
        if (w->n[c] > 0)
            r = idem_window_put(out, c, w->n[c], w->sums + c * DIMS * 2);
    }
    return r != 0 ? r : idem_window_end(out);
}

static void test_receiver(void **state)
{
    struct idem_pointer *ptr = new_pointer(25);
    struct idem_window *w = new_window(), *got = new_window();
    struct source s;
    (void)state;

    start(&s);
    for (int windows = 0; windows < 20;) {
        if (!feed(&s, ptr))
            continue;
        assert_int_equal(idem_pointer_take(ptr, w), 0);
        assert_int_equal(resend(w, got), 0);
        windows++;
    }
    assert_true(w->n[COMPONENTS] > 0); /* clicks were timed */
    int32_t *click = w->sums + COMPONENTS * DIMS * 2, *sum = w->sums;
    w->n[COMPONENTS]++; /* no whole number of clicks */
    assert_int_equal(resend(w, got), IDEM_ERR_INVALID);
    w->n[COMPONENTS]--;
    click[2] = 1; /* a channel that a timing does not have */
    assert_int_equal(resend(w, got), IDEM_ERR_INVALID);
    click[2] = 0;
    int32_t kept = *sum;
    *sum = 3 * w->n[0] + 2; /* beyond the clip */
    assert_int_equal(resend(w, got), IDEM_ERR_INVALID);
    *sum = kept;
    w->n[1] += 25 * IDEM_GRID; /* more gestures than strokes */
    assert_int_equal(resend(w, got), IDEM_ERR_INVALID);
    idem_window_free(w);
    idem_window_free(got);
    idem_pointer_free(ptr);
}

/* Somebody who clicks a whole day without moving fills no window and overflows no cell. */
static void test_only_clicks(void **state)
{
    struct idem_pointer *ptr = new_pointer(5);
    struct idem_window *w = new_window(), *got = new_window();
    struct source s;
    (void)state;

    for (int64_t i = 0; i < 20000; i++) {
        assert_false(idem_pointer_event(ptr, IDEM_POINTER_PRESS, 5, 5, i * 1000000));
        assert_false(idem_pointer_event(ptr, IDEM_POINTER_RELEASE, 5, 5, i * 1000000 + 90000));
    }
    start(&s);
    s.t_us = INT64_C(30000000000);
    while (!feed(&s, ptr))
        ;
    assert_int_equal(idem_pointer_take(ptr, w), 0);
    assert_int_equal(w->n[COMPONENTS], IDEM_TIMINGS_PER_STROKE * 5 * IDEM_GRID);
    assert_int_equal(resend(w, got), 0);
    w->n[COMPONENTS] += IDEM_GRID; /* one more than any collector counts */
    assert_int_equal(idem_window_end(w), IDEM_ERR_INVALID);
    idem_window_free(w);
    idem_window_free(got);
    idem_pointer_free(ptr);
}

static void test_gap_and_reset(void **state)
{
    struct idem_pointer *ptr = new_pointer(5);
    (void)state;

    for (int i = 0; i < 6; i++)
        idem_pointer_event(ptr, IDEM_POINTER_MOVE, 10 * i, 0, 1000000 + 16000 * i);
    idem_pointer_gap(ptr); /* the way up to here is forgotten */
    idem_pointer_event(ptr, IDEM_POINTER_PRESS, 60, 0, 1100000);
    assert_int_equal(idem_pointer_pending(ptr), 0);
    for (int i = 0; i < 6; i++)
        idem_pointer_event(ptr, IDEM_POINTER_MOVE, 10 * i, 0, 1200000 + 16000 * i);
    idem_pointer_event(ptr, IDEM_POINTER_PRESS, 60, 0, 1300000);
    assert_int_equal(idem_pointer_pending(ptr), 1);
    idem_pointer_gap(ptr); /* what is measured stays */
    assert_int_equal(idem_pointer_pending(ptr), 1);
    idem_pointer_reset(ptr);
    assert_int_equal(idem_pointer_pending(ptr), 0);
    idem_pointer_free(ptr);
    idem_pointer_free(NULL);
}

static void test_arguments(void **state)
{
    struct idem_pointer *ptr = NULL;
    struct idem_front *bare;
    (void)state;
    assert_int_equal(idem_pointer_new(front, 4, &ptr), IDEM_ERR_INVALID);
    assert_int_equal(idem_pointer_new(front, IDEM_WINDOW_STROKES_MAX + 1, &ptr), IDEM_ERR_INVALID);
    assert_int_equal(idem_front_alloc(0, 0, &bare), 0);
    assert_int_equal(idem_front_cells(bare, IDEM_POINTER), 0);
    assert_int_equal(idem_pointer_new(bare, 5, &ptr), IDEM_ERR_INVALID);
    assert_null(ptr);
    idem_front_free(bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),        cmocka_unit_test(test_chunking),
        cmocka_unit_test(test_receiver),      cmocka_unit_test(test_only_clicks),
        cmocka_unit_test(test_gap_and_reset), cmocka_unit_test(test_arguments),
    };
    return cmocka_run_group_tests(tests, make_front, free_front);
}
