/* SPDX-License-Identifier: Apache-2.0 */
/* tnorm.c - a cohort's projections, and the probe's scores against them. */
#include "model/tnorm.h"

#include "idem/idem.h"
#include "model/evidence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct idem_cohort {
    const struct idem_model *model;
    size_t count;
    float *stats;        /* [count][shape len] */
    double *projections; /* [count + 1][packed + rank], the last is the probe's */
    double *own;         /* [count], evidence of each profile */
    double *scores;      /* [count] */
    double *scratch;
};

static size_t size_of(const struct idem_cohort *c)
{
    return idem_packed(c->model->rank) + c->model->rank;
}

void idem_cohort_free(struct idem_cohort *cohort)
{
    if (cohort == NULL)
        return;
    free(cohort->stats);
    free(cohort->projections);
    free(cohort->own);
    free(cohort->scores);
    free(cohort->scratch);
    free(cohort);
}

static int allocate(struct idem_cohort *c, size_t len)
{
    c->stats = malloc(c->count * len * sizeof *c->stats);
    c->projections = calloc((c->count + 1) * size_of(c) + 1, sizeof *c->projections);
    c->own = malloc(c->count * sizeof *c->own);
    c->scores = malloc(c->count * sizeof *c->scores);
    c->scratch = malloc(idem_evidence_scratch(c->model->rank) * sizeof *c->scratch + 1);
    return c->stats && c->projections && c->own && c->scores && c->scratch ? IDEM_OK
                                                                           : IDEM_ERR_NOMEM;
}

int idem_cohort_new(const struct idem_model *model, const float *const *profiles, size_t count,
                    struct idem_cohort **out)
{
    const size_t len = idem_shape_len(model->shape), packed = idem_packed(model->rank);
    if (count < 2)
        return IDEM_ERR_TOO_LITTLE;
    if (count > IDEM_COHORT_MAX)
        return IDEM_ERR_LIMIT;
    struct idem_cohort *c = calloc(1, sizeof *c);
    if (c == NULL)
        return IDEM_ERR_NOMEM;
    c->model = model;
    c->count = count;
    if (allocate(c, len) != 0) {
        idem_cohort_free(c);
        return IDEM_ERR_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        double *P = c->projections + i * size_of(c);
        memcpy(c->stats + i * len, profiles[i], len * sizeof *c->stats);
        idem_project(model, profiles[i], P, P + packed);
        c->own[i] = idem_evidence(model->rank, P, P + packed, c->scratch);
    }
    *out = c;
    return IDEM_OK;
}

static void score_all(struct idem_cohort *c, const float *probe)
{
    const struct idem_model *model = c->model;
    const size_t size = size_of(c), packed = idem_packed(model->rank);
    double *S = c->projections + c->count * size;

    memset(S, 0, size * sizeof *S);
    idem_project(model, probe, S, S + packed);
    double alone = idem_evidence(model->rank, S, S + packed, c->scratch);
    for (size_t i = 0; i < c->count; i += IDEM_LANES) {
        struct idem_lane lanes[IDEM_LANES];
        int n = c->count - i < IDEM_LANES ? (int)(c->count - i) : IDEM_LANES;
        for (int l = 0; l < n; l++) {
            const double *P = c->projections + (i + (size_t)l) * size;
            lanes[l] = (struct idem_lane){P, P + packed, S, S + packed};
        }
        idem_evidence_batch(model->rank, lanes, n, c->scratch, c->scores + i);
    }
    for (size_t i = 0; i < c->count; i++) {
        c->scores[i] -= c->own[i] + alone;
        if (model->plain_share > 0)
            c->scores[i] +=
                (double)model->plain_share *
                idem_plain_score(model, c->stats + i * idem_shape_len(model->shape), probe);
    }
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

double idem_tnorm(struct idem_cohort *cohort, const float *probe, double raw, size_t top)
{
    double mean = 0, square = 0;

    top = top < 2 ? 2 : top > cohort->count ? cohort->count : top;
    score_all(cohort, probe);
    qsort(cohort->scores, cohort->count, sizeof *cohort->scores, descending);
    for (size_t i = 0; i < top; i++)
        mean += cohort->scores[i] / (double)top;
    for (size_t i = 0; i < top; i++)
        square += (cohort->scores[i] - mean) * (cohort->scores[i] - mean) / (double)top;
    return (raw - mean) / (sqrt(square) + 1e-3);
}
