/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c - fields, ranges and sentences of a window being read; see reader.h. */
#include "wire/reader.h"

#include "window/window.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[IDEM_FIELDS] = {
    [IDEM_FIELD_SEQ] = "seq",
    [IDEM_FIELD_MODALITY] = "modality",
    [IDEM_FIELD_FRONT] = "front",
    [IDEM_FIELD_STROKES] = "strokes",
    [IDEM_FIELD_DURATION] = "duration_ms",
    [IDEM_FIELD_CELLS] = "cells",
};

static const uint32_t max_values[IDEM_FIELDS] = {
    [IDEM_FIELD_SEQ] = IDEM_WIRE_SEQ_MAX,
    [IDEM_FIELD_STROKES] = IDEM_WINDOW_STROKES_MAX,
    [IDEM_FIELD_DURATION] = IDEM_WINDOW_DURATION_MAX_MS,
};

/* The smallest buffer of sums a caller may rely on, whatever the front knows. */
enum { SUMS_MIN = 2 };

int idem_wire_reader_new(const struct idem_front *front, struct idem_wire_reader **out)
{
    struct idem_wire_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return IDEM_ERR_NOMEM;
    r->front = front;
    r->index = r->cell = -1;
    r->sums_max = SUMS_MIN;
    for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++) {
        if (idem_front_cells(front, m) == 0)
            continue;
        if (idem_front_channels(front, m) * 2 > r->sums_max)
            r->sums_max = idem_front_channels(front, m) * 2;
        if (idem_window_new(front, m, &r->windows[m]) != 0)
            goto nomem;
    }
    r->sums = calloc(r->sums_max, sizeof r->sums[0]);
    if (r->sums == NULL)
        goto nomem;
    *out = r;
    return IDEM_OK;
nomem:
    idem_wire_reader_free(r);
    return IDEM_ERR_NOMEM;
}

void idem_wire_reader_free(struct idem_wire_reader *reader)
{
    if (reader == NULL)
        return;
    for (int m = 0; m < IDEM_MODALITIES; m++)
        idem_window_free(reader->windows[m]);
    free(reader->sums);
    free(reader);
}

const char *idem_wire_reader_why(const struct idem_wire_reader *reader)
{
    return reader->why[0] != '\0' ? reader->why : "nothing was wrong";
}

int idem_wire_fail(struct idem_wire_reader *r, int err, const char *fmt, ...)
{
    char what[IDEM_WIRE_WHY_MAX / 2];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    /* A sentence may quote the peer, and may be cut within a character: it stays ASCII. */
    for (char *ch = what; *ch != '\0'; ch++)
        if (*ch < 0x20 || *ch > 0x7e)
            *ch = '?';
    if (r->index < 0)
        snprintf(r->why, sizeof r->why, "%s", what);
    else if (r->cell < 0)
        snprintf(r->why, sizeof r->why, "windows[%d]: %s", r->index, what);
    else
        snprintf(r->why, sizeof r->why, "windows[%d].cells[%d]: %s", r->index, r->cell, what);
    return err;
}

int idem_wire_field_find(struct idem_wire_reader *r, struct idem_wire_head *head, const char *name,
                         size_t len, enum idem_wire_field *out)
{
    for (enum idem_wire_field f = 0; f < IDEM_FIELDS; f++) {
        if (strlen(names[f]) != len || memcmp(names[f], name, len) != 0)
            continue;
        if (head->have & (1u << f))
            return idem_wire_fail(r, IDEM_ERR_INVALID, "\"%s\" is given twice", names[f]);
        head->have |= 1u << f;
        *out = f;
        return IDEM_OK;
    }
    return idem_wire_fail(r, IDEM_ERR_INVALID, "a window has no such field");
}

int idem_wire_head_int(struct idem_wire_reader *r, struct idem_wire_head *head,
                       enum idem_wire_field field, int64_t value)
{
    int64_t min = field == IDEM_FIELD_DURATION ? 0 : 1;

