/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence.h - a person's posterior under the eigenvoice model, and the plain term: pure arithmetic
 * on caller's memory.
 *
 * The plain term is the log-likelihood ratio "one person gave both" : "two people did" of the
 * independent hierarchical Gaussian, in which each (cell, channel) has a between-person variance
 * d^2 of its own: f_k / n ~ N(m, 1 / (n W_k)), m ~ N(0, d_k^2). With
 *
 *     E_k = 1/2 (W_k f_k)^2 d_k^2 / (1 + n W_k d_k^2) - 1/2 log(1 + n W_k d_k^2)
 *
 * it is E(P + S) - E(P) - E(S), summed over k. It needs no correlations, so it holds where few
 * people were there to learn from; the score (plda.h) adds a share of it where that was measured to
 * help.
 */
#ifndef IDEM_MODEL_EVIDENCE_H
#define IDEM_MODEL_EVIDENCE_H

#include "model/model.h"

/* Adds the projection of stats (flat array, stats.h) to L[packed] (without the identity) and
 * b[rank]. */
void idem_project(const struct idem_model *model, const float *stats, double *L, double *b);

/* Doubles of scratch that the functions below need. */
size_t idem_evidence_scratch(uint32_t rank);

/* One evidence of a projection. Scratch: idem_evidence_scratch doubles. */
double idem_evidence(uint32_t rank, const double *L, const double *b, double *scratch);

/* The posterior mean of w given a projection: w[rank]. */
void idem_posterior(uint32_t rank, const double *L, const double *b, double *scratch, double *w);

/* The plain term of one statistic: profile (np, fp) and probe (ns, fs), weight W, variance d2. */
double idem_plain_term(double np, double fp, double ns, double fs, double W, double d2);

/* The plain term of the score of probe S against profile P, both flat arrays. */
double idem_plain_score(const struct idem_model *model, const float *P, const float *S);

/* What the plain term adds to a score: its share, or nothing at all. */
static inline double idem_plain_share(const struct idem_model *model, const float *P,
                                      const float *S)
{
    return model->plain_share > 0 ? (double)model->plain_share * idem_plain_score(model, P, S) : 0;
}

#endif
