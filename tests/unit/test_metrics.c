/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_metrics.c - error rates against their definitions, written out slowly, and against values
 * known by hand.
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
#include "eval/metrics.h"
#include "eval/parallel.h"
#include "idem/idem.h"

enum { PEOPLE = 12, EACH = 4, TRIALS = PEOPLE * EACH * PEOPLE };

/* People whose genuine scores lie `apart` above impostors'; on a grid, so that ties occur. */
static struct idem_results draw(struct idem_result *list, double apart, double grid)
{
    struct idem_rng rng;
    struct idem_results r = {.list = list, .people = PEOPLE};
    idem_rng_seed(&rng, 5);
    for (uint32_t u = 0; u < PEOPLE; u++)
        for (uint32_t v = 0; v < PEOPLE; v++)
            for (int k = 0; k < EACH; k++) {
                double s = idem_rng_normal(&rng) + (u == v ? apart : 0);
                list[r.count++] =
                    (struct idem_result){.score = grid > 0 ? round(s / grid) * grid : s,
                                         .user = u,
                                         .other = v,
                                         .genuine = u == v};
            }
    return r;
}

/* The definition: try every observed threshold from the lowest, keep the first best. */
static double slow_eer(const struct idem_result *list, size_t n, int user)
{
    double best = 9, eer = 0, t = -INFINITY;
    for (;;) {
        double next = INFINITY, g = 0, fr = 0, im = 0, fa = 0;
        for (size_t i = 0; i < n; i++)
            if ((user < 0 || list[i].user == (uint32_t)user) && list[i].score > t)
                next = fmin(next, list[i].score);
        if (isinf(next))
            return eer;
        t = next;
        for (size_t i = 0; i < n; i++) {
            if (user >= 0 && list[i].user != (uint32_t)user)
                continue;
            g += list[i].genuine;
            im += !list[i].genuine;
            fr += list[i].genuine && list[i].score < t;
            fa += !list[i].genuine && list[i].score < t;
        }
        if (fabs(fr / g - (1 - fa / im)) < best) {
            best = fabs(fr / g - (1 - fa / im));
            eer = (fr / g + 1 - fa / im) / 2;
        }
    }
}

static void eer_is_the_mean_of_the_rates_where_they_differ_least(void **state)
{
    (void)state;
    const double g[] = {1, 2, 3, 4}, im[] = {-1, 0, 1.5, 2.5};
    assert_true(fabs(idem_eer(g, 4, im, 4) - 0.25) < 1e-15); /* at 2: one of four on each side */
    const double apart[] = {5, 6}, low[] = {-2, -1, 0};
    assert_true(idem_eer(apart, 2, low, 3) == 0);
    assert_true(idem_eer(low, 3, apart, 2) == 1);
    const double same[] = {1, 1, 1};
    assert_true(idem_eer(same, 3, same, 3) == 0.5);
}

