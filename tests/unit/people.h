/* SPDX-License-Identifier: Apache-2.0 */
/*
 * people.h - simulated people at simulated keyboards, and a population learned from them.
 *
 * A person is a mean hold per finger and a mean flight per pair of hands, drawn from a few common
 * directions and a little of their own; what they type is noise around that. Everything follows
 * from seeds: the same seed types the same text with the same timing on every machine.
 */
#ifndef IDEM_TESTS_PEOPLE_H
#define IDEM_TESTS_PEOPLE_H

#include "base/rng.h"
#include "model/learn.h"
#include "model/population.h"
#include "model/profile.h"
#include "model/scorer.h"
#include "window/keystroke.h"
#include "window/window.h"

enum {
    PEOPLE_HOLDS = 13, /* zones at level mixed: 8 fingers, 5 specials */
    PEOPLE_HANDS = 7,  /* left, right, 5 specials */
};

struct person {
    double hold[PEOPLE_HOLDS];                  /* mean of ln ms */
    double flight[PEOPLE_HANDS * PEOPLE_HANDS]; /* mean of the signed log flight */
};

/* Person number `seed` of the simulated world. */
void person_draw(struct person *person, uint64_t seed);

struct key_event {
    int64_t t_us;
    uint32_t key;
    enum idem_key_action action;
};

/* Somebody typing. now_us moves on with every call, so the pieces form one session. */
struct typist {
    const struct person *person;
    struct idem_rng rng;
    int64_t now_us;
    bool reading; /* the keys follow from text, not from rng: a passage, typed anew */
    struct idem_rng text;
};

struct typist typist_new(const struct person *person, uint64_t seed);
/* From here on the typist copies passage number `seed`. */
void typist_read(struct typist *typist, uint64_t seed);
/* Types `keys` keystrokes: fills events[2 * keys], in order of time, all keys up at the end. */
void typist_type(struct typist *typist, size_t keys, struct key_event *events);
/* Types until a window of `keys` is full, through the real collector. The caller frees it. */
struct idem_window *typist_window(struct typist *typist, const struct idem_front *front,
                                  uint32_t keys);

/* A front, a corpus and a model learned from people 1..count at level mixed, typing `keys` each. */
struct idem_front *people_front(uint32_t count, uint32_t keys);
void people_corpus(const struct idem_front *front, uint32_t count, uint32_t keys,
                   struct idem_corpus *corpus);
struct idem_learn_options people_learn_options(void);
struct idem_population *people_population(uint32_t count, uint32_t keys);

/* An enrolment of `keys` keystrokes in windows of 25. */
struct idem_profile *people_profile(const struct idem_front *front, const struct person *person,
                                    uint64_t seed, uint32_t keys);

#endif
