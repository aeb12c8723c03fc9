/* SPDX-License-Identifier: Apache-2.0 */
/* cover.c - see cover.h. */
#include "store/cover.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { SIGNED_MAX = 4096, HOUR_MS = 3600 * 1000, RANGE_TEXT = 42 };

_Static_assert((int)IDEM_COVER_RANGES_MAX *RANGE_TEXT + 512 <= (int)IDEM_CHAIN_BODY_MAX,
               "a cover fits into a line");
_Static_assert((int)IDEM_COVER_RANGES_MAX *RANGE_TEXT + 256 <= (int)SIGNED_MAX, "and is signed");

static struct {
    bool there;
    uint8_t secret[IDEM_HEAD_SECRET];
} key;

void idem_cover_sign_with(const uint8_t *secret_key)
{
    key.there = secret_key != NULL;
    if (secret_key != NULL)
        memcpy(key.secret, secret_key, sizeof key.secret);
    else
        sodium_memzero(key.secret, sizeof key.secret);
}

bool idem_cover_can_sign(void)
{
    return key.there;
}

/* ------------------------------------------------------------------ making */

struct idem_cover idem_cover_of_age(int64_t until, int64_t before_ms)
{
    struct idem_cover c = {.reason = IDEM_COVER_RETENTION, .count = 1};

    c.before_ms = (before_ms + HOUR_MS - 1) / HOUR_MS * HOUR_MS;
    c.ranges[0][0] = 1; /* once blanked, always covered: each cover names all up to its number */
    c.ranges[0][1] = until;
    return c;
}

struct idem_cover idem_cover_of_person(const int64_t *seqs, int count)
{
    struct idem_cover c = {.reason = IDEM_COVER_ERASURE};

    for (int i = 0; i < count && c.count < IDEM_COVER_RANGES_MAX; i++) {
        if (c.count > 0 && c.ranges[c.count - 1][1] + 1 == seqs[i]) {
            c.ranges[c.count - 1][1] = seqs[i];
            continue;
        }
        c.ranges[c.count][0] = c.ranges[c.count][1] = seqs[i];
        c.count++;
    }
    return c;
}

/* ------------------------------------------------------------------ signing */

static size_t put_ranges(const struct idem_cover *c, char *text, size_t cap)
{
    size_t n = 0;

    for (uint32_t i = 0; i < c->count; i++)
        n += (size_t)snprintf(text + n, cap - n, "%s[%" PRId64 ",%" PRId64 "]", i > 0 ? "," : "",
                              c->ranges[i][0], c->ranges[i][1]);
    return n;
}

static size_t signed_text(const struct idem_cover_place *place, const struct idem_cover *c,
                          char text[SIGNED_MAX])
{
    char hash[2 * IDEM_CHAIN_HASH + 1];

    sodium_bin2hex(hash, sizeof hash, place->before.hash, sizeof place->before.hash);
    size_t n = (size_t)snprintf(
        text, SIGNED_MAX, "idem cover 1\n%s\n%" PRId64 "\n%" PRId64 "\n%s\n%s\n%" PRId64 "\n",
        place->log, place->before.seq + 1, place->at_ms, hash, c->reason, c->before_ms);
    return n + put_ranges(c, text + n, SIGNED_MAX - n);
}

static void put_signature(const struct idem_cover_place *place, const struct idem_cover *c,
                          char hex[2 * IDEM_HEAD_SIGNATURE + 1])
{
    char text[SIGNED_MAX];
    uint8_t signature[IDEM_HEAD_SIGNATURE];
    size_t len = signed_text(place, c, text);

    crypto_sign_detached(signature, NULL, (const uint8_t *)text, len, key.secret);
    sodium_bin2hex(hex, 2 * IDEM_HEAD_SIGNATURE + 1, signature, sizeof signature);
}

size_t idem_cover_body(const struct idem_cover_place *place, const struct idem_cover *cover,
                       char body[IDEM_CHAIN_BODY_MAX])
{
    const size_t cap = IDEM_CHAIN_BODY_MAX;
    char hex[2 * IDEM_HEAD_SIGNATURE + 1] = "";

    if (key.there)
        put_signature(place, cover, hex);
    size_t n =
        (size_t)snprintf(body, cap,
                         "{\"actor\":\"system\",\"action\":\"" IDEM_COVER_ACTION
                         "\",\"detail\":{\"reason\":\"%s\",\"before_ms\":%" PRId64 ",\"ranges\":[",
                         cover->reason, cover->before_ms);
    n += put_ranges(cover, body + n, cap - n);
    return n + (size_t)snprintf(body + n, cap - n, "],\"signature\":\"%s\"}}", hex);
}

int idem_cover_verify(const struct idem_cover_place *place, const struct idem_cover *cover,
                      const uint8_t public_key[IDEM_HEAD_PUBLIC])
{
    char text[SIGNED_MAX];

    if (!cover->is_signed)
        return IDEM_ERR_FORMAT;
    size_t len = signed_text(place, cover, text);
    return crypto_sign_verify_detached(cover->signature, (const uint8_t *)text, len, public_key) ==
                   0
               ? IDEM_OK
               : IDEM_ERR_FORMAT;
}

/* ------------------------------------------------------------------ reading */

static bool take_ranges(const json_t *ranges, struct idem_cover *c)
{
    const size_t count = json_array_size(ranges);

    if (count == 0 || count > IDEM_COVER_RANGES_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        for (size_t end = 0; end < 2; end++)
            c->ranges[i][end] = json_integer_value(json_array_get(json_array_get(ranges, i), end));
    c->count = (uint32_t)count;
    return true;
}

static bool take_reason(const char *reason, struct idem_cover *c)
{
    if (reason == NULL ||
        (strcmp(reason, IDEM_COVER_RETENTION) != 0 && strcmp(reason, IDEM_COVER_ERASURE) != 0))
        return false;
    snprintf(c->reason, sizeof c->reason, "%s", reason);
    return true;
}

int idem_cover_parse(const struct json_t *detail, struct idem_cover *out)
{
    struct idem_cover c = {0};
    const char *hex = json_string_value(json_object_get(detail, "signature"));
    size_t n = 0;

    if (!take_reason(json_string_value(json_object_get(detail, "reason")), &c) ||
        !take_ranges(json_object_get(detail, "ranges"), &c))
        return IDEM_ERR_FORMAT;
    c.before_ms = json_integer_value(json_object_get(detail, "before_ms"));
    c.is_signed =
        hex != NULL && strlen(hex) == 2 * sizeof c.signature &&
        sodium_hex2bin(c.signature, sizeof c.signature, hex, strlen(hex), NULL, &n, NULL) == 0 &&
        n == sizeof c.signature;
    *out = c;
    return IDEM_OK;
}
