/* SPDX-License-Identifier: Apache-2.0 */
/* enrolment.c - see enrolment.h. */
#include "model/enrolment.h"

#include "idem/idem.h"
#include "model/learn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = IDEM_ENROLMENT_PART_MIN };

/* Two groups' sums, and a window taken out of its own. */
struct parting {
    const struct idem_model *model;
    const struct idem_enrolment_windows *w;
    size_t len;
    float *sum[2], *rest; /* [len] */
    double strokes[2];
    uint32_t size[2];
    double *scratch;
    uint8_t group[IDEM_ENROLMENT_WINDOWS_MAX];
};

static void accumulate(float *to, const float *stats, float weight, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] += weight * stats[i];
}

/* Of two people against one, for two sums of so many strokes; the larger part is the profile. */
static double llr_of_two(struct parting *p, const float *a, double na, const float *b, double nb)
{
    double raw = idem_raw_score(p->model, na >= nb ? a : b, na >= nb ? b : a, p->scratch);
    double llr = idem_calibrate_unbounded(&p->model->calibration, raw, na >= nb ? nb : na,
                                          na >= nb ? na : nb);
    return isfinite(llr) ? -llr : -INFINITY;
}

static void begin(struct parting *p, const uint8_t *group)
{
    memset(p->sum[0], 0, p->len * sizeof *p->sum[0]);
    memset(p->sum[1], 0, p->len * sizeof *p->sum[1]);
    p->strokes[0] = p->strokes[1] = 0;
    p->size[0] = p->size[1] = 0;
    for (uint32_t i = 0; i < p->w->count; i++) {
        const int g = group[i];
        p->group[i] = group[i];
        accumulate(p->sum[g], p->w->stats[i], 1, p->len);
        p->strokes[g] += (double)p->w->strokes[i];
        p->size[g]++;
    }
}

static void move(struct parting *p, uint32_t window)
{
    const int from = p->group[window], to = 1 - from;
    accumulate(p->sum[from], p->w->stats[window], -1, p->len);
    accumulate(p->sum[to], p->w->stats[window], 1, p->len);
    p->strokes[from] -= (double)p->w->strokes[window];
    p->strokes[to] += (double)p->w->strokes[window];
    p->size[from]--;
    p->size[to]++;
    p->group[window] = (uint8_t)to;
}

static double value(struct parting *p)
{
    if (p->size[0] < LEAST || p->size[1] < LEAST)
        return -INFINITY;
    return llr_of_two(p, p->sum[0], p->strokes[0], p->sum[1], p->strokes[1]);
}

/* ------------------------------------------------------------------ split */

static void best_split(struct parting *p, struct idem_enrolment_parting *out)
{
    uint8_t group[IDEM_ENROLMENT_WINDOWS_MAX];
    memset(group, 1, sizeof group);
    begin(p, group);
    out->split = -INFINITY;
    for (uint32_t i = 0; i + 1 < p->w->count; i++) {
        move(p, i);
        double v = value(p);
        if (v > out->split) {
            out->split = v;
            out->split_at = i + 1;
        }
    }
}

/* ------------------------------------------------------------------ pattern */

/* Would the window rather be in the other group, itself left out of its own? */
static bool would_move(struct parting *p, uint32_t window)
{
    const int own = p->group[window];
    const float *stats = p->w->stats[window];
    const double n = (double)p->w->strokes[window];
    if (p->size[own] <= LEAST)
        return false;
    memcpy(p->rest, p->sum[own], p->len * sizeof *p->rest);
    accumulate(p->rest, stats, -1, p->len);
    for (uint32_t c = 0; c < p->model->shape.cells; c++)
        p->rest[c] = p->rest[c] > 0 ? p->rest[c] : 0;
    return llr_of_two(p, p->sum[1 - own], p->strokes[1 - own], stats, n) <
           llr_of_two(p, p->rest, p->strokes[own] - n, stats, n);
}

static double settle(struct parting *p, const uint8_t *start)
{
    begin(p, start);
    for (int round = 0; round < IDEM_ENROLMENT_ROUNDS; round++) {
        uint32_t moved = 0;
        for (uint32_t i = 0; i < p->w->count; i++)
            if (would_move(p, i)) {
                move(p, i);
                moved++;
            }
        if (moved == 0)
            break;
    }
    begin(p, p->group); /* sums anew: moving to and fro leaves rounding behind */
    return value(p);
}

