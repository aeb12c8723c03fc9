/* SPDX-License-Identifier: Apache-2.0 */
/* recorder.c - see recorder.h. */
#include "server/recorder.h"

#include "base/log.h"
#include "server/clock.h"
#include "server/heads.h"
#include "server/metrics.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXPIRE_EVERY_MS = 3600 * 1000 };
enum { TICK_MS = 1000, COMPLAIN_EVERY_MS = 10000 };

/* Refusals of one organisation, verdict and cause. */
struct sum {
    bool used;
    int64_t organisation, since_ms;
    enum idem_gate_verdict verdict;
    enum idem_gate_cause cause;
    int64_t told, hushed;
};

struct job {
    int (*run)(struct idem_gate_log *log, void *arg);
    void *arg;
    int err;
    bool over;
};

struct idem_recorder {
    struct idem_gate_log *log;
    pthread_t thread;
    bool running;
    int64_t chores_ms, complained_ms, expired_ms;
    struct idem_heads *heads;
    int64_t offered; /* number of the newest head that was sent on its way */
    _Atomic int64_t keep_ms;

    pthread_mutex_t lock; /* over all that follows */
    pthread_cond_t some, over;
    bool open;
    uint32_t waiting;
    struct idem_recorder_entry *first, **last;
    struct job *job;
    struct sum sums[IDEM_RECORDER_SUMS];
};

/* ------------------------------------------------------------------ any thread */

int idem_recorder_put(struct idem_recorder *r, struct idem_recorder_entry *entry)
{
    int err = IDEM_OK;

    entry->next = NULL;
    pthread_mutex_lock(&r->lock);
    if (!r->open)
        err = IDEM_ERR_NOT_FOUND;
    else if (r->waiting == IDEM_RECORDER_MAX)
        err = IDEM_ERR_FULL;
    if (err == 0) {
        *r->last = entry;
        r->last = &entry->next;
        if (r->waiting++ == 0)
            pthread_cond_signal(&r->some);
    }
    pthread_mutex_unlock(&r->lock);
    return err;
}

/* The last place is nobody's: for when there are too many to tell apart. */
static struct sum *sum_of(struct idem_recorder *r, int64_t organisation,
                          enum idem_gate_verdict verdict, enum idem_gate_cause cause)
{
    struct sum *place = NULL;

    for (int i = 0; i < IDEM_RECORDER_SUMS - 1; i++) {
        struct sum *s = &r->sums[i];
        if (s->used && s->organisation == organisation && s->verdict == verdict &&
            s->cause == cause)
            return s;
        if (!s->used && place == NULL)
            place = s;
    }
    if (place == NULL) {
        place = &r->sums[IDEM_RECORDER_SUMS - 1];
        organisation = 0;
    }
    if (!place->used)
        *place = (struct sum){
            .used = true, .organisation = organisation, .verdict = verdict, .cause = cause};
    return place;
}

bool idem_recorder_hush(struct idem_recorder *r, int64_t organisation,
                        enum idem_gate_verdict verdict, enum idem_gate_cause cause, int64_t now_ms)
{
    pthread_mutex_lock(&r->lock);
    struct sum *s = sum_of(r, organisation, verdict, cause);
    if (now_ms - s->since_ms >= IDEM_RECORDER_HUSH_MS && s->hushed == 0) {
        s->since_ms = now_ms;
        s->told = 0;
    }
    const bool hush = s->told >= IDEM_RECORDER_HUSH_AFTER;
    s->told += !hush;
    s->hushed += hush;
    pthread_mutex_unlock(&r->lock);
    return hush;
}

