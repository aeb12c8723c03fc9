/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_text.c - see leak_text.h. The model is a chain of interpolated counts, each order smoothed
 * by the one below it: p_k = (count + K p_(k-1)) / (total + K).
 */
#include "eval/leak_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/keynames.h"

enum { S = IDEM_LEAK_SYMBOLS, SHIFT = 27, DIGIT = IDEM_LEAK_DIGIT };
#define SMOOTHING 2.0

static uint8_t named(const char *name)
{
    return idem_keyname_code((struct idem_field){name, (uint32_t)strlen(name)});
}

uint8_t idem_leak_code(uint8_t symbol)
{
    static const char *const names[] = {"space", "shift", "backspace", ".", ","};
    const char one[2] = {(char)(symbol < 26 ? 'a' + symbol : '0' + symbol - DIGIT), 0};
    if (symbol >= IDEM_LEAK_OTHER)
        return 255;
    if (symbol >= IDEM_LEAK_SPACE && symbol < DIGIT)
        return named(names[symbol - IDEM_LEAK_SPACE]);
    return named(one);
}

uint8_t idem_leak_symbol(uint8_t code)
{
    for (uint8_t s = 0; s < IDEM_LEAK_OTHER; s++)
        if (idem_leak_code(s) == code)
            return s;
    return code == 54 ? SHIFT : IDEM_LEAK_OTHER; /* the right one */
}

/* The symbols of all codes, computed once a call of those who need many. */
static void symbols_of_codes(uint8_t table[256])
{
    for (int code = 0; code < 256; code++)
        table[code] = idem_leak_symbol((uint8_t)code);
}

/* ------------------------------------------------------------------ words */

enum kind { LETTER, BETWEEN, PASSED, SPOILS };

struct letters {
    uint8_t kind[256];
    char letter[256];
};

static void letters_init(struct letters *l)
{
    static const char *const between[] = {"space", "enter", ".", ",", "/"};
    memset(l->kind, SPOILS, sizeof l->kind);
    for (uint8_t s = 0; s < 26; s++) {
        l->kind[idem_leak_code(s)] = LETTER;
        l->letter[idem_leak_code(s)] = (char)('a' + s);
    }
    for (size_t i = 0; i < sizeof between / sizeof *between; i++)
        l->kind[named(between[i])] = BETWEEN;
    l->kind[named("shift")] = l->kind[54] = PASSED;
}

static bool next_word(const struct letters *l, const struct idem_stroke *strokes, uint32_t count,
                      bool open, uint32_t *at, struct idem_leak_span *out)
{
    struct idem_leak_span w = {.first = *at};
    bool good = true;
    for (uint32_t i = *at; i <= count; i++) {
        enum kind kind = i < count ? l->kind[strokes[i].code] : open ? BETWEEN : SPOILS;
        if (kind == LETTER && w.word.len < IDEM_LEAK_WORD_MAX) {
            if (w.word.len == 0)
                w.first = i;
            w.word.text[w.word.len++] = l->letter[strokes[i].code];
        } else if (kind == BETWEEN) {
            if (good && w.word.len >= IDEM_LEAK_WORD_MIN) {
                w.end = i;
                *at = i;
                *out = w;
                return true;
            }
            w = (struct idem_leak_span){.first = i + 1};
            good = true;
        } else if (kind != PASSED) {
            good = false;
        }
    }
    *at = count;
    return false;
}

bool idem_leak_next_word(const struct idem_stroke *strokes, uint32_t count, bool open, uint32_t *at,
                         struct idem_leak_span *out)
{
    static _Thread_local struct letters letters;
    if (letters.kind[0] == 0)
        letters_init(&letters);
    return next_word(&letters, strokes, count, open, at, out);
}

static int by_text(const void *a, const void *b)
{
    const struct idem_leak_word *x = a, *y = b;
    return strcmp(x->text, y->text);
}

static int add_word(struct idem_leak_text *t, const struct idem_leak_word *word, uint32_t typed)
{
    if (t->count == t->room) {
        uint32_t room = t->room ? 2 * t->room : 4096;
        struct idem_leak_word *grown = NULL;
        if (room <= IDEM_LEAK_WORDS_MAX)
            grown = realloc(t->words, room * sizeof *grown);
        if (!grown)
            return room <= IDEM_LEAK_WORDS_MAX ? IDEM_ERR_NOMEM : IDEM_ERR_LIMIT;
        t->words = grown;
        t->room = room;
    }
    t->words[t->count] = *word;
    t->words[t->count++].typed = typed;
    return 0;
}

/* Sorts and puts equal words together. */
static void merge_words(struct idem_leak_text *t)
{
    uint32_t kept = 0;
    qsort(t->words, t->count, sizeof *t->words, by_text);
    for (uint32_t i = 0; i < t->count; i++) {
        if (kept > 0 && strcmp(t->words[kept - 1].text, t->words[i].text) == 0)
            t->words[kept - 1].typed += t->words[i].typed;
        else
            t->words[kept++] = t->words[i];
    }
    t->count = kept;
}

static int add_words(struct idem_leak_text *t, const struct idem_stroke *strokes, uint32_t count)
{
    struct idem_leak_span span;
    uint32_t at = 0;
    int r = 0;
    while (r == 0 && idem_leak_next_word(strokes, count, true, &at, &span)) {
        r = add_word(t, &span.word, 1);
        t->total++;
        if (t->count > IDEM_LEAK_WORDS_MAX / 4)
            merge_words(t);
    }
    return r;
}

