/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mixture.c - from a gesture's features to the statistics of a pointer window.
 *
 * Baum-Welch statistics of a Gaussian mixture as in speaker verification (Reynolds, Quatieri and
 * Dunn 2000, eq. 7-10), with deviations standardised by the component and clipped. Loops run over
 * dimensions innermost, side by side, so that they become vector code without reordering sums.
 */
#include "window/mixture.h"

#include "idem/idem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Normal scores of the knots: the standard normal's quantiles at the knots' probabilities. */
static const float knot_score[IDEM_KNOTS] = {
#include "window/mixture_knots.inc"
};

/* What a table read from bytes may hold; learned ones stay far inside. */
static const float table_max = 1000;
/* Responsibilities below this are nought: they would vanish on the window's grid. */
static const float resp_min = 1e-4f;

static size_t table_floats(uint32_t features, uint32_t dims, uint32_t components)
{
    return (size_t)(features + IDEM_SCALARS) * IDEM_KNOTS + 2 * (size_t)features * dims +
           components + 2 * (size_t)components * dims;
}

int idem_mixture_alloc(struct idem_mixture *mix, uint32_t features, uint32_t dims,
                       uint32_t components)
{
    if (features > IDEM_FEATURES || dims > features || dims > IDEM_CHANNELS_MAX ||
        components > IDEM_COMPONENTS_MAX)
        return IDEM_ERR_LIMIT;
    float *memory = calloc(table_floats(features, dims, components) + 1, sizeof *memory);
    if (memory == NULL)
        return IDEM_ERR_NOMEM;
    *mix = (struct idem_mixture){.features = features, .dims = dims, .components = components};
    mix->memory = memory;
    mix->quantile = memory;
    mix->scalar = mix->quantile + (size_t)features * IDEM_KNOTS;
    mix->project = mix->scalar + (size_t)IDEM_SCALARS * IDEM_KNOTS;
    mix->unproject = mix->project + (size_t)features * dims;
    mix->log_weight = mix->unproject + (size_t)features * dims;
    mix->mean = mix->log_weight + components;
    mix->inv_sd = mix->mean + (size_t)components * dims;
    return IDEM_OK;
}

void idem_mixture_free(struct idem_mixture *mix)
{
    free(mix->memory);
    *mix = (struct idem_mixture){0};
}

void idem_mixture_write(const struct idem_mixture *mix, struct idem_writer *w)
{
    idem_write_u32(w, mix->features);
    idem_write_u32(w, mix->dims);
    idem_write_u32(w, mix->components);
    if (mix->components > 0)
        idem_write_f32s(w, mix->quantile, table_floats(mix->features, mix->dims, mix->components));
}

static bool ascends(const float *q)
{
    for (uint32_t k = 1; k < IDEM_KNOTS; k++) {
        if (q[k] < q[k - 1])
            return false;
    }
    return true;
}

static bool within(const float *table, size_t count, float low, float high)
{
    for (size_t i = 0; i < count; i++) {
        if (!(table[i] >= low && table[i] <= high))
            return false;
    }
    return true;
}

static int check(const struct idem_mixture *mix)
{
    const size_t cells = (size_t)mix->components * mix->dims;
    for (uint32_t f = 0; f < mix->features + IDEM_SCALARS; f++) {
        if (!ascends(mix->quantile + (size_t)f * IDEM_KNOTS)) /* the scalars' tables follow */
            return IDEM_ERR_FORMAT;
    }
    if (!within(mix->project, 2 * (size_t)mix->features * mix->dims, -table_max, table_max) ||
        !within(mix->log_weight, mix->components, -table_max, table_max) ||
        !within(mix->mean, cells, -table_max, table_max) ||
        !within(mix->inv_sd, cells, 1 / table_max, table_max))
        return IDEM_ERR_FORMAT;
    return IDEM_OK;
}

int idem_mixture_read(struct idem_mixture *mix, struct idem_reader *r)
{
    uint32_t features = idem_read_size(r, 0, IDEM_FEATURES);
    uint32_t dims = idem_read_size(r, 0, features);
    uint32_t components = idem_read_size(r, 0, IDEM_COMPONENTS_MAX);
    if (r->err != 0 || components == 0)
        return r->err;
    if (dims == 0 || features != IDEM_FEATURES)
        return r->err = IDEM_ERR_FORMAT;
    int err = idem_mixture_alloc(mix, features, dims, components);
    if (err != 0)
        return err;
    idem_read_f32s(r, mix->quantile, table_floats(features, dims, components));
    return r->err != 0 ? r->err : check(mix);
}

/* Index of the first knot that is not below x: a binary search without branches to mispredict. */
static inline uint32_t lower_bound(const float *q, float x)
{
    uint32_t at = 0;
    for (uint32_t step = (IDEM_KNOTS + 1) / 2; step > 0; step /= 2)
        at += step * (uint32_t)(q[at + step - 1] < x);
    return at;
}

