/* SPDX-License-Identifier: Apache-2.0 */
/* test_population.c - the population's file: what is written is read, what is damaged is refused.
 */
#include "people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct idem_population *pop;
static uint8_t *bytes;
static size_t len;

static int setup(void **state)
{
    void *memory;
    (void)state;
    pop = people_population(24, 500);
    assert_int_equal(idem_population_write(pop, &memory, &len), 0);
    bytes = memory;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    idem_population_free(pop);
    free(bytes);
    return 0;
}

static void test_round_trip(void **state)
{
    const struct idem_model *a = &pop->model[IDEM_KEYBOARD], *b;
    struct idem_population *out = NULL;
    const char *reason = "untouched";
    void *again;
    size_t again_len, front_len;
    (void)state;

    assert_int_equal(idem_population_parse(bytes, len, &out, &reason), 0);
    assert_string_equal(reason, "untouched");
    b = &out->model[IDEM_KEYBOARD];
    assert_true(out->present[IDEM_KEYBOARD] && !out->present[IDEM_POINTER]);
    assert_int_equal(a->rank, b->rank);
    size_t dims = idem_shape_dims(a->shape);
    assert_memory_equal(a->load, b->load, dims * a->rank * sizeof(float));
    assert_memory_equal(a->weight, b->weight, dims * sizeof(float));
    assert_memory_equal(a->plain, b->plain, dims * sizeof(float));
    assert_true(a->reach == b->reach);
    assert_memory_equal(a->centre, b->centre, a->rank * sizeof(float));
    assert_memory_equal(a->between, b->between, a->rank * sizeof(float));
    assert_memory_equal(a->session, b->session, a->rank * sizeof(float));
    assert_memory_equal(a->noise, b->noise, a->rank * sizeof(float));
    assert_memory_equal(a->rotate, b->rotate, (size_t)a->rank * a->rank * sizeof(float));
    assert_memory_equal(a->gram, b->gram, a->shape.cells * idem_packed(a->rank) * sizeof(double));
    assert_memory_equal(&a->calibration, &b->calibration, sizeof a->calibration);
    assert_memory_equal(idem_population_front_bytes(out, &front_len), pop->front_bytes,
                        pop->front_len);
    assert_int_equal(front_len, pop->front_len);
    assert_int_equal(idem_population_write(out, &again, &again_len), 0);
    assert_int_equal(again_len, len);
    assert_memory_equal(again, bytes, len);
    free(again);
    idem_population_free(out);
    idem_population_free(NULL);
}

static void test_front_bytes_are_a_front(void **state)
{
    struct idem_front *front = NULL;
    size_t front_len;
    const void *front_bytes = idem_population_front_bytes(pop, &front_len);
    (void)state;
    assert_int_equal(idem_front_parse(front_bytes, front_len, &front), 0);
    assert_true(idem_front_id(front) == idem_front_id(idem_population_front(pop)));
    idem_front_free(front);
}

static void test_every_flipped_byte_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < len; i++) {
        struct idem_population *out = NULL;
        const char *reason = NULL;
        uint8_t flip = (uint8_t)(1u << (i % 8));
        bytes[i] ^= flip;
        int r = idem_population_parse(bytes, len, &out, &reason);
        bytes[i] ^= flip;
        if (r == 0 || out != NULL || reason == NULL)
            fail_msg("byte %zu: accepted, or refused without a reason", i);
    }
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < len; n++) {
        struct idem_population *out = NULL;
        const char *reason = NULL;
        uint8_t *copy = malloc(n + 1);
        memcpy(copy, bytes, n);
        int r = idem_population_parse(copy, n, &out, n % 2 ? &reason : NULL);
        assert_int_not_equal(r, 0);
        assert_null(out);
        assert_true(n % 2 == 0 || reason != NULL);
        free(copy);
    }
}

/* One number changed under a right checksum. Returns the error and the reason. */
static int parse_patched(size_t at, uint32_t value, const char **reason)
{
    struct idem_population *out = NULL;
    struct idem_writer w;
    uint8_t *copy = malloc(len);

    memcpy(copy, bytes, len);
    idem_writer_init(&w, copy + at, 4);
    idem_write_u32(&w, value);
    idem_writer_init(&w, copy + len - 4, 4);
    idem_write_u32(&w, idem_crc32(copy, len - 4));
    *reason = NULL;
    int r = idem_population_parse(copy, len, &out, reason);
    assert_true((r == 0) == (out != NULL));
    assert_true((r == 0) == (*reason == NULL));
    idem_population_free(out);
    free(copy);
    return r;
}

