/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imprint.c - see imprint.h. All in integers, so that every machine makes the same bits: z is kept
 * in 1/UNIT, a_b is -1 or 1, and a sum of them is shifted into steps.
 */
#include "model/imprint.h"

#include "base/bytes.h"
#include "model/multiversion.h"
#include "window/front.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UNIT = 256, STEP = IDEM_NEAR_STEP * UNIT };

/* What the key is used for, so that no two uses share a hash. */
enum purpose { SIGNS, OFFSETS, WHOLE, TEXT, CELL, PURPOSES };

struct idem_imprinter {
    struct idem_shape shape;
    uint8_t key[PURPOSES][IDEM_SIPHASH_KEY];
    int32_t offset[IDEM_NEAR_BITS]; /* u, 0..2 STEP - 1 */
    int8_t sign[];                  /* a, [dims][IDEM_NEAR_BITS] */
};

static void derive_keys(struct idem_imprinter *p, uint64_t front, enum idem_modality modality,
                        const uint8_t *key)
{
    for (uint64_t i = 0; i < PURPOSES; i++)
        for (uint64_t half = 0; half < 2; half++) {
            const uint64_t about[4] = {front, modality, i, half};
            const uint64_t hash = idem_siphash(key, about, sizeof about);
            memcpy(p->key[i] + 8 * half, &hash, sizeof hash);
        }
}

static void draw(struct idem_imprinter *p)
{
    const size_t words = idem_shape_dims(p->shape) * IDEM_NEAR_WORDS;

    for (uint64_t i = 0; i < words; i++) {
        const uint64_t bits = idem_siphash(p->key[SIGNS], &i, sizeof i);
        for (int b = 0; b < 64; b++)
            p->sign[64 * i + (uint64_t)b] = (bits >> b & 1) ? 1 : -1;
    }
    for (uint64_t b = 0; b < IDEM_NEAR_BITS; b++)
        p->offset[b] = (int32_t)(idem_siphash(p->key[OFFSETS], &b, sizeof b) % (2 * STEP));
}

int idem_imprinter_new(const struct idem_front *front, enum idem_modality modality,
                       const uint8_t key[IDEM_SIPHASH_KEY], struct idem_imprinter **out)
{
    const struct idem_shape shape = idem_front_shape(front, modality);

    if (shape.cells == 0)
        return IDEM_ERR_INVALID;
    struct idem_imprinter *p = calloc(1, sizeof *p + idem_shape_dims(shape) * IDEM_NEAR_BITS);
    if (p == NULL)
        return IDEM_ERR_NOMEM;
    p->shape = shape;
    derive_keys(p, idem_front_id(front), modality, key);
    draw(p);
    *out = p;
    return IDEM_OK;
}

void idem_imprinter_free(struct idem_imprinter *p)
{
    if (p != NULL)
        idem_wipe(p, sizeof *p + idem_shape_dims(p->shape) * IDEM_NEAR_BITS);
    free(p);
}

/* ------------------------------------------------------------------ near */

IDEM_MULTIVERSION
static void add_signed(const int8_t *sign, int32_t z, int32_t *to)
{
    for (int b = 0; b < IDEM_NEAR_BITS; b++)
        to[b] += z * sign[b];
}

void idem_imprint_near(const struct idem_imprinter *p, const int32_t *n, const int32_t *sums,
                       uint64_t near[IDEM_NEAR_WORDS])
{
    const size_t per_cell = (size_t)p->shape.channels * 2;
    int32_t at[IDEM_NEAR_BITS];

    memcpy(at, p->offset, sizeof at);
    for (uint32_t c = 0; c < p->shape.cells; c++) {
        /* Sums in strokes over the root of strokes, in 1/UNIT. */
        const double scale = UNIT / sqrt((double)IDEM_GRID * n[c]);
        for (size_t k = c * per_cell; n[c] > 0 && k < (c + 1) * per_cell; k++)
            if (sums[k] != 0)
                add_signed(p->sign + k * IDEM_NEAR_BITS, (int32_t)lrint(sums[k] * scale), at);
    }
    memset(near, 0, IDEM_NEAR_WORDS * sizeof near[0]);
    for (int b = 0; b < IDEM_NEAR_BITS; b++) {
        const int64_t up = (int64_t)at[b] + ((int64_t)1 << 40) * STEP; /* an even number of steps */
        near[b / 64] |= (uint64_t)(up / STEP & 1) << (b % 64);
    }
}

/* ------------------------------------------------------------------ hashes */

/* Cells above `least` in the order of their counts, the fullest first; fewer than most. */
static uint32_t fullest(const struct idem_window *w, uint32_t *cells)
{
    uint32_t found = 0;
    for (uint32_t c = 0; c < idem_stroke_cells(w->modality, w->shape); c++) {
        uint32_t at = found;
        if (w->n[c] < IDEM_IMPRINT_CELL_MIN * IDEM_GRID)
            continue;
        while (at > 0 && w->n[cells[at - 1]] < w->n[c])
            at--;
        if (at == IDEM_IMPRINT_CELLS)
            continue;
        found += found < IDEM_IMPRINT_CELLS;
        memmove(cells + at + 1, cells + at, (found - at - 1) * sizeof *cells);
        cells[at] = c;
    }
    return found;
}

static uint32_t hash_cell(const struct idem_imprinter *p, const struct idem_window *w, uint32_t c)
{
    int32_t about[2 + 2 * IDEM_CHANNELS_MAX] = {(int32_t)c, w->n[c]};
    const size_t per_cell = (size_t)w->shape.channels * 2;

    memcpy(about + 2, w->sums + c * per_cell, per_cell * sizeof about[0]);
    const uint32_t hash =
        (uint32_t)idem_siphash(p->key[CELL], about, (2 + per_cell) * sizeof about[0]);
    return hash != 0 ? hash : 1; /* 0 says that there is none */
}

void idem_imprint_make(const struct idem_imprinter *p, const struct idem_window *window,
                       struct idem_imprint *out)
{
    uint32_t cells[IDEM_IMPRINT_CELLS] = {0};
    const uint32_t found = fullest(window, cells);

    *out = (struct idem_imprint){0};
    /* Counts and sums lie side by side (window.c). */
    out->whole =
        idem_siphash(p->key[WHOLE], window->n, idem_shape_len(window->shape) * sizeof window->n[0]);
    out->text =
        (uint32_t)idem_siphash(p->key[TEXT], window->n, window->shape.cells * sizeof window->n[0]);
    for (uint32_t i = 0; i < found; i++)
        out->cell[i] = hash_cell(p, window, cells[i]);
    idem_imprint_near(p, window->n, window->sums, out->near);
}
