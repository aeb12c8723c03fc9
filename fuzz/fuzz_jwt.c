/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_jwt.c - any bytes as a provider's keys and a token of it, one after the other with a nought
 * between them. Without the provider's private key no token is ever taken.
 */
#include "server/jwt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The keys of RFC 7515's examples A.2 and A.3, so that a token gets as far as its signature. */
static const char published[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\","
                                "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                                "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static void require(bool held)
{
    if (!held)
        abort();
}

static void try_token(const struct idem_jwks *keys, const char *token, size_t len)
{
    static const struct idem_jwt_expect expect = {"joe", "idem", "n", 1300819000};
    json_t *claims = NULL;
    enum idem_jwt_fault fault = idem_jwt_verify(keys, token, len, &expect, &claims);

    require(fault != IDEM_JWT_OK && fault < IDEM_JWT_FAULTS && claims == NULL);
    require(strlen(idem_jwt_fault_text(fault)) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *nought = size > 0 ? memchr(text, '\0', size) : NULL;
    size_t keys_len = nought != NULL ? (size_t)(nought - text) : 0;
    struct idem_jwks *keys = NULL;

    require(idem_jwks_parse(published, sizeof published - 1, &keys) == 0);
    require(idem_jwks_count(keys) == 1);
    try_token(keys, text, size);
    if (nought != NULL)
        try_token(keys, nought + 1, size - keys_len - 1);
    idem_jwks_free(keys);
    keys = NULL;
    if (idem_jwks_parse(text, keys_len, &keys) == 0) {
        require(idem_jwks_count(keys) <= IDEM_JWKS_KEYS);
        idem_jwks_free(keys);
    }
    return 0;
}
