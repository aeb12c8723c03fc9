/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write.c - windows to CBOR and JSON. The CBOR is the shortest form with the head before the
 * cells, so that a reader never has to step over them; it is also what the store keeps.
 */
#include "wire/text.h"
#include "wire/wire.h"

#include <cbor.h>
#include <string.h>

/* ------------------------------------------------------------------ CBOR */

struct out {
    uint8_t *bytes;
    size_t len, cap;
    bool full;
};

static void took(struct out *o, size_t n)
{
    if (n == 0)
        o->full = true;
    o->len += n;
}

static void put_int(struct out *o, int64_t v)
{
    uint8_t *at = o->bytes + o->len;
    size_t room = o->cap - o->len;
    took(o, v >= 0 ? cbor_encode_uint((uint64_t)v, at, room)
                   : cbor_encode_negint((uint64_t)(-1 - v), at, room));
}

static void put_array(struct out *o, size_t items)
{
    took(o, cbor_encode_array_start(items, o->bytes + o->len, o->cap - o->len));
}

static void put_map(struct out *o, size_t pairs)
{
    took(o, cbor_encode_map_start(pairs, o->bytes + o->len, o->cap - o->len));
}

static void put_raw(struct out *o, const void *bytes, size_t len)
{
    if (len > o->cap - o->len) {
        o->full = true;
        return;
    }
    memcpy(o->bytes + o->len, bytes, len);
    o->len += len;
}

static void put_text(struct out *o, const char *text)
{
    size_t len = strlen(text);
    took(o, cbor_encode_string_start(len, o->bytes + o->len, o->cap - o->len));
    put_raw(o, text, len);
}

static void put_bytes(struct out *o, const uint8_t *bytes, size_t len)
{
    took(o, cbor_encode_bytestring_start(len, o->bytes + o->len, o->cap - o->len));
    put_raw(o, bytes, len);
}

static void put_front(struct out *o, uint64_t id)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(id >> (56 - 8 * i));
    put_bytes(o, bytes, sizeof bytes);
}

static uint32_t cells_used(const int32_t *counts, uint32_t cells)
{
    uint32_t used = 0;
    for (uint32_t c = 0; c < cells; c++)
        used += counts[c] > 0;
    return used;
}

static void put_cells(struct out *o, const struct idem_front *front, const struct idem_window *w)
{
    enum idem_modality modality = idem_window_modality(w);
    uint32_t cells = idem_front_cells(front, modality);
    uint32_t sums = idem_front_channels(front, modality) * 2;
    const int32_t *n = idem_window_counts(w), *f = idem_window_sums(w);

    put_array(o, cells_used(n, cells));
    for (uint32_t c = 0; c < cells; c++) {
        if (n[c] <= 0)
            continue;
        put_array(o, sums + 2);
        put_int(o, c);
        put_int(o, n[c]);
        for (uint32_t k = 0; k < sums; k++)
            put_int(o, f[(size_t)c * sums + k]);
    }
}

int idem_wire_write_window(const struct idem_front *front, const struct idem_window *window,
                           uint32_t seq, void *bytes, size_t cap, size_t *len)
{
    struct out o = {bytes, 0, cap, false};

    put_map(&o, 6);
    put_text(&o, "seq");
    put_int(&o, seq);
    put_text(&o, "modality");
    put_text(&o, idem_modality_name(idem_window_modality(window)));
    put_text(&o, "front");
    put_front(&o, idem_window_front_id(window));
    put_text(&o, "strokes");
    put_int(&o, idem_window_strokes(window));
    put_text(&o, "duration_ms");
    put_int(&o, idem_window_duration_ms(window));
    put_text(&o, "cells");
    put_cells(&o, front, window);
    if (o.full)
        return IDEM_ERR_LIMIT;
    *len = o.len;
    return IDEM_OK;
}

/* ------------------------------------------------------------------ JSON */

static void json_cell(struct idem_text *t, uint32_t c, int32_t n, const int32_t *f, uint32_t sums)
{
    idem_text_put(t, "[");
    idem_text_int(t, c);
    idem_text_put(t, ",");
    idem_text_int(t, n);
    for (uint32_t k = 0; k < sums; k++) {
        idem_text_put(t, ",");
        idem_text_int(t, f[k]);
    }
    idem_text_put(t, "]");
}

static void json_window(struct idem_text *t, const struct idem_front *front,
                        const struct idem_window *w, uint32_t seq)
{
    enum idem_modality modality = idem_window_modality(w);
    uint32_t cells = idem_front_cells(front, modality);
    uint32_t sums = idem_front_channels(front, modality) * 2;
    const int32_t *n = idem_window_counts(w), *f = idem_window_sums(w);
    bool first = true;

    idem_text_fmt(t,
                  "{\"seq\":%u,\"modality\":\"%s\",\"front\":\"%016llx\",\"strokes\":%u,"
                  "\"duration_ms\":%u,\"cells\":[",
                  seq, idem_modality_name(modality), (unsigned long long)idem_window_front_id(w),
                  idem_window_strokes(w), idem_window_duration_ms(w));
    for (uint32_t c = 0; c < cells; c++) {
        if (n[c] <= 0)
            continue;
        idem_text_put(t, first ? "" : ",");
        json_cell(t, c, n[c], f + (size_t)c * sums, sums);
        first = false;
    }
    idem_text_put(t, "]}");
}

