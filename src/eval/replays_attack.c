/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replays_attack.c - what somebody makes who has a person's old windows, or his profile, or public
 * people only; see replays.h. He knows the format, the front and the decoder's limits, but neither
 * the server's key nor its sketches.
 */
#include "eval/replays.h"

#include <math.h>
#include <string.h>

static struct idem_window *any(struct idem_attacker *a)
{
    return a->windows[idem_rng_below(&a->rng, a->count)];
}

static int copy(const struct idem_window *from, struct idem_window *out)
{
    const size_t len = idem_shape_len(from->shape);
    out->strokes = from->strokes;
    out->duration_ms = from->duration_ms;
    memcpy(out->n, from->n, len * sizeof out->n[0]);
    return 0;
}

static int again(struct idem_attacker *a, double by, struct idem_window *out)
{
    (void)by;
    return copy(any(a), out);
}

/* ------------------------------------------------------------------ its timings changed */

/* The measurements of one of the windows: copied to the scratch memory, their number returned. */
static uint32_t measurements(struct idem_attacker *a, uint32_t offset)
{
    const uint32_t windows = a->typing->strokes / a->keys - (offset > 0);
    const uint32_t from = idem_rng_below(&a->rng, windows) * a->keys + offset;
    uint32_t first, end;
    idem_typing_span(a->typing, from, from + a->keys, &first, &end);
    if (end - first > 4 * a->keys)
        end = first + 4 * a->keys;
    memcpy(a->obs, a->typing->obs + first, (end - first) * sizeof *a->obs);
    return end - first;
}

static int noisy(struct idem_attacker *a, double by, struct idem_window *out)
{
    const uint32_t n = measurements(a, 0);
    for (uint32_t i = 0; i < n; i++)
        a->obs[i].value += (float)(by * (2 * idem_rng_uniform(&a->rng) - 1));
    return idem_typing_window(a->front, a->obs, n, a->keys, out);
}

/* Holds and flights of one of the windows changed by constants. */
static int shifted(struct idem_attacker *a, double hold, double flight, struct idem_window *out)
{
    const uint32_t n = measurements(a, 0);
    for (uint32_t i = 0; i < n; i++)
        a->obs[i].value += (float)(a->obs[i].slot < a->front->zoning.holds ? hold : flight);
    return idem_typing_window(a->front, a->obs, n, a->keys, out);
}

static int all_times(struct idem_attacker *a, double by, struct idem_window *out)
{
    return shifted(a, by, by, out);
}

static int releases(struct idem_attacker *a, double by, struct idem_window *out)
{
    return shifted(a, by, -by, out);
}

static int pauses(struct idem_attacker *a, double by, struct idem_window *out)
{
    return shifted(a, 0, by, out);
}

/* The same keystrokes played again, but the windows begin `by` keys later. */
static int cut_elsewhere(struct idem_attacker *a, double by, struct idem_window *out)
{
    const uint32_t n = measurements(a, (uint32_t)by);
    return idem_typing_window(a->front, a->obs, n, a->keys, out);
}

/* Measurements drawn with repetition from all that he has of the person, cell by cell. */
static int single_strokes(struct idem_attacker *a, double by, struct idem_window *out)
{
    const struct idem_typing *t = a->typing;
    const uint32_t n = measurements(a, 0);
    (void)by;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t tries = 0; tries < 1000; tries++) {
            const struct idem_obs *other = &t->obs[idem_rng_below(&a->rng, t->count)];
            if (other->slot != a->obs[i].slot)
                continue;
            a->obs[i].value = other->value;
            break;
        }
    return idem_typing_window(a->front, a->obs, n, a->keys, out);
}

/* ------------------------------------------------------------------ mixtures */

enum { MIXED_MAX = 16 };

