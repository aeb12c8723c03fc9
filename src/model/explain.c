/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.c - the same score, told: which cells and channels moved it, in words.
 *
 * For statistic k of a cell the owner's usual mean is u_k, the profile's own mean drawn towards
 * what the model predicts for it; the observed mean is o_k = f_k / n. What the statistic says for
 * the owner and against a stranger drawn from the population is its plain term (evidence.h), in
 * which strangers differ by d_k^2: against the average stranger alone, whoever departs from an
 * average owner would seem to speak for him. The terms are shares of an explanation, not a
 * decomposition of the score to the last digit: the score also knows how the cells of one person
 * hang together.
 *
 * The pointer's channels are mixtures of features; they are turned back into features first.
 */
#include "model/scorer.h"
#include "window/kinematics.h"
#include "window/window.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Strokes that the model's prediction is worth beside the profile's own mean of a cell. */
static const double prediction_strokes = 5;
/* Reasons weaker than this many nats are not worth a person's attention. */
static const double reason_min = 0.05;

static int insert(struct idem_reason *out, int found, int max, const struct idem_reason *reason)
{
    int at = found;
    while (at > 0 && fabs(out[at - 1].llr) < fabs(reason->llr))
        at--;
    if (at >= max)
        return found;
    int moved = (found < max ? found : max - 1) - at;
    memmove(&out[at + 1], &out[at], (size_t)moved * sizeof *out);
    out[at] = *reason;
    return found < max ? found + 1 : max;
}

/* Usual and observed mean of statistic k, and what it contributes. */
struct view {
    double usual, observed, llr;
};

static struct view look(const struct idem_model *model, const struct idem_profile *profile,
                        const double *w, const float *S, uint32_t k)
{
    const uint32_t cells = model->shape.cells, c = k / (2 * model->shape.channels);
    const float *t = model->load + (size_t)k * model->rank;
    double known, predicted = 0, n = S[c], f = S[cells + k];
    struct view v;

    for (uint32_t i = 0; i < model->rank; i++)
        predicted += t[i] * w[i];
    known = (double)profile->stats[c] + prediction_strokes;
    v.usual = ((double)profile->stats[cells + k] + prediction_strokes * predicted) / known;
    v.observed = n > 0 ? f / n : 0;
    v.llr = idem_plain_term(known, known * v.usual, n, f, (double)model->weight[k],
                            (double)model->plain[k]);
    return v;
}

static void tell_key(const struct idem_front *front, uint32_t cell, bool uneven,
                     const struct view *v, char *text)
{
    const float *edges = front->edges + (size_t)cell * IDEM_EDGES;
    char place[80];
    bool hold = true;

    if (idem_slot_describe(front->level, front->slot[cell], place, sizeof place, &hold) != 0)
        snprintf(place, sizeof place, "cell %u", cell);
    if (uneven) {
        snprintf(text, IDEM_REASON_TEXT, "%s: %s %s than usual", place, hold ? "holds" : "gaps",
                 v->observed > v->usual ? "vary more" : "are more even");
        return;
    }
    const double ms = idem_histogram_ms(edges, v->observed) - idem_histogram_ms(edges, v->usual);
    if (fabs(ms) < 1)
        snprintf(text, IDEM_REASON_TEXT, "%s %s as usual", place, hold ? "holds" : "follows");
    else if (hold)
        snprintf(text, IDEM_REASON_TEXT, "%s holds %.0f ms %s than usual", place, fabs(ms),
                 ms > 0 ? "longer" : "shorter");
    else
        snprintf(text, IDEM_REASON_TEXT, "%s follows %.0f ms %s than usual", place, fabs(ms),
                 ms > 0 ? "later" : "earlier");
}

/* Contrasts that have words: how slow and how uneven (histogram.h). The others are finer shape. */
enum { TOLD = 2 };

static int explain_keyboard(struct idem_scorer *scorer, const struct idem_profile *profile,
                            const double *w, const float *S, struct idem_reason *out, int found,
                            int max)
{
    const struct idem_model *model = &scorer->pop->model[IDEM_KEYBOARD];
    const struct idem_front *front = scorer->pop->front;

    for (uint32_t i = 0; i < TOLD * model->shape.cells; i++) {
        const uint32_t cell = i / TOLD, contrast = i % TOLD;
        struct view v = look(model, profile, w, S, cell * IDEM_CONTRASTS + contrast);
        struct idem_reason reason = {
            .llr = v.llr, .cell = (uint16_t)cell, .channel = (uint16_t)contrast};
        if (fabs(v.llr) < reason_min)
            continue;
        tell_key(front, cell, contrast == 1, &v, reason.text);
        found = insert(out, found, max, &reason);
    }
    return found;
}

/*
 * Deviations of the channels back in features: those expected with them. The shortest vector that
 * the projection would turn into them names features that merely happen to be cheap.
 */
static void to_features(const struct idem_mixture *mix, const double *channel, double *feature)
{
    for (uint32_t f = 0; f < mix->features; f++) {
        feature[f] = 0;
        for (uint32_t d = 0; d < mix->dims; d++)
            feature[f] += mix->unproject[f * mix->dims + d] * channel[d];
    }
}