enum { AT_VERSION = 4, AT_FRONT_LEN = 8, AT_FRONT = 12, NAN_BITS = 0x7FC00000 };

static void test_wrong_sizes_are_refused(void **state)
{
    static const uint32_t huge[] = {0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 64 * 1024 * 1024 + 1};
    const size_t at_present = AT_FRONT + pop->front_len;
    const char *reason;
    (void)state;

    assert_int_equal(parse_patched(AT_VERSION, 2, &reason), 0); /* patching itself is harmless */
    assert_int_equal(parse_patched(AT_VERSION, 1, &reason), IDEM_ERR_VERSION);
    assert_int_equal(parse_patched(AT_VERSION, 3, &reason), IDEM_ERR_VERSION);
    assert_int_equal(parse_patched(0, 0, &reason), IDEM_ERR_FORMAT);
    assert_int_not_equal(parse_patched(AT_FRONT_LEN, 0, &reason), 0);
    for (size_t i = 0; i < sizeof huge / sizeof huge[0]; i++) {
        assert_int_not_equal(parse_patched(AT_FRONT_LEN, huge[i], &reason), 0);
        assert_int_equal(parse_patched(at_present, huge[i], &reason), IDEM_ERR_FORMAT);
        assert_int_equal(parse_patched(at_present + 4, huge[i], &reason), IDEM_ERR_FORMAT);
    }
    assert_int_not_equal(parse_patched(AT_FRONT_LEN, (uint32_t)pop->front_len - 1, &reason), 0);
    assert_int_not_equal(parse_patched(AT_FRONT_LEN, (uint32_t)pop->front_len + 1, &reason), 0);
    assert_int_not_equal(parse_patched(at_present, 0, &reason), 0); /* bytes left over */
    assert_int_equal(parse_patched(at_present + 4, IDEM_RANK_MAX, &reason), IDEM_ERR_TRUNCATED);
    for (uint32_t rank = 0; rank <= IDEM_RANK_MAX; rank++) {
        if (rank != pop->model[IDEM_KEYBOARD].rank)
            assert_int_not_equal(parse_patched(at_present + 4, rank, &reason), 0);
    }
}

/* A pointer model that the front knows nothing of. */
static void test_a_model_without_cells_is_refused(void **state)
{
    const char *reason;
    (void)state;
    assert_int_equal(parse_patched(len - 8, 1, &reason), IDEM_ERR_FORMAT);
}

static void test_numbers_stay_in_their_range(void **state)
{
    const struct idem_model *m = &pop->model[IDEM_KEYBOARD];
    const size_t dims = idem_shape_dims(m->shape);
    const size_t at_share = AT_FRONT + pop->front_len + 8, at_load = at_share + 4;
    const size_t at_weight = at_load + 4 * dims * m->rank, at_plain = at_weight + 4 * dims;
    const size_t at_calibration = at_plain + 4 * dims + 4 + 4 * (size_t)m->rank * (m->rank + 4);
    const char *reason;
    (void)state;

    assert_int_equal(at_calibration + 12 * 8 + 4 + 4, len); /* the layout is the one we think */
    assert_int_equal(parse_patched(at_share, 0x40000000, &reason), IDEM_ERR_FORMAT); /* 2 */
    assert_int_equal(parse_patched(at_share, 0xBF800000, &reason), IDEM_ERR_FORMAT); /* -1 */
    assert_int_equal(parse_patched(at_load, NAN_BITS, &reason), IDEM_ERR_FORMAT);
    assert_int_equal(parse_patched(at_load, 0x7F000000, &reason), IDEM_ERR_FORMAT);   /* 1.7e38 */
    assert_int_equal(parse_patched(at_weight, 0xBF800000, &reason), IDEM_ERR_FORMAT); /* -1 */
    assert_int_equal(parse_patched(at_weight, 0x7F800000, &reason), IDEM_ERR_FORMAT); /* inf */
    assert_int_equal(parse_patched(at_plain, 0xBF800000, &reason), IDEM_ERR_FORMAT);
    assert_int_equal(parse_patched(at_calibration + 4, 0x7FF00000, &reason), IDEM_ERR_FORMAT);
    assert_int_equal(parse_patched(at_calibration + 8 * 8 + 4, 0, &reason), IDEM_ERR_FORMAT);
    assert_int_equal(parse_patched(at_calibration + 9 * 8 + 4, 0xBFF00000, &reason),
                     IDEM_ERR_FORMAT);
}