/* Different windows, and weights that sum to one; even: all the same. */
static uint32_t draw_mixture(struct idem_attacker *a, double by, bool even,
                             const struct idem_window **of, double *weight)
{
    const uint32_t k = (uint32_t)by;
    double total = 0;
    for (uint32_t i = 0; i < k; i++) {
        bool again_drawn = true;
        while (again_drawn) {
            of[i] = any(a);
            again_drawn = false;
            for (uint32_t j = 0; j < i; j++)
                again_drawn = again_drawn || of[j] == of[i];
        }
        weight[i] = even ? 1 : -log(1 - idem_rng_uniform(&a->rng));
        total += weight[i];
    }
    for (uint32_t i = 0; i < k; i++)
        weight[i] /= total;
    return k;
}

static uint32_t mix(struct idem_attacker *a, double by, bool even, const struct idem_window **of)
{
    double weight[MIXED_MAX];
    const uint32_t k = draw_mixture(a, by, even, of, weight);
    memset(a->stats, 0, idem_shape_len(of[0]->shape) * sizeof *a->stats);
    for (uint32_t i = 0; i < k; i++)
        idem_window_add_to(of[i], (float)weight[i], a->stats);
    return of[0]->strokes;
}

static int mixed(struct idem_attacker *a, double by, struct idem_window *out)
{
    const struct idem_window *of[MIXED_MAX];
    const uint32_t strokes = mix(a, by, false, of);
    return idem_typing_force(a->stats, strokes, out);
}

static int averaged(struct idem_attacker *a, double by, struct idem_window *out)
{
    const struct idem_window *of[MIXED_MAX];
    const uint32_t strokes = mix(a, by, true, of);
    return idem_typing_force(a->stats, strokes, out);
}

/* As mixed, but cells of up to two strokes are the first window's, as they are: their form holds.
 */
static int mixed_with_care(struct idem_attacker *a, double by, struct idem_window *out)
{
    const struct idem_window *of[MIXED_MAX];
    const uint32_t strokes = mix(a, by, false, of);
    const size_t per_cell = (size_t)out->shape.channels * 2;
    for (uint32_t c = 0; c < out->shape.cells; c++) {
        if (rintf(a->stats[c]) > 2 && of[0]->n[c] > 2 * IDEM_GRID)
            continue;
        a->stats[c] = (float)of[0]->n[c] / IDEM_GRID;
        for (size_t k = c * per_cell; k < (c + 1) * per_cell; k++)
            a->stats[out->shape.cells + k] = (float)of[0]->sums[k] / IDEM_GRID;
    }
    return idem_typing_force(a->stats, strokes, out);
}

/* Every cell, count and sums, is one of the windows' own. */
static int patched(struct idem_attacker *a, double by, struct idem_window *out)
{
    const struct idem_window *of[MIXED_MAX];
    double weight[MIXED_MAX];
    const uint32_t k = draw_mixture(a, by, true, of, weight);
    const size_t per_cell = (size_t)out->shape.channels * 2;
    for (uint32_t c = 0; c < out->shape.cells; c++) {
        const struct idem_window *w = of[idem_rng_below(&a->rng, k)];
        out->n[c] = w->n[c];
        memcpy(out->sums + c * per_cell, w->sums + c * per_cell, per_cell * sizeof out->sums[0]);
    }
    out->strokes = of[0]->strokes;
    out->duration_ms = of[0]->duration_ms;
    return idem_window_end(out);
}

/* ------------------------------------------------------------------ from a profile */

static int scaled_down(struct idem_attacker *a, double by, struct idem_window *out)
{
    const uint32_t cells = a->front->cells;
    const size_t len = idem_shape_len(out->shape);
    float holds = 0;
    (void)by;
    for (uint32_t c = 0; c < cells; c++)
        holds += a->front->slot[c] < a->front->zoning.holds ? a->profile[c] : 0;
    for (size_t i = 0; i < len; i++)
        a->stats[i] = a->profile[i] * (float)a->keys / holds;
    return idem_typing_force(a->stats, a->keys, out);
}

static int bins_by_cell(struct idem_attacker *a, double by, struct idem_window *out)
{
    const struct idem_drawer d = {a->front, a->profile};
    (void)by;
    idem_draw_cells(&d, a->keys, false, &a->rng, a->stats);
    return idem_typing_force(a->stats, a->keys, out);
}

