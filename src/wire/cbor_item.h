/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor_item.h - CBOR one item at a time: libcbor's streaming decoder, which calls back, turned into
 * a reader that is asked. Nothing is allocated; a string is a view into the bytes. Items that the
 * wire format has no use for (floats, tags, indefinite lengths, simple values) come out as
 * IDEM_CBOR_OTHER. Private to src/wire.
 */
#ifndef IDEM_WIRE_CBOR_ITEM_H
#define IDEM_WIRE_CBOR_ITEM_H

#include <stddef.h>
#include <stdint.h>

enum idem_cbor_kind {
    IDEM_CBOR_INT,
    IDEM_CBOR_BYTES,
    IDEM_CBOR_TEXT,
    IDEM_CBOR_ARRAY,
    IDEM_CBOR_MAP,
    IDEM_CBOR_OTHER
};

struct idem_cbor_item {
    enum idem_cbor_kind kind;
    int64_t integer;
    const uint8_t *bytes; /* BYTES, TEXT */
    size_t len;           /* BYTES, TEXT: bytes; ARRAY: items; MAP: pairs. As claimed by the peer */
};

struct idem_cbor {
    const uint8_t *at, *end;
};

/* The next item. IDEM_ERR_TRUNCATED or IDEM_ERR_FORMAT; an integer beyond int64 is OTHER. */
int idem_cbor_next(struct idem_cbor *c, struct idem_cbor_item *out);

#endif
