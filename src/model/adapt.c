/* SPDX-License-Identifier: Apache-2.0 */
/* adapt.c - see adapt.h. */
#include "model/adapt.h"

#include "window/window.h"

#include <math.h>
#include <string.h>

enum { DAY_MS = 24 * 3600 * 1000 };

struct idem_adapt_rules idem_adapt_defaults(enum idem_modality modality)
{
    return (struct idem_adapt_rules){
        .half_life_days = 20,
        .per_day = 0.25, /* of a fresh keyboard profile that is one window */
        .learned_most = 3,
        .strokes_most = modality == IDEM_KEYBOARD ? 10000 : 4000,
        .bound = 0.25,
        .slack = 2,
    };
}

int64_t idem_adapt_day_of(int64_t now_ms)
{
    return now_ms >= 0 ? now_ms / DAY_MS : -((DAY_MS - 1 - now_ms) / DAY_MS);
}

double idem_adapt_left(const struct idem_adapt_rules *rules, double profile_strokes,
                       const struct idem_adapt_day *learned, int64_t today)
{
    double left = rules->per_day * profile_strokes;
    if (learned->day == today)
        left -= learned->strokes;
    return left > 0 ? left : 0;
}

/* ------------------------------------------------------------------ sums */

static void scale(struct idem_profile *p, double factor)
{
    for (size_t i = 0; i < idem_shape_len(p->shape); i++)
        p->stats[i] *= (float)factor;
    p->strokes *= (float)factor;
}

static void add(struct idem_profile *p, const struct idem_profile *other, double weight)
{
    for (size_t i = 0; i < idem_shape_len(p->shape); i++)
        p->stats[i] += (float)weight * other->stats[i];
    p->strokes += (float)weight * other->strokes;
}

/* Cells whose count is nought but for rounding must not hold sums. */
static void clear_empty(struct idem_profile *p)
{
    const size_t per_cell = (size_t)p->shape.channels * 2;
    for (uint32_t c = 0; c < p->shape.cells; c++) {
        if (p->stats[c] > 1e-3f)
            continue;
        p->stats[c] = 0;
        memset(p->stats + p->shape.cells + c * per_cell, 0, per_cell * sizeof *p->stats);
    }
    p->strokes = p->strokes > 0 ? p->strokes : 0;
}

static bool same_kind(const struct idem_profile *a, const struct idem_profile *b)
{
    return a->front_id == b->front_id && a->modality == b->modality &&
           a->shape.cells == b->shape.cells && a->shape.channels == b->shape.channels;
}

/* An empty profile of the same kind; freed with idem_profile_free. */
static int empty_like(const struct idem_scorer *scorer, const struct idem_profile *p,
                      struct idem_profile **out)
{
    if (p->front_id != idem_front_id(scorer->pop->front) || !scorer->pop->present[p->modality])
        return IDEM_ERR_MISMATCH;
    return idem_profile_new(scorer->pop->front, p->modality, out);
}

/* ------------------------------------------------------------------ drift */

/*
 * The sample as the anchor would have typed it: the same strokes in every cell, their sums the
 * anchor's means. Cells that the anchor does not know say nothing about either.
 */
static double as_anchor(const struct idem_profile *anchor, const struct idem_profile *sample,
                        float *out)
{
    const uint32_t cells = anchor->shape.cells, per_cell = anchor->shape.channels * 2;
    double held = 0;

    for (uint32_t c = 0; c < cells; c++) {
        const float n = anchor->stats[c], share = n > 0 ? sample->stats[c] / n : 0;
        out[c] = n > 0 ? sample->stats[c] : 0;
        for (uint32_t k = 0; k < per_cell; k++)
            out[cells + c * per_cell + k] = share * anchor->stats[cells + c * per_cell + k];
    }
    for (uint32_t c = 0; c < idem_stroke_cells(anchor->modality, anchor->shape); c++)
        held += (double)out[c];
    return held < (double)sample->strokes ? held : (double)sample->strokes;
}

struct idem_adapt_drift idem_adapt_drift(struct idem_scorer *scorer,
                                         const struct idem_profile *anchor,
                                         const struct idem_profile *learned)
{
    double raw[2], strokes = as_anchor(anchor, learned, scorer->stats);
    const float *probes[2] = {learned->stats, scorer->stats};

    idem_scorer_raw(scorer, anchor, probes, 2, raw);
    const struct idem_score own =
        idem_scorer_finish(scorer, anchor, raw[0], (double)learned->strokes);
    const struct idem_score best = idem_scorer_finish(scorer, anchor, raw[1], strokes);
    return (struct idem_adapt_drift){.llr = own.unbounded,
                                     .attainable = best.unbounded,
                                     .sufficient = own.sufficient && best.sufficient};
}

