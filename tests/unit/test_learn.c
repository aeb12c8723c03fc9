/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_learn.c - learning from simulated people whose truth is known, and the corpus and units
 * that it starts from.
 */
#include "eval/parallel.h"
#include "model/learn_fold.h"
#include "model/units.h"
#include "people.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PEOPLE = 40, LEARN_KEYS = 800 };

static struct idem_front *front;
static struct idem_corpus corpus;

static int setup(void **state)
{
    (void)state;
    front = people_front(PEOPLE, LEARN_KEYS);
    people_corpus(front, PEOPLE, LEARN_KEYS, &corpus);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    idem_corpus_fini(&corpus);
    idem_front_free(front);
    return 0;
}

static void assert_equal_models(const struct idem_model *a, const struct idem_model *b)
{
    const size_t dims = idem_shape_dims(a->shape);
    assert_int_equal(a->rank, b->rank);
    assert_memory_equal(a->load, b->load, dims * a->rank * sizeof(float));
    assert_memory_equal(a->weight, b->weight, dims * sizeof(float));
    assert_memory_equal(a->plain, b->plain, dims * sizeof(float));
    assert_memory_equal(a->centre, b->centre, (size_t)a->rank * (a->rank + 4) * sizeof(float));
    assert_true(a->reach == b->reach);
    assert_memory_equal(&a->calibration, &b->calibration, sizeof a->calibration);
}

static void test_same_seed_same_bytes(void **state)
{
    struct idem_learn_options opt = people_learn_options();
    struct idem_model a, b, c;
    (void)state;
    assert_int_equal(idem_learn(&corpus, &opt, &a), 0);
    assert_int_equal(idem_learn(&corpus, &opt, &b), 0);
    assert_equal_models(&a, &b);
    opt.em.seed++;
    assert_int_equal(idem_learn(&corpus, &opt, &c), 0);
    assert_memory_not_equal(a.load, c.load, idem_shape_dims(a.shape) * a.rank * sizeof(float));
    idem_model_free(&a);
    idem_model_free(&b);
    idem_model_free(&c);
}

/* A copy of the corpus in which the people of a fold type otherwise; counts and squares stay. */
static void change_fold(uint32_t fold, struct idem_corpus *out)
{
    const size_t len = idem_shape_len(corpus.shape), dims = idem_shape_dims(corpus.shape);
    float *stats = malloc(len * sizeof *stats);
    assert_int_equal(idem_corpus_init(out, corpus.shape), 0);
    memcpy(out->square, corpus.square, dims * sizeof *out->square);
    memcpy(out->discount, corpus.discount, dims * sizeof *out->discount);
    for (size_t u = 0; u < corpus.count; u++) {
        assert_int_equal(idem_corpus_person(out), 0);
        for (uint32_t i = 0; i < corpus.people[u].count; i++) {
            memcpy(stats, corpus.people[u].stats + i * len, len * sizeof *stats);
            for (size_t k = corpus.shape.cells; k < len && u % IDEM_LEARN_FOLDS == fold; k++)
                stats[k] *= -0.5f;
            assert_int_equal(idem_corpus_slice(out, stats, corpus.people[u].strokes[i]), 0);
        }
    }
    free(stats);
}

static struct idem_model learned_without(const struct idem_corpus *c, uint32_t fold)
{
    const struct idem_learn_options opt = people_learn_options();
    struct idem_model model;
    struct idem_units units;
    assert_int_equal(idem_units_init(&units, c, opt.unit_strokes), 0);
    assert_int_equal(idem_learn_without(c, &units, &opt, fold, &model), 0);
    idem_units_fini(&units);
    return model;
}

/* What the people of a fold typed moves nothing in the model that scores their trials. */
static void test_a_folds_model_has_not_met_its_people(void **state)
{
    struct idem_corpus changed;
    (void)state;
    change_fold(1, &changed);
    struct idem_model before = learned_without(&corpus, 1), after = learned_without(&changed, 1);
    struct idem_model met = learned_without(&corpus, 0), other = learned_without(&changed, 0);
    assert_equal_models(&before, &after);
    assert_memory_not_equal(met.load, other.load,
                            idem_shape_dims(met.shape) * met.rank * sizeof(float));
    assert_memory_not_equal(met.centre, other.centre,
                            (size_t)met.rank * (met.rank + 4) * sizeof(float));
    idem_model_free(&before);
    idem_model_free(&after);
    idem_model_free(&met);
    idem_model_free(&other);
    idem_corpus_fini(&changed);
}

