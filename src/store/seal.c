/* SPDX-License-Identifier: Apache-2.0 */
/* seal.c - see seal.h. */
#include "store/seal.h"

#include <sodium.h>
#include <string.h>

enum {
    VERSION = 1,
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    NONCES = 170, /* drawn at once */
    LABEL_MAX = 1 + 8 + IDEM_SEAL_PERSON_BYTES + IDEM_SEAL_ROW_MAX,
};

_Static_assert(IDEM_SEAL_OVERHEAD == 1 + NONCE + TAG, "seal.h states the overhead");
_Static_assert(IDEM_SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "and the key");

static _Thread_local struct {
    size_t left;
    uint8_t bytes[NONCES * NONCE];
} drawn;

static void draw_nonce(uint8_t *out)
{
    if (drawn.left == 0) {
        randombytes_buf(drawn.bytes, sizeof drawn.bytes);
        drawn.left = NONCES;
    }
    memcpy(out, drawn.bytes + --drawn.left * NONCE, NONCE);
}

static void put_number(uint8_t *at, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(number >> 8 * i);
}

void idem_seal_row(struct idem_seal_label *label, const void *bytes, size_t len)
{
    if (len > sizeof label->row - label->row_len)
        len = sizeof label->row - label->row_len;
    memcpy(label->row + label->row_len, bytes, len);
    label->row_len += len;
}

void idem_seal_row_number(struct idem_seal_label *label, uint64_t number)
{
    uint8_t bytes[8];

    put_number(bytes, number);
    idem_seal_row(label, bytes, sizeof bytes);
}

/* All but the row are of fixed length, so no two labels are written alike. */
static size_t write_label(const struct idem_seal_label *label, uint8_t out[LABEL_MAX])
{
    out[0] = (uint8_t)label->table;
    put_number(out + 1, (uint64_t)label->organisation);
    memcpy(out + 9, label->person, IDEM_SEAL_PERSON_BYTES);
    memcpy(out + 9 + IDEM_SEAL_PERSON_BYTES, label->row, label->row_len);
    return 9 + IDEM_SEAL_PERSON_BYTES + label->row_len;
}

void idem_seal(const uint8_t key[IDEM_SEAL_KEY_BYTES], const struct idem_seal_label *label,
               const void *bytes, size_t len, uint8_t *out, size_t *out_len)
{
    uint8_t said[LABEL_MAX];
    const size_t said_len = write_label(label, said);

    out[0] = VERSION;
    draw_nonce(out + 1);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + 1 + NONCE, NULL, bytes, len, said, said_len,
                                               NULL, out + 1, key);
    *out_len = len + IDEM_SEAL_OVERHEAD;
}

int idem_unseal(const uint8_t key[IDEM_SEAL_KEY_BYTES], const struct idem_seal_label *label,
                const void *bytes, size_t len, uint8_t *out, size_t *out_len)
{
    const uint8_t *sealed = bytes;
    uint8_t said[LABEL_MAX];
    const size_t said_len = write_label(label, said);

    if (len < IDEM_SEAL_OVERHEAD || sealed[0] != VERSION)
        return IDEM_ERR_FORMAT;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed + 1 + NONCE,
                                                   len - 1 - NONCE, said, said_len, sealed + 1,
                                                   key) != 0)
        return IDEM_ERR_FORMAT;
    *out_len = len - IDEM_SEAL_OVERHEAD;
    return IDEM_OK;
}
