/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notices.h - what somebody notices of a request that is refused, or odd, and that the audit log
 * must tell and the session must feel: an old token, a wrong signature, a key in a page.
 *
 *   any thread posts; the worker takes, within a tick: a line
 *   where it points at theft there is a doubt besides (doubts.h). It does not come this way: it
 *   stands with the session's token (auth.h) until the worker takes it, and is never dropped
 *
 * Of one kind and one subject there is a line in ten seconds at most, and of one kind
 * IDEM_NOTICE_LINES, whatever it is about; the others, and what the queue had to turn away because
 * the kind's share of it was full, are counted (audit.h). So nobody can fill the log by insisting,
 * nor keep what others do out of it. The lines of a tick are one transaction.
 */
#ifndef IDEM_SERVER_NOTICES_H
#define IDEM_SERVER_NOTICES_H

#include "store/store.h"

enum idem_notice_kind {
    IDEM_NOTICE_TOKEN_REUSED,          /* session */
    IDEM_NOTICE_TOKEN_MOVED,           /* session */
    IDEM_NOTICE_TOKEN_TORN,            /* session */
    IDEM_NOTICE_SIGNATURE_WRONG,       /* session */
    IDEM_NOTICE_CHAIN_BROKEN,          /* session */
    IDEM_NOTICE_RENEWAL_REPLAYED,      /* session */
    IDEM_NOTICE_CLOCK_OFF,             /* session */
    IDEM_NOTICE_OPENING_FORGED,        /* seat */
    IDEM_NOTICE_OPENING_REPLAYED,      /* seat */
    IDEM_NOTICE_OPENING_REVOKED,       /* seat */
    IDEM_NOTICE_SEAT_CLONED,           /* seat */
    IDEM_NOTICE_REGISTRATION_REPLAYED, /* seat */
    IDEM_NOTICE_REGISTRATION_LATE,     /* seat */
    IDEM_NOTICE_KEY_FROM_PAGE,         /* API key */
    IDEM_NOTICE_SEAT_NAMED,            /* seat, by an API key or in the demonstration */
    IDEM_NOTICES
};

struct idem_notice {
    enum idem_notice_kind kind;
    int64_t organisation;
    uint8_t session[IDEM_ID_BYTES]; /* where it is one */
    int64_t row;                    /* of a seat or an API key */
    int64_t minutes;                /* CLOCK_OFF: how far ahead */
};

/* Any thread, never fails. */
void idem_notice_post(const struct idem_notice *notice);
void idem_notice_of_session(enum idem_notice_kind kind, int64_t organisation,
                            const uint8_t session[IDEM_ID_BYTES]);
void idem_notice_of_row(enum idem_notice_kind kind, int64_t organisation, int64_t row);

struct idem_worker;
/* The worker's tick: takes what there is. */
void idem_notices_take(struct idem_worker *w);

enum { IDEM_NOTICE_LINES = 16, IDEM_HUSHES = IDEM_NOTICES * IDEM_NOTICE_LINES };

/* The worker's part: of what there was a line lately. */
struct idem_notice_state {
    struct idem_hush {
        int64_t at_ms;
        struct idem_notice notice;
    } hushes[IDEM_HUSHES];
    uint32_t next;
    struct idem_loud {
        int64_t since_ms;
        uint32_t lines; /* since then */
    } kinds[IDEM_NOTICES];
};

#endif
