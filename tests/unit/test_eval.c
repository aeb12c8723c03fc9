/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_eval.c - learning from recordings and the three protocols, on simulated people: who is
 * compared with whom, and that people are told apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/cast.h"
#include "eval/compare.h"
#include "eval/learning.h"
#include "eval/parallel.h"
#include "eval/protocol.h"
#include "people.h"

enum { SESSIONS = 4, KEYS = 60 };

/* ------------------------------------------------------------------ recordings */

static struct idem_recording *blank(enum idem_modality modality, uint32_t people, uint32_t sessions,
                                    uint32_t rows)
{
    static const char *const names[] = {"one", "two", "three", "four"};
    struct idem_recording *rec = calloc(1, sizeof *rec);
    rec->modality = modality;
    rec->people = calloc(people, sizeof *rec->people);
    rec->sessions = calloc((size_t)people * sessions, sizeof *rec->sessions);
    rec->person_count = people;
    rec->session_count = people * sessions;
    rec->row_count = people * sessions * rows;
    for (uint32_t p = 0; p < people; p++)
        rec->people[p] = (struct idem_person){"somebody", p * sessions, sessions};
    for (uint32_t s = 0; s < rec->session_count; s++)
        rec->sessions[s] = (struct idem_session){.name = names[s % sessions],
                                                 .person = s / sessions,
                                                 .first = s * rows,
                                                 .count = rows,
                                                 .illegal = IDEM_LABEL_NONE,
                                                 .day = NAN};
    return rec;
}

/* Downs and ups of one key belong together in order. */
static void pair_up(const struct key_event *events, size_t count, struct idem_stroke *out)
{
    size_t down_at[IDEM_KEYS], n = 0;
    for (size_t i = 0; i < count; i++) {
        if (events[i].action == IDEM_KEY_DOWN) {
            down_at[events[i].key] = n;
            out[n++] = (struct idem_stroke){
                .press_us = events[i].t_us, .code = (uint8_t)events[i].key, .released = true};
        } else {
            out[down_at[events[i].key]].release_us = events[i].t_us;
        }
    }
}

/* People first..first + people - 1 of the simulated world, each typing the same number of sessions.
 */
static struct idem_recording *typed(uint32_t first, uint32_t people)
{
    struct idem_recording *rec = blank(IDEM_KEYBOARD, people, SESSIONS, KEYS);
    struct key_event events[2 * KEYS];
    struct person person;
    rec->strokes = calloc(rec->row_count, sizeof *rec->strokes);
    for (uint32_t p = 0; p < people; p++) {
        person_draw(&person, first + p);
        struct typist typist = typist_new(&person, 900 + first + p);
        for (uint32_t s = 0; s < SESSIONS; s++) {
            typist_type(&typist, KEYS, events);
            pair_up(events, 2 * KEYS, rec->strokes + (p * SESSIONS + s) * KEYS);
        }
    }
    return rec;
}

enum { MOTIONS = 1024 };

/* Movements of minimum jerk at 100 reports a second, each ended by a click; people differ in speed
 * and in aim. */
static void move_pointer(struct idem_motion *out, uint32_t person, struct idem_rng *rng)
{
    double speed = 900 + 150 * (person % 12), bow = 0.04 * (person % 5) - 0.08, x = 500, y = 400;
    int64_t t = 0;
    for (uint32_t i = 0; i < MOTIONS;) {
        double to_x = 1000 * idem_rng_uniform(rng), to_y = 800 * idem_rng_uniform(rng);
        double far = hypot(to_x - x, to_y - y) + 1;
        double takes = far / (speed * exp(0.15 * idem_rng_normal(rng)));
        int steps = (int)(takes * 100) + 5;
        for (int k = 1; k <= steps && i < MOTIONS; k++, t += 10000) {
            double u = (double)k / steps, s = u * u * u * (10 - 15 * u + 6 * u * u);
            double side = bow * far * sin(3.1416 * s);
            out[i++] =
                (struct idem_motion){.t_us = t,
                                     .x = (float)(x + s * (to_x - x) - side * (to_y - y) / far),
                                     .y = (float)(y + s * (to_y - y) + side * (to_x - x) / far)};
        }
        for (int up = 0; up < 2 && i < MOTIONS; up++, t += 80000)
            out[i++] = (struct idem_motion){.t_us = t,
                                            .x = (float)to_x,
                                            .y = (float)to_y,
                                            .kind = up ? IDEM_POINTER_RELEASE : IDEM_POINTER_PRESS};
        x = to_x;
        y = to_y;
        t += 500000;
    }
}

