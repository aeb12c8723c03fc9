/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corpus.h - what a population is learned from: people's statistics in slices, and how they are
 * made.
 *
 * A slice is the statistics of a short piece of one person's behaviour (25 keys, say). Slices keep
 * their order, so a slice's neighbours are close in time. Nothing finer is needed: weights, T and
 * the calibration are all learned from sums of slices and from the pooled squares below.
 */
#ifndef IDEM_MODEL_CORPUS_H
#define IDEM_MODEL_CORPUS_H

#include "window/front.h"

#include <stddef.h>

struct idem_slices {
    uint32_t count, room;
    float *stats;   /* [count][shape len] */
    float *strokes; /* [count] */
};

struct idem_corpus {
    struct idem_shape shape;
    struct idem_slices *people; /* [count] */
    size_t count, room;
    double *square;  /* [dims], sum over all strokes of the squared statistics, for the variances */
    float *discount; /* [dims], see idem_corpus_discounts */
};

int idem_corpus_init(struct idem_corpus *corpus, struct idem_shape shape);
void idem_corpus_fini(struct idem_corpus *corpus);
/* Starts a new person; slices go to the newest. */
int idem_corpus_person(struct idem_corpus *corpus);
/* Copies one slice (flat statistics) in. */
int idem_corpus_slice(struct idem_corpus *corpus, const float *stats, float strokes);

/*
 * Mean and standard deviation of one slot's values, by Welford's recurrence; an array of them, one
 * a slot, is what a keyboard front is learned from.
 */
struct idem_moments {
    double count, mean, m2;
};

static inline void idem_moments_add(struct idem_moments *m, double x)
{
    double d = x - m->mean;
    m->count += 1;
    m->mean += d / m->count;
    m->m2 += d * (x - m->mean);
}

enum { IDEM_CELL_MIN_STROKES = 200 };

/*
 * A keyboard front: slots with at least IDEM_CELL_MIN_STROKES strokes become cells. level may be
 * IDEM_LEVEL_OFFLINE with a zoning of the caller's. The front is not sealed: a mixture may be
 * added.
 */
int idem_keyboard_front_learn(enum idem_level level, const struct idem_zoning *zoning,
                              const struct idem_moments *slots, uint32_t slot_count,
                              struct idem_front **out);

/*
 * How much a channel counts: a hold 1, the flight beside it 0.9, squares 0.3 of that, for channels
 * of one stroke are not independent (measured on the development set).
 */
void idem_keyboard_discounts(const struct idem_front *front, float *discount);

#endif
