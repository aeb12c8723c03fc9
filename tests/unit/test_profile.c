/* SPDX-License-Identifier: Apache-2.0 */
/* test_profile.c - profiles are sums: the arithmetic, and bytes that survive no damage. */
#include "people.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WINDOWS = 8 };

static struct idem_front *front;
static struct idem_window *windows[WINDOWS];
static size_t floats;

static int setup(void **state)
{
    struct person who;
    (void)state;
    front = people_front(20, 500);
    floats = idem_shape_len(idem_front_shape(front, IDEM_KEYBOARD));
    person_draw(&who, 7);
    struct typist t = typist_new(&who, 1);
    for (int i = 0; i < WINDOWS; i++)
        windows[i] = typist_window(&t, front, 25);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < WINDOWS; i++)
        idem_window_free(windows[i]);
    idem_front_free(front);
    return 0;
}

static struct idem_profile *empty(void)
{
    struct idem_profile *p = NULL;
    assert_int_equal(idem_profile_new(front, IDEM_KEYBOARD, &p), 0);
    return p;
}

/* The sum of windows from..to-1. */
static struct idem_profile *sum_of(int from, int to)
{
    struct idem_profile *p = empty();
    for (int i = from; i < to; i++)
        assert_int_equal(idem_profile_add(p, windows[i]), 0);
    return p;
}

/* To the last bit: sums on the grid of 1/64 are exact in a float. */
static void assert_same(const struct idem_profile *a, const struct idem_profile *b)
{
    assert_memory_equal(a->stats, b->stats, floats * sizeof a->stats[0]);
    assert_int_equal(a->windows, b->windows);
    assert_true(a->strokes == b->strokes);
}

static void test_a_new_profile_is_empty(void **state)
{
    struct idem_profile *p = empty(), *none = NULL;
    (void)state;
    assert_true(idem_profile_strokes(p) == 0);
    assert_int_equal(idem_profile_windows(p), 0);
    assert_int_equal(idem_profile_new(front, IDEM_POINTER, &none), IDEM_ERR_INVALID);
    assert_null(none);
    idem_profile_free(p);
    idem_profile_free(NULL);
}

static void test_adding_commutes(void **state)
{
    struct idem_profile *forwards = sum_of(0, WINDOWS), *backwards = empty();
    (void)state;
    for (int i = WINDOWS; i-- > 0;)
        assert_int_equal(idem_profile_add(backwards, windows[i]), 0);
    assert_same(forwards, backwards);
    assert_true(idem_profile_strokes(forwards) == 25 * WINDOWS);
    assert_int_equal(idem_profile_windows(forwards), WINDOWS);
    idem_profile_free(forwards);
    idem_profile_free(backwards);
}

static void test_subtracting_undoes_adding(void **state)
{
    struct idem_profile *p = sum_of(0, WINDOWS), *want = sum_of(0, 5), *none = empty();
    (void)state;
    for (int i = 5; i < WINDOWS; i++)
        assert_int_equal(idem_profile_subtract(p, windows[i]), 0);
    assert_same(p, want);
    for (int i = 0; i < 5; i++)
        assert_int_equal(idem_profile_subtract(p, windows[i]), 0);
    assert_same(p, none);
    assert_int_equal(idem_profile_subtract(p, windows[0]), IDEM_ERR_INVALID);
    assert_same(p, none);
    idem_profile_free(p);
    idem_profile_free(want);
    idem_profile_free(none);
}

static void test_merging_commutes_and_associates(void **state)
{
    struct idem_profile *a = sum_of(0, 3), *b = sum_of(3, 5), *ba = sum_of(3, 5);
    struct idem_profile *c = sum_of(5, WINDOWS), *all = sum_of(0, WINDOWS);
    (void)state;
    assert_int_equal(idem_profile_merge(ba, a), 0); /* b + a */
    assert_int_equal(idem_profile_merge(a, b), 0);  /* a + b */
    assert_same(a, ba);
    assert_int_equal(idem_profile_merge(a, c), 0); /* (a + b) + c */
    assert_same(a, all);
    assert_int_equal(idem_profile_merge(c, ba), 0); /* c + (b + a) */
    assert_same(c, all);
    idem_profile_free(a);
    idem_profile_free(b);
    idem_profile_free(ba);
    idem_profile_free(c);
    idem_profile_free(all);
}

