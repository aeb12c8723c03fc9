/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forest.c - see forest.h.
 */
#include "guard/forest.h"

/*
 * Of three chords in a row the second changes must be alike but for rounding. Where half of a
 * movement is like that, no tremor and no correction is in it: about one of 1,500 movements of
 * recorded hands, and one of three of plain programs. Two thirds: one of 10,000.
 */
static const float smooth = 0.5F, very_smooth = 0.65F;
static const double smooth_nats = 2.5, very_smooth_nats = 4;

static double smoothness(const float *measure)
{
    const float share = measure[IDEM_MEASURE_SMOOTH];
    return share >= very_smooth ? very_smooth_nats : share >= smooth ? smooth_nats : 0;
}

double idem_forest_llr(const struct idem_forest *forest, const float *measure)
{
    double sum = (double)forest->offset + smoothness(measure);
    for (uint32_t i = 0; i < forest->count; i++) {
        const struct idem_tree *t = &forest->tree[i];
        const int yes = measure[t->measure[0]] > t->above[0];
        const int again = measure[t->measure[1 + yes]] > t->above[1 + yes];
        sum += (double)t->leaf[2 * yes + again];
    }
    return sum;
}
