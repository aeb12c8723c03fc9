/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posterior_scores.c - single scores by what profile and probe hold, see posterior.h.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "eval/parallel.h"
#include "eval/posterior_parts.h"

static const uint32_t profile_windows[] = {3, 10, 30, 100};
static const uint32_t probe_strokes[] = {15, 50, 200};
enum { PROFILES = 4, PROBES = 3 };

/* A person's windows of one length, reel after reel. */
struct bank {
    struct idem_reel_windows *reels; /* [count] */
    uint32_t count, windows;
};

struct scores {
    const struct idem_cast *cast;
    const struct idem_posterior_options *o;
    enum idem_modality modality;
    struct bank *enrol, *probe; /* [people] */
    uint32_t target;            /* strokes of a window of the bank being filled */
    struct bank *filling;
    uint32_t need; /* windows of the profile under way */
    struct idem_results results;
    uint32_t *able, able_count;
    bool sufficient;
    atomic_int err;
};

static void bank_free(struct bank *banks, uint32_t people)
{
    for (uint32_t p = 0; p < people && banks; p++) {
        for (uint32_t i = 0; i < banks[p].count; i++)
            idem_reel_windows_free(&banks[p].reels[i]);
        free(banks[p].reels);
    }
    free(banks);
}

static void fill_job(void *arg, int i)
{
    struct scores *s = arg;
    const struct idem_reels *reels = &s->cast->people[i].reels;
    const struct idem_front *front =
        idem_population_front(idem_cast_population(s->cast, (uint32_t)i));
    const struct idem_reel_targets targets = {s->modality == IDEM_KEYBOARD ? s->target : 0,
                                              s->modality == IDEM_POINTER ? s->target : 0};
    struct bank *b = &s->filling[i];
    int r = (b->reels = calloc(reels->count + 1, sizeof *b->reels)) ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t k = 0; k < reels->count && r == 0; k++) {
        r = idem_reel_collect(front, &targets, &reels->list[k], &b->reels[k]);
        b->count = k + 1;
        b->windows += b->reels[k].count;
    }
    if (r != 0)
        atomic_store(&s->err, r);
}

static int fill(struct scores *s, uint32_t target, struct bank **out)
{
    *out = calloc(s->cast->count + 1, sizeof **out);
    if (!*out)
        return IDEM_ERR_NOMEM;
    s->target = target;
    s->filling = *out;
    idem_parallel(fill_job, s, (int)s->cast->count);
    return atomic_load(&s->err);
}

/* Where enrolment ends: reel and event. False: there are not so many windows. */
static bool end_of(const struct bank *b, uint32_t need, uint32_t *reel, uint32_t *event)
{
    for (uint32_t k = 0; k < b->count; k++) {
        if (need <= b->reels[k].count) {
            *reel = k;
            *event = b->reels[k].list[need - 1].event;
            return true;
        }
        need -= b->reels[k].count;
    }
    return false;
}

/* The i-th window of a bank, and whether it begins after (reel, event). */
static const struct idem_window *window_at(const struct bank *b, uint32_t i, uint32_t reel,
                                           uint32_t event, bool *later)
{
    uint32_t k = 0;
    while (i >= b->reels[k].count)
        i -= b->reels[k++].count;
    *later = k > reel || (k == reel && i > 0 && b->reels[k].list[i - 1].event >= event);
    return b->reels[k].list[i].window;
}

/* Windows after enrolment stand at the end. Their number. */
static uint32_t later_windows(const struct scores *s, uint32_t person)
{
    uint32_t reel, event, n = 0;
    bool later;
    if (!end_of(&s->enrol[person], s->need, &reel, &event))
        return 0;
    for (uint32_t i = s->probe[person].windows; i-- > 0;) {
        window_at(&s->probe[person], i, reel, event, &later);
        if (!later)
            break;
        n++;
    }
    return n;
}

static bool has_probes(const void *arg, uint32_t person)
{
    const struct scores *s = arg;
    return s->probe[person].windows > 0;
}

static int make_profile(const struct scores *s, uint32_t person, struct idem_profile **out)
{
    const struct bank *b = &s->enrol[person];
    uint32_t left = s->need;
    int r = idem_profile_new(idem_population_front(idem_cast_population(s->cast, person)),
                             s->modality, out);
    for (uint32_t k = 0; k < b->count && r == 0; k++)
        for (uint32_t i = 0; i < b->reels[k].count && left > 0 && r == 0; i++, left--)
            r = idem_profile_add(*out, b->reels[k].list[i].window);
    return r;
}

static int score(struct scores *s, struct idem_scorer *scorer, const struct idem_profile *profile,
                 uint32_t owner, uint32_t who, uint32_t at, struct idem_result *out)
{
    struct idem_score found;
    bool later;
    const struct idem_window *w = window_at(&s->probe[who], at, 0, 0, &later);
    int r = idem_score_window(scorer, profile, w, &found);
    if (r == 0)
        *out = (struct idem_result){
            .score = found.llr, .user = owner, .other = who & IDEM_NOBODY, .genuine = who == owner};
    return r;
}

