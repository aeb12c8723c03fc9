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
    float *discount; /* [dims], see idem_keyboard_discounts */
};

int idem_corpus_init(struct idem_corpus *corpus, struct idem_shape shape);
void idem_corpus_fini(struct idem_corpus *corpus);
/* Starts a new person; slices go to the newest. */
int idem_corpus_person(struct idem_corpus *corpus);
/* Copies one slice (flat statistics) in. */
int idem_corpus_slice(struct idem_corpus *corpus, const float *stats, float strokes);

enum { IDEM_SLOT_TIMES_FROM_MS = -300, IDEM_SLOT_TIMES_STEP_MS = 2, IDEM_SLOT_TIMES_STEPS = 1651 };

/*
 * How one slot's times are distributed, in steps of 2 ms from -300 to 3000 ms; an array of them,
 * one a slot, is what a keyboard front is learned from.
 */
struct idem_slot_times {
    uint32_t count, step[IDEM_SLOT_TIMES_STEPS];
};

/* Times outside count at the ends. */
void idem_slot_times_add(struct idem_slot_times *times, double ms);
/* The sevenths of the spread, blurred as a window's times are (histogram.h): ascending edges. */
void idem_slot_times_edges(const struct idem_slot_times *times, float edges[IDEM_EDGES]);

enum { IDEM_CELL_MIN_STROKES = 200 };

/*
 * A keyboard front: slots with at least IDEM_CELL_MIN_STROKES strokes become cells. level may be
 * IDEM_LEVEL_OFFLINE with a zoning of the caller's. The front is not sealed: a mixture may be
 * added.
 */
int idem_keyboard_front_learn(enum idem_level level, const struct idem_zoning *zoning,
                              const struct idem_slot_times *slots, uint32_t slot_count,
                              struct idem_front **out);

/*
 * How much a contrast counts: of a hold 0.8, of a flight 0.7, divided by the root of its number,
 * for the measurements of one stroke, and of neighbouring ones, are not independent (chosen on the
 * development people).
 */
void idem_keyboard_discounts(const struct idem_front *front, float *discount);

#endif
