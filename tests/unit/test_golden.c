/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_golden.c - the model against the numpy reference, on the same small recording.
 *
 * tests/golden/golden.json holds what the reference computed (make_golden.py); every number must be
 * met to four digits: cells and edges, weights, T after EM from the same start, the embedding's
 * centre, rotation and variances, and all scores.
 */
#include "input/recording.h"
#include "model/evidence.h"
#include "model/learn.h"
#include "model/plda_learn.h"
#include "window/keystroke.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifndef GOLDEN
#error "GOLDEN must name the folder of the golden vectors"
#endif

struct fixture {
    json_t *golden;
    struct idem_recording *train, *test;
    struct idem_front *front;
    struct idem_corpus corpus;
    struct idem_model model;
    uint32_t slice; /* strokes */
    uint32_t *cell; /* golden cell -> ours */
};

static uint32_t zone_of(const char *name, bool hold)
{
    static const char *const specials[] = {"space", "backspace", "shift", "capslock", "other"};
    if (hold && name[0] == 'f' && name[1] != '\0')
        return (uint32_t)(name[1] - '0');
    if (!hold && name[1] == '\0')
        return name[0] == 'L' ? 0 : 1;
    for (uint32_t i = 0; i < 5; i++) {
        if (strcmp(name, specials[i]) == 0)
            return (hold ? 8 : 2) + i;
    }
    fail_msg("unknown zone %s", name);
    return 0;
}

static uint32_t slot_of(const struct idem_zoning *z, json_t *names)
{
    const char *first = json_string_value(json_array_get(names, 0));
    if (json_array_size(names) == 1)
        return zone_of(first, true);
    const char *second = json_string_value(json_array_get(names, 1));
    return z->holds + zone_of(first, false) * z->flights + zone_of(second, false);
}

static double number(json_t *array, size_t i)
{
    return json_number_value(json_array_get(array, i));
}

/* Four digits, of the larger of the two and at least of one hundredth. */
static void assert_close(double got, double want, const char *what)
{
    double scale = fmax(fmax(fabs(got), fabs(want)), 0.01);
    if (!(fabs(got - want) <= 1e-4 * scale))
        fail_msg("%s: got %.8g, the reference has %.8g", what, got, want);
}

typedef void (*obs_fn)(void *arg, uint32_t slot, float value);

/* Measurements of strokes from..to of a session; a flight belongs to the stroke that it ends in. */
static void each_obs(const struct idem_zoning *z, const struct idem_recording *rec,
                     const struct idem_session *s, uint32_t from, uint32_t to, obs_fn fn, void *arg)
{
    const struct idem_stroke *k = rec->strokes + s->first;
    for (uint32_t i = from; i < to && i < s->count; i++) {
        float v;
        fn(arg, idem_slot_hold(z, k[i].code), idem_hold_value(k[i].press_us, k[i].release_us));
        if (i > 0 && idem_flight_value(k[i - 1].press_us, k[i - 1].release_us, k[i].press_us, &v))
            fn(arg, idem_slot_flight(z, k[i - 1].code, k[i].code), v);
    }
}

static void add_time(void *arg, uint32_t slot, float value)
{
    idem_slot_times_add((struct idem_slot_times *)arg + slot, (double)value);
}

struct file_arg {
    struct fixture *f;
    float *stats;
};

static void add_square(void *arg, uint32_t slot, float value)
{
    struct fixture *f = arg;
    const int32_t c = f->front->cell_of_slot[slot];
    float one[IDEM_CONTRASTS] = {0};
    if (c < 0)
        return;
    idem_histogram_add(f->front->edges + (size_t)c * IDEM_EDGES, value, one);
    for (size_t k = 0; k < IDEM_CONTRASTS; k++)
        f->corpus.square[(size_t)c * IDEM_CONTRASTS + k] += (double)one[k] * (double)one[k];
}

static void add_stat(void *arg, uint32_t slot, float value)
{
    struct file_arg *a = arg;
    idem_front_file(a->f->front, slot, value, a->stats);
}

static void sum_sessions(struct fixture *f, const struct idem_recording *rec, uint32_t person,
                         uint32_t from, uint32_t to, float *stats)
{
    struct file_arg arg = {f, stats};
    for (uint32_t s = from; s < to; s++)
        each_obs(&f->front->zoning, rec, &rec->sessions[rec->people[person].first + s], 0,
                 UINT32_MAX, add_stat, &arg);
}

