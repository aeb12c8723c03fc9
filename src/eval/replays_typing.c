/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replays_typing.c - measurements, windows of them, and windows drawn from statistics; see
 * replays.h.
 */
#include "eval/replays.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "eval/reel.h"

/* ------------------------------------------------------------------ measurements */

static int alloc_typing(const struct idem_reels *reels, struct idem_typing *t)
{
    size_t events = 0;
    for (uint32_t i = 0; i < reels->count; i++)
        events += reels->list[i].count;
    t->obs = calloc(events * IDEM_OBS_PER_EVENT + 1, sizeof *t->obs);
    t->stroke = calloc(events * IDEM_OBS_PER_EVENT + 1, sizeof *t->stroke);
    t->session = calloc(reels->count + 1, sizeof *t->session);
    return t->obs && t->stroke && t->session ? 0 : IDEM_ERR_NOMEM;
}

static void add_session(const struct idem_zoning *zoning, const struct idem_reel *reel,
                        int64_t tick_us, struct idem_typing *t)
{
    struct idem_chain chain;
    uint32_t strokes;
    idem_chain_init(&chain);
    t->session[t->sessions++] = t->strokes;
    for (uint32_t i = 0; i < reel->count; i++) {
        const struct idem_reel_event *e = &reel->events[i];
        uint32_t n = idem_chain_event(&chain, zoning, e->code,
                                      e->kind == IDEM_REEL_KEY_DOWN ? IDEM_KEY_DOWN : IDEM_KEY_UP,
                                      e->t_us - e->t_us % tick_us, t->obs + t->count, &strokes);
        for (uint32_t k = 0; k < n; k++)
            t->stroke[t->count++] = t->strokes;
        t->strokes += strokes;
    }
    idem_chain_init(&chain);
}

int idem_typing_of_person(const struct idem_front *front, const struct idem_recording *rec,
                          uint32_t person, int64_t tick_us, struct idem_typing *out)
{
    struct idem_typing t = {0};
    struct idem_reels reels;
    int r = idem_reels_of_person(rec, person, &reels);
    if (r != 0)
        return r;
    r = alloc_typing(&reels, &t);
    for (uint32_t i = 0; i < reels.count && r == 0; i++)
        add_session(&front->zoning, &reels.list[i], tick_us, &t);
    idem_reels_free(&reels);
    if (r == 0)
        *out = t;
    else
        idem_typing_fini(&t);
    return r;
}

void idem_typing_fini(struct idem_typing *t)
{
    if (t->obs)
        idem_wipe(t->obs, t->count * sizeof *t->obs);
    free(t->obs);
    free(t->stroke);
    free(t->session);
    *t = (struct idem_typing){0};
}

static uint32_t first_of(const struct idem_typing *t, uint32_t stroke)
{
    uint32_t low = 0, high = t->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (t->stroke[middle] < stroke)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void idem_typing_span(const struct idem_typing *t, uint32_t from, uint32_t to, uint32_t *first,
                      uint32_t *end)
{
    *first = first_of(t, from);
    *end = first_of(t, to);
}

int idem_typing_window(const struct idem_front *front, const struct idem_obs *obs, uint32_t count,
                       uint32_t strokes, struct idem_window *out)
{
    const size_t len = idem_shape_len(out->shape);
    float *stats = calloc(len, sizeof *stats);
    if (!stats)
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++)
        idem_front_file(front, obs[i].slot, obs[i].value, stats);
    int r = idem_window_fill(out, stats, strokes, 0);
    free(stats);
    return r == 0 ? idem_window_end(out) : r;
}

int idem_typing_force(const float *stats, uint32_t strokes, struct idem_window *out)
{
    const size_t len = idem_shape_len(out->shape);
    float *whole = malloc(len * sizeof *whole);
    if (!whole)
        return IDEM_ERR_NOMEM;
    memcpy(whole, stats, len * sizeof *whole);
    for (uint32_t c = 0; c < out->shape.cells; c++)
        if (out->modality == IDEM_KEYBOARD || c >= idem_stroke_cells(out->modality, out->shape))
            whole[c] = rintf(whole[c]);
    int r = idem_window_fill(out, whole, strokes, 0);
    free(whole);
    return r == 0 ? idem_window_end(out) : r;
}

/* ------------------------------------------------------------------ windows */

static int make_window(const struct idem_front *front, const struct idem_typing *t, uint32_t from,
                       uint32_t to, struct idem_window **out)
{
    uint32_t first, end;
    int r = idem_window_new(front, IDEM_KEYBOARD, out);
    if (r != 0)
        return r;
    idem_typing_span(t, from, to, &first, &end);
    r = idem_typing_window(front, t->obs + first, end - first, to - from, *out);
    if (r != 0)
        idem_window_free(*out);
    return r;
}

void idem_typing_windows_free(struct idem_window **windows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        idem_window_free(windows[i]);
    free(windows);
}

int idem_typing_windows(const struct idem_front *front, const struct idem_typing *t, uint32_t keys,
                        bool sessions, struct idem_window ***list, uint32_t *count)
{
    struct idem_window **w = calloc(t->strokes / keys + 1, sizeof *w);
    uint32_t n = 0, from = 0, session = 0;
    int r = w ? 0 : IDEM_ERR_NOMEM;
    while (r == 0 && from + keys <= t->strokes) {
        uint32_t to = from + keys;
        while (sessions && session < t->sessions && t->session[session] < to)
            session++;
        if (sessions)
            to = session < t->sessions ? t->session[session] : t->strokes;
        if (to - from > IDEM_WINDOW_STROKES_MAX)
            break;
        if ((r = make_window(front, t, from, to, &w[n])) == 0)
            n++;
        from = to;
    }
    if (r != 0) {
        idem_typing_windows_free(w, n);
        return r;
    }
    *list = w;
    *count = n;
    return 0;
}

