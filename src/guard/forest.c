/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forest.c - see forest.h.
 */
#include "guard/forest.h"

double idem_forest_llr(const struct idem_forest *forest, const float *measure)
{
    double sum = (double)forest->offset;
    for (uint32_t i = 0; i < forest->count; i++) {
        const struct idem_tree *t = &forest->tree[i];
        const int yes = measure[t->measure[0]] > t->above[0];
        const int again = measure[t->measure[1 + yes]] > t->above[1 + yes];
        sum += (double)t->leaf[2 * yes + again];
    }
    return sum;
}
