/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_world.c - see leak_world.h.
 *
 * A window is filed stroke by stroke as the evaluation's windows are; the flight from the stroke
 * before a window's first belongs to the window, as at the edge.
 */
#include "eval/leak_world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 60 };
/* A profile's means are drawn to the population's, which are nought, by so many strokes. */
#define PRIOR_STROKES 4.0f

/* ------------------------------------------------------------------ people */

struct chosen {
    uint32_t person;
    uint64_t order;
};

static int by_order(const void *a, const void *b)
{
    const struct chosen *x = a, *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

static int cell_of(const struct idem_front *front, uint32_t slot)
{
    return slot < front->slots ? front->cell_of_slot[slot] : -1;
}

/* The person's strokes, where recordings keep them: one session after the other. */
static void locate(struct idem_leak_person *p, const struct idem_recording *rec, uint32_t index)
{
    const struct idem_person *person = &rec->people[index];
    p->index = index;
    p->strokes = rec->strokes + rec->sessions[person->first].first;
    for (uint32_t s = 0; s < person->count; s++)
        p->count += rec->sessions[person->first + s].count;
}

static int pool_values(const struct idem_leak_world *w, struct idem_leak_person *p)
{
    const uint32_t cells = w->front->cells;
    struct idem_obs *obs = malloc((size_t)(p->count + 1) * IDEM_OBS_PER_STROKE * sizeof *obs);
    p->first = calloc((size_t)cells + 2, sizeof *p->first);
    if (!obs || !p->first) {
        free(obs);
        return IDEM_ERR_NOMEM;
    }
    uint32_t n = idem_filing_strokes(w->filing, NULL, p->strokes, p->count, obs);
    p->values = malloc((size_t)(n + 1) * sizeof *p->values);
    for (uint32_t i = 0; i < n && p->values; i++)
        if (cell_of(w->front, obs[i].slot) >= 0)
            p->first[cell_of(w->front, obs[i].slot) + 2]++;
    for (uint32_t c = 2; c < cells + 2; c++)
        p->first[c] += p->first[c - 1];
    for (uint32_t i = 0; i < n && p->values; i++) {
        int c = cell_of(w->front, obs[i].slot);
        if (c >= 0)
            p->values[p->first[c + 1]++] = obs[i].value;
    }
    free(obs);
    return p->values ? 0 : IDEM_ERR_NOMEM;
}

static int profile(const struct idem_leak_world *w, struct idem_leak_person *p)
{
    const uint32_t cells = w->front->cells;
    p->mean = calloc((size_t)cells + 1, IDEM_CONTRASTS * sizeof *p->mean);
    for (uint32_t c = 0; c < cells && p->mean; c++) {
        float *mean = p->mean + (size_t)c * IDEM_CONTRASTS;
        for (uint32_t i = p->first[c]; i < p->first[c + 1]; i++)
            idem_histogram_add(w->front->edges + (size_t)c * IDEM_EDGES, p->values[i], mean);
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            mean[k] /= (float)(p->first[c + 1] - p->first[c]) + PRIOR_STROKES;
    }
    return p->mean ? 0 : IDEM_ERR_NOMEM;
}

int idem_leak_world_init(struct idem_leak_world *world, const struct idem_recording *rec,
                         const struct idem_filing *filing, const struct idem_front *front,
                         uint32_t people, uint32_t min_strokes, uint64_t seed)
{
    struct idem_leak_world w = {.filing = filing, .front = front};
    struct chosen *list = malloc(((size_t)rec->person_count + 1) * sizeof *list);
    struct idem_rng rng;
    int r = list ? 0 : IDEM_ERR_NOMEM;
    idem_rng_seed(&rng, seed);
    for (uint32_t p = 0; p < rec->person_count && r == 0; p++)
        list[p] = (struct chosen){p, idem_rng_next(&rng)};
    if (r == 0)
        qsort(list, rec->person_count, sizeof *list, by_order);
    w.people = calloc((size_t)rec->person_count + 1, sizeof *w.people);
    for (uint32_t i = 0; w.people && r == 0 && i < rec->person_count && w.count < people; i++) {
        struct idem_leak_person *p = &w.people[w.count];
        *p = (struct idem_leak_person){0};
        locate(p, rec, list[i].person);
        if (p->count < min_strokes)
            continue;
        w.count++;
        r = pool_values(&w, p);
        if (r == 0)
            r = profile(&w, p);
    }
    free(list);
    if (r == 0)
        r = !w.people ? IDEM_ERR_NOMEM : w.count == 0 ? IDEM_ERR_TOO_LITTLE : 0;
    if (r < 0)
        idem_leak_world_fini(&w);
    else
        *world = w;
    return r;
}

void idem_leak_world_fini(struct idem_leak_world *world)
{
    for (uint32_t p = 0; p < world->count; p++) {
        free(world->people[p].first);
        free(world->people[p].values);
        free(world->people[p].mean);
    }
    free(world->people);
    world->people = NULL;
    world->count = 0;
}

/* ------------------------------------------------------------------ words in cells */

static void need_slot(const struct idem_leak_world *w, uint32_t slot, struct idem_leak_need *need)
{
    int cell = cell_of(w->front, slot);
    if (cell < 0)
        return;
    for (uint32_t i = 0; i < need->cells; i++)
        if (need->cell[i] == cell) {
            need->n[i]++;
            return;
        }
    need->cell[need->cells] = (uint16_t)cell;
    need->n[need->cells++] = 1;
}

static void need_flight(const struct idem_leak_world *w, uint32_t from, uint32_t to,
                        struct idem_leak_need *need)
{
    uint32_t pairs = (uint32_t)w->filing->zoning.flights * w->filing->zoning.flights;
    for (uint32_t f = 0; f < w->filing->flight_count; f++)
        need_slot(w, idem_slot_flight(&w->filing->zoning, from, to) + f * pairs, need);
}

void idem_leak_need_of(const struct idem_leak_world *world, const struct idem_leak_word *word,
                       struct idem_leak_need *out)
{
    uint32_t before = idem_leak_code(IDEM_LEAK_SPACE);
    memset(out, 0, sizeof *out);
    out->strokes = word->len + 1u;
    for (uint32_t i = 0; i <= word->len; i++) {
        uint32_t code = i < word->len ? idem_leak_code(idem_leak_symbol_of(word->text[i]))
                                      : idem_leak_code(IDEM_LEAK_SPACE);
        need_flight(world, before, code, out);
        if (i < word->len)
            need_slot(world, idem_slot_hold(&world->filing->zoning, code), out);
        before = code;
    }
}

bool idem_leak_holds(const float *n, const struct idem_leak_need *need)
{
    for (uint32_t i = 0; i < need->cells; i++)
        if (n[need->cell[i]] < need->n[i])
            return false;
    return true;
}

/* ------------------------------------------------------------------ windows */

/* A window under construction, with what was carried into it. */
struct filer {
    const struct idem_leak_world *w;
    struct idem_rng *rng;
    float *stats;
};

static void file_value(struct filer *f, uint32_t slot, float ms)
{
    if (f->w->defence.thin <= 0 || cell_of(f->w->front, slot) < 0 ||
        idem_rng_uniform(f->rng) >= f->w->defence.thin)
        idem_front_file(f->w->front, slot, ms, f->stats);
}

static void file_natural(struct filer *f, const struct idem_leak_person *p, uint32_t first,
                         uint32_t count)
{
    struct idem_obs obs[IDEM_LEAK_KEYS_MAX * IDEM_OBS_PER_STROKE];
    uint32_t n = idem_filing_strokes(f->w->filing, first > 0 ? p->strokes + first - 1 : NULL,
                                     p->strokes + first, count, obs);
    for (uint32_t i = 0; i < n; i++)
        file_value(f, obs[i].slot, obs[i].value);
}

/* A time of the population's: each bin is as likely, the outer ones are as wide as the blur. */
static float draw_any(const float *edges, struct idem_rng *rng)
{
    const uint32_t bin = idem_rng_below(rng, IDEM_BINS);
    float from = bin > 0 ? edges[bin - 1] : edges[0] - IDEM_BLUR_MS;
    float to = bin < IDEM_EDGES ? edges[bin] : edges[IDEM_EDGES - 1] + IDEM_BLUR_MS;
    return from + (to - from) * (float)idem_rng_uniform(rng);
}

/* A value of the person's own in that slot; a population's when he has none. */
static void file_drawn(struct filer *f, const struct idem_leak_person *p, uint32_t slot)
{
    int cell = cell_of(f->w->front, slot);
    if (cell < 0)
        return;
    uint32_t first = p->first[cell], n = p->first[cell + 1] - first;
    file_value(f, slot,
               n ? p->values[first + idem_rng_below(f->rng, n)]
                 : draw_any(f->w->front->edges + (size_t)cell * IDEM_EDGES, f->rng));
}

static void file_drawn_flight(struct filer *f, const struct idem_leak_person *p, uint32_t from,
                              uint32_t to)
{
    const struct idem_filing *filing = f->w->filing;
    uint32_t pairs = (uint32_t)filing->zoning.flights * filing->zoning.flights;
    for (uint32_t k = 0; k < filing->flight_count; k++)
        file_drawn(f, p, idem_slot_flight(&filing->zoning, from, to) + k * pairs);
}

/* One of the person's strokes of that key behind `before`, or behind any (IDEM_KEYS); or NULL. */
static const struct idem_stroke *recall(struct filer *f, const struct idem_leak_person *p,
                                        uint32_t before, uint32_t code)
{
    const struct idem_stroke *found = NULL;
    uint32_t seen = 0;
    for (uint32_t i = 1; i < p->count; i++)
        if (p->strokes[i].code == code &&
            (before == IDEM_KEYS || p->strokes[i - 1].code == before) &&
            idem_rng_below(f->rng, ++seen) == 0)
            found = &p->strokes[i];
    return found;
}

/* A key of the word with the flight into it. */
static void file_stroke(struct filer *f, const struct idem_leak_person *p, uint32_t before,
                        uint32_t code)
{
    struct idem_obs obs[IDEM_OBS_PER_STROKE];
    const struct idem_stroke *s = recall(f, p, before, code);
    uint32_t n = s ? idem_filing_strokes(f->w->filing, s - 1, s, 1, obs) : 0;
    if (n < 2) /* never typed so, or only after a pause */
        file_drawn_flight(f, p, before, code);
    if (!s && (s = recall(f, p, IDEM_KEYS, code)))
        n = idem_filing_strokes(f->w->filing, NULL, s, 1, obs);
    for (uint32_t i = 0; i < n; i++)
        file_value(f, obs[i].slot, obs[i].value);
    if (n == 0)
        file_drawn(f, p, idem_slot_hold(&f->w->filing->zoning, code));
}

/* Cells with enough strokes leave, the others stay: takes them out of, or leaves them in, stats. */
static void emit(const struct idem_leak_world *w, float *stats, bool keep_small)
{
    for (uint32_t c = 0; c < w->front->cells; c++) {
        float *sums = stats + w->front->cells + (size_t)c * IDEM_CONTRASTS;
        if ((stats[c] < (float)w->defence.carry) == keep_small)
            continue;
        stats[c] = 0;
        memset(sums, 0, IDEM_CONTRASTS * sizeof *sums);
    }
}

/* What the windows before have left over. */
static void file_history(struct filer *f, const struct idem_leak_person *p, uint32_t first,
                         uint32_t keys)
{
    uint32_t windows = first / keys < IDEM_LEAK_HISTORY ? first / keys : IDEM_LEAK_HISTORY;
    for (uint32_t i = windows; i > 0 && f->w->defence.carry; i--) {
        file_natural(f, p, first - i * keys, keys);
        emit(f->w, f->stats, true);
    }
}

static void leave(struct filer *f)
{
    const size_t len = idem_leak_len(f->w);
    if (f->w->defence.carry)
        emit(f->w, f->stats, false);
    for (size_t i = 0; i < len; i++)
        f->stats[i] = rintf(f->stats[i] * IDEM_GRID) / IDEM_GRID;
}

void idem_leak_window(const struct idem_leak_world *world, uint32_t person, uint32_t first,
                      uint32_t keys, struct idem_rng *rng, float *stats)
{
    struct filer f = {world, rng, stats};
    memset(stats, 0, idem_leak_len(world) * sizeof *stats);
    file_history(&f, &world->people[person], first, keys);
    file_natural(&f, &world->people[person], first, keys);
    leave(&f);
}

static void file_word(struct filer *f, const struct idem_leak_person *p,
                      const struct idem_leak_word *word, uint32_t next)
{
    const uint32_t space = idem_leak_code(IDEM_LEAK_SPACE);
    uint32_t before = space;
    for (uint32_t i = 0; i < word->len; i++) {
        uint32_t code = idem_leak_code(idem_leak_symbol_of(word->text[i]));
        file_stroke(f, p, before, code);
        before = code;
    }
    file_stroke(f, p, before, space);
    if (next < IDEM_KEYS)
        file_drawn_flight(f, p, space, next);
}

/* Where in the natural text [first, first + rest) the word can stand: after one of its spaces. */
static bool place(const struct idem_leak_person *p, uint32_t first, uint32_t rest,
                  const struct idem_leak_word *word, bool straddle, struct idem_rng *rng,
                  uint32_t *at)
{
    const uint8_t space = idem_leak_code(IDEM_LEAK_SPACE);
    const uint32_t middle = (rest + word->len + 1) / 2;
    uint32_t spaces = 0;
    for (uint32_t i = 0; i < rest; i++) {
        bool over = i + 1 < middle && i + 1 + word->len > middle;
        if (p->strokes[first + i].code == space && (over || !straddle) &&
            idem_rng_below(rng, ++spaces) == 0)
            *at = i + 1;
    }
    return spaces > 0;
}

/* A window of natural text [first, first + rest) with the word behind its stroke at - 1. */
static void file_planted(struct filer *f, const struct idem_leak_person *p, uint32_t first,
                         uint32_t rest, uint32_t at, const struct idem_leak_word *word)
{
    memset(f->stats, 0, idem_leak_len(f->w) * sizeof *f->stats);
    file_history(f, p, first, rest + word->len + 1);
    file_natural(f, p, first, at);
    file_word(f, p, word, at < rest ? p->strokes[first + at].code : IDEM_KEYS);
    if (at < rest) { /* the flight into the next stroke has been drawn */
        struct idem_leak_person tail = {.strokes = p->strokes + first + at};
        file_natural(f, &tail, 0, rest - at);
    }
    leave(f);
}

int idem_leak_planted(const struct idem_leak_world *world, uint32_t person,
                      const struct idem_leak_word *word, uint32_t keys, bool straddle,
                      struct idem_rng *rng, float *stats)
{
    const struct idem_leak_person *p = &world->people[person];
    const uint32_t rest = keys > word->len + 1u ? keys - word->len - 1 : 0;
    struct filer f = {world, rng, stats};
    uint32_t first = 0, at = 0;
    bool found = false;
    if (rest == 0 || p->count <= keys)
        return IDEM_ERR_TOO_LITTLE;
    for (int i = 0; i < TRIES && !found; i++) {
        first = idem_rng_below(rng, p->count - rest);
        found = place(p, first, rest, word, straddle, rng, &at);
    }
    if (!found)
        return IDEM_ERR_TOO_LITTLE;
    file_planted(&f, p, first, rest, at, word);
    return 0;
}

int idem_leak_planted_last(const struct idem_leak_world *world, uint32_t person,
                           const struct idem_leak_word *word, uint32_t keys, struct idem_rng *rng,
                           float *stats)
{
    const struct idem_leak_person *p = &world->people[person];
    const uint32_t rest = keys > word->len + 1u ? keys - word->len - 1 : 0;
    struct filer f = {world, rng, stats};
    const uint8_t space = idem_leak_code(IDEM_LEAK_SPACE);
    uint32_t first = 0;
    bool found = false;
    if (rest == 0 || p->count <= keys)
        return IDEM_ERR_TOO_LITTLE;
    for (int i = 0; i < TRIES && !found; i++) {
        first = idem_rng_below(rng, p->count - rest);
        found = p->strokes[first + rest - 1].code == space;
    }
    if (!found)
        return IDEM_ERR_TOO_LITTLE;
    file_planted(&f, p, first, rest, rest, word);
    return 0;
}
