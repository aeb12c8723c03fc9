/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor_read.c - a batch of windows from CBOR, by recursive descent over single items.
 *
 * Every length is compared with its written limit before it is followed. Cells that come before
 * the fields that say how to read them are stepped over (an array of arrays of integers, nothing
 * deeper) and read when the rest of the window is known.
 */
#include "wire/cbor_item.h"
#include "wire/reader.h"

#include <string.h>

struct cells {
    struct idem_cbor at; /* where the array's items begin */
    size_t count;
    bool later; /* met before the head was full */
};

static int next(struct idem_wire_reader *r, struct idem_cbor *c, struct idem_cbor_item *item)
{
    int err = idem_cbor_next(c, item);
    if (err == IDEM_ERR_TRUNCATED)
        return idem_wire_fail(r, err, "the CBOR ends too early");
    if (err != 0)
        return idem_wire_fail(r, err, "not well-formed CBOR");
    return IDEM_OK;
}

static int expect(struct idem_wire_reader *r, struct idem_cbor *c, enum idem_cbor_kind kind,
                  const char *what, struct idem_cbor_item *item)
{
    int err = next(r, c, item);
    if (err == 0 && item->kind != kind)
        err = idem_wire_fail(r, IDEM_ERR_INVALID, "expected %s", what);
    return err;
}

static int expect_int(struct idem_wire_reader *r, struct idem_cbor *c, int64_t *out)
{
    struct idem_cbor_item item;
    int err = expect(r, c, IDEM_CBOR_INT, "an integer", &item);
    if (err == 0)
        *out = item.integer;
    return err;
}

static int expect_array(struct idem_wire_reader *r, struct idem_cbor *c, size_t max, size_t *len)
{
    struct idem_cbor_item item;
    int err = expect(r, c, IDEM_CBOR_ARRAY, "an array of definite length", &item);
    if (err == 0 && item.len > max)
        err = idem_wire_fail(r, IDEM_ERR_LIMIT, "an array longer than %zu", max);
    if (err == 0)
        *len = item.len;
    return err;
}

static int read_cell(struct idem_wire_reader *r, struct idem_cbor *c, uint32_t sums)
{
    size_t len = 0;
    int64_t cell = 0, n = 0, value = 0;
    int err = expect_array(r, c, sums + 2, &len);

    if (err == 0 && len != sums + 2)
        err = idem_wire_fail(r, IDEM_ERR_INVALID, "a cell has %u numbers", sums + 2);
    if (err != 0 || (err = expect_int(r, c, &cell)) != 0 || (err = expect_int(r, c, &n)) != 0)
        return err;
    for (uint32_t i = 0; i < sums; i++) {
        if ((err = expect_int(r, c, &value)) != 0)
            return err;
        if (value < INT32_MIN || value > INT32_MAX)
            return idem_wire_fail(r, IDEM_ERR_INVALID, "a sum out of range");
        r->sums[i] = (int32_t)value;
    }
    return idem_wire_cell(r, cell, n);
}

static int read_cells(struct idem_wire_reader *r, struct idem_cbor *c, size_t count)
{
    uint32_t sums = idem_wire_cell_sums(r);
    int err = IDEM_OK;

    for (size_t i = 0; i < count && err == 0; i++) {
        r->cell = (int)i;
        err = read_cell(r, c, sums);
    }
    if (err == 0)
        r->cell = -1;
    return err;
}

static int skip_cells(struct idem_wire_reader *r, struct idem_cbor *c, size_t count)
{
    size_t len = 0;
    int64_t value;
    int err = IDEM_OK;

    for (size_t i = 0; i < count && err == 0; i++) {
        err = expect_array(r, c, r->sums_max + 2, &len);
        for (size_t k = 0; k < len && err == 0; k++)
            err = expect_int(r, c, &value);
    }
    return err;
}

static uint32_t cells_max(const struct idem_wire_reader *r)
{
    uint32_t keyboard = idem_front_cells(r->front, IDEM_KEYBOARD);
    uint32_t pointer = idem_front_cells(r->front, IDEM_POINTER);
    return keyboard > pointer ? keyboard : pointer;
}

