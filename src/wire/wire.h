/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - windows to bytes and back, in CBOR (RFC 8949) and JSON of the same shape.
 *
 *   batch  = {"windows": [window, ...], ?"clock_ms": integer, ?"previous": link, ?"signature": sig}
 *   window = {"seq": n, "modality": "keyboard" | "pointer", "front": id, "strokes": n,
 *             "duration_ms": n, "cells": [[cell, n, sum, square, ...], ...]}
 *
 * front is 16 hexadecimal digits in JSON and their 8 bytes in CBOR; the link before the batch and
 * the signature over its last one (wire/seal.h) come together, as bytes in CBOR and base64url in
 * JSON; nothing else differs. Fields
 * may come in any order; unknown and repeated fields are refused, as are CBOR's floats, tags and
 * indefinite lengths, so that one batch has one meaning. A peer's claim of a length allocates
 * nothing: a reader owns one window of each modality and hands them out one after the other.
 */
#ifndef IDEM_WIRE_WIRE_H
#define IDEM_WIRE_WIRE_H

#include "wire/seal.h"

enum {
    IDEM_WIRE_BODY_MAX = 64 * 1024,
    IDEM_WIRE_WINDOWS_MAX = 64,
    IDEM_WIRE_SEQ_MAX = INT32_MAX, /* sequence numbers start at 1 */
    IDEM_WIRE_WHY_MAX = 160,
};

/* What a batch says besides its windows. */
struct idem_wire_batch {
    uint32_t windows;
    bool has_clock, sealed;
    int64_t clock_ms;
    uint8_t previous[IDEM_SEAL_LINK], signature[IDEM_SEAL_SIGNATURE]; /* sealed */
};

struct idem_wire_reader;

/* Called for each window in order. The window is the reader's and valid during the call only. A
 * result other than 0 ends the reading and is returned. */
typedef int idem_wire_window_fn(void *arg, uint32_t seq, const struct idem_window *window);

/* The front must outlive the reader. One reader serves one thread. */
int idem_wire_reader_new(const struct idem_front *front, struct idem_wire_reader **out);
void idem_wire_reader_free(struct idem_wire_reader *reader);

/*
 * Reads a batch. When it fails, windows before the fault have been handed out already and the
 * caller forgets them. IDEM_ERR_FORMAT, IDEM_ERR_TRUNCATED: not the format;
 * IDEM_ERR_INVALID, IDEM_ERR_LIMIT: a field is missing, unknown or outside its range;
 * IDEM_ERR_MISMATCH: a window of another front.
 */
int idem_wire_read_cbor(struct idem_wire_reader *reader, const void *bytes, size_t len,
                        idem_wire_window_fn *fn, void *arg, struct idem_wire_batch *out);
int idem_wire_read_json(struct idem_wire_reader *reader, const void *bytes, size_t len,
                        idem_wire_window_fn *fn, void *arg, struct idem_wire_batch *out);
/* Reads one window in CBOR, as idem_wire_write_window leaves it. *window is the reader's. */
int idem_wire_read_window(struct idem_wire_reader *reader, const void *bytes, size_t len,
                          uint32_t *seq, const struct idem_window **window);
/* What was wrong and where, in one English sentence, after a failed read. Never NULL. */
const char *idem_wire_reader_why(const struct idem_wire_reader *reader);

/* One window in CBOR, shortest form. front: the window's own. IDEM_ERR_LIMIT when cap is too
 * small. */
int idem_wire_write_window(const struct idem_front *front, const struct idem_window *window,
                           uint32_t seq, void *bytes, size_t cap, size_t *len);

/* With what a session's batches are sealed. */
struct idem_wire_seal {
    const struct idem_seal_key *key;
    uint8_t nonce[IDEM_SEAL_NONCE];
    uint8_t link[IDEM_SEAL_LINK]; /* of the last window that was acknowledged */
};

/* A batch is opened, given its windows, and closed. */
struct idem_wire_writer {
    uint8_t *bytes;
    size_t len, cap;
    const struct idem_front *front;
    const struct idem_wire_seal *seal; /* NULL: none */
    uint8_t link[IDEM_SEAL_LINK];      /* sealed: of the last window put */
    bool json;
    uint32_t windows, promised;
};

/* windows: how many will follow, 1..IDEM_WIRE_WINDOWS_MAX. clock_ms below nought: none. */
int idem_wire_batch_begin(struct idem_wire_writer *w, const struct idem_front *front, bool json,
                          uint32_t windows, int64_t clock_ms, void *bytes, size_t cap);
/* The same in CBOR and sealed; once the batch is acknowledged, w->link becomes seal->link. */
int idem_wire_batch_begin_sealed(struct idem_wire_writer *w, const struct idem_wire_seal *seal,
                                 const struct idem_front *front, uint32_t windows, int64_t clock_ms,
                                 void *bytes, size_t cap);
int idem_wire_batch_put(struct idem_wire_writer *w, const struct idem_window *window, uint32_t seq);
/* IDEM_ERR_INVALID when fewer windows came than promised. */
int idem_wire_batch_end(struct idem_wire_writer *w, size_t *len);

#endif
