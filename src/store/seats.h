/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seats.h - who may send, as the store keeps it: seats with their public keys, the codes that
 * invite them, API keys of web applications, and what of a session changes with its token.
 *
 * Transactions and errors are store.h's. A code and an API key are kept as hashes only.
 */
#ifndef IDEM_STORE_SEATS_H
#define IDEM_STORE_SEATS_H

#include "store/store.h"

enum {
    IDEM_SEAT_KEY_BYTES = 32,
    IDEM_SEAT_INSTANCE_BYTES = 16,
    IDEM_SEAT_RUNS = 16, /* before the last one, that are known again */
    IDEM_SEAT_RUN_BYTES = 8,
};

/* open: named by a web application or in the demonstration, nothing is proved of it. */
enum idem_store_seat_state {
    IDEM_SEAT_OPEN = 0,
    IDEM_SEAT_INVITED = 1,
    IDEM_SEAT_ENROLLED = 2,
    IDEM_SEAT_REVOKED = 3,
    IDEM_SEAT_STATES
};

struct idem_store_seat {
    int64_t row, organisation;
    char name[IDEM_STORE_NAME_MAX + 1];
    char site[IDEM_GROUP_MAX + 1], country[IDEM_GROUP_MAX + 1];
    uint8_t device_class;
    enum idem_store_seat_state state;
    bool has_key;
    uint8_t public_key[IDEM_SEAT_KEY_BYTES];
    /* The machine's run that signed last, all nought: none; and hashes of those before it, newest
     * first. A run never returns. */
    uint8_t instance[IDEM_SEAT_INSTANCE_BYTES];
    uint8_t former[IDEM_SEAT_RUNS][IDEM_SEAT_RUN_BYTES];
    int64_t since_ms; /* of its state */
};

struct idem_store_invitation {
    uint8_t code_hash[IDEM_HASH_BYTES];
    int64_t organisation, seat;
    int64_t expires_ms;
    int64_t used_ms; /* 0: not yet */
};

struct idem_store_api_key {
    int64_t row, organisation;
    char name[IDEM_STORE_NAME_MAX + 1];
    unsigned scopes;
    uint8_t hash[IDEM_HASH_BYTES];
    int64_t since_ms;
    bool revoked;
};

typedef int idem_store_seat_fn(void *arg, const struct idem_store_seat *seat);
typedef int idem_store_api_key_fn(void *arg, const struct idem_store_api_key *key);

struct idem_store_seat_ops {
    /* IDEM_ERR_NOT_FOUND. */
    int (*get)(struct idem_store *s, int64_t row, struct idem_store_seat *out);
    int (*named)(struct idem_store *s, int64_t organisation, const char *name,
                 struct idem_store_seat *out);
    /* One that is enrolled with this key, of whatever organisation. */
    int (*with_key)(struct idem_store *s, const uint8_t *public_key, struct idem_store_seat *out);
    /* Sets the row. */
    int (*add)(struct idem_store *s, struct idem_store_seat *seat);
    /* Everything but organisation and name. */
    int (*put)(struct idem_store *s, const struct idem_store_seat *seat);
    /* All that are not open, by row from after on, at most max. organisation: 0 for all. */
    int (*list)(struct idem_store *s, int64_t organisation, int64_t after, int max,
                idem_store_seat_fn *fn, void *arg);

    /* The seat's codes that were not used go. */
    int (*invite)(struct idem_store *s, const struct idem_store_invitation *invitation);
    int (*invited)(struct idem_store *s, const uint8_t *code_hash,
                   struct idem_store_invitation *out);
    int (*use)(struct idem_store *s, const uint8_t *code_hash, int64_t now_ms);
    /* Codes that expired before the given time. */
    int (*invitations_forget)(struct idem_store *s, int64_t before_ms);

    /* Sets the row. */
    int (*key_add)(struct idem_store *s, struct idem_store_api_key *key);
    int (*key_named)(struct idem_store *s, int64_t organisation, const char *name,
                     struct idem_store_api_key *out);
    int (*key_get)(struct idem_store *s, int64_t row, struct idem_store_api_key *out);
    int (*key_revoke)(struct idem_store *s, int64_t row);
    int (*keys)(struct idem_store *s, int64_t organisation, idem_store_api_key_fn *fn, void *arg);

    /* Of a session: another token, and how often there was one; what speaks against it. */
    int (*session_renew)(struct idem_store *s, int64_t row, const uint8_t *token_hash,
                         int64_t expires_ms, uint32_t renewals);
    int (*session_doubt)(struct idem_store *s, int64_t row, unsigned doubts);
    /* Both times 0: it is not paused (any more). */
    int (*session_pause)(struct idem_store *s, int64_t row, int64_t from_ms, int64_t until_ms,
                         int64_t pause_row);
};

#endif
