/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_jwt.c - identity tokens: one good one of each algorithm, and everything that makes one bad,
 * each with the reason that is given. Keys are made here.
 */
#include "server/jwt.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1800000000, TEXT = 8192, PART = 2048 };

static gnutls_privkey_t rsa, other_rsa, p256;
static struct idem_jwks *keys;
static const struct idem_jwt_expect expect = {"https://op.example", "idem", "nonce-1", NOW};

static void base64(const void *bytes, size_t len, char *out)
{
    assert_true(len < PART / 2);
    sodium_bin2base64(out, PART, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static gnutls_privkey_t make_key(gnutls_pk_algorithm_t kind, unsigned bits)
{
    gnutls_privkey_t key;
    assert_int_equal(gnutls_privkey_init(&key), 0);
    assert_int_equal(gnutls_privkey_generate(key, kind, bits, 0), 0);
    return key;
}

/* A number without the noughts in front, or filled up to len bytes. */
static void number(const gnutls_datum_t *datum, size_t len, char *out)
{
    uint8_t bytes[1024] = {0};
    size_t skip = 0;
    while (skip < datum->size && datum->data[skip] == 0)
        skip++;
    size_t n = datum->size - skip, pad = len > n ? len - n : 0;
    memcpy(bytes + pad, datum->data + skip, n);
    base64(bytes, n + pad, out);
}

static void rsa_jwk(gnutls_privkey_t key, const char *id, char *out)
{
    gnutls_datum_t m, e;
    char n_text[PART], e_text[PART];
    assert_int_equal(gnutls_privkey_export_rsa_raw(key, &m, &e, NULL, NULL, NULL, NULL, NULL, NULL),
                     0);
    number(&m, 0, n_text);
    number(&e, 0, e_text);
    snprintf(out, TEXT,
             "{\"kty\":\"RSA\",\"use\":\"sig\",\"kid\":\"%s\",\"n\":\"%s\",\"e\":\"%s\"}", id,
             n_text, e_text);
    gnutls_free(m.data);
    gnutls_free(e.data);
}

static void p256_jwk(gnutls_privkey_t key, const char *id, char *out)
{
    gnutls_datum_t x, y;
    gnutls_ecc_curve_t curve;
    char x_text[PART], y_text[PART];
    assert_int_equal(gnutls_privkey_export_ecc_raw(key, &curve, &x, &y, NULL), 0);
    number(&x, 32, x_text);
    number(&y, 32, y_text);
    snprintf(out, TEXT,
             "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}", id,
             x_text, y_text);
    gnutls_free(x.data);
    gnutls_free(y.data);
}

static int make(void **state)
{
    static char one[TEXT], two[TEXT], set[2 * TEXT + 64];
    (void)state;
    rsa = make_key(GNUTLS_PK_RSA, 2048);
    other_rsa = make_key(GNUTLS_PK_RSA, 2048);
    p256 = make_key(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
    rsa_jwk(rsa, "r1", one);
    p256_jwk(p256, "e1", two);
    snprintf(set, sizeof set, "{\"keys\":[%s,%s,{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", one, two);
    assert_int_equal(idem_jwks_parse(set, strlen(set), &keys), 0);
    assert_int_equal(idem_jwks_count(keys), 2);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    idem_jwks_free(keys);
    gnutls_privkey_deinit(rsa);
    gnutls_privkey_deinit(other_rsa);
    gnutls_privkey_deinit(p256);
    return 0;
}

static void sign(gnutls_privkey_t key, char *token)
{
    const gnutls_datum_t data = {(uint8_t *)token, (unsigned)strlen(token)};
    gnutls_datum_t der, r, s;
    char text[TEXT];
    if (key == p256) {
        char half[TEXT];
        assert_int_equal(gnutls_privkey_sign_data2(key, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &der),
                         0);
        assert_int_equal(gnutls_decode_rs_value(&der, &r, &s), 0);
        uint8_t raw[64];
        size_t len;
        number(&r, 32, half);
        sodium_base642bin(raw, 32, half, strlen(half), NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        number(&s, 32, half);
        sodium_base642bin(raw + 32, 32, half, strlen(half), NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        base64(raw, sizeof raw, text);
        gnutls_free(r.data);
        gnutls_free(s.data);
    } else {
        assert_int_equal(gnutls_privkey_sign_data2(key, GNUTLS_SIGN_RSA_SHA256, 0, &data, &der), 0);
        base64(der.data, der.size, text);
    }
    gnutls_free(der.data);
    strcat(strcat(token, "."), text);
}

static void make_token(gnutls_privkey_t key, const char *header, const char *claims, char *token)
{
    char text[TEXT];
    base64(header, strlen(header), token);
    base64(claims, strlen(claims), text);
    strcat(strcat(token, "."), text);
    sign(key, token);
}

static enum idem_jwt_fault verify(gnutls_privkey_t key, const char *header, const char *claims)
{
    static char token[4 * TEXT];
    json_t *out = NULL;
    make_token(key, header, claims, token);
    enum idem_jwt_fault fault = idem_jwt_verify(keys, token, strlen(token), &expect, &out);
    assert_true((fault == IDEM_JWT_OK) == (out != NULL));
    json_decref(out);
    return fault;
}

static const char rs256[] = "{\"alg\":\"RS256\",\"kid\":\"r1\"}";
static const char es256[] = "{\"alg\":\"ES256\",\"kid\":\"e1\",\"typ\":\"JWT\"}";

#define WHO   "\"iss\":\"https://op.example\",\"sub\":\"s-1\","
#define AIM   "\"aud\":\"idem\","
#define FRESH "\"exp\":1800000300,\"iat\":1799999990,"
#define NONCE "\"nonce\":\"nonce-1\""

static void good_tokens(void **state)
{
    (void)state;
    assert_int_equal(verify(rsa, rs256, "{" WHO AIM FRESH NONCE "}"), IDEM_JWT_OK);
    for (int i = 0; i < 50; i++) /* numbers with noughts in front come up */
        assert_int_equal(verify(p256, es256, "{" WHO AIM FRESH NONCE "}"), IDEM_JWT_OK);
    assert_int_equal(verify(rsa, "{\"alg\":\"RS256\"}", "{" WHO AIM FRESH NONCE "}"), IDEM_JWT_OK);
    assert_int_equal(verify(rsa, rs256, "{" WHO "\"aud\":[\"idem\"]," FRESH NONCE "}"),
                     IDEM_JWT_OK);
    assert_int_equal(
        verify(rsa, rs256, "{" WHO "\"aud\":[\"x\",\"idem\"],\"azp\":\"idem\"," FRESH NONCE "}"),
        IDEM_JWT_OK);
}

static void algorithms(void **state)
{
    static const char claims[] = "{" WHO AIM FRESH NONCE "}";
    static const char *const headers[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"None\",\"kid\":\"r1\"}",
        "{\"alg\":\"HS256\",\"kid\":\"r1\"}",
        "{\"alg\":\"RS512\",\"kid\":\"r1\"}",
        "{\"alg\":\"PS256\",\"kid\":\"r1\"}",
        "{\"kid\":\"r1\"}",
        "{\"alg\":[\"RS256\"],\"kid\":\"r1\"}",
        "{\"alg\":\"RS256\",\"kid\":\"r1\",\"crit\":[\"x\"]}",
        "{\"alg\":\"RS256\",\"kid\":\"r1\",\"b64\":false}",
        "{\"alg\":\"RS256\",\"kid\":\"r1\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"RS256\",\"kid\":\"r1\",\"typ\":\"logout+jwt\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        assert_int_equal(verify(rsa, headers[i], claims), IDEM_JWT_ALGORITHM);
    assert_int_equal(verify(rsa, "{\"alg\":\"RS256\",\"kid\":7}", claims), IDEM_JWT_FORM);
}

/* A public key as the secret of an HMAC, an algorithm of one kind with the key of the other. */
static void keys_and_signatures(void **state)
{
    static const char claims[] = "{" WHO AIM FRESH NONCE "}";
    (void)state;
    assert_int_equal(verify(other_rsa, rs256, claims), IDEM_JWT_SIGNATURE);
    assert_int_equal(verify(rsa, "{\"alg\":\"RS256\",\"kid\":\"r2\"}", claims), IDEM_JWT_KEY);
    assert_int_equal(verify(rsa, "{\"alg\":\"ES256\",\"kid\":\"r1\"}", claims), IDEM_JWT_KEY);
    assert_int_equal(verify(rsa, "{\"alg\":\"ES256\",\"kid\":\"e1\"}", claims), IDEM_JWT_SIGNATURE);
    assert_int_equal(verify(p256, rs256, claims), IDEM_JWT_SIGNATURE);
}

static void one_changed_character(void **state)
{
    static char token[4 * TEXT];
    json_t *out = NULL;
    (void)state;
    make_token(p256, es256, "{" WHO AIM FRESH NONCE "}", token);
    size_t len = strlen(token);
    for (size_t i = 0; i < len; i++) {
        char before = token[i];
        token[i] = before == 'A' ? 'Q' : 'A'; /* differ in a bit that counts at every place */
        assert_int_not_equal(idem_jwt_verify(keys, token, len, &expect, &out), IDEM_JWT_OK);
        token[i] = before;
    }
    for (size_t i = 0; i < len; i++)
        assert_int_not_equal(idem_jwt_verify(keys, token, i, &expect, &out), IDEM_JWT_OK);
    assert_int_equal(idem_jwt_verify(keys, token, len, &expect, &out), IDEM_JWT_OK);
    json_decref(out);
}

static void claims_are_checked(void **state)
{
    static const struct {
        const char *claims;
        enum idem_jwt_fault fault;
    } rows[] = {
        {"{\"iss\":\"https://op.example/\",\"sub\":\"s\"," AIM FRESH NONCE "}", IDEM_JWT_ISSUER},
        {"{\"sub\":\"s\"," AIM FRESH NONCE "}", IDEM_JWT_ISSUER},
        {"{" WHO "\"aud\":\"other\"," FRESH NONCE "}", IDEM_JWT_AUDIENCE},
        {"{" WHO "\"aud\":[]," FRESH NONCE "}", IDEM_JWT_AUDIENCE},
        {"{" WHO FRESH NONCE "}", IDEM_JWT_AUDIENCE},
        {"{" WHO "\"aud\":[\"idem\",\"x\"]," FRESH NONCE "}", IDEM_JWT_AUDIENCE},
        {"{" WHO AIM "\"azp\":\"x\"," FRESH NONCE "}", IDEM_JWT_AUDIENCE},
        {"{" WHO "\"aud\":\"idem\\u0000x\"," FRESH NONCE "}", IDEM_JWT_FORM},
        {"{" WHO AIM "\"exp\":1799999940,\"iat\":1799999000," NONCE "}", IDEM_JWT_EXPIRED},
        {"{" WHO AIM "\"iat\":1799999990," NONCE "}", IDEM_JWT_EXPIRED},
        {"{" WHO AIM "\"exp\":\"1900000000\",\"iat\":1799999990," NONCE "}", IDEM_JWT_EXPIRED},
        {"{" WHO AIM "\"exp\":1e300,\"iat\":1799999990," NONCE "}", IDEM_JWT_EXPIRED},
        {"{" WHO AIM "\"exp\":1800000300,\"iat\":1800000061," NONCE "}", IDEM_JWT_EARLY},
        {"{" WHO AIM "\"exp\":1800000300,\"iat\":1799999000," NONCE "}", IDEM_JWT_EARLY},
        {"{" WHO AIM "\"exp\":1800000300," NONCE "}", IDEM_JWT_EARLY},
        {"{" WHO AIM "\"nbf\":1800000100," FRESH NONCE "}", IDEM_JWT_EARLY},
        {"{" WHO AIM FRESH "\"nonce\":\"nonce-2\"}", IDEM_JWT_NONCE},
        {"{" WHO AIM FRESH "\"x\":1}", IDEM_JWT_NONCE},
        {"{\"iss\":\"https://op.example\"," AIM FRESH NONCE "}", IDEM_JWT_SUBJECT},
        {"{\"iss\":\"https://op.example\",\"sub\":\"\"," AIM FRESH NONCE "}", IDEM_JWT_SUBJECT},
        {"{\"iss\":\"https://op.example\",\"sub\":7," AIM FRESH NONCE "}", IDEM_JWT_SUBJECT},
        {"[1]", IDEM_JWT_FORM},
        {"{" WHO WHO AIM FRESH NONCE "}", IDEM_JWT_FORM}, /* a name twice */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(verify(rsa, rs256, rows[i].claims), rows[i].fault);
}

static void what_is_no_token(void **state)
{
    static const char *const texts[] = {"", ".", "..", "...", "a.b", "e30.e30.", "e30.e30.e30.e30"};
    json_t *out = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_not_equal(idem_jwt_verify(keys, texts[i], strlen(texts[i]), &expect, &out),
                             IDEM_JWT_OK);
}

static void sets_of_keys(void **state)
{
    static const char *const bad[] = {"", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]"};
    struct idem_jwks *set = NULL;
    char small[TEXT], text[TEXT + 64];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(idem_jwks_parse(bad[i], strlen(bad[i]), &set), IDEM_ERR_FORMAT);
    gnutls_privkey_t weak = make_key(GNUTLS_PK_RSA, 1024);
    rsa_jwk(weak, "w", small);
    gnutls_privkey_deinit(weak);
    snprintf(text, sizeof text, "{\"keys\":[%s]}", small);
    assert_int_equal(idem_jwks_parse(text, strlen(text), &set), 0);
    assert_int_equal(idem_jwks_count(set), 0);
    idem_jwks_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_tokens),         cmocka_unit_test(algorithms),
        cmocka_unit_test(keys_and_signatures), cmocka_unit_test(one_changed_character),
        cmocka_unit_test(claims_are_checked),  cmocka_unit_test(what_is_no_token),
        cmocka_unit_test(sets_of_keys),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
