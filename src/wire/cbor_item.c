/* SPDX-License-Identifier: Apache-2.0 */
/* cbor_item.c - see cbor_item.h. */
#include "wire/cbor_item.h"

#include "idem/idem.h"

#include <cbor.h>
#include <stdbool.h>

static void on_integer(void *arg, uint64_t value, bool negative)
{
    struct idem_cbor_item *item = arg;
    if (value > INT64_MAX)
        return; /* stays OTHER */
    item->kind = IDEM_CBOR_INT;
    item->integer = negative ? -1 - (int64_t)value : (int64_t)value;
}

static void on_uint8(void *arg, uint8_t value)
{
    on_integer(arg, value, false);
}

static void on_uint16(void *arg, uint16_t value)
{
    on_integer(arg, value, false);
}

static void on_uint32(void *arg, uint32_t value)
{
    on_integer(arg, value, false);
}

static void on_uint64(void *arg, uint64_t value)
{
    on_integer(arg, value, false);
}

static void on_negint8(void *arg, uint8_t value)
{
    on_integer(arg, value, true);
}

static void on_negint16(void *arg, uint16_t value)
{
    on_integer(arg, value, true);
}

static void on_negint32(void *arg, uint32_t value)
{
    on_integer(arg, value, true);
}

static void on_negint64(void *arg, uint64_t value)
{
    on_integer(arg, value, true);
}

static void on_sized(void *arg, enum idem_cbor_kind kind, const uint8_t *bytes, size_t len)
{
    struct idem_cbor_item *item = arg;
    item->kind = kind;
    item->bytes = bytes;
    item->len = len;
}

static void on_bytes(void *arg, cbor_data bytes, size_t len)
{
    on_sized(arg, IDEM_CBOR_BYTES, bytes, len);
}

static void on_text(void *arg, cbor_data bytes, size_t len)
{
    on_sized(arg, IDEM_CBOR_TEXT, bytes, len);
}

static void on_array(void *arg, size_t len)
{
    on_sized(arg, IDEM_CBOR_ARRAY, NULL, len);
}

static void on_map(void *arg, size_t len)
{
    on_sized(arg, IDEM_CBOR_MAP, NULL, len);
}

static const struct cbor_callbacks callbacks = {
    .uint8 = on_uint8,
    .uint16 = on_uint16,
    .uint32 = on_uint32,
    .uint64 = on_uint64,
    .negint8 = on_negint8,
    .negint16 = on_negint16,
    .negint32 = on_negint32,
    .negint64 = on_negint64,
    .byte_string_start = cbor_null_byte_string_start_callback,
    .byte_string = on_bytes,
    .string = on_text,
    .string_start = cbor_null_string_start_callback,
    .indef_array_start = cbor_null_indef_array_start_callback,
    .array_start = on_array,
    .indef_map_start = cbor_null_indef_map_start_callback,
    .map_start = on_map,
    .tag = cbor_null_tag_callback,
    .float2 = cbor_null_float2_callback,
    .float4 = cbor_null_float4_callback,
    .float8 = cbor_null_float8_callback,
    .undefined = cbor_null_undefined_callback,
    .null = cbor_null_null_callback,
    .boolean = cbor_null_boolean_callback,
    .indef_break = cbor_null_indef_break_callback,
};

/*
 * A window is nearly all integers of one to three bytes (RFC 8949, section 3: major types 0 and 1,
 * argument in the first byte, or in one or two that follow). They are read here, because a call
 * and a call back for each is most of what decoding costs; a test holds both ways together.
 */
static bool short_integer(struct idem_cbor *c, struct idem_cbor_item *out)
{
    const uint8_t first = c->at[0], info = first & 0x1f;
    size_t len = info < 24 ? 1 : info == 24 ? 2 : 3;
    int64_t value = info;

    if (first >> 5 > 1 || info > 25 || (size_t)(c->end - c->at) < len)
        return false;
    if (len == 2)
        value = c->at[1];
    else if (len == 3)
        value = c->at[1] << 8 | c->at[2];
    out->kind = IDEM_CBOR_INT;
    out->integer = first >> 5 == 1 ? -1 - value : value;
    c->at += len;
    return true;
}

int idem_cbor_next(struct idem_cbor *c, struct idem_cbor_item *out)
{
    struct idem_cbor_item item = {.kind = IDEM_CBOR_OTHER};

    if (c->at == c->end)
        return IDEM_ERR_TRUNCATED;
    if (short_integer(c, out))
        return IDEM_OK;
    struct cbor_decoder_result r =
        cbor_stream_decode(c->at, (size_t)(c->end - c->at), &callbacks, &item);
    if (r.status == CBOR_DECODER_NEDATA)
        return IDEM_ERR_TRUNCATED;
    if (r.status != CBOR_DECODER_FINISHED || r.read == 0)
        return IDEM_ERR_FORMAT;
    c->at += r.read;
    *out = item;
    return IDEM_OK;
}
