/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_parts.h - between jwt.c (tokens) and jwks.c (keys). */
#ifndef IDEM_SERVER_JWT_PARTS_H
#define IDEM_SERVER_JWT_PARTS_H

#include "server/jwt.h"

#include <gnutls/abstract.h>

enum { IDEM_JWK_ID_MAX = 128 };

enum idem_jwk_kind { IDEM_JWK_RSA, IDEM_JWK_P256 };

struct idem_jwk {
    enum idem_jwk_kind kind;
    bool has_id;
    char id[IDEM_JWK_ID_MAX + 1];
    gnutls_pubkey_t key;
};

/* Base64url without padding, of exactly text_len characters. */
int idem_jwt_base64(const char *text, size_t text_len, uint8_t *out, size_t cap, size_t *len);
/* id NULL: the only key of its kind, if there is only one. NULL: there is none. */
const struct idem_jwk *idem_jwks_find(const struct idem_jwks *keys, enum idem_jwk_kind kind,
                                      const char *id);

#endif
