/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mixture_learn.c - traces and what is learned from them, on made-up people whose differences
 * are known; and that a model learned on top of it tells them apart and explains why.
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
#include "model/learn.h"
#include "model/mixture_learn.h"
#include "model/population.h"
#include "model/scorer.h"
#include "window/window.h"

enum { PEOPLE = 24, GESTURES = 120, SLICE = 10 };

static struct idem_trace traces[PEOPLE];
static struct idem_mixture_source sources[PEOPLE];

/* How fast person u moves: people differ in nothing else. */
static double pace(uint32_t u)
{
    return 1 + 0.03 * u;
}

/* A movement to a random place and a click; everybody clicks alike. */
static int move_and_click(struct idem_trace *t, uint32_t u, int64_t *now, struct idem_rng *rng)
{
    const double X = 300 * idem_rng_normal(rng), Y = 300 * idem_rng_normal(rng);
    const double noise = 1 + 0.2 * idem_rng_normal(rng);
    int r = 0;

    for (int i = 1; i <= 20 && r == 0; i++) {
        double s = 1 - cos(M_PI * i / 20);
        *now += (int64_t)(16000 * noise / pace(u));
        r = idem_trace_event(t, IDEM_POINTER_MOVE, X * s, Y * s + idem_rng_normal(rng), *now);
    }
    *now += 50000;
    if (r == 0)
        r = idem_trace_event(t, IDEM_POINTER_PRESS, 2 * X, 2 * Y, *now);
    *now += 60000 + idem_rng_below(rng, 60000);
    return r != 0 ? r : idem_trace_event(t, IDEM_POINTER_RELEASE, 2 * X, 2 * Y, *now);
}

static int make_traces(void **state)
{
    struct idem_rng rng;
    (void)state;
    idem_rng_seed(&rng, 11);
    for (uint32_t u = 0; u < PEOPLE; u++) {
        int64_t now = 1000000;
        idem_trace_init(&traces[u]);
        for (int g = 0; g < GESTURES; g++) {
            if (move_and_click(&traces[u], u, &now, &rng) != 0)
                return -1;
        }
        if (idem_trace_finish(&traces[u]) != 0)
            return -1;
        sources[u] = (struct idem_mixture_source){&traces[u], u};
    }
    return 0;
}

static int free_traces(void **state)
{
    (void)state;
    for (uint32_t u = 0; u < PEOPLE; u++)
        idem_trace_fini(&traces[u]);
    return 0;
}

static struct idem_mixture learn(size_t people, uint64_t seed)
{
    struct idem_mixture_options opt = idem_mixture_defaults();
    struct idem_mixture mix = {0};
    opt.components = 4;
    opt.dims = 6;
    opt.seed = seed;
    assert_int_equal(idem_mixture_learn(sources, people, &opt, &mix), 0);
    return mix;
}

static void test_positions(void **state)
{
    const struct idem_trace *t = &traces[0];
    (void)state;
    assert_int_equal(t->events, 22 * GESTURES);
    assert_int_equal(t->gestures, GESTURES);
    assert_int_equal(t->timings, GESTURES);
    for (uint32_t g = 0; g < GESTURES; g++) {
        assert_int_equal(t->at[g], 22 * g + 21);        /* the press is event 20 of each round */
        assert_int_equal(t->timing[g].at, 22 * g + 21); /* the release is event 21 */
    }
}

/* A pause is known one event later, which the gesture does not contain. */
static void test_position_before(void **state)
{
    struct idem_trace t;
    (void)state;
    idem_trace_init(&t);
    for (int i = 0; i < 5; i++)
        assert_int_equal(idem_trace_event(&t, IDEM_POINTER_MOVE, 9 * i, 0, 16000 * i), 0);
    assert_int_equal(idem_trace_event(&t, IDEM_POINTER_MOVE, 90, 0, 900000), 0);
    assert_int_equal(t.gestures, 1);
    assert_int_equal(t.at[0], 5);
    for (int i = 1; i < 5; i++)
        assert_int_equal(idem_trace_event(&t, IDEM_POINTER_MOVE, 9 * i, 0, 900000 + 16000 * i), 0);
    assert_int_equal(idem_trace_finish(&t), 0);
    assert_int_equal(t.gestures, 2);
    assert_int_equal(t.at[1], 10); /* the session's end */
    idem_trace_fini(&t);
}

