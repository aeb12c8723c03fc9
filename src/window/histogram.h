/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram.h - what is kept of one hold or flight time: which seventh of the population it falls
 * into, blurred.
 *
 * A cell has seven bins, cut where the population's blurred times have equal shares. A time t is
 * spread over the bins by a triangular kernel of half-width BLUR before it is counted. The kernel
 * is as wide as a tick of the coarsest common clock (15.6 ms): times on such a clock, spread so,
 * add up to the same as times on a fine one, so the bins do not show which clock measured them.
 *
 * The blur gives times away, too: a stroke alone in its cell and within the blur of an edge lies
 * below that edge by a share that tells its time to a millisecond or two; only times further from
 * every edge keep to their bin. Of two to eight strokes in a cell most times can be told apart by
 * the six sums. `idem eval leak` measures it: at level `hand` a tenth of the times in a window of
 * 100 keys can be read off to 5 ms, at 25 keys half of them. More strokes in a cell were not tried.
 *
 * Counts of bins hang together (they sum to one), so not the bins are summed up but their six
 * contrasts, the discrete cosine transform without its constant,
 *
 *     phi_k(b) = sqrt(2) cos(pi k (B - 1 - b + 1/2) / B),   k = 1..6, b = 0..6, B = 7
 *
 * orthonormal where all bins are equally likely: phi_1 rises with the time (how slow), phi_2 with
 * its distance from the middle (how uneven), the others are the finer shape.
 */
#ifndef IDEM_WINDOW_HISTOGRAM_H
#define IDEM_WINDOW_HISTOGRAM_H

#include <stdint.h>

enum {
    IDEM_BINS = 7,
    IDEM_EDGES = IDEM_BINS - 1,
    IDEM_CONTRASTS = IDEM_BINS - 1,
    IDEM_KEYBOARD_CHANNELS = IDEM_CONTRASTS / 2, /* two sums a channel, see stats.h */
};

/* Half-width of the kernel, ms. */
#define IDEM_BLUR_MS 15.6f
/* No contrast of a single time leaves +- this: the even ones reach sqrt(2) in the middle bin. */
#define IDEM_CONTRAST_MAX 1.4143f

/* phi_k(b) - phi_k(b + 1) for b = 0..5, and phi_k(6). */
extern const float idem_contrast_step[IDEM_EDGES][IDEM_CONTRASTS];
extern const float idem_contrast_last[IDEM_CONTRASTS];

/* The share of the kernel around nought that lies below d ms. */
static inline float idem_blur_below(float d)
{
    float t = d * (1.0f / IDEM_BLUR_MS);
    if (t <= -1)
        return 0;
    if (t >= 1)
        return 1;
    return t < 0 ? 0.5f * (1 + t) * (1 + t) : 1 - 0.5f * (1 - t) * (1 - t);
}

/* Adds the contrasts of one time to sums[IDEM_CONTRASTS]; edges[IDEM_EDGES] ascend, ms. */
static inline void idem_histogram_add(const float *edges, float ms, float *sums)
{
    for (int k = 0; k < IDEM_CONTRASTS; k++)
        sums[k] += idem_contrast_last[k];
    for (int e = IDEM_EDGES; e-- > 0;) {
        float below = idem_blur_below(edges[e] - ms);
        if (below <= 0)
            return; /* nor below any lower edge */
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            sums[k] += below * idem_contrast_step[e][k];
    }
}

/*
 * A mean first contrast in ms: the centre of the bell-shaped spread, as wide as the population's
 * (between the outer sevenths of a normal distribution lie 2.135 sd), that would have it. No
 * further than that distance beyond the outer edges, where contrasts no longer tell times apart.
 */
double idem_histogram_ms(const float *edges, double contrast);

#endif
