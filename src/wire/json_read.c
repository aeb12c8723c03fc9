/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_read.c - a batch of windows from JSON, for people with curl and for pages. jansson builds a
 * tree no larger than a fixed multiple of the body, whose length the caller has limited.
 */
#include "wire/reader.h"

#include <jansson.h>
#include <string.h>

static int want_int(struct idem_wire_reader *r, const json_t *value, const char *what, int64_t *out)
{
    if (!json_is_integer(value))
        return idem_wire_fail(r, IDEM_ERR_INVALID, "%s must be an integer", what);
    *out = json_integer_value(value);
    return IDEM_OK;
}

static int hex_digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static int read_front(struct idem_wire_reader *r, const json_t *value, struct idem_wire_head *head)
{
    const char *text = json_string_value(value);

    if (text == NULL || json_string_length(value) != 16)
        return idem_wire_fail(r, IDEM_ERR_INVALID, "\"front\" is not 16 hexadecimal digits");
    head->front = 0;
    for (int i = 0; i < 16; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0)
            return idem_wire_fail(r, IDEM_ERR_INVALID, "\"front\" is not 16 hexadecimal digits");
        head->front = head->front << 4 | (uint64_t)digit;
    }
    return IDEM_OK;
}

static int read_modality(struct idem_wire_reader *r, const json_t *value,
                         struct idem_wire_head *head)
{
    const char *text = json_string_value(value);
    if (text == NULL)
        return idem_wire_fail(r, IDEM_ERR_INVALID, "\"modality\" must be a string");
    return idem_wire_head_modality(r, head, text, json_string_length(value));
}

static int read_cell(struct idem_wire_reader *r, const json_t *cell)
{
    uint32_t sums = idem_wire_cell_sums(r);
    int64_t number = 0, n = 0, value = 0;
    int err;

    if (!json_is_array(cell) || json_array_size(cell) != sums + 2)
        return idem_wire_fail(r, IDEM_ERR_INVALID, "a cell is an array of %u numbers", sums + 2);
    if ((err = want_int(r, json_array_get(cell, 0), "a cell's number", &number)) != 0 ||
        (err = want_int(r, json_array_get(cell, 1), "a cell's count", &n)) != 0)
        return err;
    for (uint32_t i = 0; i < sums; i++) {
        if ((err = want_int(r, json_array_get(cell, i + 2), "a sum", &value)) != 0)
            return err;
        if (value < INT32_MIN || value > INT32_MAX)
            return idem_wire_fail(r, IDEM_ERR_INVALID, "a sum out of range");
        r->sums[i] = (int32_t)value;
    }
    return idem_wire_cell(r, number, n);
}

static int read_cells(struct idem_wire_reader *r, const json_t *cells)
{
    int err = IDEM_OK;

    if (!json_is_array(cells))
        return idem_wire_fail(r, IDEM_ERR_INVALID, "\"cells\" must be an array");
    for (size_t i = 0; i < json_array_size(cells) && err == 0; i++) {
        r->cell = (int)i;
        err = read_cell(r, json_array_get(cells, i));
    }
    if (err == 0)
        r->cell = -1;
    return err;
}

static int read_field(struct idem_wire_reader *r, const char *name, const json_t *value,
                      struct idem_wire_head *head, const json_t **cells)
{
    enum idem_wire_field field;
    int64_t number = 0;
    int err = idem_wire_field_find(r, head, name, strlen(name), &field);

    if (err != 0)
        return err;
    switch (field) {
    case IDEM_FIELD_CELLS:
        *cells = value;
        return IDEM_OK;
    case IDEM_FIELD_FRONT:
        return read_front(r, value, head);
    case IDEM_FIELD_MODALITY:
        return read_modality(r, value, head);
    default:
        err = want_int(r, value, name, &number);
        return err != 0 ? err : idem_wire_head_int(r, head, field, number);
    }
}