/* Blocks that meet at an event share nothing and lose nothing. */
static void test_blocks_add_up(void **state)
{
    struct idem_mixture mix = learn(PEOPLE, 1);
    const size_t len = idem_shape_len(idem_mixture_shape(&mix));
    float *whole = calloc(2 * len, sizeof *whole), *parts = whole + len;
    uint32_t gestures = 0, end = traces[0].events;
    (void)state;

    assert_int_equal(idem_trace_stats(&traces[0], &mix, 0, end, whole), GESTURES);
    for (uint32_t first = 0; first < end; first += 128)
        gestures +=
            idem_trace_stats(&traces[0], &mix, first, first + 128 < end ? first + 128 : end, parts);
    assert_int_equal(gestures, GESTURES);
    for (size_t i = 0; i < len; i++)
        assert_true(fabsf(whole[i] - parts[i]) < 1e-3f);
    assert_true(whole[4] == GESTURES && whole[5] == 0); /* clicks; nobody used another button */
    free(whole);
    idem_mixture_free(&mix);
}

/* Scores leave the projection with unit variance within people, the first channel tells pace. */
static void test_projection(void **state)
{
    struct idem_mixture mix = learn(PEOPLE, 1);
    double first[PEOPLE] = {0}, within = 0, rising = 0;
    float z[6], feature[IDEM_FEATURES];
    (void)state;

    for (uint32_t u = 0; u < PEOPLE; u++) {
        double square = 0;
        for (uint32_t g = 0; g < GESTURES; g++) {
            memcpy(feature, traces[u].feature + g * IDEM_FEATURES, sizeof feature);
            idem_mixture_scores(&mix, feature);
            idem_mixture_project(&mix, feature, z);
            first[u] += z[0] / GESTURES;
            square += (double)z[0] * z[0] / GESTURES;
        }
        within += (square - first[u] * first[u]) / PEOPLE;
    }
    assert_true(within > 0.7 && within < 1.1);
    for (uint32_t u = 4; u < PEOPLE; u++)
        rising += first[u] > first[u - 4];
    assert_true(rising == PEOPLE - 4 || rising == 0);
    idem_mixture_free(&mix);
}

/*
 * Sessions that differ as people do, by pace: with their means counted the projection turns away
 * from it, without it does not.
 */
static void test_sessions(void **state)
{
    struct idem_mixture_options opt = idem_mixture_defaults();
    struct idem_mixture_source mixed[PEOPLE];
    struct idem_mixture with = {0}, without = {0};
    double along[2] = {0};
    (void)state;
    for (uint32_t u = 0; u < PEOPLE; u++) /* person u has sessions at the paces of u and u + 12 */
        mixed[u] = (struct idem_mixture_source){&traces[u / 2 + u % 2 * (PEOPLE / 2)], u / 2};
    opt.dims = 2;
    assert_int_equal(idem_mixture_learn(mixed, PEOPLE, &opt, &with), 0);
    opt.session = 0;
    assert_int_equal(idem_mixture_learn(mixed, PEOPLE, &opt, &without), 0);
    for (int k = 0; k < 2; k++) {
        const struct idem_mixture *mix = k == 0 ? &with : &without;
        float z[2], slow[2] = {0}, fast[2] = {0}, feature[IDEM_FEATURES];
        for (uint32_t g = 0; g < 2 * GESTURES; g++) {
            memcpy(feature,
                   traces[g < GESTURES ? 0 : PEOPLE - 1].feature + g % GESTURES * IDEM_FEATURES,
                   sizeof feature);
            idem_mixture_scores(mix, feature);
            idem_mixture_project(mix, feature, z);
            for (int d = 0; d < 2; d++)
                (g < GESTURES ? slow : fast)[d] += z[d] / GESTURES;
        }
        along[k] = hypot((double)(fast[0] - slow[0]), (double)(fast[1] - slow[1]));
    }
    assert_true(along[0] < 0.5 * along[1]);
    idem_mixture_free(&with);
    idem_mixture_free(&without);
}

