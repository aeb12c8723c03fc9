/* SPDX-License-Identifier: Apache-2.0 */
/* oidc.c - see oidc.h. */
#include "server/oidc.h"

#include "base/log.h"
#include "server/access.h"
#include "server/clock.h"
#include "server/fetch.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    METADATA_MAX = 64 * 1024,
    TOKEN_MAX = 64 * 1024,
    METADATA_MS = 3600 * 1000,
    KEYS_MS = 3600 * 1000,
    KEYS_AGAIN_MS = 10 * 1000,
    USED_MAX = 4096, /* states of the last ten minutes that were taken */
    PART = 32,
    HASH = 16,
};

struct used {
    uint8_t state[PART];
    int64_t at_ms;
};

struct idem_oidc {
    const struct idem_oidc_config *config;
    uint8_t key[IDEM_SECRET_BYTES];
    char secret[IDEM_OIDC_SECRET_MAX + 1];
    struct idem_errands *errands;

    /* The errands' thread only. */
    char authorize[IDEM_FETCH_URL_MAX + 1], token[IDEM_FETCH_URL_MAX + 1],
        keys_url[IDEM_FETCH_URL_MAX + 1];
    bool by_post; /* the secret goes into the form */
    int64_t metadata_ms, keys_ms;
    struct idem_jwks *keys;
    struct used used[USED_MAX];
    uint32_t used_at;
};

/* ------------------------------------------------------------------ life */

static int complain(const char *what, const char *why)
{
    idem_log(IDEM_LOG_ERROR, "config: OpenID Connect: %s: %s", what, why);
    return IDEM_ERR_IO;
}

static int read_secret(struct idem_oidc *o)
{
    const char *path = o->config->client_secret_file;
    FILE *f = path != NULL ? fopen(path, "r") : NULL;

    if (path == NULL)
        return IDEM_OK; /* a public client: PKCE alone */
    if (f == NULL)
        return complain(path, "cannot be read");
    size_t n = fread(o->secret, 1, IDEM_OIDC_SECRET_MAX, f);
    bool whole = n > 0 && !ferror(f) && getc(f) == EOF;
    fclose(f);
    if (!whole)
        return complain(path, "is empty, or longer than 512 bytes");
    o->secret[n] = '\0';
    o->secret[strcspn(o->secret, "\r\n")] = '\0';
    return IDEM_OK;
}

int idem_oidc_new(const struct idem_oidc_config *config, const uint8_t *key, struct idem_oidc **out)
{
    struct idem_oidc *o = calloc(1, sizeof *o);
    int err;

    if (o == NULL)
        return IDEM_ERR_NOMEM;
    o->config = config;
    memcpy(o->key, key, sizeof o->key);
    if ((err = idem_fetch_begin()) != 0 || (err = read_secret(o)) != 0) {
        idem_oidc_free(o);
        return err;
    }
    if (!idem_fetch_may(config->issuer)) {
        idem_oidc_free(o);
        return complain(config->issuer, "is neither https nor this machine");
    }
    if ((err = idem_errands_new("idem-oidc", IDEM_OIDC_QUEUE, IDEM_OIDC_SHARE, &o->errands)) != 0) {
        idem_oidc_free(o);
        return err;
    }
    *out = o;
    return IDEM_OK;
}

void idem_oidc_stop(struct idem_oidc *oidc)
{
    idem_errands_free(oidc->errands);
    oidc->errands = NULL;
}

void idem_oidc_free(struct idem_oidc *oidc)
{
    if (oidc == NULL)
        return;
    idem_errands_free(oidc->errands);
    idem_jwks_free(oidc->keys);
    idem_fetch_end();
    sodium_memzero(oidc, sizeof *oidc);
    free(oidc);
}

int idem_oidc_push(struct idem_oidc *oidc, struct idem_errand *errand)
{
    return idem_errands_push(oidc->errands, errand);
}

/* ------------------------------------------------------------------ the provider's documents */

static int reject(const char *what)
{
    idem_log(IDEM_LOG_ERROR, "peer: OpenID Connect: %s", what);
    return IDEM_ERR_INVALID;
}

static json_t *fetch_json(const struct idem_oidc *o, struct idem_fetch *what)
{
    char why[IDEM_FETCH_WHY_MAX], *bytes = NULL;
    json_t *json = NULL;
    size_t len = 0;

    what->authorities = o->config->ca_file;
    if (idem_fetch_run(what, &bytes, &len, why) != 0) {
        idem_log(IDEM_LOG_ERROR, "peer: OpenID Connect: %s", why);
        return NULL;
    }
    json = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
    sodium_memzero(bytes, len);
    free(bytes);
    if (json == NULL)
        reject("an answer is not JSON");
    return json;
}

