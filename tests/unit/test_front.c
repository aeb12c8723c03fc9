/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_front.c - the front's file: every flipped byte and every truncation is refused, and a level
 * of the evaluation tool can be neither written nor read.
 */
#include "people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct idem_front *front;
static uint8_t *bytes;
static size_t len;

static int setup(void **state)
{
    struct idem_writer w;
    (void)state;
    front = people_front(20, 500);
    idem_writer_init(&w, NULL, 0);
    assert_int_equal(idem_front_write(front, &w), 0);
    len = w.len;
    bytes = malloc(len);
    idem_writer_init(&w, bytes, len);
    assert_int_equal(idem_front_write(front, &w), 0);
    assert_int_equal(w.len, len);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    idem_front_free(front);
    free(bytes);
    return 0;
}

/* Puts a number at an offset and mends the checksum, so that only the number is wrong. */
static int parse_patched(size_t at, uint32_t value)
{
    struct idem_front *out = NULL;
    struct idem_writer w;
    uint8_t *copy = malloc(len);

    memcpy(copy, bytes, len);
    idem_writer_init(&w, copy + at, 4);
    idem_write_u32(&w, value);
    idem_writer_init(&w, copy + len - 4, 4);
    idem_write_u32(&w, idem_crc32(copy, len - 4));
    int r = idem_front_parse(copy, len, &out);
    free(copy);
    idem_front_free(out);
    return r;
}

enum { AT_VERSION = 4, AT_LEVEL = 8, AT_CELLS = 12, AT_SLOT = 16, AT_EDGES = 20 };

static uint32_t bits(float v)
{
    uint32_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static void test_round_trip(void **state)
{
    struct idem_front *out = NULL;
    (void)state;
    assert_int_equal(idem_front_parse(bytes, len, &out), 0);
    assert_true(idem_front_id(out) == idem_front_id(front));
    assert_int_equal(idem_front_level(out), IDEM_LEVEL_MIXED);
    assert_int_equal(idem_front_cells(out, IDEM_KEYBOARD), front->cells);
    assert_int_equal(idem_front_channels(out, IDEM_KEYBOARD), 3);
    assert_int_equal(idem_front_cells(out, IDEM_POINTER), 0);
    assert_memory_equal(out->cell_of_slot, front->cell_of_slot, 4 * front->slots);
    assert_memory_equal(out->edges, front->edges, 4 * IDEM_EDGES * front->cells);
    assert_memory_equal(&out->zoning, &front->zoning, sizeof front->zoning);
    idem_front_free(out);
    idem_front_free(NULL);
}

static void test_every_flipped_byte_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            struct idem_front *out = NULL;
            bytes[i] ^= (uint8_t)(1 << bit);
            int r = idem_front_parse(bytes, len, &out);
            bytes[i] ^= (uint8_t)(1 << bit);
            if (r == 0 || out != NULL)
                fail_msg("byte %zu, bit %d: accepted", i, bit);
        }
    }
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < len; n++) {
        struct idem_front *out = NULL;
        uint8_t *copy = malloc(n + 1); /* exactly so long that reading on is seen */
        memcpy(copy, bytes, n);
        assert_int_not_equal(idem_front_parse(copy, n, &out), 0);
        assert_null(out);
        free(copy);
    }
}

static void test_reasons(void **state)
{
    (void)state;
    assert_int_equal(parse_patched(0, 0x464D4449), 0); /* "IDMF": patching itself is harmless */
    assert_int_equal(parse_patched(0, 0x504D4449), IDEM_ERR_FORMAT);
    assert_int_equal(parse_patched(AT_VERSION, 1), IDEM_ERR_VERSION);
    assert_int_equal(parse_patched(AT_VERSION, IDEM_FRONT_VERSION + 1), IDEM_ERR_VERSION);
    assert_int_equal(parse_patched(AT_CELLS, IDEM_CELLS_MAX + 1), IDEM_ERR_FORMAT);
    assert_int_equal(parse_patched(AT_CELLS, UINT32_MAX), IDEM_ERR_FORMAT);
    assert_int_not_equal(parse_patched(AT_CELLS, front->cells + 1), 0);
    assert_int_not_equal(parse_patched(AT_CELLS, front->cells - 1), 0);
    assert_int_not_equal(parse_patched(AT_CELLS, IDEM_CELLS_MAX), 0);
}

static void test_cells_must_make_sense(void **state)
{
    (void)state;
    assert_int_equal(parse_patched(AT_SLOT, front->slots), IDEM_ERR_FORMAT);
    assert_int_equal(parse_patched(AT_SLOT, UINT32_MAX), IDEM_ERR_FORMAT);
    assert_int_equal(parse_patched(AT_SLOT, front->slot[1]), IDEM_ERR_FORMAT); /* twice */
}

