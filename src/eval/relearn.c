/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relearn.c - see relearn.h.
 */
#include "eval/relearn.h"

#include "model/mixture_learn.h"
#include "model/units.h"

int idem_relearn_corpus(const struct idem_population *pop, enum idem_modality modality,
                        struct idem_corpus *corpus)
{
    struct idem_shape shape = idem_front_shape(pop->front, modality);
    if (!pop->present[modality])
        return IDEM_ERR_MISMATCH;
    int r = idem_corpus_init(corpus, shape);
    if (r < 0)
        return r;
    if (modality == IDEM_KEYBOARD)
        idem_keyboard_discounts(pop->front, corpus->discount);
    else
        idem_pointer_discounts(&pop->front->mixture, corpus->discount);
    return 0;
}

/*
 * idem_learn_weights finds the variance within people as s = (square - explained) / freedom; square
 * is set so that it finds the one that it found before, s = discount / W.
 */
static int keep_variances(const struct idem_model *model, struct idem_corpus *corpus,
                          uint32_t unit_strokes)
{
    const uint32_t cells = corpus->shape.cells, per_cell = corpus->shape.channels * 2;
    struct idem_units units;
    int r = idem_units_init(&units, corpus, unit_strokes);
    if (r < 0)
        return r;
    for (uint32_t k = 0; k < cells * per_cell; k++) {
        double explained = 0, n = 0, present = 0;
        for (size_t u = 0; u < units.count; u++) {
            double nu = (double)units.stats[u][k / per_cell], f = (double)units.stats[u][cells + k];
            explained += f * f / (nu > 1 ? nu : 1);
            n += nu;
            present += nu > 0;
        }
        double W = (double)model->weight[k], s = W > 0 ? (double)corpus->discount[k] / W : 1;
        corpus->square[k] = s * (n - present > 1 ? n - present : 1) + explained;
    }
    idem_units_fini(&units);
    return 0;
}

int idem_relearn(struct idem_population *pop, enum idem_modality modality,
                 struct idem_corpus *corpus, struct idem_learn_options *options)
{
    struct idem_model learned, *model = &pop->model[modality];
    int r = keep_variances(model, corpus, options->unit_strokes);
    options->calibrate = false;
    if (r == 0)
        r = idem_learn(corpus, options, &learned);
    if (r < 0)
        return r;
    learned.calibration = model->calibration;
    idem_model_free(model);
    *model = learned;
    return 0;
}
