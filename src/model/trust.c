/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust.c - is it still the owner, now? On-line change-point detection over suffix sums.
 *
 * A takeover may have happened before any of the last windows. The filter keeps the session as a
 * row of blocks, newest first, each the sum of neighbouring windows; block j starts suffix j, the
 * sum of blocks 0..j, and suffix j stands for "somebody else since the start of block j":
 *
 *     newest                                    oldest
 *     [1] [1] [2] [4]  [ 8    ] [  16        ] [ all that came before ]
 *      |---|---|---|----------|---- suffix 4
 *
 * P(owner) = 1 / (1 + sum_j m_j exp(-LLR_j)), with m_j the prior mass of a takeover within block j:
 * hazard times its duration, and for the oldest block the odds that the log-in itself was not the
 * owner's (Adams and MacKay, "Bayesian online changepoint detection", 2007, with run lengths
 * binned geometrically). LLR_j is the score of the whole suffix against the profile: single
 * windows' ratios are never added, for they share one profile and one session.
 *
 * Cases: a window of a modality without a profile counts in the row but scores nought; a step-up
 * starts a block that is never merged with older ones, so that what came after it can be judged
 * alone; clocks that run backwards count as no time passed.
 */
#include "model/scorer.h"
#include "window/window.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 7 };
_Static_assert((int)BLOCKS <= (int)IDEM_SCORER_PROBES, "all suffixes are scored in one go");

#define US_PER_HOUR 3600e6
/* A window covers at least this much time, however fast a clock says that it came. */
#define WINDOW_MIN_US INT64_C(2000000)

struct block {
    uint32_t windows;
    bool after_step_up; /* a step-up lies between this block and the next older one */
    int64_t start_us, end_us;
    double strokes[IDEM_MODALITIES];
    /* Of the suffix that this block starts: calibrated, and before calibration bounds it. */
    double llr[IDEM_MODALITIES], unbounded[IDEM_MODALITIES];
    int slot; /* where its statistics are */
};

struct idem_trust {
    const struct idem_population *pop;
    struct idem_trust_params params;
    struct block blocks[BLOCKS + 1]; /* newest first */
    int count;
    bool stepped_up;               /* since the newest window */
    uint32_t windows;              /* sufficient ones */
    int64_t last_us;               /* newest window, or step-up */
    int64_t fresh_us;              /* newest sufficient window, or step-up */
    float *stats[IDEM_MODALITIES]; /* [BLOCKS + 1][shape len], allocated with the first window */
};

struct idem_trust_params idem_trust_defaults(void)
{
    return (struct idem_trust_params){
        .prior = 0.999975,
        .hazard_per_hour = 1.24e-4, /* one in four years of a seat's active hours */
        .expiry_us = INT64_C(15) * 60 * 1000000,
    };
}

int idem_trust_new(const struct idem_population *pop, const struct idem_trust_params *params,
                   int64_t now_us, struct idem_trust **out)
{
    if (!(params->prior > 0.5 && params->prior < 1) || !(params->hazard_per_hour > 0) ||
        params->expiry_us <= 0)
        return IDEM_ERR_INVALID;
    struct idem_trust *t = calloc(1, sizeof *t);
    if (t == NULL)
        return IDEM_ERR_NOMEM;
    t->pop = pop;
    t->params = *params;
    t->last_us = t->fresh_us = now_us;
    *out = t;
    return IDEM_OK;
}

void idem_trust_free(struct idem_trust *trust)
{
    if (trust == NULL)
        return;
    for (int m = 0; m < IDEM_MODALITIES; m++)
        free(trust->stats[m]);
    free(trust);
}

static size_t stats_len(const struct idem_trust *t, enum idem_modality m)
{
    return idem_shape_len(idem_front_shape(t->pop->front, m));
}

static float *block_stats(const struct idem_trust *t, int slot, enum idem_modality m)
{
    return t->stats[m] + (size_t)slot * stats_len(t, m);
}

static int ensure_stats(struct idem_trust *t, enum idem_modality m)
{
    if (t->stats[m] == NULL)
        t->stats[m] = calloc((BLOCKS + 1) * stats_len(t, m), sizeof(float));
    return t->stats[m] != NULL ? IDEM_OK : IDEM_ERR_NOMEM;
}

static int free_slot(const struct idem_trust *t)
{
    unsigned used = 0;
    int slot = 0;
    for (int j = 0; j < t->count; j++)
        used |= 1u << t->blocks[j].slot;
    while (used & (1u << slot))
        slot++;
    return slot;
}

static void push_block(struct idem_trust *t, const struct idem_window *window, int64_t now_us)
{
    const enum idem_modality m = window->modality;
    struct block b = {.windows = 1,
                      .after_step_up = t->stepped_up,
                      .start_us = t->last_us,
                      .end_us = now_us,
                      .slot = free_slot(t)};

    b.strokes[m] = window->strokes;
    for (int k = 0; k < IDEM_MODALITIES; k++) {
        if (t->stats[k] != NULL)
            memset(block_stats(t, b.slot, k), 0, stats_len(t, k) * sizeof(float));
    }
    idem_window_add_to(window, 1, block_stats(t, b.slot, m));
    memmove(&t->blocks[1], &t->blocks[0], (size_t)t->count * sizeof t->blocks[0]);
    t->blocks[0] = b;
    t->count++;
    t->stepped_up = false;
}

