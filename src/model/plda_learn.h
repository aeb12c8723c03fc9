/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plda_learn.h - learning the two-covariance model of embeddings (plda.h) from a corpus.
 *
 * Pieces of about `piece` strokes are embedded. With W the covariance of pieces around their
 * person's mean and B that of people's means less their share of W, the generalised eigenvectors of
 * (B, W) are the rows of V: W becomes I and B the diagonal `between`. W counts what changes slowly
 * within a person more than what merely scatters, and is drawn towards what the eigenvoice model
 * expects where few people taught it.
 *
 * session and noise come from pairs: two sums of k neighbouring pieces of one person, k = 1, 2, 4,
 * ..., that do not overlap. In direction i the expected square of their difference is
 *
 *     2 session_i + noise_i (MEASURES / N1 + MEASURES / N2)
 *
 * solved by non-negative least squares over all pairs and lengths.
 */
#ifndef IDEM_MODEL_PLDA_LEARN_H
#define IDEM_MODEL_PLDA_LEARN_H

#include "model/corpus.h"
#include "model/plda.h"

struct idem_plda_options {
    float piece; /* strokes */
    float reach; /* measurements an embedding is scaled to */
    uint64_t seed;
};

/*
 * Fills the model's reach, centre, rotate, between, session, noise; T and the weights must be there
 * and sealed. People of the corpus for which use[person] is false are passed over (NULL: all).
 * IDEM_ERR_TOO_LITTLE when no two people, or nobody, has two pieces.
 */
int idem_plda_learn(const struct idem_corpus *corpus, const bool *use,
                    const struct idem_plda_options *opt, struct idem_model *model);

/*
 * Moves the model to another public: `centre` to the mean of these people's embeddings, `between`
 * to their variances less their own noise, both weighed against what stands there as if it had been
 * learned from IDEM_RECENTRE_PEOPLE people. Another public shares its own average (its keyboards'
 * clock, its texts, its trade), which the old centre would take for a likeness of any two of them.
 * T, V, session and noise stay, and with them every profile stays valid.
 */
enum { IDEM_RECENTRE_PEOPLE = 20 };
int idem_plda_recentre(struct idem_model *model, const float *const *people, size_t count);

#endif
