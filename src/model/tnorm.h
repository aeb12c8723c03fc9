/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tnorm.h - test normalisation of raw scores by a cohort (Auckenthaler, Carey and Lloyd-Thomas,
 * "Score normalization for text-independent speaker verification systems", 2000).
 *
 *     normalised = (raw - mean) / sd   of the same probe's scores against the cohort's profiles,
 * over the `top` highest of them. The cohort comes from the population, never from the people under
 * test. It is optional: with the evidence score it helps only where few people were there to learn
 * from, it costs an evidence a cohort profile, and its result is no log-likelihood ratio any more.
 */
#ifndef IDEM_MODEL_TNORM_H
#define IDEM_MODEL_TNORM_H

#include "model/model.h"

enum { IDEM_COHORT_MAX = 4096 };

struct idem_cohort;

/*
 * profiles: count (2..IDEM_COHORT_MAX) flat statistics of the model's shape, copied. The model must
 * outlive the cohort. IDEM_ERR_TOO_LITTLE or IDEM_ERR_LIMIT outside the range.
 */
int idem_cohort_new(const struct idem_model *model, const float *const *profiles, size_t count,
                    struct idem_cohort **out);
void idem_cohort_free(struct idem_cohort *cohort);

/* Normalises the raw score of a probe (flat statistics). top: 2..count, larger is count. Not
 * re-entrant on the same cohort. */
double idem_tnorm(struct idem_cohort *cohort, const float *probe, double raw, size_t top);

#endif
