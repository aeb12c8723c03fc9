/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mixture.c - from a gesture's features to the statistics of a pointer window.
 *
 * Baum-Welch statistics of a Gaussian mixture as in speaker verification (Reynolds, Quatieri and
 * Dunn 2000, eq. 7-10), with deviations standardised by the component and clipped.
 */
#include "window/mixture.h"

#include "idem/idem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Normal scores of the knots: the standard normal's quantiles at (k + 1/2) / IDEM_KNOTS. */
static const float knot_score[IDEM_KNOTS] = {
#include "window/mixture_knots.inc"
};

int idem_mixture_alloc(struct idem_mixture *mix, uint32_t features, uint32_t dims,
                       uint32_t components)
{
    size_t q = (size_t)features * IDEM_KNOTS, p = (size_t)dims * features;
    size_t m = (size_t)components * dims;

    if (features > IDEM_FEATURES_MAX || dims > features || dims > IDEM_CHANNELS_MAX ||
        components > IDEM_COMPONENTS_MAX)
        return IDEM_ERR_LIMIT;
    float *memory = calloc(q + p + components + 2 * m + 1, sizeof *memory);
    if (memory == NULL)
        return IDEM_ERR_NOMEM;
    *mix = (struct idem_mixture){.features = features, .dims = dims, .components = components};
    mix->memory = memory;
    mix->quantile = memory;
    mix->project = mix->quantile + q;
    mix->log_weight = mix->project + p;
    mix->mean = mix->log_weight + components;
    mix->inv_sd = mix->mean + m;
    return IDEM_OK;
}

void idem_mixture_free(struct idem_mixture *mix)
{
    free(mix->memory);
    *mix = (struct idem_mixture){0};
}

static size_t table_floats(const struct idem_mixture *mix)
{
    return (size_t)mix->features * IDEM_KNOTS + (size_t)mix->dims * mix->features +
           mix->components + 2 * (size_t)mix->components * mix->dims;
}

void idem_mixture_write(const struct idem_mixture *mix, struct idem_writer *w)
{
    idem_write_u32(w, mix->features);
    idem_write_u32(w, mix->dims);
    idem_write_u32(w, mix->components);
    if (mix->components > 0)
        idem_write_f32s(w, mix->quantile, table_floats(mix));
}

static int check(const struct idem_mixture *mix)
{
    for (uint32_t f = 0; f < mix->features; f++) {
        const float *q = mix->quantile + (size_t)f * IDEM_KNOTS;
        for (uint32_t k = 1; k < IDEM_KNOTS; k++) {
            if (q[k] < q[k - 1])
                return IDEM_ERR_FORMAT;
        }
    }
    for (size_t i = 0; i < (size_t)mix->components * mix->dims; i++) {
        if (!(mix->inv_sd[i] > 0))
            return IDEM_ERR_FORMAT;
    }
    return IDEM_OK;
}

int idem_mixture_read(struct idem_mixture *mix, struct idem_reader *r)
{
    uint32_t features = idem_read_size(r, 0, IDEM_FEATURES_MAX);
    uint32_t dims =
        idem_read_size(r, 0, features < IDEM_CHANNELS_MAX ? features : IDEM_CHANNELS_MAX);
    uint32_t components = idem_read_size(r, 0, IDEM_COMPONENTS_MAX);
    if (r->err != 0 || components == 0)
        return r->err;
    if (dims == 0)
        return r->err = IDEM_ERR_FORMAT;
    int err = idem_mixture_alloc(mix, features, dims, components);
    if (err != 0)
        return err;
    idem_read_f32s(r, mix->quantile, table_floats(mix));
    return r->err != 0 ? r->err : check(mix);
}

/* First index in the ascending q whose value is above (or, with equal, at least) x. */
static uint32_t bound(const float *q, float x, bool equal)
{
    uint32_t lo = 0, hi = IDEM_KNOTS;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (equal ? q[mid] < x : q[mid] <= x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* A value that occurs often spans several knots and gets the middle of their scores. */
static float normal_score(const float *q, float x)
{
    uint32_t first = bound(q, x, true), past = bound(q, x, false);
    if (past > first)
        return 0.5f * (knot_score[first] + knot_score[past - 1]);
    if (first == 0)
        return knot_score[0];
    if (first == IDEM_KNOTS)
        return knot_score[IDEM_KNOTS - 1];
    float part = (x - q[first - 1]) / (q[first] - q[first - 1]);
    return knot_score[first - 1] + part * (knot_score[first] - knot_score[first - 1]);
}

void idem_mixture_scores(const struct idem_mixture *mix, float *features)
{
    for (uint32_t f = 0; f < mix->features; f++) {
        const float *q = mix->quantile + (size_t)f * IDEM_KNOTS;
        features[f] = isfinite(features[f]) ? normal_score(q, features[f]) : 0.0f;
    }
}

void idem_mixture_project(const struct idem_mixture *mix, const float *scores, float *z)
{
    for (uint32_t d = 0; d < mix->dims; d++) {
        const float *row = mix->project + (size_t)d * mix->features;
        float sum = 0;
        for (uint32_t f = 0; f < mix->features; f++)
            sum += row[f] * scores[f];
        z[d] = sum;
    }
}

/* Responsibilities of the components for z, which sum to one. */
static void responsibilities(const struct idem_mixture *mix, const float *z, float *resp)
{
    float top = -INFINITY, total = 0;
    for (uint32_t c = 0; c < mix->components; c++) {
        const float *mean = mix->mean + (size_t)c * mix->dims;
        const float *inv_sd = mix->inv_sd + (size_t)c * mix->dims;
        float distance = 0;
        for (uint32_t d = 0; d < mix->dims; d++) {
            float v = (z[d] - mean[d]) * inv_sd[d];
            distance += v * v;
        }
        resp[c] = mix->log_weight[c] - 0.5f * distance;
        top = resp[c] > top ? resp[c] : top;
    }
    for (uint32_t c = 0; c < mix->components; c++)
        total += resp[c] = expf(resp[c] - top);
    for (uint32_t c = 0; c < mix->components; c++)
        resp[c] /= total;
}

void idem_mixture_add(const struct idem_mixture *mix, const float *features, float *stats)
{
    float scores[IDEM_FEATURES_MAX], z[IDEM_CHANNELS_MAX], resp[IDEM_COMPONENTS_MAX];

    memcpy(scores, features, mix->features * sizeof scores[0]);
    idem_mixture_scores(mix, scores);
    idem_mixture_project(mix, scores, z);
    responsibilities(mix, z, resp);
    for (uint32_t c = 0; c < mix->components; c++) {
        const float *mean = mix->mean + (size_t)c * mix->dims;
        const float *inv_sd = mix->inv_sd + (size_t)c * mix->dims;
        float *f = stats + mix->components + 2 * (size_t)c * mix->dims;
        if (resp[c] < 1e-4f)
            continue;
        stats[c] += resp[c];
        for (uint32_t d = 0; d < mix->dims; d++) {
            float v = idem_clip((z[d] - mean[d]) * inv_sd[d]);
            f[2 * d] += resp[c] * v;
            f[2 * d + 1] += resp[c] * idem_centred_square(v);
        }
    }
    idem_wipe(scores, sizeof scores);
    idem_wipe(z, sizeof z);
}
