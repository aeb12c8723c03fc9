/* SPDX-License-Identifier: Apache-2.0 */
/* units.h - a corpus summed up to the samples that T is learned from. */
#ifndef IDEM_MODEL_UNITS_H
#define IDEM_MODEL_UNITS_H

#include "model/corpus.h"

struct idem_units {
    float **stats;    /* [count], flat statistics */
    uint32_t *person; /* [count] */
    size_t count;
};

/*
 * Sums each person's consecutive slices to units of at least `strokes`; a rest below a third of
 * that joins the unit before it.
 */
int idem_units_init(struct idem_units *units, const struct idem_corpus *corpus, uint32_t strokes);
void idem_units_fini(struct idem_units *units);

#endif