static int read_cells_field(struct idem_wire_reader *r, struct idem_cbor *c,
                            const struct idem_wire_head *head, struct cells *cells)
{
    int err = expect_array(r, c, cells_max(r), &cells->count);
    if (err != 0)
        return err;
    cells->later = !idem_wire_head_full(head);
    if (cells->later) {
        cells->at = *c;
        return skip_cells(r, c, cells->count);
    }
    if ((err = idem_wire_open(r, head)) != 0)
        return err;
    return read_cells(r, c, cells->count);
}

static int read_front(struct idem_wire_reader *r, struct idem_cbor *c, struct idem_wire_head *head)
{
    struct idem_cbor_item item;
    int err = expect(r, c, IDEM_CBOR_BYTES, "\"front\" as 8 bytes", &item);

    if (err != 0)
        return err;
    if (item.len != 8)
        return idem_wire_fail(r, IDEM_ERR_INVALID, "\"front\" is not 8 bytes long");
    head->front = 0;
    for (int i = 0; i < 8; i++)
        head->front = head->front << 8 | item.bytes[i];
    return IDEM_OK;
}

static int read_modality(struct idem_wire_reader *r, struct idem_cbor *c,
                         struct idem_wire_head *head)
{
    struct idem_cbor_item item;
    int err = expect(r, c, IDEM_CBOR_TEXT, "\"modality\" as text", &item);
    return err != 0 ? err : idem_wire_head_modality(r, head, (const char *)item.bytes, item.len);
}

static int read_field(struct idem_wire_reader *r, struct idem_cbor *c, struct idem_wire_head *head,
                      struct cells *cells)
{
    struct idem_cbor_item name;
    enum idem_wire_field field;
    int64_t value;
    int err = expect(r, c, IDEM_CBOR_TEXT, "a field's name as text", &name);

    if (err != 0 ||
        (err = idem_wire_field_find(r, head, (const char *)name.bytes, name.len, &field)) != 0)
        return err;
    switch (field) {
    case IDEM_FIELD_CELLS:
        return read_cells_field(r, c, head, cells);
    case IDEM_FIELD_FRONT:
        return read_front(r, c, head);
    case IDEM_FIELD_MODALITY:
        return read_modality(r, c, head);
    default:
        err = expect_int(r, c, &value);
        return err != 0 ? err : idem_wire_head_int(r, head, field, value);
    }
}

static int read_window(struct idem_wire_reader *r, struct idem_cbor *c, uint32_t *seq)
{
    struct idem_wire_head head = {0};
    struct cells cells = {.later = true};
    struct idem_cbor_item item;
    int err = expect(r, c, IDEM_CBOR_MAP, "a window as a map of definite length", &item);

    if (err == 0 && item.len > IDEM_FIELDS)
        err = idem_wire_fail(r, IDEM_ERR_INVALID, "a window has %d fields", IDEM_FIELDS);
    for (size_t i = 0; err == 0 && i < item.len; i++)
        err = read_field(r, c, &head, &cells);
    if (err == 0 && cells.later && (err = idem_wire_open(r, &head)) == 0)
        err = read_cells(r, &cells.at, cells.count);
    if (err == 0)
        err = idem_wire_close(r);
    if (err == 0)
        *seq = head.seq;
    return err;
}

static int read_windows(struct idem_wire_reader *r, struct idem_cbor *c, idem_wire_window_fn *fn,
                        void *arg, uint32_t *windows)
{
    size_t count = 0;
    uint32_t seq = 0;
    int err = expect_array(r, c, IDEM_WIRE_WINDOWS_MAX, &count);

    for (size_t i = 0; i < count && err == 0; i++) {
        r->index = (int)i;
        if ((err = read_window(r, c, &seq)) == 0)
            err = fn(arg, seq, r->current);
    }
    if (err == 0)
        r->index = -1;
    if (err == 0 && count == 0)
        err = idem_wire_fail(r, IDEM_ERR_INVALID, "\"windows\" is empty");
    *windows = (uint32_t)count;
    return err;
}

