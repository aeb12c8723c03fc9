/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorder.h - the thread that makes the gate's answers durable before anybody hears them. It owns
 * the gate's record (store/gate_log.h). While it commits, what is asked meanwhile gathers and is
 * the next commit: a lone question waits for one fdatasync, a thousand share one.
 *
 *   put      an answer, to be recorded; done() is called from the recorder's thread once it is, or
 *            could not be: then it must not be given
 *   hush     a refusal; the first HUSH_AFTER of each organisation and cause in HUSH_MS are worth a
 *            line each, and must be put; the others are counted, and told as one line with their
 *            number. So who only knocks cannot fill the disk. What is let through is never hushed
 *   run      something else to be done with the record, in between; waits for it
 */
#ifndef IDEM_SERVER_RECORDER_H
#define IDEM_SERVER_RECORDER_H

#include "server/gate.h"
#include "store/gate_log.h"

enum {
    IDEM_RECORDER_MAX = 4096,  /* answers that wait */
    IDEM_RECORDER_BATCH = 256, /* of them in one commit */
    IDEM_RECORDER_HUSH_AFTER = 100,
    IDEM_RECORDER_HUSH_MS = 10000,
    IDEM_RECORDER_SUMS = 256, /* organisations and causes at a time; more share one of nobody's */
};

struct idem_recorder_entry {
    struct idem_gate_record record; /* its texts must live until done */
    int64_t seq;                    /* of the line, once it is durable */
    void (*done)(struct idem_recorder_entry *entry, int err, bool more);
    struct idem_recorder_entry *next;
};

struct idem_heads;
struct idem_recorder;

/* path: of the record, made when absent. */
int idem_recorder_new(const char *path, struct idem_recorder **out, const char **why);
int idem_recorder_start(struct idem_recorder *r);
/* What was put is still done. Then nothing more is taken. */
void idem_recorder_stop(struct idem_recorder *r);
void idem_recorder_free(struct idem_recorder *r);

/* Any thread. IDEM_ERR_FULL; IDEM_ERR_NOT_FOUND when it does not run. */
int idem_recorder_put(struct idem_recorder *r, struct idem_recorder_entry *entry);
/* True: counted instead of recorded. Any thread. */
bool idem_recorder_hush(struct idem_recorder *r, int64_t organisation,
                        enum idem_gate_verdict verdict, enum idem_gate_cause cause, int64_t now_ms);
/* Where heads of the record go, NULL: nowhere; before the start. */
void idem_recorder_heads(struct idem_recorder *r, struct idem_heads *heads);
/* How long records are kept: what is older is blanked, once an hour. 0: for ever. Any thread. */
void idem_recorder_keep(struct idem_recorder *r, int64_t keep_ms);
/* On the recorder's thread, with nothing begun; its error. IDEM_ERR_NOT_FOUND: it does not run. */
int idem_recorder_run(struct idem_recorder *r, int (*job)(struct idem_gate_log *log, void *arg),
                      void *arg);

#endif
