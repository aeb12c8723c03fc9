/* SPDX-License-Identifier: Apache-2.0 */
/*
 * front.h - the edge half of a population, opened: both modalities' cells, and how a
 * measurement becomes their sums.
 *
 * Bytes (little-endian): "IDMF", u32 version, u32 level, u32 keyboard cells, then per cell u32
 * slot, f32 edges[6] in ms; then the mixture (u32 features, dims, components, tables); u32 CRC-32
 * of all before it. The id is the FNV-1a hash of the bytes.
 */
#ifndef IDEM_WINDOW_FRONT_H
#define IDEM_WINDOW_FRONT_H

#include "window/histogram.h"
#include "window/mixture.h"
#include "window/stats.h"
#include "window/zones.h"

enum {
    IDEM_FRONT_VERSION = 2,
    /* The evaluation tool's fronts (src/eval) carry this level; they can be neither written nor
       parsed. */
    IDEM_LEVEL_OFFLINE = 255,
};

struct idem_front {
    uint64_t id;
    enum idem_level level;
    struct idem_zoning zoning;
    uint32_t slots;        /* size of cell_of_slot */
    uint32_t cells;        /* keyboard cells */
    int32_t *cell_of_slot; /* [slots], -1: this slot is too rare to be a cell */
    uint32_t *slot;        /* [cells] */
    float *edges;          /* [cells][IDEM_EDGES], ms, ascending (histogram.h) */
    struct idem_mixture mixture;
};

/* An empty front with room for the given cells. slots: size of the slot table. */
int idem_front_alloc(uint32_t slots, uint32_t cells, struct idem_front **out);
/* Fills the derived tables and the id once slot, edges, level and mixture are set. */
int idem_front_seal(struct idem_front *front);
/* IDEM_ERR_LEVEL for a front of the evaluation tool. w may be a dry run. */
int idem_front_write(const struct idem_front *front, struct idem_writer *w);

static inline struct idem_shape idem_front_shape(const struct idem_front *front,
                                                 enum idem_modality modality)
{
    if (modality == IDEM_POINTER)
        return idem_mixture_shape(&front->mixture);
    return (struct idem_shape){front->cells, front->cells > 0 ? IDEM_KEYBOARD_CHANNELS : 0};
}

/* Files one keyboard measurement, in ms, into the flat array of the keyboard's shape. */
static inline void idem_front_file(const struct idem_front *front, uint32_t slot, float ms,
                                   float *stats)
{
    int32_t cell = slot < front->slots ? front->cell_of_slot[slot] : -1;
    if (cell < 0)
        return;
    stats[cell] += 1.0f;
    idem_histogram_add(front->edges + (size_t)cell * IDEM_EDGES, ms,
                       stats + front->cells + (size_t)cell * IDEM_CONTRASTS);
}

#endif
