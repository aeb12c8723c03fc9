/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cast.c - people and populations, see cast.h. A fold's recording shares everything with the whole
 * one but the list of people.
 */
#include "eval/cast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDINGS_MAX = IDEM_MODALITIES + 16 };

/* People of the modality with fewer: they repeat in chimeras, so folds go by them. */
static uint32_t fewer(struct idem_recording *const recs[IDEM_MODALITIES])
{
    uint32_t least = UINT32_MAX;
    for (int m = 0; m < IDEM_MODALITIES; m++)
        if (recs[m] && recs[m]->person_count < least)
            least = recs[m]->person_count;
    return least;
}

/* The recording without the people of a fold. Only `people` is to be freed. */
static int without_fold(const struct idem_recording *rec, uint32_t cycle, uint32_t folds,
                        uint32_t fold, struct idem_recording *out)
{
    *out = *rec;
    out->people = malloc((rec->person_count + 1) * sizeof *out->people);
    if (!out->people)
        return IDEM_ERR_NOMEM;
    out->person_count = 0;
    for (uint32_t p = 0; p < rec->person_count; p++)
        if (p % cycle % folds != fold)
            out->people[out->person_count++] = rec->people[p];
    return 0;
}

static int learn_fold(struct idem_recording *const recs[IDEM_MODALITIES],
                      const struct idem_cast_options *o, uint32_t fold, struct idem_learned *out,
                      struct idem_fault *fault)
{
    struct idem_recording part[IDEM_MODALITIES] = {{0}}, *list[RECORDINGS_MAX];
    int count = 0, r = 0;
    for (int m = 0; m < IDEM_MODALITIES && r == 0; m++) {
        if (!recs[m])
            continue;
        r = without_fold(recs[m], fewer(recs), o->folds, fold, &part[m]);
        list[count++] = &part[m];
    }
    for (int i = 0; i < o->extra_count && count < RECORDINGS_MAX; i++)
        list[count++] = o->extra[i];
    if (r == 0)
        r = idem_learn_recordings(list, count, &o->learning, out, fault);
    else
        snprintf(fault->text, sizeof fault->text, "%s", idem_strerror(r));
    for (int m = 0; m < IDEM_MODALITIES; m++)
        free(part[m].people);
    return r;
}

static int populations(struct idem_recording *const recs[IDEM_MODALITIES],
                       const struct idem_cast_options *o, struct idem_cast *cast,
                       struct idem_fault *fault)
{
    int r = 0;
    cast->folded = o->folds > 0;
    if (!cast->folded) {
        cast->populations[cast->population_count++].population = o->population;
        return 0;
    }
    for (uint32_t f = 0; f < o->folds && r == 0; f++) {
        r = learn_fold(recs, o, f, &cast->populations[f], fault);
        cast->population_count += r == 0;
    }
    return r;
}

static int fill_person(struct idem_recording *const recs[IDEM_MODALITIES], uint32_t i,
                       struct idem_cast_person *p)
{
    struct idem_reels single[IDEM_MODALITIES] = {{0}};
    int r = 0;
    for (int m = IDEM_MODALITIES - 1; m >= 0 && r == 0; m--) {
        if (!recs[m])
            continue;
        p->source[m] = i % recs[m]->person_count;
        p->name = recs[m]->people[p->source[m]].name;
        r = idem_reels_of_person(recs[m], p->source[m], &single[m]);
    }
    if (r == 0 && recs[IDEM_KEYBOARD] && recs[IDEM_POINTER]) {
        r = idem_reels_alternate(&single[IDEM_KEYBOARD], &single[IDEM_POINTER], IDEM_CAST_CYCLE_S,
                                 &p->reels);
    } else if (r == 0) {
        const int m = recs[IDEM_KEYBOARD] ? IDEM_KEYBOARD : IDEM_POINTER;
        p->reels = single[m];
        single[m] = (struct idem_reels){0};
    }
    for (int m = 0; m < IDEM_MODALITIES; m++)
        idem_reels_free(&single[m]);
    return r;
}

static int people(struct idem_recording *const recs[IDEM_MODALITIES], struct idem_cast *cast)
{
    const uint32_t cycle = fewer(recs), folds = cast->population_count;
    uint32_t most = 0;
    int r = 0;
    for (int m = 0; m < IDEM_MODALITIES; m++)
        if (recs[m] && recs[m]->person_count > most)
            most = recs[m]->person_count;
    if (!(cast->people = calloc(most + 1, sizeof *cast->people)))
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < most && r == 0; i++) {
        cast->people[i].population = i % cycle % folds;
        r = fill_person(recs, i, &cast->people[i]);
        cast->count += r == 0;
    }
    return r;
}

int idem_cast_new(struct idem_recording *const recs[IDEM_MODALITIES],
                  const struct idem_cast_options *options, struct idem_cast *out,
                  struct idem_fault *fault)
{
    struct idem_cast cast = {0};
    int r = populations(recs, options, &cast, fault);
    for (int m = 0; m < IDEM_MODALITIES; m++)
        cast.has[m] = recs[m] != NULL;
    if (r == 0 && (r = people(recs, &cast)) < 0)
        snprintf(fault->text, sizeof fault->text, "%s", idem_strerror(r));
    if (r == 0)
        *out = cast;
    else
        idem_cast_free(&cast);
    return r;
}

void idem_cast_free(struct idem_cast *cast)
{
    for (uint32_t i = 0; i < cast->count; i++)
        idem_reels_free(&cast->people[i].reels);
    for (uint32_t i = 0; i < cast->population_count; i++)
        idem_population_free(cast->populations[i].population);
    free(cast->people);
    *cast = (struct idem_cast){0};
}

bool idem_cast_strangers(const struct idem_cast *cast, uint32_t a, uint32_t b)
{
    const struct idem_cast_person *x = &cast->people[a], *y = &cast->people[b];
    for (int m = 0; m < IDEM_MODALITIES; m++)
        if (cast->has[m] && x->source[m] == y->source[m])
            return false;
    return x->population == y->population;
}

const struct idem_population *idem_cast_population(const struct idem_cast *cast, uint32_t person)
{
    return cast->populations[cast->people[person].population].population;
}
