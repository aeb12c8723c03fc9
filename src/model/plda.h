/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plda.h - the score: how likely two sums of windows are to come from one person.
 *
 * Embedding. Statistics (n, f) of any length become a point y of R numbers in two steps. First the
 * posterior mean of the person's w (model.h), computed as if the statistics held `reach`
 * measurements, N = sum n_c being what they do hold:
 *
 *     w = (I + q L)^-1 q b,   q = reach / N
 *
 * so that w does not shrink with the length of what was seen. Then a rotation into directions that
 * are independent both between people and within them: y = V (w - centre).
 *
 * Two-covariance model (probabilistic linear discriminant analysis: Prince and Elder,
 * "Probabilistic linear discriminant analysis for inferences about identity", 2007; Brummer and de
 * Villiers, "The speaker partitioning problem", 2010). In direction i, with x ~ N(0, between_i) the
 * person,
 *
 *     y ~ N(x, v_i(N)),   v_i(N) = session_i + noise_i * MEASURES / N
 *
 * noise: what more strokes of the same sitting would average out. session: what they would not, the
 * variability of one person between sittings, tasks and devices; it bounds what any amount of data
 * can claim. Both are learned from how much pairs of sums of one person differ at each length.
 *
 * score(P, S) = log p(yP, yS | one person) - log p(yP) - log p(yS), a sum over directions.
 */
#ifndef IDEM_MODEL_PLDA_H
#define IDEM_MODEL_PLDA_H

#include "model/model.h"

/* noise is stated for sums of so many measurements: a hold and a flight for each of 50 strokes. */
#define IDEM_PLDA_MEASURES 100.0

/* A point: y[rank], then N. Statistics of nothing have N = 0 and score nought against anything. */
static inline size_t idem_point_len(const struct idem_model *model)
{
    return model->rank + 1;
}

/* Doubles of scratch that idem_embed needs. */
size_t idem_embed_scratch(const struct idem_model *model);
/* Embeds `count` flat statistics, any number: points[count][rank + 1]. */
void idem_embed(const struct idem_model *model, const float *const *stats, size_t count,
                double *scratch, double *points);
/* The same without rotation, as learning needs it: w and N. */
void idem_embed_unrotated(const struct idem_model *model, const float *const *stats, size_t count,
                          double *scratch, double *points);
/* The log-likelihood ratio "one person" : "two people" of two points, nats, before calibration. */
double idem_plda_score(const struct idem_model *model, const double *P, const double *S);

#endif
