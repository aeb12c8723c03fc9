/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_takeover.c - alarms on paths that are known, quantiles with misses, splices with known
 * strokes, fitted tails, and whole runs with simulated people.
 */
#include "people.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eval/parallel.h"
#include "eval/takeover_figures.h"
#include "eval/takeover_parts.h"

#define SECOND INT64_C(1000000)

/* ------------------------------------------------------------------ alarms */

/* A window every ten seconds; dips at 3..5 and at 10. */
static const double dips[] = {4, 4, 4, -3, -6, -3, 4, 4, 4, 4, -5, 4};
enum { DIPS = sizeof dips / sizeof *dips };

static uint32_t alarms_on_dips(double threshold, int64_t refractory_s, uint32_t *out)
{
    int64_t t[DIPS];
    for (int i = 0; i < DIPS; i++)
        t[i] = (i + 1) * 10 * SECOND;
    const struct idem_alarm rule = {threshold, refractory_s * SECOND, INT64_MIN};
    return idem_alarm_scan(rule, dips, t, DIPS, out);
}

static void test_alarms_fall_where_the_path_dips(void **state)
{
    uint32_t at[DIPS];
    (void)state;
    assert_int_equal(alarms_on_dips(-7, 0, at), 0);
    assert_int_equal(alarms_on_dips(-6, 0, at), 0); /* below, not at, the threshold */
    assert_int_equal(alarms_on_dips(-5.5, 0, at), 1);
    assert_int_equal(at[0], 4);
    assert_int_equal(alarms_on_dips(-4, 0, at), 2);
    assert_int_equal(at[1], 10);
    assert_int_equal(alarms_on_dips(-2, 0, at), 4);
}

static void test_the_refractory_time_silences(void **state)
{
    uint32_t at[DIPS];
    (void)state;
    assert_int_equal(alarms_on_dips(-2, 10, at), 4); /* its end is not silent any more */
    assert_int_equal(alarms_on_dips(-2, 11, at), 3); /* 3, 5 and 10 */
    assert_int_equal(at[1], 5);
    assert_int_equal(alarms_on_dips(-2, 30, at), 2);
    assert_int_equal(at[0], 3);
    assert_int_equal(at[1], 10);
    assert_int_equal(alarms_on_dips(-2, 3600, at), 1);
}

/* The stranger's third window falls; the owner's false alarm a minute before may silence it. */
static void test_a_stranger_hides_in_the_refractory_time(void **state)
{
    struct idem_reel_window list[6];
    const struct idem_reel_windows after = {list, 6, 6};
    const double statistic[] = {3, 0, -5, -5, -5, -5};
    (void)state;
    for (int i = 0; i < 6; i++)
        list[i] = (struct idem_reel_window){.t_us = (100 + 10 * i) * SECOND};
    struct idem_alarm rule = {-4, 60 * SECOND, INT64_MIN};
    assert_int_equal(idem_takeover_found(rule, statistic, &after), 2);
    rule.quiet_until_us = 135 * SECOND;
    assert_int_equal(idem_takeover_found(rule, statistic, &after), 4);
    rule.quiet_until_us = 200 * SECOND;
    assert_int_equal(idem_takeover_found(rule, statistic, &after), 6);
    rule = (struct idem_alarm){-6, 0, INT64_MIN};
    assert_int_equal(idem_takeover_found(rule, statistic, &after), 6);
}

static void test_log_odds_are_bounded(void **state)
{
    (void)state;
    assert_true(fabs(idem_log_odds(0.5)) < 1e-12);
    assert_true(fabs(idem_log_odds(0.99) - log(99)) < 1e-9);
    assert_true(idem_log_odds(0) == -40 && idem_log_odds(1) == 40);
}

static void test_a_miss_counts_as_infinite(void **state)
{
    static const double values[] = {50, INFINITY, 10, 30, 20};
    static const uint32_t order[] = {2, 4, 3, 0, 1};
    static const double heavy[] = {0, 5, 1, 1, 1}, none[] = {0, 0, 0, 0, 0};
    (void)state;
    assert_true(idem_weighted_quantile(values, order, NULL, 5, 0.5) == 30);
    assert_true(idem_weighted_quantile(values, order, NULL, 5, 0.8) == 50);
    assert_true(isinf(idem_weighted_quantile(values, order, NULL, 5, 0.9)));
    assert_true(isinf(idem_weighted_quantile(values, order, heavy, 5, 0.5)));
    assert_true(isnan(idem_weighted_quantile(values, order, none, 5, 0.5)));
}

