/* SPDX-License-Identifier: Apache-2.0 */
/* window.c - see window.h. */
#include "window/window.h"

#include "window/front.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int idem_window_new(const struct idem_front *front, enum idem_modality modality,
                    struct idem_window **out)
{
    struct idem_shape shape = idem_front_shape(front, modality);
    struct idem_window *w;

    if (shape.cells == 0)
        return IDEM_ERR_INVALID;
    w = calloc(1, sizeof *w + idem_shape_len(shape) * sizeof w->n[0]);
    if (w == NULL)
        return IDEM_ERR_NOMEM;
    w->front_id = idem_front_id(front);
    w->level = idem_front_level(front);
    w->modality = modality;
    w->shape = shape;
    w->n = (int32_t *)(w + 1);
    w->sums = w->n + shape.cells;
    *out = w;
    return IDEM_OK;
}

void idem_window_free(struct idem_window *window)
{
    free(window);
}

enum idem_modality idem_window_modality(const struct idem_window *window)
{
    return window->modality;
}

uint64_t idem_window_front_id(const struct idem_window *window)
{
    return window->front_id;
}

uint32_t idem_window_strokes(const struct idem_window *window)
{
    return window->strokes;
}

uint32_t idem_window_duration_ms(const struct idem_window *window)
{
    return window->duration_ms;
}

const int32_t *idem_window_counts(const struct idem_window *window)
{
    return window->n;
}

const int32_t *idem_window_sums(const struct idem_window *window)
{
    return window->sums;
}

int idem_window_begin(struct idem_window *w, uint32_t strokes, uint32_t duration_ms)
{
    if (strokes == 0 || strokes > IDEM_WINDOW_STROKES_MAX ||
        duration_ms > IDEM_WINDOW_DURATION_MAX_MS)
        return IDEM_ERR_INVALID;
    memset(w->n, 0, idem_shape_len(w->shape) * sizeof w->n[0]);
    w->strokes = strokes;
    w->duration_ms = duration_ms;
    w->next_cell = 0;
    return IDEM_OK;
}

uint32_t idem_stroke_cells(enum idem_modality modality, struct idem_shape shape)
{
    return modality == IDEM_POINTER ? shape.cells - IDEM_SCALARS : shape.cells;
}

/* A pointer's timings have cells of their own, of which only channel 0 is used (mixture.h). */
static bool is_scalar(const struct idem_window *w, uint32_t cell)
{
    return cell >= idem_stroke_cells(w->modality, w->shape);
}

/* The largest sums that n strokes can reach, one grid step of rounding allowed. */
static bool within_contrasts(int32_t n, const int32_t *sums)
{
    const double top = ceil(n * (double)IDEM_CONTRAST_MAX) + 1;
    for (int k = 0; k < IDEM_CONTRASTS; k++) {
        if (sums[k] < -top || sums[k] > top)
            return false;
    }
    return true;
}

static bool within_clip(const struct idem_window *w, uint32_t cell, int32_t n, const int32_t *sums)
{
    if (w->modality == IDEM_KEYBOARD)
        return within_contrasts(n, sums);
    const bool wide = !is_scalar(w, cell);
    const uint32_t used = is_scalar(w, cell) ? 1 : w->shape.channels;
    const double top = ceil(n * (double)(wide ? IDEM_MIXTURE_CLIP : IDEM_CLIP)) + 1;
    const double square_low = floor(n * (double)idem_centred_square(0)) - 1;
    const double square_high = ceil(n * (double)idem_centred_square(IDEM_CLIP)) + 1;
    for (uint32_t d = 0; d < w->shape.channels; d++) {
        int32_t sum = sums[2 * d], square = sums[2 * d + 1];
        if (sum < -top || sum > top || square < square_low || square > square_high)
            return false;
        if (d >= used && (sum != 0 || square != 0))
            return false;
    }
    return true;
}

int idem_window_put(struct idem_window *w, uint32_t cell, int32_t n, const int32_t *sums)
{
    if (cell < w->next_cell || cell >= w->shape.cells)
        return IDEM_ERR_INVALID;
    if (n <= 0 || n > 2 * IDEM_WINDOW_STROKES_MAX * IDEM_GRID)
        return IDEM_ERR_INVALID;
    if (!within_clip(w, cell, n, sums))
        return IDEM_ERR_INVALID;
    w->n[cell] = n;
    memcpy(&w->sums[(size_t)cell * w->shape.channels * 2], sums,
           w->shape.channels * 2 * sizeof sums[0]);
    w->next_cell = cell + 1;
    return IDEM_OK;
}

/* Flights that belong to strokes of the window before: at most one for each key still held. */
enum { CARRIED = 10 };

int idem_window_end(struct idem_window *w)
{
    int64_t total = 0, strokes = (int64_t)w->strokes * IDEM_GRID;
    for (uint32_t c = 0; c < w->shape.cells; c++) {
        if ((w->modality == IDEM_KEYBOARD || is_scalar(w, c)) && w->n[c] % IDEM_GRID != 0)
            return IDEM_ERR_INVALID;
        if (!is_scalar(w, c))
            total += w->n[c];
        else if (w->n[c] > IDEM_TIMINGS_PER_STROKE * strokes)
            return IDEM_ERR_INVALID;
    }
    int64_t most =
        w->modality == IDEM_KEYBOARD ? 2 * strokes + CARRIED * IDEM_GRID : strokes + w->shape.cells;
    return total <= most ? IDEM_OK : IDEM_ERR_INVALID;
}

static int32_t to_grid(float v)
{
    return (int32_t)lrintf(v * IDEM_GRID);
}

int idem_window_fill(struct idem_window *w, const float *stats, uint32_t strokes,
                     int64_t duration_us)
{
    size_t per_cell = (size_t)w->shape.channels * 2;
    int64_t ms = (duration_us / 1000 + 50) / 100 * 100;

    if (ms < 0)
        ms = 0;
    if (ms > IDEM_WINDOW_DURATION_MAX_MS)
        ms = IDEM_WINDOW_DURATION_MAX_MS;
    int r = idem_window_begin(w, strokes, (uint32_t)ms);
    if (r != 0)
        return r;
    for (uint32_t c = 0; c < w->shape.cells; c++) {
        w->n[c] = to_grid(stats[c]);
        if (w->n[c] == 0)
            continue;
        const float *f = stats + w->shape.cells + c * per_cell;
        for (size_t k = 0; k < per_cell; k++)
            w->sums[c * per_cell + k] = to_grid(f[k]);
    }
    return IDEM_OK;
}

void idem_window_add_to(const struct idem_window *w, float weight, float *stats)
{
    const float unit = weight / IDEM_GRID;
    size_t len = idem_shape_len(w->shape);
    for (size_t i = 0; i < len; i++)
        stats[i] += unit * (float)w->n[i]; /* n and sums are adjacent, in the same order */
}

double idem_window_held(const struct idem_window *w)
{
    double held = 0;
    for (uint32_t c = 0; c < idem_stroke_cells(w->modality, w->shape); c++)
        held += (double)w->n[c] / IDEM_GRID;
    held = floor(held + 0.5); /* the grid may have rounded fractions down */
    return held < w->strokes ? held : w->strokes;
}
