/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.h - who may see: what log-ins, accounts and OpenID Connect have in common.
 *
 * A log-in is slow on purpose, so it goes over three threads:
 *
 *   HTTP thread   reads the body into a visit, and puts a command on the bus
 *   worker        is there a delay to wait for? whose hash is it? (login.c)
 *   hasher        Argon2id, one at a time, at low priority, from a short queue (errands.h)
 *   worker        was it right? the code too? then a token, a line in the audit log, the answer
 *
 * A name that no account has takes the same way, against a hash of nobody's.
 *
 * Keys: DIR/access.key, from which three are derived: for login names, for the secrets of one-time
 * codes, and for tickets. A copy of the data base without it holds no login name of an employee, no
 * secret, and nothing to guess them by.
 */
#ifndef IDEM_SERVER_ACCESS_H
#define IDEM_SERVER_ACCESS_H

#include "server/auth.h"
#include "server/errands.h"
#include "server/lockout.h"
#include "server/password.h"
#include "server/totp.h"
#include "store/access.h"

struct idem_bus;
struct idem_oidc;
struct idem_oidc_config;
struct idem_command;
struct idem_request;
struct idem_worker;

enum {
    IDEM_LOGIN_MS = 12 * 3600 * 1000,    /* a log-in's whole life */
    IDEM_LOGIN_IDLE_MS = 30 * 60 * 1000, /* and without a request */
    IDEM_TICKET_MS = 15 * 60 * 1000,     /* for enrolling a second factor */
    IDEM_TICKET_BYTES = 24 + 8 + IDEM_TOTP_SECRET + 16,
    IDEM_TICKET_TEXT = (IDEM_TICKET_BYTES * 4 + 2) / 3,
    IDEM_HASHER_QUEUE = 32, /* two seconds' worth */
    IDEM_HASHER_SHARE = 4,  /* of one address */
    IDEM_ACCESS_KEY = 32,
    IDEM_TOLD_MAX = 1024,
    IDEM_DOSSIER_EACH_MS = 500, /* all that is held about somebody: two in a second, */
    IDEM_DOSSIER_BURST = 10,    /* after so many at once; the worker does other things, too */
    IDEM_REASON_TEXT_MAX = 200, /* why a name is looked up */
};

struct idem_access_parts {
    const char *dir;
    struct idem_store *store;
    struct idem_bus *bus;
    const char *setup; /* the organisation that a set-up link is asked for, NULL: none is */
    bool demo;
    const struct idem_oidc_config *oidc; /* its issuer NULL: there is no provider */
};

/* Whose log-in the audit log has heard of in which minute. */
struct idem_told {
    int64_t account, minute;
};

struct idem_access {
    struct idem_access_parts parts;
    uint8_t login_key[IDEM_ACCESS_KEY], totp_key[IDEM_ACCESS_KEY], ticket_key[IDEM_ACCESS_KEY];
    struct idem_errands *hasher;
    struct idem_oidc *oidc;                 /* NULL: no provider */
    char setup_token[IDEM_SECRET_TEXT + 1]; /* until the main thread has told it */
    /* Worker only. */
    struct idem_lockout *lockout;
    struct idem_told told[IDEM_TOLD_MAX];
    uint32_t told_at;
    int64_t dossier_ms; /* until when dossiers that were made have taken their time */
    bool setup_open;
    uint8_t setup_hash[IDEM_HASH_BYTES];
    char setup_organisation[IDEM_ORGANISATION_MAX + 1]; /* "": whichever is new */
};

/* Reads or makes the key; a set-up link is open when one is asked for, or when there is no account
 * and no demo. */
int idem_access_new(const struct idem_access_parts *parts, struct idem_access **out);
/* Ends the hasher: what waits for it is refused. The bus must still take commands. */
void idem_access_stop(struct idem_access *access);
void idem_access_free(struct idem_access *access);
/* The set-up link's token: IDEM_SECRET_TEXT characters, told once; false: there is no link. */
bool idem_access_setup_token(struct idem_access *access, char text[IDEM_SECRET_TEXT + 1]);

/* ASCII capitals are like small letters in a login name. */
void idem_access_login_key(const struct idem_access *access, const char *organisation,
                           const char *name, uint8_t key[IDEM_HASH_BYTES]);
void idem_access_subject_key(const struct idem_access *access, const char *issuer,
                             const char *subject, uint8_t key[IDEM_HASH_BYTES]);

/* The secret of an account's one-time codes. IDEM_ERR_FORMAT: not sealed by this server. */
void idem_access_seal_totp(const struct idem_access *access, const uint8_t secret[IDEM_TOTP_SECRET],
                           struct idem_store_account *account);
int idem_access_open_totp(const struct idem_access *access,
                          const struct idem_store_account *account,
                          uint8_t secret[IDEM_TOTP_SECRET]);

/*
 * A secret on its way to an authenticator and back: the server keeps nothing of it until a code has
 * shown that it arrived. It is good for the account with the second factor (or none) that it has at
 * issue: where there is one, it was given for a code of that, and another makes it worthless. For a
 * set-up the account is one without a row. IDEM_ERR_INVALID: not ours, too old, or outlived so.
 */
void idem_access_ticket(const struct idem_access *access, const struct idem_store_account *account,
                        int64_t now_ms, uint8_t secret[IDEM_TOTP_SECRET],
                        char text[IDEM_TICKET_TEXT + 1]);
int idem_access_open_ticket(const struct idem_access *access,
                            const struct idem_store_account *account, int64_t now_ms,
                            const char *text, uint8_t secret[IDEM_TOTP_SECRET]);

/* Roles by name: "analyst", "operator", "privacy-officer", "auditor", "employee"; and "names", with
 * which an analyst may look names up. 0: there is none of that name. */
unsigned idem_role_parse(const char *name);
/* NULL when the set can be held; else why not. */
const char *idem_roles_fault(unsigned roles);
/* ["operator"] */
void idem_roles_json(struct idem_text *t, unsigned roles);
/* Everybody but employees. */
bool idem_roles_need_totp(unsigned roles);

#endif
