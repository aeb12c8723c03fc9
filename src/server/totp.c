/* SPDX-License-Identifier: Apache-2.0 */
/* totp.c - see totp.h. */
#include "server/totp.h"

#include "idem/idem.h"

#include <gnutls/crypto.h>
#include <sodium.h>
#include <string.h>

enum { MODULUS = 1000000, SHA1_BYTES = 20 };

uint32_t idem_totp_code(const uint8_t secret[IDEM_TOTP_SECRET], int64_t step)
{
    uint8_t counter[8], mac[SHA1_BYTES];

    for (int i = 0; i < 8; i++)
        counter[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
    if (gnutls_hmac_fast(GNUTLS_MAC_SHA1, secret, IDEM_TOTP_SECRET, counter, sizeof counter, mac) !=
        0)
        return MODULUS; /* a library that may not do SHA-1: no code is right */
    /* RFC 4226, 5.3: four bytes from where the last half-byte points, without the sign */
    const uint8_t *at = mac + (mac[SHA1_BYTES - 1] & 0x0f);
    uint32_t number = ((uint32_t)(at[0] & 0x7f) << 24) | ((uint32_t)at[1] << 16) |
                      ((uint32_t)at[2] << 8) | (uint32_t)at[3];
    sodium_memzero(mac, sizeof mac);
    return number % MODULUS;
}

static int parse(const char *code, uint32_t *out)
{
    uint32_t number = 0;

    if (strlen(code) != IDEM_TOTP_DIGITS)
        return IDEM_ERR_INVALID;
    for (; *code != '\0'; code++) {
        if (*code < '0' || *code > '9')
            return IDEM_ERR_INVALID;
        number = number * 10 + (uint32_t)(*code - '0');
    }
    *out = number;
    return IDEM_OK;
}

int idem_totp_check(const uint8_t secret[IDEM_TOTP_SECRET], const char *code, int64_t now_ms,
                    int64_t last, int64_t *step)
{
    const int64_t now = now_ms / IDEM_TOTP_STEP_MS;
    int64_t found = -1;
    uint32_t number;

    int err = parse(code, &number);
    if (err != 0)
        return err;
    for (int64_t at = now - IDEM_TOTP_DRIFT; at <= now + IDEM_TOTP_DRIFT; at++)
        if (at >= 0 && at > last && found < 0 && idem_totp_code(secret, at) == number)
            found = at;
    if (found < 0)
        return IDEM_ERR_INVALID;
    *step = found;
    return IDEM_OK;
}

void idem_totp_text(const uint8_t secret[IDEM_TOTP_SECRET], char text[IDEM_TOTP_TEXT + 1])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    for (int i = 0; i < IDEM_TOTP_TEXT; i++) {
        int bit = 5 * i, at = bit / 8;
        unsigned pair = (unsigned)secret[at] << 8;
        if (at + 1 < IDEM_TOTP_SECRET)
            pair |= secret[at + 1];
        text[i] = letters[pair >> (11 - bit % 8) & 31];
    }
    text[IDEM_TOTP_TEXT] = '\0';
}

static void put_escaped(struct idem_text *t, const char *label)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

    for (; *label != '\0'; label++) {
        if (strchr(plain, *label) != NULL)
            idem_text_bytes(t, label, 1);
        else
            idem_text_fmt(t, "%%%02X", (unsigned)(uint8_t)*label);
    }
}

void idem_totp_uri(struct idem_text *t, const char *label, const uint8_t secret[IDEM_TOTP_SECRET])
{
    char text[IDEM_TOTP_TEXT + 1];

    idem_totp_text(secret, text);
    idem_text_put(t, "otpauth://totp/idem:");
    put_escaped(t, label);
    idem_text_fmt(t, "?secret=%s&issuer=idem&algorithm=SHA1&digits=%d&period=%d", text,
                  IDEM_TOTP_DIGITS, IDEM_TOTP_STEP_MS / 1000);
    sodium_memzero(text, sizeof text);
}
