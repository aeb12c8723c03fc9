/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wire.c - windows in CBOR and JSON: both mean the same, fields may come in any order, every
 * length has its limit, and what is refused says where.
 */
#include "people.h"
#include "wire/cbor_item.h"
#include "wire/wire.h"

#include <cbor.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct idem_front *front;
static struct idem_wire_reader *reader;
static struct idem_window *typed[4];
static char body[2 * IDEM_WIRE_BODY_MAX];

static int setup(void **state)
{
    struct person person;
    (void)state;

    front = people_front(12, 1000);
    person_draw(&person, 77);
    struct typist typist = typist_new(&person, 1);
    for (int i = 0; i < 4; i++)
        typed[i] = typist_window(&typist, front, 25);
    return idem_wire_reader_new(front, &reader);
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        idem_window_free(typed[i]);
    idem_wire_reader_free(reader);
    idem_front_free(front);
    return 0;
}

static void assert_same(const struct idem_window *a, const struct idem_window *b)
{
    assert_int_equal(a->strokes, b->strokes);
    assert_int_equal(a->duration_ms, b->duration_ms);
    assert_int_equal(a->modality, b->modality);
    assert_memory_equal(a->n, b->n, idem_shape_len(a->shape) * sizeof a->n[0]);
}

static size_t batch(bool json, uint32_t count, int64_t clock_ms)
{
    struct idem_wire_writer w;
    size_t len = 0;

    assert_int_equal(idem_wire_batch_begin(&w, front, json, count, clock_ms, body, sizeof body), 0);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(idem_wire_batch_put(&w, typed[i % 4], i + 1), 0);
    assert_int_equal(idem_wire_batch_end(&w, &len), 0);
    return len;
}

static int expect_typed(void *arg, uint32_t seq, const struct idem_window *window)
{
    uint32_t *seen = arg;
    assert_int_equal(seq, *seen + 1);
    assert_same(window, typed[*seen % 4]);
    (*seen)++;
    return 0;
}

static int ignore(void *arg, uint32_t seq, const struct idem_window *window)
{
    (void)arg, (void)seq, (void)window;
    return 0;
}

static int read_text(const char *json)
{
    struct idem_wire_batch out;
    return idem_wire_read_json(reader, json, strlen(json), ignore, NULL, &out);
}

static void test_both_formats_carry_a_batch(void **state)
{
    (void)state;
    for (int json = 0; json < 2; json++) {
        uint32_t seen = 0;
        struct idem_wire_batch out;
        size_t len = batch(json, 64, 1800000000000);
        int err = json ? idem_wire_read_json(reader, body, len, expect_typed, &seen, &out)
                       : idem_wire_read_cbor(reader, body, len, expect_typed, &seen, &out);
        assert_int_equal(err, 0);
        assert_int_equal(seen, 64);
        assert_int_equal(out.windows, 64);
        assert_true(out.has_clock);
        assert_int_equal(out.clock_ms, 1800000000000);
    }
}

static void test_a_stored_window_comes_back(void **state)
{
    const struct idem_window *window;
    uint32_t seq;
    size_t len;
    (void)state;

    assert_int_equal(idem_wire_write_window(front, typed[0], 7, body, sizeof body, &len), 0);
    assert_int_equal(idem_wire_read_window(reader, body, len, &seq, &window), 0);
    assert_int_equal(seq, 7);
    assert_same(window, typed[0]);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(idem_wire_read_window(reader, body, cut, &seq, &window),
                         IDEM_ERR_TRUNCATED);
    assert_int_equal(idem_wire_read_window(reader, body, len + 1, &seq, &window), IDEM_ERR_FORMAT);
    for (size_t cap = 0; cap < len; cap++)
        assert_int_equal(idem_wire_write_window(front, typed[0], 7, body, cap, &len),
                         IDEM_ERR_LIMIT);
}

static void test_every_cut_of_a_batch_is_refused(void **state)
{
    struct idem_wire_batch out;
    (void)state;

    size_t len = batch(false, 2, -1);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(idem_wire_read_cbor(reader, body, cut, ignore, NULL, &out),
                         IDEM_ERR_TRUNCATED);
    len = batch(true, 2, -1);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(idem_wire_read_json(reader, body, cut, ignore, NULL, &out),
                         IDEM_ERR_FORMAT);
}

