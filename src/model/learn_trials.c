/* SPDX-License-Identifier: Apache-2.0 */
/* learn_trials.c - drawing calibration trials, reproducibly. */
#include "model/learn_trials.h"

#include "base/rng.h"
#include "idem/idem.h"
#include "model/learn.h"

#include <stdlib.h>
#include <string.h>

enum { GENUINE_EACH = 2, IMPOSTORS_EACH = 3, GUARD = 2 };

/* Sizes in slices. A profile size above half of what a person has is left out, a probe's likewise.
 */
static const uint32_t profile_sizes[] = {4, 10, 20, 40, 100};
static const uint32_t probe_sizes[] = {1, 2, 4, 10, 24, 80};

struct draw {
    const struct idem_corpus *corpus;
    const struct idem_model *model;
    struct idem_rng rng;
    struct idem_trials *trials;
    uint32_t fold, folds;
    float *P, *S;
    uint32_t *order; /* [most slices of a person] */
    double *scratch;
};

static float add_slice(const struct draw *d, size_t person, uint32_t i, float *stats)
{
    const struct idem_slices *s = &d->corpus->people[person];
    const size_t len = idem_shape_len(d->corpus->shape);
    for (size_t k = 0; k < len; k++)
        stats[k] += s->stats[i * len + k];
    return s->strokes[i];
}

/* A probe: `size` neighbouring slices of a person's from a random place, not before `least`. */
static float draw_probe(struct draw *d, size_t person, uint32_t least, uint32_t size,
                        uint32_t *first)
{
    float strokes = 0;
    *first = least + idem_rng_below(&d->rng, d->corpus->people[person].count - least - size + 1);
    memset(d->S, 0, idem_shape_len(d->corpus->shape) * sizeof *d->S);
    for (uint32_t i = *first; i < *first + size; i++)
        strokes += add_slice(d, person, i, d->S);
    return strokes;
}

/*
 * A profile: `size` of the slices that lie more than GUARD before the probe, for an enrolment is
 * always older than what it is compared with, and people drift. Of every two one is a single
 * stretch, as an enrolment in one sitting, and one is scattered, as a profile that has learned.
 * Returns its strokes.
 */
static float draw_profile(struct draw *d, size_t person, uint32_t size, uint32_t probe)
{
    uint32_t n = probe - GUARD;
    float strokes = 0;

    for (uint32_t i = 0; i < n; i++)
        d->order[i] = i;
    const bool stretch = idem_rng_below(&d->rng, 2) == 0;
    const uint32_t first = idem_rng_below(&d->rng, n - size + 1);
    memset(d->P, 0, idem_shape_len(d->corpus->shape) * sizeof *d->P);
    for (uint32_t k = 0; k < size; k++) {
        uint32_t other = stretch ? first + k : k + idem_rng_below(&d->rng, n - k);
        strokes += add_slice(d, person, d->order[other], d->P);
        if (!stretch)
            d->order[other] = d->order[k];
    }
    return strokes;
}

static int add(struct idem_trials *t, struct idem_trial trial)
{
    if (t->count == t->room) {
        size_t room = t->room == 0 ? 1024 : 2 * t->room;
        struct idem_trial *list = realloc(t->list, room * sizeof *list);
        if (list == NULL)
            return IDEM_ERR_NOMEM;
        t->list = list;
        t->room = room;
    }
    t->list[t->count++] = trial;
    return IDEM_OK;
}

static int add_trial(struct draw *d, float probe_strokes, float profile_strokes, bool genuine)
{
    return add(d->trials, (struct idem_trial){
                              .raw = (float)idem_raw_score(d->model, d->P, d->S, d->scratch),
                              .probe_strokes = probe_strokes,
                              .profile_strokes = profile_strokes,
                              .genuine = genuine,
                          });
}

static size_t draw_other(struct draw *d, size_t person)
{
    size_t people = (d->corpus->count - d->fold + d->folds - 1) / d->folds;
    size_t mine = person / d->folds, other = idem_rng_below(&d->rng, (uint32_t)people - 1);
    return (other >= mine ? other + 1 : other) * d->folds + d->fold;
}

static int draw_person(struct draw *d, size_t person, uint32_t profile_size, uint32_t probe_size)
{
    const uint32_t before = profile_size + GUARD;
    float profile = 0, probe;
    uint32_t first;
    int r = IDEM_OK;

    if (before + probe_size > d->corpus->people[person].count)
        return IDEM_OK;
    for (int k = 0; k < GENUINE_EACH && r == 0; k++) {
        probe = draw_probe(d, person, before, probe_size, &first);
        profile = draw_profile(d, person, profile_size, first);
        r = add_trial(d, probe, profile, true);
    }
    for (int k = 0; k < IMPOSTORS_EACH && r == 0; k++) {
        size_t other = draw_other(d, person);
        if (d->corpus->people[other].count < probe_size)
            continue;
        probe = draw_probe(d, other, 0, probe_size, &first);
        r = add_trial(d, probe, profile, false);
    }
    return r;
}

/* All sizes of profile and probe for one person. */
static int draw_sizes(struct draw *d, size_t person)
{
    int r = IDEM_OK;
    for (size_t i = 0; i < sizeof profile_sizes / sizeof profile_sizes[0]; i++) {
        for (size_t k = 0; k < sizeof probe_sizes / sizeof probe_sizes[0] && r == 0; k++)
            r = draw_person(d, person, profile_sizes[i], probe_sizes[k]);
    }
    return r;
}

static uint32_t most_slices(const struct idem_corpus *corpus)
{
    uint32_t most = 0;
    for (size_t u = 0; u < corpus->count; u++)
        most = corpus->people[u].count > most ? corpus->people[u].count : most;
    return most;
}

int idem_trials_draw(const struct idem_corpus *corpus, const struct idem_model *model,
                     uint32_t fold, uint32_t folds, struct idem_trials *out)
{
    const size_t len = idem_shape_len(corpus->shape);
    struct draw d = {.corpus = corpus, .model = model, .trials = out, .fold = fold, .folds = folds};
    int r = IDEM_OK;

    *out = (struct idem_trials){0};
    idem_rng_seed(&d.rng, 7 + fold);
    d.P = malloc(2 * len * sizeof *d.P);
    d.order = malloc((most_slices(corpus) + 1) * sizeof *d.order);
    d.scratch = malloc(idem_raw_score_scratch(model) * sizeof *d.scratch);
    if (d.P == NULL || d.scratch == NULL || d.order == NULL)
        r = IDEM_ERR_NOMEM;
    else
        d.S = d.P + len;
    for (size_t u = fold; u < corpus->count && r == 0; u += folds)
        r = draw_sizes(&d, u);
    free(d.order);
    free(d.P);
    free(d.scratch);
    if (r != 0)
        idem_trials_fini(out);
    return r;
}

void idem_trials_fini(struct idem_trials *trials)
{
    free(trials->list);
    *trials = (struct idem_trials){0};
}
