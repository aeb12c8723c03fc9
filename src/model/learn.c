/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn.c - variances, T, the plain term; the calibration's trials are drawn in learn_trials.c.
 *
 * Units, not people, are what T is learned from: someone who typed for an hour is cut into units of
 * unit_strokes, so that one long recording does not count as one very certain sample.
 */
#include "model/learn.h"

#include "idem/idem.h"
#include "model/evidence.h"
#include "model/learn_fold.h"
#include "model/learn_trials.h"

#include <stdlib.h>
#include <string.h>

struct idem_learn_options idem_learn_defaults(enum idem_modality modality)
{
    if (modality == IDEM_KEYBOARD)
        return (struct idem_learn_options){
            .rank = 48,
            .unit_strokes = 750,
            .variance_min = 0.02f,
            .variance_max = 1.5f,
            .em = {.iterations = 12, .ridge = 1, .seed = 1, .start = 0.1},
            .plda = {.piece = 50, .reach = 200, .seed = 1},
            .calibrate = true,
        };
    return (struct idem_learn_options){
        .rank = 24,
        .unit_strokes = UINT32_MAX,
        .variance_min = 1,
        .variance_max = 1,
        .plain_share = 1,
        .em = {.iterations = 10, .ridge = 20, .seed = 1, .start = 0.05},
        .plda = {.piece = 10, .reach = 160, .seed = 1},
        .calibrate = true,
    };
}

