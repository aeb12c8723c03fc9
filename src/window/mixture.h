/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mixture.h - the pointer's background model: from what was measured to cells and channels.
 *
 * A gesture: feature -> normal score by the population's quantile table -> linear projection
 * (whitened within people, turned to where people differ most) -> diagonal Gaussian mixture. The
 * Baum-Welch statistics under it are the pointer window: cell = component, channel = dimension.
 *
 * A button's timing (gesture.h) has a cell of its own behind the components, of which only channel
 * 0 is used:
 *     cell 0 .. components - 1            the mixture's
 *     cell components + s                 timing s of enum idem_scalar
 */
#ifndef IDEM_WINDOW_MIXTURE_H
#define IDEM_WINDOW_MIXTURE_H

#include "base/bytes.h"
#include "window/gesture.h"
#include "window/stats.h"

enum {
    IDEM_KNOTS = 63, /* quantile knots, 2^6 - 1 for the search */
    IDEM_COMPONENTS_MAX = 64,
};

/* Knot k is the quantile at FIRST + k (1 - 2 FIRST) / (IDEM_KNOTS - 1). */
#define IDEM_KNOT_FIRST 0.003

/* A component's deviations are clipped wider than a keyboard cell's: components are narrow. */
#define IDEM_MIXTURE_CLIP 3.0f

struct idem_mixture {
    uint32_t features, dims, components; /* 0 components: no pointer model */
    float *quantile;                     /* [features][IDEM_KNOTS], ascending */
    float *scalar;     /* [IDEM_SCALARS][IDEM_KNOTS], ascending; all the same: not in use */
    float *project;    /* [features][dims] */
    float *unproject;  /* [features][dims], scores expected of a channel's deviation; for people */
    float *log_weight; /* [components], includes the Gaussian's normaliser */
    float *mean;       /* [components][dims] */
    float *inv_sd;     /* [components][dims] */
    void *memory;
};

/* One allocation for all tables, zeroed. */
int idem_mixture_alloc(struct idem_mixture *mix, uint32_t features, uint32_t dims,
                       uint32_t components);
void idem_mixture_free(struct idem_mixture *mix);
void idem_mixture_write(const struct idem_mixture *mix, struct idem_writer *w);
/* IDEM_ERR_FORMAT for tables that do not ascend, are out of range or of other features. */
int idem_mixture_read(struct idem_mixture *mix, struct idem_reader *r);

/* Normal scores of one raw feature vector, in place. Non-finite values count as the median. */
void idem_mixture_scores(const struct idem_mixture *mix, float *features);
/* z[dims] = scores[features] * project. */
void idem_mixture_project(const struct idem_mixture *mix, const float *scores, float *z);
/* Responsibilities of the components for z[dims], which sum to one: resp[components]. */
void idem_mixture_responsibilities(const struct idem_mixture *mix, const float *z, float *resp);
/* Adds one gesture's statistics to the flat array of the mixture's shape. */
void idem_mixture_add(const struct idem_mixture *mix, const float *features, float *stats);
/* Adds one timing's. */
void idem_mixture_add_scalar(const struct idem_mixture *mix, enum idem_scalar scalar, float value,
                             float *stats);
/* Adds what an event yielded (gesture.h). */
void idem_mixture_observe(const struct idem_mixture *mix, unsigned found,
                          const struct idem_observed *observed, float *stats);

static inline struct idem_shape idem_mixture_shape(const struct idem_mixture *mix)
{
    if (mix->components == 0)
        return (struct idem_shape){0, 0};
    return (struct idem_shape){mix->components + IDEM_SCALARS, mix->dims};
}

static inline bool idem_mixture_has_scalar(const struct idem_mixture *mix, uint32_t scalar)
{
    const float *q = mix->scalar + (size_t)scalar * IDEM_KNOTS;
    return q[0] < q[IDEM_KNOTS - 1];
}

#endif
