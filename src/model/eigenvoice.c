/* SPDX-License-Identifier: Apache-2.0 */
/* eigenvoice.c - the EM algorithm of eigenvoice.h on packed symmetric matrices. */
#include "model/eigenvoice.h"

#include "base/rng.h"
#include "idem/idem.h"
#include "model/evidence.h"
#include "model/linalg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums over people that the M-step needs. */
struct em {
    struct idem_model *model;
    double *A;             /* [cells][packed] */
    double *B;             /* [dims][rank], sum of f_k w */
    double *moment;        /* [packed], mean of V + w w' */
    double *L, *b, *V, *w; /* one person */
    double *scratch;
};

static void em_fini(struct em *em)
{
    free(em->A);
    free(em->B);
    free(em->moment);
    free(em->L);
    free(em->scratch);
}

static int em_init(struct em *em, struct idem_model *model)
{
    const size_t packed = idem_packed(model->rank), rank = model->rank;
    *em = (struct em){.model = model};
    em->A = calloc(model->shape.cells * packed + 1, sizeof(double));
    em->B = calloc(idem_shape_dims(model->shape) * rank + 1, sizeof(double));
    em->moment = calloc(packed + 1, sizeof(double));
    em->L = calloc(2 * packed + 2 * rank + 1, sizeof(double));
    em->scratch = calloc(idem_evidence_scratch(model->rank) + rank * rank + 1, sizeof(double));
    if (!em->A || !em->B || !em->moment || !em->L || !em->scratch) {
        em_fini(em);
        return IDEM_ERR_NOMEM;
    }
    em->V = em->L + packed;
    em->b = em->V + packed;
    em->w = em->b + rank;
    return IDEM_OK;
}

static void random_start(struct idem_model *model, const struct idem_em_options *opt)
{
    struct idem_rng rng;
    idem_rng_seed(&rng, opt->seed);
    for (size_t i = 0; i < idem_shape_dims(model->shape) * model->rank; i++)
        model->load[i] = (float)(opt->start * idem_rng_normal(&rng));
}

/* V = (I + L)^-1 and w = V b; leaves V + w w' in em->V. */
static void posterior_moments(struct em *em)
{
    const uint32_t rank = em->model->rank;
    const size_t packed = idem_packed(rank);

    idem_posterior(rank, em->L, em->b, em->scratch, em->w);
    memcpy(em->V, em->scratch, packed * sizeof(double)); /* the factor of I + L */
    idem_packed_inverse_from_factor(rank, em->V, em->scratch);
    double *v = em->V;
    for (uint32_t i = 0; i < rank; i++) {
        for (uint32_t j = 0; j <= i; j++)
            *v++ += em->w[i] * em->w[j];
    }
}

static void accumulate(struct em *em, const float *stats, double share)
{
    const struct idem_model *model = em->model;
    const uint32_t per_cell = model->shape.channels * 2, rank = model->rank;
    const size_t packed = idem_packed(rank);
    const float *f = stats + model->shape.cells;

    memset(em->L, 0, packed * sizeof(double));
    memset(em->b, 0, rank * sizeof(double));
    idem_project(model, stats, em->L, em->b);
    posterior_moments(em);
    idem_axpy(em->moment, em->V, share, packed);
    for (uint32_t c = 0; c < model->shape.cells; c++) {
        if (stats[c] == 0)
            continue;
        idem_axpy(em->A + c * packed, em->V, stats[c], packed);
        for (uint32_t k = c * per_cell; k < (c + 1) * per_cell; k++)
            idem_axpy(em->B + (size_t)k * rank, em->w, f[k], rank);
    }
}

/* T_k = (A_c + ridge I)^-1 B_k, then T <- T chol(moment). */
static void maximise(struct em *em, double ridge)
{
    struct idem_model *model = em->model;
    const uint32_t per_cell = model->shape.channels * 2, rank = model->rank;
    const size_t packed = idem_packed(rank);

    idem_packed_factor(rank, em->moment);
    for (uint32_t c = 0; c < model->shape.cells; c++) {
        double *A = em->A + c * packed;
        for (uint32_t i = 0; i < rank; i++)
            A[(size_t)i * (i + 1) / 2 + i] += ridge;
        idem_packed_factor(rank, A);
        for (uint32_t k = c * per_cell; k < (c + 1) * per_cell; k++) {
            double *t = em->B + (size_t)k * rank;
            idem_packed_solve(rank, A, t);
            idem_packed_times_factor(rank, t, em->moment);
            for (uint32_t i = 0; i < rank; i++)
                model->load[(size_t)k * rank + i] = (float)t[i];
        }
    }
}

static void iterate(struct em *em, const float *const *people, size_t count, double ridge)
{
    const struct idem_model *model = em->model;
    const size_t packed = idem_packed(model->rank);

    idem_model_seal(em->model);
    memset(em->A, 0, model->shape.cells * packed * sizeof(double));
    memset(em->B, 0, idem_shape_dims(model->shape) * model->rank * sizeof(double));
    memset(em->moment, 0, packed * sizeof(double));
    for (size_t u = 0; u < count; u++)
        accumulate(em, people[u], 1.0 / (double)count);
    maximise(em, ridge);
}

int idem_eigenvoice_train(struct idem_model *model, const float *const *people, size_t count,
                          const struct idem_em_options *opt,
                          void (*progress)(void *arg, uint32_t done, uint32_t of), void *arg)
{
    struct em em;
    if (count < 2)
        return IDEM_ERR_TOO_LITTLE;
    int r = em_init(&em, model);
    if (r != 0)
        return r;
    if (!opt->given_start)
        random_start(model, opt);
    for (uint32_t i = 0; i < opt->iterations; i++) {
        iterate(&em, people, count, opt->ridge);
        if (progress != NULL)
            progress(arg, i + 1, opt->iterations);
    }
    idem_model_seal(model);
    em_fini(&em);
    return IDEM_OK;
}