static void test_the_order_of_fields_is_free(void **state)
{
    static const char *const orders[] = {
        "{\"windows\":[{\"cells\":[[0,64,3,-9,0,0,0,0]],\"strokes\":1,\"front\":\"%016llx\","
        "\"seq\":5,"
        "\"duration_ms\":0,\"modality\":\"keyboard\"}]}",
        "{\"windows\":[{\"seq\":5,\"cells\":[[0,64,3,-9,0,0,0,0]],\"modality\":\"keyboard\","
        "\"duration_ms\":0,\"front\":\"%016llx\",\"strokes\":1}]}",
    };
    char text[400];
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        snprintf(text, sizeof text, orders[i], (unsigned long long)idem_front_id(front));
        assert_int_equal(read_text(text), 0);
    }
}

/* A map of "cells" first, then the rest: what only a foreign encoder would send. */
static void test_cells_before_the_head_in_cbor(void **state)
{
    uint8_t text[256] = {0xa1, 0x67, 'w',  'i',  'n',  'd',  'o',  'w',  's',  0x81,
                         0xa6, 0x65, 'c',  'e',  'l',  'l',  's',  0x81, 0x88, 0x00,
                         0x18, 0x40, 0x03, 0x28, 0x00, 0x00, 0x00, 0x00};
    size_t len = 28;
    struct idem_wire_batch out;
    static const uint8_t rest[] = "\x63seq\x05\x67strokes\x01\x6b"
                                  "duration_ms\x00\x68modality\x68keyboard\x65"
                                  "front\x48";
    (void)state;

    memcpy(text + len, rest, sizeof rest - 1);
    len += sizeof rest - 1;
    for (int i = 0; i < 8; i++)
        text[len++] = (uint8_t)(idem_front_id(front) >> (56 - 8 * i));
    assert_int_equal(idem_wire_read_cbor(reader, text, len, ignore, NULL, &out), 0);
    text[27] = 0x39; /* a sum of two bytes, the second of which is missing now */
    assert_int_not_equal(idem_wire_read_cbor(reader, text, len, ignore, NULL, &out), 0);
}

/* libcbor writes it, we read it: every short integer, and the ones around each change of length. */
static void test_integers_of_every_length(void **state)
{
    static const int64_t others[] = {65536,  65537,     INT32_MAX, INT64_MAX,
                                     -65537, INT32_MIN, INT64_MIN};
    const size_t n = sizeof others / sizeof others[0];
    (void)state;

    for (int64_t i = -65536; i < 65536 + (int64_t)n; i++) {
        int64_t v = i < 65536 ? i : others[i - 65536];
        struct idem_cbor_item item;
        uint8_t bytes[9];
        size_t len = v >= 0 ? cbor_encode_uint((uint64_t)v, bytes, sizeof bytes)
                            : cbor_encode_negint((uint64_t)(-1 - v), bytes, sizeof bytes);
        struct idem_cbor c = {bytes, bytes + len};
        assert_int_equal(idem_cbor_next(&c, &item), 0);
        assert_int_equal(item.kind, IDEM_CBOR_INT);
        assert_true(item.integer == v && c.at == c.end);
        c = (struct idem_cbor){bytes, bytes + len - 1};
        assert_int_equal(idem_cbor_next(&c, &item), IDEM_ERR_TRUNCATED);
    }
}

static void test_what_cbor_may_not_contain(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        int err;
    } cases[] = {
        {"\xbf\xff", 2, IDEM_ERR_INVALID},                 /* a map of indefinite length */
        {"\xa1\x67windows\x9f\xff", 11, IDEM_ERR_INVALID}, /* likewise an array */
        {"\xa1\x67windows\xfb\0\0\0\0\0\0\0\0", 18, IDEM_ERR_INVALID}, /* a float */
        {"\xc1\xa0", 2, IDEM_ERR_INVALID},                             /* a tag */
        {"\xa0", 1, IDEM_ERR_INVALID},                                 /* no windows */
        {"\xa1\x67windows\x80", 10, IDEM_ERR_INVALID},                 /* none either */
        {"\xa1\x67windows\x98\x41", 11, IDEM_ERR_LIMIT},               /* 65 */
        {"\xa1\x67windows\x9b\xff\xff\xff\xff\xff\xff\xff\xff", 18, IDEM_ERR_LIMIT},
        {"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", 9, IDEM_ERR_INVALID},
        {"\x7b\xff\xff\xff\xff\xff\xff\xff\xff", 9, IDEM_ERR_TRUNCATED},
        {"\xa1\x65other\x00", 8, IDEM_ERR_INVALID},
        {"\x1c", 1, IDEM_ERR_FORMAT}, /* reserved */
        {"", 0, IDEM_ERR_TRUNCATED},
    };
    struct idem_wire_batch out;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int err = idem_wire_read_cbor(reader, cases[i].bytes, cases[i].len, ignore, NULL, &out);
        if (err != cases[i].err)
            fail_msg("case %zu: %d instead of %d (%s)", i, err, cases[i].err,
                     idem_wire_reader_why(reader));
    }
}

