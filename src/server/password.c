/* SPDX-License-Identifier: Apache-2.0 */
/* password.c - see password.h. */
#include "server/password.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

_Static_assert(IDEM_PASSWORD_HASH >= crypto_pwhash_STRBYTES, "a hash must fit");

/*
 * RFC 9106, 4, second recommendation: 64 MiB and three passes (one lane is what libsodium has). The
 * first takes 2 GiB. One hash at a time, so this is all the memory that any flood of log-ins gets.
 */
enum { PASSES = 3, MEMORY = 64 * 1024 * 1024 };

/* Characters after one of the worst, or after the account's name, that make another password. */
enum { MORE = 8 };

/*
 * The worst that are long enough. Repetitions and runs are found by rule, and what begins with one
 * of these is what people make of it when they are told to make it longer.
 */
static const char *const worst[] = {
    "password", "passw0rd",  "p@ssw0rd",   "p@ssword",     "passwort", "motdepasse", "contrasena",
    "qwertyui", "qwertzui",  "azertyui",   "1q2w3e4r",     "1qaz2wsx", "q1w2e3r4",   "zaq12wsx",
    "iloveyou", "letmein",   "welcome",    "administrat",  "changeme", "trustno1",   "superman",
    "football", "baseball",  "sunshine",   "princess",     "dragon",   "monkey",     "whatever",
    "asdfghjk", "qweasdzxc", "abcd1234",   "correcthorse", "summer20", "winter20",   "spring20",
    "autumn20", "january20", "company123", "secret",       "default",  "idem",       "test",
};

static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += ((uint8_t)*text & 0xc0) != 0x80; /* all bytes but those that go on */
    return n;
}

/* How much of it says something new: neither the byte before again nor its neighbour. */
static size_t turns(const char *text)
{
    size_t n = 0;
    for (size_t i = 1; text[i] != '\0'; i++) {
        int step = text[i] - text[i - 1];
        n += step < -1 || step > 1;
    }
    return n;
}

static bool is_worst(const char *password)
{
    for (size_t i = 0; i < sizeof worst / sizeof worst[0]; i++) {
        size_t len = strlen(worst[i]);
        if (strncasecmp(password, worst[i], len) == 0 && characters(password + len) < MORE)
            return true;
    }
    return false;
}

const char *idem_password_fault(const char *password, const char *name)
{
    if (strlen(password) > IDEM_PASSWORD_MAX)
        return "a password has at most 256 bytes";
    if (characters(password) < IDEM_PASSWORD_MIN)
        return "a password has at least 12 characters";
    if (turns(password) < 4)
        return "this password repeats or counts";
    if (is_worst(password))
        return "this password is one of those that are tried first";
    if (name[0] != '\0' && strncasecmp(password, name, strlen(name)) == 0 &&
        characters(password + strlen(name)) < MORE)
        return "this password is the account's name";
    return NULL;
}

int idem_password_hash(const char *password, char hash[IDEM_PASSWORD_HASH])
{
    memset(hash, 0, IDEM_PASSWORD_HASH);
    if (crypto_pwhash_str_alg(hash, password, strlen(password), PASSES, MEMORY,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        return IDEM_ERR_NOMEM;
    return IDEM_OK;
}

bool idem_password_verify(const char *hash, const char *password)
{
    /* Of 32 random bytes that nobody has kept; only its parameters matter. */
    static const char nobody[IDEM_PASSWORD_HASH] =
        "$argon2id$v=19$m=65536,t=3,p=1$mbp90hTUoaE/RFRf7JWSYw$"
        "HXjjbdjyb5FAHdem53xKvJSRiIEakEcUBhBiEMCBlJs";

    if (hash == NULL) {
        (void)!crypto_pwhash_str_verify(nobody, password, strlen(password));
        return false;
    }
    return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

void idem_password_generate(char text[IDEM_PASSWORD_GENERATED + 1])
{
    uint8_t bytes[18];

    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(text, IDEM_PASSWORD_GENERATED + 1, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
}