int idem_recorder_run(struct idem_recorder *r, int (*job)(struct idem_gate_log *log, void *arg),
                      void *arg)
{
    struct job mine = {job, arg, IDEM_ERR_NOT_FOUND, false};

    pthread_mutex_lock(&r->lock);
    while (r->open && r->job != NULL)
        pthread_cond_wait(&r->over, &r->lock);
    if (r->open) {
        r->job = &mine;
        pthread_cond_signal(&r->some);
        while (!mine.over)
            pthread_cond_wait(&r->over, &r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    return mine.err;
}

/* ------------------------------------------------------------------ the recorder's own */

static void complain(struct idem_recorder *r, int err)
{
    const int64_t now = idem_clock_ms();

    idem_metric_add(IDEM_METRIC_GATE_FAILURES, 1);
    if (now - r->complained_ms < COMPLAIN_EVERY_MS)
        return;
    r->complained_ms = now;
    idem_log(IDEM_LOG_ERROR, "kernel: the gate's record failed and the gate stays shut: %s: %s",
             idem_strerror(err), idem_gate_log_why(r->log));
}

/* One transaction; all of it or nothing. */
static int write_all(struct idem_recorder *r, struct idem_recorder_entry *first)
{
    int err = idem_gate_log_begin(r->log);

    for (struct idem_recorder_entry *e = first; e != NULL && err == 0; e = e->next)
        err = idem_gate_log_add(r->log, &e->record, &e->seq);
    if (err == 0)
        err = idem_gate_log_commit(r->log);
    if (err != 0) {
        complain(r, err);
        idem_gate_log_rollback(r->log);
    }
    return err;
}

static void answer_all(struct idem_recorder_entry *first, int err)
{
    for (struct idem_recorder_entry *e = first, *next; e != NULL; e = next) {
        next = e->next; /* the entry is its owner's again once it is done */
        e->done(e, err, next != NULL);
    }
}

/* At most IDEM_RECORDER_BATCH of those that wait; under the lock. */
static struct idem_recorder_entry *take(struct idem_recorder *r)
{
    struct idem_recorder_entry *first = r->first, **end = &r->first;
    uint32_t count = 0;

    while (*end != NULL && count < IDEM_RECORDER_BATCH)
        end = &(*end)->next, count++;
    struct idem_recorder_entry *rest = *end;
    if (count == 0)
        return NULL;
    *end = NULL;
    r->first = rest;
    if (rest == NULL)
        r->last = &r->first;
    r->waiting -= count;
    return first;
}

static void tell_sum(struct idem_recorder *r, const struct sum *s)
{
    struct idem_recorder_entry entry = {.record = {
                                            .organisation = s->organisation,
                                            .at_ms = idem_clock_ms(),
                                            .answer = idem_gate_verdict_name(s->verdict),
                                            .cause = idem_gate_cause_name(s->cause),
                                            .level = idem_gate_level_name(IDEM_GATE_LEVEL_NONE),
                                            .count = s->hushed,
                                        }};
    write_all(r, &entry);
}

/* Under the lock: one that is due, and its place is free. */
static bool take_sum(struct idem_recorder *r, int64_t now_ms, struct sum *out)
{
    for (int i = 0; i < IDEM_RECORDER_SUMS; i++) {
        struct sum *s = &r->sums[i];
        if (!s->used || (r->open && now_ms - s->since_ms < IDEM_RECORDER_HUSH_MS))
            continue;
        *out = *s;
        *s = (struct sum){0};
        if (out->hushed > 0)
            return true;
    }
    return false;
}

static void tell_sums(struct idem_recorder *r)
{
    struct sum due;
    bool any = true;

    while (any) {
        pthread_mutex_lock(&r->lock);
        any = take_sum(r, idem_clock_ms(), &due);
        pthread_mutex_unlock(&r->lock);
        if (any)
            tell_sum(r, &due);
    }
}

static void run_job(struct idem_recorder *r, struct job *job)
{
    const int err = job->run(r->log, job->arg);

    pthread_mutex_lock(&r->lock);
    job->err = err;
    job->over = true;
    r->job = NULL;
    pthread_cond_broadcast(&r->over);
    pthread_mutex_unlock(&r->lock);
}

/* Waits for something to do; false when there is nothing and there will not be. */
static bool wait_for_work(struct idem_recorder *r, struct idem_recorder_entry **batch,
                          struct job **job)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += TICK_MS / 1000;
    pthread_mutex_lock(&r->lock);
    if (r->first == NULL && r->job == NULL && r->open)
        pthread_cond_timedwait(&r->some, &r->lock, &until);
    *batch = take(r);
    *job = r->job;
    const bool go_on = r->open || *batch != NULL || *job != NULL;
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

static void offer_head(struct idem_recorder *r)
{
    const struct idem_chain_head head = idem_gate_log_head(r->log);

    if (r->heads != NULL && head.seq != r->offered)
        idem_heads_offer(r->heads, IDEM_GATE_LOG_NAME, &head, false);
    r->offered = head.seq;
}

static void expire(struct idem_recorder *r)
{
    const int64_t now = idem_clock_ms(), keep = atomic_load(&r->keep_ms);
    int64_t removed;

    if (keep == 0 || (r->expired_ms != 0 && now - r->expired_ms < EXPIRE_EVERY_MS))
        return;
    r->expired_ms = now;
    int err = idem_gate_log_expire(r->log, now - keep, now, &removed);
    if (err != 0)
        complain(r, err);
}

/* Once a second, however busy it is. */
static void do_chores(struct idem_recorder *r, bool quiet)
{
    const int64_t now = idem_clock_ms();

    idem_gate_log_tidy(r->log, quiet);
    if (!quiet && now - r->chores_ms < TICK_MS)
        return;
    r->chores_ms = now;
    tell_sums(r);
    expire(r);
    offer_head(r);
}

static void *loop(void *arg)
{
    struct idem_recorder *r = arg;
    struct idem_recorder_entry *batch;
    struct job *job;

    pthread_setname_np(pthread_self(), "idem-gate");
    while (wait_for_work(r, &batch, &job)) {
        if (batch != NULL)
            answer_all(batch, write_all(r, batch));
        if (job != NULL)
            run_job(r, job);
        do_chores(r, batch == NULL);
    }
    tell_sums(r);
    offer_head(r);
    return NULL;
}

/* ------------------------------------------------------------------ life */

int idem_recorder_new(const char *path, struct idem_recorder **out, const char **why)
{
    struct idem_recorder *r = calloc(1, sizeof *r);
    pthread_condattr_t monotonic;

    if (r == NULL)
        return IDEM_ERR_NOMEM;
    int err = idem_gate_log_open(path, &r->log, why);
    if (err != 0) {
        free(r);
        return err;
    }
    r->last = &r->first;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->some, &monotonic);
    pthread_cond_init(&r->over, NULL);
    pthread_condattr_destroy(&monotonic);
    *out = r;
    return IDEM_OK;
}

void idem_recorder_heads(struct idem_recorder *r, struct idem_heads *heads)
{
    r->heads = heads;
}

void idem_recorder_keep(struct idem_recorder *r, int64_t keep_ms)
{
    atomic_store(&r->keep_ms, keep_ms);
}

int idem_recorder_start(struct idem_recorder *r)
{
    sigset_t all, before;

    r->open = true;
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    r->running = pthread_create(&r->thread, NULL, loop, r) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!r->running) /* else the thread reads it already, under the lock */
        r->open = false;
    return r->running ? IDEM_OK : IDEM_ERR_NOMEM;
}

void idem_recorder_stop(struct idem_recorder *r)
{
    if (!r->running)
        return;
    pthread_mutex_lock(&r->lock);
    r->open = false;
    pthread_cond_broadcast(&r->some);
    pthread_cond_broadcast(&r->over);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    r->running = false;
}

void idem_recorder_free(struct idem_recorder *r)
{
    if (r == NULL)
        return;
    idem_recorder_stop(r);
    idem_gate_log_close(r->log);
    pthread_cond_destroy(&r->some);
    pthread_cond_destroy(&r->over);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
