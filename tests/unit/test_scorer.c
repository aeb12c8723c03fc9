/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_scorer.c - scores of windows against profiles: the owner above, others below, and what makes
 * a score insufficient or refused.
 */
#include "people.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct idem_population *pop;
static const struct idem_front *front;
static struct idem_scorer *scorer;

static int setup(void **state)
{
    (void)state;
    pop = people_population(60, 1000);
    front = idem_population_front(pop);
    return idem_scorer_new(pop, &scorer);
}

static int teardown(void **state)
{
    (void)state;
    idem_scorer_free(scorer);
    idem_population_free(pop);
    return 0;
}

static struct idem_score score_of(const struct idem_profile *p, uint64_t person, uint64_t seed,
                                  uint32_t keys)
{
    struct idem_score s;
    struct person who;
    person_draw(&who, person);
    struct typist t = typist_new(&who, seed);
    struct idem_window *w = typist_window(&t, front, keys);
    assert_int_equal(idem_score_window(scorer, p, w, &s), 0);
    idem_window_free(w);
    return s;
}

static struct idem_profile *profile_of(uint64_t person, uint32_t keys)
{
    struct person who;
    person_draw(&who, person);
    return people_profile(front, &who, 500 + person, keys);
}

/* People that the population has never seen. */
static void test_owner_above_others(void **state)
{
    int wrong = 0, trials = 0;
    (void)state;
    for (uint64_t u = 200; u < 220; u++) {
        struct idem_profile *p = profile_of(u, 500);
        struct idem_score mine = score_of(p, u, 9, 50);
        for (uint64_t other = 200; other < 220; other++) {
            struct idem_score theirs = score_of(p, other, 10, 50);
            assert_true(mine.sufficient && theirs.sufficient);
            wrong += other != u && theirs.llr >= mine.llr;
            trials += other != u;
        }
        idem_profile_free(p);
    }
    assert_in_range(wrong, 0, trials / 50);
}

static void test_llr_is_calibrated(void **state)
{
    int genuine_above = 0, impostor_below = 0;
    (void)state;
    for (uint64_t u = 300; u < 330; u++) {
        struct idem_profile *p = profile_of(u, 500);
        genuine_above += score_of(p, u, 9, 50).llr > 0;
        impostor_below += score_of(p, u + 1000, 9, 50).llr < 0;
        idem_profile_free(p);
    }
    assert_in_range(genuine_above, 27, 30);
    assert_in_range(impostor_below, 27, 30);
}

static void test_too_little_is_insufficient(void **state)
{
    struct idem_profile *thin = profile_of(200, 75), *enough = profile_of(200, 100);
    (void)state;
    assert_false(score_of(thin, 200, 9, 50).sufficient);
    assert_true(score_of(enough, 200, 9, 50).sufficient);
    assert_false(score_of(enough, 200, 9, 9).sufficient);
    assert_true(score_of(enough, 200, 9, 10).sufficient);
    idem_profile_free(thin);
    idem_profile_free(enough);
}

static void test_llr_is_bounded(void **state)
{
    struct idem_profile *p = profile_of(200, 2000);
    (void)state;
    for (uint64_t u = 200; u < 230; u++) {
        double llr = score_of(p, u, 9, 1000).llr;
        assert_true(llr <= IDEM_LLR_MAX && llr >= -IDEM_LLR_MAX);
    }
    assert_true(score_of(p, 200, 9, 1000).llr > score_of(p, 200, 9, 15).llr);
    idem_profile_free(p);
}

/* Both ways to the score are the same arithmetic. */
static void test_agrees_with_the_trainer(void **state)
{
    const struct idem_model *model = &pop->model[IDEM_KEYBOARD];
    struct idem_profile *p = profile_of(200, 250);
    double *scratch = malloc(idem_raw_score_scratch(model) * sizeof *scratch);
    float *S = calloc(idem_shape_len(model->shape), sizeof *S);
    struct idem_score s;
    struct person who;
    (void)state;

    person_draw(&who, 201);
    struct typist t = typist_new(&who, 5);
    struct idem_window *w = typist_window(&t, front, 50);
    assert_int_equal(idem_score_window(scorer, p, w, &s), 0);
    idem_window_add_to(w, 1, S);
    double raw = idem_raw_score(model, p->stats, S, scratch);
    assert_true(fabs(raw - s.raw) < 1e-9 * fmax(1, fabs(raw)));
    double llr = idem_calibrate(&model->calibration, raw, 50, 250);
    llr = fmax(fmin(llr, IDEM_LLR_MAX), -IDEM_LLR_MAX);
    assert_true(fabs(llr - s.llr) < 1e-6);
    idem_window_free(w);
    idem_profile_free(p);
    free(S);
    free(scratch);
}

static void test_refuses_strangers(void **state)
{
    struct idem_front *other = people_front(30, 600);
    struct idem_profile *mine = profile_of(200, 100), *foreign;
    struct idem_window *w, *foreign_window;
    struct idem_score s = {.raw = 42};
    struct person who;
    (void)state;

    person_draw(&who, 200);
    foreign = people_profile(other, &who, 1, 100);
    struct typist t = typist_new(&who, 5);
    w = typist_window(&t, front, 25);
    foreign_window = typist_window(&t, other, 25);
    assert_true(idem_front_id(other) != idem_front_id(front));
    assert_int_equal(idem_score_window(scorer, foreign, w, &s), IDEM_ERR_MISMATCH);
    assert_int_equal(idem_score_window(scorer, mine, foreign_window, &s), IDEM_ERR_MISMATCH);
    assert_int_equal(idem_score_window(scorer, foreign, foreign_window, &s), IDEM_ERR_MISMATCH);
    assert_true(s.raw == 42); /* outputs are written only on success */
    idem_window_free(w);
    idem_window_free(foreign_window);
    idem_profile_free(mine);
    idem_profile_free(foreign);
    idem_front_free(other);
}

/* A population whose numbers overflow the arithmetic: no verdict, rather than "not a number". */
static void test_a_score_that_is_no_number_is_insufficient(void **state)
{
    struct idem_profile *p = profile_of(200, 250);
    (void)state;
    struct idem_score s = idem_scorer_finish(scorer, p, NAN, 50);
    assert_false(s.sufficient);
    assert_true(s.llr == 0);
    s = idem_scorer_finish(scorer, p, -INFINITY, 50);
    assert_false(s.sufficient);
    idem_profile_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owner_above_others),
        cmocka_unit_test(test_llr_is_calibrated),
        cmocka_unit_test(test_too_little_is_insufficient),
        cmocka_unit_test(test_llr_is_bounded),
        cmocka_unit_test(test_agrees_with_the_trainer),
        cmocka_unit_test(test_refuses_strangers),
        cmocka_unit_test(test_a_score_that_is_no_number_is_insufficient),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
