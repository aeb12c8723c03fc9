/* SPDX-License-Identifier: Apache-2.0 */
/* people.c - see people.h. Whatever fails here is a fault of the test: it ends the program. */
#include "people.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(call)                                                                                \
    do {                                                                                           \
        int check_err = (call);                                                                    \
        if (check_err != 0) {                                                                      \
            fprintf(stderr, "%s: %s\n", #call, idem_strerror(check_err));                          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum { DIRECTIONS = 4, SLICE_KEYS = 25 };

static const double hold_sd = 0.22, flight_sd = 0.5;

/* Common directions in which the simulated people differ; fixed once for the whole world. */
static double direction(uint32_t cell, uint32_t d)
{
    struct idem_rng rng;
    idem_rng_seed(&rng, 77000 + cell * DIRECTIONS + d);
    return idem_rng_normal(&rng);
}

void person_draw(struct person *person, uint64_t seed)
{
    struct idem_rng rng;
    double w[DIRECTIONS];

    idem_rng_seed(&rng, 31337 * seed + 1);
    for (int d = 0; d < DIRECTIONS; d++)
        w[d] = idem_rng_normal(&rng);
    for (uint32_t c = 0; c < PEOPLE_HOLDS + PEOPLE_HANDS * PEOPLE_HANDS; c++) {
        double shift = 0.25 * idem_rng_normal(&rng);
        for (uint32_t d = 0; d < DIRECTIONS; d++)
            shift += 0.6 * w[d] * direction(c, d);
        if (c < PEOPLE_HOLDS)
            person->hold[c] = log(95) + 0.108 * shift;
        else
            person->flight[c - PEOPLE_HOLDS] = 1.3 + 0.24 * shift;
    }
}

struct typist typist_new(const struct person *person, uint64_t seed)
{
    struct typist t = {.person = person, .now_us = 1000000};
    idem_rng_seed(&t.rng, seed);
    return t;
}

/* Letters with a space now and then and a rare backspace; never the same key twice in a row. */
static uint32_t pick_key(struct idem_rng *rng, uint32_t before)
{
    static const uint32_t letters[] = {16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 30, 31, 32,
                                       33, 34, 35, 36, 37, 38, 44, 45, 46, 47, 48, 49, 50};
    uint32_t key = before;
    while (key == before) {
        uint32_t dice = idem_rng_below(rng, 100);
        key = dice < 15   ? 57
              : dice < 18 ? 14
                          : letters[idem_rng_below(rng, sizeof letters / sizeof letters[0])];
    }
    return key;
}

static int by_time(const void *a, const void *b)
{
    const struct key_event *x = a, *y = b;
    if (x->t_us != y->t_us)
        return x->t_us < y->t_us ? -1 : 1;
    return (x->action == IDEM_KEY_DOWN) - (y->action == IDEM_KEY_DOWN);
}

void typist_read(struct typist *t, uint64_t seed)
{
    idem_rng_seed(&t->text, seed);
    t->reading = true;
}

void typist_type(struct typist *t, size_t keys, struct key_event *events)
{
    static struct idem_zoning z; /* the same for everybody */
    int64_t up[IDEM_KEYS] = {0}, press = t->now_us, release = 0, last = t->now_us;
    uint32_t before = 0;

    CHECK(idem_zoning_init(&z, IDEM_LEVEL_MIXED));
    for (size_t i = 0; i < keys; i++) {
        uint32_t key = pick_key(t->reading ? &t->text : &t->rng, before);
        if (i > 0) {
            double v = t->person->flight[z.flight[before] * z.flights + z.flight[key]] +
                       flight_sd * idem_rng_normal(&t->rng);
            int64_t flight = (int64_t)(1000 * copysign(30 * expm1(fabs(v)), v));
            int64_t next = release + flight;
            press = next > press + 8000 ? next : press + 8000;
        }
        press = press > up[key] ? press : up[key] + 5000;
        double hold = t->person->hold[z.hold[key]] + hold_sd * idem_rng_normal(&t->rng);
        release = up[key] = press + (int64_t)(1000 * exp(hold));
        last = release > last ? release : last;
        events[2 * i] = (struct key_event){press, key, IDEM_KEY_DOWN};
        events[2 * i + 1] = (struct key_event){release, key, IDEM_KEY_UP};
        before = key;
    }
    qsort(events, 2 * keys, sizeof *events, by_time);
    t->now_us = last + 400000;
}

struct idem_window *typist_window(struct typist *t, const struct idem_front *front, uint32_t keys)
{
    struct key_event *events = calloc(2 * (size_t)keys, sizeof *events);
    struct idem_keyboard *kb = NULL;
    struct idem_window *w = NULL;

    typist_type(t, keys, events);
    CHECK(idem_keyboard_new(front, keys, &kb));
    CHECK(idem_window_new(front, IDEM_KEYBOARD, &w));
    for (size_t i = 0; i < 2 * (size_t)keys; i++)
        idem_keyboard_event(kb, events[i].key, events[i].action, events[i].t_us);
    CHECK(idem_keyboard_take(kb, w));
    idem_keyboard_free(kb);
    free(events);
    return w;
}

typedef void (*each_fn)(void *arg, const struct idem_obs *obs);

/* All measurements of `keys` keystrokes of one person. */
static void each_obs(uint64_t person_seed, uint32_t keys, const struct idem_zoning *z, each_fn fn,
                     void *arg)
{
    struct key_event *events = calloc(2 * (size_t)keys, sizeof *events);
    struct idem_obs obs[IDEM_OBS_PER_EVENT];
    struct idem_chain chain;
    struct person person;
    uint32_t strokes;

    person_draw(&person, person_seed);
    struct typist t = typist_new(&person, 1000 + person_seed);
    typist_type(&t, keys, events);
    idem_chain_init(&chain);
    for (size_t i = 0; i < 2 * (size_t)keys; i++) {
        uint32_t n = idem_chain_event(&chain, z, events[i].key, events[i].action, events[i].t_us,
                                      obs, &strokes);
        for (uint32_t k = 0; k < n; k++)
            fn(arg, &obs[k]);
    }
    free(events);
}

static void add_time(void *arg, const struct idem_obs *obs)
{
    idem_slot_times_add((struct idem_slot_times *)arg + obs->slot, (double)obs->value);
}

struct idem_front *people_front(uint32_t count, uint32_t keys)
{
    struct idem_front *front = NULL;
    struct idem_zoning z;

    CHECK(idem_zoning_init(&z, IDEM_LEVEL_MIXED));
    struct idem_slot_times *times = calloc(idem_zoning_slots(&z), sizeof *times);
    for (uint32_t u = 1; u <= count; u++)
        each_obs(u, keys, &z, add_time, times);
    CHECK(idem_keyboard_front_learn(IDEM_LEVEL_MIXED, &z, times, idem_zoning_slots(&z), &front));
    CHECK(idem_front_seal(front));
    free(times);
    return front;
}

struct slicing {
    const struct idem_front *front;
    struct idem_corpus *corpus;
    float *stats;
    uint32_t holds;
};

static void add_slice(void *arg, const struct idem_obs *obs)
{
    struct slicing *s = arg;
    int32_t c = s->front->cell_of_slot[obs->slot];
    bool hold = obs->slot < s->front->zoning.holds;

    if (hold && s->holds == SLICE_KEYS) {
        CHECK(idem_corpus_slice(s->corpus, s->stats, SLICE_KEYS));
        memset(s->stats, 0, idem_shape_len(s->corpus->shape) * sizeof *s->stats);
        s->holds = 0;
    }
    s->holds += hold;
    idem_front_file(s->front, obs->slot, obs->value, s->stats);
    if (c >= 0) {
        float one[IDEM_CONTRASTS] = {0};
        idem_histogram_add(s->front->edges + (size_t)c * IDEM_EDGES, obs->value, one);
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            s->corpus->square[(size_t)c * IDEM_CONTRASTS + (size_t)k] += (double)(one[k] * one[k]);
    }
}

void people_corpus(const struct idem_front *front, uint32_t count, uint32_t keys,
                   struct idem_corpus *corpus)
{
    struct idem_shape shape = idem_front_shape(front, IDEM_KEYBOARD);
    CHECK(idem_corpus_init(corpus, shape));
    idem_keyboard_discounts(front, corpus->discount);
    for (uint32_t u = 1; u <= count; u++) {
        struct slicing s = {.front = front, .corpus = corpus};
        s.stats = calloc(idem_shape_len(shape), sizeof *s.stats);
        CHECK(idem_corpus_person(corpus));
        each_obs(u, keys, &front->zoning, add_slice, &s);
        free(s.stats);
    }
}

struct idem_learn_options people_learn_options(void)
{
    struct idem_learn_options opt = idem_learn_defaults(IDEM_KEYBOARD);
    opt.rank = 8;
    opt.unit_strokes = 500;
    opt.em.iterations = 8;
    return opt;
}

struct idem_population *people_population(uint32_t count, uint32_t keys)
{
    struct idem_front *front = people_front(count, keys);
    const struct idem_learn_options opt = people_learn_options();
    struct idem_population *pop = NULL;
    struct idem_corpus corpus;
    struct idem_model model;
    struct idem_model *models[IDEM_MODALITIES] = {&model, NULL};

    people_corpus(front, count, keys, &corpus);
    CHECK(idem_learn(&corpus, &opt, &model));
    CHECK(idem_population_build(front, models, &pop));
    idem_corpus_fini(&corpus);
    return pop;
}

struct idem_profile *people_profile(const struct idem_front *front, const struct person *person,
                                    uint64_t seed, uint32_t keys)
{
    struct typist t = typist_new(person, seed);
    struct idem_profile *p = NULL;

    CHECK(idem_profile_new(front, IDEM_KEYBOARD, &p));
    for (uint32_t i = 0; i < keys / 25; i++) {
        struct idem_window *w = typist_window(&t, front, 25);
        CHECK(idem_profile_add(p, w));
        idem_window_free(w);
    }
    return p;
}