/* Garwood's table. */
static void test_poisson_intervals(void **state)
{
    double low, high;
    (void)state;
    idem_poisson_interval(0, &low, &high);
    assert_true(low == 0 && fabs(high - 3.689) < 1e-3);
    idem_poisson_interval(1, &low, &high);
    assert_true(fabs(low - 0.0253) < 1e-4 && fabs(high - 5.572) < 1e-3);
    idem_poisson_interval(10, &low, &high);
    assert_true(fabs(low - 4.795) < 1e-3 && fabs(high - 18.390) < 1e-3);
}

/* ------------------------------------------------------------------ tails */

static void test_the_tail_of_an_exponential_is_found(void **state)
{
    enum { N = 5000 };
    double values[N];
    struct idem_tail tail;
    (void)state;
    for (int i = 0; i < N; i++)
        values[i] = -2 * log(1 - (i + 0.5) / N);
    assert_int_equal(idem_tail_fit(values, N, &tail), 0);
    assert_true(fabs(tail.shape) < 0.02 && fabs(tail.scale - 2) < 0.05);
    for (double x = 5; x < 40; x += 5)
        assert_true(fabs(log(idem_tail_beyond(&tail, x)) + x / 2) < 0.02 * x);
    double x = idem_tail_where(&tail, 1e-6);
    assert_true(fabs(log(idem_tail_beyond(&tail, x)) - log(1e-6)) < 1e-6);
    assert_int_equal(idem_tail_fit(values, 40, &tail), IDEM_ERR_TOO_LITTLE);
}

/* A quarter of the people make all the noise. */
static void test_the_spread_over_people(void **state)
{
    double events[40], hours[40];
    struct idem_spread spread, even;
    (void)state;
    for (int i = 0; i < 40; i++) {
        hours[i] = 10;
        events[i] = i % 4 == 0 ? 8 : 0;
    }
    assert_int_equal(idem_spread_fit(events, hours, 40, &spread), 0);
    assert_true(fabs(spread.mean - 0.2) < 1e-12);
    assert_true(idem_spread_above(&spread, 0) > 0.999);
    assert_true(idem_spread_above(&spread, 0.05) < 0.5);
    for (int i = 0; i < 40; i++)
        events[i] = 2;
    assert_int_equal(idem_spread_fit(events, hours, 40, &even), 0);
    assert_true(idem_spread_above(&even, 0.1) > 0.95);
    assert_true(idem_spread_worst(&even, 0.05) < idem_spread_worst(&spread, 0.05));
    /* an exponential distribution: the worst 5 % have the mean times 1 + ln 20 */
    const struct idem_spread exponential = {1, 1};
    assert_true(fabs(idem_spread_worst(&exponential, 0.05) - (1 + log(20))) < 1e-6);
    memset(events, 0, sizeof events);
    assert_int_equal(idem_spread_fit(events, hours, 40, &even), IDEM_ERR_TOO_LITTLE);
}

/* ------------------------------------------------------------------ reels */

