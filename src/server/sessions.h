/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions.h - the sessions in memory: a table by slot, an index by id, a list by time of opening.
 * Worker only.
 *
 * A session's life:  add -> open -> (enrolling | ok | insufficient | step-up | locked)* -> closed
 * A closed one can still be read until IDEM_CLOSED_KEPT others have closed after it.
 */
#ifndef IDEM_SERVER_SESSIONS_H
#define IDEM_SERVER_SESSIONS_H

#include "server/command.h"
#include "server/decision.h"
#include "server/guard_alarm.h"
#include "server/people.h"
#include "server/policy.h"
#include "server/seqs.h"

enum idem_session_state {
    IDEM_STATE_ENROLLING,
    IDEM_STATE_OK,
    IDEM_STATE_INSUFFICIENT,
    IDEM_STATE_STEP_UP,
    IDEM_STATE_LOCKED,
    IDEM_STATE_CLOSED
};

/* The session's windows first..last, counted from 0 in order of receipt, that nothing learns. */
struct idem_dip {
    uint32_t first, last;
};

struct idem_session {
    uint8_t id[IDEM_ID_BYTES];
    char name[IDEM_PUBLIC_ID_TEXT + 1];
    uint8_t token_hash[IDEM_HASH_BYTES];
    int32_t slot;
    char *seat;
    uint8_t device_class;
    bool closed;
    bool kept; /* closed, and still readable */
    bool test_clock;
    struct idem_person *person;
    struct idem_opening opening; /* how it began */
    /* Whom it belongs to, by policy; the worker's. NULL: nothing but the constants. */
    const struct idem_policy_rules *rules;
    struct idem_policy *policy; /* whose rules they are */
    int64_t rules_until_ms;     /* when an exemption ends: they are looked up anew then */
    int64_t start_row; /* windows up to this row came before anybody vouched: they enrol nobody */
    int64_t token_expires_ms;              /* 0: with the session */
    uint64_t needs_acknowledged;           /* acknowledgement.h; 0: nothing */
    uint32_t renewals;                     /* of the token; a seat's counter */
    uint32_t said;                         /* statements of its seat about the person, ... */
    int64_t said_ms[IDEM_STATEMENTS_MOST]; /* ... and when the last of them came */
    int64_t pause_from_ms, pause_until_ms; /* pause.h; 0: it is not paused */
    int64_t pause_end_ms; /* when the one before ended, since the server's start; 0: none */
    int64_t pause_row;    /* the next one begins after a window of this row or a later one */
    bool pause_unsaved;
    unsigned doubts; /* doubts.h */
    bool doubts_unsaved;
    uint8_t link[IDEM_SEAL_LINK]; /* a seat's: of its last window */

    int64_t row;      /* in the store */
    int64_t last_row; /* of its windows in the store, 0: none */
    int64_t unlock_row;
    struct idem_seqs seqs;
    struct idem_staged *staged; /* while its windows are in a transaction */

    int64_t opened_ms, changed_ms;
    int64_t seen_ms;  /* newest request, the server's time */
    int64_t due_ms;   /* a seat that has little to say has said when it will be heard; 0: not so */
    int64_t clock_ms; /* newest request, the session's own time: never backwards */

    uint32_t received; /* windows, whether they could be read or not */
    uint32_t windows[IDEM_MODALITIES];
    enum idem_session_state state;
    struct idem_trust *trust; /* NULL until there is something to compare */
    struct idem_trust_state reading;
    bool locked, lock_unsaved;
    int64_t evidence_ms;        /* newest sufficient window, the session's own time; 0: none */
    int64_t strong_ms;          /* strong authentication since it was opened, newest; 0: none */
    int64_t factor_ms;          /* the same, if it was not at the seat itself */
    bool lock_refused;          /* could not be recorded, and policy says that locking fails open */
    struct idem_stands stands;  /* what is wanted of the session now */
    struct idem_stands silence; /* what the gate wants of it, until a strong authentication */
    enum idem_cause because;    /* while it is judged: why something may end */