static void learn_front(struct fixture *f)
{
    struct idem_zoning z;
    assert_int_equal(idem_zoning_init(&z, IDEM_LEVEL_MIXED), 0);
    struct idem_slot_times *t = calloc(idem_zoning_slots(&z), sizeof *t);
    for (uint32_t s = 0; s < f->train->session_count; s++)
        each_obs(&z, f->train, &f->train->sessions[s], 0, UINT32_MAX, add_time, t);
    assert_int_equal(
        idem_keyboard_front_learn(IDEM_LEVEL_MIXED, &z, t, idem_zoning_slots(&z), &f->front), 0);
    assert_int_equal(idem_front_seal(f->front), 0);
    free(t);
}

static void slice_session(struct fixture *f, const struct idem_session *s, float *stats)
{
    const size_t len = idem_shape_len(f->corpus.shape);
    struct file_arg arg = {f, stats};
    for (uint32_t at = 0; at < s->count; at += f->slice) {
        memset(stats, 0, len * sizeof *stats);
        each_obs(&f->front->zoning, f->train, s, at, at + f->slice, add_stat, &arg);
        assert_int_equal(idem_corpus_slice(&f->corpus, stats, (float)f->slice), 0);
    }
}

static void learn_corpus(struct fixture *f)
{
    struct idem_shape shape = idem_front_shape(f->front, IDEM_KEYBOARD);
    float *stats = malloc(idem_shape_len(shape) * sizeof *stats);

    assert_int_equal(idem_corpus_init(&f->corpus, shape), 0);
    idem_keyboard_discounts(f->front, f->corpus.discount);
    for (uint32_t s = 0; s < f->train->session_count; s++)
        each_obs(&f->front->zoning, f->train, &f->train->sessions[s], 0, UINT32_MAX, add_square, f);
    for (uint32_t u = 0; u < f->train->person_count; u++) {
        assert_int_equal(idem_corpus_person(&f->corpus), 0);
        for (uint32_t s = 0; s < f->train->people[u].count; s++)
            slice_session(f, &f->train->sessions[f->train->people[u].first + s], stats);
    }
    free(stats);
}

/* Number (c, k) of a golden table of cells by contrasts. */
static json_t *golden_stat(const struct fixture *f, const char *table, size_t c, size_t k)
{
    return json_array_get(json_array_get(json_object_get(f->golden, table), c), k);
}

/* Where our arrays keep contrast k of golden cell c. */
static size_t our_stat(const struct fixture *f, size_t c, size_t k)
{
    return (size_t)f->cell[c] * IDEM_CONTRASTS + k;
}

/* Whole people are the units. */
static float *sum_people(const struct fixture *f, const float **units)
{
    const size_t len = idem_shape_len(f->corpus.shape);
    float *sums = calloc(f->corpus.count * len, sizeof *sums);
    for (size_t u = 0; u < f->corpus.count; u++) {
        units[u] = sums + u * len;
        for (uint32_t i = 0; i < f->corpus.people[u].count; i++) {
            for (size_t k = 0; k < len; k++)
                sums[u * len + k] += f->corpus.people[u].stats[i * len + k];
        }
    }
    return sums;
}

static void learn_model(struct fixture *f)
{
    const struct idem_learn_options opt = idem_learn_defaults(IDEM_KEYBOARD);
    uint32_t rank = (uint32_t)json_integer_value(json_object_get(f->golden, "rank"));
    const float **units = calloc(f->corpus.count, sizeof *units);
    float *sums = sum_people(f, units);
    struct idem_em_options em = opt.em;
    struct idem_plda_options plda = opt.plda;

    assert_int_equal(idem_model_alloc(&f->model, f->corpus.shape, rank), 0);
    idem_learn_weights(&f->corpus, units, f->corpus.count, &opt, f->model.weight);
    for (size_t c = 0; c < f->front->cells; c++) {
        for (size_t k = 0; k < IDEM_CONTRASTS; k++) {
            for (size_t i = 0; i < rank; i++)
                f->model.load[our_stat(f, c, k) * rank + i] =
                    (float)number(golden_stat(f, "start", c, k), i);
        }
    }
    em.given_start = true;
    assert_int_equal(idem_eigenvoice_train(&f->model, units, f->corpus.count, &em, NULL, NULL), 0);
    plda.piece = (float)f->slice;
    assert_int_equal(idem_plda_learn(&f->corpus, NULL, &plda, &f->model), 0);
    free(sums);
    free(units);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct idem_fault fault;
    json_error_t error;

    *state = f;
    f->golden = json_load_file(GOLDEN "/golden.json", 0, &error);
    assert_non_null(f->golden);
    assert_int_equal(idem_recording_read(GOLDEN "/golden_train.csv", NULL, &f->train, &fault), 0);
    assert_int_equal(idem_recording_read(GOLDEN "/golden_test.csv", NULL, &f->test, &fault), 0);
    f->slice = (uint32_t)json_integer_value(json_object_get(f->golden, "slice"));
    learn_front(f);
    json_t *cells = json_object_get(f->golden, "cells");
    f->cell = calloc(f->front->slots, sizeof *f->cell);
    for (size_t i = 0; i < json_array_size(cells); i++) {
        int32_t c = f->front->cell_of_slot[slot_of(&f->front->zoning, json_array_get(cells, i))];
        assert_true(c >= 0);
        f->cell[i] = (uint32_t)c;
    }
    learn_corpus(f);
    learn_model(f);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    idem_model_free(&f->model);
    idem_corpus_fini(&f->corpus);
    idem_front_free(f->front);
    idem_recording_free(f->train);
    idem_recording_free(f->test);
    json_decref(f->golden);
    free(f->cell);
    free(f);
    return 0;
}

