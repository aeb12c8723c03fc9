/* SPDX-License-Identifier: Apache-2.0 */
/* plda.c - see plda.h. Hot: every score runs through here. */
#include "model/plda.h"

#include "model/evidence.h"
#include "model/lanes.h"
#include "model/multiversion.h"

#include <math.h>
#include <string.h>

size_t idem_embed_scratch(const struct idem_model *model)
{
    const size_t size = idem_packed(model->rank) + 2 * (size_t)model->rank;
    return (size + idem_shape_len(model->shape)) * IDEM_LANES + IDEM_LINE_DOUBLES;
}

static double measures(const struct idem_model *model, const float *stats)
{
    double sum = 0;
    for (uint32_t c = 0; c < model->shape.cells; c++)
        sum += (double)stats[c];
    return sum;
}

/* So many are embedded one by one. */
enum { ALONE = 2 };

/* The statistics side by side, each as if it held `reach` measurements. Idle lanes stay empty. */
static void load(const struct idem_model *model, const float *const *stats, int count,
                 const double *held, idem_v8 *to)
{
    const size_t len = idem_shape_len(model->shape);
    double q[IDEM_LANES];

    for (int l = 0; l < count; l++)
        q[l] = held[l] > 0 ? (double)model->reach / held[l] : 0;
    for (size_t i = 0; i < len; i++) {
        idem_v8 v = {0};
        for (int l = 0; l < count; l++)
            v[l] = q[l] * (double)stats[l][i];
        to[i] = v;
    }
}

/* y = V (w - centre), all lanes. */
IDEM_MULTIVERSION
static void rotate(const struct idem_model *model, const idem_v8 *w, idem_v8 *y)
{
    const uint32_t rank = model->rank;
    for (uint32_t i = 0; i < rank; i++) {
        const float *row = model->rotate + (size_t)i * rank;
        idem_v8 sum = {0};
        for (uint32_t j = 0; j < rank; j++)
            sum += (double)row[j] * (w[j] - (double)model->centre[j]);
        y[i] = sum;
    }
}

static void embed_lanes(const struct idem_model *model, const float *const *stats, int count,
                        bool rotated, double *scratch, double *points)
{
    const uint32_t rank = model->rank;
    const size_t packed = idem_packed(rank), size = packed + rank;
    idem_v8 *A = idem_on_a_line(scratch), *w = A + packed, *y = A + size, *lanes = y + rank;
    double held[IDEM_LANES], evidence[IDEM_LANES];

    for (int l = 0; l < count; l++)
        held[l] = measures(model, stats[l]);
    memset(A, 0, size * sizeof *A);
    load(model, stats, count, held, lanes);
    idem_lanes_project(model, lanes, A);
    idem_lanes_project_b(model, lanes + model->shape.cells, w);
    idem_lanes_factor(rank, A, w, evidence);
    idem_lanes_solve_upper(rank, A, w);
    if (rotated)
        rotate(model, w, y);
    else
        memcpy(y, w, rank * sizeof *y);
    for (int l = 0; l < count; l++) {
        double *point = points + (size_t)l * (rank + 1);
        for (uint32_t i = 0; i < rank; i++)
            point[i] = y[i][l];
        point[rank] = held[l];
    }
}

/* One alone: eight lanes would cost as much as eight. */
static void embed_one(const struct idem_model *model, const float *stats, bool rotated,
                      double *scratch, double *point)
{
    const uint32_t rank = model->rank;
    const size_t packed = idem_packed(rank);
    double *L = scratch, *b = L + packed, *w = b + rank;
    const double held = measures(model, stats), q = held > 0 ? (double)model->reach / held : 0;

    memset(L, 0, (packed + rank) * sizeof *L);
    idem_project(model, stats, L, b);
    for (size_t i = 0; i < packed + rank; i++)
        L[i] *= q;
    idem_posterior(rank, L, b, w + rank, w);
    for (uint32_t i = 0; i < rank; i++) {
        const float *row = model->rotate + (size_t)i * rank;
        double sum = 0;
        for (uint32_t j = 0; j < rank && rotated; j++)
            sum += (double)row[j] * (w[j] - (double)model->centre[j]);
        point[i] = rotated ? sum : w[i];
    }
    point[rank] = held;
}

static void embed(const struct idem_model *model, const float *const *stats, size_t count,
                  bool rotated, double *scratch, double *points)
{
    for (; count > 0 && count <= ALONE; count--, stats++, points += idem_point_len(model))
        embed_one(model, stats[0], rotated, scratch, points);
    for (size_t i = 0; i < count; i += IDEM_LANES) {
        int n = count - i < IDEM_LANES ? (int)(count - i) : IDEM_LANES;
        embed_lanes(model, stats + i, n, rotated, scratch, points + i * idem_point_len(model));
    }
}

void idem_embed(const struct idem_model *model, const float *const *stats, size_t count,
                double *scratch, double *points)
{
    embed(model, stats, count, true, scratch, points);
}

void idem_embed_unrotated(const struct idem_model *model, const float *const *stats, size_t count,
                          double *scratch, double *points)
{
    embed(model, stats, count, false, scratch, points);
}

/*
 * Directions between two logarithms of the running ratio. Each factor lies within 1..1e19: the
 * variances are bounded (model.c), and no sum holds 1e12 measurements.
 */
enum { LOG_EVERY = 16 };

IDEM_MULTIVERSION
double idem_plda_score(const struct idem_model *model, const double *P, const double *S)
{
    const uint32_t rank = model->rank;
    double twice = 0, spread = 1;

    if (!(P[rank] > 0) || !(S[rank] > 0))
        return 0;
    const double rp = IDEM_PLDA_MEASURES / P[rank], rs = IDEM_PLDA_MEASURES / S[rank];
    for (uint32_t i = 0; i < rank; i++) {
        const double b = (double)model->between[i], s = (double)model->session[i];
        const double vp = s + (double)model->noise[i] * rp, vs = s + (double)model->noise[i] * rs;
        const double known = b / (b + vp), left = b * vp / (b + vp) + vs, alone = b + vs;
        const double d = S[i] - known * P[i];
        twice += S[i] * S[i] / alone - d * d / left;
        spread *= alone / left;
        if (i % LOG_EVERY == LOG_EVERY - 1) {
            twice += log(spread);
            spread = 1;
        }
    }
    return 0.5 * (twice + log(spread));
}
