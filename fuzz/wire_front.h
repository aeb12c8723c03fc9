/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_front.h - a small front for the fuzz targets of the wire: 13 keyboard cells of three
 * channels, a pointer of 2 components and 3 channels. Its numbers mean nothing; its shapes do.
 */
#ifndef IDEM_FUZZ_WIRE_FRONT_H
#define IDEM_FUZZ_WIRE_FRONT_H

#include "model/corpus.h"
#include "window/front.h"
#include "window/window.h"
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

static inline struct idem_front *wire_front(void)
{
    static struct idem_front *front;
    static struct idem_slot_times slots[13];
    struct idem_zoning zoning;

    if (front != NULL)
        return front;
    for (int i = 0; i < 13; i++) {
        for (int k = 0; k < IDEM_CELL_MIN_STROKES; k++)
            idem_slot_times_add(&slots[i], 60 + k);
    }
    if (idem_zoning_init(&zoning, IDEM_LEVEL_MIXED) != 0 ||
        idem_keyboard_front_learn(IDEM_LEVEL_MIXED, &zoning, slots, 13, &front) != 0 ||
        idem_mixture_alloc(&front->mixture, IDEM_FEATURES, 3, 2) != 0 ||
        idem_front_seal(front) != 0)
        abort();
    front->id = UINT64_C(0x23bed67bc7cd1df3); /* the one in the seeds, whatever a front holds */
    return front;
}

/* What a batch was read as: its windows in CBOR of the one canonical form, one after the other. */
struct wire_copy {
    uint8_t bytes[2 * IDEM_WIRE_BODY_MAX];
    size_t len;
    uint32_t windows;
};

static inline int wire_keep(void *arg, uint32_t seq, const struct idem_window *window)
{
    struct wire_copy *copy = arg;
    size_t len = 0;

    if (idem_window_strokes(window) == 0 || seq == 0)
        abort();
    if (idem_wire_write_window(wire_front(), window, seq, copy->bytes + copy->len,
                               sizeof copy->bytes - copy->len, &len) != 0)
        abort(); /* the canonical form is never longer than what was read */
    copy->len += len;
    copy->windows++;
    return 0;
}

/* Rewrites what was read, in either format. */
struct wire_rewrite {
    struct idem_wire_writer writer;
    uint8_t bytes[8 * IDEM_WIRE_BODY_MAX];
};

static inline int wire_rewrite(void *arg, uint32_t seq, const struct idem_window *window)
{
    struct wire_rewrite *r = arg;
    return idem_wire_batch_put(&r->writer, window, seq);
}

typedef int wire_read_fn(struct idem_wire_reader *, const void *, size_t, idem_wire_window_fn *,
                         void *, struct idem_wire_batch *);

/* Reads with `read`; what is accepted must survive both formats unchanged. */
static inline void wire_check(wire_read_fn *read, const uint8_t *data, size_t size)
{
    static struct wire_copy first, again;
    static struct wire_rewrite out;
    static struct idem_wire_reader *reader;
    struct idem_wire_batch batch;

    if (reader == NULL && idem_wire_reader_new(wire_front(), &reader) != 0)
        abort();
    first.len = first.windows = 0;
    int err = read(reader, data, size, wire_keep, &first, &batch);
    if (err > 0 || (err != 0 && idem_wire_reader_why(reader)[0] == '\0'))
        abort();
    if (err != 0)
        return;
    if (batch.windows != first.windows || batch.windows > IDEM_WIRE_WINDOWS_MAX)
        abort();
    int64_t clock = batch.has_clock && batch.clock_ms >= 0 ? batch.clock_ms : -1;
    for (int json = 0; json < 2; json++) {
        size_t len = 0;
        if (idem_wire_batch_begin(&out.writer, wire_front(), json, batch.windows, clock, out.bytes,
                                  sizeof out.bytes) != 0 ||
            read(reader, data, size, wire_rewrite, &out, &batch) != 0 ||
            idem_wire_batch_end(&out.writer, &len) != 0)
            abort();
        wire_read_fn *back = json ? idem_wire_read_json : idem_wire_read_cbor;
        again.len = again.windows = 0;
        if (back(reader, out.bytes, len, wire_keep, &again, &batch) != 0 ||
            again.len != first.len || memcmp(again.bytes, first.bytes, first.len) != 0)
            abort();
    }
}

#endif
