/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form.c - see form.h.
 *
 * The contrasts are orthonormal over equally likely bins, so with B bins the blurred count of bin b
 * is (n + sum_k phi_k(b) f_k) / B, and from it the blurred count below each edge. One time t gives
 * idem_blur_below(edge - t) there. Rounding the sums to the grid moves a count below an edge by
 * 0.006 at most.
 */
#include "model/form.h"

#include <math.h>
#include <stdlib.h>

#define THIN_OFF  0.03 /* a single time, however unlucky its rounding */
#define PAIR_OFF  0.06 /* two, one of which was looked for in steps of STEP_MS */
#define WHOLE_OFF 0.02 /* of a whole number */
#define STEP_MS   0.5

void idem_form_below(int32_t n, const int32_t *sums, double below[IDEM_EDGES])
{
    double bin[IDEM_BINS], total = 0;

    bin[IDEM_BINS - 1] = n;
    for (int k = 0; k < IDEM_CONTRASTS; k++)
        bin[IDEM_BINS - 1] += (double)idem_contrast_last[k] * sums[k];
    for (int e = IDEM_EDGES; e-- > 0;) {
        bin[e] = bin[e + 1];
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            bin[e] += (double)idem_contrast_step[e][k] * sums[k];
    }
    for (int e = 0; e < IDEM_EDGES; e++) {
        total += bin[e];
        below[e] = total / (IDEM_BINS * IDEM_GRID);
    }
}

/* The time before or after an edge at which so much of the kernel lies below it. */
static double time_of(double below)
{
    if (below <= 0 || below >= 1)
        return below <= 0 ? (double)-IDEM_BLUR_MS : (double)IDEM_BLUR_MS;
    return (double)IDEM_BLUR_MS * (below < 0.5 ? sqrt(2 * below) - 1 : 1 - sqrt(2 * (1 - below)));
}

static double furthest(const float *edges, double t, const double *below)
{
    double off = 0;
    for (int e = 0; e < IDEM_EDGES; e++)
        off = fmax(off, fabs((double)idem_blur_below((float)((double)edges[e] - t)) - below[e]));
    return off;
}

/* The distance of the counts from whole numbers that do not fall, or more. */
static double from_steps(const double *below)
{
    double off = 0, before = 0;
    for (int e = 0; e < IDEM_EDGES; e++) {
        const double step = rint(below[e]);
        if (step < before)
            return INFINITY;
        off = fmax(off, fabs(below[e] - step));
        before = step;
    }
    return off;
}

/* Is there a time that has these counts? Any edge within the blur of it gives it away. */
static bool is_one(const float *edges, const double *below, double allowed)
{
    if (from_steps(below) <= allowed && below[IDEM_EDGES - 1] < 1.5)
        return true;
    for (int e = 0; e < IDEM_EDGES; e++) {
        const double t = (double)edges[e] - time_of(below[e]);
        if (below[e] > 0 && below[e] < 1 && furthest(edges, t, below) <= allowed)
            return true;
    }
    return false;
}

/* One of the two lies within the blur of the edge whose count is furthest from whole. */
static bool is_two(const float *edges, const double *below)
{
    double left[IDEM_EDGES], worst = -1;
    int at = 0;
    for (int e = 0; e < IDEM_EDGES; e++) {
        const double off = fabs(below[e] - rint(below[e]));
        at = off > worst ? e : at;
        worst = fmax(worst, off);
    }
    if (worst <= WHOLE_OFF)
        return from_steps(below) <= PAIR_OFF;
    for (double d = (double)-IDEM_BLUR_MS; d <= (double)IDEM_BLUR_MS; d += STEP_MS) {
        const double t = (double)edges[at] + d;
        for (int e = 0; e < IDEM_EDGES; e++)
            left[e] = below[e] - (double)idem_blur_below((float)((double)edges[e] - t));
        if (is_one(edges, left, PAIR_OFF))
            return true;
    }
    return false;
}

static bool is_whole(const double *below)
{
    for (int e = 0; e < IDEM_EDGES; e++)
        if (fabs(below[e] - rint(below[e])) > WHOLE_OFF)
            return false;
    return true;
}

static void read_cell(const struct idem_front *front, uint32_t cell, int32_t n, const int32_t *sums,
                      struct idem_form *out)
{
    const float *edges = front->edges + (size_t)cell * IDEM_EDGES;
    const bool hold = front->slot[cell] < front->zoning.holds;
    double below[IDEM_EDGES];

    if (n > 2 * IDEM_GRID && (n < IDEM_FORM_FULL * IDEM_GRID || !hold))
        return;
    idem_form_below(n, sums, below);
    if (n <= 2 * IDEM_GRID) {
        out->thin++;
        out->bent += n == IDEM_GRID ? !is_one(edges, below, THIN_OFF) : !is_two(edges, below);
    } else {
        out->full++;
        out->whole += is_whole(below);
    }
}

/* Ends of runs, and the flights that are missing beside the holds. */
static int32_t loose_ends(const struct idem_front *front, const struct idem_window *w)
{
    const struct idem_zoning *z = &front->zoning;
    int32_t balance[IDEM_KEYS] = {0}, holds = 0, flights = 0, ends = 0;

    for (uint32_t c = 0; c < w->shape.cells; c++) {
        const int32_t n = w->n[c] / IDEM_GRID;
        if (front->slot[c] < z->holds) {
            holds += n;
            continue;
        }
        const uint32_t pair = front->slot[c] - z->holds;
        balance[pair / z->flights] -= n; /* as many zones as keys at most */
        balance[pair % z->flights] += n;
        flights += n;
    }
    for (int i = 0; i < IDEM_KEYS; i++)
        ends += abs(balance[i]);
    return ends - 2 * (holds > flights ? holds - flights : 0);
}

void idem_form_read(const struct idem_front *front, const struct idem_window *window,
                    struct idem_form *out)
{
    struct idem_form form = {0};

    for (uint32_t c = 0; c < window->shape.cells; c++)
        if (window->n[c] > 0)
            read_cell(front, c, window->n[c], window->sums + (size_t)c * IDEM_CONTRASTS, &form);
    form.loose = loose_ends(front, window);
    *out = form;
}

enum idem_form_fault idem_form_fault(const struct idem_form *form)
{
    if (form->bent > 0)
        return IDEM_FORM_BENT;
    if (form->full >= IDEM_FORM_WHOLE && form->whole == form->full)
        return IDEM_FORM_WHOLES;
    return form->loose > IDEM_FORM_SLACK ? IDEM_FORM_LOOSE : IDEM_FORM_SOUND;
}
