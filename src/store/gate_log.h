/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_log.h - who looked at which customer, while how sure: every answer of the gate as a line of
 * a chain (chain.h), in a file of its own, so that the gate's commits never wait for those of
 * windows.
 *
 *   a line    the hour, the person's pseudonym and session, the application that asked, the
 *             resource's label and class, the answer and why, how sure (none, low, medium, high),
 *             and the line of the policy that decided. No address, no number finer than that
 *   unknown   a browser session that is bound to nothing has no person and no session: the
 *             resource it reached for is recorded all the same
 *   floods    refusals beyond a limit are told in one line with their number (server/recorder.h);
 *             what was let through never is
 *
 * Lines are blanked by age and when a person is erased; the chain holds without them. One thread
 * uses a log. A reader has a connection of its own.
 */
#ifndef IDEM_STORE_GATE_LOG_H
#define IDEM_STORE_GATE_LOG_H

#include "store/chain.h"

enum {
    IDEM_GATE_RESOURCE_MAX = 128,
    IDEM_GATE_BODY_MAX = 1024,
    IDEM_GATE_WORD_MAX = 96, /* person, session, class, actor, ... */
};

#define IDEM_GATE_LOG_NAME "gate"

/* All text; NULL where there is none. seq and at_ms are given by whoever writes or reads. */
struct idem_gate_record {
    int64_t seq, organisation;
    int64_t at_ms; /* of any precision; at rest the hour */
    const char *person, *session, *actor, *resource, *class;
    const char *answer, *cause, *level;
    const char *policy; /* which one it was */
    uint32_t line;      /* of it, 0: none */
    int64_t count;      /* such answers that this line stands for, 1 or more */
};

/* One of resource and person; the other one NULL. */
struct idem_gate_search {
    int64_t organisation, after; /* lines behind this number */
    const char *resource, *person;
    int limit;
};

typedef int idem_gate_record_fn(void *arg, const struct idem_gate_record *record);

struct idem_gate_log;

/* A file, made when absent; refused when it is another program's. *why: a static sentence. */
int idem_gate_log_open(const char *path, struct idem_gate_log **out, const char **why);
/* For reading only; the file is there already. */
int idem_gate_log_open_reader(const char *path, struct idem_gate_log **out);
void idem_gate_log_close(struct idem_gate_log *log);
const char *idem_gate_log_why(const struct idem_gate_log *log);

/* Nothing is durable before commit has returned 0; then all since begin is. */
int idem_gate_log_begin(struct idem_gate_log *log);
int idem_gate_log_commit(struct idem_gate_log *log);
void idem_gate_log_rollback(struct idem_gate_log *log);
/* IDEM_ERR_LIMIT: a field is too long; IDEM_ERR_INVALID: one is not UTF-8. */
int idem_gate_log_add(struct idem_gate_log *log, const struct idem_gate_record *record,
                      int64_t *seq);
struct idem_chain_head idem_gate_log_head(const struct idem_gate_log *log);

/* Oldest first. A callback that returns other than 0 ends it. Takes a reader, too. */
int idem_gate_log_read(struct idem_gate_log *log, const struct idem_gate_search *search,
                       idem_gate_record_fn *fn, void *arg);

/* Blanks what is older, or is about the person, with the line that says so; a transaction of its
 * own. person: NULL, or his pseudonym. */
int idem_gate_log_expire(struct idem_gate_log *log, int64_t before_ms, int64_t now_ms,
                         int64_t *removed);
int idem_gate_log_erase(struct idem_gate_log *log, int64_t organisation, const char *person,
                        int64_t now_ms, int64_t *removed);
/* The write-ahead log back into the file, if it has grown: after a commit has been answered, and
 * sooner when it is quiet. */
void idem_gate_log_tidy(struct idem_gate_log *log, bool quiet);

#endif