/* All trials of one owner: rounds of one genuine and one impostor probe. */
static int score_owner(struct scores *s, uint32_t n, struct idem_scorer *scorer,
                       const struct idem_profile *profile)
{
    const uint32_t owner = s->able[n], rounds = s->o->trials / s->able_count + 1;
    const uint32_t later = later_windows(s, owner), all = s->probe[owner].windows;
    struct idem_result *list = s->results.list + (size_t)n * 2 * rounds;
    struct idem_rng rng;
    int r = 0;
    idem_rng_seed(&rng, s->o->seed * UINT64_C(0x9e3779b97f4a7c15) + owner);
    for (uint32_t i = 0; i < rounds && r == 0; i++) {
        uint32_t who = idem_posterior_stranger(s->cast, owner, has_probes, s, &rng);
        list[2 * i].other = list[2 * i + 1].other = IDEM_NOBODY;
        if (who == UINT32_MAX)
            continue;
        r = score(s, scorer, profile, owner, owner, all - 1 - idem_rng_below(&rng, later),
                  &list[2 * i]);
        if (r == 0)
            r = score(s, scorer, profile, owner, who, idem_rng_below(&rng, s->probe[who].windows),
                      &list[2 * i + 1]);
    }
    return r;
}

static void owner_job(void *arg, int n)
{
    struct scores *s = arg;
    struct idem_scorer *scorer = NULL;
    struct idem_profile *profile = NULL;
    int r = idem_scorer_new(idem_cast_population(s->cast, s->able[n]), &scorer);
    if (r == 0)
        r = make_profile(s, s->able[n], &profile);
    if (r == 0)
        r = score_owner(s, (uint32_t)n, scorer, profile);
    if (r != 0)
        atomic_store(&s->err, r);
    idem_profile_free(profile);
    idem_scorer_free(scorer);
}

/* Whether the library would use such a score at all: asked of the first person's. */
static int ask_sufficient(struct scores *s)
{
    struct idem_scorer *scorer = NULL;
    struct idem_profile *profile = NULL;
    struct idem_score found = {.sufficient = false};
    bool later;
    int r = idem_scorer_new(idem_cast_population(s->cast, s->able[0]), &scorer);
    if (r == 0)
        r = make_profile(s, s->able[0], &profile);
    if (r == 0)
        r = idem_score_window(scorer, profile, window_at(&s->probe[s->able[0]], 0, 0, 0, &later),
                              &found);
    s->sufficient = found.sufficient;
    idem_profile_free(profile);
    idem_scorer_free(scorer);
    return r;
}

static int run_row(struct scores *s, struct idem_posterior_row *row)
{
    size_t kept = 0, total;
    s->able_count = 0;
    for (uint32_t p = 0; p < s->cast->count; p++)
        if (later_windows(s, p) > 0)
            s->able[s->able_count++] = p;
    if (s->able_count < 2)
        return IDEM_ERR_TOO_LITTLE;
    total = 2 * (size_t)s->able_count * (s->o->trials / s->able_count + 1);
    s->results = (struct idem_results){calloc(total, sizeof *s->results.list), 0, s->cast->count};
    int r = s->results.list ? ask_sufficient(s) : IDEM_ERR_NOMEM;
    if (r == 0) {
        idem_parallel(owner_job, s, (int)s->able_count);
        r = atomic_load(&s->err);
    }
    for (size_t i = 0; i < total && r == 0; i++)
        if (s->results.list[i].other != IDEM_NOBODY)
            s->results.list[kept++] = s->results.list[i];
    s->results.count = kept;
    row->sufficient = s->sufficient;
    if (r == 0)
        r = idem_posterior_measure(&s->results, row);
    free(s->results.list);
    return r;
}

static int modality_rows(struct scores *s, struct idem_posterior *out)
{
    int r = fill(s, s->modality == IDEM_KEYBOARD ? 25 : 10, &s->enrol);
    for (int i = 0; i < PROBES && r == 0; i++) {
        r = fill(s, probe_strokes[i], &s->probe);
        for (int k = 0; k < PROFILES && r == 0; k++) {
            struct idem_posterior_row row = {.table = IDEM_POSTERIOR_SCORES,
                                             .modality = s->modality,
                                             .name = idem_modality_name(s->modality),
                                             .profile = profile_windows[k],
                                             .probe = probe_strokes[i]};
            s->need = profile_windows[k];
            r = idem_posterior_add(out, &row, run_row(s, &row));
        }
        bank_free(s->probe, s->cast->count);
        s->probe = NULL;
    }
    bank_free(s->enrol, s->cast->count);
    s->enrol = NULL;
    return r;
}

int idem_posterior_scores(const struct idem_cast *cast,
                          const struct idem_posterior_options *options, struct idem_posterior *out)
{
    struct scores s = {.cast = cast, .o = options};
    int r = 0;
    if (!(s.able = calloc(cast->count + 1, sizeof *s.able)))
        return IDEM_ERR_NOMEM;
    for (enum idem_modality m = 0; m < IDEM_MODALITIES && r == 0; m++) {
        s.modality = m;
        if (cast->has[m])
            r = modality_rows(&s, out);
    }
    free(s.able);
    return r;
}
