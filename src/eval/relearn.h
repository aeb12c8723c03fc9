/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relearn.h - how the people of a deployment differ, learned from nothing but their profiles.
 *
 * A profile is a sum of windows under a front. The front, T and the variances within people stay,
 * which sums cannot show, and with them every profile stays valid; learned anew are the centre of
 * the public and how widely its people spread (idem_plda_recentre).
 */
#ifndef IDEM_EVAL_RELEARN_H
#define IDEM_EVAL_RELEARN_H

#include "model/corpus.h"
#include "model/plda_learn.h"
#include "model/population.h"

/* The corpus that profiles are put into: idem_corpus_person and _slice. */
int idem_relearn_corpus(const struct idem_population *pop, enum idem_modality modality,
                        struct idem_corpus *corpus);
/* Recentres the population's model of the modality. IDEM_ERR_TOO_LITTLE with fewer than two people.
 */
int idem_relearn(struct idem_population *pop, enum idem_modality modality,
                 const struct idem_corpus *corpus);

#endif
