/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forest.c - see forest.h.
 */
#include "guard/forest.h"

#include <stddef.h>

/*
 * Of three chords in a row the second changes must be alike but for rounding (smooth), or of two
 * the chords themselves (even). Where most of a movement is like that, neither tremor nor
 * correction is in it. Recorded hands: one movement of 1,000 from the first threshold on, one of
 * 2,000 from the second, one of 10,000 from the third; plain programs: every third.
 */
static const struct {
    float smooth, even;
    double nats;
} exactness[] = {{0.65F, 0.7F, 4}, {0.5F, 0.6F, 2.5}, {0.4F, 2, 1.5}};

double idem_exactness(const float *measure)
{
    for (size_t i = 0; i < sizeof exactness / sizeof *exactness; i++)
        if (measure[IDEM_MEASURE_SMOOTH] >= exactness[i].smooth ||
            measure[IDEM_MEASURE_EVEN] >= exactness[i].even)
            return exactness[i].nats;
    return 0;
}

double idem_forest_llr(const struct idem_forest *forest, const float *measure)
{
    double sum = (double)forest->offset + idem_exactness(measure);
    for (uint32_t i = 0; i < forest->count; i++) {
        const struct idem_tree *t = &forest->tree[i];
        const int yes = measure[t->measure[0]] > t->above[0];
        const int again = measure[t->measure[1 + yes]] > t->above[1 + yes];
        sum += (double)t->leaf[2 * yes + again];
    }
    return sum;
}
