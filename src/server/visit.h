/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visit.h - what a request about log-ins and accounts brings, on its way over the threads of
 * access.h. It is the command's arg and lives as long as the request; wiped when it is freed.
 */
#ifndef IDEM_SERVER_VISIT_H
#define IDEM_SERVER_VISIT_H

#include "server/access.h"
#include "server/command.h"
#include "server/worker_parts.h"

enum {
    /* In JSON, everything escaped. */
    IDEM_ACCOUNT_JSON_MAX = 640,
    IDEM_ACCOUNT_PAGE = 200,
};

struct idem_visit {
    struct idem_errand errand; /* first: the hasher gives it back */
    struct idem_command *command;
    struct idem_access *access;

    /* From the request. */
    char *cookie; /* [IDEM_COOKIE_MAX] of the answer, or NULL where none is given */
    bool secure;  /* came by TLS: so does the cookie */
    uint8_t address[IDEM_LOCKOUT_KEY];
    bool has_old; /* a log-in asks, or was there before this one */
    uint8_t old[IDEM_HASH_BYTES];
    char csrf[IDEM_SECRET_TEXT + 1]; /* of that log-in */
    char organisation_name[IDEM_ORGANISATION_MAX + 1];
    char name[IDEM_ACCOUNT_LABEL_MAX + 1];
    char password[IDEM_PASSWORD_MAX + 1];
    char wanted[IDEM_PASSWORD_MAX + 1]; /* the new password */
    char code[IDEM_TOTP_DIGITS + 1];
    char reason[IDEM_REASON_TEXT_MAX + 1]; /* why a name is looked up */
    char token[IDEM_SECRET_TEXT + 1];      /* of the set-up link */
    char ticket[IDEM_TICKET_TEXT + 1];
    int64_t row; /* of the account in question; a list: after that one */
    unsigned roles;
    int disabled; /* -1: not said */
    bool reset;
    bool has_person;
    uint8_t person[IDEM_ID_BYTES];

    /* On the way. */
    int64_t organisation; /* 0: there is none of that name */
    uint8_t login_key[IDEM_HASH_BYTES];
    bool found;  /* there is such an account */
    bool verify; /* the hasher: compare password with hash */
    bool hash;   /* the hasher: and make a new hash of wanted */
    bool matched;
    bool locked; /* a delay begins */
    int failed;  /* of hashing: IDEM_ERR_* */
    char held[IDEM_PASSWORD_HASH], made[IDEM_PASSWORD_HASH];
    uint8_t secret[IDEM_TOTP_SECRET];
    struct idem_store_account account;
    struct idem_trip *trip; /* to a provider and back, oidc_login.c */
    void (*free_trip)(struct idem_trip *trip);
    void (*then)(struct idem_worker *w, struct idem_command *c); /* after the hasher */
};

/* What a log-in must do before it may do anything else. */
enum {
    IDEM_NEED_PASSWORD = 1, /* the one it has was made by somebody else */
    IDEM_NEED_ENROL = 2,    /* a second factor */
    IDEM_NEED_CODE = 4,     /* of the second factor that there is */
};

/* HTTP thread: who asks, from where, in which log-in. NULL: the request has been refused. */
struct idem_visit *idem_visit_begin(struct idem_request *r);

static inline struct idem_visit *idem_visit_of(const struct idem_command *c)
{
    return c->arg;
}

/* login.c, on the worker. */
void idem_login_begin(struct idem_worker *w, struct idem_command *c);
void idem_login_end(struct idem_worker *w, struct idem_command *c);
void idem_logout(struct idem_worker *w, struct idem_command *c);
void idem_me(struct idem_worker *w, struct idem_command *c);
/* me.c: one's own password and second factor */
void idem_me_password(struct idem_worker *w, struct idem_command *c);
void idem_me_totp(struct idem_worker *w, struct idem_command *c);
/* setup.c */
void idem_setup(struct idem_worker *w, struct idem_command *c);
/* accounts.c */
void idem_accounts_list(struct idem_worker *w, struct idem_command *c);
void idem_accounts_add(struct idem_worker *w, struct idem_command *c);
void idem_accounts_change(struct idem_worker *w, struct idem_command *c);

/* Among themselves. */
/* Sends the visit to the hasher; then runs on the worker. Refuses and is done when it is full. */
void idem_visit_hash(struct idem_visit *v,
                     void (*then)(struct idem_worker *w, struct idem_command *c));
/* Refuses while a delay runs: of the address, of the account with that key, or of both. */
bool idem_visit_waits(struct idem_visit *v, const uint8_t key[IDEM_HASH_BYTES]);
/* A failed log-in: counts it, and refuses; idem_visit_done answers and then writes down a delay. */
void idem_visit_fail(struct idem_visit *v, const uint8_t key[IDEM_HASH_BYTES]);
/* One that did not: what this address has failed on the account is forgotten. */
void idem_visit_pass(struct idem_visit *v, const uint8_t key[IDEM_HASH_BYTES]);
void idem_visit_done(struct idem_worker *w, struct idem_visit *v);
/* Whether a log-in of this account is worth another line yet. */
bool idem_visit_tells(struct idem_visit *v, int64_t account);
/* A local account with a second factor has shown it, or it would not be logged in. */
bool idem_visit_shown(const struct idem_store_account *account);
/* What the account must do first; strong: a second factor was shown with this log-in. */
unsigned idem_visit_needs(const struct idem_store_account *account, bool strong);
/* A new token for the account, instead of the log-in that there was: cookie, grant and answer. */
void idem_visit_enter(struct idem_worker *w, struct idem_visit *v,
                      const struct idem_store_account *account, unsigned needs);
/* A fresh secret for an authenticator, with its ticket, as the answer. In a set-up the
 * account is one without a row. */
void idem_visit_offer(struct idem_visit *v, const struct idem_store_account *account,
                      const char *label);
/* One line of the audit log, in the caller's transaction. */
int idem_visit_note(struct idem_worker *w, const struct idem_command *c, const char *actor,
                    const char *action, const struct idem_store_account *account, json_t *detail);
/* {"roles": [...]}, for such a line. */
json_t *idem_visit_roles(unsigned roles);
/* Commits; a failure refuses the command. True: done. */
bool idem_visit_commit(struct idem_worker *w, struct idem_command *c, int err);
/* "account:LABEL" */
void idem_visit_actor(const struct idem_store_account *account, char *out, size_t cap);

#endif
