/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.h - who may ask what: the operator's token, and the tokens of sessions. Of a session's token
 * only its BLAKE2b hash is kept, here and on disk. Any thread; the worker adds and removes.
 */
#ifndef IDEM_SERVER_AUTH_H
#define IDEM_SERVER_AUTH_H

#include "server/problem.h"
#include "server/secrets.h"
#include "store/store.h"

/* What a token has proved to be. */
struct idem_grant {
    bool operator, session;
    int32_t slot;              /* session: where the worker keeps it */
    uint8_t id[IDEM_ID_BYTES]; /* session: which one it is */
};

struct idem_auth;

/* Reads or makes DIR/operator.token. max: tokens of sessions. */
int idem_auth_new(const char *dir, uint32_t max, struct idem_auth **out);
void idem_auth_free(struct idem_auth *auth);
/* IDEM_SECRET_TEXT characters, for the operator's link. */
const char *idem_auth_operator(const struct idem_auth *auth);

/* header: the value of Authorization, or NULL. A header that is there must be good. */
enum idem_problem idem_auth_check(struct idem_auth *auth, const char *header,
                                  struct idem_grant *out);

/* A new random token; text has room for IDEM_SECRET_TEXT + 1. */
void idem_auth_token(char *text, uint8_t hash[IDEM_HASH_BYTES]);
int idem_auth_add(struct idem_auth *auth, const uint8_t hash[IDEM_HASH_BYTES],
                  const uint8_t id[IDEM_ID_BYTES], int32_t slot);
void idem_auth_remove(struct idem_auth *auth, const uint8_t hash[IDEM_HASH_BYTES], int32_t slot);

#endif