/* ------------------------------------------------------------------ the batch */

static int keep(struct idem_wire_writer *w, size_t len, bool full)
{
    if (full)
        return IDEM_ERR_LIMIT;
    w->len = len;
    return IDEM_OK;
}

static int begin_json(struct idem_wire_writer *w, int64_t clock_ms)
{
    struct idem_text t = {(char *)w->bytes, 0, w->cap, false};
    idem_text_put(&t, "{");
    if (clock_ms >= 0)
        idem_text_fmt(&t, "\"clock_ms\":%lld,", (long long)clock_ms);
    idem_text_put(&t, "\"windows\":[");
    return keep(w, t.len, t.full);
}

static int begin_cbor(struct idem_wire_writer *w, int64_t clock_ms)
{
    struct out o = {w->bytes, 0, w->cap, false};

    put_map(&o, 1u + (clock_ms >= 0) + (w->seal != NULL ? 2 : 0));
    if (clock_ms >= 0) {
        put_text(&o, "clock_ms");
        put_int(&o, clock_ms);
    }
    if (w->seal != NULL) {
        put_text(&o, "previous");
        put_bytes(&o, w->link, sizeof w->link);
    }
    put_text(&o, "windows");
    put_array(&o, w->promised);
    return keep(w, o.len, o.full);
}

int idem_wire_batch_begin(struct idem_wire_writer *w, const struct idem_front *front, bool json,
                          uint32_t windows, int64_t clock_ms, void *bytes, size_t cap)
{
    if (windows == 0 || windows > IDEM_WIRE_WINDOWS_MAX)
        return IDEM_ERR_INVALID;
    *w = (struct idem_wire_writer){
        .bytes = bytes, .cap = cap, .front = front, .json = json, .promised = windows};
    return json ? begin_json(w, clock_ms) : begin_cbor(w, clock_ms);
}

int idem_wire_batch_begin_sealed(struct idem_wire_writer *w, const struct idem_wire_seal *seal,
                                 const struct idem_front *front, uint32_t windows, int64_t clock_ms,
                                 void *bytes, size_t cap)
{
    if (windows == 0 || windows > IDEM_WIRE_WINDOWS_MAX)
        return IDEM_ERR_INVALID;
    *w = (struct idem_wire_writer){
        .bytes = bytes, .cap = cap, .front = front, .seal = seal, .promised = windows};
    memcpy(w->link, seal->link, sizeof w->link);
    return begin_cbor(w, clock_ms);
}

int idem_wire_batch_put(struct idem_wire_writer *w, const struct idem_window *window, uint32_t seq)
{
    size_t len = 0;
    int err;

    if (w->windows == w->promised)
        return IDEM_ERR_INVALID;
    if (w->json) {
        struct idem_text t = {(char *)w->bytes, w->len, w->cap, false};
        idem_text_put(&t, w->windows > 0 ? "," : "");
        json_window(&t, w->front, window, seq);
        err = keep(w, t.len, t.full);
    } else {
        err =
            idem_wire_write_window(w->front, window, seq, w->bytes + w->len, w->cap - w->len, &len);
        if (err == 0 && w->seal != NULL)
            idem_seal_next(w->seal->nonce, seq, w->bytes + w->len, len, w->link);
        if (err == 0)
            w->len += len;
    }
    if (err == 0)
        w->windows++;
    return err;
}

static int end_json(struct idem_wire_writer *w)
{
    struct idem_text t = {(char *)w->bytes, w->len, w->cap, false};

    idem_text_put(&t, "]}");
    return keep(w, t.len, t.full);
}

static int end_sealed(struct idem_wire_writer *w)
{
    struct out o = {w->bytes, w->len, w->cap, false};
    struct idem_seal_message message;
    uint8_t signature[IDEM_SEAL_SIGNATURE];

    idem_seal_windows(w->link, &message);
    idem_seal_sign(w->seal->key, &message, signature);
    put_text(&o, "signature");
    put_bytes(&o, signature, sizeof signature);
    return keep(w, o.len, o.full);
}

int idem_wire_batch_end(struct idem_wire_writer *w, size_t *len)
{
    int err = w->windows != w->promised ? IDEM_ERR_INVALID : IDEM_OK;

    if (err == 0 && w->json)
        err = end_json(w);
    else if (err == 0 && w->seal != NULL)
        err = end_sealed(w);
    if (err == 0)
        *len = w->len;
    return err;
}
