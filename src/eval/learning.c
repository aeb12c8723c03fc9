/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learning.c - see learning.h.
 */
#include "eval/learning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/keys.h"
#include "eval/parallel.h"
#include "eval/pointer.h"
#include "model/learn.h"

/* What is being learned; everything in it is freed unless the population takes it over. */
struct learner {
    const struct idem_learning *how;
    struct idem_front *front;
    struct idem_corpus corpus[IDEM_MODALITIES];
    struct idem_model model[IDEM_MODALITIES];
    bool present[IDEM_MODALITIES];
    struct idem_fault *fault;
};

static int blame(struct learner *l, enum idem_modality m, int err)
{
    snprintf(l->fault->text, sizeof l->fault->text, "learning the %s population: %s",
             idem_modality_name(m),
             err == IDEM_ERR_TOO_LITTLE ? "too few people or strokes (ten people at least)"
                                        : idem_strerror(err));
    return err;
}

/* EM is about two thirds of the work, calibration, which tells nothing, the rest. */
static void tell(void *arg, uint32_t done, uint32_t of)
{
    const struct learner *l = arg;
    l->how->progress(l->how->progress_arg, 2 * done, 3 * of);
}

static int learn_model(struct learner *l, enum idem_modality m)
{
    struct idem_learn_options opt = idem_learn_defaults(m);
    opt.calibrate = opt.calibrate && l->how->calibrate;
    opt.parallel = idem_parallel;
    if (m == IDEM_KEYBOARD && l->how->rank > 0)
        opt.rank = l->how->rank;
    if (l->how->progress) {
        l->how->progress(l->how->progress_arg, 0, 1);
        opt.progress = tell;
        opt.progress_arg = l;
    }
    int r = idem_learn(&l->corpus[m], &opt, &l->model[m]);
    if (l->how->progress)
        l->how->progress(l->how->progress_arg, 1, 1);
    if (r < 0)
        return blame(l, m, r);
    l->present[m] = true;
    return 0;
}

/* The recordings of one modality; returns their number. */
static int choose(struct idem_recording *const *recs, int count, enum idem_modality m,
                  struct idem_recording **out)
{
    int n = 0;
    for (int i = 0; i < count; i++)
        if (recs[i]->modality == m)
            out[n++] = recs[i];
    return n;
}

static int learn_keys(struct learner *l, struct idem_recording *const *recs, int count,
                      struct idem_filing *filing)
{
    int r = idem_filing_init(filing, l->how->level, l->how->flights, recs[0]);
    if (r == 0)
        r = idem_keys_learn_front(filing, recs, count, IDEM_SLICE_STROKES, &l->front,
                                  &l->corpus[IDEM_KEYBOARD]);
    return r < 0 ? blame(l, IDEM_KEYBOARD, r) : 0;
}

/* A front without a keyboard has the level's zones all the same. */
static int empty_front(struct learner *l, struct idem_filing *filing)
{
    int r = idem_filing_init(filing, l->how->level, "ud", NULL);
    if (r == 0)
        r = idem_front_alloc(filing->slots, 0, &l->front);
    if (r == 0) {
        l->front->level = filing->level;
        l->front->zoning = filing->zoning;
    }
    return r;
}

static int learn_pointer(struct learner *l, struct idem_recording *const *recs, int count,
                         struct idem_filing *filing)
{
    struct idem_traces *traces = calloc((size_t)count, sizeof *traces);
    int r = traces ? 0 : IDEM_ERR_NOMEM;
    if (r == 0 && !l->front)
        r = empty_front(l, filing);
    for (int i = 0; i < count && r == 0; i++)
        r = idem_traces_make(recs[i], &traces[i]);
    if (r == 0)
        r = idem_pointer_learn_front(recs, traces, count, IDEM_SLICE_GESTURES, &l->front->mixture,
                                     &l->corpus[IDEM_POINTER]);
    for (int i = 0; i < count && traces; i++)
        idem_traces_free(&traces[i]);
    free(traces);
    return r < 0 ? blame(l, IDEM_POINTER, r) : 0;
}

static int learn_fronts(struct learner *l, struct idem_recording *const *recs, int count,
                        struct idem_filing *filing)
{
    struct idem_recording **chosen = malloc(((size_t)count + 1) * sizeof(struct idem_recording *));
    if (!chosen)
        return blame(l, IDEM_KEYBOARD, IDEM_ERR_NOMEM);
    int n = choose(recs, count, IDEM_KEYBOARD, chosen);
    int r = n ? learn_keys(l, chosen, n, filing) : 0;
    n = choose(recs, count, IDEM_POINTER, chosen);
    if (n && r == 0)
        r = learn_pointer(l, chosen, n, filing);
    free(chosen);
    return r;
}

static int build(struct learner *l, struct idem_population **out)
{
    struct idem_model *models[IDEM_MODALITIES];
    for (int m = 0; m < IDEM_MODALITIES; m++)
        models[m] = l->present[m] ? &l->model[m] : NULL;
    int r = idem_front_seal(l->front);
    if (r < 0)
        return r;
    r = idem_population_build(l->front, models, out);
    l->front = NULL;
    memset(l->present, 0, sizeof l->present);
    return r;
}

int idem_learn_recordings(struct idem_recording *const *recs, int count,
                          const struct idem_learning *how, struct idem_learned *out,
                          struct idem_fault *fault)
{
    struct learner l = {.how = how, .fault = fault};
    struct idem_learned learned = {0};
    int r = learn_fronts(&l, recs, count, &learned.filing);
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        learned.people[m] = (uint32_t)l.corpus[m].count;
        if (r == 0 && l.corpus[m].count > 0)
            r = learn_model(&l, m);
        idem_corpus_fini(&l.corpus[m]);
    }
    if (r == 0 && (r = build(&l, &learned.population)) < 0)
        snprintf(fault->text, sizeof fault->text, "building the population: %s", idem_strerror(r));
    for (int m = 0; m < IDEM_MODALITIES; m++)
        if (l.present[m])
            idem_model_free(&l.model[m]);
    idem_front_free(l.front);
    if (r == 0)
        *out = learned;
    return r;
}
