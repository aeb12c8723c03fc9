/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - the eigenvoice model of one modality: how people differ, and the evidence of
 * statistics.
 *
 * For cell c, channel statistic k (one of the sums of stats.h: a contrast, deviations, centred
 * squares) and a person w:
 *
 *     f_k / n_c ~ N(T_k w, s_k / n_c),   w ~ N(0, I_R)
 *
 * With weight W_k = discount_k / s_k the evidence of statistics (n, f), over every possible person,
 * is
 *
 *     E(n, f) = 1/2 b' L^-1 b - 1/2 log|L|
 *     L = I + sum_c n_c G_c,  G_c = sum_{k in c} W_k T_k T_k',  b = sum_k f_k W_k T_k
 *
 * (Kenny, Boulianne and Dumouchel, "Eigenvoice modeling with sparse training data", 2005; discounts
 * because the channels of one stroke are not independent). L and b are linear in the statistics, so
 * a "projection" (L - I, b) of a sum is the sum of projections.
 */
#ifndef IDEM_MODEL_MODEL_H
#define IDEM_MODEL_MODEL_H

#include "base/bytes.h"
#include "model/calibration.h"
#include "window/stats.h"

enum { IDEM_RANK_MAX = 96 };

struct idem_model {
    struct idem_shape shape;
    uint32_t rank;     /* R */
    float *load;       /* T, [cells][channels][2][rank] */
    float *weight;     /* W, [cells][channels][2] */
    float *plain;      /* d^2, between-person variance, [cells][channels][2]; see evidence.h */
    float plain_share; /* weight of the plain term in the score, 0..1 */
    /* The two-covariance model of embeddings, plda.h: */
    float reach;    /* measurements that an embedding is scaled to */
    float *centre;  /* [rank] */
    float *rotate;  /* [rank][rank], V */
    float *between; /* [rank], variances between people, within a sitting, of sums' noise */
    float *session; /* [rank] */
    float *noise;   /* [rank] */
    struct idem_calibration calibration;
    /* derived by idem_model_seal: */
    double *gram;  /* G, [cells][rank (rank + 1) / 2], packed lower triangle, row by row */
    double *wload; /* W_k T_k, [cells][channels][2][rank] */
};

static inline size_t idem_packed(uint32_t rank)
{
    return (size_t)rank * (rank + 1) / 2;
}

int idem_model_alloc(struct idem_model *model, struct idem_shape shape, uint32_t rank);
void idem_model_free(struct idem_model *model);
/* Computes the derived tables from load and weight. */
void idem_model_seal(struct idem_model *model);
void idem_model_write(const struct idem_model *model, struct idem_writer *w);
/* shape: what the front says; anything else in the bytes is IDEM_ERR_FORMAT. Seals. */
int idem_model_read(struct idem_model *model, struct idem_shape shape, struct idem_reader *r);

#endif
