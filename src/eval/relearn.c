/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relearn.c - see relearn.h.
 */
#include "eval/relearn.h"

#include <stdlib.h>
#include <string.h>

#include "model/mixture_learn.h"

int idem_relearn_corpus(const struct idem_population *pop, enum idem_modality modality,
                        struct idem_corpus *corpus)
{
    struct idem_shape shape = idem_front_shape(pop->front, modality);
    if (!pop->present[modality])
        return IDEM_ERR_MISMATCH;
    return idem_corpus_init(corpus, shape);
}

/* A person's slices summed up. */
static void sum_up(const struct idem_slices *s, size_t len, float *to)
{
    memset(to, 0, len * sizeof *to);
    for (uint32_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < len; k++)
            to[k] += s->stats[i * len + k];
}

int idem_relearn(struct idem_population *pop, enum idem_modality modality,
                 const struct idem_corpus *corpus)
{
    const size_t len = idem_shape_len(corpus->shape);
    float *sums = malloc((corpus->count + 1) * len * sizeof *sums);
    const float **people = malloc((corpus->count + 1) * sizeof *people);
    int r = sums && people ? 0 : IDEM_ERR_NOMEM;
    for (size_t u = 0; u < corpus->count && r == 0; u++) {
        sum_up(&corpus->people[u], len, sums + u * len);
        people[u] = sums + u * len;
    }
    if (r == 0)
        r = idem_plda_recentre(&pop->model[modality], people, corpus->count);
    free(sums);
    free((void *)people);
    return r;
}
