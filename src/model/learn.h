/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn.h - from a corpus to the model of one modality: variances, T, the plain term, calibration.
 */
#ifndef IDEM_MODEL_LEARN_H
#define IDEM_MODEL_LEARN_H

#include "model/corpus.h"
#include "model/eigenvoice.h"
#include "model/plda_learn.h"

struct idem_learn_options {
    uint32_t rank;         /* lowered to the number of units less one */
    uint32_t unit_strokes; /* a person's slices are summed to units of about so many strokes;
                              UINT32_MAX: people are the units */
    float variance_min, variance_max; /* of statistics within people */
    float plain_share;
    struct idem_plda_options plda;
    struct idem_em_options em;
    bool calibrate; /* needs several slices a person */
    /* Runs fn(arg, 0..n-1), in parallel if it can; NULL: one after the other. */
    void (*parallel)(void (*fn)(void *arg, int i), void *arg, int n);
    void (*progress)(void *arg, uint32_t done, uint32_t of);
    void *progress_arg;
};

struct idem_learn_options idem_learn_defaults(enum idem_modality modality);

/*
 * W = discount / s with s the pooled variance within units, from the corpus' squares:
 *     s_k = clip((sum x^2 - sum_u f_u^2 / n_u) / (N - units), min, max)
 */
void idem_learn_weights(const struct idem_corpus *corpus, const float *const *units, size_t count,
                        const struct idem_learn_options *opt, float *weight);

/* Learns everything into *model (allocated here). IDEM_ERR_TOO_LITTLE with fewer than ten people.
 */
int idem_learn(const struct idem_corpus *corpus, const struct idem_learn_options *opt,
               struct idem_model *model);

/* Raw score of statistics S against profile P, eigenvoice and plain term; scratch as below. */
double idem_raw_score(const struct idem_model *model, const float *P, const float *S,
                      double *scratch);
size_t idem_raw_score_scratch(const struct idem_model *model);

#endif