static void reel_of(struct idem_reel *out, const struct person *who, uint64_t seed, size_t keys)
{
    struct typist typist = typist_new(who, seed);
    struct key_event *events = malloc(2 * keys * sizeof *events);
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

static void test_a_pause_counts_five_seconds(void **state)
{
    struct idem_reel_event events[] = {
        {.t_us = 0}, {.t_us = 2 * SECOND}, {.t_us = 100 * SECOND}, {.t_us = 99 * SECOND}};
    const struct idem_reel reel = {events, 4, 7};
    (void)state;
    assert_true(idem_reel_step(&events[0], &events[1]) == 2);
    assert_true(idem_reel_step(&events[1], &events[2]) == 5);
    assert_true(idem_reel_step(&events[2], &events[3]) == 0);
    assert_int_equal(idem_reel_at(&reel, 0), 0);
    assert_int_equal(idem_reel_at(&reel, 1), 1);
    assert_int_equal(idem_reel_at(&reel, 3), 2);
    assert_int_equal(idem_reel_at(&reel, 8), 4);
}

/* 60 keys of the owner in windows of 25, then a stranger: his first window has 10 of the owner's.
 */
static void test_a_splice_in_mid_window(void **state)
{
    struct idem_front *front = people_front(30, 300);
    const struct idem_reel_targets targets = {.keys = 25};
    struct idem_reel_windows windows, alone;
    struct person a, b;
    struct idem_reel owner, other;
    (void)state;
    person_draw(&a, 700);
    person_draw(&b, 701);
    reel_of(&owner, &a, 1, 200);
    reel_of(&other, &b, 2, 200);
    struct idem_reel_splice splice = {&owner, &other, 0, 0};
    for (uint32_t presses = 0; presses <= 60; splice.cut++) /* the 61st press does not happen */
        presses += owner.events[splice.cut].kind == IDEM_REEL_KEY_DOWN;
    splice.cut--;
    while (other.events[splice.from].kind != IDEM_REEL_KEY_DOWN || splice.from < 40)
        splice.from++;
    assert_int_equal(idem_reel_collect_splice(front, &targets, &splice, 1e9, &windows), 0);
    assert_true(windows.count >= 6);
    assert_in_range(windows.list[0].strokes, 15, 15);
    assert_int_equal(windows.list[1].strokes, 40);
    assert_true(windows.list[0].active_s > 0);
    /* the second is what the stranger's own collector would have found, but for one flight */
    assert_int_equal(idem_window_strokes(windows.list[1].window), 25);
    idem_reel_windows_free(&windows);
    assert_int_equal(idem_reel_collect_splice(front, &targets, &splice, 2, &windows), 0);
    for (uint32_t i = 0; i < windows.count; i++)
        assert_true(windows.list[i].active_s <= 2);
    idem_reel_windows_free(&windows);
    /* nobody takes over: the same windows as without a splice */
    assert_int_equal(idem_reel_collect(front, &targets, &owner, &alone), 0);
    assert_int_equal(alone.count, 8);
    assert_int_equal(alone.list[7].strokes, 200);
    idem_reel_windows_free(&alone);
    free(owner.events);
    free(other.events);
    idem_front_free(front);
}

/* ------------------------------------------------------------------ whole runs */

enum { PEOPLE = 8, KEYS = 1500 };

static const struct idem_takeover_options options = {
    .seat = {.targets = {.keys = 25},
             .enrol = {500, 0},
             .use = {true, false},
             .perform = {true, false},
             .params = {0.99, 0.05, 900 * SECOND},
             .refractory_s = 60},
    .trials = 64,
    .seed = 3,
    .horizon_s = 60,
    .rates = {0.1, 0.02},
};

/* Simulated people whom the population has never met. same: all of them are one and the same. */
static struct idem_cast cast_new(bool same)
{
    struct idem_cast cast = {.count = PEOPLE, .population_count = 1, .has = {true, false}};
    cast.people = calloc(PEOPLE, sizeof *cast.people);
    cast.populations[0].population = people_population(60, 2000);
    for (uint32_t i = 0; i < PEOPLE; i++) {
        struct person who;
        struct idem_cast_person *p = &cast.people[i];
        person_draw(&who, same ? 900 : 900 + i);
        p->source[IDEM_KEYBOARD] = i;
        p->name = "somebody";
        p->reels.list = calloc(1, sizeof *p->reels.list);
        p->reels.count = 1;
        reel_of(&p->reels.list[0], &who, 40 + i, KEYS);
    }
    return cast;
}

static void test_strangers_are_found_and_owners_left_alone(void **state)
{
    struct idem_cast cast = cast_new(false);
    struct idem_takeover t;
    struct idem_takeover_figures f;
    (void)state;
    assert_int_equal(idem_takeover_run(&cast, &options, &t), 0);
    assert_int_equal(t.seats, PEOPLE);
    assert_int_equal(t.session_count, PEOPLE);
    assert_int_equal(t.trial_count, 64);
    assert_int_equal(idem_takeover_figures(&t, options.rates, 1, &f), 0);
    assert_true(f.points[1].index >= 0);
    const struct idem_takeover_point *p = &f.curve[f.points[1].index];
    assert_true(p->per_hour <= 0.02);
    assert_true(p->detected > 0.9);
    assert_true(p->strokes_p50 < 100 && p->strokes_p50 <= p->strokes_p90);
    assert_true(f.points[1].high.per_hour * t.active_hours > 3.6); /* none seen proves little */
    for (uint32_t k = 1; k < f.count; k++) {
        assert_true(f.curve[k].threshold > f.curve[k - 1].threshold);
        assert_true(f.curve[k].per_hour >= f.curve[k - 1].per_hour);
        assert_true(f.curve[k].strokes_p50 <= f.curve[k - 1].strokes_p50);
    }
    for (uint32_t i = 0; i < t.trial_count; i++)
        assert_true(t.trials[i].stranger != t.sessions[t.trials[i].session].seat);
    idem_takeover_free(&t);
    idem_cast_free(&cast);
}

/*
 * Ten people of an hour each; the tenth alone has alarms, two under the higher threshold. With one
 * in ten hours allowed, people outside his part, who see his alarms, choose the lower one.
 */
static void test_thresholds_of_others(void **state)
{
    static struct idem_takeover_session sessions[10];
    static struct idem_takeover_trial trials[10];
    const double rates[] = {0.1, 0.1};
    double minima[1] = {0};
    struct idem_takeover t = {.seats = 10,
                              .active_hours = 10,
                              .thresholds = {-5, -2},
                              .threshold_count = 2,
                              .point = {0, 0},
                              .sessions = sessions,
                              .session_count = 10,
                              .trials = trials,
                              .trial_count = 10,
                              .minima = minima,
                              .minima_count = 1};
    struct idem_takeover_figures f;
    (void)state;
    for (uint32_t i = 0; i < 10; i++) {
        sessions[i] = (struct idem_takeover_session){.seat = i, .active_s = 3600};
        trials[i] = (struct idem_takeover_trial){.session = i, .stranger = (i + 1) % 10};
        trials[i].strokes[0] = trials[i].seconds[0] = i < 4 ? 100 : INFINITY;
        trials[i].strokes[1] = trials[i].seconds[1] = 50;
    }
    sessions[9].alarms[1] = 2;
    assert_int_equal(idem_takeover_figures(&t, rates, 1, &f), 0);
    assert_true(f.curve[0].per_hour == 0 && fabs(f.curve[1].per_hour - 0.2) < 1e-12);
    assert_true(fabs(f.curve[0].detected - 0.4) < 1e-12 && f.curve[1].detected == 1);
    assert_true(isinf(f.curve[0].strokes_p50) && f.curve[1].strokes_p90 == 50);
    /* people 4 and 9 (one part) get -2 from the others, who saw no alarm; all others get -5 */
    const struct idem_takeover_point *p = &f.points[0].held_out;
    assert_true(p->alarms == 2 && fabs(p->per_hour - 0.2) < 1e-12);
    assert_true(fabs(p->detected - 0.6) < 1e-12); /* 0..3 at -5, 4 and 9 at -2 */
    assert_true(p->strokes_p50 == 100);
    assert_true(isnan(p->threshold));
    assert_true(fabs(f.points[0].people.troubled) < 1e-12);
}

/*
 * Everybody sits down in everybody's place, and half of the strangers are found wherever they sit.
 * Owners alone have nearly the same rate each; the interval is as wide as half of so few strangers
 * are uncertain: 0.5 +- 1.96 sqrt(0.25 / 20).
 */
static void test_intervals_hold_for_new_strangers(void **state)
{
    enum { N = 20, LEFT = 2 };
    static struct idem_takeover_session sessions[N];
    static struct idem_takeover_trial trials[N * (N + LEFT)];
    const double rates[] = {0.1, 0.1};
    double minima[1] = {0};
    struct idem_takeover t = {.seats = N,
                              .left_out = LEFT,
                              .active_hours = N,
                              .thresholds = {-5},
                              .threshold_count = 1,
                              .sessions = sessions,
                              .session_count = N,
                              .trials = trials,
                              .minima = minima,
                              .minima_count = 1};
    struct idem_takeover_figures f;
    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        sessions[i] = (struct idem_takeover_session){.seat = i, .active_s = 3600};
        for (uint32_t k = 0; k < N + LEFT; k++) {
            if (k == i)
                continue;
            struct idem_takeover_trial *x = &trials[t.trial_count++];
            *x = (struct idem_takeover_trial){.session = i, .stranger = k};
            x->strokes[0] = x->seconds[0] = k % 2 ? 100 : INFINITY;
        }
    }
    assert_int_equal(idem_takeover_figures(&t, rates, 1, &f), 0);
    assert_true(fabs(f.curve[0].detected - 0.5) < 0.03);
    assert_true(f.points[0].low.detected > 0.2 && f.points[0].low.detected < 0.35);
    assert_true(f.points[0].high.detected > 0.65 && f.points[0].high.detected < 0.8);
}