    if (value < min || value > max_values[field])
        return idem_wire_fail(r, IDEM_ERR_INVALID, "\"%s\" must lie in %d..%u", names[field],
                              (int)min, max_values[field]);
    if (field == IDEM_FIELD_SEQ)
        head->seq = (uint32_t)value;
    else if (field == IDEM_FIELD_STROKES)
        head->strokes = (uint32_t)value;
    else
        head->duration_ms = (uint32_t)value;
    return IDEM_OK;
}

int idem_wire_head_modality(struct idem_wire_reader *r, struct idem_wire_head *head,
                            const char *name, size_t len)
{
    for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++) {
        const char *known = idem_modality_name(m);
        if (strlen(known) == len && memcmp(known, name, len) == 0) {
            head->modality = m;
            return IDEM_OK;
        }
    }
    return idem_wire_fail(r, IDEM_ERR_INVALID, "\"modality\" is neither keyboard nor pointer");
}

bool idem_wire_head_full(const struct idem_wire_head *head)
{
    uint32_t need = (1u << IDEM_FIELDS) - 1 - (1u << IDEM_FIELD_CELLS);
    return (head->have & need) == need;
}

static int missing_field(struct idem_wire_reader *r, const struct idem_wire_head *head)
{
    for (int f = 0; f < IDEM_FIELDS; f++)
        if (!(head->have & (1u << f)))
            return idem_wire_fail(r, IDEM_ERR_INVALID, "\"%s\" is missing", names[f]);
    return IDEM_OK;
}

int idem_wire_open(struct idem_wire_reader *r, const struct idem_wire_head *head)
{
    int err = missing_field(r, head);
    if (err != 0)
        return err;
    if (head->front != idem_front_id(r->front))
        return idem_wire_fail(
            r, IDEM_ERR_MISMATCH, "the window was made with front %016llx, this server has %016llx",
            (unsigned long long)head->front, (unsigned long long)idem_front_id(r->front));
    r->current = r->windows[head->modality];
    if (r->current == NULL)
        return idem_wire_fail(r, IDEM_ERR_INVALID, "this population knows no %s",
                              idem_modality_name(head->modality));
    err = idem_window_begin(r->current, head->strokes, head->duration_ms);
    if (err != 0)
        return idem_wire_fail(r, err, "strokes or duration out of range");
    return IDEM_OK;
}

uint32_t idem_wire_cell_sums(const struct idem_wire_reader *r)
{
    return idem_front_channels(r->front, idem_window_modality(r->current)) * 2;
}

int idem_wire_cell(struct idem_wire_reader *r, int64_t cell, int64_t n)
{
    if (cell < 0 || cell > UINT32_MAX || n < 1 || n > INT32_MAX)
        return idem_wire_fail(r, IDEM_ERR_INVALID, "cell or count out of range");
    int err = idem_window_put(r->current, (uint32_t)cell, (int32_t)n, r->sums);
    if (err != 0)
        return idem_wire_fail(r, err,
                              "cells must ascend, and sums must be possible for their count");
    return IDEM_OK;
}

int idem_wire_close(struct idem_wire_reader *r)
{
    int err = idem_window_end(r->current);
    if (err != 0)
        return idem_wire_fail(r, err, "the cells' counts do not agree with \"strokes\"");
    return IDEM_OK;
}

int idem_wire_sealed(struct idem_wire_reader *r, enum idem_wire_part part,
                     struct idem_wire_batch *batch)
{
    if (r->parts & (unsigned)part)
        return idem_wire_fail(r, IDEM_ERR_INVALID, "a part of the seal is given twice");
    r->parts |= (unsigned)part;
    batch->sealed = true;
    return IDEM_OK;
}

int idem_wire_seal_whole(struct idem_wire_reader *r, const struct idem_wire_batch *batch)
{
    if (batch->sealed && r->parts != (IDEM_PART_PREVIOUS | IDEM_PART_SIGNATURE))
        return idem_wire_fail(r, IDEM_ERR_INVALID, "\"previous\" and \"signature\" come together");
    return IDEM_OK;
}
