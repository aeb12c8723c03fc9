/* SPDX-License-Identifier: Apache-2.0 */
/*
 * front.h - the edge half of a population, opened: cells and standardisation of both modalities.
 *
 * Bytes (little-endian): "IDMF", u32 version, u32 level, u32 keyboard cells, then per cell u32
 * slot, f32 mean, f32 1/sd; then the mixture (u32 features, dims, components, tables); u32 CRC-32
 * of all before it. The id is the FNV-1a hash of the bytes.
 */
#ifndef IDEM_WINDOW_FRONT_H
#define IDEM_WINDOW_FRONT_H

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
    uint32_t cells;        /* keyboard cells; one channel each */
    int32_t *cell_of_slot; /* [slots], -1: this slot is too rare to be a cell */
    uint32_t *slot;        /* [cells] */
    float *mean;           /* [cells], of the channel's value */
    float *inv_sd;         /* [cells] */
    struct idem_mixture mixture;
};

/* An empty front with room for the given cells. slots: size of the slot table. */
int idem_front_alloc(uint32_t slots, uint32_t cells, struct idem_front **out);
/* Fills the derived tables and the id once slot, mean, inv_sd, level and mixture are set. */
int idem_front_seal(struct idem_front *front);
/* IDEM_ERR_LEVEL for a front of the evaluation tool. w may be a dry run. */
int idem_front_write(const struct idem_front *front, struct idem_writer *w);

static inline struct idem_shape idem_front_shape(const struct idem_front *front,
                                                 enum idem_modality modality)
{
    if (modality == IDEM_POINTER)
        return idem_mixture_shape(&front->mixture);
    return (struct idem_shape){front->cells, front->cells > 0 ? 1 : 0};
}

/* Files one keyboard measurement into the flat array of the keyboard's shape. */
static inline void idem_front_file(const struct idem_front *front, uint32_t slot, float value,
                                   float *stats)
{
    int32_t cell = slot < front->slots ? front->cell_of_slot[slot] : -1;
    if (cell < 0)
        return;
    float v = idem_clip((value - front->mean[cell]) * front->inv_sd[cell]);
    float *f = stats + front->cells + 2 * (size_t)cell;
    stats[cell] += 1.0f;
    f[0] += v;
    f[1] += idem_centred_square(v);
}

#endif