static int read_window(struct idem_wire_reader *r, json_t *window, uint32_t *seq)
{
    struct idem_wire_head head = {0};
    const json_t *cells = NULL;
    const char *name;
    json_t *value;
    int err;

    if (!json_is_object(window))
        return idem_wire_fail(r, IDEM_ERR_INVALID, "a window must be an object");
    json_object_foreach(window, name, value)
    {
        if ((err = read_field(r, name, value, &head, &cells)) != 0)
            return err;
    }
    if ((err = idem_wire_open(r, &head)) != 0 || (err = read_cells(r, cells)) != 0 ||
        (err = idem_wire_close(r)) != 0)
        return err;
    *seq = head.seq;
    return IDEM_OK;
}

static int read_windows(struct idem_wire_reader *r, const json_t *windows, idem_wire_window_fn *fn,
                        void *arg, uint32_t *count)
{
    size_t size = json_array_size(windows);
    uint32_t seq = 0;
    int err = IDEM_OK;

    if (!json_is_array(windows) || size == 0)
        return idem_wire_fail(r, IDEM_ERR_INVALID, "\"windows\" must be an array of windows");
    if (size > IDEM_WIRE_WINDOWS_MAX)
        return idem_wire_fail(r, IDEM_ERR_LIMIT, "more than %d windows", IDEM_WIRE_WINDOWS_MAX);
    for (size_t i = 0; i < size && err == 0; i++) {
        r->index = (int)i;
        if ((err = read_window(r, json_array_get(windows, i), &seq)) == 0)
            err = fn(arg, seq, r->current);
    }
    if (err == 0)
        r->index = -1;
    *count = (uint32_t)size;
    return err;
}

static int read_bytes(struct idem_wire_reader *r, const json_t *value, enum idem_wire_part part,
                      uint8_t *out, size_t len, struct idem_wire_batch *batch)
{
    const char *text = json_string_value(value);

    if (text == NULL || idem_seal_parse(text, out, len) != 0)
        return idem_wire_fail(r, IDEM_ERR_INVALID,
                              "a part of the seal is not %zu bytes in base64url", len);
    return idem_wire_sealed(r, part, batch);
}

static int read_batch_field(struct idem_wire_reader *r, const char *name, json_t *value,
                            const json_t **windows, struct idem_wire_batch *batch)
{
    if (strcmp(name, "windows") == 0) {
        *windows = value;
        return IDEM_OK;
    }
    if (strcmp(name, "clock_ms") == 0) {
        batch->has_clock = true;
        return want_int(r, value, "\"clock_ms\"", &batch->clock_ms);
    }
    if (strcmp(name, "previous") == 0)
        return read_bytes(r, value, IDEM_PART_PREVIOUS, batch->previous, sizeof batch->previous,
                          batch);
    if (strcmp(name, "signature") == 0)
        return read_bytes(r, value, IDEM_PART_SIGNATURE, batch->signature, sizeof batch->signature,
                          batch);
    return idem_wire_fail(r, IDEM_ERR_INVALID, "a batch has \"windows\" and no other field");
}

static int read_batch(struct idem_wire_reader *r, json_t *root, idem_wire_window_fn *fn, void *arg,
                      struct idem_wire_batch *batch)
{
    const json_t *windows = NULL;
    const char *name;
    json_t *value;
    int err;

    if (!json_is_object(root))
        return idem_wire_fail(r, IDEM_ERR_INVALID, "a batch must be an object");
    json_object_foreach(root, name, value)
    {
        if ((err = read_batch_field(r, name, value, &windows, batch)) != 0)
            return err;
    }
    if (windows == NULL)
        return idem_wire_fail(r, IDEM_ERR_INVALID, "\"windows\" is missing");
    if ((err = idem_wire_seal_whole(r, batch)) != 0)
        return err;
    return read_windows(r, windows, fn, arg, &batch->windows);
}

int idem_wire_read_json(struct idem_wire_reader *reader, const void *bytes, size_t len,
                        idem_wire_window_fn *fn, void *arg, struct idem_wire_batch *out)
{
    struct idem_wire_batch batch = {0};
    json_error_t fault;

    reader->index = reader->cell = -1;
    reader->parts = 0;
    json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &fault);
    if (root == NULL)
        return idem_wire_fail(reader, IDEM_ERR_FORMAT, "line %d, column %d: %s", fault.line,
                              fault.column, fault.text);
    int err = read_batch(reader, root, fn, arg, &batch);
    json_decref(root);
    if (err == 0)
        *out = batch;
    return err;
}