static bool is_text(const struct idem_cbor_item *item, const char *text)
{
    return item->len == strlen(text) && memcmp(item->bytes, text, item->len) == 0;
}

/* A part of the seal; given twice, it is refused as an unknown field would be. */
static int read_bytes(struct idem_wire_reader *r, struct idem_cbor *c, enum idem_wire_part part,
                      uint8_t *out, size_t len, struct idem_wire_batch *batch)
{
    struct idem_cbor_item item;
    int err = expect(r, c, IDEM_CBOR_BYTES, "a part of the seal as bytes", &item);

    if (err == 0 && item.len != len)
        err = idem_wire_fail(r, IDEM_ERR_INVALID, "a part of the seal is not %zu bytes long", len);
    if (err != 0)
        return err;
    memcpy(out, item.bytes, len);
    return idem_wire_sealed(r, part, batch);
}

static int read_batch_field(struct idem_wire_reader *r, struct idem_cbor *c,
                            idem_wire_window_fn *fn, void *arg, struct idem_wire_batch *batch)
{
    struct idem_cbor_item name;
    int err = expect(r, c, IDEM_CBOR_TEXT, "a field's name as text", &name);

    if (err != 0)
        return err;
    if (is_text(&name, "windows") && batch->windows == 0)
        return read_windows(r, c, fn, arg, &batch->windows);
    if (is_text(&name, "clock_ms") && !batch->has_clock) {
        batch->has_clock = true;
        return expect_int(r, c, &batch->clock_ms);
    }
    if (is_text(&name, "previous"))
        return read_bytes(r, c, IDEM_PART_PREVIOUS, batch->previous, sizeof batch->previous, batch);
    if (is_text(&name, "signature"))
        return read_bytes(r, c, IDEM_PART_SIGNATURE, batch->signature, sizeof batch->signature,
                          batch);
    return idem_wire_fail(r, IDEM_ERR_INVALID, "a batch has \"windows\" and no other field");
}

int idem_wire_read_cbor(struct idem_wire_reader *reader, const void *bytes, size_t len,
                        idem_wire_window_fn *fn, void *arg, struct idem_wire_batch *out)
{
    struct idem_cbor c = {bytes, (const uint8_t *)bytes + len};
    struct idem_wire_batch batch = {0};
    struct idem_cbor_item item;

    reader->index = reader->cell = -1;
    reader->parts = 0;
    int err = expect(reader, &c, IDEM_CBOR_MAP, "a map of definite length", &item);
    if (err == 0 && item.len > IDEM_WIRE_BATCH_FIELDS)
        err = idem_wire_fail(reader, IDEM_ERR_INVALID, "a batch has no more than %d fields",
                             IDEM_WIRE_BATCH_FIELDS);
    for (size_t i = 0; err == 0 && i < item.len; i++)
        err = read_batch_field(reader, &c, fn, arg, &batch);
    if (err == 0 && batch.windows == 0)
        err = idem_wire_fail(reader, IDEM_ERR_INVALID, "\"windows\" is missing");
    if (err == 0)
        err = idem_wire_seal_whole(reader, &batch);
    if (err == 0 && c.at != c.end)
        err = idem_wire_fail(reader, IDEM_ERR_FORMAT, "bytes after the end of the batch");
    if (err == 0)
        *out = batch;
    return err;
}

int idem_wire_read_window(struct idem_wire_reader *reader, const void *bytes, size_t len,
                          uint32_t *seq, const struct idem_window **window)
{
    struct idem_cbor c = {bytes, (const uint8_t *)bytes + len};
    uint32_t number = 0;

    reader->index = reader->cell = -1;
    int err = read_window(reader, &c, &number);
    if (err == 0 && c.at != c.end)
        err = idem_wire_fail(reader, IDEM_ERR_FORMAT, "bytes after the end of the window");
    if (err != 0)
        return err;
    *seq = number;
    *window = reader->current;
    return IDEM_OK;
}
