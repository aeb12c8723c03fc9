/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oidc.h - log-in at somebody else's: OpenID Connect, code flow with PKCE (RFC 7636, S256).
 *
 *   start      the browser is sent to the provider with state, nonce and the challenge. The server
 *              keeps nothing: all three are keyed hashes of a seed that the browser keeps in a
 *              cookie of its own, signed with the time. A flood of starts fills nothing
 *   callback   the state must be that of this browser's seed, and is taken once; the code is turned
 *              into an identity token at the provider, over TLS, with the verifier
 *   token      checked by jwt.h. An unknown key id makes the keys be fetched again, at most every
 *              ten seconds, so that the provider may turn them at any time
 *
 * The provider's addresses come from its discovery document, which must be the issuer's own and is
 * read anew every hour. Everything here but the seed runs on the errands' thread of its own; that
 * thread alone touches what is fetched.
 */
#ifndef IDEM_SERVER_OIDC_H
#define IDEM_SERVER_OIDC_H

#include "server/config.h"
#include "server/errands.h"
#include "server/jwt.h"
#include "server/secrets.h"
#include "store/store.h"

enum {
    IDEM_OIDC_SEED = 32 + 8 + 16, /* random, time, hash of both */
    IDEM_OIDC_SEED_TEXT = (IDEM_OIDC_SEED * 4 + 2) / 3,
    IDEM_OIDC_MS = 10 * 60 * 1000, /* from start to callback */
    IDEM_OIDC_CODE_MAX = 1024,
    IDEM_OIDC_LOCATION_MAX = 2048,
    IDEM_OIDC_QUEUE = 64,
    IDEM_OIDC_SHARE = 4, /* of one address */
    IDEM_OIDC_SECRET_MAX = 512,
    IDEM_OIDC_NAME_MAX = 128,
};

struct idem_oidc;

/* What a provider has said about somebody. */
struct idem_oidc_person {
    char subject[IDEM_JWT_SUBJECT_MAX + 1];
    char name[IDEM_OIDC_NAME_MAX + 1]; /* "": it has not said one */
    unsigned roles;                    /* as the configuration maps them; may be none */
    bool strong;                       /* a second factor was shown there */
};

/* config outlives it. key: IDEM_SECRET_BYTES, for the seeds. IDEM_ERR_IO with the reason logged. */
int idem_oidc_new(const struct idem_oidc_config *config, const uint8_t *key,
                  struct idem_oidc **out);
void idem_oidc_stop(struct idem_oidc *oidc);
void idem_oidc_free(struct idem_oidc *oidc);
int idem_oidc_push(struct idem_oidc *oidc, struct idem_errand *errand);

/* On the errands' thread. Where to send the browser, and the cookie's value. IDEM_ERR_IO: the
 * provider cannot be reached. */
int idem_oidc_start(struct idem_oidc *oidc, int64_t now_ms, char *location,
                    char seed[IDEM_OIDC_SEED_TEXT + 1]);
/* What came back. issuer: the parameter of RFC 9207, or NULL. IDEM_ERR_INVALID: it does not hold,
 * with the reason logged; IDEM_ERR_IO: the provider cannot be reached. */
int idem_oidc_finish(struct idem_oidc *oidc, int64_t now_ms, const char *seed, const char *state,
                     const char *code, const char *issuer, struct idem_oidc_person *out);

#endif
