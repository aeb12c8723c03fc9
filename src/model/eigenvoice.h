/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eigenvoice.h - learning T, the directions in which people differ, by expectation-maximisation.
 *
 * E-step: each person's posterior w ~ N(V b, V), V = L^-1. M-step, per cell c with A_c = sum_u n_uc
 * (V_u + w_u w_u'): T_k = (A_c + ridge I)^-1 sum_u f_uk w_u for the statistics k of the cell. Then
 * minimum divergence: T is multiplied by the Cholesky factor of the mean of V_u + w_u w_u', so that
 * the prior stays N(0, I) (Kenny 2005; Brummer, "The EM algorithm and minimum divergence", 2009).
 */
#ifndef IDEM_MODEL_EIGENVOICE_H
#define IDEM_MODEL_EIGENVOICE_H

#include "model/model.h"

struct idem_em_options {
    uint32_t iterations; /* 12 is the reference's */
    double ridge;        /* 1 for the keyboard */
    uint64_t seed;       /* of the random start */
    double start;        /* standard deviation of the start, 0.1 for the keyboard */
    bool given_start;    /* model->load already holds the start */
};

/*
 * people: count pointers to flat statistics of the model's shape. model->weight must be set, load
 * is learned, the model is sealed. progress may be NULL; it is called with iterations done and
 * their number.
 */
int idem_eigenvoice_train(struct idem_model *model, const float *const *people, size_t count,
                          const struct idem_em_options *opt,
                          void (*progress)(void *arg, uint32_t done, uint32_t of), void *arg);

#endif