/* Merges block j into its older neighbour j + 1, whose suffix stays what it was. */
static void merge(struct idem_trust *t, int j)
{
    struct block *newer = &t->blocks[j], *older = &t->blocks[j + 1];

    for (int m = 0; m < IDEM_MODALITIES; m++) {
        older->strokes[m] += newer->strokes[m];
        if (t->stats[m] == NULL)
            continue;
        float *to = block_stats(t, older->slot, m), *from = block_stats(t, newer->slot, m);
        for (size_t i = 0; i < stats_len(t, m); i++)
            to[i] += from[i];
    }
    older->windows += newer->windows;
    older->end_us = newer->end_us;
    memmove(newer, older, (size_t)(t->count - j - 1) * sizeof *newer);
    t->count--;
}

/*
 * Keeps the row geometric: the pair goes whose size is smallest against what is newer than it. The
 * newest block stays alone, and a pair with a step-up between goes only when nothing else is left.
 */
static void shorten(struct idem_trust *t)
{
    double newer = t->blocks[0].windows, least = INFINITY;
    int best = 1;

    for (int j = 1; j + 1 < t->count; j++) {
        double pair = t->blocks[j].windows + t->blocks[j + 1].windows;
        double cost = pair / newer + (t->blocks[j].after_step_up ? 1e9 : 0);
        if (cost < least) {
            least = cost;
            best = j;
        }
        newer += t->blocks[j].windows;
    }
    merge(t, best);
}

/*
 * Scores all suffixes that hold strokes of modality m; suffixes without stay at nought. Returns
 * whether the newest window alone is sufficient: less never keeps trust fresh.
 */
static bool score_suffixes(struct idem_trust *t, struct idem_scorer *scorer,
                           const struct idem_profile *profile, enum idem_modality m)
{
    const float *probes[BLOCKS];
    double strokes[BLOCKS], raw[BLOCKS];
    const size_t len = stats_len(t, m);
    const uint32_t cells = idem_stroke_cells(m, idem_front_shape(t->pop->front, m));
    bool newest = false;
    int count = t->count;

    for (int j = 0; j < count; j++) {
        float *sum = scorer->suffix + (size_t)j * len;
        const float *own = block_stats(t, t->blocks[j].slot, m), *newer = j > 0 ? sum - len : NULL;
        for (size_t i = 0; i < len; i++)
            sum[i] = own[i] + (newer != NULL ? newer[i] : 0);
        probes[j] = sum;
        strokes[j] = t->blocks[j].strokes[m] + (j > 0 ? strokes[j - 1] : 0);
    }
    idem_scorer_raw(scorer, profile, probes, count, raw);
    for (int j = 0; j < count; j++) {
        double held = idem_strokes_held(probes[j], cells, strokes[j]);
        struct idem_score s = idem_scorer_finish(scorer, profile, raw[j], held);
        t->blocks[j].llr[m] = s.sufficient ? s.llr : 0;
        t->blocks[j].unbounded[m] = s.sufficient ? s.unbounded : 0;
        newest = newest || (j == 0 && s.sufficient);
    }
    return newest;
}

static bool usable(const struct idem_trust *t, const struct idem_profile *profile,
                   enum idem_modality m)
{
    static const int min[] = {IDEM_SUFFICIENT_PROFILE_KEYS, IDEM_SUFFICIENT_PROFILE_GESTURES};
    return profile != NULL && t->pop->present[m] && profile->strokes >= (float)min[m];
}

int idem_trust_update(struct idem_trust *trust, struct idem_scorer *scorer,
                      const struct idem_profile *profiles[IDEM_MODALITIES],
                      const struct idem_window *window, int64_t now_us)
{
    const enum idem_modality m = window->modality;
    const struct idem_profile *profile = profiles[m];

    if (window->front_id != idem_front_id(trust->pop->front) ||
        (profile != NULL && (profile->front_id != window->front_id || profile->modality != m)))
        return IDEM_ERR_MISMATCH;
    int r = ensure_stats(trust, m);
    if (r != 0)
        return r;
    if (now_us < trust->last_us)
        now_us = trust->last_us;
    push_block(trust, window, now_us);
    if (trust->count > BLOCKS)
        shorten(trust);
    trust->last_us = now_us;
    if (!usable(trust, profile, m) || !score_suffixes(trust, scorer, profile, m))
        return IDEM_OK;
    trust->windows++;
    trust->fresh_us = now_us;
    return IDEM_OK;
}

void idem_trust_step_up(struct idem_trust *trust, int64_t now_us)
{
    trust->stepped_up = true;
    if (now_us > trust->last_us)
        trust->last_us = now_us;
    trust->fresh_us = trust->last_us;
}