/* Sessions one and two are marked train, three and four test. */
static struct idem_recording *moved(uint32_t first, uint32_t people)
{
    struct idem_recording *rec = blank(IDEM_POINTER, people, SESSIONS, MOTIONS);
    struct idem_rng rng;
    idem_rng_seed(&rng, 5000 + first);
    rec->motions = calloc(rec->row_count, sizeof *rec->motions);
    for (uint32_t s = 0; s < rec->session_count; s++) {
        rec->sessions[s].split = s % SESSIONS < 2 ? IDEM_SPLIT_TRAIN : IDEM_SPLIT_TEST;
        move_pointer(rec->motions + (size_t)s * MOTIONS, first + s / SESSIONS, &rng);
    }
    return rec;
}

static struct idem_learned learn(struct idem_recording *rec, const char *level, const char *flights)
{
    const struct idem_learning how = {.level = level, .flights = flights, .calibrate = true};
    struct idem_learned learned;
    struct idem_fault fault = {""};
    if (idem_learn_recordings(&rec, 1, &how, &learned, &fault) < 0)
        fail_msg("%s", fault.text);
    return learned;
}

/* ------------------------------------------------------------------ who with whom */

static void sessions_are_chosen_by_number_name_or_split(void **state)
{
    (void)state;
    const struct idem_session three = {.name = "3min_a", .split = IDEM_SPLIT_TRAIN},
                              one = {.name = "1min_b", .split = IDEM_SPLIT_TEST},
                              none = {.name = "free"};
    const struct idem_protocol number = {.enrol = 2}, split = {0},
                               name = {.enrol = 2, .enrol_match = "3min", .probe_match = "1min"},
                               half = {.enrol_match = "3min"};
    assert_true(idem_protocol_enrols(&number, &one, 1) && !idem_protocol_probes(&number, &one, 1));
    assert_true(!idem_protocol_enrols(&number, &one, 2) && idem_protocol_probes(&number, &one, 2));
    assert_true(idem_protocol_enrols(&name, &three, 9) && !idem_protocol_probes(&name, &three, 9));
    assert_true(!idem_protocol_enrols(&name, &one, 0) && idem_protocol_probes(&name, &one, 0));
    assert_false(idem_protocol_probes(&name, &none, 5));
    assert_true(idem_protocol_probes(&half, &none, 0));
    assert_true(idem_protocol_enrols(&split, &three, 0) && idem_protocol_probes(&split, &one, 0));
    assert_false(idem_protocol_enrols(&split, &none, 0) || idem_protocol_probes(&split, &none, 0));
}

/* Counts as an independent reading of the protocol's text has them. */
static void verify_compares_as_published(void **state)
{
    (void)state;
    struct idem_recording *train = typed(100, 30), *test = typed(1, 6);
    struct idem_learned learned = learn(train, "mixed", "ud");
    const struct idem_protocol whole = {.enrol = 2, .probe = 50},
                               cut = {.enrol = 2, .probe = 25, .cut = true};
    struct idem_setup setup;
    size_t genuine = 0;
    assert_int_equal(
        idem_setup_verify(test, learned.population->front, &learned.filing, &whole, &setup), 0);
    assert_int_equal(setup.profiles.count, 6);
    assert_int_equal(setup.probes.count, 12);
    assert_true(setup.profiles.strokes[0] == 100); /* the first 50 keys of either session */
    assert_true(setup.probes.strokes[0] == 50);
    assert_int_equal(setup.comparisons.results.count, 6 * 2 + 6 * 5);
    for (size_t i = 0; i < setup.comparisons.results.count; i++) {
        const struct idem_result *r = &setup.comparisons.results.list[i];
        genuine += r->genuine;
        assert_int_equal(setup.comparisons.probe[i] / 2, r->other);
        if (!r->genuine) /* the first probe of the other person, never a later one */
            assert_int_equal(setup.comparisons.probe[i] % 2, 0);
    }
    assert_int_equal(genuine, 12);
    idem_setup_fini(&setup);
    assert_int_equal(
        idem_setup_verify(test, learned.population->front, &learned.filing, &cut, &setup), 0);
    assert_int_equal(setup.probes.count, 6 * 2 * 2); /* two whole runs of 25 in 60 keys */
    assert_true(setup.profiles.strokes[0] == 2 * KEYS);
    assert_int_equal(setup.comparisons.results.count, 6 * 4 + 6 * 5);
    idem_setup_fini(&setup);
    const struct idem_protocol greedy = {.enrol = SESSIONS, .probe = 50};
    assert_int_equal(
        idem_setup_verify(test, learned.population->front, &learned.filing, &greedy, &setup),
        IDEM_ERR_TOO_LITTLE);
    idem_population_free(learned.population);
    idem_recording_free(train);
    idem_recording_free(test);
}

