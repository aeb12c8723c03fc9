/* SPDX-License-Identifier: Apache-2.0 */
/* corpus.c - memory of a corpus, and the keyboard front learned from slot moments. */
#include "model/corpus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int idem_corpus_init(struct idem_corpus *corpus, struct idem_shape shape)
{
    *corpus = (struct idem_corpus){.shape = shape};
    corpus->square = calloc(idem_shape_dims(shape) + 1, sizeof *corpus->square);
    corpus->discount = calloc(idem_shape_dims(shape) + 1, sizeof *corpus->discount);
    if (corpus->square == NULL || corpus->discount == NULL) {
        idem_corpus_fini(corpus);
        return IDEM_ERR_NOMEM;
    }
    return IDEM_OK;
}

void idem_corpus_fini(struct idem_corpus *corpus)
{
    for (size_t u = 0; u < corpus->count; u++) {
        free(corpus->people[u].stats);
        free(corpus->people[u].strokes);
    }
    free(corpus->people);
    free(corpus->square);
    free(corpus->discount);
    *corpus = (struct idem_corpus){0};
}

int idem_corpus_person(struct idem_corpus *corpus)
{
    if (corpus->count == corpus->room) {
        size_t room = corpus->room == 0 ? 64 : 2 * corpus->room;
        struct idem_slices *people = realloc(corpus->people, room * sizeof *people);
        if (people == NULL)
            return IDEM_ERR_NOMEM;
        corpus->people = people;
        corpus->room = room;
    }
    corpus->people[corpus->count++] = (struct idem_slices){0};
    return IDEM_OK;
}

static int grow(struct idem_slices *s, size_t len)
{
    uint32_t room = s->room == 0 ? 32 : 2 * s->room;
    float *stats = realloc(s->stats, (size_t)room * len * sizeof *stats);
    if (stats == NULL)
        return IDEM_ERR_NOMEM;
    s->stats = stats;
    float *strokes = realloc(s->strokes, (size_t)room * sizeof *strokes);
    if (strokes == NULL)
        return IDEM_ERR_NOMEM;
    s->strokes = strokes;
    s->room = room;
    return IDEM_OK;
}

int idem_corpus_slice(struct idem_corpus *corpus, const float *stats, float strokes)
{
    const size_t len = idem_shape_len(corpus->shape);
    if (corpus->count == 0)
        return IDEM_ERR_INVALID;
    struct idem_slices *s = &corpus->people[corpus->count - 1];
    if (s->count == s->room) {
        int r = grow(s, len);
        if (r != 0)
            return r;
    }
    memcpy(s->stats + s->count * len, stats, len * sizeof *stats);
    s->strokes[s->count++] = strokes;
    return IDEM_OK;
}

void idem_slot_times_add(struct idem_slot_times *times, double ms)
{
    double step = floor((ms - IDEM_SLOT_TIMES_FROM_MS) / IDEM_SLOT_TIMES_STEP_MS + 0.5);
    uint32_t at = step <= 0                           ? 0
                  : step >= IDEM_SLOT_TIMES_STEPS - 1 ? IDEM_SLOT_TIMES_STEPS - 1
                                                      : (uint32_t)step;
    times->step[at]++;
    times->count++;
}

enum { REACH = 8 }; /* steps of a spread that the kernel's half-width spans */

/* Strokes of the blurred spread in step i. */
static double blurred(const struct idem_slot_times *times, int i)
{
    double sum = 0;
    for (int d = -REACH; d <= REACH; d++) {
        const float at = (float)d - 0.5f, step = IDEM_SLOT_TIMES_STEP_MS;
        if (i + d < 0 || i + d >= IDEM_SLOT_TIMES_STEPS || times->step[i + d] == 0)
            continue;
        sum += times->step[i + d] *
               (double)(idem_blur_below((at + 1) * step) - idem_blur_below(at * step));
    }
    return sum;
}

void idem_slot_times_edges(const struct idem_slot_times *times, float edges[IDEM_EDGES])
{
    const double part = (double)times->count / IDEM_BINS;
    double below = 0;
    int e = 0;

    for (int i = -REACH; i < IDEM_SLOT_TIMES_STEPS + REACH && e < IDEM_EDGES; i++) {
        double here = blurred(times, i);
        while (e < IDEM_EDGES && below + here >= (e + 1) * part && here > 0) {
            double share = ((e + 1) * part - below) / here;
            edges[e++] =
                (float)(IDEM_SLOT_TIMES_FROM_MS + (i - 0.5 + share) * IDEM_SLOT_TIMES_STEP_MS);
        }
        below += here;
    }
    for (int k = e; k < IDEM_EDGES; k++) /* rounding left the last ones open */
        edges[k] =
            (float)(IDEM_SLOT_TIMES_FROM_MS + IDEM_SLOT_TIMES_STEPS * IDEM_SLOT_TIMES_STEP_MS + k);
    for (int k = 1; k < IDEM_EDGES; k++) { /* identical times: the blur still has some width */
        if (edges[k] < edges[k - 1] + 0.01f)
            edges[k] = edges[k - 1] + 0.01f;
    }
}

int idem_keyboard_front_learn(enum idem_level level, const struct idem_zoning *zoning,
                              const struct idem_slot_times *slots, uint32_t slot_count,
                              struct idem_front **out)
{
    struct idem_front *front;
    uint32_t cells = 0;

    for (uint32_t s = 0; s < slot_count; s++)
        cells += slots[s].count >= IDEM_CELL_MIN_STROKES;
    if (cells == 0)
        return IDEM_ERR_TOO_LITTLE;
    int r = idem_front_alloc(slot_count, cells, &front);
    if (r != 0)
        return r;
    front->level = level;
    front->zoning = *zoning;
    cells = 0;
    for (uint32_t s = 0; s < slot_count; s++) {
        if (slots[s].count < IDEM_CELL_MIN_STROKES)
            continue;
        front->slot[cells] = s;
        idem_slot_times_edges(&slots[s], front->edges + (size_t)cells * IDEM_EDGES);
        cells++;
    }
    *out = front;
    return IDEM_OK;
}

void idem_keyboard_discounts(const struct idem_front *front, float *discount)
{
    for (uint32_t c = 0; c < front->cells; c++) {
        float stroke = front->slot[c] < front->zoning.holds ? 0.8f : 0.7f;
        for (uint32_t k = 0; k < IDEM_CONTRASTS; k++)
            discount[c * IDEM_CONTRASTS + k] = stroke / sqrtf((float)(k + 1));
    }
}
