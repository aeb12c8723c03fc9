/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heads.c - see heads.h. The file is opened by its name for each line, so that it may be rotated
 * away, and appended to: nothing in it is ever changed from here.
 */
#include "server/heads.h"

#include "base/log.h"
#include "server/clock.h"
#include "server/secrets.h"
#include "store/cover.h"
#include "store/sqlite_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { COMPLAIN_EVERY_MS = 60 * 1000 };

struct slot {
    const char *log; /* NULL: free */
    struct idem_chain_head head, sent;
    bool changed, important;
    int64_t sent_ms;
};

struct idem_heads {
    char path[PATH_MAX];
    bool syslog;
    int64_t every_ms;
    uint8_t public_key[IDEM_HEAD_PUBLIC], secret_key[IDEM_HEAD_SECRET];
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool running, stopping;
    struct slot slots[IDEM_HEADS_LOGS_MAX];
    int64_t complained_ms; /* the thread's own */
    bool torn;             /* half a line may stand at the file's end */
};

/* ------------------------------------------------------------------ making */

static int make_keys(struct idem_heads *h, const char *dir)
{
    uint8_t seed[IDEM_SECRET_BYTES];
    int err = idem_secret_load(dir, "audit.key", true, seed);

    if (err != 0)
        return err;
    idem_head_keys(seed, h->public_key, h->secret_key);
    idem_cover_sign_with(h->secret_key);
    sodium_memzero(seed, sizeof seed);
    return IDEM_OK;
}

/* For those who check and must not be able to sign. */
static int publish_key(const struct idem_heads *h, const char *dir)
{
    char path[PATH_MAX], text[IDEM_SECRET_TEXT + 1];

    if (snprintf(path, sizeof path, "%s/audit.pub", dir) >= (int)sizeof path)
        return IDEM_ERR_LIMIT;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    idem_secret_text(h->public_key, text);
    bool written = fd >= 0 && dprintf(fd, "%s\n", text) == IDEM_SECRET_TEXT + 1;
    if (fd >= 0 && close(fd) != 0)
        written = false;
    if (!written)
        idem_log(IDEM_LOG_ERROR, "%s: %s", path, strerror(errno));
    return written ? IDEM_OK : IDEM_ERR_IO;
}

static int take_options(struct idem_heads *h, const char *dir, const struct idem_heads_options *o)
{
    int n = o->file != NULL ? snprintf(h->path, sizeof h->path, "%s", o->file)
                            : snprintf(h->path, sizeof h->path, "%s/audit.heads", dir);
    h->syslog = o->syslog;
    h->every_ms = 1000 * (int64_t)(o->every_s > 0 ? o->every_s : IDEM_HEADS_EVERY_S);
    return n < (int)sizeof h->path ? IDEM_OK : IDEM_ERR_LIMIT;
}

int idem_heads_new(const char *dir, const struct idem_heads_options *options,
                   struct idem_heads **out)
{
    struct idem_heads *h = calloc(1, sizeof *h);
    pthread_condattr_t attr;
    int err;

    if (h == NULL)
        return IDEM_ERR_NOMEM;
    if ((err = take_options(h, dir, options)) != 0 || (err = make_keys(h, dir)) != 0 ||
        (err = publish_key(h, dir)) != 0) {
        free(h);
        return err;
    }
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&h->wake, &attr);
    pthread_condattr_destroy(&attr);
    *out = h;
    return IDEM_OK;
}

void idem_heads_free(struct idem_heads *heads)
{
    if (heads == NULL)
        return;
    pthread_cond_destroy(&heads->wake);
    pthread_mutex_destroy(&heads->lock);
    idem_cover_sign_with(NULL);
    sodium_memzero(heads->secret_key, sizeof heads->secret_key);
    free(heads);
}

const uint8_t *idem_heads_public(const struct idem_heads *heads)
{
    return heads->public_key;
}

/* ------------------------------------------------------------------ offering */

static bool by_the_hour(const char *log)
{
    return strcmp(log, "audit") != 0;
}

/* Under the lock. NULL: unknown and no slot is free. */
static struct slot *slot_of(struct idem_heads *h, const char *log)
{
    for (int i = 0; i < IDEM_HEADS_LOGS_MAX; i++)
        if (h->slots[i].log == NULL || strcmp(h->slots[i].log, log) == 0)
            return &h->slots[i];
    return NULL;
}

void idem_heads_offer(struct idem_heads *heads, const char *log, const struct idem_chain_head *head,
                      bool important)
{
    pthread_mutex_lock(&heads->lock);
    struct slot *s = slot_of(heads, log);
    if (s != NULL) {
        if (s->log == NULL && by_the_hour(log))
            s->sent_ms = idem_clock_ms(); /* not at once, which would tell when */
        s->changed = s->changed || s->log == NULL || s->head.seq != head->seq;
        s->log = log;
        s->head = *head;
        s->important = s->important || (important && !by_the_hour(log));
        if (s->important)
            pthread_cond_signal(&heads->wake);
    }
    pthread_mutex_unlock(&heads->lock);
}

