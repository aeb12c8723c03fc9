/* SPDX-License-Identifier: Apache-2.0 */
/* even.c - see even.h. */
#include "model/even.h"

#include <math.h>
#include <stdlib.h>

enum { TIMES_PER_BIN = 200 };
#define VARIANCE_LEAST 0.05 /* of a contrast: below, rounding decides */

struct idem_even {
    const struct idem_front *front;
    float square[][IDEM_BINS][IDEM_CONTRASTS]; /* [cells] */
};

/* The outer bins end where the neighbouring widths suggest. */
static void learn_bin(const float *e, int bin, float *square)
{
    const float from = bin > 0 ? e[bin - 1] : 2 * e[0] - e[1];
    const float to = bin < IDEM_EDGES ? e[bin] : 3 * e[IDEM_EDGES - 1] - 2 * e[IDEM_EDGES - 2];

    for (int i = 0; i < TIMES_PER_BIN; i++) {
        float f[IDEM_CONTRASTS] = {0};
        idem_histogram_add(e, from + (to - from) * ((float)i + 0.5f) / TIMES_PER_BIN, f);
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            square[k] += f[k] * f[k] / TIMES_PER_BIN;
    }
}

int idem_even_new(const struct idem_front *front, struct idem_even **out)
{
    struct idem_even *even = calloc(1, sizeof *even + front->cells * sizeof even->square[0]);

    if (even == NULL)
        return IDEM_ERR_NOMEM;
    even->front = front;
    for (uint32_t c = 0; c < front->cells; c++)
        for (int b = 0; b < IDEM_BINS; b++)
            learn_bin(front->edges + (size_t)c * IDEM_EDGES, b, even->square[c][b]);
    *out = even;
    return IDEM_OK;
}

void idem_even_free(struct idem_even *even)
{
    free(even);
}

/* Variances of one stroke; false when the profile does not know the cell well enough. */
static bool variances(const struct idem_even *even, uint32_t c, float n, const float *f,
                      double v[IDEM_CONTRASTS])
{
    double bin[IDEM_BINS], total = 0;

    bin[IDEM_BINS - 1] = (double)n;
    for (int k = 0; k < IDEM_CONTRASTS; k++)
        bin[IDEM_BINS - 1] += (double)idem_contrast_last[k] * (double)f[k];
    for (int e = IDEM_EDGES; e-- > 0;) {
        bin[e] = bin[e + 1];
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            bin[e] += (double)idem_contrast_step[e][k] * (double)f[k];
    }
    for (int b = 0; b < IDEM_BINS; b++)
        total += bin[b] = fmax(bin[b], 0);
    for (int k = 0; k < IDEM_CONTRASTS; k++) {
        const double mean = (double)f[k] / (double)n;
        v[k] = -mean * mean;
        for (int b = 0; b < IDEM_BINS; b++)
            v[k] += bin[b] / total * (double)even->square[c][b][k];
        if (!(v[k] > VARIANCE_LEAST))
            return false;
    }
    return true;
}

struct idem_even_sums idem_even_weigh(const struct idem_even *even, const float *profile,
                                      const struct idem_window *window)
{
    struct idem_even_sums sums = {0};
    double v[IDEM_CONTRASTS];

    for (uint32_t c = 0; c < even->front->cells; c++) {
        const float *known = profile + even->front->cells + (size_t)c * IDEM_CONTRASTS;
        const double n = (double)window->n[c] / IDEM_GRID;
        if (n < IDEM_EVEN_STROKES || profile[c] < IDEM_EVEN_KNOWN ||
            !variances(even, c, profile[c], known, v))
            continue;
        for (int k = 0; k < IDEM_CONTRASTS; k++) {
            const double f = (double)window->sums[(size_t)c * IDEM_CONTRASTS + (size_t)k];
            const double off = f / IDEM_GRID - n * (double)known[k] / (double)profile[c];
            sums.found += off * off / n;
            sums.expected += v[k];
        }
        sums.count += IDEM_CONTRASTS;
    }
    return sums;
}

bool idem_even_is_too(const struct idem_even_sums *sums)
{
    return sums->count >= IDEM_EVEN_SUMS && sums->found < IDEM_EVEN_LEAST * sums->expected;
}