static void test_a_refusal_says_where(void **state)
{
    char text[600];
    (void)state;

    snprintf(text, sizeof text,
             "{\"windows\":[{\"seq\":1,\"modality\":\"keyboard\",\"front\":\"%016llx\","
             "\"strokes\":2,\"duration_ms\":0,\"cells\":[[0,64,3,-9,0,0,0,0],"
             "[1,64,1000000,0,0,0,0,0]]}]}",
             (unsigned long long)idem_front_id(front));
    assert_int_equal(read_text(text), IDEM_ERR_INVALID);
    assert_non_null(strstr(idem_wire_reader_why(reader), "windows[0].cells[1]: "));

    assert_int_equal(read_text("{\"windows\":[{\"seq\":0}]}"), IDEM_ERR_INVALID);
    assert_non_null(strstr(idem_wire_reader_why(reader), "windows[0]: \"seq\""));
    assert_int_equal(read_text("{\"windows\":[{\"seq\":1}]}"), IDEM_ERR_INVALID);
    assert_non_null(strstr(idem_wire_reader_why(reader), "missing"));
    assert_int_equal(read_text("{\"windows\":[{\"\xc3\xa5\":1}]}"), IDEM_ERR_INVALID);
    assert_int_equal(read_text("{\"windows\":[1]"), IDEM_ERR_FORMAT);
    assert_non_null(strstr(idem_wire_reader_why(reader), "line 1"));
    for (const char *c = idem_wire_reader_why(reader); *c != '\0'; c++)
        assert_in_range(*c, 0x20, 0x7e);
}

static void test_another_front_is_a_mismatch(void **state)
{
    (void)state;
    assert_int_equal(read_text("{\"windows\":[{\"seq\":1,\"modality\":\"keyboard\","
                               "\"front\":\"0123456789abcdef\",\"strokes\":2,\"duration_ms\":0,"
                               "\"cells\":[]}]}"),
                     IDEM_ERR_MISMATCH);
}

static void test_the_writer_keeps_its_promise(void **state)
{
    struct idem_wire_writer w;
    size_t len;
    (void)state;

    assert_int_equal(idem_wire_batch_begin(&w, front, false, 0, -1, body, sizeof body),
                     IDEM_ERR_INVALID);
    assert_int_equal(idem_wire_batch_begin(&w, front, false, 65, -1, body, sizeof body),
                     IDEM_ERR_INVALID);
    assert_int_equal(idem_wire_batch_begin(&w, front, true, 1, -1, body, sizeof body), 0);
    assert_int_equal(idem_wire_batch_end(&w, &len), IDEM_ERR_INVALID);
    assert_int_equal(idem_wire_batch_put(&w, typed[0], 1), 0);
    assert_int_equal(idem_wire_batch_put(&w, typed[0], 2), IDEM_ERR_INVALID);
    assert_int_equal(idem_wire_batch_end(&w, &len), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_formats_carry_a_batch),
        cmocka_unit_test(test_a_stored_window_comes_back),
        cmocka_unit_test(test_every_cut_of_a_batch_is_refused),
        cmocka_unit_test(test_the_order_of_fields_is_free),
        cmocka_unit_test(test_cells_before_the_head_in_cbor),
        cmocka_unit_test(test_integers_of_every_length),
        cmocka_unit_test(test_what_cbor_may_not_contain),
        cmocka_unit_test(test_a_refusal_says_where),
        cmocka_unit_test(test_another_front_is_a_mismatch),
        cmocka_unit_test(test_the_writer_keeps_its_promise),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
