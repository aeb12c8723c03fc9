/* SPDX-License-Identifier: Apache-2.0 */
/* population.c - building, reading and writing a population; see population.h for the file. */
#include "model/population.h"

#include <stdlib.h>
#include <string.h>

static const char magic[4] = {'I', 'D', 'M', 'P'};

void idem_population_free(struct idem_population *pop)
{
    if (pop == NULL)
        return;
    for (int m = 0; m < IDEM_MODALITIES; m++)
        idem_model_free(&pop->model[m]);
    idem_front_free(pop->front);
    free(pop->front_bytes);
    free(pop);
}

const struct idem_front *idem_population_front(const struct idem_population *pop)
{
    return pop->front;
}

const void *idem_population_front_bytes(const struct idem_population *pop, size_t *len)
{
    *len = pop->front_len;
    return pop->front_bytes;
}

static int keep_front_bytes(struct idem_population *pop)
{
    struct idem_writer w;
    idem_writer_init(&w, NULL, 0);
    int r = idem_front_write(pop->front, &w);
    if (r == IDEM_ERR_LEVEL)
        return IDEM_OK; /* the evaluation tool's: there is nothing to serve */
    pop->front_bytes = malloc(w.len);
    if (pop->front_bytes == NULL)
        return IDEM_ERR_NOMEM;
    pop->front_len = w.len;
    idem_writer_init(&w, pop->front_bytes, pop->front_len);
    return idem_front_write(pop->front, &w);
}

int idem_population_build(struct idem_front *front, struct idem_model *models[IDEM_MODALITIES],
                          struct idem_population **out)
{
    struct idem_population *pop = calloc(1, sizeof *pop);
    if (pop == NULL) {
        idem_front_free(front);
        for (int m = 0; m < IDEM_MODALITIES; m++) {
            if (models[m] != NULL)
                idem_model_free(models[m]);
        }
        return IDEM_ERR_NOMEM;
    }
    pop->front = front;
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        if (models[m] == NULL)
            continue;
        pop->model[m] = *models[m];
        pop->present[m] = true;
    }
    int r = keep_front_bytes(pop);
    if (r != 0) {
        idem_population_free(pop);
        return r;
    }
    *out = pop;
    return IDEM_OK;
}

static void write_body(const struct idem_population *pop, struct idem_writer *w)
{
    idem_write_bytes(w, magic, sizeof magic);
    idem_write_u32(w, IDEM_POPULATION_VERSION);
    idem_write_u32(w, (uint32_t)pop->front_len);
    idem_write_bytes(w, pop->front_bytes, pop->front_len);
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        idem_write_u32(w, pop->present[m]);
        if (pop->present[m])
            idem_model_write(&pop->model[m], w);
    }
}

int idem_population_write(const struct idem_population *pop, void **bytes, size_t *len)
{
    struct idem_writer w;
    if (pop->front_bytes == NULL)
        return IDEM_ERR_LEVEL;
    idem_writer_init(&w, NULL, 0);
    write_body(pop, &w);
    size_t total = w.len + 4;
    void *memory = malloc(total);
    if (memory == NULL)
        return IDEM_ERR_NOMEM;
    idem_writer_init(&w, memory, total);
    write_body(pop, &w);
    idem_write_u32(&w, idem_crc32(memory, w.len));
    *bytes = memory;
    *len = total;
    return w.err;
}

static int fail(int err, const char *why, const char **reason)
{
    if (reason != NULL)
        *reason = why;
    return err;
}

static int check_envelope(const uint8_t *bytes, size_t len, const char **reason)
{
    struct idem_reader r;
    if (len < 20)
        return fail(IDEM_ERR_TRUNCATED, "the file is too short to be a population", reason);
    if (len > IDEM_POPULATION_BYTES_MAX)
        return fail(IDEM_ERR_LIMIT, "the file is larger than 64 MiB", reason);
    if (memcmp(bytes, magic, sizeof magic) != 0)
        return fail(IDEM_ERR_FORMAT, "the file is not an idem population (wrong magic)", reason);
    idem_reader_init(&r, bytes + 4, 4);
    if (idem_read_u32(&r) != IDEM_POPULATION_VERSION)
        return fail(IDEM_ERR_VERSION, "the file's version is not the one this build reads", reason);
    idem_reader_init(&r, bytes + len - 4, 4);
    if (idem_read_u32(&r) != idem_crc32(bytes, len - 4))
        return fail(IDEM_ERR_CHECKSUM, "the checksum does not match: the file is cut or damaged",
                    reason);
    return IDEM_OK;
}

static int read_body(struct idem_population *pop, struct idem_reader *r, const char **reason)
{
    uint32_t front_len = idem_read_size(r, 1, IDEM_POPULATION_BYTES_MAX);
    const uint8_t *front = idem_read_bytes(r, front_len);
    if (front == NULL)
        return fail(IDEM_ERR_TRUNCATED, "the front's length exceeds the file", reason);
    int err = idem_front_parse(front, front_len, &pop->front);
    if (err != 0)
        return fail(err, "the front is damaged", reason);
    for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++) {
        pop->present[m] = idem_read_size(r, 0, 1);
        if (r->err != 0)
            return fail(r->err, "the file ends before its models", reason);
        if (!pop->present[m])
            continue;
        struct idem_shape shape = idem_front_shape(pop->front, m);
        if (shape.cells == 0)
            return fail(IDEM_ERR_FORMAT, "a model has no cells in the front", reason);
        if ((err = idem_model_read(&pop->model[m], shape, r)) != 0)
            return fail(err, "a model's numbers are out of range or cut", reason);
    }
    if (r->at != r->end)
        return fail(IDEM_ERR_FORMAT, "bytes are left over behind the models", reason);
    return IDEM_OK;
}

int idem_population_parse(const void *bytes, size_t len, struct idem_population **out,
                          const char **reason)
{
    struct idem_reader r;
    int err = check_envelope(bytes, len, reason);
    if (err != 0)
        return err;
    struct idem_population *pop = calloc(1, sizeof *pop);
    if (pop == NULL)
        return fail(IDEM_ERR_NOMEM, "out of memory", reason);
    idem_reader_init(&r, (const uint8_t *)bytes + 8, len - 12);
    err = read_body(pop, &r, reason);
    if (err == 0)
        err = keep_front_bytes(pop);
    if (err != 0) {
        idem_population_free(pop);
        return err;
    }
    *out = pop;
    return IDEM_OK;
}
