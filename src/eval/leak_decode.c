/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_decode.c - see leak_decode.h.
 *
 * Counts are kept for the window's occupied cells only. A step extends every hypothesis by every
 * symbol that fits, keeps the best, and forgets the rest; when no symbol fits any, the search ends
 * with what it has.
 */
#include "eval/leak_decode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { S = IDEM_LEAK_SYMBOLS, CELLS = 1024, NOBODY = -1 };

#define FREE_TOLL 3.0f

struct hypothesis {
    float score, letters; /* letters: log-likelihood of the word under way */
    uint32_t context;
    uint16_t free_holds, free_flights;
    uint8_t word_len;
    char word[IDEM_LEAK_WORD_MAX + 1];
    uint8_t last;
};

struct candidate {
    float score;
    uint16_t parent;
    uint8_t symbol;
};

struct search {
    const struct idem_leak_world *w;
    const struct idem_leak_text *text;
    const struct idem_leak_decode_options *o;
    uint32_t keys, cells, live;
    int16_t place[IDEM_SLOTS_MAX]; /* of a slot among the occupied cells, -1 */
    int16_t hold[S], flight[S][S];
    bool hold_is_cell[S], flight_is_cell[S][S];
    struct hypothesis now[IDEM_LEAK_BEAM], next[IDEM_LEAK_BEAM];
    uint8_t *left, *left_next; /* [beam][cells] */
    uint8_t *path, *path_next; /* [beam][keys] */
    struct candidate best[IDEM_LEAK_BEAM * S];
};

static uint32_t flights_from(const struct idem_leak_world *w)
{
    const uint32_t zones = w->filing->zoning.flights;
    return w->filing->flight[IDEM_FLIGHT_DD] && w->filing->flight[IDEM_FLIGHT_UD] ? zones * zones
                                                                                  : 0;
}

/* Occupied cells are numbered; every symbol and pair of symbols learns where it is filed. */
static void number_cells(struct search *s, const float *counts, uint8_t *start)
{
    const struct idem_zoning *z = &s->w->filing->zoning;
    memset(s->place, -1, sizeof s->place);
    for (uint32_t c = 0; c < s->w->front->cells; c++)
        if (counts[c] > 0.5f && s->cells < CELLS) {
            s->place[s->w->front->slot[c]] = (int16_t)s->cells;
            start[s->cells++] = (uint8_t)(counts[c] < 255 ? counts[c] + 0.5f : 255);
        }
    for (uint32_t a = 0; a < S; a++) {
        uint32_t slot = idem_slot_hold(z, idem_leak_code((uint8_t)a));
        s->hold[a] = s->place[slot];
        s->hold_is_cell[a] = s->w->front->cell_of_slot[slot] >= 0;
        for (uint32_t b = 0; b < S; b++) {
            slot = idem_slot_flight(z, idem_leak_code((uint8_t)a), idem_leak_code((uint8_t)b)) +
                   flights_from(s->w);
            s->flight[a][b] = s->place[slot];
            s->flight_is_cell[a][b] = s->w->front->cell_of_slot[slot] >= 0;
        }
    }
}

/* Measurements that the window lacks. */
static void count_free(const struct search *s, const float *counts, struct hypothesis *h)
{
    const struct idem_zoning *z = &s->w->filing->zoning;
    const uint32_t from = z->holds + flights_from(s->w);
    const uint32_t end = from + (uint32_t)z->flights * z->flights;
    double holds = 0, flights = 0;
    for (uint32_t c = 0; c < s->w->front->cells; c++) {
        uint32_t slot = s->w->front->slot[c];
        holds += slot < z->holds ? (double)counts[c] : 0;
        flights += slot >= from && slot < end ? (double)counts[c] : 0;
    }
    h->free_holds = (uint16_t)(holds < s->keys ? s->keys - holds : 0);
    h->free_flights = (uint16_t)(flights < s->keys ? s->keys - flights : 0);
}

/* Every symbol may have come before the window's first. */
static void begin(struct search *s, const float *counts)
{
    uint8_t start[CELLS];
    struct hypothesis first = {.score = 0};
    number_cells(s, counts, start);
    count_free(s, counts, &first);
    for (uint32_t a = 0; a < S && s->live < s->o->beam; a++) {
        bool known = s->o->context != UINT32_MAX;
        first.last = (uint8_t)(known ? s->o->context % S : a);
        first.context = known ? s->o->context : IDEM_LEAK_SPACE * (S * S + S) + a;
        s->now[s->live] = first;
        memcpy(s->left + (size_t)s->live++ * CELLS, start, s->cells);
        if (known)
            break;
    }
}

static bool fits(const struct search *s, uint32_t i, uint32_t symbol)
{
    const struct hypothesis *h = &s->now[i];
    const uint8_t *left = s->left + (size_t)i * CELLS;
    int hold = s->hold[symbol], flight = s->flight[h->last][symbol];
    bool has_hold = hold >= 0 && left[hold] > 0, has_flight = flight >= 0 && left[flight] > 0;
    return (has_hold || (h->free_holds > 0 && !s->hold_is_cell[symbol])) &&
           (has_flight || h->free_flights > 0);
}

static void take(struct search *s, uint8_t *left, struct hypothesis *h, uint32_t symbol)
{
    int hold = s->hold[symbol], flight = s->flight[h->last][symbol];
    if (hold >= 0 && left[hold] > 0)
        left[hold]--;
    else
        h->free_holds--;
    if (flight >= 0 && left[flight] > 0)
        left[flight]--;
    else
        h->free_flights--;
}