static void test_parallel_equals_serial(void **state)
{
    struct idem_learn_options opt = people_learn_options();
    struct idem_model serial, parallel;
    (void)state;
    assert_int_equal(idem_learn(&corpus, &opt, &serial), 0);
    opt.parallel = idem_parallel;
    assert_int_equal(idem_learn(&corpus, &opt, &parallel), 0);
    assert_equal_models(&serial, &parallel);
    idem_model_free(&serial);
    idem_model_free(&parallel);
}

/* Statistics drawn from the model itself: person w, n strokes a cell, noise of variance 1 / W. */
static void draw_stats(const struct idem_model *truth, const double *w, double n,
                       struct idem_rng *rng, float *stats)
{
    const uint32_t cells = truth->shape.cells;
    for (uint32_t c = 0; c < cells; c++)
        stats[c] = (float)n;
    for (uint32_t k = 0; k < 2 * cells; k++) {
        double mean = 0;
        for (uint32_t i = 0; i < truth->rank; i++)
            mean += (double)truth->load[k * truth->rank + i] * w[i];
        stats[cells + k] =
            (float)(n * mean + sqrt(n / (double)truth->weight[k]) * idem_rng_normal(rng));
    }
}

enum { CELLS = 20, RANK = 3, TRUE_PEOPLE = 300, LEN = CELLS * 3 };

static struct idem_model known_truth(struct idem_rng *rng)
{
    struct idem_model m;
    assert_int_equal(idem_model_alloc(&m, (struct idem_shape){CELLS, 1}, RANK), 0);
    for (uint32_t k = 0; k < 2 * CELLS; k++) {
        m.weight[k] = 1;
        for (int i = 0; i < RANK; i++)
            m.load[k * RANK + (uint32_t)i] = (float)(0.4 * idem_rng_normal(rng));
    }
    idem_model_seal(&m);
    return m;
}

/* T is known up to a rotation, T T' is not: what was learned must meet it. */
static void test_em_finds_the_truth(void **state)
{
    const struct idem_em_options em = {.iterations = 60, .ridge = 1e-6, .seed = 1, .start = 0.1};
    float *stats = calloc(TRUE_PEOPLE * LEN, sizeof *stats);
    const float *people[TRUE_PEOPLE];
    struct idem_model truth, got;
    struct idem_rng rng;
    double error = 0, size = 0;
    (void)state;

    idem_rng_seed(&rng, 8);
    truth = known_truth(&rng);
    for (int u = 0; u < TRUE_PEOPLE; u++) {
        double w[RANK];
        for (int i = 0; i < RANK; i++)
            w[i] = idem_rng_normal(&rng);
        people[u] = stats + u * LEN;
        draw_stats(&truth, w, 30, &rng, stats + u * LEN);
    }
    assert_int_equal(idem_model_alloc(&got, truth.shape, RANK), 0);
    memcpy(got.weight, truth.weight, 2 * CELLS * sizeof(float));
    assert_int_equal(idem_eigenvoice_train(&got, people, TRUE_PEOPLE, &em, NULL, NULL), 0);
    for (uint32_t k = 0; k < 2 * CELLS; k++) {
        for (uint32_t l = 0; l < 2 * CELLS; l++) {
            double want = 0, have = 0;
            for (uint32_t i = 0; i < RANK; i++) {
                want += (double)truth.load[k * RANK + i] * (double)truth.load[l * RANK + i];
                have += (double)got.load[k * RANK + i] * (double)got.load[l * RANK + i];
            }
            error += (want - have) * (want - have);
            size += want * want;
        }
    }
    assert_true(sqrt(error / size) < 0.2);
    free(stats);
    idem_model_free(&truth);
    idem_model_free(&got);
}

enum { SITTING = 8 }; /* pieces of a person */

