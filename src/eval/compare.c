/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.c - see compare.h. Every profile and probe is embedded once, eight at a time; a
 * comparison is then a sum over directions.
 */
#include "eval/compare.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "eval/parallel.h"
#include "idem/idem.h"
#include "model/evidence.h"
#include "model/plda.h"

enum {
    STATS_MAX = 1 << 22, /* profiles or probes */
    COMPARISONS_MAX = 1 << 28,
    CHUNK = 4096,    /* comparisons in a job */
    EMBEDDINGS = 32, /* embeddings in a job */
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

/* A set's points (plda.h). */
struct embedded {
    const struct idem_model *model;
    const struct idem_stat_set *set;
    double *points; /* [count][rank + 1] */
    atomic_int failed;
};

struct comparing {
    const struct idem_model *model;
    const struct idem_compare_options *options;
    struct embedded profiles, probes;
    struct idem_comparisons *c;
    atomic_uint done;
    atomic_flag telling;
    uint32_t jobs;
};

static void embed_job(void *arg, int job)
{
    struct embedded *p = arg;
    uint32_t from = (uint32_t)job * EMBEDDINGS, end = from + EMBEDDINGS;
    const float *list[EMBEDDINGS];
    double *scratch = malloc(idem_embed_scratch(p->model) * sizeof *scratch);
    if (!scratch) {
        atomic_store(&p->failed, 1);
        return;
    }
    end = end < p->set->count ? end : p->set->count;
    for (uint32_t i = from; i < end; i++)
        list[i - from] = idem_stat_set_at(p->set, i);
    idem_embed(p->model, list, end - from, scratch, p->points + from * idem_point_len(p->model));
    free(scratch);
}

static int embed(struct embedded *p, const struct idem_model *model,
                 const struct idem_stat_set *set)
{
    p->model = model;
    p->set = set;
    p->points = calloc((size_t)set->count * idem_point_len(model) + 1, sizeof *p->points);
    if (!p->points)
        return IDEM_ERR_NOMEM;
    idem_parallel(embed_job, p, (int)((set->count + EMBEDDINGS - 1) / EMBEDDINGS));
    return atomic_load(&p->failed) ? IDEM_ERR_NOMEM : 0;
}

static double score(const struct comparing *k, size_t i)
{
    const uint32_t user = k->c->results.list[i].user, probe = k->c->probe[i];
    const size_t point = idem_point_len(k->model);
    double raw = idem_plda_score(k->model, k->profiles.points + user * point,
                                 k->probes.points + probe * point) +
                 idem_plain_share(k->model, idem_stat_set_at(k->profiles.set, user),
                                  idem_stat_set_at(k->probes.set, probe));
    if (k->options->raw)
        return raw;
    return idem_calibrate(&k->model->calibration, raw, (double)k->probes.set->strokes[probe],
                          (double)k->profiles.set->strokes[user]);
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
    end = end < k->c->results.count ? end : k->c->results.count;
    for (size_t i = from; i < end; i++)
        k->c->results.list[i].score = score(k, i);
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
    int r = embed(&k.profiles, model, profiles);
    if (r == 0)
        r = embed(&k.probes, model, probes);
    if (r == 0) {
        idem_parallel(compare_job, &k, (int)k.jobs);
        if (k.options->progress) /* a thread's last word may have been skipped */
            k.options->progress(k.options->progress_arg, k.jobs, k.jobs);
    }
    free(k.profiles.points);
    free(k.probes.points);
    return r;
}