static double clamp(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

void idem_learn_weights(const struct idem_corpus *corpus, const float *const *units, size_t count,
                        const struct idem_learn_options *opt, float *weight)
{
    const uint32_t cells = corpus->shape.cells, per_cell = corpus->shape.channels * 2;

    for (uint32_t k = 0; k < cells * per_cell; k++) {
        double explained = 0, n = 0, present = 0;
        for (size_t u = 0; u < count; u++) {
            double nu = units[u][k / per_cell], f = units[u][cells + k];
            explained += f * f / (nu > 1 ? nu : 1);
            n += nu;
            present += nu > 0;
        }
        double s = (corpus->square[k] - explained) / (n - present > 1 ? n - present : 1);
        weight[k] = (float)(corpus->discount[k] / clamp(s, opt->variance_min, opt->variance_max));
    }
}

enum { PLAIN_ITERATIONS = 20 };

/* One unit's share of the plain term's M-step: the posterior's second moment, into sum[dims]. */
static void add_plain(const struct idem_model *model, const float *unit, const double *d2,
                      double *sum)
{
    const uint32_t cells = model->shape.cells, per_cell = model->shape.channels * 2;

    for (uint32_t k = 0; k < cells * per_cell; k++) {
        double W = model->weight[k], n = unit[k / per_cell], f = unit[cells + k];
        double variance = d2[k] / (1 + d2[k] * n * W), mean = f * W * variance;
        sum[k] += mean * mean + variance;
    }
}

/* EM for each statistic's own variance between units, from d^2 = 0.1. */
static int learn_plain(const struct idem_model *model, const float *const *units, size_t count,
                       float *plain)
{
    const size_t dims = idem_shape_dims(model->shape);
    double *d2 = malloc((2 * dims + 1) * sizeof *d2), *sum = d2 + dims;

    if (d2 == NULL)
        return IDEM_ERR_NOMEM;
    for (size_t k = 0; k < dims; k++)
        d2[k] = 0.1;
    for (int i = 0; i < PLAIN_ITERATIONS; i++) {
        memset(sum, 0, dims * sizeof *sum);
        for (size_t u = 0; u < count; u++)
            add_plain(model, units[u], d2, sum);
        for (size_t k = 0; k < dims; k++)
            d2[k] = sum[k] / (double)count + 1e-6;
    }
    for (size_t k = 0; k < dims; k++)
        plain[k] = model->weight[k] > 0 ? (float)d2[k] : 0;
    free(d2);
    return IDEM_OK;
}

/* Everything but the calibration, from some units and the people they are of (NULL: all). */
static int learn_core(const struct idem_corpus *corpus, const float *const *units, size_t count,
                      const bool *use, const struct idem_learn_options *opt,
                      struct idem_model *model)
{
    if (count < 2)
        return IDEM_ERR_TOO_LITTLE;
    uint32_t rank = opt->rank < count - 1 ? opt->rank : (uint32_t)(count - 1);
    int r = idem_model_alloc(model, corpus->shape, rank);
    if (r != 0)
        return r;
    idem_learn_weights(corpus, units, count, opt, model->weight);
    model->plain_share = opt->plain_share;
    if ((r = learn_plain(model, units, count, model->plain)) == 0)
        r = idem_eigenvoice_train(model, units, count, &opt->em, opt->progress, opt->progress_arg);
    if (r == 0)
        r = idem_plda_learn(corpus, use, &opt->plda, model);
    if (r != 0)
        idem_model_free(model);
    return r;
}

enum { FOLDS = IDEM_LEARN_FOLDS, JOBS = FOLDS + 1 };

/* Job 0 learns the final model, job f > 0 the model without fold f - 1 and that fold's trials. */
struct job {
    const struct idem_corpus *corpus;
    const struct idem_learn_options *opt;
    const struct idem_units *units;
    struct idem_model model;
    struct idem_trials trials[FOLDS];
    int err[JOBS];
};

int idem_learn_without(const struct idem_corpus *corpus, const struct idem_units *units,
                       const struct idem_learn_options *opt, uint32_t fold,
                       struct idem_model *model)
{
    struct idem_learn_options quiet = *opt;
    size_t count = 0;
    const float **others = malloc((units->count + 1) * sizeof *others);
    bool *use = malloc((corpus->count + 1) * sizeof *use);
    int r = others != NULL && use != NULL ? 0 : IDEM_ERR_NOMEM;

    for (size_t u = 0; u < corpus->count && r == 0; u++)
        use[u] = u % FOLDS != fold;
    for (size_t i = 0; i < units->count && r == 0; i++) {
        if (units->person[i] % FOLDS != fold)
            others[count++] = units->stats[i];
    }
    quiet.progress = NULL;
    if (r == 0)
        r = learn_core(corpus, others, count, use, &quiet, model);
    free(others);
    free(use);
    return r;
}

static int learn_fold(struct job *job, int fold)
{
    struct idem_model model;
    int r = idem_learn_without(job->corpus, job->units, job->opt, (uint32_t)fold, &model);
    if (r != 0)
        return r;
    r = idem_trials_draw(job->corpus, &model, (uint32_t)fold, FOLDS, &job->trials[fold]);
    idem_model_free(&model);
    return r;
}

static void run_job(void *arg, int i)
{
    struct job *job = arg;
    if (i == 0)
        job->err[i] = learn_core(job->corpus, (const float *const *)job->units->stats,
                                 job->units->count, NULL, job->opt, &job->model);
    else
        job->err[i] = learn_fold(job, i - 1);
}

static void one_by_one(void (*fn)(void *arg, int i), void *arg, int n)
{
    for (int i = 0; i < n; i++)
        fn(arg, i);
}

static int calibrate(struct job *job)
{
    size_t first = job->trials[0].count, count = first + job->trials[1].count;
    struct idem_trial *all = malloc((count + 1) * sizeof *all);

    if (all == NULL)
        return IDEM_ERR_NOMEM;
    if (first > 0)
        memcpy(all, job->trials[0].list, first * sizeof *all);
    if (count > first)
        memcpy(all + first, job->trials[1].list, (count - first) * sizeof *all);
    int r = idem_calibration_fit(all, count, &job->model.calibration);
    free(all);
    return r;
}

int idem_learn(const struct idem_corpus *corpus, const struct idem_learn_options *opt,
               struct idem_model *model)
{
    struct idem_units units;
    int jobs = opt->calibrate ? JOBS : 1;

    if (corpus->count < 10)
        return IDEM_ERR_TOO_LITTLE;
    int r = idem_units_init(&units, corpus, opt->unit_strokes);
    if (r != 0)
        return r;
    struct job job = {.corpus = corpus, .opt = opt, .units = &units};
    (opt->parallel != NULL ? opt->parallel : one_by_one)(run_job, &job, jobs);
    for (int i = 0; i < jobs && r == 0; i++)
        r = job.err[i];
    if (r == 0 && opt->calibrate)
        r = calibrate(&job);
    for (int f = 0; f < FOLDS; f++)
        idem_trials_fini(&job.trials[f]);
    idem_units_fini(&units);
    if (r != 0)
        idem_model_free(&job.model);
    else
        *model = job.model;
    return r;
}