static int64_t told_time(const char *log, int64_t now_ms)
{
    return by_the_hour(log) ? now_ms - now_ms % IDEM_HOUR_MS : now_ms;
}

int idem_heads_now(struct idem_heads *heads, const char *log, int64_t now_ms, struct idem_head *out)
{
    struct idem_chain_head at = {0};

    pthread_mutex_lock(&heads->lock);
    const struct slot *s = slot_of(heads, log);
    if (s != NULL && s->log != NULL)
        at = by_the_hour(log) ? s->sent : s->head;
    pthread_mutex_unlock(&heads->lock);
    if (at.seq == 0)
        return IDEM_ERR_NOT_FOUND;
    idem_head_sign(log, &at, told_time(log, now_ms), heads->secret_key, out);
    return IDEM_OK;
}

/* ------------------------------------------------------------------ writing */

static int append(struct idem_heads *h, const char *line, size_t len)
{
    char bytes[IDEM_HEAD_LINE_MAX + 2];
    int n = snprintf(bytes, sizeof bytes, "%s%.*s\n", h->torn ? "\n" : "", (int)len, line);
    int fd = open(h->path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640);

    if (fd < 0)
        return IDEM_ERR_IO;
    ssize_t written = write(fd, bytes, (size_t)n);
    h->torn = written != n && (written > 0 || h->torn);
    /* A pipe or a device takes lines, too, but cannot be synchronised. */
    bool good = written == n && (fsync(fd) == 0 || errno == EINVAL || errno == EROFS);
    close(fd);
    return good ? IDEM_OK : IDEM_ERR_IO;
}

static void complain(struct idem_heads *h, int64_t now_ms)
{
    if (now_ms - h->complained_ms < COMPLAIN_EVERY_MS)
        return;
    h->complained_ms = now_ms;
    idem_log(IDEM_LOG_ERROR, "config: %s: heads of the audit log cannot be written there: %s",
             h->path, strerror(errno));
}

static int send_head(struct idem_heads *h, const char *log, const struct idem_chain_head *at)
{
    char line[IDEM_HEAD_LINE_MAX];
    struct idem_head head;
    int64_t now = idem_clock_ms();

    idem_head_sign(log, at, told_time(log, now), h->secret_key, &head);
    size_t len = idem_head_line(&head, line);
    if (h->syslog)
        syslog(LOG_AUTHPRIV | LOG_NOTICE, "%s", line);
    int err = append(h, line, len);
    if (err != 0)
        complain(h, now);
    return err;
}

/* ------------------------------------------------------------------ the thread */

/* By the clock of the day: an hour's head is due when another hour has begun. */
static bool is_due(const struct idem_heads *h, const struct slot *s, int64_t now)
{
    if (!s->changed)
        return false;
    if (h->stopping)
        return true;
    if (by_the_hour(s->log))
        return now / IDEM_HOUR_MS != s->sent_ms / IDEM_HOUR_MS;
    return s->important || now - s->sent_ms >= h->every_ms || now < s->sent_ms;
}

/* Under the lock, which is open while a head is on its way. False: it stays to be sent. */
static bool send_slot(struct idem_heads *h, struct slot *s)
{
    struct idem_chain_head at = s->head;
    const char *log = s->log;

    s->changed = s->important = false;
    pthread_mutex_unlock(&h->lock);
    int err = send_head(h, log, &at);
    pthread_mutex_lock(&h->lock);
    s->sent_ms = idem_clock_ms();
    if (err != 0)
        s->changed = true;
    else
        s->sent = at;
    return err == 0;
}

static void send_due(struct idem_heads *h)
{
    for (int i = 0; i < IDEM_HEADS_LOGS_MAX; i++)
        if (h->slots[i].log != NULL && is_due(h, &h->slots[i], idem_clock_ms()))
            send_slot(h, &h->slots[i]);
}

static bool anything_important(const struct idem_heads *h)
{
    for (int i = 0; i < IDEM_HEADS_LOGS_MAX; i++)
        if (h->slots[i].important)
            return true;
    return false;
}

static void *loop(void *arg)
{
    struct idem_heads *h = arg;
    struct timespec until;

    pthread_mutex_lock(&h->lock);
    while (!h->stopping) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += 1;
        if (!anything_important(h))
            pthread_cond_timedwait(&h->wake, &h->lock, &until);
        send_due(h);
    }
    send_due(h);
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

int idem_heads_start(struct idem_heads *heads)
{
    sigset_t all, before;

    if (heads->syslog)
        openlog("idem-server", LOG_PID, LOG_AUTHPRIV);
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    heads->running = pthread_create(&heads->thread, NULL, loop, heads) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return heads->running ? IDEM_OK : IDEM_ERR_NOMEM;
}

void idem_heads_stop(struct idem_heads *heads)
{
    if (heads == NULL || !heads->running)
        return;
    pthread_mutex_lock(&heads->lock);
    heads->stopping = true;
    pthread_cond_signal(&heads->wake);
    pthread_mutex_unlock(&heads->lock);
    pthread_join(heads->thread, NULL);
    heads->running = false;
}
