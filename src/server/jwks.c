/* SPDX-License-Identifier: Apache-2.0 */
/* jwks.c - a provider's public keys (RFC 7517); see jwt.h. */
#include "server/jwt_parts.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
    MODULUS_MIN = 2048 / 8,
    MODULUS_MAX = 8192 / 8,
    EXPONENT_MAX = 8,
    COORDINATE = 32,
};

struct idem_jwks {
    unsigned count;
    struct idem_jwk keys[IDEM_JWKS_KEYS];
};

int idem_jwt_base64(const char *text, size_t text_len, uint8_t *out, size_t cap, size_t *len)
{
    const char *end = text;

    if (sodium_base642bin(out, cap, text, text_len, NULL, len, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        end != text + text_len)
        return IDEM_ERR_FORMAT;
    return IDEM_OK;
}

static bool says(const json_t *jwk, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(jwk, name));
    return text != NULL && strcmp(text, value) == 0;
}

static bool absent_or(const json_t *jwk, const char *name, const char *value)
{
    return json_object_get(jwk, name) == NULL || says(jwk, name, value);
}

static int number(const json_t *jwk, const char *name, uint8_t *out, size_t min, size_t max,
                  gnutls_datum_t *datum)
{
    const json_t *value = json_object_get(jwk, name);
    size_t len;

    if (!json_is_string(value) ||
        idem_jwt_base64(json_string_value(value), json_string_length(value), out, max, &len) != 0 ||
        len < min)
        return IDEM_ERR_FORMAT;
    *datum = (gnutls_datum_t){out, (unsigned)len};
    return IDEM_OK;
}

static int import_rsa(const json_t *jwk, gnutls_pubkey_t key)
{
    uint8_t modulus[MODULUS_MAX], exponent[EXPONENT_MAX];
    gnutls_datum_t m, e;

    if (number(jwk, "n", modulus, MODULUS_MIN, sizeof modulus, &m) != 0 ||
        number(jwk, "e", exponent, 1, sizeof exponent, &e) != 0)
        return IDEM_ERR_FORMAT;
    return gnutls_pubkey_import_rsa_raw(key, &m, &e) == 0 ? IDEM_OK : IDEM_ERR_FORMAT;
}

static int import_p256(const json_t *jwk, gnutls_pubkey_t key)
{
    uint8_t at[2][COORDINATE];
    gnutls_datum_t x, y;

    if (!says(jwk, "crv", "P-256") || number(jwk, "x", at[0], COORDINATE, COORDINATE, &x) != 0 ||
        number(jwk, "y", at[1], COORDINATE, COORDINATE, &y) != 0)
        return IDEM_ERR_FORMAT;
    return gnutls_pubkey_import_ecc_raw(key, GNUTLS_ECC_CURVE_SECP256R1, &x, &y) == 0
               ? IDEM_OK
               : IDEM_ERR_FORMAT;
}

/* IDEM_ERR_FORMAT: a key of another kind, for another use, or a bad one. */
static int read_key(const json_t *jwk, struct idem_jwk *out)
{
    const bool rsa = says(jwk, "kty", "RSA");
    const json_t *id = json_object_get(jwk, "kid");

    if ((!rsa && !says(jwk, "kty", "EC")) || !absent_or(jwk, "use", "sig") ||
        !absent_or(jwk, "alg", rsa ? "RS256" : "ES256") ||
        (id != NULL && json_string_length(id) > IDEM_JWK_ID_MAX))
        return IDEM_ERR_FORMAT;
    out->kind = rsa ? IDEM_JWK_RSA : IDEM_JWK_P256;
    out->has_id = json_is_string(id);
    strcpy(out->id, out->has_id ? json_string_value(id) : "");
    if (gnutls_pubkey_init(&out->key) != 0)
        return IDEM_ERR_NOMEM;
    int err = rsa ? import_rsa(jwk, out->key) : import_p256(jwk, out->key);
    if (err != 0)
        gnutls_pubkey_deinit(out->key);
    return err;
}

static int read_keys(const json_t *list, struct idem_jwks *keys)
{
    if (!json_is_array(list))
        return IDEM_ERR_FORMAT;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (keys->count == IDEM_JWKS_KEYS)
            return IDEM_ERR_LIMIT;
        int err = read_key(json_array_get(list, i), &keys->keys[keys->count]);
        if (err == IDEM_ERR_NOMEM)
            return err;
        keys->count += err == 0;
    }
    return IDEM_OK;
}

int idem_jwks_parse(const char *json, size_t len, struct idem_jwks **out)
{
    if (len > IDEM_JWKS_MAX)
        return IDEM_ERR_LIMIT;
    struct idem_jwks *keys = calloc(1, sizeof *keys);
    if (keys == NULL)
        return IDEM_ERR_NOMEM;
    json_t *set = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
    int err = read_keys(json_object_get(set, "keys"), keys);
    json_decref(set);
    if (err != 0) {
        idem_jwks_free(keys);
        return err;
    }
    *out = keys;
    return IDEM_OK;
}

void idem_jwks_free(struct idem_jwks *keys)
{
    if (keys == NULL)
        return;
    for (unsigned i = 0; i < keys->count; i++)
        gnutls_pubkey_deinit(keys->keys[i].key);
    free(keys);
}

unsigned idem_jwks_count(const struct idem_jwks *keys)
{
    return keys->count;
}

const struct idem_jwk *idem_jwks_find(const struct idem_jwks *keys, enum idem_jwk_kind kind,
                                      const char *id)
{
    const struct idem_jwk *found = NULL;

    for (unsigned i = 0; i < keys->count; i++) {
        const struct idem_jwk *key = &keys->keys[i];
        if (key->kind != kind)
            continue;
        if (id != NULL && key->has_id && strcmp(key->id, id) == 0)
            return key;
        if (id == NULL) {
            if (found != NULL)
                return NULL; /* which one is not said */
            found = key;
        }
    }
    return found;
}
