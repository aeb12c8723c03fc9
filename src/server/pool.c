/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c - see pool.h. */
#include "server/pool.h"

#include "server/constants.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct helper {
    struct idem_pool *pool;
    unsigned share;
    pthread_t thread;
};

struct idem_pool {
    pthread_mutex_t lock;
    pthread_cond_t begun, ended;
    uint64_t round; /* counts what has been handed out */
    unsigned busy;  /* helpers that have not finished this round */
    bool closing;
    idem_pool_fn *fn;
    void *arg;
    unsigned count;
    struct helper helpers[IDEM_THREADS_MAX];
};

/* Waits for the round after `round`; false when there will be none. */
static bool next_round(struct idem_pool *p, uint64_t round)
{
    pthread_mutex_lock(&p->lock);
    while (p->round == round && !p->closing)
        pthread_cond_wait(&p->begun, &p->lock);
    bool closing = p->closing;
    pthread_mutex_unlock(&p->lock);
    return !closing;
}

static void *help(void *arg)
{
    struct helper *h = arg;
    struct idem_pool *p = h->pool;

    pthread_setname_np(pthread_self(), "idem-judge");
    for (uint64_t round = 0; next_round(p, round); round++) {
        p->fn(p->arg, h->share);
        pthread_mutex_lock(&p->lock);
        if (--p->busy == 0)
            pthread_cond_signal(&p->ended);
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

static int start_helpers(struct idem_pool *p, unsigned threads)
{
    sigset_t all, before;
    int err = IDEM_OK;

    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    while (p->count + 1 < threads && err == 0) {
        struct helper *h = &p->helpers[p->count];
        *h = (struct helper){.pool = p, .share = p->count + 1};
        if (pthread_create(&h->thread, NULL, help, h) != 0)
            err = IDEM_ERR_NOMEM;
        else
            p->count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

int idem_pool_new(unsigned threads, struct idem_pool **out)
{
    if (threads == 0 || threads > IDEM_THREADS_MAX)
        return IDEM_ERR_INVALID;
    struct idem_pool *p = calloc(1, sizeof *p);
    if (p == NULL)
        return IDEM_ERR_NOMEM;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->begun, NULL);
    pthread_cond_init(&p->ended, NULL);
    int err = start_helpers(p, threads);
    if (err != 0) {
        idem_pool_free(p);
        return err;
    }
    *out = p;
    return IDEM_OK;
}

void idem_pool_free(struct idem_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->begun);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->count; i++)
        pthread_join(pool->helpers[i].thread, NULL);
    pthread_cond_destroy(&pool->begun);
    pthread_cond_destroy(&pool->ended);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

unsigned idem_pool_threads(const struct idem_pool *pool)
{
    return pool->count + 1;
}

void idem_pool_run(struct idem_pool *pool, idem_pool_fn *fn, void *arg)
{
    pthread_mutex_lock(&pool->lock);
    pool->fn = fn;
    pool->arg = arg;
    pool->busy = pool->count;
    pool->round++;
    pthread_cond_broadcast(&pool->begun);
    pthread_mutex_unlock(&pool->lock);
    fn(arg, 0);
    pthread_mutex_lock(&pool->lock);
    while (pool->busy > 0)
        pthread_cond_wait(&pool->ended, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
