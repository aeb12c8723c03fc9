/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence.h - the closed-form score, and nothing else: pure arithmetic on caller's memory.
 *
 * score(P, S) = E(P + S) - E(P) - E(S), the log-likelihood ratio of "one person gave both" to "two
 * people did", for statistics P (profile) and S (window or sum of windows).
 *
 * The plain term is the same ratio for the independent hierarchical Gaussian, in which each (cell,
 * channel) has a between-person variance d^2 of its own: f_k / n ~ N(m, 1 / (n W_k)), m ~ N(0,
 * d_k^2):
 *
 *     E_k = 1/2 (W_k f_k)^2 d_k^2 / (1 + n W_k d_k^2) - 1/2 log(1 + n W_k d_k^2)
 *
 * It needs no correlations, so it holds where few people were there to learn from.
 */
#ifndef IDEM_MODEL_EVIDENCE_H
#define IDEM_MODEL_EVIDENCE_H

#include "model/lanes.h"

/* Adds the projection of stats (flat array, stats.h) to L[packed] (without the identity) and
 * b[rank]. */
void idem_project(const struct idem_model *model, const float *stats, double *L, double *b);

/* Doubles of scratch that the functions below need, for any number of lanes up to IDEM_LANES. */
size_t idem_evidence_scratch(uint32_t rank);

/* One evidence of a projection. Scratch: idem_evidence_scratch doubles. */
double idem_evidence(uint32_t rank, const double *L, const double *b, double *scratch);

/*
 * Evidence of up to IDEM_LANES projection sums at once: lane i is (La[i] + Lb[i], ba[i] + bb[i]);
 * Lb and bb entries may be NULL (nothing added). out[lanes].
 */
struct idem_lane {
    const double *La, *ba, *Lb, *bb;
};
void idem_evidence_batch(uint32_t rank, const struct idem_lane *lanes, int count, double *scratch,
                         double *out);

/*
 * Up to IDEM_LANES probes (flat statistics) against one profile (its projection: L[packed], then
 * b[rank]): alone[i] = E(S_i), joint[i] = E(P + S_i), *own = E(P).
 */
size_t idem_evidence_probes_scratch(const struct idem_model *model);
void idem_evidence_probes(const struct idem_model *model, const double *profile,
                          const float *const *probes, int count, double *scratch, double *alone,
                          double *joint, double *own);

/* The posterior mean of w given a projection: w[rank]. */
void idem_posterior(uint32_t rank, const double *L, const double *b, double *scratch, double *w);

/* The plain term of one statistic: profile (np, fp) and probe (ns, fs), weight W, variance d2. */
double idem_plain_term(double np, double fp, double ns, double fs, double W, double d2);

/* The plain term of the score of probe S against profile P, both flat arrays. */
double idem_plain_score(const struct idem_model *model, const float *P, const float *S);

#endif
