/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h - what was decided and by whom, as lines that nobody can change unseen (store/chain.h).
 *
 *   a line is written in the transaction of what it tells of: both are there or neither is
 *   lines belong to an organisation; 0 is the installation itself (started, policy loaded, ...),
 *   which every organisation's auditor may read
 *   what somebody outside can cause as often as he likes is counted and told in one line for each
 *   ten seconds, so that a flood cannot push the log out of sight or fill the disk
 *   what is about a seat's session keeps the hour only, here as everywhere at rest
 *
 * A line never holds a person's name, a key, a token, or how much anybody did: people are named by
 * pseudonym ("p_..."), and detail holds what was decided and why.
 */
#ifndef IDEM_SERVER_AUDIT_H
#define IDEM_SERVER_AUDIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    IDEM_AUDIT_ACTOR_MAX = 96, /* bytes, without the nought */
    IDEM_AUDIT_ACTION_MAX = 48,
    IDEM_AUDIT_SUBJECT_MAX = 160,
    IDEM_AUDIT_DETAIL_MAX = 2048, /* as JSON */
    IDEM_AUDIT_HOUR_MS = 3600 * 1000,
};

struct idem_audit_line {
    int64_t organisation; /* 0: the installation */
    int64_t at_ms;
    const char *actor;    /* struct idem_grant's actor, or "system" */
    const char *action;   /* "seat.registered": lower case, a dot between what and how */
    const char *subject;  /* "seat:NAME", "p_...", "s_...", "account:NAME"; NULL: none */
    const json_t *detail; /* an object, borrowed; NULL: nothing */
    /* Of a line about a session: whose it is, put into detail, so that the line goes with the
     * person also when the session is forgotten; NULL: it is there already, or nobody's. */
    const char *person;
    bool about_seat; /* at rest the hour only */
    bool important;  /* its head is sent outside as soon as it is committed */
};

struct idem_worker;

/*
 * On the worker, between the caller's begin and commit. IDEM_ERR_LIMIT for a line that is longer
 * than allowed, IDEM_ERR_INVALID for one that is not UTF-8; otherwise the store's errors. The
 * caller rolls back, as with everything that could not be written.
 */
int idem_audit_add(struct idem_worker *w, const struct idem_audit_line *line);
/* The same in a transaction of its own. */
int idem_audit_write(struct idem_worker *w, const struct idem_audit_line *line);

/* What is counted and told in sums. */
enum idem_audit_sum {
    IDEM_AUDIT_TOKEN_REFUSED,   /* a token or cookie that opens nothing */
    IDEM_AUDIT_ROLE_REFUSED,    /* somebody known asked for what is not his */
    IDEM_AUDIT_LOGIN_REFUSED,   /* no such account, wrong password or code */
    IDEM_AUDIT_SEAT_REFUSED,    /* a registration or challenge that does not hold */
    IDEM_AUDIT_WINDOW_REFUSED,  /* signature, sequence or acknowledgement missing */
    IDEM_AUDIT_SESSION_REFUSED, /* somebody who may not open one */
    IDEM_AUDIT_SUMS
};

/* Any thread, at any time, never fails: one more of the kind. The worker writes the line. */
void idem_audit_count(enum idem_audit_sum which);

/* ------------------------------------------------------------------ for the worker itself */

enum { IDEM_AUDIT_READERS_MAX = 32 };

/* Who has read the log in which hour, so that it says so once and not with each page. */
struct idem_audit_reader {
    int64_t organisation, hour;
    char actor[IDEM_AUDIT_ACTOR_MAX + 1];
};

struct idem_audit_state {
    struct idem_audit_reader readers[IDEM_AUDIT_READERS_MAX];
    unsigned next_reader; /* whose place is taken next */
    int64_t summed_ms;
    int64_t failing_ms; /* since when the store has failed, 0: it does not */
    bool recovered;     /* and now has not, which is to be written */
    bool important;     /* since the last tick */
    int64_t offered[2]; /* numbers of the heads that were sent on their way, by log */
};

void idem_audit_started(struct idem_worker *w);
void idem_audit_stopped(struct idem_worker *w);
void idem_audit_storage(struct idem_worker *w, bool failing);
/* Sums that are due, and the heads of what was committed. */
void idem_audit_tick(struct idem_worker *w);

#endif