static struct idem_evaluation score(const struct idem_learned *learned, enum idem_modality modality,
                                    struct idem_setup *setup)
{
    struct idem_evaluation e;
    assert_int_equal(idem_compare(&learned->population->model[modality], &setup->profiles,
                                  &setup->probes, NULL, &setup->comparisons),
                     0);
    assert_int_equal(idem_evaluate(&setup->comparisons.results, &e), 0);
    return e;
}

static void typists_are_told_apart_whatever_the_threads(void **state)
{
    (void)state;
    struct idem_recording *train = typed(100, 200), *test = typed(1, 16);
    const struct idem_protocol protocol = {.enrol = 2, .probe = 50};
    struct idem_evaluation e[2];
    for (int i = 0; i < 2; i++) {
        struct idem_setup setup;
        idem_parallel_threads(i ? 5 : 1);
        struct idem_learned learned = learn(train, "mixed", "ud");
        assert_int_equal(
            idem_setup_verify(test, learned.population->front, &learned.filing, &protocol, &setup),
            0);
        e[i] = score(&learned, IDEM_KEYBOARD, &setup);
        idem_setup_fini(&setup);
        idem_population_free(learned.population);
    }
    idem_parallel_threads(0);
    assert_true(e[0].figures.auc > 0.95);
    assert_memory_equal(&e[0], &e[1], sizeof e[0]);
    idem_recording_free(train);
    idem_recording_free(test);
}

/* A score made by the comparison engine is the one that the server makes of the same windows. */
static void comparisons_score_like_the_server(void **state)
{
    (void)state;
    struct idem_recording *train = typed(100, 40), *test = typed(1, 3);
    struct idem_learned learned = learn(train, "mixed", "ud");
    const struct idem_model *model = &learned.population->model[IDEM_KEYBOARD];
    const struct idem_protocol protocol = {.enrol = 2, .probe = 50};
    const struct idem_compare_options raw = {.raw = true};
    struct idem_setup setup;
    assert_int_equal(
        idem_setup_verify(test, learned.population->front, &learned.filing, &protocol, &setup), 0);
    assert_int_equal(idem_compare(model, &setup.profiles, &setup.probes, &raw, &setup.comparisons),
                     0);
    double *scratch = malloc(idem_raw_score_scratch(model) * sizeof *scratch);
    for (size_t i = 0; i < setup.comparisons.results.count; i++) {
        const struct idem_result *r = &setup.comparisons.results.list[i];
        double alone =
            idem_raw_score(model, idem_stat_set_at(&setup.profiles, r->user),
                           idem_stat_set_at(&setup.probes, setup.comparisons.probe[i]), scratch);
        assert_true(fabs(alone - r->score) < 1e-6);
    }
    free(scratch);
    idem_setup_fini(&setup);
    idem_population_free(learned.population);
    idem_recording_free(train);
    idem_recording_free(test);
}

/* ------------------------------------------------------------------ folds */

enum { CAST = 24, CAST_FOLDS = 2 };

static struct idem_cast cast_of(struct idem_recording *rec)
{
    struct idem_recording *const recs[IDEM_MODALITIES] = {rec};
    const struct idem_cast_options options = {.folds = CAST_FOLDS,
                                              .learning = {.level = "mixed", .flights = "ud"}};
    struct idem_fault fault = {""};
    struct idem_cast cast;
    if (idem_cast_new(recs, &options, &cast, &fault) < 0)
        fail_msg("%s", fault.text);
    return cast;
}

static bool same_model(const struct idem_cast *a, const struct idem_cast *b, uint32_t person)
{
    const struct idem_model *x = &idem_cast_population(a, person)->model[IDEM_KEYBOARD];
    const struct idem_model *y = &idem_cast_population(b, person)->model[IDEM_KEYBOARD];
    return x->shape.cells == y->shape.cells && x->rank == y->rank &&
           memcmp(x->load, y->load, idem_shape_dims(x->shape) * x->rank * sizeof *x->load) == 0;
}

