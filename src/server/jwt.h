/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwt.h - identity tokens of a provider (OpenID Connect Core 3.1.3.7, RFC 8725): bytes in, claims
 * out, or the one reason why not. Everything in a token is a stranger's until its signature is
 * verified with a key that came from the provider over TLS. Pure: time is passed in.
 *
 *   RS256, ES256                  taken, with a key of that very kind
 *   none, HS256, all others       refused before any key is looked for
 *   a key id that is not there    IDEM_JWT_KEY: the provider may have turned its keys; the caller
 *                                 fetches them again, once
 */
#ifndef IDEM_SERVER_JWT_H
#define IDEM_SERVER_JWT_H

#include "idem/idem.h"

#include <jansson.h>

enum {
    IDEM_JWT_MAX = 16 * 1024,
    IDEM_JWKS_MAX = 64 * 1024,
    IDEM_JWKS_KEYS = 32,
    IDEM_JWT_SKEW_S = 60,      /* between the provider's clock and ours */
    IDEM_JWT_AGE_S = 10 * 60,  /* a token of a log-in just done is no older */
    IDEM_JWT_SUBJECT_MAX = 255 /* bytes, as the standard has it */
};

enum idem_jwt_fault {
    IDEM_JWT_OK,
    IDEM_JWT_FORM,      /* not three parts of base64url with JSON objects in them */
    IDEM_JWT_ALGORITHM, /* not one of the two, or an extension that must be understood */
    IDEM_JWT_KEY,
    IDEM_JWT_SIGNATURE,
    IDEM_JWT_ISSUER,
    IDEM_JWT_AUDIENCE,
    IDEM_JWT_EXPIRED,
    IDEM_JWT_EARLY, /* issued in the future, or long ago */
    IDEM_JWT_NONCE,
    IDEM_JWT_SUBJECT,
    IDEM_JWT_FAULTS
};

/* Whom the token must be from and for. */
struct idem_jwt_expect {
    const char *issuer, *client, *nonce;
    int64_t now_s;
};

struct idem_jwks;

/* A provider's set of keys; those of other kinds and for other uses are passed over. len at most
 * IDEM_JWKS_MAX. IDEM_ERR_FORMAT, IDEM_ERR_LIMIT. */
int idem_jwks_parse(const char *json, size_t len, struct idem_jwks **out);
void idem_jwks_free(struct idem_jwks *keys);
unsigned idem_jwks_count(const struct idem_jwks *keys);

/* *claims: the caller's to free; written for IDEM_JWT_OK only. */
enum idem_jwt_fault idem_jwt_verify(const struct idem_jwks *keys, const char *token, size_t len,
                                    const struct idem_jwt_expect *expect, json_t **claims);
/* A phrase for the log. */
const char *idem_jwt_fault_text(enum idem_jwt_fault fault);

#endif
