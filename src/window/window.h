/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window.h - the finished window: what may leave the edge, and nothing else.
 *
 * All numbers are integers on the grid of 1/IDEM_GRID. A decoder builds one with begin, put...,
 * end; end refuses what no honest collector can produce.
 */
#ifndef IDEM_WINDOW_WINDOW_H
#define IDEM_WINDOW_WINDOW_H

#include "idem/idem.h"
#include "window/stats.h"

enum {
    IDEM_WINDOW_STROKES_MAX = 1000,
    IDEM_TIMINGS_PER_STROKE = 4, /* clicks that ride along with the gestures of a pointer window */
    IDEM_WINDOW_DURATION_MAX_MS = 24 * 3600 * 1000,
};

struct idem_window {
    uint64_t front_id;
    enum idem_modality modality;
    enum idem_level level;
    struct idem_shape shape;
    uint32_t strokes, duration_ms;
    int32_t *n;         /* [cells] */
    int32_t *sums;      /* [cells][channels][2] */
    uint32_t next_cell; /* decoder: cells must ascend */
};

int idem_window_begin(struct idem_window *w, uint32_t strokes, uint32_t duration_ms);
/* sums: channels * 2 grid integers. Cells must come in ascending order, counts above nought. */
int idem_window_put(struct idem_window *w, uint32_t cell, int32_t n, const int32_t *sums);
/*
 * IDEM_ERR_INVALID when counts exceed what the strokes allow (keyboard: one hold and one flight a
 * stroke and a carried transition; pointer: the mixture's responsibilities sum to one, timings are
 * whole numbers and at most IDEM_TIMINGS_PER_STROKE of a kind for each stroke).
 */
int idem_window_end(struct idem_window *w);

/* Rounds raw statistics to the grid. stats: flat array of the window's shape (stats.h). */
int idem_window_fill(struct idem_window *w, const float *stats, uint32_t strokes,
                     int64_t duration_us);
/* Adds weight times the window to a flat array of floats of its shape. */
void idem_window_add_to(const struct idem_window *w, float weight, float *stats);

/* The cells of a shape that strokes are filed under: a pointer's timings are not strokes. */
uint32_t idem_stroke_cells(enum idem_modality modality, struct idem_shape shape);
/* The strokes of a window that it holds evidence of: at most those it claims. */
double idem_window_held(const struct idem_window *w);

#endif