static void test_cells_and_edges(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(json_array_size(json_object_get(f->golden, "cells")), f->front->cells);
    for (size_t c = 0; c < f->front->cells; c++) {
        for (size_t e = 0; e < IDEM_EDGES; e++)
            assert_close((double)f->front->edges[(size_t)f->cell[c] * IDEM_EDGES + e],
                         json_number_value(golden_stat(f, "edges", c, e)), "edge");
    }
}

static void test_weights(void **state)
{
    struct fixture *f = *state;
    for (size_t c = 0; c < f->front->cells; c++) {
        for (size_t k = 0; k < IDEM_CONTRASTS; k++)
            assert_close((double)f->model.weight[our_stat(f, c, k)],
                         json_number_value(golden_stat(f, "weight", c, k)), "weight");
    }
}

static void test_eigenvoices(void **state)
{
    struct fixture *f = *state;
    for (size_t c = 0; c < f->front->cells; c++) {
        for (size_t k = 0; k < IDEM_CONTRASTS; k++) {
            for (size_t i = 0; i < f->model.rank; i++)
                assert_close((double)f->model.load[our_stat(f, c, k) * f->model.rank + i],
                             number(golden_stat(f, "load", c, k), i), "T");
        }
    }
}

/* Directions are known up to their sign. */
static void test_embedding(void **state)
{
    struct fixture *f = *state;
    const struct idem_model *m = &f->model;
    const struct {
        const char *name;
        const float *ours;
    } arrays[] = {{"centre", m->centre},
                  {"between", m->between},
                  {"session", m->session},
                  {"noise", m->noise}};
    for (size_t a = 0; a < sizeof arrays / sizeof arrays[0]; a++) {
        for (size_t i = 0; i < m->rank; i++)
            assert_close((double)arrays[a].ours[i],
                         number(json_object_get(f->golden, arrays[a].name), i), arrays[a].name);
    }
    for (size_t i = 0; i < m->rank; i++) {
        json_t *row = json_array_get(json_object_get(f->golden, "rotate"), i);
        const float *ours = m->rotate + i * m->rank;
        double product = 0;
        for (size_t k = 0; k < m->rank; k++)
            product += (double)ours[k] * number(row, k);
        for (size_t k = 0; k < m->rank; k++)
            assert_close(copysign(1, product) * (double)ours[k], number(row, k), "rotation");
    }
}

static void test_scores(void **state)
{
    struct fixture *f = *state;
    json_t *scores = json_object_get(f->golden, "scores");
    uint32_t enrol = (uint32_t)json_integer_value(json_object_get(f->golden, "enrol"));
    size_t len = idem_shape_len(f->corpus.shape), people = f->test->person_count;
    float *P = calloc(people * len, sizeof *P), *S = calloc(people * len, sizeof *S);
    double *scratch = malloc(idem_raw_score_scratch(&f->model) * sizeof *scratch);

    for (uint32_t u = 0; u < people; u++) {
        sum_sessions(f, f->test, u, 0, enrol, P + u * len);
        sum_sessions(f, f->test, u, enrol, enrol + 1, S + u * len);
    }
    assert_int_equal(json_array_size(scores), people);
    for (size_t u = 0; u < people; u++) {
        for (size_t p = 0; p < people; p++)
            assert_close(idem_raw_score(&f->model, P + u * len, S + p * len, scratch),
                         number(json_array_get(scores, u), p), "score");
    }
    free(P);
    free(S);
    free(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_and_edges), cmocka_unit_test(test_weights),
        cmocka_unit_test(test_eigenvoices),     cmocka_unit_test(test_embedding),
        cmocka_unit_test(test_scores),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