/* Person 4 types otherwise: his population and that of all who may take his place stays as it is,
 * that of the others changes. */
static void a_fold_knows_neither_its_people_nor_their_strangers(void **state)
{
    (void)state;
    struct idem_recording *rec = typed(100, CAST), *changed = typed(100, CAST);
    for (uint32_t i = 4 * SESSIONS * KEYS; i < 5 * SESSIONS * KEYS; i++)
        changed->strokes[i].release_us += 30000 + 500 * (i % 40);
    struct idem_cast cast = cast_of(rec), other = cast_of(changed);
    assert_int_equal(cast.population_count, CAST_FOLDS);
    for (uint32_t f = 0; f < CAST_FOLDS; f++)
        assert_int_equal(cast.populations[f].people[IDEM_KEYBOARD], CAST / CAST_FOLDS);
    for (uint32_t p = 0; p < CAST; p++) {
        assert_int_equal(same_model(&cast, &other, p), p % CAST_FOLDS == 4 % CAST_FOLDS);
        assert_int_equal(idem_cast_strangers(&cast, 4, p),
                         p != 4 && p % CAST_FOLDS == 4 % CAST_FOLDS);
    }
    idem_cast_free(&cast);
    idem_cast_free(&other);
    idem_recording_free(rec);
    idem_recording_free(changed);
}

/* ------------------------------------------------------------------ levels that stay here */

static void offline_levels_can_neither_be_written_nor_served(void **state)
{
    (void)state;
    static const char *const ways[][2] = {{"key", "ud"}, {"mixed", "dd,ud,uu"}, {"hand", "dd"}};
    struct idem_recording *train = typed(100, 30);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct idem_learned learned = learn(train, ways[i][0], ways[i][1]);
        struct idem_filing filing;
        void *bytes = NULL;
        size_t len = 0;
        assert_int_equal(idem_population_write(learned.population, &bytes, &len), IDEM_ERR_LEVEL);
        assert_null(bytes);
        assert_null(idem_population_front_bytes(learned.population, &len));
        assert_int_equal(idem_filing_of_front(&filing, learned.population->front), IDEM_ERR_LEVEL);
        idem_population_free(learned.population);
    }
    idem_recording_free(train);
}

static void several_flights_have_slots_of_their_own(void **state)
{
    (void)state;
    const struct idem_stroke s[2] = {
        {.press_us = 0, .release_us = 90000, .code = 30, .released = true},
        {.press_us = 150000, .release_us = 230000, .code = 36, .released = true}};
    struct idem_filing filing;
    struct idem_obs obs[2 * IDEM_OBS_PER_STROKE];
    assert_int_equal(idem_filing_init(&filing, "hand", "dd,ud,uu", NULL), 0);
    uint32_t pairs = (uint32_t)filing.zoning.flights * filing.zoning.flights;
    assert_int_equal(filing.slots, filing.zoning.holds + 3 * pairs);
    assert_int_equal(idem_filing_strokes(&filing, NULL, s, 2, obs), 5);
    assert_int_equal(obs[2].slot, obs[1].slot + pairs);
    assert_int_equal(obs[3].slot, obs[2].slot + pairs);
    assert_true(fabs((double)obs[1].value - 150) < 1e-4); /* press to press */
    assert_true(fabs((double)obs[2].value - 60) < 1e-4);
    assert_true(fabs((double)obs[3].value - 140) < 1e-4); /* release to release */
    assert_true(fabs((double)obs[4].value - 80) < 1e-4);
    assert_int_equal(idem_filing_strokes(&filing, &s[0], &s[1], 1, obs),
                     4); /* carried over a cut */
    assert_int_equal(idem_filing_init(&filing, "mixed", "du", NULL), IDEM_ERR_INVALID);
    assert_int_equal(idem_filing_init(&filing, "mixed", "ud,ud", NULL), IDEM_ERR_INVALID);
    assert_int_equal(idem_filing_init(&filing, "mixed", "", NULL), IDEM_ERR_INVALID);
    assert_int_equal(idem_filing_init(&filing, "key", "ud", NULL), IDEM_ERR_INVALID);
    assert_true(idem_filing_init(&filing, "toe", "ud", NULL) < 0);
}

