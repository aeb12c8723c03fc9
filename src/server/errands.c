/* SPDX-License-Identifier: Apache-2.0 */
/* errands.c - see errands.h. */
#include "server/errands.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NICE = 10 };

struct idem_errands {
    pthread_mutex_t lock;
    pthread_cond_t pushed;
    struct idem_errand *first, *last;
    struct idem_errand *running;
    uint64_t running_who;
    unsigned count, max, share; /* count: waiting */
    bool closing, started;
    char name[16];
    pthread_t thread;
};

static struct idem_errand *take(struct idem_errands *e, bool *cancelled)
{
    pthread_mutex_lock(&e->lock);
    e->running = NULL;
    while (e->first == NULL && !e->closing)
        pthread_cond_wait(&e->pushed, &e->lock);
    struct idem_errand *one = e->first;
    if (one != NULL) {
        e->first = one->next;
        e->count--;
        e->running = one;
        e->running_who = one->who;
    }
    *cancelled = e->closing;
    pthread_mutex_unlock(&e->lock);
    return one;
}

static void *loop(void *arg)
{
    struct idem_errands *e = arg;
    struct idem_errand *one;
    bool cancelled;

    pthread_setname_np(pthread_self(), e->name);
    /* of this thread alone, which is how Linux understands it */
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    while ((one = take(e, &cancelled)) != NULL)
        one->run(one, cancelled);
    return NULL;
}

static int start(struct idem_errands *e)
{
    sigset_t all, before;

    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    e->started = pthread_create(&e->thread, NULL, loop, e) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e->started ? IDEM_OK : IDEM_ERR_NOMEM;
}

int idem_errands_new(const char *name, unsigned max, unsigned share, struct idem_errands **out)
{
    struct idem_errands *e = calloc(1, sizeof *e);

    if (e == NULL)
        return IDEM_ERR_NOMEM;
    snprintf(e->name, sizeof e->name, "%s", name);
    e->max = max;
    e->share = share;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->pushed, NULL);
    int err = start(e);
    if (err != 0) {
        idem_errands_free(e);
        return err;
    }
    *out = e;
    return IDEM_OK;
}

void idem_errands_free(struct idem_errands *errands)
{
    if (errands == NULL)
        return;
    pthread_mutex_lock(&errands->lock);
    errands->closing = true;
    pthread_cond_signal(&errands->pushed);
    pthread_mutex_unlock(&errands->lock);
    if (errands->started)
        pthread_join(errands->thread, NULL);
    pthread_cond_destroy(&errands->pushed);
    pthread_mutex_destroy(&errands->lock);
    free(errands);
}

/* Those of one who wait or are being run. */
static unsigned held(const struct idem_errands *e, uint64_t who)
{
    unsigned n = e->running != NULL && e->running_who == who;
    for (const struct idem_errand *one = e->first; one != NULL; one = one->next)
        n += one->who == who;
    return n;
}

int idem_errands_push(struct idem_errands *errands, struct idem_errand *errand)
{
    int err = IDEM_OK;

    pthread_mutex_lock(&errands->lock);
    if (errands->closing || errands->count >= errands->max ||
        (errand->who != 0 && held(errands, errand->who) >= errands->share)) {
        err = IDEM_ERR_FULL;
    } else {
        errand->next = NULL;
        if (errands->first == NULL)
            errands->first = errand;
        else
            errands->last->next = errand;
        errands->last = errand;
        errands->count++;
        pthread_cond_signal(&errands->pushed);
    }
    pthread_mutex_unlock(&errands->lock);
    return err;
}
