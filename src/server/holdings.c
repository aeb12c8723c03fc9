/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdings.c - see holdings.h. Sums are given as means, each cell with what it is about; what is
 * sealed in a table stands opened above, the rest of the table's row as it is; of what guards
 * something (hashes of tokens, passwords) the fact that it is there.
 */
#include "server/holdings.h"

#include "model/profile.h"
#include "store/rows.h"
#include "window/words.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

struct holdings {
    struct idem_worker *w;
    const struct idem_person *person;
    struct idem_text *t;
    const struct idem_front *front;
    char table[64]; /* whose rows are being written */
    bool cut;       /* some are left out for want of room */
};

/* A comma, unless it is the first of its list or object. */
static void next(struct idem_text *t)
{
    const char last = t->len > 0 ? t->bytes[t->len - 1] : '[';
    if (last != '[' && last != '{')
        idem_text_put(t, ",");
}

static void member(struct idem_text *t, const char *name)
{
    next(t);
    idem_text_string(t, name);
    idem_text_put(t, ":");
}

static void member_text(struct idem_text *t, const char *name, const char *text)
{
    member(t, name);
    if (text != NULL)
        idem_text_string(t, text);
    else
        idem_text_put(t, "null");
}

static void member_number(struct idem_text *t, const char *name, double value)
{
    member(t, name);
    idem_text_number(t, value);
}

static void member_time(struct idem_text *t, const char *name, int64_t ms)
{
    member(t, name);
    idem_text_time(t, ms);
}

static bool has_room(struct holdings *h, size_t need)
{
    if (h->t->cap - h->t->len < need)
        h->cut = true;
    return !h->cut;
}

/* ------------------------------------------------------------------ sums */

static void tell_what(const struct idem_front *front, enum idem_modality m, uint32_t cell,
                      double slow, struct idem_text *t)
{
    char what[IDEM_CELL_WORDS_MAX];
    const bool hold = idem_cell_words(front, m, cell, what) == IDEM_CELL_HOLD;

    member_text(t, "what", what);
    if (m != IDEM_KEYBOARD)
        return;
    member_text(t, "kind", hold ? "how long a key is held" : "how fast the next key follows");
    member_number(t, "typical_ms",
                  idem_histogram_ms(front->edges + (size_t)cell * IDEM_EDGES, slow));
}

static void tell_cell(const struct holdings *h, enum idem_modality m, struct idem_shape shape,
                      const float *stats, uint32_t cell)
{
    struct idem_text *t = h->t;
    const uint32_t width = 2 * shape.channels;
    const double n = (double)stats[cell];
    const float *sums = stats + shape.cells + (size_t)cell * width;

    next(t);
    idem_text_put(t, "{");
    tell_what(h->front, m, cell, (double)sums[0] / n, t);
    member_number(t, "times", n);
    member(t, "means");
    idem_text_put(t, "[");
    for (uint32_t k = 0; k < width; k++) {
        next(t);
        idem_text_number(t, (double)sums[k] / n);
    }
    idem_text_put(t, "]}");
}

static void tell_stats(const struct holdings *h, const char *name, enum idem_modality m,
                       const float *stats)
{
    const struct idem_shape shape = idem_front_shape(h->front, m);

    member(h->t, name);
    idem_text_put(h->t, "[");
    for (uint32_t cell = 0; cell < shape.cells; cell++)
        if (stats[cell] > 0)
            tell_cell(h, m, shape, stats, cell);
    idem_text_put(h->t, "]");
}

/* ------------------------------------------------------------------ profiles and imprints */

static void tell_template(const struct holdings *h, uint8_t device_class, enum idem_modality m)
{
    const struct idem_template *p = &h->person->templates[device_class][m];
    struct idem_text *t = h->t;

    if (p->profile == NULL)
        return;
    next(t);
    idem_text_put(t, "{");
    member_text(t, "modality", idem_modality_name(m));
    member_text(t, "device_class", idem_device_class_name(device_class));
    member(t, "enrolled");
    idem_text_put(t, p->enrolled ? "true" : "false");
    member_number(t, "strokes", (double)p->profile->strokes);
    member_number(t, "sessions_enrolled_from", p->sessions);
    member_time(t, "learned", p->learned_ms - p->learned_ms % (3600 * 1000));
    member_time(t, "newest_day", p->day * 24 * 3600 * 1000);
    member_number(t, "strokes_learned_on_newest_day", p->day_strokes);
    tell_stats(h, "cells", m, p->profile->stats);
    if (p->anchor != NULL)
        tell_stats(h, "cells_when_enrolled", m, p->anchor->stats);
    idem_text_put(t, "}");
}