static void test_reproducible(void **state)
{
    struct idem_mixture a = learn(PEOPLE, 1), b = learn(PEOPLE, 1), c = learn(PEOPLE, 2);
    const size_t size = 4 * 6 * sizeof(float);
    (void)state;
    assert_memory_equal(a.quantile, b.quantile, IDEM_FEATURES * IDEM_KNOTS * sizeof(float));
    assert_memory_equal(a.project, b.project, IDEM_FEATURES * 6 * sizeof(float));
    assert_memory_equal(a.mean, b.mean, size);
    assert_memory_equal(a.inv_sd, b.inv_sd, size);
    assert_memory_not_equal(a.mean, c.mean, size);
    idem_mixture_free(&a);
    idem_mixture_free(&b);
    idem_mixture_free(&c);
}

static void test_subset(void **state)
{
    struct idem_mixture_options opt = idem_mixture_defaults();
    struct idem_mixture mix = {0};
    (void)state;
    opt.gestures = PEOPLE * 20; /* of 120 each */
    assert_int_equal(idem_mixture_learn(sources, PEOPLE, &opt, &mix), 0);
    idem_mixture_free(&mix);
    opt.gestures = PEOPLE * 2;
    assert_int_equal(idem_mixture_learn(sources, PEOPLE, &opt, &mix), IDEM_ERR_TOO_LITTLE);
}

static void test_refusals(void **state)
{
    struct idem_mixture_options opt = idem_mixture_defaults();
    struct idem_mixture mix = {0};
    (void)state;
    assert_int_equal(idem_mixture_learn(sources, 0, &opt, &mix), IDEM_ERR_TOO_LITTLE);
    assert_int_equal(idem_mixture_learn(sources, 1, &opt, &mix), IDEM_ERR_TOO_LITTLE);
    opt.components = 0;
    assert_int_equal(idem_mixture_learn(sources, PEOPLE, &opt, &mix), IDEM_ERR_INVALID);
    opt = idem_mixture_defaults();
    opt.dims = IDEM_FEATURES + 1;
    assert_int_equal(idem_mixture_learn(sources, PEOPLE, &opt, &mix), IDEM_ERR_LIMIT);
    assert_null(mix.memory);
}

static void test_timings(void **state)
{
    struct idem_mixture few = learn(2, 1), many = learn(PEOPLE, 1); /* 240 and 2,880 clicks */
    float discount[2 * (4 + IDEM_SCALARS) * 6];
    (void)state;
    assert_true(idem_mixture_has_scalar(&few, IDEM_SCALAR_CLICK));
    assert_true(idem_mixture_has_scalar(&many, IDEM_SCALAR_CLICK));
    assert_false(idem_mixture_has_scalar(&many, IDEM_SCALAR_OTHER_CLICK));
    idem_pointer_discounts(&many, discount);
    assert_true(discount[0] == 0.4f && discount[1] == 0.1f && discount[47] == 0.1f);
    assert_true(discount[48] == 0.5f && discount[49] == 0.125f);
    assert_true(discount[50] == 0 && discount[59] == 0 && discount[60] == 0.5f);
    idem_mixture_free(&few);
    idem_mixture_free(&many);
}

/* A population of the even people, the front moved into it. */
static struct idem_population *make_population(void)
{
    struct idem_front *front;
    struct idem_corpus corpus;
    struct idem_model model, *models[IDEM_MODALITIES] = {NULL, &model};
    struct idem_learn_options opt = idem_learn_defaults(IDEM_POINTER);
    struct idem_population *pop;

