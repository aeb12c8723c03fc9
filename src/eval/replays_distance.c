/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replays_distance.c - how far honest windows of one person lie apart, in the measure of imprint.h,
 * and what follows from that: how often the near bits of two of them agree by chance, and how
 * little a bit tells of a window. See replays.h.
 */
#include <math.h>
#include <stdlib.h>

#include "eval/replays.h"

#define PI 3.14159265358979323846

/* Bits of windows d apart differ with this probability. */
double idem_distance_bit(double d)
{
    double same = 0;
    for (int i = 0; i < 50; i++) {
        const double t = (2 * i + 1) * PI * d / (sqrt(2) * IDEM_NEAR_STEP);
        same += exp(-t * t) / ((PI * (i + 0.5)) * (PI * (i + 0.5)));
    }
    return 0.5 - same;
}

/* At most IDEM_SKETCH_NEAR of IDEM_NEAR_BITS differ: a binomial tail. */
double idem_distance_agree(double d)
{
    const double p = idem_distance_bit(d);
    double tail = 0;
    if (!(p > 0))
        return 1;
    for (int k = 0; k <= IDEM_SKETCH_NEAR; k++)
        tail +=
            exp(lgamma(IDEM_NEAR_BITS + 1.0) - lgamma(k + 1.0) - lgamma(IDEM_NEAR_BITS - k + 1.0) +
                k * log(p) + (IDEM_NEAR_BITS - k) * log1p(-p));
    return fmin(1, tail);
}

double idem_distance_tells(double spread)
{
    const double s = spread / IDEM_NEAR_STEP;
    return 8 * s * s * exp(-PI * PI * s * s);
}

/* ------------------------------------------------------------------ windows */

static void standardise(const struct idem_window *w, double *z)
{
    const size_t per_cell = (size_t)w->shape.channels * 2;
    for (uint32_t c = 0; c < w->shape.cells; c++) {
        const double root = w->n[c] > 0 ? sqrt((double)IDEM_GRID * w->n[c]) : 1;
        for (size_t k = c * per_cell; k < (c + 1) * per_cell; k++)
            z[k] = w->n[c] > 0 ? w->sums[k] / root : 0;
    }
}

static double apart(const double *a, const double *b, size_t dims)
{
    double sum = 0;
    for (size_t k = 0; k < dims; k++)
        sum += (a[k] - b[k]) * (a[k] - b[k]);
    return sqrt(sum);
}

static int keep(struct idem_distances *to, double d)
{
    if (to->pairs == to->room) {
        const size_t room = to->room ? 2 * to->room : 1024;
        float *list = realloc(to->list, room * sizeof *list);
        if (!list)
            return IDEM_ERR_NOMEM;
        to->list = list;
        to->room = room;
    }
    to->list[to->pairs++] = (float)d;
    return 0;
}

int idem_distances_add(struct idem_window *const *windows, uint32_t count,
                       struct idem_distances *to)
{
    const size_t dims = count > 0 ? idem_shape_dims(windows[0]->shape) : 0;
    double *z = malloc((count * dims + 1) * sizeof *z);
    int r = z ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < count && r == 0; i++) {
        standardise(windows[i], z + i * dims);
        for (uint32_t j = 0; j < i && r == 0; j++)
            r = keep(to, apart(z + i * dims, z + j * dims, dims));
    }
    free(z);
    return r;
}

void idem_distances_fini(struct idem_distances *d)
{
    free(d->list);
    *d = (struct idem_distances){0};
}

/* ------------------------------------------------------------------ telling */

static const struct idem_sheet_column columns[] = {
    {"pairs", "pairs", IDEM_SHEET_COUNT, false},
    {"least", "nearest", IDEM_SHEET_NUMBER, false},
    {"in_10000", "1 in 10,000", IDEM_SHEET_NUMBER, false},
    {"in_100", "1 in 100", IDEM_SHEET_NUMBER, false},
    {"median", "half", IDEM_SHEET_NUMBER, false},
    {"false_log10", "false, log10", IDEM_SHEET_NUMBER, false},
    {"spread", "spread", IDEM_SHEET_NUMBER, false},
    {"told", "a bit tells", IDEM_SHEET_RATE, false},
};

static int ascending(const void *a, const void *b)
{
    const float *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The mean over pairs, times a full sketch. A table of tails, for there are many pairs. */
static double false_per_window(const struct idem_distances *d)
{
    enum { STEPS = 4000 };
    static const double step = 0.01;
    double tail[STEPS], sum = 0;
    for (int i = 0; i < STEPS; i++)
        tail[i] = idem_distance_agree(i * step);
    for (size_t i = 0; i < d->pairs; i++) {
        const double at = (double)d->list[i] / step;
        sum += tail[at < STEPS ? (int)at : STEPS - 1];
    }
    return sum / (double)d->pairs * IDEM_SKETCH_WINDOWS;
}

int idem_distances_report(struct idem_distances *d, const char *label, struct idem_sheet *sheet)
{
    struct idem_sheet_table *table = idem_sheet_add(
        sheet, "distances", "distances of honest windows of one person",
        "In the measure of the near bits. false: windows that agree by chance in so many "
        "near bits as a replay does, from the distances, against a full sketch. spread: of "
        "a projection around the person's mean; a bit tells: the share of that variance.",
        columns, sizeof columns / sizeof *columns);
    if (!table)
        return IDEM_ERR_NOMEM;
    qsort(d->list, d->pairs, sizeof d->list[0], ascending);
    /* Of a projection around the person's mean: a thief who has the profile knows that. */
    double square = 0;
    for (size_t i = 0; i < d->pairs; i++)
        square += (double)d->list[i] * (double)d->list[i];
    const double spread = sqrt(square / (double)d->pairs / 2);
    const double v[] = {(double)d->pairs,
                        (double)d->list[0],
                        (double)d->list[d->pairs / 10000],
                        (double)d->list[d->pairs / 100],
                        (double)d->list[d->pairs / 2],
                        log10(false_per_window(d)),
                        spread,
                        idem_distance_tells(spread)};
    return idem_sheet_row(table, label, v);
}