static void tell_profiles(const struct holdings *h)
{
    member(h->t, "habits");
    idem_text_put(h->t, "[");
    for (uint8_t c = 0; c < IDEM_DEVICE_CLASSES; c++)
        for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++)
            tell_template(h, c, m);
    idem_text_put(h->t, "]");
    member(h->t, "windows_known_again");
    idem_text_put(h->t, "{");
    for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++)
        member_number(h->t, idem_modality_name(m), h->person->sketches[m].count);
    idem_text_put(h->t, "}");
}

/* ------------------------------------------------------------------ rows */

/* Opened above, or worth nothing but to who would break in. */
static bool is_hidden(const char *column)
{
    static const char *const hidden[] = {"bytes",       "anchor",      "sealed",     "password",
                                         "totp",        "login_key",   "token_hash", "nonce",
                                         "cookie_hash", "client_hash", "cookie",     "client"};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (strcmp(column, hidden[i]) == 0)
            return true;
    return false;
}

static bool is_time(const char *column)
{
    const size_t len = strlen(column);
    return len > 3 && strcmp(column + len - 3, "_ms") == 0;
}

static void put_blob(struct idem_text *t, const struct idem_rows_cell *cell)
{
    char text[3 + 2 * 64];

    if (cell->len > 64) {
        idem_text_fmt(t, "\"%zu bytes\"", cell->len);
        return;
    }
    sodium_bin2hex(text, sizeof text, cell->blob, cell->len);
    idem_text_string(t, text);
}

static void put_cell(struct idem_text *t, const struct idem_rows_cell *cell)
{
    member(t, cell->column);
    if (cell->type == IDEM_ROWS_NULL)
        idem_text_put(t, "null");
    else if (is_hidden(cell->column))
        idem_text_put(t, "\"(held)\"");
    else if (cell->type == IDEM_ROWS_TEXT)
        idem_text_string(t, cell->text);
    else if (cell->type == IDEM_ROWS_BLOB)
        put_blob(t, cell);
    else if (is_time(cell->column))
        idem_text_time(t, (int64_t)cell->number);
    else
        idem_text_number(t, cell->number);
}

static int tell_row(void *arg, const char *table, const struct idem_rows_cell *cells, int count)
{
    struct holdings *h = arg;
    struct idem_text *t = h->t;

    if (!has_room(h, IDEM_HOLDINGS_ROOM))
        return IDEM_OK;
    if (strcmp(table, h->table) != 0) {
        if (h->table[0] != '\0')
            idem_text_put(t, "]");
        snprintf(h->table, sizeof h->table, "%s", table);
        member(t, table);
        idem_text_put(t, "[");
    }
    next(t);
    idem_text_put(t, "{");
    for (int i = 0; i < count; i++)
        put_cell(t, &cells[i]);
    idem_text_put(t, "}");
    return IDEM_OK;
}

static int tell_rows(struct holdings *h)
{
    member(h->t, "rows");
    idem_text_put(h->t, "{");
    int err =
        idem_rows_read(h->w->parts.store, h->person->organisation, h->person->id, tell_row, h);
    idem_text_put(h->t, h->table[0] != '\0' ? "]}" : "}");
    return err;
}

/* ------------------------------------------------------------------ all of it */

int idem_holdings_put(struct idem_worker *w, const struct idem_person *person, bool named,
                      struct idem_text *t, bool *more)
{
    struct holdings h = {.w = w, .t = t, .front = w->benches[0].judge.front, .person = person};
    char name[IDEM_STORE_NAME_MAX + 1];
    int err = IDEM_ERR_NOT_FOUND;

    if (named)
        err = idem_people_name(w->parts.people, person->organisation, person->id, name);
    if (err != 0 && err != IDEM_ERR_NOT_FOUND)
        return err;
    member_text(t, "name", err == 0 ? name : NULL);
    sodium_memzero(name, sizeof name);
    tell_profiles(&h);
    err = tell_rows(&h);
    *more = h.cut;
    return err;
}
