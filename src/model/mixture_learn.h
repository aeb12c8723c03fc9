/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mixture_learn.h - learning the pointer's front: quantile tables, projection, mixture.
 *
 *   tables      quantiles of every feature and timing over all people
 *   projection  W = K K' is the covariance of the normal scores within people, plus `session` times
 *               that of sessions' means around their person's, plus a ridge;
 *               V the leading eigenvectors of the covariance of people's means after K^-1;
 *               P = K^-T V: unit variance within people, most between them first (Fisher's linear
 *               discriminant; in speaker verification LDA followed by WCCN)
 *   back        W P = K V turns channels into the scores expected with them, the regression of one
 *               on the other: within people cov(x, P'x) is W P and cov(P'x) is I; between people
 *               it is the same matrix, because V diagonalises
 *   mixture     k-means++ (Arthur and Vassilvitskii 2007), Lloyd's steps, then EM
 *
 * A session is a source. Copies of a person's sessions on other clocks and scales are sessions too:
 * what a clock or a scale shifts then varies within people, and the projection turns away from it
 * (within-class covariance normalisation, Hatch, Kajarekar and Stolcke 2006).
 *
 * Everything random comes from one idem_rng, so the same gestures give the same bytes.
 */
#ifndef IDEM_MODEL_MIXTURE_LEARN_H
#define IDEM_MODEL_MIXTURE_LEARN_H

#include "model/trace.h"

struct idem_mixture_options {
    uint32_t dims;       /* of the projection */
    uint32_t components; /* of the mixture */
    uint32_t gestures;   /* most that are looked at, divided evenly among people */
    double session;      /* how much sessions' means count in the covariance within people */
    uint64_t seed;
};

/* 32 dimensions, 4 components, 60,000 gestures, session 25. */
struct idem_mixture_options idem_mixture_defaults(void);

enum {
    IDEM_MIXTURE_PEOPLE_MIN = 2,
    IDEM_MIXTURE_GESTURES_MIN = 200,
    IDEM_MIXTURE_SESSION_MIN = 30, /* gestures looked at for a session's means to count */
    IDEM_TIMINGS_MIN = 200,        /* a timing with no more samples than this stays unused */
};

/* A person's traces stand together. */
struct idem_mixture_source {
    const struct idem_trace *trace;
    uint32_t person;
};

/*
 * Fills *out, which the caller then moves into a front. IDEM_ERR_TOO_LITTLE below the minima above
 * (people count with at least two gestures).
 */
int idem_mixture_learn(const struct idem_mixture_source *sources, size_t count,
                       const struct idem_mixture_options *opt, struct idem_mixture *out);

/*
 * How much a channel counts (corpus.h): deviations 0.4 and their squares 0.1 a gesture, for a
 * gesture's 32 channels are not independent; 0.5 and 0.125 a timing; the unused channels of a
 * timing's cell nought. discount: [dims of the mixture's shape]. Cross-validated on people 1-72 of
 * the development set.
 */
void idem_pointer_discounts(const struct idem_mixture *mix, float *discount);

#endif
