/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bytes.c - bounded reading and writing: what a damaged length must never do, and the
 * checksums' published check values.
 */
#include "base/bytes.h"
#include "idem/idem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_round_trip(void **state)
{
    uint8_t bytes[64];
    struct idem_writer w;
    struct idem_reader r;
    (void)state;

    idem_writer_init(&w, bytes, sizeof bytes);
    idem_write_u8(&w, 0xFE);
    idem_write_u16(&w, 0xBEEF);
    idem_write_u32(&w, 0xDEADBEEF);
    idem_write_u64(&w, UINT64_MAX - 1);
    idem_write_f32(&w, -1.5f);
    idem_write_f64(&w, 0.1);
    assert_int_equal(w.err, 0);
    assert_int_equal(w.len, 1 + 2 + 4 + 8 + 4 + 8);
    idem_reader_init(&r, bytes, w.len);
    assert_int_equal(idem_read_u8(&r), 0xFE);
    assert_int_equal(idem_read_u16(&r), 0xBEEF);
    assert_int_equal(idem_read_u32(&r), 0xDEADBEEF);
    assert_true(idem_read_u64(&r) == UINT64_MAX - 1);
    assert_true(idem_read_f32(&r) == -1.5f);
    assert_true(idem_read_f64(&r) == 0.1);
    assert_int_equal(r.err, 0);
    assert_ptr_equal(r.at, r.end);
}

static void test_little_endian(void **state)
{
    static const uint8_t want[] = {0x04, 0x03, 0x02, 0x01};
    uint8_t bytes[4];
    struct idem_writer w;
    (void)state;
    idem_writer_init(&w, bytes, sizeof bytes);
    idem_write_u32(&w, 0x01020304);
    assert_memory_equal(bytes, want, sizeof want);
}

static void test_reading_past_the_end(void **state)
{
    static const uint8_t bytes[5] = {1, 2, 3, 4, 5};
    struct idem_reader r;
    (void)state;

    idem_reader_init(&r, bytes, sizeof bytes);
    assert_int_equal(idem_read_u32(&r), 0x04030201);
    assert_int_equal(idem_read_u32(&r), 0);
    assert_int_equal(r.err, IDEM_ERR_TRUNCATED);
    assert_int_equal(idem_read_u8(&r), 0); /* one byte is left, but the error holds */
    assert_null(idem_read_bytes(&r, 0));
    assert_null(idem_read_bytes(&r, SIZE_MAX));
    assert_int_equal(r.err, IDEM_ERR_TRUNCATED);
}

static void test_the_first_error_stays(void **state)
{
    static const uint8_t bytes[8] = {9};
    struct idem_reader r;
    (void)state;
    idem_reader_init(&r, bytes, sizeof bytes);
    assert_int_equal(idem_read_size(&r, 10, 20), 10); /* below the minimum: the minimum comes */
    assert_int_equal(r.err, IDEM_ERR_FORMAT);
    idem_read_u64(&r);
    assert_int_equal(r.err, IDEM_ERR_FORMAT);
}

static void test_sizes_keep_their_range(void **state)
{
    static const uint8_t bytes[12] = {10, 0, 0, 0, 20, 0, 0, 0, 21, 0, 0, 0};
    struct idem_reader r;
    (void)state;
    idem_reader_init(&r, bytes, sizeof bytes);
    assert_int_equal(idem_read_size(&r, 10, 20), 10);
    assert_int_equal(idem_read_size(&r, 10, 20), 20);
    assert_int_equal(r.err, 0);
    assert_int_equal(idem_read_size(&r, 10, 20), 10);
    assert_int_equal(r.err, IDEM_ERR_FORMAT);
}

static void test_floats_must_be_finite(void **state)
{
    const float bad[] = {NAN, INFINITY, -INFINITY};
    uint8_t bytes[8];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct idem_writer w;
        struct idem_reader r;
        float out[2];
        idem_writer_init(&w, bytes, sizeof bytes);
        idem_write_f32(&w, 1);
        idem_write_f32(&w, bad[i]);
        idem_reader_init(&r, bytes, sizeof bytes);
        idem_read_f32s(&r, out, 2);
        assert_int_equal(r.err, IDEM_ERR_FORMAT);
    }
}

static void test_writing_past_the_end(void **state)
{
    uint8_t bytes[8];
    struct idem_writer w;
    (void)state;

    memset(bytes, 0x5A, sizeof bytes);
    idem_writer_init(&w, bytes, 6);
    idem_write_u32(&w, 1);
    idem_write_u32(&w, 2);
    assert_int_equal(w.err, IDEM_ERR_LIMIT);
    idem_write_u8(&w, 3); /* would fit, but the error holds */
    assert_int_equal(w.len, 4);
    for (int i = 4; i < 8; i++)
        assert_int_equal(bytes[i], 0x5A);
}

static void test_dry_run_counts(void **state)
{
    const float floats[3] = {1, 2, 3};
    struct idem_writer w;
    (void)state;
    idem_writer_init(&w, NULL, 0);
    idem_write_u16(&w, 1);
    idem_write_f32s(&w, floats, 3);
    assert_int_equal(w.len, 14);
    assert_int_equal(w.err, 0);
}

/* The check values of the CRC catalogue and of the FNV reference code. */
static void test_checksums(void **state)
{
    (void)state;
    assert_int_equal(idem_crc32("123456789", 9), 0xCBF43926u);
    assert_int_equal(idem_crc32("", 0), 0);
    assert_true(idem_fnv64("", 0) == 0xCBF29CE484222325u);
    assert_true(idem_fnv64("a", 1) == 0xAF63DC4C8601EC8Cu);
    assert_true(idem_fnv64("foobar", 6) == 0x85944171F73967E8u);
}

static void test_wipe(void **state)
{
    uint8_t bytes[32];
    (void)state;
    memset(bytes, 0xAA, sizeof bytes);
    idem_wipe(bytes + 1, 30);
    assert_int_equal(bytes[0], 0xAA);
    for (int i = 1; i < 31; i++)
        assert_int_equal(bytes[i], 0);
    assert_int_equal(bytes[31], 0xAA);
    idem_wipe(NULL, 0);
}

static void test_every_error_has_its_sentence(void **state)
{
    (void)state;
    for (int e = IDEM_ERR_FULL; e <= 0; e++) {
        assert_non_null(idem_strerror(e));
        assert_string_not_equal(idem_strerror(e), "unknown error");
        for (int other = IDEM_ERR_FULL; other < e; other++)
            assert_string_not_equal(idem_strerror(e), idem_strerror(other));
    }
    assert_string_equal(idem_strerror(1), "unknown error");
    assert_string_equal(idem_strerror(-1000), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_little_endian),
        cmocka_unit_test(test_reading_past_the_end),
        cmocka_unit_test(test_the_first_error_stays),
        cmocka_unit_test(test_sizes_keep_their_range),
        cmocka_unit_test(test_floats_must_be_finite),
        cmocka_unit_test(test_writing_past_the_end),
        cmocka_unit_test(test_dry_run_counts),
        cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_wipe),
        cmocka_unit_test(test_every_error_has_its_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
