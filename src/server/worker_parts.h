/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_parts.h - the worker from the inside, for the files that are the worker: worker.c (the
 * loop), ingest.c (windows), alarms.c, lifecycle.c (sessions opening and ending), vouching.c
 * (strong authentication), reads.c, replay.c.
 */
#ifndef IDEM_SERVER_WORKER_PARTS_H
#define IDEM_SERVER_WORKER_PARTS_H

#include "server/audit.h"
#include "server/command.h"
#include "server/judge.h"
#include "server/notices.h"
#include "server/pool.h"
#include "server/worker.h"

#include <pthread.h>
#include <stdatomic.h>

/* What each thread that judges has of its own. */
struct idem_bench {
    struct idem_judge judge;
    struct idem_wire_reader *reader;
};

struct idem_worker {
    struct idem_worker_parts parts;
    struct idem_pool *pool;
    struct idem_bench benches[IDEM_THREADS_MAX]; /* the first is the worker's own */
    struct idem_again again;
    struct idem_sessions *sessions;
    struct idem_policy *policy;            /* in force */
    _Atomic(struct idem_policy *) offered; /* to be, or NULL */
    int64_t policy_since_ms;

    struct idem_session *listed_first, *listed_last; /* to be told to the streams */
    struct idem_session *unsaved;                    /* locks, enrolments: to be made durable */
    int64_t now_ms, told_ms, beat_ms, tick_ms, forgot_ms, complained_ms;
    int64_t alarmed_ms;     /* when an alarm was last logged */
    uint32_t alarms_hushed; /* since then, and not logged */
    bool storage_failing;
    struct idem_audit_state audit;
    struct idem_notice_state notices;
    int32_t sweep_slot;

    pthread_t thread;
    bool running;
    atomic_bool stopping;

    uint32_t staged_count;
    struct idem_staged staged[IDEM_BATCH_MAX];
};

/* worker.c */
/* Logs a store's failure, at most once in ten seconds, and its end. */
void idem_worker_storage(struct idem_worker *w, int err);
/* Ends a transaction: what came of its steps, and then of the commit; rolled back unless all went
 * well. Every end of one goes this way, or a failing disk would go unnoticed. */
int idem_worker_commit(struct idem_worker *w, int err);
/* The streams are told of the session's change with the next tick. */
void idem_worker_changed(struct idem_worker *w, struct idem_session *s);
/* The store is told of a lock or of a completed enrolment after this batch. */
void idem_worker_unsaved(struct idem_worker *w, struct idem_session *s);
/* Writes what idem_worker_unsaved has gathered, in a transaction of its own. */
int idem_worker_save(struct idem_worker *w);
void idem_worker_tell(struct idem_worker *w);
/* The streams are not told any more: of a session that is about to be freed. */
void idem_worker_unlist(struct idem_worker *w, struct idem_session *s);
/* Refuses with what a failed store means. */
void idem_worker_refuse_store(struct idem_command *c, int err);
void idem_worker_put_session(struct idem_worker *w, struct idem_session *s, struct idem_text *t);
/* Whether the one who asks may know of what belongs to that organisation. */
bool idem_worker_may_see(const struct idem_command *c, int64_t organisation);
/* The session that a command means, or NULL and the command is refused. Another organisation's is
 * not there. */
struct idem_session *idem_worker_find(struct idem_worker *w, struct idem_command *c);
/* The same, but for a back end only those that it has opened itself. */
struct idem_session *idem_worker_find_own(struct idem_worker *w, struct idem_command *c);

/* ingest.c: a run of IDEM_COMMAND_WINDOWS */
void idem_ingest(struct idem_worker *w, struct idem_command **run, size_t count);
/* alarms.c */
void idem_alarms_take(struct idem_worker *w, struct idem_command *c);
/* What follows from an alarm that the server raised itself while windows were judged, if any. */
void idem_alarms_follow_up(struct idem_worker *w, struct idem_session *s);
/* Writes it, in the caller's transaction. */
int idem_alarms_save_own(struct idem_worker *w, const struct idem_session *s);
/* lifecycle.c */
void idem_lifecycle_open(struct idem_worker *w, struct idem_command **run, size_t count);
void idem_lifecycle_close(struct idem_worker *w, struct idem_command *c);
int idem_lifecycle_end(struct idem_worker *w, struct idem_session *s);
/* Ends it here only: nothing is learned, and what the store has of it is the caller's to see to. */
void idem_lifecycle_abandon(struct idem_worker *w, struct idem_session *s);
/* A closed one is no longer readable, and its memory free. */
void idem_lifecycle_forget(struct idem_worker *w, struct idem_session *s);
/* vouching.c */
/* Calls: see routes.c. */
void idem_lifecycle_confirm(struct idem_worker *w, struct idem_command *c);
void idem_lifecycle_unlock(struct idem_worker *w, struct idem_command *c);
/* A call: strong authentication, vouched for by a back end or an operator. Lifts no lock. */
void idem_lifecycle_step_up(struct idem_worker *w, struct idem_command *c);
/* reads.c */
void idem_read_session(struct idem_worker *w, struct idem_command *c);
void idem_read_sessions(struct idem_worker *w, struct idem_command *c);
void idem_read_person(struct idem_worker *w, struct idem_command *c);
/* replay.c */
int idem_replay(struct idem_worker *w);

#endif