static void figures_follow_their_definitions(void **state)
{
    (void)state;
    static struct idem_result list[TRIALS];
    for (int tie = 0; tie < 2; tie++) {
        struct idem_results r = draw(list, 1.5, tie ? 0.25 : 0);
        struct idem_evaluation e;
        double pairs = 0, users = 0, cg = 0, ci = 0, at01 = 1;
        assert_int_equal(idem_evaluate(&r, &e), 0);
        assert_int_equal(e.users, PEOPLE);
        assert_int_equal(e.genuine, PEOPLE * EACH);
        assert_int_equal(e.impostor, PEOPLE * (PEOPLE - 1) * EACH);
        for (size_t i = 0; i < r.count; i++) {
            double s = list[i].score, fr = 0, fa = 0;
            if (list[i].genuine)
                cg += log2(1 + exp(-s));
            else
                ci += log2(1 + exp(s));
            for (size_t j = 0; j < r.count; j++) {
                if (list[i].genuine && !list[j].genuine)
                    pairs += s > list[j].score ? 1 : s == list[j].score ? 0.5 : 0;
                fr += list[j].genuine && list[j].score < s;
                fa += !list[j].genuine && list[j].score >= s;
            }
            if (fa / (double)e.impostor <= 0.01)
                at01 = fmin(at01, fr / (double)e.genuine);
        }
        for (int u = 0; u < PEOPLE; u++)
            users += slow_eer(list, r.count, u) / PEOPLE;
        assert_true(fabs(e.figures.auc - pairs / (double)(e.genuine * e.impostor)) < 1e-12);
        assert_true(fabs(e.figures.eer_global - slow_eer(list, r.count, -1)) < 1e-12);
        assert_true(fabs(e.figures.eer_user_mean - users) < 1e-12);
        assert_true(fabs(e.figures.fnmr_at_fmr_01 - at01) < 1e-12);
        double cllr = (cg / (double)e.genuine + ci / (double)e.impostor) / 2;
        assert_true(fabs(e.figures.cllr - cllr) < 1e-6);
        assert_true(e.cllr_min > 0 && e.cllr_min <= e.figures.cllr);
    }
}

static double min_cllr_of(const double *genuine, size_t g, const double *impostor, size_t n)
{
    struct idem_result list[32];
    struct idem_results r = {.list = list, .people = 2};
    struct idem_evaluation e;
    for (size_t i = 0; i < g; i++)
        list[r.count++] = (struct idem_result){.score = genuine[i], .genuine = 1};
    for (size_t i = 0; i < n; i++)
        list[r.count++] = (struct idem_result){.score = impostor[i], .other = 1};
    assert_int_equal(idem_evaluate(&r, &e), 0);
    return e.cllr_min;
}

static void min_cllr_by_hand(void **state)
{
    (void)state;
    const double high[] = {3, 4}, low[] = {1, 2}, same[] = {7, 7};
    assert_true(min_cllr_of(high, 2, low, 2) == 0);
    assert_true(fabs(min_cllr_of(low, 2, high, 2) - 1) <
                1e-12); /* the wrong way round: nothing known */
    assert_true(fabs(min_cllr_of(same, 2, same, 2) - 1) < 1e-12);
    /* i | g i | g: the two in the middle pool to even odds and cost one bit each */
    const double g[] = {2, 4}, im[] = {1, 3};
    assert_true(fabs(min_cllr_of(g, 2, im, 2) - 0.5) < 1e-12);
}

static void a_useless_score_has_cllr_one(void **state)
{
    (void)state;
    struct idem_result list[4] = {{0, 0, 0, 1}, {0, 0, 1, 0}, {0, 1, 1, 1}, {0, 1, 0, 0}};
    struct idem_results r = {.list = list, .count = 4, .people = 2};
    struct idem_evaluation e;
    assert_int_equal(idem_evaluate(&r, &e), 0);
    assert_true(fabs(e.figures.cllr - 1) < 1e-6);
    assert_true(e.figures.auc == 0.5);
    assert_true(e.figures.fnmr_at_fmr_001 == 1);
}

static void intervals_hold_the_figure_and_repeat(void **state)
{
    (void)state;
    static struct idem_result list[TRIALS];
    struct idem_evaluation one, many;
    struct idem_results r = draw(list, 1.5, 0);
    idem_parallel_threads(1);
    assert_int_equal(idem_evaluate(&r, &one), 0);
    idem_parallel_threads(5);
    r = draw(list, 1.5, 0);
    assert_int_equal(idem_evaluate(&r, &many), 0);
    idem_parallel_threads(0);
    assert_memory_equal(&one.low, &many.low, sizeof one.low);
    assert_memory_equal(&one.high, &many.high, sizeof one.high);
    assert_true(one.low.auc < one.figures.auc && one.figures.auc < one.high.auc);
    assert_true(one.low.eer_user_mean < one.figures.eer_user_mean &&
                one.figures.eer_user_mean < one.high.eer_user_mean);
    assert_true(one.high.auc - one.low.auc > 0.01); /* twelve people do not tell much */
}

