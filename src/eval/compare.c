/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.c - see compare.h. Every profile and probe is projected once (model.h: projections add
 * up), so that a comparison costs one Cholesky factorisation, eight of them at a time.
 */
#include "eval/compare.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "eval/parallel.h"
#include "idem/idem.h"
#include "model/evidence.h"

enum {
    STATS_MAX = 1 << 22, /* profiles or probes */
    COMPARISONS_MAX = 1 << 28,
    CHUNK = 64 * IDEM_LANES,      /* comparisons in a job */
    PROJECTIONS = 4 * IDEM_LANES, /* projections in a job */
};

int idem_stat_set_init(struct idem_stat_set *set, struct idem_shape shape)
{
    *set = (struct idem_stat_set){.len = idem_shape_len(shape)};
    return 0;
}

void idem_stat_set_fini(struct idem_stat_set *set)
{
    free(set->stats);
    free(set->strokes);
    *set = (struct idem_stat_set){0};
}

int idem_stat_set_add(struct idem_stat_set *set, uint32_t *index)
{
    if (set->count == set->room) {
        uint32_t room = set->room ? 2 * set->room : 64;
        if (room > STATS_MAX)
            return IDEM_ERR_LIMIT;
        float *stats = realloc(set->stats, (size_t)room * set->len * sizeof *stats);
        set->stats = stats ? stats : set->stats;
        float *strokes = realloc(set->strokes, room * sizeof *strokes);
        set->strokes = strokes ? strokes : set->strokes;
        if (!stats || !strokes)
            return IDEM_ERR_NOMEM;
        set->room = room;
    }
    memset(idem_stat_set_at(set, set->count), 0, set->len * sizeof *set->stats);
    set->strokes[set->count] = 0;
    *index = set->count++;
    return 0;
}

int idem_comparisons_add(struct idem_comparisons *c, uint32_t user, uint32_t probe, uint32_t other,
                         bool genuine)
{
    struct idem_results *r = &c->results;
    if (r->count == c->room) {
        size_t room = c->room ? 2 * c->room : 1024;
        if (room > COMPARISONS_MAX)
            return IDEM_ERR_LIMIT;
        struct idem_result *list = realloc(r->list, room * sizeof *list);
        r->list = list ? list : r->list;
        uint32_t *probes = realloc(c->probe, room * sizeof *probes);
        c->probe = probes ? probes : c->probe;
        if (!list || !probes)
            return IDEM_ERR_NOMEM;
        c->room = room;
    }
    c->probe[r->count] = probe;
    r->list[r->count++] =
        (struct idem_result){.user = user, .other = other & IDEM_NOBODY, .genuine = genuine};
    return 0;
}

void idem_comparisons_fini(struct idem_comparisons *c)
{
    free(c->results.list);
    free(c->probe);
    *c = (struct idem_comparisons){0};
}

/* A set's projections and their evidences. */
struct projected {
    const struct idem_model *model;
    const struct idem_stat_set *set;
    size_t packed, size; /* doubles of L, of L and b */
    double *Lb;          /* [count][size] */
    double *evidence;    /* [count] */
};

struct comparing {
    const struct idem_model *model;
    const struct idem_compare_options *options;
    struct projected profiles, probes;
    struct idem_comparisons *c;
    atomic_int failed;
    atomic_uint done;
    atomic_flag telling;
    uint32_t jobs;
};

static struct idem_lane lane(const struct projected *a, uint32_t i, const struct projected *b,
                             uint32_t j)
{
    const double *La = a->Lb + i * a->size, *Lb = b ? b->Lb + j * b->size : NULL;
    return (struct idem_lane){La, La + a->packed, Lb, b ? Lb + b->packed : NULL};
}

static void project_job(void *arg, int job)
{
    struct projected *p = arg;
    uint32_t from = (uint32_t)job * PROJECTIONS, end = from + PROJECTIONS;
    struct idem_lane lanes[IDEM_LANES];
    double *scratch = malloc(idem_evidence_scratch(p->model->rank) * sizeof *scratch);
    end = end < p->set->count ? end : p->set->count;
    for (uint32_t i = from; i < end; i++)
        idem_project(p->model, idem_stat_set_at(p->set, i), p->Lb + i * p->size,
                     p->Lb + i * p->size + p->packed);
    for (uint32_t i = from; i < end && scratch; i += IDEM_LANES) {
        int n = end - i < IDEM_LANES ? (int)(end - i) : IDEM_LANES;
        for (int l = 0; l < n; l++)
            lanes[l] = lane(p, i + (uint32_t)l, NULL, 0);
        idem_evidence_batch(p->model->rank, lanes, n, scratch, p->evidence + i);
    }
    for (uint32_t i = from; i < end && !scratch; i++)
        p->evidence[i] = 0; /* compare_job meets the same lack and reports it */
    free(scratch);
}