/* Nobody can tell a person from himself: what is "detected" are false alarms. */
static void test_one_person_in_his_own_place_is_not_found(void **state)
{
    struct idem_cast cast = cast_new(true);
    struct idem_takeover t;
    struct idem_takeover_figures f;
    (void)state;
    assert_int_equal(idem_takeover_run(&cast, &options, &t), 0);
    assert_int_equal(idem_takeover_figures(&t, options.rates, 1, &f), 0);
    assert_true(f.points[1].index >= 0);
    assert_true(f.curve[f.points[1].index].detected < 0.2);
    assert_true(isinf(f.curve[f.points[1].index].strokes_p50));
    idem_takeover_free(&t);
    idem_cast_free(&cast);
}

static void test_threads_change_nothing(void **state)
{
    struct idem_cast cast = cast_new(false);
    struct idem_takeover one, three;
    (void)state;
    idem_parallel_threads(1);
    assert_int_equal(idem_takeover_run(&cast, &options, &one), 0);
    idem_parallel_threads(3);
    assert_int_equal(idem_takeover_run(&cast, &options, &three), 0);
    idem_parallel_threads(0);
    assert_int_equal(one.threshold_count, three.threshold_count);
    for (uint32_t i = 0; i < one.trial_count; i++)
        for (uint32_t k = 0; k < one.threshold_count; k++)
            assert_true(one.trials[i].strokes[k] == three.trials[i].strokes[k]);
    for (uint32_t i = 0; i < one.session_count; i++)
        assert_memory_equal(one.sessions[i].alarms, three.sessions[i].alarms,
                            one.threshold_count * sizeof *one.sessions[i].alarms);
    idem_takeover_free(&one);
    idem_takeover_free(&three);
    idem_cast_free(&cast);
}

