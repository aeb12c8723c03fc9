/* SPDX-License-Identifier: Apache-2.0 */
/* seal.c - see seal.h. */
#include "wire/seal.h"

#include "base/bytes.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(IDEM_SEAL_SEED == crypto_sign_SEEDBYTES, "Ed25519");
_Static_assert(IDEM_SEAL_SECRET == crypto_sign_SECRETKEYBYTES, "Ed25519");
_Static_assert(IDEM_SEAL_PUBLIC == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(IDEM_SEAL_SIGNATURE == crypto_sign_BYTES, "Ed25519");

/* ------------------------------------------------------------------ keys and signatures */

void idem_seal_key_make(const uint8_t seed[IDEM_SEAL_SEED], struct idem_seal_key *out)
{
    if (sodium_init() < 0) /* again is harmless; without random numbers there is no going on */
        abort();
    if (seed != NULL)
        crypto_sign_seed_keypair(out->public, out->secret, seed);
    else
        crypto_sign_keypair(out->public, out->secret);
}

void idem_seal_sign(const struct idem_seal_key *key, const struct idem_seal_message *message,
                    uint8_t signature[IDEM_SEAL_SIGNATURE])
{
    crypto_sign_detached(signature, NULL, message->bytes, message->len, key->secret);
}

bool idem_seal_good(const uint8_t public[IDEM_SEAL_PUBLIC], const struct idem_seal_message *message,
                    const uint8_t signature[IDEM_SEAL_SIGNATURE])
{
    return crypto_sign_verify_detached(signature, message->bytes, message->len, public) == 0;
}

/* ------------------------------------------------------------------ statements */

/* A name of its own, ended by its nought. */
static void begin(struct idem_writer *w, struct idem_seal_message *m, const char *name)
{
    idem_writer_init(w, m->bytes, sizeof m->bytes);
    idem_write_bytes(w, name, strlen(name) + 1);
}

static void put_text(struct idem_writer *w, const char *text)
{
    size_t len = strlen(text);

    if (len > IDEM_SEAL_TEXT_MAX) {
        w->err = IDEM_ERR_LIMIT;
        return;
    }
    idem_write_u8(w, (uint8_t)len);
    idem_write_bytes(w, text, len);
}

static int end(const struct idem_writer *w, struct idem_seal_message *m)
{
    m->len = w->err == 0 ? w->len : 0;
    return w->err;
}

int idem_seal_registration(const uint8_t code_hash[IDEM_SEAL_CODE_HASH],
                           const uint8_t public[IDEM_SEAL_PUBLIC], const char *host,
                           struct idem_seal_message *out)
{
    struct idem_writer w;

    begin(&w, out, "idem registration 1");
    idem_write_bytes(&w, code_hash, IDEM_SEAL_CODE_HASH);
    idem_write_bytes(&w, public, IDEM_SEAL_PUBLIC);
    put_text(&w, host);
    return end(&w, out);
}

int idem_seal_opening(const struct idem_seal_opening *o, struct idem_seal_message *out)
{
    struct idem_writer w;

    begin(&w, out, "idem opening 1");
    idem_write_bytes(&w, o->nonce, sizeof o->nonce);
    put_text(&w, o->host);
    idem_write_u64(&w, (uint64_t)o->seat);
    put_text(&w, o->person);
    put_text(&w, o->job);
    idem_write_u64(&w, (uint64_t)o->time_ms);
    idem_write_bytes(&w, o->instance, sizeof o->instance);
    idem_write_u8(&w, o->start);
    return end(&w, out);
}

static void put_counted(const char *name, const uint8_t nonce[IDEM_SEAL_NONCE], uint32_t counter,
                        struct idem_seal_message *out)
{
    struct idem_writer w;

    begin(&w, out, name);
    idem_write_bytes(&w, nonce, IDEM_SEAL_NONCE);
    idem_write_u32(&w, counter);
    end(&w, out);
}

void idem_seal_renewal(const uint8_t nonce[IDEM_SEAL_NONCE], uint32_t counter,
                       struct idem_seal_message *out)
{
    put_counted("idem renewal 1", nonce, counter, out);
}

void idem_seal_binding(const uint8_t nonce[IDEM_SEAL_NONCE], uint32_t counter,
                       struct idem_seal_message *out)
{
    put_counted("idem binding 1", nonce, counter, out);
}

void idem_seal_strong(const uint8_t nonce[IDEM_SEAL_NONCE], uint32_t counter,
                      struct idem_seal_message *out)
{
    put_counted("idem strong authentication 1", nonce, counter, out);
}

void idem_seal_pause(const uint8_t nonce[IDEM_SEAL_NONCE], uint32_t counter, uint32_t seconds,
                     struct idem_seal_message *out)
{
    struct idem_writer w;

    begin(&w, out, "idem pause 1");
    idem_write_bytes(&w, nonce, IDEM_SEAL_NONCE);
    idem_write_u32(&w, counter);
    idem_write_u32(&w, seconds);
    end(&w, out);
}

int idem_seal_acknowledgement(const uint8_t nonce[IDEM_SEAL_NONCE], const char *version,
                              struct idem_seal_message *out)
{
    struct idem_writer w;

    begin(&w, out, "idem acknowledgement 1");
    idem_write_bytes(&w, nonce, IDEM_SEAL_NONCE);
    put_text(&w, version);
    return end(&w, out);
}

void idem_seal_windows(const uint8_t link[IDEM_SEAL_LINK], struct idem_seal_message *out)
{
    struct idem_writer w;

    begin(&w, out, "idem windows 1");
    idem_write_bytes(&w, link, IDEM_SEAL_LINK);
    end(&w, out);
}

/* ------------------------------------------------------------------ the chain */

static void put_number(crypto_generichash_state *h, uint32_t number)
{
    uint8_t bytes[4];
    struct idem_writer w;

    idem_writer_init(&w, bytes, sizeof bytes);
    idem_write_u32(&w, number);
    crypto_generichash_update(h, bytes, sizeof bytes);
}

void idem_seal_first(const uint8_t nonce[IDEM_SEAL_NONCE], uint8_t link[IDEM_SEAL_LINK])
{
    static const uint8_t name[] = "idem chain 1";
    crypto_generichash_state h;

    crypto_generichash_init(&h, NULL, 0, IDEM_SEAL_LINK);
    crypto_generichash_update(&h, name, sizeof name);
    crypto_generichash_update(&h, nonce, IDEM_SEAL_NONCE);
    crypto_generichash_final(&h, link, IDEM_SEAL_LINK);
}

void idem_seal_next(const uint8_t nonce[IDEM_SEAL_NONCE], uint32_t seq, const void *window,
                    size_t len, uint8_t link[IDEM_SEAL_LINK])
{
    static const uint8_t name[] = "idem window 1";
    crypto_generichash_state h;

    crypto_generichash_init(&h, NULL, 0, IDEM_SEAL_LINK);
    crypto_generichash_update(&h, name, sizeof name);
    crypto_generichash_update(&h, nonce, IDEM_SEAL_NONCE);
    put_number(&h, seq);
    crypto_generichash_update(&h, link, IDEM_SEAL_LINK);
    crypto_generichash_update(&h, window, len); /* last, so its length needs no saying */
    crypto_generichash_final(&h, link, IDEM_SEAL_LINK);
}

/* ------------------------------------------------------------------ enrolment codes */

enum { CODE_CHARACTERS = 25, CODE_GROUP = 5 };

/* Crockford's base 32: no I, L, O, U. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void idem_seal_code_new(char *text)
{
    for (int i = 0; i < CODE_CHARACTERS; i++) {
        if (i > 0 && i % CODE_GROUP == 0)
            *text++ = '-';
        *text++ = alphabet[randombytes_uniform(sizeof alphabet - 1)];
    }
    *text = '\0';
}

/* The character as the alphabet has it, or nought. */
static char canonical(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        return '0';
    if (c == 'I' || c == 'L')
        return '1';
    return c != '\0' && strchr(alphabet, c) != NULL ? c : '\0';
}

int idem_seal_code_hash(const char *text, uint8_t hash[IDEM_SEAL_CODE_HASH])
{
    static const char name[] = "idem code 1";
    char message[sizeof name + CODE_CHARACTERS];
    size_t n = 0;

    memcpy(message, name, sizeof name);
    for (; *text != '\0'; text++) {
        if (*text == '-' || *text == ' ')
            continue;
        char c = canonical(*text);
        if (c == '\0' || n == CODE_CHARACTERS)
            return IDEM_ERR_FORMAT;
        message[sizeof name + n++] = c;
    }
    if (n != CODE_CHARACTERS)
        return IDEM_ERR_FORMAT;
    crypto_generichash(hash, IDEM_SEAL_CODE_HASH, (const uint8_t *)message, sizeof message, NULL,
                       0);
    sodium_memzero(message, sizeof message);
    return IDEM_OK;
}

/* ------------------------------------------------------------------ text */

void idem_seal_text(const uint8_t *bytes, size_t len, char *text)
{
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    sodium_bin2base64(text, sodium_base64_encoded_len(len, variant), bytes, len, variant);
}

int idem_seal_parse(const char *text, uint8_t *bytes, size_t len)
{
    static const char alphabet64[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    size_t n = 0, characters = strlen(text);

    /* libsodium takes some bytes that are no characters at all for one */
    if (strspn(text, alphabet64) != characters ||
        characters != sodium_base64_encoded_len(len, variant) - 1 ||
        sodium_base642bin(bytes, len, text, characters, NULL, &n, NULL, variant) != 0 || n != len)
        return IDEM_ERR_FORMAT;
    return IDEM_OK;
}