const struct idem_leak_word *idem_leak_text_find(const struct idem_leak_text *t, const char *word)
{
    struct idem_leak_word key = {.len = 0};
    if (strlen(word) > IDEM_LEAK_WORD_MAX)
        return NULL;
    memcpy(key.text, word, strlen(word) + 1);
    return t->count ? bsearch(&key, t->words, t->count, sizeof key, by_text) : NULL;
}

/* A line's word; false when it is none. */
static bool line_word(char *line, struct idem_leak_word *out)
{
    size_t len = strcspn(line, "\r\n");
    memset(out, 0, sizeof *out);
    if (len < IDEM_LEAK_WORD_MIN || len > IDEM_LEAK_WORD_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = line[i] >= 'A' && line[i] <= 'Z' ? (char)(line[i] + 32) : line[i];
        if (c < 'a' || c > 'z')
            return false;
        out->text[i] = c;
    }
    out->len = (uint8_t)len;
    return true;
}

int idem_leak_text_read(struct idem_leak_text *t, const char *path)
{
    struct idem_leak_text given = {.log_next = t->log_next, .total = t->total};
    struct idem_leak_word word;
    char line[256];
    int r = 0;
    FILE *f = fopen(path, "r");
    if (!f)
        return IDEM_ERR_IO;
    while (r == 0 && fgets(line, sizeof line, f)) {
        if (!line_word(line, &word))
            continue;
        const struct idem_leak_word *known = idem_leak_text_find(t, word.text);
        r = add_word(&given, &word, known ? known->typed : 1);
    }
    if (ferror(f))
        r = IDEM_ERR_IO;
    fclose(f);
    if (r == 0 && given.count == 0)
        r = IDEM_ERR_TOO_LITTLE;
    if (r < 0) {
        free(given.words);
        return r;
    }
    merge_words(&given);
    free(t->words);
    *t = given;
    return 0;
}

/* ------------------------------------------------------------------ language model */

struct counts {
    uint32_t *order[4]; /* [S], [S S], [S S S], [S S S S] */
};

static int counts_init(struct counts *c)
{
    size_t len = S;
    int r = 0;
    for (int k = 0; k < 4; k++, len *= S)
        if (!(c->order[k] = calloc(len, sizeof *c->order[k])))
            r = IDEM_ERR_NOMEM;
    return r;
}

static void counts_fini(struct counts *c)
{
    for (int k = 0; k < 4; k++)
        free(c->order[k]);
}

static void count_text(struct counts *c, const uint8_t symbol[256],
                       const struct idem_stroke *strokes, uint32_t count)
{
    uint32_t ctx = IDEM_LEAK_SPACE * (S * S + S + 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t s = symbol[strokes[i].code];
        c->order[0][s]++;
        c->order[1][ctx % S * S + s]++;
        c->order[2][ctx % (S * S) * S + s]++;
        c->order[3][ctx * S + s]++;
        ctx = idem_leak_context(ctx, s);
    }
}

/* p[S] of one order in the place of the order's below it. */
static void refine(const uint32_t *row, double p[S])
{
    double total = 0;
    for (int s = 0; s < S; s++)
        total += row[s];
    for (int s = 0; s < S; s++)
        p[s] = (row[s] + SMOOTHING * p[s]) / (total + SMOOTHING);
}

static int make_model(struct idem_leak_text *t, const struct counts *c)
{
    t->log_next = malloc((size_t)IDEM_LEAK_CONTEXT * S * sizeof *t->log_next);
    if (!t->log_next)
        return IDEM_ERR_NOMEM;
    for (uint32_t ctx = 0; ctx < IDEM_LEAK_CONTEXT; ctx++) {
        double p[S];
        for (int s = 0; s < S; s++)
            p[s] = 1.0 / S;
        refine(c->order[0], p);
        refine(c->order[1] + (size_t)(ctx % S) * S, p);
        refine(c->order[2] + (size_t)(ctx % (S * S)) * S, p);
        refine(c->order[3] + (size_t)ctx * S, p);
        for (int s = 0; s < S; s++)
            t->log_next[(size_t)ctx * S + (size_t)s] = (float)log(p[s]);
    }
    return 0;
}

int idem_leak_text_init(struct idem_leak_text *text, struct idem_recording *const *recs, int count)
{
    struct idem_leak_text t = {0};
    struct counts c = {{NULL}};
    uint8_t symbol[256];
    int r = counts_init(&c);
    symbols_of_codes(symbol);
    for (int i = 0; i < count && r == 0; i++)
        for (uint32_t s = 0; s < recs[i]->session_count && r == 0; s++) {
            const struct idem_session *session = &recs[i]->sessions[s];
            count_text(&c, symbol, recs[i]->strokes + session->first, session->count);
            r = add_words(&t, recs[i]->strokes + session->first, session->count);
        }
    if (r == 0 && t.count == 0)
        r = IDEM_ERR_TOO_LITTLE;
    if (r == 0) {
        merge_words(&t);
        r = make_model(&t, &c);
    }
    counts_fini(&c);
    if (r < 0)
        idem_leak_text_fini(&t);
    else
        *text = t;
    return r;
}

void idem_leak_text_fini(struct idem_leak_text *text)
{
    free(text->words);
    free(text->log_next);
    memset(text, 0, sizeof *text);
}
