/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mixture.h - the pointer's background model: from a gesture's features to responsibilities.
 *
 * feature -> normal score by the population's quantile table -> linear projection (whitened within
 * people) -> diagonal Gaussian mixture. The Baum-Welch statistics under it are the pointer window.
 */
#ifndef IDEM_WINDOW_MIXTURE_H
#define IDEM_WINDOW_MIXTURE_H

#include "base/bytes.h"
#include "window/stats.h"

enum {
    IDEM_FEATURES_MAX = 48,
    IDEM_KNOTS = 65, /* quantile knots a feature */
    IDEM_COMPONENTS_MAX = 128,
};

struct idem_mixture {
    uint32_t features, dims, components; /* 0 components: no pointer model */
    float *quantile;                     /* [features][IDEM_KNOTS], ascending */
    float *project;                      /* [dims][features] */
    float *log_weight;                   /* [components], includes the Gaussian's normaliser */
    float *mean;                         /* [components][dims] */
    float *inv_sd;                       /* [components][dims] */
    void *memory;
};

/* One allocation for all tables, zeroed. */
int idem_mixture_alloc(struct idem_mixture *mix, uint32_t features, uint32_t dims,
                       uint32_t components);
void idem_mixture_free(struct idem_mixture *mix);
void idem_mixture_write(const struct idem_mixture *mix, struct idem_writer *w);
int idem_mixture_read(struct idem_mixture *mix, struct idem_reader *r);

/* Normal scores of one raw feature vector, in place. Non-finite values count as the median. */
void idem_mixture_scores(const struct idem_mixture *mix, float *features);
/* z[dims] = project * scores[features]. */
void idem_mixture_project(const struct idem_mixture *mix, const float *scores, float *z);
/* Adds one gesture's statistics to the flat array of shape {components, dims}. */
void idem_mixture_add(const struct idem_mixture *mix, const float *features, float *stats);

static inline struct idem_shape idem_mixture_shape(const struct idem_mixture *mix)
{
    return (struct idem_shape){mix->components, mix->dims};
}

#endif
