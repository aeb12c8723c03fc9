/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standing.h - what the gate may know of a session, in a table by slot that the worker writes and
 * any thread reads. The gate answers while the worker commits; so the worker publishes each change
 * here and nobody waits for it.
 *
 *   publish   the worker or one of its judges, after whatever changed the session
 *   end       the worker, when the session closes: from then on there is nothing in the slot
 *   ask       the gate: a copy, and one more protected request counted against silence
 *   beat      the worker, with every turn of its loop: a table whose worker stands still says so,
 *             and the gate closes (see gate.h)
 *
 * Trust that expires is not left to the worker: the copy says when the session last gave sufficient
 * evidence, and the gate compares that with the clock. A session opened with a test clock brings
 * its own time.
 *
 * Silence: protected requests since the newest sufficient window are counted here and nowhere else,
 * never on disk. A step-up begins a new allowance, but the requests since the newest window go on:
 * who answers every step-up and never types is locked in the end. What a server has counted ends
 * with it, so the next one takes the allowance of every session that it finds as used up: killing
 * the server is no way to a new one.
 *
 * A pause of the session (pause.h) is no silence: requests in it are not counted here, and its time
 * is left out by the gate.
 *
 * Locks: one of LOCK_STRIPES for each slot, held for a copy.
 */
#ifndef IDEM_SERVER_STANDING_H
#define IDEM_SERVER_STANDING_H

#include "server/constants.h"
#include "server/policy.h"

struct idem_standing {
    uint8_t id[IDEM_ID_BYTES], person[IDEM_ID_BYTES];
    int64_t organisation;
    /* What holds for the person. The table keeps a reference to the policy, and a copy has one of
     * its own, which the reader gives back. */
    struct idem_policy *policy;
    const struct idem_policy_rules *rules;
    bool locked;
    bool alarmed;        /* a guard's alarm stands and asks for strong authentication */
    bool enrolled;       /* there is a profile to compare with */
    bool capped;         /* a browser's evidence: trust is raised to a bounded level only */
    float trust;         /* of all evidence */
    float trust_recent;  /* of what came after the last strong authentication */
    float llr;           /* of the whole session, nats; positive speaks for the owner */
    float suspect_llr;   /* of its most incriminating end */
    uint32_t evidence;   /* sufficient windows */
    int64_t evidence_ms; /* the newest of them; none yet: when the session was opened */
    int64_t strong_ms;   /* strong authentication, newest; 0: none known */
    int64_t factor_ms;   /* the same, said by an application or an operator and not by the seat */
    int64_t pause_from_ms, pause_until_ms; /* the last pause, over or not; 0: none known */
    int64_t clock_ms; /* the session's own time if it has a test clock, else 0 */
};

/* Since the session's newest sufficient window. */
struct idem_silence {
    uint32_t requests; /* protected ones, this one counted */
    uint32_t allowed;  /* of these, since the last step-up */
    int64_t asked_ms;  /* when the gate first asked for a step-up because of silence, 0: not yet */
    bool locking;      /* the worker has been told to lock the session */
};

struct idem_standings;

int idem_standings_new(struct idem_standings **out);
void idem_standings_free(struct idem_standings *t);

/* slot: 0..IDEM_SESSION_SLOTS_MAX - 1. Another session than before begins without silence. */
void idem_standings_publish(struct idem_standings *t, int32_t slot,
                            const struct idem_standing *standing);
/* A session from before the server's start: the next protected request is one too many for the
 * step-up's allowance, until a window comes or a strong authentication. */
void idem_standings_spend(struct idem_standings *t, int32_t slot, const uint8_t id[IDEM_ID_BYTES]);
void idem_standings_end(struct idem_standings *t, int32_t slot, const uint8_t id[IDEM_ID_BYTES]);
/* A copy; unref its policy. IDEM_ERR_NOT_FOUND when the session is not (or no longer) there. */
int idem_standings_read(struct idem_standings *t, int32_t slot, const uint8_t id[IDEM_ID_BYTES],
                        struct idem_standing *out);
/* The same, and one more protected request is counted, unless the session is paused. now_ms: the
 * server's time. */
int idem_standings_ask(struct idem_standings *t, int32_t slot, const uint8_t id[IDEM_ID_BYTES],
                       int64_t now_ms, struct idem_standing *out, struct idem_silence *silence);
/* Whether it is paused; now_ms: the server's time. */
bool idem_standing_paused(const struct idem_standing *standing, int64_t now_ms);
/* The gate has asked for a step-up because of silence; the first time counts. */
void idem_standings_asked(struct idem_standings *t, int32_t slot, const uint8_t id[IDEM_ID_BYTES],
                          int64_t now_ms);
/* Notes that the worker is being told to lock the session (or could not be). False: it has been. */
bool idem_standings_locking(struct idem_standings *t, int32_t slot, const uint8_t id[IDEM_ID_BYTES],
                            bool told);

/* Monotonic time, in ms. */
void idem_standings_beat(struct idem_standings *t, int64_t monotonic_ms);
int64_t idem_standings_beaten(const struct idem_standings *t);

#endif