    opt.calibrate = false;
    assert_int_equal(idem_front_alloc(0, 0, &front), 0);
    front->mixture = learn(PEOPLE, 1);
    assert_int_equal(idem_front_seal(front), 0);
    assert_int_equal(idem_corpus_init(&corpus, idem_front_shape(front, IDEM_POINTER)), 0);
    idem_pointer_discounts(&front->mixture, corpus.discount);
    for (uint32_t u = 0; u < PEOPLE; u += 2) {
        assert_int_equal(idem_corpus_person(&corpus), 0);
        assert_int_equal(idem_trace_slices(&traces[u], &front->mixture, SLICE, &corpus), 0);
        assert_int_equal(corpus.people[u / 2].count, GESTURES / SLICE);
    }
    assert_int_equal(idem_learn(&corpus, &opt, &model), 0);
    assert_int_equal(model.rank, PEOPLE / 2 - 1); /* people less one */
    assert_true(model.plain_share == opt.plain_share && model.weight[0] == 0.4f);
    idem_corpus_fini(&corpus);
    assert_int_equal(idem_population_build(front, models, &pop), 0);
    return pop;
}

static struct idem_window *window_of(const struct idem_population *pop, uint32_t u, uint32_t first,
                                     uint32_t end)
{
    struct idem_window *w;
    assert_int_equal(idem_window_new(pop->front, IDEM_POINTER, &w), 0);
    float *stats = calloc(idem_shape_len(w->shape), sizeof *stats);
    uint32_t n = idem_trace_stats(&traces[u], &pop->front->mixture, first, end, stats);
    assert_int_equal(idem_window_fill(w, stats, n, 1000000), 0);
    free(stats);
    return w;
}

/* The slowest odd person's profile against his own second half and against the fastest one's. */
static void test_score_and_reasons(void **state)
{
    struct idem_population *pop = make_population();
    const uint32_t half = traces[1].events / 2;
    struct idem_window *enrol = window_of(pop, 1, 0, half);
    struct idem_window *own = window_of(pop, 1, half, 2 * half);
    struct idem_window *other = window_of(pop, PEOPLE - 1, half, 2 * half);
    struct idem_score genuine, impostor;
    struct idem_profile *profile;
    struct idem_scorer *scorer;
    struct idem_reason reasons[8];
    bool faster = false;
    (void)state;

    assert_int_equal(idem_profile_new(pop->front, IDEM_POINTER, &profile), 0);
    assert_int_equal(idem_profile_add(profile, enrol), 0);
    assert_int_equal(idem_scorer_new(pop, &scorer), 0);
    assert_int_equal(idem_score_window(scorer, profile, own, &genuine), 0);
    assert_int_equal(idem_score_window(scorer, profile, other, &impostor), 0);
    assert_true(genuine.raw > 5 && impostor.raw < -5);
    int n = idem_explain(scorer, profile, other, reasons, 8);
    assert_true(n > 0 && reasons[0].llr < 0);
    for (int i = 0; i < n; i++)
        faster |= strstr(reasons[i].text, "moves faster than usual") != NULL ||
                  strstr(reasons[i].text, "higher top speeds than usual") != NULL ||
                  strstr(reasons[i].text, "shorter movements than usual") != NULL;
    assert_true(faster);
    idem_window_free(enrol);
    idem_window_free(own);
    idem_window_free(other);
    idem_scorer_free(scorer);
    idem_profile_free(profile);
    idem_population_free(pop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_positions),         cmocka_unit_test(test_position_before),
        cmocka_unit_test(test_blocks_add_up),     cmocka_unit_test(test_projection),
        cmocka_unit_test(test_reproducible),      cmocka_unit_test(test_subset),
        cmocka_unit_test(test_refusals),          cmocka_unit_test(test_timings),
        cmocka_unit_test(test_score_and_reasons), cmocka_unit_test(test_sessions),
    };
    return cmocka_run_group_tests(tests, make_traces, free_traces);
}
