/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.h - accounts of the console in the store (store.h says how a store is used). Log-ins are
 * not here: they live in memory, so that no copy of the data base holds one and nothing at rest
 * says who looked when.
 */
#ifndef IDEM_STORE_ACCESS_H
#define IDEM_STORE_ACCESS_H

#include "store/store.h"

enum {
    IDEM_ACCOUNT_LABEL_MAX = 48, /* bytes: "account:" before it fits the audit log */
    IDEM_ACCOUNT_PASSWORD_MAX = 128,
    IDEM_ACCOUNT_TOTP_MAX = 64, /* sealed */
    IDEM_ACCOUNT_ISSUER_MAX = 255,
    IDEM_ACCOUNTS_MAX = 10000, /* of one organisation */
};

struct idem_store_account {
    int64_t row; /* given by account_add */
    int64_t organisation;
    uint8_t login_key[IDEM_HASH_BYTES];       /* keyed hash of what is typed to log in */
    char label[IDEM_ACCOUNT_LABEL_MAX + 1];   /* staff: the same in words; employees: "p_..." */
    char password[IDEM_ACCOUNT_PASSWORD_MAX]; /* Argon2id; "": by OpenID Connect only */
    bool fresh;                               /* the password is somebody else's making */
    uint8_t totp[IDEM_ACCOUNT_TOTP_MAX];
    size_t totp_len;   /* 0: none */
    int64_t totp_step; /* the last one that was taken, -1: none */
    unsigned roles;    /* IDEM_MAY_* */
    bool has_person;
    uint8_t person[IDEM_ID_BYTES];
    char issuer[IDEM_ACCOUNT_ISSUER_MAX + 1]; /* of OpenID Connect, "": a local account */
    bool disabled;
    int64_t since_ms; /* rounded to the hour */
};

/* Of a person in a list. */
struct idem_store_person {
    uint8_t person[IDEM_ID_BYTES];
    const char *site, *country, *job;
};

typedef int idem_store_account_fn(void *arg, const struct idem_store_account *account);
typedef int idem_store_person_fn(void *arg, const struct idem_store_person *person);

struct idem_store_access_ops {
    /* IDEM_ERR_INVALID when the organisation has the key already, IDEM_ERR_LIMIT when it has
     * IDEM_ACCOUNTS_MAX. */
    int (*account_add)(struct idem_store *s, struct idem_store_account *account);
    /* Everything but the row, the organisation, the key and since_ms. */
    int (*account_put)(struct idem_store *s, const struct idem_store_account *account);
    int (*account_find)(struct idem_store *s, int64_t organisation,
                        const uint8_t login_key[IDEM_HASH_BYTES], struct idem_store_account *out);
    int (*account_get)(struct idem_store *s, int64_t organisation, int64_t row,
                       struct idem_store_account *out);
    /* At most limit, by row, beginning after one. */
    int (*accounts)(struct idem_store *s, int64_t organisation, int64_t after, unsigned limit,
                    idem_store_account_fn *fn, void *arg);
    /* Those not disabled, of all organisations (0) or one, that hold any of the roles. */
    int (*account_count)(struct idem_store *s, int64_t organisation, unsigned roles,
                         int64_t *count);
    /* At most limit of an organisation's people, by pseudonym, beginning after one (NULL: first).
     */
    int (*people)(struct idem_store *s, int64_t organisation, const uint8_t *after, unsigned limit,
                  idem_store_person_fn *fn, void *arg);
};

extern const struct idem_store_access_ops idem_sqlite_access_ops;

#endif
