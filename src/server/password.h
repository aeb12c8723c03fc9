/* SPDX-License-Identifier: Apache-2.0 */
/*
 * password.h - passwords: which are taken, and how they are kept. Pure, but slow on purpose: only
 * the errand thread hashes (errands.h), one at a time.
 *
 * Rules (NIST SP 800-63B, 5.1.1.2): length, and not one of the worst; nothing about digits or
 * capitals, which make passwords worse.
 */
#ifndef IDEM_SERVER_PASSWORD_H
#define IDEM_SERVER_PASSWORD_H

#include "idem/idem.h"

enum {
    IDEM_PASSWORD_MIN = 12,       /* characters */
    IDEM_PASSWORD_MAX = 256,      /* bytes */
    IDEM_PASSWORD_HASH = 128,     /* with the end: crypto_pwhash_STRBYTES */
    IDEM_PASSWORD_GENERATED = 24, /* characters: 18 random bytes */
};

/* NULL: may be taken; else why not, as a sentence. name: of the account, which is no password. */
const char *idem_password_fault(const char *password, const char *name);
/* Argon2id with its parameters and a fresh salt. IDEM_ERR_NOMEM. */
int idem_password_hash(const char *password, char hash[IDEM_PASSWORD_HASH]);
/* hash NULL: nobody's; takes as long as a real one, and is false. */
bool idem_password_verify(const char *hash, const char *password);
/* A random one, for an account that somebody else makes; to be changed at the first log-in. */
void idem_password_generate(char text[IDEM_PASSWORD_GENERATED + 1]);

#endif
