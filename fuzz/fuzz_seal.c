/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_seal.c - any text as an enrolment code and as base64url of each length that seats send: what
 * is read means one thing only, however it was typed; what is refused writes nothing.
 */
#include "wire/seal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 255 };

static void require(bool held)
{
    if (!held)
        abort();
}

/* Small letters, spaces and hyphens change nothing. */
static void check_code(const char *text)
{
    uint8_t hash[IDEM_SEAL_CODE_HASH], again[IDEM_SEAL_CODE_HASH];
    char typed[2 * TEXT_MAX + 1];
    size_t n = 0;

    if (idem_seal_code_hash(text, hash) != 0)
        return;
    for (const char *c = text; *c != '\0'; c++) {
        typed[n++] = (char)tolower((unsigned char)*c);
        typed[n++] = '-';
    }
    typed[n] = '\0';
    require(idem_seal_code_hash(typed, again) == 0);
    require(memcmp(hash, again, sizeof hash) == 0);
}

static void check_bytes(const char *text, size_t len)
{
    uint8_t bytes[IDEM_SEAL_SIGNATURE];
    char back[2 + 4 * IDEM_SEAL_SIGNATURE / 3];

    if (idem_seal_parse(text, bytes, len) != 0)
        return;
    idem_seal_text(bytes, len, back);
    require(strcmp(text, back) == 0);
}

/* No text that is too long gets into a statement, and no two texts share one. */
static void check_statement(const char *text, size_t cut)
{
    struct idem_seal_opening o = {.host = text, .person = text + cut, .job = ""};
    struct idem_seal_opening other = {.host = text, .person = "", .job = text + cut};
    struct idem_seal_message a, b;

    require(idem_seal_opening(&o, &a) == 0 && a.len <= sizeof a.bytes);
    require(idem_seal_opening(&other, &b) == 0);
    bool same = a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
    require(same == (text[cut] == '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_MAX + 1];

    if (size > TEXT_MAX)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check_code(text);
    check_bytes(text, IDEM_SEAL_INSTANCE);
    check_bytes(text, IDEM_SEAL_NONCE);
    check_bytes(text, IDEM_SEAL_SIGNATURE);
    check_statement(text, strlen(text) / 2);
    return 0;
}
