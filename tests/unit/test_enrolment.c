/* SPDX-License-Identifier: Apache-2.0 */
/* test_enrolment.c - one person's enrolment and two people's, relieved and taking turns. */
#include "model/enrolment.h"

#include "people.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WINDOWS = 16, KEYS = 25 };

static struct idem_population *pop;
static size_t len;

struct enrolment {
    float *stats[IDEM_ENROLMENT_WINDOWS_MAX + 1];
    const float *view[IDEM_ENROLMENT_WINDOWS_MAX + 1];
    float strokes[IDEM_ENROLMENT_WINDOWS_MAX + 1];
    struct idem_enrolment_windows windows;
};

/* Windows of the first person, those marked '2' of the second; the pattern repeats. */
static struct enrolment *enrol(uint64_t first, uint64_t second, const char *pattern, uint32_t count)
{
    struct enrolment *e = calloc(1, sizeof *e);
    struct person people[2];
    person_draw(&people[0], first);
    person_draw(&people[1], second);
    struct typist typists[2] = {typist_new(&people[0], 7 * first), typist_new(&people[1], 9)};
    for (uint32_t i = 0; i < count; i++) {
        struct typist *t = &typists[pattern[i % strlen(pattern)] == '2'];
        struct idem_window *w = typist_window(t, pop->front, KEYS);
        e->stats[i] = calloc(len, sizeof *e->stats[i]);
        idem_window_add_to(w, 1, e->stats[i]);
        e->view[i] = e->stats[i];
        e->strokes[i] = KEYS;
        idem_window_free(w);
    }
    e->windows = (struct idem_enrolment_windows){e->view, e->strokes, count};
    return e;
}

static void release(struct enrolment *e)
{
    for (uint32_t i = 0; i < e->windows.count; i++)
        free(e->stats[i]);
    free(e);
}

static struct idem_enrolment_parting part(uint64_t first, uint64_t second, const char *pattern)
{
    struct idem_enrolment_parting p;
    struct enrolment *e = enrol(first, second, pattern, WINDOWS);
    assert_int_equal(idem_enrolment_part(&pop->model[IDEM_KEYBOARD], &e->windows, &p), 0);
    release(e);
    return p;
}

static struct idem_enrolment_limits limits(void)
{
    double split[100], pattern[100];
    struct idem_enrolment_limits l;
    for (uint64_t i = 0; i < 100; i++) {
        struct idem_enrolment_parting p = part(1200 + i, 1, "1");
        split[i] = p.split;
        pattern[i] = p.pattern;
    }
    assert_int_equal(idem_enrolment_limits_fit(split, pattern, 100, 0.05, &l), 0);
    return l;
}

static void people_in_turn_are_noticed(void **state)
{
    (void)state;
    static const char *const orders[] = {"1111111122222222", "1111111111122222", "12"};
    const struct idem_enrolment_limits l = limits();
    int honest = 0;
    for (uint64_t i = 0; i < 50; i++) {
        struct idem_enrolment_parting p = part(300 + i, 1, "1");
        honest += idem_enrolment_mixed(&l, &p);
    }
    assert_true(honest <= 6);
    for (int o = 0; o < 3; o++) {
        int noticed = 0;
        for (uint64_t i = 0; i < 20; i++) {
            struct idem_enrolment_parting p = part(300 + i, 400 + i, orders[o]);
            noticed += idem_enrolment_mixed(&l, &p);
        }
        assert_true(noticed >= 14);
    }
}

/* Two people who are far apart: where the second one began, and which windows were whose. */
static void the_parting_says_who_typed_what(void **state)
{
    (void)state;
    struct idem_enrolment_parting p = part(101, 121, "1111111111222222");
    assert_in_range(p.split_at, 9, 11);
    static const char *const turns[] = {"1212121212121212", "1221211212212112"};
    for (int o = 0; o < 2; o++) {
        int wrong = 0;
        p = part(101, 121, turns[o]);
        for (uint32_t i = 0; i < WINDOWS; i++)
            wrong += (p.group[i] ^ p.group[0]) != (turns[o][i] == '2');
        assert_true(wrong <= 1);
        assert_true(p.pattern > p.split);
    }
}

