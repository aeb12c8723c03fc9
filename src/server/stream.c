/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - see stream.h. */
#include "server/stream.h"

#include "server/constants.h"
#include "server/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct idem_stream {
    struct idem_streams *hub;
    void *context;
    int64_t organisation;
    bool paused, ended;
    size_t first, count;
    char bytes[IDEM_STREAM_BUFFER]; /* a ring */
};

struct idem_streams {
    pthread_mutex_t lock;
    struct idem_stream_hooks hooks;
    bool shut;
    size_t count;
    struct idem_stream *clients[IDEM_STREAMS_MAX];
};

int idem_streams_new(const struct idem_stream_hooks *hooks, struct idem_streams **out)
{
    struct idem_streams *hub = calloc(1, sizeof *hub);
    if (hub == NULL)
        return IDEM_ERR_NOMEM;
    pthread_mutex_init(&hub->lock, NULL);
    hub->hooks = *hooks;
    *out = hub;
    return IDEM_OK;
}

void idem_streams_free(struct idem_streams *hub)
{
    if (hub == NULL)
        return;
    pthread_mutex_destroy(&hub->lock);
    free(hub);
}

int idem_stream_join(struct idem_streams *hub, int64_t organisation, void *context,
                     struct idem_stream **out)
{
    int err = IDEM_ERR_LIMIT;
    struct idem_stream *s = malloc(sizeof *s); /* the ring needs no clearing */

    if (s == NULL)
        return IDEM_ERR_NOMEM;
    memset(s, 0, offsetof(struct idem_stream, bytes));
    s->hub = hub;
    s->context = context;
    s->organisation = organisation;
    pthread_mutex_lock(&hub->lock);
    if (!hub->shut && hub->count < IDEM_STREAMS_MAX) {
        hub->clients[hub->count++] = s;
        err = IDEM_OK;
    }
    pthread_mutex_unlock(&hub->lock);
    if (err != 0) {
        free(s);
        return err;
    }
    idem_metric_add(IDEM_METRIC_STREAMS, 1);
    *out = s;
    return IDEM_OK;
}

void idem_stream_leave(struct idem_stream *stream)
{
    struct idem_streams *hub = stream->hub;

    pthread_mutex_lock(&hub->lock);
    for (size_t i = 0; i < hub->count; i++) {
        if (hub->clients[i] == stream) {
            hub->clients[i] = hub->clients[--hub->count];
            break;
        }
    }
    pthread_mutex_unlock(&hub->lock);
    idem_metric_add(IDEM_METRIC_STREAMS, -1);
    free(stream);
}

static size_t take_ring(struct idem_stream *s, char *bytes, size_t max)
{
    size_t n = s->count < max ? s->count : max;
    size_t straight = IDEM_STREAM_BUFFER - s->first;

    if (n > straight)
        n = straight; /* the rest with the next call */
    memcpy(bytes, s->bytes + s->first, n);
    s->first = (s->first + n) % IDEM_STREAM_BUFFER;
    s->count -= n;
    return n;
}

ssize_t idem_stream_take(struct idem_stream *stream, char *bytes, size_t max)
{
    ssize_t n;

    pthread_mutex_lock(&stream->hub->lock);
    if (stream->count > 0) {
        n = (ssize_t)take_ring(stream, bytes, max);
    } else if (stream->ended) {
        n = -1;
    } else {
        stream->paused = true;
        stream->hub->hooks.pause(stream->context);
        n = 0;
    }
    pthread_mutex_unlock(&stream->hub->lock);
    return n;
}

bool idem_streams_watched(struct idem_streams *hub)
{
    pthread_mutex_lock(&hub->lock);
    bool watched = hub->count > 0;
    pthread_mutex_unlock(&hub->lock);
    return watched;
}

static void go_on(struct idem_stream *s)
{
    if (s->paused) {
        s->paused = false;
        s->hub->hooks.wake(s->context);
    }
}

static void put_ring(struct idem_stream *s, const char *bytes, size_t len)
{
    size_t at = (s->first + s->count) % IDEM_STREAM_BUFFER;
    size_t straight = IDEM_STREAM_BUFFER - at;

    if (straight > len)
        straight = len;
    memcpy(s->bytes + at, bytes, straight);
    memcpy(s->bytes, bytes + straight, len - straight);
    s->count += len;
}

static void append(struct idem_stream *s, const char *const *parts, const size_t *lens, int count)
{
    size_t len = 0;

    for (int i = 0; i < count; i++)
        len += lens[i];
    if (!s->ended && len > IDEM_STREAM_BUFFER - s->count) {
        s->ended = true;
        s->hub->hooks.cut(s->context);
        idem_metric_add(IDEM_METRIC_STREAM_DROPS, 1);
    }
    for (int i = 0; i < count && !s->ended; i++)
        put_ring(s, parts[i], lens[i]);
    go_on(s);
}

/* organisation 0: to all. */
static void append_all(struct idem_streams *hub, int64_t organisation, const char *const *parts,
                       const size_t *lens, int count)
{
    pthread_mutex_lock(&hub->lock);
    for (size_t i = 0; i < hub->count; i++)
        if (organisation == 0 || hub->clients[i]->organisation == organisation)
            append(hub->clients[i], parts, lens, count);
    pthread_mutex_unlock(&hub->lock);
}

void idem_streams_event(struct idem_streams *hub, int64_t organisation, const char *event,
                        const char *data, size_t len)
{
    static const char head[] = "event: ", middle[] = "\ndata: ", tail[] = "\n\n";
    const char *const parts[] = {head, event, middle, data, tail};
    const size_t lens[] = {sizeof head - 1, strlen(event), sizeof middle - 1, len, sizeof tail - 1};
    append_all(hub, organisation, parts, lens, 5);
}

void idem_streams_beat(struct idem_streams *hub)
{
    static const char beat[] = ": still here\n\n";
    const char *const parts[] = {beat};
    const size_t lens[] = {sizeof beat - 1};
    append_all(hub, 0, parts, lens, 1);
}

void idem_streams_shut(struct idem_streams *hub)
{
    pthread_mutex_lock(&hub->lock);
    hub->shut = true;
    for (size_t i = 0; i < hub->count; i++) {
        hub->clients[i]->ended = true;
        go_on(hub->clients[i]);
    }
    pthread_mutex_unlock(&hub->lock);
}