    struct idem_decision *decisions; /* that wait to be written */
    uint32_t decision_count;         /* of the session, so far */
    int64_t judged_row;              /* the window that they followed from, the newest judged */
    int64_t decided_row;             /* in a replay: up to here they are in the log already */
    bool replaying;

    uint32_t enrolled[IDEM_MODALITIES]; /* strokes that went into a profile under way */
    bool counted[IDEM_MODALITIES];      /* as one of the sessions that it takes */
    struct idem_profile *candidate[IDEM_MODALITIES]; /* enrolment that waits for trust */
    uint32_t candidate_at[IDEM_MODALITIES];          /* sufficient windows when it last grew */
    bool spoiled;                                    /* nothing of this session is learned */
    struct idem_dip dips[IDEM_QUARANTINE_DIPS_MAX];
    uint32_t dip_count;
    struct idem_session_guard guard;

    struct idem_reason *reasons; /* [IDEM_REASONS_MAX], NULL until there are some */
    uint32_t reason_count;
    double reasons_trust; /* trust when they were made */
    uint32_t reasons_age; /* windows scored since then */
    int64_t reasons_ms;   /* the session's time when they were made */
    uint32_t told;        /* a sum over what the streams were last told, reasons apart */

    bool listed, queued;                            /* in the two lists below */
    struct idem_session *older, *newer;             /* by time of opening */
    struct idem_session *closed_after;              /* the next one that closed */
    struct idem_session *next_listed, *prev_listed; /* changes that the streams are to be told */
    struct idem_session *next_unsaved; /* locks and enrolments that the store is to be told */
};

/* What the session will be when the transaction under way is committed. */
struct idem_staged {
    struct idem_session *session;
    struct idem_seqs seqs;
    int64_t last_row;
    uint8_t link[IDEM_SEAL_LINK];
};

struct idem_sessions;

int idem_sessions_new(struct idem_sessions **out);
void idem_sessions_free(struct idem_sessions *t);

/* A session that nothing can find yet. IDEM_ERR_LIMIT when IDEM_SESSIONS_MAX are live. */
int idem_sessions_add(struct idem_sessions *t, const uint8_t id[IDEM_ID_BYTES], const char *seat,
                      struct idem_session **out);
/* Makes it findable. */
int idem_sessions_open(struct idem_sessions *t, struct idem_session *s);
/* Undoes idem_sessions_add. */
void idem_sessions_drop(struct idem_sessions *t, struct idem_session *s);
/* The session stays readable; *forgotten is one that is no longer, or NULL: the caller drops it. */
void idem_sessions_close(struct idem_sessions *t, struct idem_session *s,
                         struct idem_session **forgotten);

/* NULL when there is none; may be closed. slot: a hint, or -1. */
struct idem_session *idem_sessions_find(const struct idem_sessions *t, int32_t slot,
                                        const uint8_t id[IDEM_ID_BYTES]);
/* NULL when the slot is free. slot: 0..IDEM_SESSION_SLOTS_MAX - 1. */
struct idem_session *idem_sessions_at(const struct idem_sessions *t, int32_t slot);
struct idem_session *idem_sessions_newest(const struct idem_sessions *t);
uint32_t idem_sessions_live(const struct idem_sessions *t);

/* Trust below which the session asks for strong authentication, and is locked. */
double idem_session_step_up(const struct idem_session *s);
double idem_session_lock(const struct idem_session *s);
const char *idem_session_state_name(enum idem_session_state state);
/* The session's own time for a request received at received_ms; moves its clock. */
int64_t idem_session_clock(struct idem_session *s, int64_t received_ms, bool has_clock,
                           int64_t clock_ms);
/* Its seat is there. And it will be heard again within next_s (0: within a minute). */
void idem_session_heard(struct idem_session *s, int64_t received_ms);
void idem_session_expect(struct idem_session *s, int64_t received_ms, int64_t next_s);
void idem_session_view(const struct idem_session *s, const char *organisation,
                       struct idem_session_view *out);

#endif
