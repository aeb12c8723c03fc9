/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forest.h - the weights of the pointer's judge: small trees whose leaves add up to the
 * log-likelihood ratio of a program against a hand, nats.
 *
 * A tree asks one question, then one of two, each of one measure: above a threshold or not. So no
 * leaf depends on more than two measures, and a table that a person can read is all there is.
 */
#ifndef IDEM_GUARD_FOREST_H
#define IDEM_GUARD_FOREST_H

#include "guard/strand.h"

enum { IDEM_FOREST_TREES = 120 };

struct idem_tree {
    uint8_t measure[3]; /* of the first question, of the second after no, after yes */
    float above[3];
    float leaf[4]; /* no-no, no-yes, yes-no, yes-yes */
};

struct idem_forest {
    float offset;
    uint32_t count;
    struct idem_tree tree[IDEM_FOREST_TREES];
};

/* The shipped one, weights.c. */
extern const struct idem_forest idem_forest_shipped;

/*
 * Nats for a program against a hand; measure[IDEM_MEASURES]. Beside the trees one rule: movements
 * as smooth as positions can be, which a hand's never are.
 */
double idem_forest_llr(const struct idem_forest *forest, const float *measure);
/* What of it is that rule's. */
double idem_exactness(const float *measure);

#endif