/* Prior mass of a takeover within block j, as odds against "the owner throughout". */
static double takeover_odds(const struct idem_trust *t, int j)
{
    const struct block *b = &t->blocks[j];
    int64_t span = b->end_us - b->start_us, least = b->windows * WINDOW_MIN_US;
    double hours = (double)(span > least ? span : least) / US_PER_HOUR;
    double odds = t->params.hazard_per_hour * (hours < 1 ? hours : 1);
    if (j + 1 == t->count)
        odds += (1 - t->params.prior) / t->params.prior;
    return odds;
}

static double suffix_llr(const struct block *b)
{
    double llr = b->llr[IDEM_KEYBOARD] + b->llr[IDEM_POINTER];
    return llr > IDEM_LLR_MAX ? IDEM_LLR_MAX : llr < -IDEM_LLR_MAX ? -IDEM_LLR_MAX : llr;
}

static double suffix_unbounded(const struct block *b)
{
    return b->unbounded[IDEM_KEYBOARD] + b->unbounded[IDEM_POINTER];
}

/*
 * The suffix that speaks loudest for a takeover; -1 without windows. Compared by the unbounded
 * ratios: several suffixes may lie at the bound, and the prior alone would then decide.
 */
static int suspect(const struct idem_trust *t)
{
    double most = -INFINITY;
    int worst = -1;
    for (int j = 0; j < t->count; j++) {
        const struct block *b = &t->blocks[j];
        double loud = log(takeover_odds(t, j)) - suffix_unbounded(b);
        if (loud > most) {
            most = loud;
            worst = j;
        }
    }
    return worst;
}

/* Odds of a takeover added up, by the calibrated ratios and, as a logarithm, by the unbounded. */
struct odds {
    double calibrated, log_unbounded;
};

static void add_odds(struct odds *sum, double prior, double llr, double unbounded)
{
    const double more = log(prior) - unbounded, have = sum->log_unbounded;
    const double most = more > have ? more : have;

    sum->calibrated += prior * exp(-llr);
    sum->log_unbounded = most + log1p(exp(-fabs(more - have)));
}

static struct odds start_odds(double prior)
{
    return (struct odds){prior, log(prior)};
}

static void read_suspect(const struct idem_trust *trust, struct idem_trust_state *s)
{
    int worst = suspect(trust);
    if (worst < 0)
        return;
    s->llr = suffix_llr(&trust->blocks[trust->count - 1]);
    s->suspect_llr = suffix_llr(&trust->blocks[worst]);
    for (int j = 0; j <= worst; j++)
        s->suspect_windows += trust->blocks[j].windows;
}

struct idem_trust_state idem_trust_read(const struct idem_trust *trust, int64_t now_us)
{
    const double login = (1 - trust->params.prior) / trust->params.prior;
    int64_t idle_us = now_us > trust->last_us ? now_us - trust->last_us : 0;
    double idle = trust->params.hazard_per_hour * fmin((double)idle_us / US_PER_HOUR, 1);
    struct odds all = start_odds(idle + (trust->count == 0 ? login : 1e-300));
    struct odds recent =
        start_odds(idle + (trust->count == 0 || trust->stepped_up ? login : 1e-300));
    bool since_step_up = true;
    struct idem_trust_state s = {.windows = trust->windows};

    for (int j = 0; j < trust->count; j++) {
        const struct block *b = &trust->blocks[j];
        double odds = takeover_odds(trust, j), llr = suffix_llr(b), open = suffix_unbounded(b);
        since_step_up = since_step_up && !(j == 0 && trust->stepped_up);
        add_odds(&all, odds, llr, open);
        if (since_step_up)
            add_odds(&recent, b->after_step_up && j + 1 < trust->count ? odds + login : odds, llr,
                     open);
        since_step_up = since_step_up && !b->after_step_up;
    }
    s.p_owner = 1 / (1 + all.calibrated);
    s.p_recent = 1 / (1 + recent.calibrated);
    s.log_odds = -all.log_unbounded;
    s.log_odds_recent = -recent.log_unbounded;
    s.trust = 1 / (1 + exp(-s.log_odds));
    s.trust_recent = 1 / (1 + exp(-s.log_odds_recent));
    s.stale = now_us - trust->fresh_us > trust->params.expiry_us;
    read_suspect(trust, &s);
    return s;
}

int idem_trust_explain(const struct idem_trust *trust, struct idem_scorer *scorer,
                       const struct idem_profile *profiles[IDEM_MODALITIES],
                       struct idem_reason *out, int max)
{
    int worst = suspect(trust), found = 0;

    for (enum idem_modality m = 0; m < IDEM_MODALITIES && worst >= 0; m++) {
        const size_t len = stats_len(trust, m);
        if (trust->stats[m] == NULL || !usable(trust, profiles[m], m))
            continue;
        memset(scorer->stats, 0, len * sizeof(float));
        for (int j = 0; j <= worst; j++) {
            const float *own = block_stats(trust, trust->blocks[j].slot, m);
            for (size_t i = 0; i < len; i++)
                scorer->stats[i] += own[i];
        }
        found = idem_explain_stats(scorer, profiles[m], scorer->stats, out, found, max);
    }
    return found;
}
