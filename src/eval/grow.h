/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grow.h - learning the forest of the pointer's judge from movements.
 *
 * Gradient boosting of the logistic loss with trees of two questions (Friedman 2001; Newton steps
 * as in Chen and Guestrin 2016). Programs and hands weigh the same in sum, so the forest's sum is a
 * log-likelihood ratio. No random number is drawn: the same movements make the same forest.
 */
#ifndef IDEM_EVAL_GROW_H
#define IDEM_EVAL_GROW_H

#include <stdio.h>

#include "eval/movements.h"

struct idem_growing {
    int without_source; /* -1: none; a source that is left out */
    int without_hands;  /* likewise; made hands, to see what they change */
    int without_fold;   /* -1: none; a fold of hands and programs that is left out */
};

/* IDEM_ERR_TOO_LITTLE without both sides. */
int idem_forest_grow(const struct idem_movements *m, const struct idem_growing *how,
                     struct idem_forest *out);

/* The forest as the C file src/guard/weights.c. IDEM_ERR_IO with errno. */
int idem_forest_write(const struct idem_forest *forest, FILE *to);

#endif
