/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learning.h - from recordings to a population: measures every stroke, cuts people's sessions into
 * slices, learns the front on them and then the models.
 *
 * All keyboard recordings together make the keyboard's model, all pointer recordings the pointer's;
 * people of different files are different people, whatever their names.
 */
#ifndef IDEM_EVAL_LEARNING_H
#define IDEM_EVAL_LEARNING_H

#include "eval/filing.h"
#include "model/population.h"

enum {
    IDEM_SLICE_STROKES = 25, /* keystrokes in a slice of a session, about */
    IDEM_SLICE_GESTURES = 4,
};

struct idem_learning {
    const char *level;   /* a level's name, or key */
    const char *flights; /* ud, or more of them: offline */
    bool calibrate;
    uint32_t rank; /* of the keyboard's T; 0: the library's default */
    void (*progress)(void *arg, uint32_t done, uint32_t of);
    void *progress_arg;
};

struct idem_learned {
    struct idem_population *population;
    struct idem_filing filing; /* how to file keystrokes for it, offline levels included */
    uint32_t people[IDEM_MODALITIES];
};

/* recs: with lost releases dropped. On failure the fault says which modality and why. */
int idem_learn_recordings(struct idem_recording *const *recs, int count,
                          const struct idem_learning *how, struct idem_learned *out,
                          struct idem_fault *fault);

#endif
