/* SPDX-License-Identifier: Apache-2.0 */
/*
 * population.h - a population, opened: the front and one model a modality, and the file they live
 * in.
 *
 * File (little-endian): "IDMP", u32 version, u32 length of the front, the front's bytes; then for
 * keyboard and pointer u32 present, and if so the model's bytes (model.c); u32 CRC-32 of all before
 * it.
 */
#ifndef IDEM_MODEL_POPULATION_H
#define IDEM_MODEL_POPULATION_H

#include "model/model.h"
#include "window/front.h"

enum {
    IDEM_POPULATION_VERSION = 2,
    IDEM_POPULATION_BYTES_MAX = 64 * 1024 * 1024,
};

struct idem_population {
    struct idem_front *front;
    void *front_bytes; /* NULL for a front of the evaluation tool */
    size_t front_len;
    bool present[IDEM_MODALITIES];
    struct idem_model model[IDEM_MODALITIES];
};

/*
 * Takes ownership of the front and the models, also on failure. models[m] may be NULL; otherwise
 * its content is moved.
 */
int idem_population_build(struct idem_front *front, struct idem_model *models[IDEM_MODALITIES],
                          struct idem_population **out);
/* Bytes of the file in memory that the caller frees. IDEM_ERR_LEVEL for offline levels. */
int idem_population_write(const struct idem_population *pop, void **bytes, size_t *len);

#endif