static void test_too_little_is_said(void **state)
{
    struct idem_cast cast = cast_new(true);
    struct idem_takeover_options greedy = options;
    struct idem_takeover t;
    (void)state;
    greedy.seat.enrol[IDEM_KEYBOARD] = KEYS + 100;
    assert_int_equal(idem_takeover_run(&cast, &greedy, &t), IDEM_ERR_TOO_LITTLE);
    idem_cast_free(&cast);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alarms_fall_where_the_path_dips),
        cmocka_unit_test(test_the_refractory_time_silences),
        cmocka_unit_test(test_a_stranger_hides_in_the_refractory_time),
        cmocka_unit_test(test_log_odds_are_bounded),
        cmocka_unit_test(test_a_miss_counts_as_infinite),
        cmocka_unit_test(test_poisson_intervals),
        cmocka_unit_test(test_the_tail_of_an_exponential_is_found),
        cmocka_unit_test(test_the_spread_over_people),
        cmocka_unit_test(test_a_pause_counts_five_seconds),
        cmocka_unit_test(test_a_splice_in_mid_window),
        cmocka_unit_test(test_strangers_are_found_and_owners_left_alone),
        cmocka_unit_test(test_thresholds_of_others),
        cmocka_unit_test(test_intervals_hold_for_new_strangers),
        cmocka_unit_test(test_one_person_in_his_own_place_is_not_found),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_too_little_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
