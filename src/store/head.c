/* SPDX-License-Identifier: Apache-2.0 */
/* head.c - signing, checking, writing and reading heads; see head.h. */
#include "store/head.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SIGNED_MAX = 256, HASH_TEXT = 2 * IDEM_CHAIN_HASH + 1 };

/* ------------------------------------------------------------------ keys */

void idem_head_keys(const uint8_t seed[32], uint8_t public_key[IDEM_HEAD_PUBLIC],
                    uint8_t secret_key[IDEM_HEAD_SECRET])
{
    crypto_sign_seed_keypair(public_key, secret_key, seed);
}

void idem_head_key_id(const uint8_t public_key[IDEM_HEAD_PUBLIC], uint8_t id[IDEM_HEAD_KEY_ID])
{
    uint8_t hash[32];

    crypto_generichash(hash, sizeof hash, public_key, IDEM_HEAD_PUBLIC, NULL, 0);
    memcpy(id, hash, IDEM_HEAD_KEY_ID);
}

/* ------------------------------------------------------------------ signing */

static size_t signed_text(const struct idem_head *h, char text[SIGNED_MAX])
{
    char hash[HASH_TEXT];

    sodium_bin2hex(hash, sizeof hash, h->at.hash, sizeof h->at.hash);
    return (size_t)snprintf(text, SIGNED_MAX, "idem head 1\n%s\n%" PRId64 "\n%s\n%s\n", h->log,
                            h->at.seq, hash, h->time);
}

static void put_time(int64_t now_ms, char text[IDEM_HEAD_TIME + 1])
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    if (strftime(text, IDEM_HEAD_TIME + 1, "%Y-%m-%dT%H:%M:%SZ", &tm) != IDEM_HEAD_TIME)
        memcpy(text, "1970-01-01T00:00:00Z", IDEM_HEAD_TIME + 1);
}

void idem_head_sign(const char *log, const struct idem_chain_head *at, int64_t now_ms,
                    const uint8_t secret_key[IDEM_HEAD_SECRET], struct idem_head *out)
{
    char text[SIGNED_MAX];

    memset(out, 0, sizeof *out);
    snprintf(out->log, sizeof out->log, "%s", log);
    out->at = *at;
    put_time(now_ms, out->time);
    idem_head_key_id(secret_key + 32, out->key_id); /* the second half is the public key */
    size_t len = signed_text(out, text);
    crypto_sign_detached(out->signature, NULL, (const uint8_t *)text, len, secret_key);
}

int idem_head_verify(const struct idem_head *head, const uint8_t public_key[IDEM_HEAD_PUBLIC])
{
    char text[SIGNED_MAX];
    size_t len = signed_text(head, text);
    int rc = crypto_sign_verify_detached(head->signature, (const uint8_t *)text, len, public_key);
    return rc == 0 ? IDEM_OK : IDEM_ERR_FORMAT;
}

/* ------------------------------------------------------------------ lines */

size_t idem_head_line(const struct idem_head *head, char line[IDEM_HEAD_LINE_MAX])
{
    char hash[HASH_TEXT], key[2 * IDEM_HEAD_KEY_ID + 1], signature[2 * IDEM_HEAD_SIGNATURE + 1];

    sodium_bin2hex(hash, sizeof hash, head->at.hash, sizeof head->at.hash);
    sodium_bin2hex(key, sizeof key, head->key_id, sizeof head->key_id);
    sodium_bin2hex(signature, sizeof signature, head->signature, sizeof head->signature);
    return (size_t)snprintf(line, IDEM_HEAD_LINE_MAX,
                            "{\"log\":\"%s\",\"seq\":%" PRId64 ",\"hash\":\"%s\",\"at\":\"%s\","
                            "\"key\":\"%s\",\"signature\":\"%s\"}",
                            head->log, head->at.seq, hash, head->time, key, signature);
}

static bool take_hex(const json_t *o, const char *name, uint8_t *out, size_t len)
{
    const char *text = json_string_value(json_object_get(o, name));
    size_t n = 0;

    return text != NULL && strlen(text) == 2 * len &&
           sodium_hex2bin(out, len, text, 2 * len, NULL, &n, NULL) == 0 && n == len;
}

/* Of these characters only: it is shown to people, and part of what is signed. */
static bool take_text(const json_t *o, const char *name, const char *of, char *out, size_t max)
{
    const char *text = json_string_value(json_object_get(o, name));

    if (text == NULL || text[0] == '\0' || strlen(text) >= max || text[strspn(text, of)] != '\0')
        return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

int idem_head_parse(const char *line, size_t len, struct idem_head *out)
{
    struct idem_head h = {0};
    const char *brace = memchr(line, '{', len);

    if (brace == NULL || len > 4 * IDEM_HEAD_LINE_MAX)
        return IDEM_ERR_FORMAT;
    json_t *o = json_loadb(brace, len - (size_t)(brace - line), JSON_REJECT_DUPLICATES, NULL);
    h.at.seq = json_integer_value(json_object_get(o, "seq"));
    bool good = h.at.seq > 0 &&
                take_text(o, "log", "abcdefghijklmnopqrstuvwxyz_", h.log, sizeof h.log) &&
                take_text(o, "at", "0123456789-:TZ", h.time, sizeof h.time) &&
                take_hex(o, "hash", h.at.hash, sizeof h.at.hash) &&
                take_hex(o, "key", h.key_id, sizeof h.key_id) &&
                take_hex(o, "signature", h.signature, sizeof h.signature);
    json_decref(o);
    if (!good)
        return IDEM_ERR_FORMAT;
    *out = h;
    return IDEM_OK;
}
