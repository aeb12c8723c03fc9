/* SPDX-License-Identifier: Apache-2.0 */
/*
 * models.h - a random model and random statistics of its shape, for the tests of embeddings. Both
 * follow from their seeds.
 */
#ifndef IDEM_TESTS_MODELS_H
#define IDEM_TESTS_MODELS_H

#include "base/rng.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL_CELLS = 11, MODEL_CHANNELS = 2 };

static inline struct idem_model random_model(uint32_t rank, uint64_t seed)
{
    struct idem_model m;
    struct idem_rng rng;
    if (idem_model_alloc(&m, (struct idem_shape){MODEL_CELLS, MODEL_CHANNELS}, rank) != 0)
        abort();
    idem_rng_seed(&rng, seed);
    for (size_t k = 0; k < idem_shape_dims(m.shape); k++) {
        m.weight[k] = (float)(0.3 + idem_rng_uniform(&rng));
        m.plain[k] = (float)(0.1 + 0.4 * idem_rng_uniform(&rng));
        for (uint32_t i = 0; i < rank; i++)
            m.load[k * rank + i] = (float)(0.4 * idem_rng_normal(&rng));
    }
    m.reach = 150;
    for (uint32_t i = 0; i < rank; i++) {
        m.centre[i] = (float)(0.2 * idem_rng_normal(&rng));
        m.between[i] = (float)(0.2 + 3 * idem_rng_uniform(&rng));
        m.session[i] = (float)(0.5 * idem_rng_uniform(&rng));
        m.noise[i] = (float)(0.5 + idem_rng_uniform(&rng));
        for (uint32_t j = 0; j < rank; j++)
            m.rotate[i * rank + j] = (float)idem_rng_normal(&rng);
    }
    idem_model_seal(&m);
    return m;
}

static inline void random_stats(const struct idem_model *m, uint64_t seed, float *stats)
{
    const uint32_t per_cell = 2 * m->shape.channels;
    struct idem_rng rng;
    idem_rng_seed(&rng, seed);
    memset(stats, 0, idem_shape_len(m->shape) * sizeof *stats);
    for (uint32_t c = 0; c < m->shape.cells; c++) {
        stats[c] = (float)(idem_rng_below(&rng, 6) + (c == 0));
        for (uint32_t k = 0; k < per_cell && stats[c] > 0; k++)
            stats[m->shape.cells + c * per_cell + k] =
                (float)(sqrt((double)stats[c]) * idem_rng_normal(&rng));
    }
}

#endif