static void a_person_is_drawn_with_all_his_comparisons(void **state)
{
    (void)state;
    /* Person 0 is recognised never, the others always: only drawing people, not scores, makes the
     * AUC jump. */
    static struct idem_result list[TRIALS];
    struct idem_results r = draw(list, 100, 0);
    struct idem_evaluation e;
    for (size_t i = 0; i < r.count; i++)
        if (list[i].genuine && list[i].user == 0)
            list[i].score = -100;
    assert_int_equal(idem_evaluate(&r, &e), 0);
    assert_true(fabs(e.figures.auc - 11.0 / 12) < 1e-9);
    assert_true(e.low.auc < 0.80 && e.high.auc == 1);
}

static void one_class_alone_says_nothing(void **state)
{
    (void)state;
    struct idem_result list[2] = {{1, 0, 0, 1}, {2, 0, 0, 1}};
    struct idem_results r = {.list = list, .count = 2, .people = 1};
    struct idem_evaluation e;
    assert_int_equal(idem_evaluate(&r, &e), IDEM_ERR_TOO_LITTLE);
    r.count = 0;
    assert_int_equal(idem_evaluate(&r, &e), IDEM_ERR_TOO_LITTLE);
}

static void the_detection_curve_runs_from_all_to_none(void **state)
{
    (void)state;
    static struct idem_result list[TRIALS];
    static struct idem_det_point det[IDEM_DET_POINTS];
    struct idem_results r = draw(list, 1.5, 0);
    struct idem_evaluation e;
    assert_int_equal(idem_evaluate(&r, &e), 0);
    size_t n = idem_det(&r, det);
    assert_in_range(n, 50, IDEM_DET_POINTS);
    assert_true(det[0].fmr == 1 && det[0].fnmr == 0);
    assert_true(det[n - 1].fmr == 0 && det[n - 1].fnmr == 1);
    for (size_t i = 1; i < n; i++)
        assert_true(det[i].fmr <= det[i - 1].fmr && det[i].fnmr >= det[i - 1].fnmr);
    /* It used to spend all its points where nobody is turned away yet, and jump from there to the
     * end. */
    for (size_t i = 1; i < n; i++)
        assert_true(det[i].fnmr - det[i - 1].fnmr < 0.1);
}

static void probits_are_normal_quantiles(void **state)
{
    (void)state;
    assert_true(fabs(idem_probit(0.5)) < 1e-12);
    for (double x = -4.5; x <= 4.5; x += 0.25)
        assert_true(fabs(idem_probit(0.5 * erfc(-x / sqrt(2))) - x) < 1e-7);
    assert_true(idem_probit_of_rate(0) < -4.7 && idem_probit_of_rate(1) > 4.7);
}

static void mark(void *arg, int i)
{
    ((int *)arg)[i]++;
}

static void parallel_does_every_item_once(void **state)
{
    (void)state;
    static int seen[1000];
    memset(seen, 0, sizeof seen);
    idem_parallel_threads(7);
    idem_parallel(mark, seen, 1000);
    idem_parallel(mark, seen, 0);
    idem_parallel_threads(0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(seen[i], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eer_is_the_mean_of_the_rates_where_they_differ_least),
        cmocka_unit_test(figures_follow_their_definitions),
        cmocka_unit_test(min_cllr_by_hand),
        cmocka_unit_test(a_useless_score_has_cllr_one),
        cmocka_unit_test(intervals_hold_the_figure_and_repeat),
        cmocka_unit_test(a_person_is_drawn_with_all_his_comparisons),
        cmocka_unit_test(one_class_alone_says_nothing),
        cmocka_unit_test(the_detection_curve_runs_from_all_to_none),
        cmocka_unit_test(probits_are_normal_quantiles),
        cmocka_unit_test(parallel_does_every_item_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
