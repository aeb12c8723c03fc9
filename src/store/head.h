/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.h - the head of a log (store/chain.h), signed, as one line of JSON that is kept where
 * whoever can change the data base cannot:
 *
 *   {"log":"audit","seq":57,"hash":"<64 hex>","at":"2026-01-31T10:00:00Z","key":"<16 hex>",
 *    "signature":"<128 hex>"}
 *
 * The signature is Ed25519 over log, seq, hash and at, one a line after "idem head 1". The key's
 * name is the beginning of its BLAKE2b hash. Only what is signed is believed: a head of a wrong key
 * or with one letter changed is refused, not left out.
 */
#ifndef IDEM_STORE_HEAD_H
#define IDEM_STORE_HEAD_H

#include "store/chain.h"

enum {
    IDEM_HEAD_PUBLIC = 32,
    IDEM_HEAD_SECRET = 64,
    IDEM_HEAD_SIGNATURE = 64,
    IDEM_HEAD_KEY_ID = 8,
    IDEM_HEAD_TIME = 20, /* characters */
    IDEM_HEAD_LINE_MAX = 512,
};

struct idem_head {
    char log[IDEM_CHAIN_NAME_MAX + 1];
    struct idem_chain_head at;
    char time[IDEM_HEAD_TIME + 1];
    uint8_t key_id[IDEM_HEAD_KEY_ID];
    uint8_t signature[IDEM_HEAD_SIGNATURE];
};

/* Both halves of the key, from the 32 bytes that are kept. */
void idem_head_keys(const uint8_t seed[32], uint8_t public_key[IDEM_HEAD_PUBLIC],
                    uint8_t secret_key[IDEM_HEAD_SECRET]);
void idem_head_key_id(const uint8_t public_key[IDEM_HEAD_PUBLIC], uint8_t id[IDEM_HEAD_KEY_ID]);

void idem_head_sign(const char *log, const struct idem_chain_head *at, int64_t now_ms,
                    const uint8_t secret_key[IDEM_HEAD_SECRET], struct idem_head *out);
/* IDEM_ERR_FORMAT: the signature is not of this key, or not of this head. */
int idem_head_verify(const struct idem_head *head, const uint8_t public_key[IDEM_HEAD_PUBLIC]);

/* The line, ended by a nought; its length. */
size_t idem_head_line(const struct idem_head *head, char line[IDEM_HEAD_LINE_MAX]);
/* From the first brace on: what syslog writes before it does not matter. IDEM_ERR_FORMAT. */
int idem_head_parse(const char *line, size_t len, struct idem_head *out);

#endif
