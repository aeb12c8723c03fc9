/* SPDX-License-Identifier: Apache-2.0 */
/* histogram.c - the contrasts' constants, see histogram.h; a test holds them to the formula. */
#include "window/histogram.h"

#include <math.h>

const float idem_contrast_step[IDEM_EDGES][IDEM_CONTRASTS] = {
    {-0.2730796f, 0.9594703f, -1.7192810f, 2.1559101f, -1.9923605f, 1.1964399f},
    {-0.4920724f, 1.1964399f, -0.7651520f, -0.9594703f, 2.4844330f, -2.1559101f},
    {-0.6136043f, 0.5324658f, 1.3787563f, -1.7289057f, -1.1056767f, 2.6883760f},
    {-0.6136043f, -0.5324658f, 1.3787563f, 1.7289057f, -1.1056767f, -2.6883760f},
    {-0.4920724f, -1.1964399f, -0.7651520f, 0.9594703f, 2.4844330f, 2.1559101f},
    {-0.2730796f, -0.9594703f, -1.7192810f, -2.1559101f, -1.9923605f, -1.1964399f},
};

const float idem_contrast_last[IDEM_CONTRASTS] = {1.3787563f, 1.2741624f, 1.1056767f,
                                                  0.8817477f, 0.6136043f, 0.3146921f};

double idem_histogram_ms(const float *edges, double contrast)
{
    const double span = (double)(edges[IDEM_EDGES - 1] - edges[0]), sd = span / 2.135;
    double low = (double)edges[0] - span, high = (double)edges[IDEM_EDGES - 1] + span;

    for (int i = 0; i < 16; i++) {
        double middle = 0.5 * (low + high), mean = (double)idem_contrast_last[0];
        for (int e = 0; e < IDEM_EDGES; e++)
            mean += (double)idem_contrast_step[e][0] * 0.5 *
                    erfc((middle - (double)edges[e]) / (sd * sqrt(2)));
        *(mean < contrast ? &low : &high) = middle;
    }
    return 0.5 * (low + high);
}