static void too_few_people_teach_nothing(void **state)
{
    (void)state;
    struct idem_recording *few = typed(1, 5);
    const struct idem_learning how = {.level = "mixed", .flights = "ud"};
    struct idem_learned learned;
    struct idem_fault fault = {""};
    assert_int_equal(idem_learn_recordings(&few, 1, &how, &learned, &fault), IDEM_ERR_TOO_LITTLE);
    assert_non_null(strstr(fault.text, "keyboard population: too few people"));
    idem_recording_free(few);
}

/* ------------------------------------------------------------------ the pointer */

static void blocks_are_runs_of_events(void **state)
{
    (void)state;
    struct idem_recording *train = moved(100, 30), *test = moved(1, 8);
    struct idem_learned learned = learn(train, "mixed", "ud");
    const struct idem_protocol protocol = {.events = 128, .blocks = 3};
    struct idem_traces traces;
    struct idem_setup setup;
    double before = 0.6; /* longer runs tell more */
    assert_int_equal(idem_traces_make(test, &traces), 0);
    for (uint32_t run = 1; run <= 3; run++) {
        uint32_t each = 2 * (MOTIONS / 128 - run + 1); /* two test sessions a person */
        assert_int_equal(
            idem_setup_blocks(test, &traces, learned.population->front, &protocol, run, &setup), 0);
        assert_int_equal(setup.profiles.count, 8);
        assert_int_equal(setup.probes.count, 8 * each);
        assert_int_equal(setup.comparisons.results.count, 8 * 8 * each);
        struct idem_evaluation e = score(&learned, IDEM_POINTER, &setup);
        assert_int_equal(e.genuine, 8 * each);
        assert_true(e.figures.auc > before);
        before = e.figures.auc;
        idem_setup_fini(&setup);
    }
    idem_traces_free(&traces);
    idem_population_free(learned.population);
    idem_recording_free(train);
    idem_recording_free(test);
}

static void challenge_takes_labelled_test_sessions(void **state)
{
    (void)state;
    struct idem_recording *train = moved(100, 30), *test = moved(1, 6);
    struct idem_learned learned = learn(train, "mixed", "ud");
    struct idem_traces traces;
    struct idem_setup setup;
    test->sessions[2].illegal = IDEM_LABEL_OWNER;
    test->sessions[0].illegal = IDEM_LABEL_OTHER; /* marked train: no probe */
    for (uint32_t p = 1; p < 6; p++) {            /* people's test sessions swapped by one person */
        test->sessions[4 * p + 2].illegal = IDEM_LABEL_OWNER;
        test->sessions[4 * p + 3].illegal = IDEM_LABEL_OTHER;
        test->sessions[4 * p + 3].first = (4 * (p - 1) + 2) * MOTIONS;
    }
    assert_int_equal(idem_traces_make(test, &traces), 0);
    assert_int_equal(idem_setup_challenge(test, &traces, learned.population->front, &setup), 0);
    assert_int_equal(setup.probes.count, 11);
    struct idem_evaluation e = score(&learned, IDEM_POINTER, &setup);
    assert_int_equal(e.genuine, 6);
    assert_int_equal(e.impostor, 5);
    assert_true(e.figures.auc > 0.85);
    idem_setup_fini(&setup);
    for (uint32_t s = 0; s < test->session_count; s++)
        test->sessions[s].illegal = IDEM_LABEL_NONE;
    assert_int_equal(idem_setup_challenge(test, &traces, learned.population->front, &setup),
                     IDEM_ERR_TOO_LITTLE);
    idem_traces_free(&traces);
    idem_population_free(learned.population);
    idem_recording_free(train);
    idem_recording_free(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_are_chosen_by_number_name_or_split),
        cmocka_unit_test(verify_compares_as_published),
        cmocka_unit_test(typists_are_told_apart_whatever_the_threads),
        cmocka_unit_test(comparisons_score_like_the_server),
        cmocka_unit_test(a_fold_knows_neither_its_people_nor_their_strangers),
        cmocka_unit_test(offline_levels_can_neither_be_written_nor_served),
        cmocka_unit_test(several_flights_have_slots_of_their_own),
        cmocka_unit_test(too_few_people_teach_nothing),
        cmocka_unit_test(blocks_are_runs_of_events),
        cmocka_unit_test(challenge_takes_labelled_test_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
