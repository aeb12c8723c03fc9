/* SPDX-License-Identifier: Apache-2.0 */
/* scorer.c - scores of windows and sums of windows against a profile. */
#include "model/scorer.h"

#include "window/window.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t longest(const struct idem_population *pop)
{
    size_t most = 1;
    for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++) {
        size_t len = idem_shape_len(idem_front_shape(pop->front, m));
        most = len > most ? len : most;
    }
    return most;
}

int idem_scorer_new(const struct idem_population *pop, struct idem_scorer **out)
{
    uint32_t rank = 0;
    size_t scratch = 0;
    struct idem_scorer *s = calloc(1, sizeof *s);
    if (s == NULL)
        return IDEM_ERR_NOMEM;
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        const struct idem_model *model = &pop->model[m];
        rank = model->rank > rank ? model->rank : rank;
        size_t need = idem_embed_scratch(model);
        scratch = need > scratch ? need : scratch;
    }
    s->pop = pop;
    s->stats = calloc(longest(pop), sizeof *s->stats);
    s->suffix = calloc(IDEM_SCORER_PROBES * longest(pop), sizeof *s->suffix);
    s->projection = calloc(2 * (idem_packed(rank) + rank) + 1, sizeof *s->projection);
    s->points = calloc((IDEM_SCORER_PROBES + 1) * ((size_t)rank + 1), sizeof *s->points);
    s->scratch = calloc(scratch + idem_evidence_scratch(rank), sizeof *s->scratch);
    if (!s->stats || !s->suffix || !s->projection || !s->points || !s->scratch) {
        idem_scorer_free(s);
        return IDEM_ERR_NOMEM;
    }
    *out = s;
    return IDEM_OK;
}

void idem_scorer_free(struct idem_scorer *scorer)
{
    if (scorer == NULL)
        return;
    free(scorer->stats);
    free(scorer->suffix);
    free(scorer->projection);
    free(scorer->points);
    free(scorer->scratch);
    free(scorer);
}

void idem_scorer_raw(struct idem_scorer *scorer, const struct idem_profile *profile,
                     const float *const *probes, int count, double *out)
{
    const struct idem_model *model = &scorer->pop->model[profile->modality];
    const size_t point = idem_point_len(model);
    const float *list[IDEM_SCORER_PROBES + 1] = {profile->stats};

    for (int i = 0; i < count; i++)
        list[i + 1] = probes[i];
    idem_embed(model, list, (size_t)count + 1, scorer->scratch, scorer->points);
    for (int i = 0; i < count; i++)
        out[i] = idem_plda_score(model, scorer->points, scorer->points + (size_t)(i + 1) * point) +
                 idem_plain_share(model, profile->stats, probes[i]);
}

struct idem_score idem_scorer_finish(const struct idem_scorer *scorer,
                                     const struct idem_profile *profile, double raw,
                                     double probe_strokes)
{
    static const int probe_min[] = {IDEM_SUFFICIENT_PROBE_KEYS, IDEM_SUFFICIENT_PROBE_GESTURES};
    static const int profile_min[] = {IDEM_SUFFICIENT_PROFILE_KEYS,
                                      IDEM_SUFFICIENT_PROFILE_GESTURES};
    const enum idem_modality m = profile->modality;
    const struct idem_calibration *cal = &scorer->pop->model[m].calibration;
    double llr = idem_calibrate(cal, raw, probe_strokes, profile->strokes);
    double unbounded = idem_calibrate_unbounded(cal, raw, probe_strokes, profile->strokes);
    /* else the population overflowed */
    const bool number = isfinite(raw) && isfinite(llr) && isfinite(unbounded);

    if (!number)
        llr = unbounded = 0;
    return (struct idem_score){
        .raw = raw,
        .llr = llr > IDEM_LLR_MAX    ? IDEM_LLR_MAX
               : llr < -IDEM_LLR_MAX ? -IDEM_LLR_MAX
                                     : llr,
        .unbounded = unbounded,
        .sufficient =
            number && probe_strokes >= probe_min[m] && profile->strokes >= (float)profile_min[m],
    };
}

int idem_score_window(struct idem_scorer *scorer, const struct idem_profile *profile,
                      const struct idem_window *window, struct idem_score *out)
{
    const uint32_t cells = idem_stroke_cells(window->modality, window->shape);
    const float *probe = scorer->stats;
    double raw;

    if (window->front_id != idem_front_id(scorer->pop->front) ||
        profile->front_id != window->front_id || profile->modality != window->modality ||
        !scorer->pop->present[window->modality])
        return IDEM_ERR_MISMATCH;
    memset(scorer->stats, 0, idem_shape_len(window->shape) * sizeof *scorer->stats);
    idem_window_add_to(window, 1, scorer->stats);
    idem_scorer_raw(scorer, profile, &probe, 1, &raw);
    *out =
        idem_scorer_finish(scorer, profile, raw, idem_strokes_held(probe, cells, window->strokes));
    return IDEM_OK;
}