/* An address of the provider's, of those that may be asked. */
static bool take_url(const json_t *json, const char *name, char out[IDEM_FETCH_URL_MAX + 1])
{
    const char *url = json_string_value(json_object_get(json, name));

    if (url == NULL || strlen(url) > IDEM_FETCH_URL_MAX || !idem_fetch_may(url))
        return false;
    strcpy(out, url);
    return true;
}

static bool lists(const json_t *json, const char *name, const char *value)
{
    const json_t *list = json_object_get(json, name);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text != NULL && strcmp(text, value) == 0)
            return true;
    }
    return false;
}

static int take_metadata(struct idem_oidc *o, const json_t *json)
{
    static const char methods[] = "token_endpoint_auth_methods_supported";
    const char *issuer = json_string_value(json_object_get(json, "issuer"));

    if (issuer == NULL || strcmp(issuer, o->config->issuer) != 0)
        return reject("the discovery document is another issuer's");
    if (!take_url(json, "authorization_endpoint", o->authorize) ||
        !take_url(json, "token_endpoint", o->token) || !take_url(json, "jwks_uri", o->keys_url))
        return reject("the discovery document lacks an address, or has one that may not be asked");
    o->by_post = json_object_get(json, methods) != NULL &&
                 !lists(json, methods, "client_secret_basic") &&
                 lists(json, methods, "client_secret_post");
    return IDEM_OK;
}

static int want_metadata(struct idem_oidc *o, int64_t now_ms)
{
    static const char path[] = "/.well-known/openid-configuration";
    char url[IDEM_FETCH_URL_MAX + sizeof path];
    struct idem_fetch what = {.url = url, .max = METADATA_MAX};
    size_t len = strlen(o->config->issuer);

    if (o->metadata_ms != 0 && now_ms >= o->metadata_ms && now_ms - o->metadata_ms < METADATA_MS)
        return IDEM_OK;
    while (len > 0 && o->config->issuer[len - 1] == '/')
        len--;
    snprintf(url, sizeof url, "%.*s%s", (int)len, o->config->issuer, path);
    json_t *json = fetch_json(o, &what);
    int err = json != NULL ? take_metadata(o, json) : IDEM_ERR_IO;
    json_decref(json);
    if (err == 0)
        o->metadata_ms = now_ms;
    /* what was read before still stands: a provider may be away for a while */
    return err != 0 && o->metadata_ms != 0 ? IDEM_OK : err;
}

/* again: a token names a key that is not among those that there are. */
static int want_keys(struct idem_oidc *o, int64_t now_ms, bool again)
{
    struct idem_fetch what = {.url = o->keys_url, .max = IDEM_JWKS_MAX};
    char why[IDEM_FETCH_WHY_MAX], *bytes = NULL;
    struct idem_jwks *keys = NULL;
    size_t len = 0;

    if (o->keys != NULL && now_ms >= o->keys_ms &&
        now_ms - o->keys_ms < (again ? KEYS_AGAIN_MS : KEYS_MS))
        return again ? IDEM_ERR_TOO_LITTLE : IDEM_OK;
    what.authorities = o->config->ca_file;
    int err = idem_fetch_run(&what, &bytes, &len, why);
    if (err != 0) {
        idem_log(IDEM_LOG_ERROR, "peer: OpenID Connect: %s", why);
        return IDEM_ERR_IO;
    }
    err = idem_jwks_parse(bytes, len, &keys);
    free(bytes);
    if (err != 0)
        return reject("the provider's keys cannot be read");
    idem_jwks_free(o->keys);
    o->keys = keys;
    o->keys_ms = now_ms;
    return IDEM_OK;
}

/* ------------------------------------------------------------------ the seed */

struct seed {
    uint8_t random[PART], time[8], hash[HASH];
};

_Static_assert(sizeof(struct seed) == IDEM_OIDC_SEED, "a seed is bytes");

static void sign_seed(const struct idem_oidc *o, const struct seed *seed, uint8_t hash[HASH])
{
    crypto_generichash(hash, HASH, seed->random, PART + sizeof seed->time, o->key, sizeof o->key);
}

/* One of the three secrets that a seed stands for, as text. */
static void part_of(const struct idem_oidc *o, const struct seed *seed, const char *use,
                    char text[IDEM_SECRET_TEXT + 1])
{
    crypto_generichash_state state;
    uint8_t part[IDEM_SECRET_BYTES];

    crypto_generichash_init(&state, o->key, sizeof o->key, sizeof part);
    crypto_generichash_update(&state, (const uint8_t *)use, strlen(use) + 1);
    crypto_generichash_update(&state, seed->random, PART);
    crypto_generichash_final(&state, part, sizeof part);
    idem_secret_text(part, text);
}

static void challenge_of(const char *verifier, char text[IDEM_SECRET_TEXT + 1])
{
    uint8_t hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, (const uint8_t *)verifier, strlen(verifier));
    idem_secret_text(hash, text);
}