/* ------------------------------------------------------------------ drawing */

void idem_draw_shares(const struct idem_drawer *d, uint32_t cell, double bins[IDEM_BINS])
{
    double below[IDEM_EDGES], before = 0;
    int32_t sums[IDEM_CONTRASTS];
    const float n = d->stats[cell], *f = d->stats + d->front->cells + (size_t)cell * IDEM_CONTRASTS;
    /* In grid units of a window of 1,000 strokes, so that profiles of any size fit. */
    const float scale = n > 0 ? 1000.0f * IDEM_GRID / n : 0;
    for (int k = 0; k < IDEM_CONTRASTS; k++)
        sums[k] = (int32_t)lrintf(f[k] * scale);
    idem_form_below(1000 * IDEM_GRID, sums, below);
    for (int b = 0; b < IDEM_BINS; b++) {
        const double up_to = b < IDEM_EDGES ? below[b] : 1000;
        bins[b] = fmax(up_to - before, 0) / 1000;
        before = up_to;
    }
}

static int draw_bin(const double *bins, struct idem_rng *rng)
{
    double total = 0;
    for (int b = 0; b < IDEM_BINS; b++)
        total += bins[b];
    double at = idem_rng_uniform(rng) * total;
    for (int b = 0; b < IDEM_BINS - 1; b++)
        if ((at -= bins[b]) < 0)
            return b;
    return IDEM_BINS - 1;
}

float idem_draw_time(const struct idem_drawer *d, uint32_t cell, struct idem_rng *rng)
{
    const float *e = d->front->edges + (size_t)cell * IDEM_EDGES;
    double bins[IDEM_BINS];
    idem_draw_shares(d, cell, bins);
    const int b = draw_bin(bins, rng);
    const double from = b > 0 ? (double)e[b - 1] : 2 * (double)e[0] - (double)e[1];
    const double to = b < IDEM_EDGES
                          ? (double)e[b]
                          : 3 * (double)e[IDEM_EDGES - 1] - 2 * (double)e[IDEM_EDGES - 2];
    return (float)(from + (to - from) * idem_rng_uniform(rng));
}

/* An index below n by weight. */
static uint32_t draw_index(const double *weight, uint32_t n, struct idem_rng *rng)
{
    double total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += weight[i];
    double at = idem_rng_uniform(rng) * total;
    for (uint32_t i = 0; i + 1 < n; i++)
        if ((at -= weight[i]) < 0)
            return i;
    return n - 1;
}

/* Hold zones weigh as often as they occur, those only whose keys end a flight in `zone`. */
static uint32_t draw_hold(const struct idem_drawer *d, uint32_t zone, struct idem_rng *rng)
{
    const struct idem_zoning *z = &d->front->zoning;
    double weight[IDEM_KEYS] = {0};
    for (uint32_t key = 0; key < IDEM_KEYS; key++) {
        const int32_t cell = d->front->cell_of_slot[z->hold[key]];
        if (z->flight[key] == zone && cell >= 0)
            weight[z->hold[key]] = (double)d->stats[cell];
    }
    return draw_index(weight, z->holds, rng);
}

uint32_t idem_draw_path(const struct idem_drawer *d, uint32_t strokes, struct idem_rng *rng,
                        struct idem_obs *obs)
{
    const struct idem_zoning *z = &d->front->zoning;
    double to[IDEM_KEYS];
    uint32_t n = 0, zone = 0;
    for (uint32_t i = 0; i < strokes; i++) {
        for (uint32_t b = 0; b < z->flights; b++) {
            const int32_t cell = d->front->cell_of_slot[z->holds + zone * z->flights + b];
            to[b] = cell >= 0 ? (double)d->stats[cell] : 0;
        }
        const uint32_t next = draw_index(to, z->flights, rng);
        const uint32_t slots[2] = {z->holds + zone * z->flights + next, draw_hold(d, next, rng)};
        for (int k = i > 0 ? 0 : 1; k < 2; k++) {
            const int32_t cell = d->front->cell_of_slot[slots[k]];
            if (cell >= 0)
                obs[n++] = (struct idem_obs){slots[k], idem_draw_time(d, (uint32_t)cell, rng)};
        }
        zone = next;
    }
    return n;
}

void idem_draw_cells(const struct idem_drawer *d, uint32_t strokes, bool blurred,
                     struct idem_rng *rng, float *stats)
{
    const struct idem_front *front = d->front;
    double weight[IDEM_CELLS_MAX], bins[IDEM_BINS];
    memset(stats, 0, idem_shape_len(idem_front_shape(front, IDEM_KEYBOARD)) * sizeof *stats);
    for (int flights = 0; flights < 2; flights++) {
        for (uint32_t c = 0; c < front->cells; c++)
            weight[c] =
                (front->slot[c] >= front->zoning.holds) == flights ? (double)d->stats[c] : 0;
        for (uint32_t i = 0; i < strokes; i++) {
            const uint32_t c = draw_index(weight, front->cells, rng);
            const float *e = front->edges + (size_t)c * IDEM_EDGES;
            float *f = stats + front->cells + (size_t)c * IDEM_CONTRASTS;
            stats[c] += 1;
            if (blurred) {
                idem_histogram_add(e, idem_draw_time(d, c, rng), f);
                continue;
            }
            idem_draw_shares(d, c, bins);
            const int bin = draw_bin(bins, rng);
            for (int k = 0; k < IDEM_CONTRASTS; k++) {
                f[k] += idem_contrast_last[k];
                for (int b = bin; b < IDEM_EDGES; b++)
                    f[k] += idem_contrast_step[b][k];
            }
        }
    }
}