static void try_start(struct parting *p, const uint8_t *start, struct idem_enrolment_parting *out)
{
    double v = settle(p, start);
    if (v <= out->pattern)
        return;
    out->pattern = v;
    memcpy(out->group, p->group, p->w->count);
}

/* The window least like the rest, as the seed of a group; then those least like its opposite. */
static void far_start(struct parting *p, uint8_t *start)
{
    uint32_t seed = 0;
    double most = -INFINITY, sorted[IDEM_ENROLMENT_WINDOWS_MAX], llr[IDEM_ENROLMENT_WINDOWS_MAX];
    memset(start, 0, IDEM_ENROLMENT_WINDOWS_MAX);
    begin(p, start);
    for (uint32_t i = 0; i < p->w->count; i++) {
        memcpy(p->rest, p->sum[0], p->len * sizeof *p->rest);
        accumulate(p->rest, p->w->stats[i], -1, p->len);
        double n = (double)p->w->strokes[i];
        double v = llr_of_two(p, p->rest, p->strokes[0] - n, p->w->stats[i], n);
        seed = v > most ? i : seed;
        most = v > most ? v : most;
    }
    for (uint32_t i = 0; i < p->w->count; i++) {
        llr[i] = i == seed ? -INFINITY
                           : llr_of_two(p, p->w->stats[seed], (double)p->w->strokes[seed],
                                        p->w->stats[i], (double)p->w->strokes[i]);
        uint32_t k = i;
        for (; k > 0 && sorted[k - 1] > llr[i]; k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = llr[i];
    }
    for (uint32_t i = 0; i < p->w->count; i++)
        start[i] = llr[i] < sorted[p->w->count / 2];
}

static void best_pattern(struct parting *p, struct idem_enrolment_parting *out)
{
    uint8_t start[IDEM_ENROLMENT_WINDOWS_MAX];
    out->pattern = -INFINITY;
    for (uint32_t i = 0; i < p->w->count; i++)
        start[i] = i >= out->split_at;
    try_start(p, start, out);
    for (uint32_t i = 0; i < p->w->count; i++)
        start[i] = i & 1;
    try_start(p, start, out);
    far_start(p, start);
    try_start(p, start, out);
}

int idem_enrolment_part(const struct idem_model *model,
                        const struct idem_enrolment_windows *windows,
                        struct idem_enrolment_parting *out)
{
    struct parting p = {.model = model, .w = windows, .len = idem_shape_len(model->shape)};
    struct idem_enrolment_parting parting = {.split_at = 0};

    if (windows->count < 2 * LEAST)
        return IDEM_ERR_TOO_LITTLE;
    if (windows->count > IDEM_ENROLMENT_WINDOWS_MAX)
        return IDEM_ERR_LIMIT;
    float *sums = calloc(3 * p.len, sizeof *sums);
    p.scratch = malloc(idem_raw_score_scratch(model) * sizeof *p.scratch);
    if (sums == NULL || p.scratch == NULL) {
        free(sums);
        free(p.scratch);
        return IDEM_ERR_NOMEM;
    }
    p.sum[0] = sums;
    p.sum[1] = sums + p.len;
    p.rest = sums + 2 * p.len;
    best_split(&p, &parting);
    best_pattern(&p, &parting);
    free(sums);
    free(p.scratch);
    *out = parting;
    return IDEM_OK;
}

/* ------------------------------------------------------------------ limits */

bool idem_enrolment_mixed(const struct idem_enrolment_limits *limits,
                          const struct idem_enrolment_parting *parting)
{
    return parting->split > limits->split || parting->pattern > limits->pattern;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The value that not more than the share lies above. */
static double quantile(double *v, uint32_t count, double share)
{
    uint32_t above = (uint32_t)floor(share * count);
    qsort(v, count, sizeof *v, ascending);
    return v[count - 1 - (above < count ? above : count - 1)];
}

int idem_enrolment_limits_fit(double *split, double *pattern, uint32_t count, double false_rate,
                              struct idem_enrolment_limits *out)
{
    if (count < 20)
        return IDEM_ERR_TOO_LITTLE;
    if (!(false_rate >= 0 && false_rate < 1))
        return IDEM_ERR_INVALID;
    *out = (struct idem_enrolment_limits){quantile(split, count, false_rate / 2),
                                          quantile(pattern, count, false_rate / 2)};
    return IDEM_OK;
}
