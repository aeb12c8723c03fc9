/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.h - who asks, and what that one may: the one place where a token becomes a grant.
 *
 *   a session's token      Authorization: Bearer; its own session
 *   an API key             Authorization: Bearer; a web application's back end
 *   an account's log-in    cookie; what the account's roles say. Requests that change something
 *                          must repeat the log-in's CSRF token in a header, which no page of
 *                          another origin can know
 *   the demo's operator    Authorization: Bearer; all roles in the organisation "demo", and only
 *                          in a server that was started for it
 *
 * Of a token only its BLAKE2b hash is kept, here and on disk. Any thread; the worker adds and
 * removes.
 */
#ifndef IDEM_SERVER_AUTH_H
#define IDEM_SERVER_AUTH_H

#include "server/problem.h"
#include "server/secrets.h"
#include "store/store.h"

/* What a route takes and a grant holds: any common bit opens. */
enum {
    IDEM_MAY_ANYBODY = 1 << 0, /* who may connect at all */
    IDEM_MAY_SESSION = 1 << 1,
    IDEM_MAY_API_KEY = 1 << 2,
    IDEM_MAY_ACCOUNT = 1 << 3, /* a log-in, even one that must first do something (login.h) */
    /* Roles, as accounts hold them. */
    IDEM_MAY_ANALYST = 1 << 8,   /* live sessions, reasons, decisions */
    IDEM_MAY_OPERATOR = 1 << 9,  /* seats, keys, accounts, strong authentication in person */
    IDEM_MAY_PRIVACY = 1 << 10,  /* names, export, erasure */
    IDEM_MAY_AUDITOR = 1 << 11,  /* audit log and policy, nothing else */
    IDEM_MAY_EMPLOYEE = 1 << 12, /* what is held about himself */
    IDEM_MAY_NAMES = 1 << 13,    /* beside analyst: may look names up */
    IDEM_MAY_STAFF = IDEM_MAY_ANALYST | IDEM_MAY_OPERATOR | IDEM_MAY_PRIVACY | IDEM_MAY_AUDITOR,
    IDEM_MAY_ROLES = IDEM_MAY_STAFF | IDEM_MAY_EMPLOYEE
};

/* What an API key is for; one of a proxy opens no sessions, one of a back end asks no gate. */
enum {
    IDEM_SCOPE_SESSIONS = 1 << 0, /* a back end: opens sessions for its users, binds, steps up */
    IDEM_SCOPE_GATE = 1 << 1,     /* a reverse proxy: asks the gate */
    IDEM_SCOPES = IDEM_SCOPE_SESSIONS | IDEM_SCOPE_GATE
};

enum {
    IDEM_ACTOR_MAX = 96,
    IDEM_GRANTS_MAX = 16384, /* API keys and log-ins */
    IDEM_LOGINS_EACH = 16,   /* of one account */
};
/* Whose command is the server's own: of every organisation. No token grants it. */
#define IDEM_ORGANISATION_ANY INT64_C(-1)

/* What a token has proved to be. All nought: nobody. */
struct idem_grant {
    unsigned may;              /* IDEM_MAY_*; IDEM_MAY_ANYBODY always */
    int64_t organisation;      /* 0: none */
    int32_t slot;              /* session: where the worker keeps it */
    uint8_t id[IDEM_ID_BYTES]; /* session: which one it is */
    int64_t account;           /* log-in: its row, else 0 */
    int64_t api_key;           /* API key: its row, else 0 */
    unsigned scopes;           /* API key: what it is for */
    bool has_person;
    uint8_t person[IDEM_ID_BYTES];  /* employee: himself */
    char actor[IDEM_ACTOR_MAX + 1]; /* for the audit log: "account:anna", "key:crm", "demo" */
};

/* What a request brings; each NULL when it is not there. */
struct idem_credentials {
    const char *authorization, *cookie, *csrf;
    bool changes;   /* the method is one that changes something */
    uint64_t place; /* a hash of the address that it comes from, 0: unknown */
};

struct idem_auth;

/* demo: the organisation of the operator whose token is DIR/operator.token, read or made; 0: there
 * is none. max: tokens of sessions. */
int idem_auth_new(const char *dir, uint32_t max, int64_t demo, struct idem_auth **out);
void idem_auth_free(struct idem_auth *auth);
/* IDEM_SECRET_TEXT characters, for the operator's link; "" without the demo. */
const char *idem_auth_operator(const struct idem_auth *auth);

/* What is brought must be good: a bad token is refused, not overlooked. */
enum idem_problem idem_auth_check(struct idem_auth *auth, const struct idem_credentials *brought,
                                  int64_t now_ms, struct idem_grant *out);

/* A new random token; text has room for IDEM_SECRET_TEXT + 1. */
void idem_auth_token(char *text, uint8_t hash[IDEM_HASH_BYTES]);
/* Of a token's text, as the tables hold it. */
void idem_auth_hash(const char *text, uint8_t hash[IDEM_HASH_BYTES]);
/* The CSRF token that belongs to a log-in's token; text has room for IDEM_SECRET_TEXT + 1. */
void idem_auth_csrf(const char *token, char *text);

/*
 * Sessions. A token that is renewed is good for a moment longer, because its requests may be on
 * their way; who uses it after that has kept it, and that is noticed (notices.h), as is a token
 * that comes from another place. expires_ms: 0 for never.
 */
int idem_auth_add(struct idem_auth *auth, const uint8_t hash[IDEM_HASH_BYTES],
                  const uint8_t id[IDEM_ID_BYTES], int64_t organisation, int32_t slot,
                  int64_t expires_ms);
int idem_auth_renew(struct idem_auth *auth, int32_t slot, const uint8_t hash[IDEM_HASH_BYTES],
                    int64_t expires_ms, int64_t old_until_ms);
/* Doubts of tokens (doubts.h) stand with their session until the worker takes them, however much
 * else there is to tell: the next one, in no order. False: none. */
bool idem_auth_doubted(struct idem_auth *auth, uint8_t id[IDEM_ID_BYTES], unsigned *doubts);
/* The session's token, the one before it too. */
void idem_auth_remove(struct idem_auth *auth, const uint8_t hash[IDEM_HASH_BYTES], int32_t slot);

/*
 * API keys and log-ins. expires_ms: 0 for never; idle_ms: ends when unused for so long, 0 for
 * never. A hash that is there already gets the new grant. Of IDEM_LOGINS_EACH log-ins of one
 * account the longest unused makes room for the next. IDEM_ERR_LIMIT: IDEM_GRANTS_MAX are held.
 */
int idem_auth_grant(struct idem_auth *auth, const uint8_t hash[IDEM_HASH_BYTES],
                    const struct idem_grant *grant, int64_t expires_ms, int64_t idle_ms,
                    int64_t now_ms);
void idem_auth_revoke(struct idem_auth *auth, const uint8_t hash[IDEM_HASH_BYTES]);
/* All log-ins of an account but the one with the hash keep (NULL: all). */
void idem_auth_revoke_account(struct idem_auth *auth, int64_t account, const uint8_t *keep);
void idem_auth_revoke_key(struct idem_auth *auth, int64_t api_key);

#endif