static float log_next(const struct search *s, const struct hypothesis *h, uint32_t symbol,
                      uint32_t at)
{
    if (at >= s->o->blind_first && at < s->o->blind_end)
        return symbol < 26 || (symbol >= IDEM_LEAK_DIGIT && symbol < IDEM_LEAK_OTHER)
                   ? -(float)log(36)
                   : -50;
    return s->text->log_next[(size_t)h->context * S + symbol];
}

/* The word that ends here counts by its own frequency when that is higher. */
static void follow_word(const struct search *s, struct hypothesis *h, uint32_t symbol, float step)
{
    if (symbol < 26) {
        if (h->word_len < IDEM_LEAK_WORD_MAX)
            h->word[h->word_len] = (char)('a' + symbol);
        if (h->word_len <= IDEM_LEAK_WORD_MAX)
            h->word_len++;
        h->letters += step;
        return;
    }
    if (h->word_len >= IDEM_LEAK_WORD_MIN && h->word_len <= IDEM_LEAK_WORD_MAX) {
        h->word[h->word_len] = 0;
        const struct idem_leak_word *known = idem_leak_text_find(s->text, h->word);
        float own = known ? (float)log((double)known->typed / (double)s->text->total) : -100;
        h->score += own > h->letters ? own - h->letters : 0;
    }
    h->word_len = 0;
    h->letters = 0;
}

static int by_score(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->parent != y->parent ? (int)x->parent - (int)y->parent
                                  : (int)x->symbol - (int)y->symbol;
}

/*
 * Every text of full length takes as many free flights: a toll on each changes no order among them
 * and lets those live longer that follow the flights that are known.
 */
static float toll(const struct search *s, uint32_t i, uint32_t symbol)
{
    int flight = s->flight[s->now[i].last][symbol];
    return flight >= 0 && s->left[(size_t)i * CELLS + (size_t)flight] > 0 ? 0 : FREE_TOLL;
}

static uint32_t extend(struct search *s, uint32_t at)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->live; i++)
        for (uint32_t b = 0; b < S; b++)
            if (fits(s, i, b))
                s->best[count++] = (struct candidate){
                    s->now[i].score + log_next(s, &s->now[i], b, at) - toll(s, i, b), (uint16_t)i,
                    (uint8_t)b};
    qsort(s->best, count, sizeof *s->best, by_score);
    return count < s->o->beam ? count : s->o->beam;
}

static void step(struct search *s, uint32_t count, uint32_t at)
{
    for (uint32_t k = 0; k < count; k++) {
        const struct candidate *c = &s->best[k];
        struct hypothesis h = s->now[c->parent];
        memcpy(s->left_next + (size_t)k * CELLS, s->left + (size_t)c->parent * CELLS, s->cells);
        memcpy(s->path_next + (size_t)k * s->keys, s->path + (size_t)c->parent * s->keys, at);
        s->path_next[(size_t)k * s->keys + at] = c->symbol;
        take(s, s->left_next + (size_t)k * CELLS, &h, c->symbol);
        float gained = c->score - h.score;
        h.score = c->score;
        follow_word(s, &h, c->symbol, gained);
        h.context = idem_leak_context(h.context, c->symbol);
        h.last = c->symbol;
        s->next[k] = h;
    }
    memcpy(s->now, s->next, count * sizeof *s->now);
    uint8_t *left = s->left, *path = s->path;
    s->left = s->left_next;
    s->left_next = left;
    s->path = s->path_next;
    s->path_next = path;
    s->live = count;
}

static uint32_t run(struct search *s, const float *counts, uint8_t *symbols)
{
    uint32_t at = 0, best = 0;
    begin(s, counts);
    for (; at < s->keys; at++) {
        uint32_t count = extend(s, at);
        if (count == 0)
            break;
        step(s, count, at);
    }
    for (uint32_t i = 1; i < s->live; i++)
        if (s->now[i].score > s->now[best].score)
            best = i;
    memcpy(symbols, s->path + (size_t)best * s->keys, at);
    return at;
}

int idem_leak_decode(const struct idem_leak_world *world, const struct idem_leak_text *text,
                     const float *counts, uint32_t keys,
                     const struct idem_leak_decode_options *options, uint8_t *symbols,
                     uint32_t *found)
{
    struct search *s = calloc(1, sizeof *s);
    int r = IDEM_ERR_INVALID;
    if (s && options->beam >= 1 && options->beam <= IDEM_LEAK_BEAM) {
        s->w = world;
        s->text = text;
        s->o = options;
        s->keys = keys;
        s->left = calloc(IDEM_LEAK_BEAM, CELLS);
        s->left_next = calloc(IDEM_LEAK_BEAM, CELLS);
        s->path = calloc(IDEM_LEAK_BEAM, keys);
        s->path_next = calloc(IDEM_LEAK_BEAM, keys);
        r = s->left && s->left_next && s->path && s->path_next ? 0 : IDEM_ERR_NOMEM;
    }
    if (r == 0)
        *found = run(s, counts, symbols);
    if (s) {
        free(s->left);
        free(s->left_next);
        free(s->path);
        free(s->path_next);
    }
    free(s);
    return s ? r : IDEM_ERR_NOMEM;
}

bool idem_leak_reads(const uint8_t *symbols, uint32_t count, const struct idem_leak_word *word,
                     bool whole)
{
    for (uint32_t i = 0; i + word->len <= count; i++) {
        uint32_t k = 0, end = i + word->len;
        while (k < word->len && symbols[i + k] == idem_leak_symbol_of(word->text[k]))
            k++;
        bool bounded = (i == 0 || symbols[i - 1] >= 26) && (end == count || symbols[end] >= 26);
        if (k == word->len && (bounded || !whole))
            return true;
    }
    return false;
}