static void test_discounting(void **state)
{
    static const double bad[] = {0, -0.5, 1.0001, NAN, INFINITY, -INFINITY};
    struct idem_profile *p = sum_of(0, 4), *want = sum_of(0, 4);
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(idem_profile_discount(p, bad[i]), IDEM_ERR_INVALID);
    assert_int_equal(idem_profile_discount(p, 1), 0);
    assert_same(p, want);
    assert_int_equal(idem_profile_discount(p, 0.25), 0);
    for (size_t i = 0; i < floats; i++)
        assert_true(p->stats[i] == 0.25f * want->stats[i]);
    assert_true(idem_profile_strokes(p) == 25);
    assert_int_equal(idem_profile_windows(p), 4);
    idem_profile_free(p);
    idem_profile_free(want);
}

/*
 * A window can be taken back after its profile was discounted. Where the rest holds no strokes any
 * more it must hold no sums either, else they would haunt the next window filed there.
 */
/* Hollow windows, which claim strokes and hold none, could have filled an enrolment. */
static void test_claimed_strokes_without_evidence_do_not_count(void **state)
{
    struct idem_profile *p;
    struct idem_window *w;
    (void)state;
    assert_int_equal(idem_profile_new(front, IDEM_KEYBOARD, &p), 0);
    assert_int_equal(idem_window_new(front, IDEM_KEYBOARD, &w), 0);
    assert_int_equal(idem_window_begin(w, 25, 5000), 0);
    assert_int_equal(idem_window_end(w), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(idem_profile_add(p, w), 0);
    assert_true(idem_profile_strokes(p) == 0);
    idem_window_free(w);
    idem_profile_free(p);
}

static void test_subtracting_after_a_discount(void **state)
{
    struct idem_profile *p = sum_of(0, 2);
    (void)state;
    assert_int_equal(idem_profile_discount(p, 0.5), 0);
    assert_int_equal(idem_profile_subtract(p, windows[0]), 0);
    for (uint32_t c = 0; c < front->cells; c++) {
        assert_true(p->stats[c] >= 0);
        for (uint32_t k = 0; k < IDEM_CONTRASTS && p->stats[c] == 0; k++)
            assert_true(p->stats[front->cells + IDEM_CONTRASTS * c + k] == 0);
    }
    idem_profile_free(p);
}

static void test_strangers_are_refused(void **state)
{
    struct idem_front *other = people_front(10, 500);
    struct idem_profile *mine = sum_of(0, 2), *want = sum_of(0, 2), *theirs = NULL;
    struct idem_window *foreign = NULL;
    (void)state;
    assert_int_equal(idem_window_new(other, IDEM_KEYBOARD, &foreign), 0);
    assert_int_equal(idem_profile_new(other, IDEM_KEYBOARD, &theirs), 0);
    assert_int_equal(idem_profile_add(mine, foreign), IDEM_ERR_MISMATCH);
    assert_int_equal(idem_profile_subtract(mine, foreign), IDEM_ERR_MISMATCH);
    assert_int_equal(idem_profile_merge(mine, theirs), IDEM_ERR_MISMATCH);
    assert_same(mine, want);
    idem_window_free(foreign);
    idem_profile_free(mine);
    idem_profile_free(want);
    idem_profile_free(theirs);
    idem_front_free(other);
}

static uint8_t *bytes_of(const struct idem_profile *p, size_t *len)
{
    uint8_t *bytes = malloc(idem_profile_size(p));
    assert_int_equal(idem_profile_write(p, bytes, idem_profile_size(p), len), 0);
    assert_int_equal(*len, idem_profile_size(p));
    return bytes;
}

static void test_bytes_round_trip(void **state)
{
    struct idem_profile *p = sum_of(0, WINDOWS), *back = NULL;
    size_t len;
    uint8_t *bytes = bytes_of(p, &len);
    (void)state;
    assert_in_range(len, 1, 8192); /* resident size per person, modality and device class */
    assert_int_equal(idem_profile_parse(front, bytes, len, &back), 0);
    assert_same(p, back);
    idem_profile_free(back);
    idem_profile_free(p);
    free(bytes);
}

static void test_write_into_too_little_room(void **state)
{
    struct idem_profile *p = sum_of(0, 1);
    size_t len = 77, size = idem_profile_size(p);
    uint8_t *room = malloc(size);
    (void)state;
    assert_int_equal(idem_profile_write(p, room, size - 1, &len), IDEM_ERR_LIMIT);
    assert_int_equal(idem_profile_write(p, room, 0, &len), IDEM_ERR_LIMIT);
    assert_int_equal(idem_profile_write(p, NULL, size, &len), IDEM_ERR_LIMIT);
    assert_int_equal(len, 77);
    free(room);
    idem_profile_free(p);
}

/* A CRC finds every error burst up to 32 bits, so no flipped byte can come through. */
static void test_every_flipped_byte_is_refused(void **state)
{
    struct idem_profile *p = sum_of(0, 3);
    size_t len;
    uint8_t *bytes = bytes_of(p, &len);
    (void)state;
    for (size_t i = 0; i < len; i++) {
        for (int flip = 1; flip < 256; flip++) {
            struct idem_profile *out = NULL;
            bytes[i] ^= (uint8_t)flip;
            int r = idem_profile_parse(front, bytes, len, &out);
            bytes[i] ^= (uint8_t)flip;
            if (r == 0 || out != NULL)
                fail_msg("byte %zu, flip %02x: accepted", i, flip);
        }
    }
    idem_profile_free(p);
    free(bytes);
}

static void test_every_length_but_the_right_one_is_refused(void **state)
{
    struct idem_profile *p = sum_of(0, 3), *out = NULL;
    size_t len;
    uint8_t *bytes = bytes_of(p, &len);
    (void)state;
    for (size_t n = 0; n < len; n++) {
        uint8_t *copy = malloc(n + 1);
        memcpy(copy, bytes, n);
        assert_int_not_equal(idem_profile_parse(front, copy, n, &out), 0);
        free(copy);
    }
    uint8_t *longer = calloc(1, len + 4);
    memcpy(longer, bytes, len);
    assert_int_not_equal(idem_profile_parse(front, longer, len + 4, &out), 0);
    assert_null(out);
    free(longer);
    idem_profile_free(p);
    free(bytes);
}

enum { AT_VERSION = 0, AT_FRONT = 4, AT_MODALITY = 12, AT_STROKES = 20, AT_FLOATS = 24, AT_N = 28 };

/* A wrong number under a right checksum. */
static int parse_patched(size_t at, uint32_t value)
{
    struct idem_profile *p = sum_of(0, 3), *out = NULL;
    struct idem_writer w;
    size_t len;
    uint8_t *bytes = bytes_of(p, &len);

    idem_writer_init(&w, bytes + at, 4);
    idem_write_u32(&w, value);
    idem_writer_init(&w, bytes + len - 4, 4);
    idem_write_u32(&w, idem_crc32(bytes, len - 4));
    int r = idem_profile_parse(front, bytes, len, &out);
    assert_true((r == 0) == (out != NULL));
    idem_profile_free(out);
    idem_profile_free(p);
    free(bytes);
    return r;
}

static void test_wrong_numbers_are_refused(void **state)
{
    (void)state;
    assert_int_equal(parse_patched(AT_VERSION, 1), 0); /* patching itself is harmless */
    assert_int_equal(parse_patched(AT_VERSION, 2), IDEM_ERR_VERSION);
    assert_int_equal(parse_patched(AT_FRONT, 12345), IDEM_ERR_MISMATCH);
    assert_int_equal(parse_patched(AT_MODALITY, 2), IDEM_ERR_FORMAT);
    assert_int_equal(parse_patched(AT_MODALITY, IDEM_POINTER), IDEM_ERR_INVALID);
    assert_int_equal(parse_patched(AT_STROKES, 0x7FC00000), IDEM_ERR_FORMAT); /* NaN */
    assert_int_equal(parse_patched(AT_STROKES, 0xBF800000), IDEM_ERR_FORMAT); /* -1 */
    assert_int_equal(parse_patched(AT_FLOATS, 0), IDEM_ERR_MISMATCH);
    assert_int_equal(parse_patched(AT_FLOATS, UINT32_MAX), IDEM_ERR_MISMATCH);
    assert_int_equal(parse_patched(AT_N, 0xBF800000), IDEM_ERR_FORMAT); /* -1 strokes */
    assert_int_equal(parse_patched(AT_N, 0x7F800000), IDEM_ERR_FORMAT); /* infinite */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_profile_is_empty),
        cmocka_unit_test(test_adding_commutes),
        cmocka_unit_test(test_subtracting_undoes_adding),
        cmocka_unit_test(test_merging_commutes_and_associates),
        cmocka_unit_test(test_discounting),
        cmocka_unit_test(test_claimed_strokes_without_evidence_do_not_count),
        cmocka_unit_test(test_subtracting_after_a_discount),
        cmocka_unit_test(test_strangers_are_refused),
        cmocka_unit_test(test_bytes_round_trip),
        cmocka_unit_test(test_write_into_too_little_room),
        cmocka_unit_test(test_every_flipped_byte_is_refused),
        cmocka_unit_test(test_every_length_but_the_right_one_is_refused),
        cmocka_unit_test(test_wrong_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