/* The numbers of plda.h, each in its first and its last element. */
static void test_plda_stays_in_its_range(void **state)
{
    const uint32_t minus = 0xBF800000, tiny = 0x33D6BF95, large = 0x4A000000; /* -1, 1e-7, 2^21 */
    const uint32_t never[] = {NAN_BITS, 0x7F800000, 0xFF800000, 0x7F000000, large};
    const struct idem_model *m = &pop->model[IDEM_KEYBOARD];
    const size_t dims = idem_shape_dims(m->shape), rank = m->rank;
    const size_t at_reach = AT_FRONT + pop->front_len + 12 + 4 * dims * (rank + 2);
    const size_t centre = at_reach + 4, between = centre + 4 * rank, session = between + 4 * rank;
    const size_t noise = session + 4 * rank, rotate = noise + 4 * rank;
    const struct {
        size_t at, count;
        bool negative, nought, tiny; /* allowed */
    } fields[] = {{at_reach, 1, false, false, true},   {centre, rank, true, true, true},
                  {between, rank, false, false, true}, {session, rank, false, true, true},
                  {noise, rank, false, false, false},  {rotate, rank * rank, true, true, true}};
    const char *reason;
    (void)state;

    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
        for (int end = 0; end < 2; end++) {
            const size_t at = fields[f].at + (end ? 4 * (fields[f].count - 1) : 0);
            for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
                assert_int_equal(parse_patched(at, never[i], &reason), IDEM_ERR_FORMAT);
            assert_int_equal(parse_patched(at, 0x3F800000, &reason), 0);
            assert_int_equal(parse_patched(at, minus, &reason),
                             fields[f].negative ? 0 : IDEM_ERR_FORMAT);
            assert_int_equal(parse_patched(at, 0, &reason), fields[f].nought ? 0 : IDEM_ERR_FORMAT);
            assert_int_equal(parse_patched(at, tiny, &reason),
                             fields[f].tiny ? 0 : IDEM_ERR_FORMAT);
        }
    }
}

static void test_bytes_left_over_are_refused(void **state)
{
    struct idem_population *out = NULL;
    const char *reason = NULL;
    uint8_t *longer = calloc(1, len + 4);
    struct idem_writer w;
    (void)state;
    memcpy(longer, bytes, len - 4);
    idem_writer_init(&w, longer + len, 4);
    idem_write_u32(&w, idem_crc32(longer, len));
    assert_int_equal(idem_population_parse(longer, len + 4, &out, &reason), IDEM_ERR_FORMAT);
    assert_null(out);
    free(longer);
}

static void test_offline_levels_cannot_be_written(void **state)
{
    struct idem_front *front = people_front(10, 500);
    struct idem_model *none[IDEM_MODALITIES] = {NULL, NULL};
    struct idem_population *offline = NULL;
    void *out = NULL;
    size_t out_len = 77, front_len;
    (void)state;
    front->level = (enum idem_level)IDEM_LEVEL_OFFLINE;
    assert_int_equal(idem_population_build(front, none, &offline), 0);
    assert_null(idem_population_front_bytes(offline, &front_len));
    assert_int_equal(front_len, 0);
    assert_int_equal(idem_population_write(offline, &out, &out_len), IDEM_ERR_LEVEL);
    assert_null(out);
    assert_int_equal(out_len, 77);
    idem_population_free(offline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_front_bytes_are_a_front),
        cmocka_unit_test(test_every_flipped_byte_is_refused),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_wrong_sizes_are_refused),
        cmocka_unit_test(test_a_model_without_cells_is_refused),
        cmocka_unit_test(test_numbers_stay_in_their_range),
        cmocka_unit_test(test_plda_stays_in_its_range),
        cmocka_unit_test(test_bytes_left_over_are_refused),
        cmocka_unit_test(test_offline_levels_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