/* Embeddings of the truth's own people: what a score needs beside T. */
static void learn_plda(struct idem_model *truth, struct idem_rng *rng)
{
    const struct idem_plda_options opt = {.piece = 25, .reach = 100, .seed = 1};
    struct idem_corpus c;
    float stats[LEN];

    assert_int_equal(idem_corpus_init(&c, truth->shape), 0);
    for (int u = 0; u < TRUE_PEOPLE; u++) {
        double w[RANK];
        for (int i = 0; i < RANK; i++)
            w[i] = idem_rng_normal(rng);
        assert_int_equal(idem_corpus_person(&c), 0);
        for (int k = 0; k < SITTING; k++) {
            draw_stats(truth, w, 1, rng, stats);
            assert_int_equal(idem_corpus_slice(&c, stats, 25), 0);
        }
    }
    assert_int_equal(idem_plda_learn(&c, NULL, &opt, truth), 0);
    idem_corpus_fini(&c);
}

/*
 * With the true T and embeddings learned from its people the raw score is nearly the log-likelihood
 * ratio: it separates, and what it claims is so as often as it says.
 */
static void test_scores_separate(void **state)
{
    enum { TRIALS = 2000 };
    struct idem_model truth;
    struct idem_rng rng;
    double *scratch, wrong_same = 0, wrong_other = 0;
    float P[LEN], S[LEN];
    int right = 0;
    (void)state;

    idem_rng_seed(&rng, 9);
    truth = known_truth(&rng);
    learn_plda(&truth, &rng);
    scratch = malloc(idem_raw_score_scratch(&truth) * sizeof *scratch);
    for (int trial = 0; trial < TRIALS; trial++) {
        double w[RANK], v[RANK];
        for (int i = 0; i < RANK; i++) {
            w[i] = idem_rng_normal(&rng);
            v[i] = idem_rng_normal(&rng);
        }
        draw_stats(&truth, w, 4, &rng, P);
        draw_stats(&truth, w, 1, &rng, S);
        double same = idem_raw_score(&truth, P, S, scratch);
        draw_stats(&truth, v, 1, &rng, S);
        double other = idem_raw_score(&truth, P, S, scratch);
        right += other < same;
        wrong_same += 1 / (1 + exp(same)) / TRIALS;
        wrong_other += 1 / (1 + exp(-other)) / TRIALS;
    }
    assert_in_range(right, 1801, TRIALS);
    assert_true(fabs(wrong_same - wrong_other) < 0.02);
    free(scratch);
    idem_model_free(&truth);
}

static void test_needs_enough_people(void **state)
{
    const struct idem_learn_options opt = people_learn_options();
    struct idem_model model = {.rank = 42};
    struct idem_corpus few;
    (void)state;
    people_corpus(front, 9, LEARN_KEYS, &few);
    assert_int_equal(idem_learn(&few, &opt, &model), IDEM_ERR_TOO_LITTLE);
    assert_int_equal(model.rank, 42);
    idem_corpus_fini(&few);
}

static void count_progress(void *arg, uint32_t done, uint32_t of)
{
    uint32_t *last = arg;
    assert_int_equal(done, *last + 1);
    assert_int_equal(of, people_learn_options().em.iterations);
    *last = done;
}

static void test_progress(void **state)
{
    struct idem_learn_options opt = people_learn_options();
    struct idem_model model;
    uint32_t last = 0;
    (void)state;
    opt.progress = count_progress;
    opt.progress_arg = &last;
    assert_int_equal(idem_learn(&corpus, &opt, &model), 0);
    assert_int_equal(last, opt.em.iterations);
    idem_model_free(&model);
}

static void test_weights_are_within_their_variances(void **state)
{
    const struct idem_learn_options opt = people_learn_options();
    struct idem_model model;
    (void)state;
    assert_int_equal(idem_learn(&corpus, &opt, &model), 0);
    for (size_t k = 0; k < idem_shape_dims(model.shape); k++) {
        float most = corpus.discount[k] / opt.variance_min;
        float least = corpus.discount[k] / opt.variance_max;
        assert_true(model.weight[k] >= 0.999f * least && model.weight[k] <= 1.001f * most);
    }
    idem_model_free(&model);
}

