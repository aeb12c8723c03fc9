/* SPDX-License-Identifier: Apache-2.0 */
/* jwt.c - see jwt.h: the parts of a token, its signature, then its claims, in this order. */
#include "server/jwt.h"

#include "server/jwt_parts.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { ES256_SIGNATURE = 64 };

struct part {
    const char *at;
    size_t len;
};

/* ------------------------------------------------------------------ parts */

static int split(const char *token, size_t len, struct part part[3])
{
    size_t at = 0;

    for (int i = 0; i < 3; i++) {
        const char *dot = memchr(token + at, '.', len - at);
        size_t end = dot != NULL ? (size_t)(dot - token) : len;
        if ((dot == NULL) != (i == 2))
            return IDEM_ERR_FORMAT;
        part[i] = (struct part){token + at, end - at};
        at = end + 1;
    }
    return IDEM_OK;
}

static int decode(const char *text, size_t text_len, uint8_t **bytes, size_t *len)
{
    const size_t cap = text_len / 4 * 3 + 3;
    uint8_t *out = malloc(cap);

    if (out == NULL)
        return IDEM_ERR_NOMEM;
    if (idem_jwt_base64(text, text_len, out, cap, len) != 0) {
        free(out);
        return IDEM_ERR_FORMAT;
    }
    *bytes = out;
    return IDEM_OK;
}

static json_t *object_of(const struct part *part)
{
    uint8_t *bytes;
    size_t len;

    if (decode(part->at, part->len, &bytes, &len) != 0)
        return NULL;
    json_t *json = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, NULL);
    free(bytes);
    if (json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && json_string_length(value) == strlen(text) &&
           strcmp(json_string_value(value), text) == 0;
}

/* ------------------------------------------------------------------ the signature */

static enum idem_jwt_fault read_header(const json_t *header, enum idem_jwk_kind *kind,
                                       const char **key_id)
{
    const json_t *algorithm = json_object_get(header, "alg");
    const json_t *type = json_object_get(header, "typ");
    const json_t *id = json_object_get(header, "kid");

    if (is_text(algorithm, "RS256"))
        *kind = IDEM_JWK_RSA;
    else if (is_text(algorithm, "ES256"))
        *kind = IDEM_JWK_P256;
    else
        return IDEM_JWT_ALGORITHM;
    if (json_object_get(header, "crit") != NULL || json_object_get(header, "b64") != NULL)
        return IDEM_JWT_ALGORITHM;
    /* access tokens and log-out tokens say so here, and are no identity tokens */
    if (type != NULL && !is_text(type, "JWT"))
        return IDEM_JWT_ALGORITHM;
    if (id != NULL && !json_is_string(id))
        return IDEM_JWT_FORM;
    *key_id = json_string_value(id);
    return IDEM_JWT_OK;
}

/* JOSE writes the two numbers of an ECDSA signature side by side; GnuTLS wants them in DER. */
static int verify_p256(gnutls_pubkey_t key, const gnutls_datum_t *data, uint8_t *raw, size_t len)
{
    const gnutls_datum_t r = {raw, ES256_SIGNATURE / 2}, s = {raw + ES256_SIGNATURE / 2, 32};
    gnutls_datum_t der;

    if (len != ES256_SIGNATURE || gnutls_encode_rs_value(&der, &r, &s) != 0)
        return IDEM_ERR_FORMAT;
    int rc = gnutls_pubkey_verify_data2(key, GNUTLS_SIGN_ECDSA_SHA256, 0, data, &der);
    gnutls_free(der.data);
    return rc < 0 ? IDEM_ERR_FORMAT : IDEM_OK;
}

static int verify_rsa(gnutls_pubkey_t key, const gnutls_datum_t *data, uint8_t *raw, size_t len)
{
    const gnutls_datum_t signature = {raw, (unsigned)len};
    int rc = gnutls_pubkey_verify_data2(key, GNUTLS_SIGN_RSA_SHA256, 0, data, &signature);
    return rc < 0 ? IDEM_ERR_FORMAT : IDEM_OK;
}

static enum idem_jwt_fault check_signature(const struct idem_jwk *key, const char *token,
                                           const struct part part[3])
{
    /* header, dot and payload as they stand in the token */
    const gnutls_datum_t data = {(uint8_t *)(uintptr_t)token,
                                 (unsigned)(part[1].at + part[1].len - token)};
    uint8_t *raw;
    size_t len;

    if (decode(part[2].at, part[2].len, &raw, &len) != 0)
        return IDEM_JWT_FORM;
    int err = key->kind == IDEM_JWK_RSA ? verify_rsa(key->key, &data, raw, len)
                                        : verify_p256(key->key, &data, raw, len);
    free(raw);
    return err == 0 ? IDEM_JWT_OK : IDEM_JWT_SIGNATURE;
}