bool idem_adapt_beyond(const struct idem_adapt_rules *rules, struct idem_adapt_drift drift)
{
    if (!(rules->bound > -INFINITY))
        return false;
    if (!drift.sufficient || !isfinite(drift.llr) || !isfinite(drift.attainable))
        return true;
    return drift.llr < rules->bound * fmax(drift.attainable, 0) - rules->slack;
}

/* ------------------------------------------------------------------ learning */

/* What was learned, faded on the first lesson of a day. */
static void recall(const struct idem_adapt_rules *rules, const struct idem_profile *anchor,
                   const struct idem_profile *profile, bool new_day, struct idem_profile *out)
{
    add(out, profile, 1);
    add(out, anchor, -1);
    clear_empty(out);
    if (new_day)
        scale(out, exp2(-1 / rules->half_life_days)); /* INFINITY: 1 */
}

/* Keeps the anchor's share, and the profile's size. */
static void limit(const struct idem_adapt_rules *rules, const struct idem_profile *anchor,
                  struct idem_profile *learned)
{
    double most = rules->learned_most * (double)anchor->strokes;
    double room = rules->strokes_most - (double)anchor->strokes;

    most = room < most ? room : most;
    most = most > 0 ? most : 0;
    if ((double)learned->strokes > most)
        scale(learned, most / (double)learned->strokes);
}

int idem_adapt_fold(const struct idem_adapt_rules *rules, struct idem_scorer *scorer,
                    const struct idem_profile *anchor, const struct idem_profile *lesson,
                    int64_t today, struct idem_profile *profile, struct idem_adapt_day *learned,
                    enum idem_adapt_verdict *verdict, struct idem_adapt_drift *drift)
{
    const bool new_day = learned->day != today;
    const double left = idem_adapt_left(rules, (double)profile->strokes, learned, today);
    const double strokes = (double)lesson->strokes;
    struct idem_profile *sum;

    if (!same_kind(anchor, profile) || !same_kind(lesson, profile))
        return IDEM_ERR_MISMATCH;
    if (strokes <= 0 || left <= 0) {
        *verdict = IDEM_ADAPT_NOTHING;
        return IDEM_OK;
    }
    int err = empty_like(scorer, profile, &sum);
    if (err != 0)
        return err;
    const double share = strokes > left ? left / strokes : 1;
    recall(rules, anchor, profile, new_day, sum);
    add(sum, lesson, share);
    struct idem_adapt_drift d = idem_adapt_drift(scorer, anchor, sum);
    const bool beyond = idem_adapt_beyond(rules, d);
    if (!beyond) {
        limit(rules, anchor, sum);
        memset(profile->stats, 0, idem_shape_len(profile->shape) * sizeof profile->stats[0]);
        profile->strokes = 0;
        add(profile, anchor, 1);
        add(profile, sum, 1);
        profile->windows += lesson->windows;
        learned->strokes = (new_day ? 0 : learned->strokes) + share * strokes;
        learned->day = today;
    }
    if (drift != NULL)
        *drift = d;
    *verdict = beyond ? IDEM_ADAPT_REFUSED : IDEM_ADAPT_LEARNED;
    idem_profile_free(sum);
    return IDEM_OK;
}

int idem_adapt_warm_start(const struct idem_profile *other, double strokes,
                          struct idem_profile *profile)
{
    if (!same_kind(other, profile))
        return IDEM_ERR_MISMATCH;
    if (!(strokes >= 0))
        return IDEM_ERR_INVALID;
    if (other->strokes > 0 && strokes > 0)
        add(profile, other,
            strokes < (double)other->strokes ? strokes / (double)other->strokes : 1);
    return IDEM_OK;
}

double idem_adapt_warm_strokes(enum idem_modality modality)
{
    return modality == IDEM_KEYBOARD ? 50 : 0;
}

int idem_adapt_anchor(const struct idem_adapt_rules *rules, const struct idem_profile *profile,
                      struct idem_profile *anchor)
{
    return idem_adapt_warm_start(profile, rules->strokes_most / (1 + rules->learned_most), anchor);
}
