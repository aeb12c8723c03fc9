/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retention.h - a store's part of forgetting what is kept long enough. In the caller's transaction.
 */
#ifndef IDEM_STORE_RETENTION_H
#define IDEM_STORE_RETENTION_H

#include "idem/idem.h"

/* What is older goes. */
struct idem_store_limits {
    int64_t now_ms;
    int64_t sessions_ms; /* closed before that: with alarms, bindings, and seats only named */
    int64_t windows_ms;  /* received before that, and their session is over */
    int64_t windows_max; /* rows looked at, oldest first; 0: all */
};

struct idem_store_removed {
    int64_t sessions, windows, invitations;
};

struct idem_store;

struct idem_store_retention_ops {
    int (*expire)(struct idem_store *s, const struct idem_store_limits *limits,
                  struct idem_store_removed *removed);
    /* Outside a transaction, afterwards: what was removed leaves the log, too, and some of the
     * pages that are free the file. Readers can be in the way; then the next time. */
    int (*tidy)(struct idem_store *s);
};

extern const struct idem_store_retention_ops idem_sqlite_retention_ops;

#endif