static enum idem_jwt_fault check_source(const struct idem_jwks *keys, const char *token,
                                        const struct part part[3])
{
    const char *key_id = NULL;
    enum idem_jwk_kind kind = IDEM_JWK_RSA;
    json_t *header = object_of(&part[0]);

    if (header == NULL)
        return IDEM_JWT_FORM;
    enum idem_jwt_fault fault = read_header(header, &kind, &key_id);
    if (fault == IDEM_JWT_OK) {
        const struct idem_jwk *key = idem_jwks_find(keys, kind, key_id);
        fault = key != NULL ? check_signature(key, token, part) : IDEM_JWT_KEY;
    }
    json_decref(header);
    return fault;
}

/* ------------------------------------------------------------------ the claims */

/* One of several audiences needs "azp" to say who asked for the token. */
static enum idem_jwt_fault check_audience(const json_t *claims, const char *client)
{
    const json_t *audience = json_object_get(claims, "aud");
    const json_t *party = json_object_get(claims, "azp");
    bool found = is_text(audience, client);

    for (size_t i = 0; i < json_array_size(audience); i++)
        found = found || is_text(json_array_get(audience, i), client);
    if (!found || (party != NULL && !is_text(party, client)) ||
        (json_array_size(audience) > 1 && party == NULL))
        return IDEM_JWT_AUDIENCE;
    return IDEM_JWT_OK;
}

/* Seconds since 1970, within what a double holds exactly; -1: there is none. */
static int64_t time_of(const json_t *claims, const char *name)
{
    const json_t *value = json_object_get(claims, name);
    double number = json_is_number(value) ? json_number_value(value) : -1;

    return number >= 0 && number < 9007199254740992.0 ? (int64_t)number : -1;
}

static enum idem_jwt_fault check_times(const json_t *claims, int64_t now)
{
    int64_t expires = time_of(claims, "exp"), issued = time_of(claims, "iat");

    if (expires < 0 || expires + IDEM_JWT_SKEW_S <= now)
        return IDEM_JWT_EXPIRED;
    if (issued < 0 || issued > now + IDEM_JWT_SKEW_S ||
        issued + IDEM_JWT_AGE_S + IDEM_JWT_SKEW_S < now)
        return IDEM_JWT_EARLY;
    if (json_object_get(claims, "nbf") != NULL) {
        int64_t from = time_of(claims, "nbf");
        if (from < 0 || from > now + IDEM_JWT_SKEW_S)
            return IDEM_JWT_EARLY;
    }
    return IDEM_JWT_OK;
}

static bool is_nonce(const json_t *value, const char *nonce)
{
    size_t len = strlen(nonce);
    return json_is_string(value) && json_string_length(value) == len && len > 0 &&
           sodium_memcmp(json_string_value(value), nonce, len) == 0;
}

static bool is_subject(const json_t *value)
{
    return json_is_string(value) && json_string_length(value) > 0 &&
           json_string_length(value) <= IDEM_JWT_SUBJECT_MAX &&
           strlen(json_string_value(value)) == json_string_length(value);
}

static enum idem_jwt_fault check_claims(const json_t *claims, const struct idem_jwt_expect *expect)
{
    enum idem_jwt_fault fault;

    if (!is_text(json_object_get(claims, "iss"), expect->issuer))
        return IDEM_JWT_ISSUER;
    if ((fault = check_audience(claims, expect->client)) != IDEM_JWT_OK ||
        (fault = check_times(claims, expect->now_s)) != IDEM_JWT_OK)
        return fault;
    if (!is_nonce(json_object_get(claims, "nonce"), expect->nonce))
        return IDEM_JWT_NONCE;
    return is_subject(json_object_get(claims, "sub")) ? IDEM_JWT_OK : IDEM_JWT_SUBJECT;
}

enum idem_jwt_fault idem_jwt_verify(const struct idem_jwks *keys, const char *token, size_t len,
                                    const struct idem_jwt_expect *expect, json_t **claims)
{
    struct part part[3];

    if (len > IDEM_JWT_MAX || split(token, len, part) != 0)
        return IDEM_JWT_FORM;
    enum idem_jwt_fault fault = check_source(keys, token, part);
    if (fault != IDEM_JWT_OK)
        return fault;
    json_t *object = object_of(&part[1]);
    if (object == NULL)
        return IDEM_JWT_FORM;
    fault = check_claims(object, expect);
    if (fault == IDEM_JWT_OK)
        *claims = object;
    else
        json_decref(object);
    return fault;
}

const char *idem_jwt_fault_text(enum idem_jwt_fault fault)
{
    static const char *const texts[IDEM_JWT_FAULTS] = {
        [IDEM_JWT_OK] = "valid",
        [IDEM_JWT_FORM] = "not a token",
        [IDEM_JWT_ALGORITHM] = "neither RS256 nor ES256, or not an identity token",
        [IDEM_JWT_KEY] = "of a key that the provider does not publish",
        [IDEM_JWT_SIGNATURE] = "not signed by the provider",
        [IDEM_JWT_ISSUER] = "of another issuer",
        [IDEM_JWT_AUDIENCE] = "for another audience",
        [IDEM_JWT_EXPIRED] = "expired",
        [IDEM_JWT_EARLY] = "issued in the future, or long ago",
        [IDEM_JWT_NONCE] = "an answer to another log-in",
        [IDEM_JWT_SUBJECT] = "without a subject",
    };
    return texts[fault];
}