static void parts_have_a_least_size(void **state)
{
    (void)state;
    /* the two last windows are somebody else's, and would part best alone */
    struct idem_enrolment_parting p = part(101, 121, "1111111111111122");
    uint32_t ones = 0;
    for (uint32_t i = 0; i < WINDOWS; i++)
        ones += p.group[i];
    assert_in_range(ones, IDEM_ENROLMENT_PART_MIN, WINDOWS - IDEM_ENROLMENT_PART_MIN);
    assert_int_equal(p.split_at, WINDOWS - IDEM_ENROLMENT_PART_MIN);
    p = part(101, 121, "2211111111111111");
    assert_int_equal(p.split_at, IDEM_ENROLMENT_PART_MIN);
}

static void too_few_and_too_many_are_refused(void **state)
{
    (void)state;
    struct idem_enrolment_parting p;
    struct enrolment *e = enrol(101, 1, "1", 2 * IDEM_ENROLMENT_PART_MIN);
    const struct idem_model *model = &pop->model[IDEM_KEYBOARD];
    assert_int_equal(idem_enrolment_part(model, &e->windows, &p), 0);
    assert_int_equal(p.split_at, IDEM_ENROLMENT_PART_MIN); /* the only split there is */
    float *halves = calloc(2 * len, sizeof *halves);
    double *scratch = calloc(idem_raw_score_scratch(model), sizeof *scratch);
    for (uint32_t i = 0; i < 2 * IDEM_ENROLMENT_PART_MIN; i++)
        for (size_t k = 0; k < len; k++)
            halves[(i >= IDEM_ENROLMENT_PART_MIN) * len + k] += e->view[i][k];
    double raw = idem_raw_score(model, halves, halves + len, scratch);
    assert_float_equal(p.split, -idem_calibrate_unbounded(&model->calibration, raw, 75, 75), 1e-4);
    free(halves);
    free(scratch);
    e->windows.count--;
    assert_int_equal(idem_enrolment_part(model, &e->windows, &p), IDEM_ERR_TOO_LITTLE);
    e->windows.count = IDEM_ENROLMENT_WINDOWS_MAX + 1;
    assert_int_equal(idem_enrolment_part(model, &e->windows, &p), IDEM_ERR_LIMIT);
    e->windows.count = 2 * IDEM_ENROLMENT_PART_MIN;
    release(e);
}

static void limits_are_quantiles(void **state)
{
    (void)state;
    double a[100], b[100];
    struct idem_enrolment_limits l;
    for (int i = 0; i < 100; i++) {
        a[i] = (i * 37) % 100; /* 0..99 in disorder */
        b[i] = 2 * ((i * 41) % 100);
    }
    assert_int_equal(idem_enrolment_limits_fit(a, b, 100, 0.1, &l), 0);
    assert_float_equal(l.split, 94, 0); /* 95..99 lie above: five of a hundred */
    assert_float_equal(l.pattern, 188, 0);
    assert_true(idem_enrolment_mixed(&l, &(struct idem_enrolment_parting){.split = 94.1}));
    assert_true(idem_enrolment_mixed(&l, &(struct idem_enrolment_parting){.pattern = 188.1}));
    assert_false(
        idem_enrolment_mixed(&l, &(struct idem_enrolment_parting){.split = 94, .pattern = 188}));
    assert_int_equal(idem_enrolment_limits_fit(a, b, 19, 0.1, &l), IDEM_ERR_TOO_LITTLE);
    assert_int_equal(idem_enrolment_limits_fit(a, b, 100, 1, &l), IDEM_ERR_INVALID);
    assert_int_equal(idem_enrolment_limits_fit(a, b, 100, NAN, &l), IDEM_ERR_INVALID);
}

static int set_up(void **state)
{
    (void)state;
    pop = people_population(40, 1500);
    len = idem_shape_len(idem_front_shape(pop->front, IDEM_KEYBOARD));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    idem_population_free(pop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_in_turn_are_noticed),
        cmocka_unit_test(the_parting_says_who_typed_what),
        cmocka_unit_test(parts_have_a_least_size),
        cmocka_unit_test(too_few_and_too_many_are_refused),
        cmocka_unit_test(limits_are_quantiles),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
