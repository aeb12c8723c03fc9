/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relearn.h - how the people of a deployment differ, learned from nothing but their profiles.
 *
 * A profile is a sum of windows under a front. The front stays (so that profiles stay valid), and
 * so do the variances within people and the calibration, which sums cannot show; T and the
 * variances between people are learned anew.
 */
#ifndef IDEM_EVAL_RELEARN_H
#define IDEM_EVAL_RELEARN_H

#include "model/corpus.h"
#include "model/learn.h"
#include "model/population.h"

/* The corpus that profiles are put into: idem_corpus_person and _slice. */
int idem_relearn_corpus(const struct idem_population *pop, enum idem_modality modality,
                        struct idem_corpus *corpus);
/* Replaces the population's model of the modality. IDEM_ERR_TOO_LITTLE: see learn.h. */
int idem_relearn(struct idem_population *pop, enum idem_modality modality,
                 struct idem_corpus *corpus, struct idem_learn_options *options);

#endif