static int times_by_cell(struct idem_attacker *a, double by, struct idem_window *out)
{
    const struct idem_drawer d = {a->front, a->profile};
    (void)by;
    idem_draw_cells(&d, a->keys, true, &a->rng, a->stats);
    return idem_typing_force(a->stats, a->keys, out);
}

static int along(struct idem_attacker *a, const float *stats, struct idem_window *out)
{
    const struct idem_drawer d = {a->front, stats};
    const uint32_t n = idem_draw_path(&d, a->keys, &a->rng, a->obs);
    return idem_typing_window(a->front, a->obs, n, a->keys, out);
}

static int along_path(struct idem_attacker *a, double by, struct idem_window *out)
{
    (void)by;
    return along(a, a->profile, out);
}

static int of_public(struct idem_attacker *a, double by, struct idem_window *out)
{
    (void)by;
    return along(a, a->population, out);
}

/* ------------------------------------------------------------------ all of them */

#define OWN      false, false
#define ANY      false, true
#define STRANGER true, true

const struct idem_attack idem_attacks[] = {
    {"sent again", again, 0, 1, ANY},
    {"sent again under another's name", again, 0, 1, STRANGER},
    {"re-noised by +-2 ms", noisy, 2, 1, OWN},
    {"re-noised by +-5 ms", noisy, 5, 1, OWN},
    {"re-noised by +-10 ms", noisy, 10, 1, OWN},
    {"re-noised by +-20 ms", noisy, 20, 1, OWN},
    {"all times 2 ms longer", all_times, 2, 1, OWN},
    {"all times 5 ms longer", all_times, 5, 1, OWN},
    {"all times 9 ms shorter", all_times, -9, 1, OWN},
    {"all times 13 ms longer", all_times, 13, 1, OWN},
    {"all times 21 ms longer", all_times, 21, 1, OWN},
    {"all times 40 ms longer", all_times, 40, 1, OWN},
    {"releases 2 ms later", releases, 2, 1, OWN},
    {"releases 5 ms later", releases, 5, 1, OWN},
    {"releases 13 ms later", releases, 13, 1, OWN},
    {"releases 40 ms later", releases, 40, 1, OWN},
    {"pauses 5 ms longer", pauses, 5, 1, OWN},
    {"pauses 40 ms longer", pauses, 40, 1, OWN},
    {"same keys, cut 1 key later", cut_elsewhere, 1, 2, OWN},
    {"same keys, cut 10 keys later", cut_elsewhere, 10, 2, OWN},
    {"same keys, cut 50 keys later", cut_elsewhere, 50, 2, OWN},
    {"average of 2 windows", averaged, 2, 2, ANY},
    {"average of 3 windows", averaged, 3, 3, ANY},
    {"average of 5 windows", averaged, 5, 5, ANY},
    {"mixture of 2 windows", mixed, 2, 2, ANY},
    {"mixture of 3 windows", mixed, 3, 3, ANY},
    {"mixture of 5 windows", mixed, 5, 5, ANY},
    {"mixture of 2, thin cells kept", mixed_with_care, 2, 2, OWN},
    {"mixture of 5, thin cells kept", mixed_with_care, 5, 5, OWN},
    {"cells of 2 windows", patched, 2, 2, ANY},
    {"cells of 5 windows", patched, 5, 5, ANY},
    {"single strokes of old windows", single_strokes, 0, 1, OWN},
    {"profile scaled down", scaled_down, 0, 1, OWN},
    {"profile, bins cell by cell", bins_by_cell, 0, 1, OWN},
    {"profile, times cell by cell", times_by_cell, 0, 1, OWN},
    {"profile, times along a path", along_path, 0, 1, OWN},
    {"public people, along a path", of_public, 0, 1, OWN},
};
const int idem_attack_count = sizeof idem_attacks / sizeof idem_attacks[0];

const struct idem_attack *idem_attack_named(const char *name)
{
    for (int i = 0; i < idem_attack_count; i++)
        if (strcmp(idem_attacks[i].name, name) == 0)
            return &idem_attacks[i];
    return NULL;
}
