/* SPDX-License-Identifier: Apache-2.0 */
/* learn_trials.c - drawing calibration trials, reproducibly. */
#include "model/learn_trials.h"

#include "base/rng.h"
#include "idem/idem.h"
#include "model/learn.h"

#include <stdlib.h>
#include <string.h>

enum { GENUINE_EACH = 2, IMPOSTORS_EACH = 3, SLICES_MIN = 4 };

/* Sizes in slices. A profile size above half of what a person has is left out, a probe's likewise.
 */
static const uint32_t profile_sizes[] = {4, 10, 30, 100};
static const uint32_t probe_sizes[] = {1, 2, 4, 10, 24};

struct draw {
    const struct idem_corpus *corpus;
    const struct idem_model *model;
    struct idem_rng rng;
    struct idem_trials *trials;
    uint32_t fold, folds;
    float *P, *S;
    double *scratch;
};

static float sum_slices(const struct draw *d, size_t person, uint32_t first, uint32_t count,
                        float *stats)
{
    const struct idem_slices *s = &d->corpus->people[person];
    const size_t len = idem_shape_len(d->corpus->shape);
    float strokes = 0;

    memset(stats, 0, len * sizeof *stats);
    for (uint32_t i = first; i < first + count; i++) {
        for (size_t k = 0; k < len; k++)
            stats[k] += s->stats[i * len + k];
        strokes += s->strokes[i];
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

/* A probe of `size` slices out of the second half of a person's, at random. False: too little. */
static bool draw_probe(struct draw *d, size_t person, uint32_t size, float *strokes)
{
    uint32_t count = d->corpus->people[person].count, half = count / 2;
    if (count < SLICES_MIN || count - half < size)
        return false;
    uint32_t first = half + idem_rng_below(&d->rng, count - half - size + 1);
    *strokes = sum_slices(d, person, first, size, d->S);
    return *strokes > 0;
}

static int add_trial(struct draw *d, size_t person, uint32_t size, float profile_strokes,
                     bool genuine)
{
    float strokes;
    if (!draw_probe(d, person, size, &strokes))
        return IDEM_OK;
    return add(d->trials, (struct idem_trial){
                              .raw = (float)idem_raw_score(d->model, d->P, d->S, d->scratch),
                              .probe_strokes = strokes,
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

static int draw_person(struct draw *d, size_t person, uint32_t profile_size)
{
    float have = sum_slices(d, person, 0, profile_size, d->P);
    int r = IDEM_OK;

    for (size_t i = 0; i < sizeof probe_sizes / sizeof probe_sizes[0] && r == 0; i++) {
        for (int k = 0; k < GENUINE_EACH && r == 0; k++)
            r = add_trial(d, person, probe_sizes[i], have, true);
        for (int k = 0; k < IMPOSTORS_EACH && r == 0; k++)
            r = add_trial(d, draw_other(d, person), probe_sizes[i], have, false);
    }
    return r;
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
    d.scratch = malloc(idem_raw_score_scratch(model) * sizeof *d.scratch);
    if (d.P == NULL || d.scratch == NULL)
        r = IDEM_ERR_NOMEM;
    else
        d.S = d.P + len;
    for (size_t u = fold; u < corpus->count && r == 0; u += folds) {
        for (size_t i = 0; i < sizeof profile_sizes / sizeof profile_sizes[0] && r == 0; i++) {
            if (profile_sizes[i] <= corpus->people[u].count / 2)
                r = draw_person(&d, u, profile_sizes[i]);
        }
    }
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
