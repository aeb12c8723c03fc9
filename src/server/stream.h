/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - server-sent events to those who watch. A client is a bounded buffer: the worker
 * appends events, the client's HTTP thread takes bytes out and suspends the connection when there
 * are none. One that falls IDEM_STREAM_BUFFER behind is disconnected; its EventSource comes back
 * and lists the sessions anew, which costs less than it would to queue for it.
 */
#ifndef IDEM_SERVER_STREAM_H
#define IDEM_SERVER_STREAM_H

#include "idem/idem.h"

#include <sys/types.h>

struct idem_streams;
struct idem_stream;

/* What happens to a client's connection; called with its context, under the hub's lock. */
struct idem_stream_hooks {
    void (*pause)(void *context); /* by idem_stream_take: there are no bytes */
    void (*wake)(void *context);  /* a paused one has to go on */
    void (*cut)(void *context);   /* it fell behind: no byte more */
};

int idem_streams_new(const struct idem_stream_hooks *hooks, struct idem_streams **out);
/* All clients must have left. */
void idem_streams_free(struct idem_streams *hub);

/* HTTP thread. The client hears of that organisation only. IDEM_ERR_LIMIT when IDEM_STREAMS_MAX are
 * connected. */
int idem_stream_join(struct idem_streams *hub, int64_t organisation, void *context,
                     struct idem_stream **out);
void idem_stream_leave(struct idem_stream *stream);
/*
 * Takes at most max bytes. 0: there are none, and the connection has been paused under the hub's
 * lock, so that no wake is lost; -1: the stream is at its end.
 */
ssize_t idem_stream_take(struct idem_stream *stream, char *bytes, size_t max);

/* Worker. */
bool idem_streams_watched(struct idem_streams *hub);
/* To those of the organisation. event: its type, a word. */
void idem_streams_event(struct idem_streams *hub, int64_t organisation, const char *event,
                        const char *data, size_t len);
/* A comment, so that nobody on the way takes the silence for death. */
void idem_streams_beat(struct idem_streams *hub);
/* Ends every stream; nobody may join any more. */
void idem_streams_shut(struct idem_streams *hub);

#endif
