/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_posterior.c - ratios that are what they say, ratios that claim too much, and the filter's
 * posterior on simulated people.
 */
#include "people.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eval/posterior.h"

enum { TRIALS = 6000, USERS = 20 };

/* Scores normal around +-d^2/2 with variance d^2 are log-likelihood ratios; times more they claim
 * more than they know. */
static struct idem_posterior_row measured(double times)
{
    const double d = 2;
    struct idem_results results = {calloc(TRIALS, sizeof *results.list), TRIALS, USERS};
    struct idem_posterior_row row = {.probe = 50};
    struct idem_rng rng;
    idem_rng_seed(&rng, 5);
    for (uint32_t i = 0; i < TRIALS; i++) {
        bool genuine = i % 2 == 0;
        double score = (genuine ? 1 : -1) * d * d / 2 + d * idem_rng_normal(&rng);
        uint32_t user = i / 2 % USERS;
        results.list[i] = (struct idem_result){.score = times * score,
                                               .user = user,
                                               .other = genuine ? user : (user + 1) % USERS,
                                               .genuine = genuine};
    }
    assert_int_equal(idem_posterior_measure(&results, &row), 0);
    free(results.list);
    return row;
}

static void test_true_ratios_lie_on_the_diagonal(void **state)
{
    struct idem_posterior_row row = measured(1);
    (void)state;
    assert_int_equal(row.genuine, TRIALS / 2);
    assert_int_equal(row.impostor, TRIALS / 2);
    assert_true(row.cllr / row.cllr_min < 1.05);
    assert_true(fabs(row.eer - 0.1587) < 0.01); /* the normal distribution beyond one sd */
    for (int b = 2; b < IDEM_POSTERIOR_BINS - 2; b++) {
        assert_true(row.claimed[b] > row.claimed[b - 1]);
        assert_true(fabs(row.claimed[b] - row.seen[b]) < 0.5);
    }
}

static void test_overconfidence_shows(void **state)
{
    struct idem_posterior_row row = measured(4), honest = measured(1);
    (void)state;
    assert_true(row.cllr / row.cllr_min > 1.5);
    assert_true(fabs(row.cllr_min - honest.cllr_min) < 1e-9); /* recalibration undoes it */
    for (int b = 1; b < IDEM_POSTERIOR_BINS - 1; b++)
        if (isfinite(row.seen[b]) && fabs(row.claimed[b]) > 2)
            assert_true(fabs(row.claimed[b]) > 2 * fabs(row.seen[b]));
}

/* ------------------------------------------------------------------ simulated people */

enum { PEOPLE = 8, KEYS = 2000 };

static void reel_of(struct idem_reel *out, uint64_t who, size_t keys)
{
    struct person person;
    struct key_event *events = malloc(2 * keys * sizeof *events);
    person_draw(&person, who);
    struct typist typist = typist_new(&person, who + 1000);
    *out = (struct idem_reel){calloc(2 * keys, sizeof *out->events), (uint32_t)(2 * keys), 0};
    typist_type(&typist, keys, events);
    for (size_t i = 0; i < 2 * keys; i++) {
        out->events[i] = (struct idem_reel_event){
            .t_us = events[i].t_us,
            .kind = events[i].action == IDEM_KEY_DOWN ? IDEM_REEL_KEY_DOWN : IDEM_REEL_KEY_UP,
            .code = (uint8_t)events[i].key};
        out->active_s += i > 0 ? idem_reel_step(&out->events[i - 1], &out->events[i]) : 0;
    }
    free(events);
}

static struct idem_cast cast_new(void)
{
    struct idem_cast cast = {.count = PEOPLE, .population_count = 1, .has = {true, false}};
    cast.people = calloc(PEOPLE, sizeof *cast.people);
    cast.populations[0].population = people_population(60, 1000);
    for (uint32_t i = 0; i < PEOPLE; i++) {
        struct idem_cast_person *p = &cast.people[i];
        p->source[IDEM_KEYBOARD] = i;
        p->reels.list = calloc(1, sizeof *p->reels.list);
        p->reels.count = 1;
        reel_of(&p->reels.list[0], 900 + i, KEYS);
    }
    return cast;
}

static const struct idem_posterior_row *find(const struct idem_posterior *p,
                                             enum idem_posterior_table table, uint32_t profile,
                                             uint32_t probe)
{
    for (int i = 0; i < p->count; i++)
        if (p->rows[i].table == table && p->rows[i].profile == profile && p->rows[i].probe == probe)
            return &p->rows[i];
    return NULL;
}

static void test_more_evidence_errs_less(void **state)
{
    const struct idem_posterior_options options = {
        .seat = {.targets = {.keys = 25},
                 .enrol = {500, 0},
                 .use = {true, false},
                 .perform = {true, false},
                 .params = {0.99, 0.05, INT64_C(900000000)}},
        .trials = 400,
        .seed = 2};
    struct idem_cast cast = cast_new();
    struct idem_posterior p;
    (void)state;
    assert_int_equal(idem_posterior_run(&cast, &options, &p), 0);
    assert_int_equal(p.people, PEOPLE);
    const struct idem_posterior_row *little = find(&p, IDEM_POSTERIOR_SCORES, 3, 15),
                                    *more = find(&p, IDEM_POSTERIOR_SCORES, 30, 200);
    assert_non_null(little);
    assert_non_null(more);
    assert_false(little->sufficient); /* 75 keys of enrolment */
    assert_true(more->sufficient);
    assert_true(more->eer < little->eer);
    assert_null(find(&p, IDEM_POSTERIOR_SCORES, 100, 50)); /* 2,500 keys: nobody recorded so many */
    assert_true(find(&p, IDEM_POSTERIOR_FILTER, 0, 1)->eer >=
                find(&p, IDEM_POSTERIOR_FILTER, 0, 20)->eer);
    assert_null(find(&p, IDEM_POSTERIOR_FUSION, 0, 30)); /* no pointer */
    idem_cast_free(&cast);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_true_ratios_lie_on_the_diagonal),
        cmocka_unit_test(test_overconfidence_shows),
        cmocka_unit_test(test_more_evidence_errs_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
