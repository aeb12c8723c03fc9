/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payloads.c - see payloads.h.
 */
#include "input/payloads.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/builder.h"

enum column { CORPUS, PAYLOAD, STEP, KIND, VALUE, COLUMNS };

static const char *const column_names[COLUMNS] = {"corpus", "payload", "step", "kind", "value"};

static const struct {
    const char *name;
    uint32_t min, max; /* of the value */
} kinds[] = {
    [IDEM_STEP_PLAIN] = {"plain", 1, IDEM_PAYLOAD_SAME},
    [IDEM_STEP_SHIFTED] = {"shifted", 1, IDEM_PAYLOAD_SAME},
    [IDEM_STEP_ENTER] = {"enter", 1, IDEM_PAYLOAD_SAME},
    [IDEM_STEP_COMBO] = {"combo", 1, IDEM_PAYLOAD_COMBO},
    [IDEM_STEP_DELAY] = {"delay", 0, IDEM_PAYLOAD_DELAY_MS},
    [IDEM_STEP_JITTER] = {"jitter", 0, 1},
};

struct reader {
    struct idem_csv *csv;
    struct idem_payloads p;
    uint32_t list_room, step_room;
    int column[COLUMNS];
    const struct idem_field *row;
    struct idem_fault *fault;
};

static struct idem_field field(const struct reader *r, enum column c)
{
    return r->row[r->column[c]];
}

/* A whole number in [min, max]; anything else is a bad row. */
static int number(struct reader *r, enum column c, uint32_t min, uint32_t max, uint32_t *out)
{
    double value;
    struct idem_field f = field(r, c);
    if (!idem_field_number(f, &value) || floor(value) < value || value < min || value > max)
        return idem_csv_blame(r->csv, r->fault, "%s is not a whole number from %u to %u: \"%.*s\"",
                              column_names[c], min, max, f.len > 40 ? 40 : (int)f.len, f.at);
    *out = (uint32_t)value;
    return 0;
}

static int step(struct reader *r, struct idem_payload_step *out)
{
    struct idem_field f = field(r, KIND);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (idem_field_is(f, kinds[k].name)) {
            out->kind = (uint8_t)k;
            return number(r, VALUE, kinds[k].min, kinds[k].max, &out->value);
        }
    return idem_csv_blame(r->csv, r->fault,
                          "kind is none of plain, shifted, enter, combo, delay, jitter: \"%.*s\"",
                          f.len > 40 ? 40 : (int)f.len, f.at);
}

/* corpus/payload into `to`, which holds 2 * IDEM_PAYLOAD_NAME + 2 bytes. */
static int name(struct reader *r, char *to, size_t cap)
{
    struct idem_field corpus = field(r, CORPUS), payload = field(r, PAYLOAD);
    if (corpus.len < 1 || corpus.len > IDEM_PAYLOAD_NAME || payload.len < 1 ||
        payload.len > IDEM_PAYLOAD_NAME)
        return idem_csv_blame(r->csv, r->fault, "corpus or payload is empty or over %d bytes",
                              IDEM_PAYLOAD_NAME);
    snprintf(to, cap, "%.*s/%.*s", (int)corpus.len, corpus.at, (int)payload.len, payload.at);
    return 0;
}

static int begin(struct reader *r, const char *text)
{
    int err = idem_builder_grow(&r->p.list, r->p.count, &r->list_room, sizeof *r->p.list,
                                IDEM_PAYLOAD_COUNT);
    if (err < 0)
        return err;
    struct idem_payload *p = &r->p.list[r->p.count++];
    *p = (struct idem_payload){.first = r->p.step_count};
    snprintf(p->name, sizeof p->name, "%s", text);
    return 0;
}

static uint32_t key_downs(const struct idem_payload_step *s)
{
    switch (s->kind) {
    case IDEM_STEP_PLAIN:
    case IDEM_STEP_ENTER:
        return s->value;
    case IDEM_STEP_SHIFTED:
        return 2 * s->value;
    case IDEM_STEP_COMBO:
        return s->value;
    default:
        return 0;
    }
}

static int add_row(struct reader *r)
{
    char text[sizeof r->p.list->name];
    struct idem_payload_step s = {0};
    uint32_t at = 0;
    int err;
    if ((err = name(r, text, sizeof text)) < 0 || (err = step(r, &s)) < 0 ||
        (err = number(r, STEP, 0, IDEM_PAYLOAD_STEPS, &at)) < 0)
        return err;
    struct idem_payload *last = r->p.count ? &r->p.list[r->p.count - 1] : NULL;
    bool fresh = last == NULL || at == 0 || strcmp(last->name, text) != 0;
    uint32_t due = fresh ? 0 : last->count;
    if (at != due)
        return idem_csv_blame(r->csv, r->fault, "step %u of %.90s is missing", due, text);
    if ((fresh && (err = begin(r, text)) < 0) ||
        (err = idem_builder_grow(&r->p.steps, r->p.step_count, &r->step_room, sizeof *r->p.steps,
                                 IDEM_PAYLOAD_STEPS)) < 0)
        return err;
    last = &r->p.list[r->p.count - 1];
    last->count++;
    last->key_downs += key_downs(&s);
    r->p.steps[r->p.step_count++] = s;
    return 0;
}

static int explain(struct reader *r, int err)
{
    if (err == IDEM_ERR_NOMEM || err == IDEM_ERR_LIMIT)
        idem_csv_blame(r->csv, r->fault, "%s",
                       err == IDEM_ERR_NOMEM ? "out of memory"
                                             : "more rows, payloads or bytes in a line than this "
                                               "reader accepts");
    return err;
}

static int read_rows(struct reader *r)
{
    for (int c = 0; c < COLUMNS; c++)
        if ((r->column[c] = idem_csv_column(r->csv, column_names[c])) < 0)
            return idem_csv_blame(r->csv, r->fault, "no column `%s`", column_names[c]);
    for (;;) {
        int err = idem_csv_row(r->csv, &r->row, r->fault);
        if (err > 0)
            err = add_row(r);
        else if (err == 0)
            return r->p.count ? 0 : idem_csv_blame(r->csv, r->fault, "no rows");
        if (err < 0)
            return explain(r, err);
    }
}

/* Takes the file over and closes it. */
static int read_all(struct idem_csv *csv, struct idem_payloads *out, struct idem_fault *fault)
{
    struct reader r = {.csv = csv, .fault = fault, .p = {.bytes = idem_csv_size(csv)}};
    int err = read_rows(&r);
    idem_csv_close(csv);
    if (err < 0)
        idem_payloads_free(&r.p);
    else
        *out = r.p;
    return err;
}

int idem_payloads_read(const char *path, struct idem_payloads *out, struct idem_fault *fault)
{
    struct idem_csv *csv;
    int err = idem_csv_open(path, &csv, fault);
    return err < 0 ? err : read_all(csv, out, fault);
}

int idem_payloads_read_bytes(const char *file, const void *bytes, size_t len,
                             struct idem_payloads *out, struct idem_fault *fault)
{
    struct idem_csv *csv;
    int err = idem_csv_open_bytes(file, bytes, len, &csv, fault);
    return err < 0 ? err : read_all(csv, out, fault);
}

void idem_payloads_free(struct idem_payloads *payloads)
{
    free(payloads->list);
    free(payloads->steps);
    memset(payloads, 0, sizeof *payloads);
}
