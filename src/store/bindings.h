/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bindings.h - which cookie of a web application belongs to which session (server/bindings.h), as
 * part of a store. Of the cookie a hash is kept, of the browser's address a keyed one, of the time
 * the hour. All of it goes with the session.
 */
#ifndef IDEM_STORE_BINDINGS_H
#define IDEM_STORE_BINDINGS_H

#include "store/store.h"

struct idem_store_binding {
    int64_t organisation, session; /* the session's row */
    uint8_t cookie[IDEM_HASH_BYTES];
    bool has_client;
    uint8_t client[IDEM_HASH_BYTES];
    int64_t api_key; /* that bound it */
    int64_t at_ms;
};

typedef int idem_store_binding_fn(void *arg, const struct idem_store_binding *binding);

struct idem_store_binding_ops {
    /* In place of whatever the cookie was bound to. */
    int (*put)(struct idem_store *s, const struct idem_store_binding *binding);
    int (*drop)(struct idem_store *s, int64_t organisation, const uint8_t cookie[IDEM_HASH_BYTES]);
    /* All of a session. */
    int (*end)(struct idem_store *s, int64_t session);
    /* All that an API key has bound. */
    int (*end_key)(struct idem_store *s, int64_t api_key);
    /* Those of open sessions, oldest first. */
    int (*each)(struct idem_store *s, idem_store_binding_fn *fn, void *arg);
    /* The newest of them stay, `keep` in number; dropped: how many do not. */
    int (*trim)(struct idem_store *s, int64_t keep, int64_t *dropped);
};

extern const struct idem_store_binding_ops idem_sqlite_binding_ops;

#endif
