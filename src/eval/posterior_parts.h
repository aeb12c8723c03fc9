/* SPDX-License-Identifier: Apache-2.0 */
/* posterior_parts.h - what the two files of posterior.h share. */
#ifndef IDEM_EVAL_POSTERIOR_PARTS_H
#define IDEM_EVAL_POSTERIOR_PARTS_H

#include "base/rng.h"
#include "eval/posterior.h"

/* A stranger of the owner's among those who are able; UINT32_MAX: none. */
uint32_t idem_posterior_stranger(const struct idem_cast *cast, uint32_t owner,
                                 bool (*able)(const void *arg, uint32_t person), const void *arg,
                                 struct idem_rng *rng);
/* A row that could be had is added; err is what making it gave. */
int idem_posterior_add(struct idem_posterior *out, const struct idem_posterior_row *row, int err);
int idem_posterior_scores(const struct idem_cast *cast,
                          const struct idem_posterior_options *options, struct idem_posterior *out);

#endif