static int project(struct projected *p, const struct idem_model *model,
                   const struct idem_stat_set *set)
{
    p->model = model;
    p->set = set;
    p->packed = idem_packed(model->rank);
    p->size = p->packed + model->rank;
    p->Lb = calloc((size_t)set->count * p->size + 1, sizeof *p->Lb);
    p->evidence = calloc(set->count + 1, sizeof *p->evidence);
    if (!p->Lb || !p->evidence)
        return IDEM_ERR_NOMEM;
    idem_parallel(project_job, p, (int)((set->count + PROJECTIONS - 1) / PROJECTIONS));
    return 0;
}

/* From evidence to score for comparison i. */
static double finish(const struct comparing *k, size_t i, double together)
{
    uint32_t user = k->c->results.list[i].user, probe = k->c->probe[i];
    const struct idem_stat_set *P = k->profiles.set, *S = k->probes.set;
    double raw = together - k->profiles.evidence[user] - k->probes.evidence[probe];
    if (k->model->plain_share > 0)
        raw += (double)k->model->plain_share *
               idem_plain_score(k->model, idem_stat_set_at(P, user), idem_stat_set_at(S, probe));
    if (k->options->raw)
        return raw;
    return idem_calibrate(&k->model->calibration, raw, (double)S->strokes[probe],
                          (double)P->strokes[user]);
}

static void tell(struct comparing *k)
{
    uint32_t done = atomic_fetch_add(&k->done, 1) + 1;
    if (!k->options->progress || atomic_flag_test_and_set(&k->telling))
        return;
    k->options->progress(k->options->progress_arg, done, k->jobs);
    atomic_flag_clear(&k->telling);
}

static void compare_job(void *arg, int job)
{
    struct comparing *k = arg;
    size_t from = (size_t)job * CHUNK, end = from + CHUNK;
    struct idem_lane lanes[IDEM_LANES];
    double together[IDEM_LANES];
    double *scratch = malloc(idem_evidence_scratch(k->model->rank) * sizeof *scratch);
    if (!scratch) {
        atomic_store(&k->failed, 1);
        return;
    }
    end = end < k->c->results.count ? end : k->c->results.count;
    for (size_t i = from; i < end; i += IDEM_LANES) {
        int n = end - i < IDEM_LANES ? (int)(end - i) : IDEM_LANES;
        for (int l = 0; l < n; l++)
            lanes[l] = lane(&k->profiles, k->c->results.list[i + (size_t)l].user, &k->probes,
                            k->c->probe[i + (size_t)l]);
        idem_evidence_batch(k->model->rank, lanes, n, scratch, together);
        for (int l = 0; l < n; l++)
            k->c->results.list[i + (size_t)l].score = finish(k, i + (size_t)l, together[l]);
    }
    free(scratch);
    tell(k);
}

int idem_compare(const struct idem_model *model, const struct idem_stat_set *profiles,
                 const struct idem_stat_set *probes, const struct idem_compare_options *options,
                 struct idem_comparisons *c)
{
    static const struct idem_compare_options none;
    struct comparing k = {.model = model, .options = options ? options : &none, .c = c};
    k.jobs = (uint32_t)((c->results.count + CHUNK - 1) / CHUNK);
    c->results.people = profiles->count;
    int r = project(&k.profiles, model, profiles);
    if (r == 0)
        r = project(&k.probes, model, probes);
    if (r == 0) {
        idem_parallel(compare_job, &k, (int)k.jobs);
        if (k.options->progress) /* a thread's last word may have been skipped */
            k.options->progress(k.options->progress_arg, k.jobs, k.jobs);
        r = atomic_load(&k.failed) ? IDEM_ERR_NOMEM : 0;
    }
    free(k.profiles.Lb);
    free(k.profiles.evidence);
    free(k.probes.Lb);
    free(k.probes.evidence);
    return r;
}