static void test_corpus_keeps_slices_in_order(void **state)
{
    struct idem_corpus c;
    const float stats[3] = {1, 2, 3};
    (void)state;
    assert_int_equal(idem_corpus_init(&c, (struct idem_shape){1, 1}), 0);
    assert_int_equal(idem_corpus_slice(&c, stats, 1), IDEM_ERR_INVALID); /* nobody is there yet */
    for (int u = 0; u < 200; u++) {
        assert_int_equal(idem_corpus_person(&c), 0);
        for (int i = 0; i < u; i++) {
            const float slice[3] = {(float)i, (float)u, 0};
            assert_int_equal(idem_corpus_slice(&c, slice, (float)(i + 1)), 0);
        }
    }
    assert_int_equal(c.count, 200);
    for (uint32_t u = 0; u < 200; u++) {
        assert_int_equal(c.people[u].count, u);
        for (uint32_t i = 0; i < u; i++) {
            assert_true(c.people[u].stats[3 * i] == (float)i);
            assert_true(c.people[u].stats[3 * i + 1] == (float)u);
            assert_true(c.people[u].strokes[i] == (float)(i + 1));
        }
    }
    idem_corpus_fini(&c);
}

/* Slices of 25: ten of them to units of 100 are 100, 100 and the rest of 50. */
static void test_units(void **state)
{
    struct idem_units units;
    struct idem_corpus c;
    (void)state;
    assert_int_equal(idem_corpus_init(&c, (struct idem_shape){1, 1}), 0);
    assert_int_equal(idem_corpus_person(&c), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(idem_corpus_slice(&c, (const float[3]){1, (float)i, 0}, 25), 0);
    assert_int_equal(idem_corpus_person(&c), 0); /* somebody without slices */
    assert_int_equal(idem_corpus_person(&c), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(idem_corpus_slice(&c, (const float[3]){1, 1, 0}, 25), 0);
    assert_int_equal(idem_units_init(&units, &c, 100), 0);
    assert_int_equal(units.count, 4);
    assert_true(units.stats[0][0] == 4 && units.stats[0][1] == 0 + 1 + 2 + 3);
    assert_true(units.stats[1][0] == 4 && units.stats[1][1] == 4 + 5 + 6 + 7);
    assert_true(units.stats[2][0] == 2 && units.stats[2][1] == 8 + 9);
    assert_true(units.stats[3][0] == 5); /* a rest of 25 joins the unit before it */
    assert_int_equal(units.person[2], 0);
    assert_int_equal(units.person[3], 2);
    idem_units_fini(&units);
    idem_corpus_fini(&c);
}

static void test_rare_slots_are_no_cells(void **state)
{
    struct idem_slot_times *times = calloc(110, sizeof *times);
    struct idem_front *out = NULL;
    struct idem_zoning z;
    float edges[IDEM_EDGES];
    (void)state;
    assert_int_equal(idem_zoning_init(&z, IDEM_LEVEL_MIXED), 0);
    uint32_t slots = idem_zoning_slots(&z);
    assert_int_equal(idem_keyboard_front_learn(IDEM_LEVEL_MIXED, &z, times, slots, &out),
                     IDEM_ERR_TOO_LITTLE);
    assert_null(out);
    for (int i = 0; i < IDEM_CELL_MIN_STROKES; i++) {
        idem_slot_times_add(&times[3], 100 + i % 50);
        if (i > 0)
            idem_slot_times_add(&times[5], 100); /* one too few */
    }
    assert_int_equal(idem_keyboard_front_learn(IDEM_LEVEL_MIXED, &z, times, slots, &out), 0);
    assert_int_equal(out->cells, 1);
    assert_int_equal(out->slot[0], 3);
    idem_slot_times_edges(&times[3], edges);
    assert_memory_equal(out->edges, edges, sizeof edges);
    assert_true(edges[0] > 95 && edges[5] < 155);
    idem_front_free(out);
    free(times);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed_same_bytes),
        cmocka_unit_test(test_a_folds_model_has_not_met_its_people),
        cmocka_unit_test(test_parallel_equals_serial),
        cmocka_unit_test(test_em_finds_the_truth),
        cmocka_unit_test(test_scores_separate),
        cmocka_unit_test(test_needs_enough_people),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_weights_are_within_their_variances),
        cmocka_unit_test(test_corpus_keeps_slices_in_order),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_rare_slots_are_no_cells),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