static void new_seed(const struct idem_oidc *o, int64_t now_ms, struct seed *seed)
{
    randombytes_buf(seed->random, PART);
    for (size_t i = 0; i < sizeof seed->time; i++)
        seed->time[i] = (uint8_t)((uint64_t)now_ms >> (8 * i));
    sign_seed(o, seed, seed->hash);
}

static int read_seed(const struct idem_oidc *o, int64_t now_ms, const char *text, struct seed *seed)
{
    uint8_t hash[HASH];
    uint64_t made = 0;
    size_t len;

    if (strlen(text) != IDEM_OIDC_SEED_TEXT ||
        sodium_base642bin((uint8_t *)seed, sizeof *seed, text, IDEM_OIDC_SEED_TEXT, NULL, &len,
                          NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        len != sizeof *seed)
        return IDEM_ERR_INVALID;
    sign_seed(o, seed, hash);
    for (size_t i = sizeof seed->time; i-- > 0;)
        made = made << 8 | seed->time[i];
    int64_t age = now_ms - (int64_t)made;
    if (sodium_memcmp(hash, seed->hash, sizeof hash) != 0 || age < 0 || age > IDEM_OIDC_MS)
        return IDEM_ERR_INVALID;
    return IDEM_OK;
}

/* False when it was taken before. */
static bool take_once(struct idem_oidc *o, const struct seed *seed, int64_t now_ms)
{
    for (uint32_t i = 0; i < USED_MAX; i++)
        if (o->used[i].at_ms != 0 && memcmp(o->used[i].state, seed->random, PART) == 0)
            return false;
    struct used *u = &o->used[o->used_at++ % USED_MAX];
    /* as many good states in ten minutes as there are places: more than one thread can fetch for */
    memcpy(u->state, seed->random, PART);
    u->at_ms = now_ms;
    return true;
}

/* ------------------------------------------------------------------ start */

/* "…&name=value"; false when it does not fit. */
static bool add(char *to, size_t cap, const char *name, const char *value)
{
    char *escaped = idem_fetch_escape(value);
    size_t len = strlen(to);
    int n = escaped != NULL ? snprintf(to + len, cap - len, "%s%s=%s",
                                       len > 0 && to[len - 1] != '?' ? "&" : "", name, escaped)
                            : -1;

    free(escaped);
    return n >= 0 && (size_t)n < cap - len;
}

int idem_oidc_start(struct idem_oidc *oidc, int64_t now_ms, char *location,
                    char text[IDEM_OIDC_SEED_TEXT + 1])
{
    const struct idem_oidc_config *config = oidc->config;
    char state[IDEM_SECRET_TEXT + 1], nonce[IDEM_SECRET_TEXT + 1], verifier[IDEM_SECRET_TEXT + 1],
        challenge[IDEM_SECRET_TEXT + 1];
    const size_t cap = IDEM_OIDC_LOCATION_MAX;
    struct seed seed;

    int err = want_metadata(oidc, now_ms);
    if (err != 0)
        return IDEM_ERR_IO;
    new_seed(oidc, now_ms, &seed);
    part_of(oidc, &seed, "state", state);
    part_of(oidc, &seed, "nonce", nonce);
    part_of(oidc, &seed, "verifier", verifier);
    challenge_of(verifier, challenge);
    snprintf(location, cap, "%s%s", oidc->authorize,
             strchr(oidc->authorize, '?') != NULL ? "" : "?");
    if (!add(location, cap, "response_type", "code") ||
        !add(location, cap, "client_id", config->client_id) ||
        !add(location, cap, "redirect_uri", config->redirect_uri) ||
        !add(location, cap, "scope", config->scope) || !add(location, cap, "state", state) ||
        !add(location, cap, "nonce", nonce) || !add(location, cap, "code_challenge", challenge) ||
        !add(location, cap, "code_challenge_method", "S256"))
        return reject("the provider's address is too long");
    sodium_bin2base64(text, IDEM_OIDC_SEED_TEXT + 1, (uint8_t *)&seed, sizeof seed,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return IDEM_OK;
}

/* ------------------------------------------------------------------ callback */

static json_t *exchange(struct idem_oidc *o, const struct seed *seed, const char *code)
{
    const struct idem_oidc_config *config = o->config;
    char form[8192] = "", verifier[IDEM_SECRET_TEXT + 1];
    struct idem_fetch what = {.url = o->token, .form = form, .max = TOKEN_MAX};
    char *user = idem_fetch_escape(config->client_id), *secret = idem_fetch_escape(o->secret);
    bool public = o->secret[0] == '\0';
    json_t *json = NULL;

    part_of(o, seed, "verifier", verifier);
    if (!public && !o->by_post) { /* RFC 6749, 2.3.1: both escaped, then basic */
        what.user = user;
        what.password = secret;
    }
    if (user != NULL && secret != NULL &&
        add(form, sizeof form, "grant_type", "authorization_code") &&
        add(form, sizeof form, "code", code) &&
        add(form, sizeof form, "redirect_uri", config->redirect_uri) &&
        add(form, sizeof form, "code_verifier", verifier) &&
        ((!public && !o->by_post) || add(form, sizeof form, "client_id", config->client_id)) &&
        (public || !o->by_post || add(form, sizeof form, "client_secret", o->secret)))
        json = fetch_json(o, &what);
    free(user);
    if (secret != NULL)
        sodium_memzero(secret, strlen(secret));
    free(secret);
    sodium_memzero(form, sizeof form);
    return json;
}

static int verify(struct idem_oidc *o, const char *token, const char *nonce, int64_t now_ms,
                  json_t **claims)
{
    const struct idem_jwt_expect expect = {o->config->issuer, o->config->client_id, nonce,
                                           idem_clock_calendar_ms() / 1000};
    size_t len = strlen(token);
    char text[96];

    int err = want_keys(o, now_ms, false);
    if (err != 0)
        return err;
    enum idem_jwt_fault fault = idem_jwt_verify(o->keys, token, len, &expect, claims);
    if (fault == IDEM_JWT_KEY && want_keys(o, now_ms, true) == 0)
        fault = idem_jwt_verify(o->keys, token, len, &expect, claims);
    if (fault == IDEM_JWT_OK)
        return IDEM_OK;
    snprintf(text, sizeof text, "an identity token is %s", idem_jwt_fault_text(fault));
    return reject(text);
}

static unsigned role_of(const struct idem_oidc_config *config, const char *value)
{
    for (uint32_t i = 0; value != NULL && i < config->role_count; i++)
        if (strcmp(config->roles[i].claim, value) == 0)
            return idem_role_parse(config->roles[i].role);
    return 0;
}

/* Whoever is staff is not shown as an employee: the account has a name. */
static unsigned roles_of(const struct idem_oidc_config *config, const json_t *claims)
{
    const json_t *claim = json_object_get(claims, config->role_claim);
    unsigned roles = role_of(config, json_string_value(claim));

    for (size_t i = 0; i < json_array_size(claim); i++)
        roles |= role_of(config, json_string_value(json_array_get(claim, i)));
    return (roles & IDEM_MAY_STAFF) != 0 ? roles & ~(unsigned)IDEM_MAY_EMPLOYEE : roles;
}

static void read_claims(const struct idem_oidc_config *config, const json_t *claims,
                        struct idem_oidc_person *out)
{
    const char *name = json_string_value(json_object_get(claims, config->name_claim));

    memset(out, 0, sizeof *out);
    strcpy(out->subject, json_string_value(json_object_get(claims, "sub")));
    if (name != NULL && strlen(name) <= IDEM_OIDC_NAME_MAX)
        strcpy(out->name, name);
    out->roles = roles_of(config, claims);
    out->strong = lists(claims, "amr", "mfa");
}

static int check_answer(struct idem_oidc *o, const struct seed *seed, const char *state,
                        const char *issuer, int64_t now_ms)
{
    char expected[IDEM_SECRET_TEXT + 1];

    part_of(o, seed, "state", expected);
    if (strlen(state) != IDEM_SECRET_TEXT || sodium_memcmp(state, expected, IDEM_SECRET_TEXT) != 0)
        return reject("the state is another browser's");
    if (issuer != NULL && strcmp(issuer, o->config->issuer) != 0)
        return reject("the answer is another provider's");
    return take_once(o, seed, now_ms) ? IDEM_OK : reject("the answer has come before");
}

int idem_oidc_finish(struct idem_oidc *oidc, int64_t now_ms, const char *text, const char *state,
                     const char *code, const char *issuer, struct idem_oidc_person *out)
{
    char nonce[IDEM_SECRET_TEXT + 1];
    json_t *claims = NULL;
    struct seed seed;
    int err;

    if (read_seed(oidc, now_ms, text, &seed) != 0)
        return reject("the browser has not started here, or more than ten minutes ago");
    if ((err = check_answer(oidc, &seed, state, issuer, now_ms)) != 0 ||
        (err = want_metadata(oidc, now_ms)) != 0)
        return err;
    json_t *answer = exchange(oidc, &seed, code);
    const char *token = json_string_value(json_object_get(answer, "id_token"));
    part_of(oidc, &seed, "nonce", nonce);
    err = token != NULL ? verify(oidc, token, nonce, now_ms, &claims)
                        : reject("the code was not turned into an identity token");
    if (err == 0)
        read_claims(oidc->config, claims, out);
    json_decref(claims);
    json_decref(answer);
    return err;
}