/* Sum of contributions, and per channel the mean deviation from usual in whitened units. */
static double pointer_deviation(const struct idem_scorer *scorer,
                                const struct idem_profile *profile, const double *w, const float *S,
                                double *channel)
{
    const struct idem_model *model = &scorer->pop->model[IDEM_POINTER];
    const struct idem_mixture *mix = &scorer->pop->front->mixture;
    double total = 0, strokes = 0;

    for (uint32_t d = 0; d < mix->dims; d++)
        channel[d] = 0;
    for (uint32_t c = 0; c < mix->components; c++) {
        strokes += S[c];
        for (uint32_t d = 0; d < mix->dims; d++) {
            uint32_t k = 2 * (c * mix->dims + d);
            struct view sum = look(model, profile, w, S, k);
            struct view square = look(model, profile, w, S, k + 1);
            total += sum.llr + square.llr;
            channel[d] += S[c] * (sum.observed - sum.usual) / mix->inv_sd[c * mix->dims + d];
        }
    }
    for (uint32_t d = 0; d < mix->dims && strokes > 0; d++)
        channel[d] /= strokes;
    return total;
}

/* What a button's timing, in a cell of its own, says. */
static int explain_timing(const struct idem_scorer *scorer, const struct idem_profile *profile,
                          const double *w, const float *S, enum idem_scalar scalar,
                          struct idem_reason *out, int found, int max)
{
    static const char *const words[IDEM_SCALARS][2] = {
        [IDEM_SCALAR_CLICK] = {"clicks are shorter", "clicks are longer"},
        [IDEM_SCALAR_OTHER_CLICK] = {"clicks of the other button are shorter",
                                     "clicks of the other button are longer"},
        [IDEM_SCALAR_DOUBLE_CLICK] = {"double clicks are faster", "double clicks are slower"},
    };
    const struct idem_model *model = &scorer->pop->model[IDEM_POINTER];
    const uint32_t cell = scorer->pop->front->mixture.components + (uint32_t)scalar;
    const uint32_t k = 2 * cell * model->shape.channels;
    const struct view sum = look(model, profile, w, S, k);
    const struct view square = look(model, profile, w, S, k + 1);
    struct idem_reason reason = {.llr = sum.llr + square.llr, .cell = (uint16_t)cell};

    if (S[cell] == 0 || fabs(reason.llr) < reason_min)
        return found;
    snprintf(reason.text, sizeof reason.text, "%s than usual",
             words[scalar][sum.observed > sum.usual]);
    return insert(out, found, max, &reason);
}

static int explain_pointer(struct idem_scorer *scorer, const struct idem_profile *profile,
                           const double *w, const float *S, struct idem_reason *out, int found,
                           int max)
{
    const struct idem_mixture *mix = &scorer->pop->front->mixture;
    double channel[IDEM_FEATURES], feature[IDEM_FEATURES], squares = 1e-9;
    double total = pointer_deviation(scorer, profile, w, S, channel);

    to_features(mix, channel, feature);
    for (uint32_t f = 0; f < mix->features; f++)
        squares += feature[f] * feature[f];
    for (uint32_t f = 0; f < mix->features; f++) {
        struct idem_reason reason = {.llr = total * feature[f] * feature[f] / squares,
                                     .channel = (uint16_t)f};
        const char *words = idem_feature_words(f, feature[f] > 0);
        if (words == NULL || fabs(reason.llr) < reason_min)
            continue;
        snprintf(reason.text, sizeof reason.text,
                 total < 0 ? "pointer %s than usual" : "pointer %s, within the usual", words);
        found = insert(out, found, max, &reason);
    }
    for (enum idem_scalar k = 0; k < IDEM_SCALARS; k++)
        found = explain_timing(scorer, profile, w, S, k, out, found, max);
    return found;
}

int idem_explain_stats(struct idem_scorer *scorer, const struct idem_profile *profile,
                       const float *S, struct idem_reason *out, int found, int max)
{
    const struct idem_model *model = &scorer->pop->model[profile->modality];
    double *L = scorer->projection, *b = L + idem_packed(model->rank), w[IDEM_RANK_MAX];

    memset(L, 0, (idem_packed(model->rank) + model->rank) * sizeof *L);
    idem_project(model, profile->stats, L, b);
    idem_posterior(model->rank, L, b, scorer->scratch, w);
    if (profile->modality == IDEM_KEYBOARD)
        return explain_keyboard(scorer, profile, w, S, out, found, max);
    return explain_pointer(scorer, profile, w, S, out, found, max);
}

int idem_explain(struct idem_scorer *scorer, const struct idem_profile *profile,
                 const struct idem_window *window, struct idem_reason *out, int max)
{
    const enum idem_modality m = window->modality;
    if (window->front_id != idem_front_id(scorer->pop->front) || max < 0 ||
        profile->front_id != window->front_id || profile->modality != m || !scorer->pop->present[m])
        return IDEM_ERR_MISMATCH;
    memset(scorer->stats, 0, idem_shape_len(window->shape) * sizeof *scorer->stats);
    idem_window_add_to(window, 1, scorer->stats);
    return idem_explain_stats(scorer, profile, scorer->stats, out, 0, max);
}
