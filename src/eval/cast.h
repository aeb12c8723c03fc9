/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cast.h - the people whose sessions are spliced, and for each a population that knows neither him
 * nor anybody who may take his place.
 *
 * With folds, people are dealt into k of them in the recording's order; the population of a fold is
 * learned from everybody outside it, and strangers come from the owner's own fold. Without, one
 * population serves all, and strangers are all others. With two recordings a person is chimeric:
 * number i types like typist i and points like pointer user i, both counted anew when they run out;
 * two people who share either are never put into each other's place and stand in the same fold.
 */
#ifndef IDEM_EVAL_CAST_H
#define IDEM_EVAL_CAST_H

#include "eval/learning.h"
#include "eval/reel.h"

enum { IDEM_CAST_FOLDS_MAX = 16 };
#define IDEM_CAST_CYCLE_S 30.0 /* chimeric: a spell of typing and a spell of pointing */

struct idem_cast_person {
    struct idem_reels reels;
    uint32_t source[IDEM_MODALITIES]; /* index of the person in the recording */
    uint32_t population;              /* index */
    const char *name;                 /* as a typist, or as a pointer user */
};

struct idem_cast {
    struct idem_cast_person *people;
    uint32_t count;
    struct idem_learned populations[IDEM_CAST_FOLDS_MAX];
    uint32_t population_count;
    bool has[IDEM_MODALITIES], folded;
};

struct idem_cast_options {
    uint32_t folds;                      /* 2..IDEM_CAST_FOLDS_MAX, or 0 with a population */
    struct idem_population *population;  /* taken over when there are no folds */
    struct idem_recording *const *extra; /* recordings of others, learned from with every fold */
    int extra_count;
    struct idem_learning learning;
};

/* recs: keyboard and pointer, either may be NULL. They must outlive the cast. */
int idem_cast_new(struct idem_recording *const recs[IDEM_MODALITIES],
                  const struct idem_cast_options *options, struct idem_cast *out,
                  struct idem_fault *fault);
void idem_cast_free(struct idem_cast *cast);

/* May b sit down in a's place? */
bool idem_cast_strangers(const struct idem_cast *cast, uint32_t a, uint32_t b);
const struct idem_population *idem_cast_population(const struct idem_cast *cast, uint32_t person);

#endif
