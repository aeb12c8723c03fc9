/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally.c - see tally.h.
 */
#include "eval/tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "window/window.h"

enum { TALLY_MAX = 1 << 26, DRAWS = 500 };

static int reserve(struct idem_tally *t, size_t more)
{
    size_t room = t->room ? t->room : 256;
    while (room < t->results.count + more)
        room *= 2;
    if (room > TALLY_MAX)
        return IDEM_ERR_LIMIT;
    if (room == t->room)
        return 0;
    struct idem_result *list = realloc(t->results.list, room * sizeof *list);
    if (!list)
        return IDEM_ERR_NOMEM;
    t->results.list = list;
    t->room = room;
    return 0;
}

int idem_tally_add(struct idem_tally *t, uint32_t user, uint32_t other, double score)
{
    int r = reserve(t, 1);
    if (r < 0)
        return r;
    uint32_t most = user > other ? user : other;
    t->results.list[t->results.count++] = (struct idem_result){
        .score = score, .user = user, .other = other & IDEM_NOBODY, .genuine = user == other};
    t->results.people = most >= t->results.people ? most + 1 : t->results.people;
    return 0;
}

int idem_tally_merge(struct idem_tally *t, const struct idem_tally *other)
{
    int r = reserve(t, other->results.count);
    if (r < 0 || other->results.count == 0)
        return r;
    memcpy(t->results.list + t->results.count, other->results.list,
           other->results.count * sizeof *other->results.list);
    t->results.count += other->results.count;
    if (other->results.people > t->results.people)
        t->results.people = other->results.people;
    return 0;
}

void idem_tally_fini(struct idem_tally *t)
{
    free(t->results.list);
    *t = (struct idem_tally){0};
}

static double share(const struct idem_tally *t, double threshold, bool genuine)
{
    size_t wrong = 0, all = 0;
    for (size_t i = 0; i < t->results.count; i++) {
        const struct idem_result *r = &t->results.list[i];
        if (r->genuine != genuine)
            continue;
        all++;
        wrong += genuine ? r->score < threshold : r->score >= threshold;
    }
    return all ? (double)wrong / (double)all : (double)NAN;
}

double idem_tally_fnmr(const struct idem_tally *t, double threshold)
{
    return share(t, threshold, true);
}

double idem_tally_fmr(const struct idem_tally *t, double threshold)
{
    return share(t, threshold, false);
}

static int by_score(const void *a, const void *b)
{
    const struct idem_result *x = a, *y = b;
    return x->score < y->score ? -1 : x->score > y->score;
}

double idem_tally_threshold(struct idem_tally *t, double fmr)
{
    size_t impostors = 0, above = 0;
    double threshold = INFINITY;
    if (t->results.count > 0) /* the list of an empty tally is NULL */
        qsort(t->results.list, t->results.count, sizeof *t->results.list, by_score);
    for (size_t i = 0; i < t->results.count; i++)
        impostors += !t->results.list[i].genuine;
    for (size_t i = t->results.count; i-- > 0;) {
        const struct idem_result *x = &t->results.list[i];
        above += !x->genuine;
        if ((double)above > fmr * (double)impostors)
            break;
        if (i == 0 || x[-1].score != x->score) /* with all of its equals */
            threshold = x->score;
    }
    return threshold;
}

/* Every user's EER, NAN where there is none. */
static double *user_eers(struct idem_tally *t, uint32_t people)
{
    double *eer = malloc(((size_t)people + 1) * sizeof *eer);
    double *g = malloc((t->results.count + 1) * sizeof *g);
    double *im = malloc((t->results.count + 1) * sizeof *im);
    if (!eer || !g || !im) {
        free(eer);
        eer = NULL;
    }
    if (t->results.count > 0) /* the list of an empty tally is NULL */
        qsort(t->results.list, t->results.count, sizeof *t->results.list, by_score);
    for (uint32_t u = 0; eer && u < people; u++) {
        size_t ng = 0, ni = 0;
        for (size_t i = 0; i < t->results.count; i++) {
            const struct idem_result *r = &t->results.list[i];
            if (r->user == u && r->genuine)
                g[ng++] = r->score;
            else if (r->user == u)
                im[ni++] = r->score;
        }
        eer[u] = ng && ni ? idem_eer(g, ng, im, ni) : (double)NAN;
    }
    free(g);
    free(im);
    return eer;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void bootstrap(const double *d, uint32_t n, struct idem_difference *out)
{
    double drawn[DRAWS], sum = 0;
    struct idem_rng rng;
    idem_rng_seed(&rng, 20);
    for (int k = 0; k < DRAWS; k++) {
        drawn[k] = 0;
        for (uint32_t i = 0; i < n; i++)
            drawn[k] += d[idem_rng_below(&rng, n)] / n;
    }
    for (uint32_t i = 0; i < n; i++)
        sum += d[i];
    qsort(drawn, DRAWS, sizeof *drawn, ascending);
    *out = (struct idem_difference){sum / n, drawn[DRAWS / 40], drawn[DRAWS - 1 - DRAWS / 40], n};
}

int idem_tally_difference(struct idem_tally *a, struct idem_tally *b, struct idem_difference *out)
{
    uint32_t n = 0,
             people = a->results.people > b->results.people ? a->results.people : b->results.people;
    double *x = user_eers(a, people), *y = user_eers(b, people);
    int r = x && y ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t u = 0; r == 0 && u < people; u++)
        if (isfinite(x[u]) && isfinite(y[u]))
            x[n++] = x[u] - y[u];
    if (r == 0 && n < 2)
        r = IDEM_ERR_TOO_LITTLE;
    if (r == 0)
        bootstrap(x, n, out);
    free(x);
    free(y);
    return r;
}

double idem_study_llr(struct idem_scorer *scorer, const struct idem_profile *profile,
                      const float *stats, double strokes)
{
    const uint32_t cells = idem_stroke_cells(profile->modality, profile->shape);
    double raw;
    idem_scorer_raw(scorer, profile, &stats, 1, &raw);
    return idem_scorer_finish(scorer, profile, raw, idem_strokes_held(stats, cells, strokes))
        .unbounded;
}
