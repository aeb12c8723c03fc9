/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h - the audit log's part of a store: two chains (chain.h), each in order for itself.
 *
 *   audit        what people decide and what happens to the server, by the second
 *   audit_seats  what happens to the session at somebody's seat, by the hour. In one chain with the
 *                other its lines would stand between two that tell the second
 *
 * Adding stands in the caller's transaction; after a rollback nothing of it remains.
 */
#ifndef IDEM_STORE_AUDIT_H
#define IDEM_STORE_AUDIT_H

#include "store/chain.h"

enum idem_audit_log { IDEM_AUDIT_LOG, IDEM_AUDIT_SEATS_LOG, IDEM_AUDIT_LOGS };

/* Its table's name, and its own in heads. */
const char *idem_audit_log_name(enum idem_audit_log log);

struct idem_store;

struct idem_store_audit_ops {
    int (*add)(struct idem_store *s, enum idem_audit_log log, int64_t organisation, int64_t at_ms,
               const char *body, size_t len);
    struct idem_chain_head (*head)(struct idem_store *s, enum idem_audit_log log);
    /* The organisation's lines and the installation's, behind number `after`, at most limit. */
    int (*read)(struct idem_store *s, enum idem_audit_log log, int64_t organisation, int64_t after,
                int limit, idem_chain_fn *fn, void *arg);
    /* Empties the bodies of lines from before a time. *until: up to which number, all lines since
     * the first; *count: how many there were. The caller adds the line that says so. */
    int (*blank_before)(struct idem_store *s, enum idem_audit_log log, int64_t before_ms,
                        int64_t now_ms, int64_t *until, int64_t *count);
    /* Empties up to max bodies of the organisation that hold the text, behind number `after`, and
     * says which. */
    int (*blank_about)(struct idem_store *s, enum idem_audit_log log, int64_t organisation,
                       const char *text, int64_t after, int max, int64_t *seqs, int *count);
    /* The whole log through a check (chain.h), which then says what is wrong. */
    int (*check)(struct idem_store *s, enum idem_audit_log log, struct idem_chain_check *check);
};

extern const struct idem_store_audit_ops idem_sqlite_audit_ops;

#endif