/* A value that occurs often spans several knots and gets the middle of their scores. */
static float normal_score(const float *q, float x)
{
    uint32_t first = lower_bound(q, x), last = first;
    if (first == IDEM_KNOTS)
        return knot_score[IDEM_KNOTS - 1];
    if (q[first] == x) {
        while (last + 1 < IDEM_KNOTS && q[last + 1] == x)
            last++;
        return 0.5f * (knot_score[first] + knot_score[last]);
    }
    if (first == 0)
        return knot_score[0];
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
    for (uint32_t d = 0; d < mix->dims; d++)
        z[d] = 0;
    for (uint32_t f = 0; f < mix->features; f++) {
        const float *row = mix->project + (size_t)f * mix->dims;
        for (uint32_t d = 0; d < mix->dims; d++)
            z[d] += row[d] * scores[f];
    }
}

enum { LANES = 8 };

/* Squared distance of z from a component, in its standard deviations. */
static float distance(const float *z, const float *mean, const float *inv_sd, uint32_t dims)
{
    float lane[LANES] = {0}, sum = 0;
    uint32_t d = 0;

    for (; d + LANES <= dims; d += LANES) {
        for (uint32_t l = 0; l < LANES; l++) {
            float v = (z[d + l] - mean[d + l]) * inv_sd[d + l];
            lane[l] += v * v;
        }
    }
    for (; d < dims; d++) {
        float v = (z[d] - mean[d]) * inv_sd[d];
        sum += v * v;
    }
    for (uint32_t l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

void idem_mixture_responsibilities(const struct idem_mixture *mix, const float *z, float *resp)
{
    float top = -INFINITY, total = 0;
    for (uint32_t c = 0; c < mix->components; c++) {
        const size_t at = (size_t)c * mix->dims;
        resp[c] =
            mix->log_weight[c] - 0.5f * distance(z, mix->mean + at, mix->inv_sd + at, mix->dims);
        top = resp[c] > top ? resp[c] : top;
    }
    for (uint32_t c = 0; c < mix->components; c++) {
        resp[c] = resp[c] < top - 12 ? 0 : expf(resp[c] - top); /* e^-12 is below resp_min */
        total += resp[c];
    }
    for (uint32_t c = 0; c < mix->components; c++)
        resp[c] /= total;
}

static void add_component(const struct idem_mixture *mix, uint32_t c, const float *z, float resp,
                          float *restrict f)
{
    const float *mean = mix->mean + (size_t)c * mix->dims;
    const float *inv_sd = mix->inv_sd + (size_t)c * mix->dims;

    for (uint32_t d = 0; d < mix->dims; d++) {
        float v = (z[d] - mean[d]) * inv_sd[d];
        v = v > IDEM_MIXTURE_CLIP ? IDEM_MIXTURE_CLIP : v;
        v = v < -IDEM_MIXTURE_CLIP ? -IDEM_MIXTURE_CLIP : v;
        f[2 * d] += resp * v;
        f[2 * d + 1] += resp * idem_centred_square(idem_clip(v));
    }
}

void idem_mixture_add(const struct idem_mixture *mix, const float *features, float *stats)
{
    float scores[IDEM_FEATURES], z[IDEM_FEATURES], resp[IDEM_COMPONENTS_MAX];
    const struct idem_shape shape = idem_mixture_shape(mix);

    memcpy(scores, features, mix->features * sizeof scores[0]);
    idem_mixture_scores(mix, scores);
    idem_mixture_project(mix, scores, z);
    idem_mixture_responsibilities(mix, z, resp);
    for (uint32_t c = 0; c < mix->components; c++) {
        if (resp[c] < resp_min)
            continue;
        stats[c] += resp[c];
        add_component(mix, c, z, resp[c], stats + shape.cells + 2 * (size_t)c * mix->dims);
    }
    idem_wipe(scores, sizeof scores);
    idem_wipe(z, sizeof z);
}

void idem_mixture_add_scalar(const struct idem_mixture *mix, enum idem_scalar scalar, float value,
                             float *stats)
{
    const struct idem_shape shape = idem_mixture_shape(mix);
    const uint32_t cell = mix->components + (uint32_t)scalar;

    if (!idem_mixture_has_scalar(mix, scalar) || !isfinite(value))
        return;
    float v = idem_clip(normal_score(mix->scalar + (size_t)scalar * IDEM_KNOTS, value));
    float *f = stats + shape.cells + 2 * (size_t)cell * shape.channels;
    stats[cell] += 1;
    f[0] += v;
    f[1] += idem_centred_square(v);
}

void idem_mixture_observe(const struct idem_mixture *mix, unsigned found,
                          const struct idem_observed *observed, float *stats)
{
    if (found & IDEM_OBSERVED_GESTURE)
        idem_mixture_add(mix, observed->feature, stats);
    if (found & IDEM_OBSERVED_SCALAR)
        idem_mixture_add_scalar(mix, observed->scalar, observed->value, stats);
}
