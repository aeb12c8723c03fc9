/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heads.h - signed heads of the logs (store/head.h) on their way outside: to a file, to syslog
 * (authpriv), or both. A thread of its own signs and writes, since a file on another machine can
 * take its time; nobody waits for it.
 *
 *   audit               every few seconds when something was added; at once for what is important
 *   audit_seats, gate   at most once an hour, with the hour as its time: a head a minute would tell
 *                       to the minute what the logs keep to the hour
 *   all                 when the server ends
 *
 * A head that could not be written is tried again, in its newest form, until it can be.
 */
#ifndef IDEM_SERVER_HEADS_H
#define IDEM_SERVER_HEADS_H

#include "store/head.h"

enum {
    IDEM_HEADS_EVERY_S = 60,
    IDEM_HEADS_LOGS_MAX = 4,
};

struct idem_heads_options {
    const char *file; /* NULL: DIR/audit.heads, beside the data base: better than nothing */
    bool syslog;
    unsigned every_s; /* 0: IDEM_HEADS_EVERY_S */
};

struct idem_heads;

/* Reads or makes DIR/audit.key and writes its public half to DIR/audit.pub. From then on covers
 * (store/cover.h) are signed with it. */
int idem_heads_new(const char *dir, const struct idem_heads_options *options,
                   struct idem_heads **out);
int idem_heads_start(struct idem_heads *heads);
/* Writes what is left to be written, and ends the thread. */
void idem_heads_stop(struct idem_heads *heads);
void idem_heads_free(struct idem_heads *heads);

/* The log's head, committed. Any thread; the newest one counts. log: a literal. */
void idem_heads_offer(struct idem_heads *heads, const char *log, const struct idem_chain_head *head,
                      bool important);
/* Signed now: the log's newest head that was offered; of a log that is told by the hour, the one
 * that was last sent. IDEM_ERR_NOT_FOUND: none was. */
int idem_heads_now(struct idem_heads *heads, const char *log, int64_t now_ms,
                   struct idem_head *out);
const uint8_t *idem_heads_public(const struct idem_heads *heads);

#endif
