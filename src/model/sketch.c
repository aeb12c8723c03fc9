/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sketch.c - see sketch.h.
 *
 * Bytes (little-endian): u32 version, u32 windows, then each imprint: u64 whole, u64 near[4], u32
 * text, u32 cell[4]; ascending by whole; u32 CRC-32.
 */
#include "model/sketch.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

enum { SKETCH_VERSION = 1, SKETCH_HEAD = 8, PADDED_FIRST = 32, ROOM_FIRST = 16 };

void idem_sketch_fini(struct idem_sketch *sketch)
{
    if (sketch->list != NULL)
        idem_wipe(sketch->list, sketch->room * sizeof sketch->list[0]);
    free(sketch->list);
    *sketch = (struct idem_sketch){0};
}

/* Not realloc, which would leave a copy behind. */
static int grow(struct idem_sketch *sketch, uint32_t room)
{
    struct idem_imprint *list = calloc(room, sizeof *list);
    struct idem_sketch old = *sketch;

    if (list == NULL)
        return IDEM_ERR_NOMEM;
    if (old.count > 0)
        memcpy(list, old.list, old.count * sizeof *list);
    idem_sketch_fini(&old);
    sketch->list = list;
    sketch->room = room;
    return IDEM_OK;
}

int idem_sketch_add(struct idem_sketch *sketch, const struct idem_imprint *imprint)
{
    for (uint32_t i = 0; i < sketch->count; i++)
        if (sketch->list[i].whole == imprint->whole)
            return IDEM_OK;
    if (sketch->count == IDEM_SKETCH_WINDOWS) {
        sketch->list[sketch->next] = *imprint;
        sketch->next = (sketch->next + 1) % IDEM_SKETCH_WINDOWS;
        return IDEM_OK;
    }
    if (sketch->count == sketch->room) {
        int err = grow(sketch, sketch->room > 0 ? 2 * sketch->room : ROOM_FIRST);
        if (err != 0)
            return err;
    }
    sketch->list[sketch->count++] = *imprint;
    return IDEM_OK;
}

/* ------------------------------------------------------------------ at rest */

void idem_sketch_settle(struct idem_sketch *sketch, uint32_t session)
{
    for (uint32_t i = 0; i < sketch->count; i++)
        if (sketch->list[i].session == session)
            sketch->list[i].session = 0;
}

static void write_imprint(struct idem_writer *w, const struct idem_imprint *x)
{
    idem_write_u64(w, x->whole);
    for (int i = 0; i < IDEM_NEAR_WORDS; i++)
        idem_write_u64(w, x->near[i]);
    idem_write_u32(w, x->text);
    for (int i = 0; i < IDEM_IMPRINT_CELLS; i++)
        idem_write_u32(w, x->cell[i]);
}

static void read_imprint(struct idem_reader *r, struct idem_imprint *x)
{
    x->whole = idem_read_u64(r);
    for (int i = 0; i < IDEM_NEAR_WORDS; i++)
        x->near[i] = idem_read_u64(r);
    x->text = idem_read_u32(r);
    for (int i = 0; i < IDEM_IMPRINT_CELLS; i++)
        x->cell[i] = idem_read_u32(r);
}

static int by_whole(const void *a, const void *b)
{
    const struct idem_imprint *const *x = a, *const *y = b;
    return (*x)->whole < (*y)->whole ? -1 : (*x)->whole > (*y)->whole;
}

int idem_sketch_write(const struct idem_sketch *sketch, uint32_t session, void *bytes, size_t cap,
                      size_t *len)
{
    const struct idem_imprint *order[IDEM_SKETCH_WINDOWS];
    struct idem_writer w;
    uint32_t count = 0;

    for (uint32_t i = 0; i < sketch->count; i++)
        if (sketch->list[i].session == 0 || sketch->list[i].session == session)
            order[count++] = &sketch->list[i];
    if (cap < SKETCH_HEAD + (size_t)count * IDEM_IMPRINT_BYTES + 4)
        return IDEM_ERR_LIMIT;
    qsort(order, count, sizeof order[0], by_whole);
    idem_writer_init(&w, bytes, cap);
    idem_write_u32(&w, SKETCH_VERSION);
    idem_write_u32(&w, count);
    for (uint32_t i = 0; i < count; i++)
        write_imprint(&w, order[i]);
    idem_write_u32(&w, idem_crc32(bytes, w.len));
    if (w.err == 0)
        *len = w.len;
    return w.err;
}

size_t idem_sketch_padded(size_t len)
{
    size_t windows = PADDED_FIRST;

    while (SKETCH_HEAD + windows * IDEM_IMPRINT_BYTES + 4 < len)
        windows *= 2;
    return SKETCH_HEAD + windows * IDEM_IMPRINT_BYTES + 4;
}

/* Without the noughts that idem_sketch_padded has made room for. */
static size_t unpadded(const uint8_t *bytes, size_t len)
{
    struct idem_reader r;

    idem_reader_init(&r, bytes, len);
    idem_read_u32(&r);
    const size_t count = idem_read_size(&r, 0, IDEM_SKETCH_WINDOWS);
    const size_t own = SKETCH_HEAD + count * IDEM_IMPRINT_BYTES + 4;
    if (r.err != 0 || own >= len)
        return len;
    for (size_t i = own; i < len; i++)
        if (bytes[i] != 0)
            return len;
    return own;
}

int idem_sketch_parse(const void *bytes, size_t len, struct idem_sketch *out)
{
    struct idem_sketch sketch = {0};
    struct idem_reader r;

    if (len < SKETCH_HEAD + 4)
        return IDEM_ERR_TRUNCATED;
    len = unpadded(bytes, len);
    idem_reader_init(&r, (const uint8_t *)bytes + len - 4, 4);
    if (idem_read_u32(&r) != idem_crc32(bytes, len - 4))
        return IDEM_ERR_CHECKSUM;
    idem_reader_init(&r, bytes, len - 4);
    if (idem_read_u32(&r) != SKETCH_VERSION)
        return IDEM_ERR_VERSION;
    const uint32_t count = idem_read_size(&r, 0, IDEM_SKETCH_WINDOWS);
    if (r.err != 0 || len != SKETCH_HEAD + (size_t)count * IDEM_IMPRINT_BYTES + 4)
        return IDEM_ERR_FORMAT;
    uint32_t room = ROOM_FIRST;
    while (room < count)
        room *= 2;
    int err = count > 0 ? grow(&sketch, room) : IDEM_OK;
    for (; err == 0 && sketch.count < count; sketch.count++)
        read_imprint(&r, &sketch.list[sketch.count]);
    if (err == 0)
        *out = sketch;
    return err;
}
