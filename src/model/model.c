/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - memory, bytes and derived tables of one modality's model. */
#include "model/model.h"

#include "idem/idem.h"

#include <stdlib.h>
#include <string.h>

int idem_model_alloc(struct idem_model *model, struct idem_shape shape, uint32_t rank)
{
    const size_t dims = idem_shape_dims(shape);

    if (rank > IDEM_RANK_MAX || shape.cells > IDEM_CELLS_MAX ||
        shape.channels > IDEM_CHANNELS_MAX || dims > IDEM_DIMS_MAX)
        return IDEM_ERR_LIMIT;
    *model = (struct idem_model){.shape = shape, .rank = rank};
    idem_calibration_identity(&model->calibration);
    model->load = calloc(dims * rank + 1, sizeof *model->load);
    model->weight = calloc(dims + 1, sizeof *model->weight);
    model->plain = calloc(dims + 1, sizeof *model->plain);
    model->centre = calloc((size_t)rank * (rank + 4) + 1, sizeof *model->centre);
    model->gram = calloc(shape.cells * idem_packed(rank) + 1, sizeof *model->gram);
    model->wload = calloc(dims * rank + 1, sizeof *model->wload);
    if (model->load && model->weight && model->plain && model->centre && model->gram &&
        model->wload) {
        model->between = model->centre + rank;
        model->session = model->between + rank;
        model->noise = model->session + rank;
        model->rotate = model->noise + rank;
        model->reach = 1;
        for (uint32_t i = 0; i < rank; i++) { /* until it is learned: w as it is */
            model->between[i] = model->noise[i] = 1;
            model->rotate[(size_t)i * rank + i] = 1;
        }
        return IDEM_OK;
    }
    idem_model_free(model);
    return IDEM_ERR_NOMEM;
}

void idem_model_free(struct idem_model *model)
{
    free(model->load);
    free(model->weight);
    free(model->plain);
    free(model->centre);
    free(model->gram);
    free(model->wload);
    *model = (struct idem_model){0};
}

/* G_c: the sum over the cell's statistics. */
static void cell_gram(const struct idem_model *model, uint32_t c, double *gram)
{
    const uint32_t per_cell = model->shape.channels * 2, rank = model->rank;
    for (uint32_t i = 0; i < rank; i++) {
        for (uint32_t j = 0; j <= i; j++) {
            double sum = 0;
            for (uint32_t k = c * per_cell; k < (c + 1) * per_cell; k++) {
                const float *t = model->load + (size_t)k * rank;
                sum += (double)model->weight[k] * t[i] * t[j];
            }
            *gram++ = sum;
        }
    }
}

void idem_model_seal(struct idem_model *model)
{
    const size_t dims = idem_shape_dims(model->shape);

    for (uint32_t c = 0; c < model->shape.cells; c++)
        cell_gram(model, c, model->gram + c * idem_packed(model->rank));
    for (size_t k = 0; k < dims; k++) {
        for (uint32_t i = 0; i < model->rank; i++)
            model->wload[k * model->rank + i] =
                (double)model->weight[k] * model->load[k * model->rank + i];
    }
}

/* centre, between, session, noise and rotate, one after the other. */
static size_t plda_len(uint32_t rank)
{
    return (size_t)rank * (rank + 4);
}

void idem_model_write(const struct idem_model *model, struct idem_writer *w)
{
    const size_t dims = idem_shape_dims(model->shape);
    idem_write_u32(w, model->rank);
    idem_write_f32(w, model->plain_share);
    idem_write_f32s(w, model->load, dims * model->rank);
    idem_write_f32s(w, model->weight, dims);
    idem_write_f32s(w, model->plain, dims);
    idem_write_f32(w, model->reach);
    idem_write_f32s(w, model->centre, plda_len(model->rank));
    idem_calibration_write(&model->calibration, w);
}

static int check_plda(const struct idem_model *model)
{
    if (!(model->reach > 0 && model->reach <= 1e6f))
        return IDEM_ERR_FORMAT;
    for (uint32_t i = 0; i < model->rank; i++) {
        if (!(model->centre[i] >= -1e6f && model->centre[i] <= 1e6f) ||
            !(model->between[i] > 0 && model->between[i] <= 1e6f) ||
            !(model->session[i] >= 0 && model->session[i] <= 1e6f) ||
            !(model->noise[i] >= 1e-3f && model->noise[i] <= 1e6f))
            return IDEM_ERR_FORMAT;
    }
    for (size_t i = 0; i < (size_t)model->rank * model->rank; i++) {
        if (!(model->rotate[i] >= -1e6f && model->rotate[i] <= 1e6f))
            return IDEM_ERR_FORMAT;
    }
    return IDEM_OK;
}

static int check(const struct idem_model *model)
{
    if (!(model->plain_share >= 0 && model->plain_share <= 1))
        return IDEM_ERR_FORMAT;
    for (size_t k = 0; k < idem_shape_dims(model->shape); k++) {
        if (!(model->weight[k] >= 0 && model->weight[k] <= 1000) ||
            !(model->plain[k] >= 0 && model->plain[k] <= 1000))
            return IDEM_ERR_FORMAT;
    }
    for (size_t i = 0; i < idem_shape_dims(model->shape) * model->rank; i++) {
        if (!(model->load[i] >= -1000 && model->load[i] <= 1000))
            return IDEM_ERR_FORMAT;
    }
    return check_plda(model);
}

int idem_model_read(struct idem_model *model, struct idem_shape shape, struct idem_reader *r)
{
    const size_t dims = idem_shape_dims(shape);
    uint32_t rank = idem_read_size(r, 0, IDEM_RANK_MAX);
    if (r->err != 0)
        return r->err;
    if ((size_t)(r->end - r->at) / sizeof(float) < dims * (rank + 2) + plda_len(rank))
        return IDEM_ERR_TRUNCATED; /* before allocating what damaged sizes claim */
    int err = idem_model_alloc(model, shape, rank);
    if (err != 0)
        return err;
    idem_read_f32s(r, &model->plain_share, 1);
    idem_read_f32s(r, model->load, dims * rank);
    idem_read_f32s(r, model->weight, dims);
    idem_read_f32s(r, model->plain, dims);
    idem_read_f32s(r, &model->reach, 1);
    idem_read_f32s(r, model->centre, plda_len(rank));
    if ((err = idem_calibration_read(&model->calibration, r)) != 0 || (err = check(model)) != 0) {
        idem_model_free(model);
        return err;
    }
    idem_model_seal(model);
    return IDEM_OK;
}
