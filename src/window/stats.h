/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats.h - sufficient statistics, the currency of the whole house.
 *
 * For C cells of D channels:   n[C]          strokes filed under the cell
 *                              f[C][D][2]    two sums a channel over these strokes
 * What is summed: for the pointer a channel's deviation and its centred square (mixture.h); for the
 * keyboard six contrasts of a blurred histogram, in three pairs (histogram.h).
 * stored as one flat array of C * (1 + 2 D) floats, n first. Floats hold these sums exactly on the
 * grid of 1/64 up to 2^18, far beyond any window; profiles are discounted long before.
 */
#ifndef IDEM_WINDOW_STATS_H
#define IDEM_WINDOW_STATS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IDEM_CELLS_MAX = 4096,
    IDEM_CHANNELS_MAX = 64,
    IDEM_DIMS_MAX = 16384, /* cells * channels * 2 */
};

struct idem_shape {
    uint32_t cells, channels;
};

static inline size_t idem_shape_dims(struct idem_shape s)
{
    return (size_t)s.cells * s.channels * 2;
}

/* Number of floats in the flat array. */
static inline size_t idem_shape_len(struct idem_shape s)
{
    return s.cells + idem_shape_dims(s);
}

/*
 * A pointer's deviation is clipped so that no single outlier dominates; its square is centred and
 * scaled to the clipped normal's moments: E v^2 = 0.774, sd v^2 = 1.13 for |v| <= 2.
 */
#define IDEM_CLIP         2.0f
#define IDEM_SQUARE_MEAN  0.8f
#define IDEM_SQUARE_SCALE 1.1f

static inline float idem_clip(float v)
{
    return v < -IDEM_CLIP ? -IDEM_CLIP : v > IDEM_CLIP ? IDEM_CLIP : v;
}

static inline float idem_centred_square(float v)
{
    return (v * v - IDEM_SQUARE_MEAN) / IDEM_SQUARE_SCALE;
}

/* The strokes that statistics hold, at most those claimed: one can claim many and hold none. */
static inline double idem_strokes_held(const float *stats, uint32_t cells, double claimed)
{
    double held = 0;
    for (uint32_t c = 0; c < cells; c++)
        held += (double)stats[c];
    held = floor(held + 0.5); /* the grid may have rounded fractions down */
    return held < claimed ? held : claimed;
}

#endif
