/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bindings.h - which browser session belongs to which session here: from the hash of a web
 * application's cookie to a session, and the nonces by which it comes about.
 *
 *   invite    the session asks for a nonce (with its token, and its seat's signature where there is
 *             a seat); one at a time, good for IDEM_NONCE_MS, once
 *   redeem    the application's back end presents it with the cookie of the log-in that brought it
 *   put       the cookie is bound from now on, and to nothing else
 *   end       with the session all its cookies are unbound
 *
 * Cookies are known by the SHA-256 of their value, as the back end computes it; the table is placed
 * by a keyed hash of that and of the organisation, so that nobody can aim at its buckets and an
 * application of another organisation finds nothing. Any thread; only the worker binds and ends.
 */
#ifndef IDEM_SERVER_BINDINGS_H
#define IDEM_SERVER_BINDINGS_H

#include "server/constants.h"
#include "server/secrets.h"

enum {
    IDEM_BINDINGS_MAX = 2 * IDEM_SESSIONS_MAX,
    IDEM_BINDINGS_EACH_MAX = 32, /* cookies of one session; a further one replaces the oldest */
    IDEM_NONCE_MS = 60 * 1000,
};

struct idem_binding {
    int64_t organisation;
    uint8_t cookie[IDEM_HASH_BYTES];
    int32_t slot; /* of the session */
    uint8_t id[IDEM_ID_BYTES];
    int64_t api_key; /* that bound it */
    bool has_client;
    uint8_t client[IDEM_HASH_BYTES]; /* keyed hash of what the proxy saw of the browser */
};

struct idem_bindings;

int idem_bindings_new(struct idem_bindings **out);
void idem_bindings_free(struct idem_bindings *b);

/* text has room for IDEM_SECRET_TEXT + 1. An earlier nonce of the session is good no more. */
void idem_bindings_invite(struct idem_bindings *b, int32_t slot, const uint8_t id[IDEM_ID_BYTES],
                          int64_t now_ms, char *text);
/* IDEM_ERR_NOT_FOUND: unknown, used, or too old. Afterwards it is used, whatever comes of it. */
int idem_bindings_redeem(struct idem_bindings *b, const char *text, int64_t now_ms, int32_t *slot,
                         uint8_t id[IDEM_ID_BYTES]);

/* The cookie that put() would unbind because the session has too many, else IDEM_ERR_NOT_FOUND. */
int idem_bindings_oldest(struct idem_bindings *b, int32_t slot, uint8_t cookie[IDEM_HASH_BYTES]);
/* Whether put() would find room. */
bool idem_bindings_room(struct idem_bindings *b, const struct idem_binding *binding);
/* IDEM_ERR_LIMIT: IDEM_BINDINGS_MAX are bound. */
int idem_bindings_put(struct idem_bindings *b, const struct idem_binding *binding);
int idem_bindings_find(struct idem_bindings *b, int64_t organisation,
                       const uint8_t cookie[IDEM_HASH_BYTES], struct idem_binding *out);
/* Whether an API key has bound a cookie to the session. */
bool idem_bindings_by(struct idem_bindings *b, int32_t slot, int64_t api_key);
void idem_bindings_end(struct idem_bindings *b, int32_t slot);
/* All that an API key has bound, to whatever session. */
void idem_bindings_end_key(struct idem_bindings *b, int64_t api_key);

#endif