/* Edges are finite and ascend strictly, the first and the last like those between. */
static void test_edges_must_ascend(void **state)
{
    (void)state;
    for (uint32_t e = 0; e < IDEM_EDGES; e++) {
        const size_t at = AT_EDGES + 4 * e;
        assert_int_equal(parse_patched(at, bits(front->edges[e])), 0);
        assert_int_equal(parse_patched(at, 0x7FC00000), IDEM_ERR_FORMAT); /* NaN */
        assert_int_equal(parse_patched(at, 0x7F800000), IDEM_ERR_FORMAT); /* infinity */
        assert_int_equal(parse_patched(at, 0xFF800000), IDEM_ERR_FORMAT);
        if (e > 0)
            assert_int_equal(parse_patched(at, bits(front->edges[e - 1])), IDEM_ERR_FORMAT);
        if (e + 1 < IDEM_EDGES)
            assert_int_equal(parse_patched(at, bits(front->edges[e + 1] + 1)), IDEM_ERR_FORMAT);
    }
}

/* A front of the evaluation tool, learned at a level that must never be sent. */
static void test_offline_level_cannot_be_written(void **state)
{
    struct idem_writer w;
    uint8_t out[4096];
    (void)state;
    for (int level = IDEM_LEVEL_FINGERROW + 1; level <= IDEM_LEVEL_OFFLINE; level++) {
        front->level = (enum idem_level)level;
        idem_writer_init(&w, NULL, 0);
        assert_int_equal(idem_front_write(front, &w), IDEM_ERR_LEVEL);
        assert_int_equal(w.len, 0);
        idem_writer_init(&w, out, sizeof out);
        assert_int_equal(idem_front_write(front, &w), IDEM_ERR_LEVEL);
        assert_int_equal(w.len, 0);
    }
    front->level = IDEM_LEVEL_MIXED;
}

static void test_offline_level_cannot_be_read(void **state)
{
    (void)state;
    assert_int_equal(parse_patched(AT_LEVEL, IDEM_LEVEL_OFFLINE), IDEM_ERR_FORMAT);
    assert_int_equal(parse_patched(AT_LEVEL, IDEM_LEVEL_FINGERROW + 1), IDEM_ERR_FORMAT);
    assert_int_equal(parse_patched(AT_LEVEL, UINT32_MAX), IDEM_ERR_FORMAT);
}

static void test_write_into_too_little_room(void **state)
{
    struct idem_writer w;
    uint8_t *room = malloc(len);
    (void)state;
    for (size_t cap = 1; cap < len; cap += 7) {
        idem_writer_init(&w, room, cap);
        assert_int_equal(idem_front_write(front, &w), IDEM_ERR_LIMIT);
    }
    free(room);
}

static void test_alloc_has_limits(void **state)
{
    struct idem_front *out = NULL;
    (void)state;
    assert_int_equal(idem_front_alloc(IDEM_SLOTS_MAX + 1, 1, &out), IDEM_ERR_LIMIT);
    assert_int_equal(idem_front_alloc(1, IDEM_CELLS_MAX + 1, &out), IDEM_ERR_LIMIT);
    assert_null(out);
}

static void test_filing(void **state)
{
    struct idem_shape shape = idem_front_shape(front, IDEM_KEYBOARD);
    float *stats = calloc(idem_shape_len(shape), sizeof *stats), *f = stats + front->cells;
    const float *edges = front->edges + 3 * (size_t)IDEM_EDGES;
    float want[IDEM_CONTRASTS] = {0};
    (void)state;

    idem_front_file(front, front->slot[3], edges[2], stats);
    idem_front_file(front, front->slot[3], edges[5] + 40, stats);
    idem_histogram_add(edges, edges[2], want);
    idem_histogram_add(edges, edges[5] + 40, want);
    assert_true(stats[3] == 2);
    assert_true(want[0] != 0);
    for (uint32_t k = 0; k < front->cells * IDEM_CONTRASTS; k++)
        assert_true(f[k] == (k / IDEM_CONTRASTS == 3 ? want[k % IDEM_CONTRASTS] : 0));
    float before = stats[3];
    idem_front_file(front, front->slots, 1, stats); /* beyond the table */
    idem_front_file(front, UINT32_MAX, 1, stats);
    for (uint32_t s = 0; s < front->slots; s++) {
        if (front->cell_of_slot[s] < 0)
            idem_front_file(front, s, 1, stats); /* too rare to be a cell */
    }
    float sum = 0;
    for (uint32_t c = 0; c < front->cells; c++)
        sum += stats[c];
    assert_true(sum == before);
    free(stats);
}

static void test_id_follows_the_content(void **state)
{
    uint64_t id = front->id;
    float edge = front->edges[0];
    (void)state;
    front->edges[0] -= 0.001f;
    assert_int_equal(idem_front_seal(front), 0);
    assert_true(front->id != id);
    front->edges[0] = edge;
    assert_int_equal(idem_front_seal(front), 0);
    assert_true(front->id == id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_flipped_byte_is_refused),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_cells_must_make_sense),
        cmocka_unit_test(test_edges_must_ascend),
        cmocka_unit_test(test_offline_level_cannot_be_written),
        cmocka_unit_test(test_offline_level_cannot_be_read),
        cmocka_unit_test(test_write_into_too_little_room),
        cmocka_unit_test(test_alloc_has_limits),
        cmocka_unit_test(test_filing),
        cmocka_unit_test(test_id_follows_the_content),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
