/* SPDX-License-Identifier: Apache-2.0 */
/* sealed.c - see sealed.h. */
#include "store/sealed.h"

#include <sodium.h>
#include <string.h>

struct idem_seal_label idem_sealed_profile(const struct idem_store_profile *row,
                                           enum idem_seal_table which)
{
    struct idem_seal_label label = {
        .table = which, .organisation = row->organisation, .person = row->person};

    idem_seal_row(&label, &row->device_class, 1);
    idem_seal_row(&label, &row->modality, 1);
    idem_seal_row_number(&label, row->front);
    return label;
}

struct idem_seal_label idem_sealed_sketch(const struct idem_store_sketch *row)
{
    struct idem_seal_label label = {
        .table = IDEM_SEAL_SKETCH, .organisation = row->organisation, .person = row->person};

    idem_seal_row(&label, &row->modality, 1);
    idem_seal_row_number(&label, row->front);
    return label;
}

struct idem_seal_label idem_sealed_window(int64_t organisation, const uint8_t *person,
                                          const uint8_t session[IDEM_ID_BYTES], uint32_t seq)
{
    struct idem_seal_label label = {
        .table = IDEM_SEAL_WINDOW, .organisation = organisation, .person = person};

    idem_seal_row(&label, session, IDEM_ID_BYTES);
    idem_seal_row_number(&label, seq);
    return label;
}

struct idem_seal_label idem_sealed_name(int64_t organisation, const uint8_t *person)
{
    return (struct idem_seal_label){
        .table = IDEM_SEAL_NAME, .organisation = organisation, .person = person};
}

/* ------------------------------------------------------------------ profiles */

static void put_number(uint8_t *at, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

static uint64_t get_number(const uint8_t *at)
{
    uint64_t number = 0;
    for (int i = 7; i >= 0; i--)
        number = number << 8 | at[i];
    return number;
}

void idem_sealed_profile_seal(const uint8_t key[IDEM_SEAL_KEY_BYTES],
                              struct idem_store_profile *row, uint8_t *plain, uint8_t *bytes,
                              uint8_t *anchor)
{
    struct idem_seal_label label = idem_sealed_profile(row, IDEM_SEAL_PROFILE);
    const size_t len = IDEM_SEALED_DAY_BYTES + row->len;
    uint64_t strokes;

    memcpy(&strokes, &row->day_strokes, sizeof strokes);
    put_number(plain, (uint64_t)row->day);
    put_number(plain + 8, strokes);
    memcpy(plain + IDEM_SEALED_DAY_BYTES, row->bytes, row->len);
    idem_seal(key, &label, plain, len, bytes, &row->len);
    sodium_memzero(plain, len);
    row->bytes = bytes;
    row->day = 0;
    row->day_strokes = 0;
    if (row->anchor == NULL)
        return;
    label.table = IDEM_SEAL_ANCHOR;
    idem_seal(key, &label, row->anchor, row->anchor_len, anchor, &row->anchor_len);
    row->anchor = anchor;
}

int idem_sealed_profile_open(const uint8_t key[IDEM_SEAL_KEY_BYTES],
                             const struct idem_store_profile *row, uint8_t *bytes, uint8_t *anchor,
                             struct idem_store_profile *out)
{
    struct idem_seal_label label = idem_sealed_profile(row, IDEM_SEAL_PROFILE);
    struct idem_store_profile opened = *row;
    uint64_t strokes;
    int err = idem_unseal(key, &label, row->bytes, row->len, bytes, &opened.len);

    if (err == 0 && opened.len < IDEM_SEALED_DAY_BYTES)
        err = IDEM_ERR_FORMAT;
    label.table = IDEM_SEAL_ANCHOR;
    if (err == 0 && row->anchor_len > 0)
        err = idem_unseal(key, &label, row->anchor, row->anchor_len, anchor, &opened.anchor_len);
    if (err != 0)
        return err;
    opened.day = (int64_t)get_number(bytes);
    strokes = get_number(bytes + 8);
    memcpy(&opened.day_strokes, &strokes, sizeof strokes);
    opened.bytes = bytes + IDEM_SEALED_DAY_BYTES;
    opened.len -= IDEM_SEALED_DAY_BYTES;
    opened.anchor = row->anchor_len > 0 ? anchor : NULL;
    *out = opened;
    return IDEM_OK;
}
