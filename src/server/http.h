/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - the HTTP side: libmicrohttpd in one epoll thread (or several), requests, Host and
 * Origin. What a route does is in routes.c; this file knows nothing of sessions.
 */
#ifndef IDEM_SERVER_HTTP_H
#define IDEM_SERVER_HTTP_H

#include "bus/bus.h"
#include "server/assets.h"
#include "server/auth.h"
#include "server/organisations.h"
#include "server/people.h"
#include "server/stream.h"

/* Of the console's log-ins. */
#define IDEM_COOKIE "idem"

struct idem_http_parts {
    struct idem_bus *bus;
    struct idem_auth *auth;
    const struct idem_people *people; /* for pseudonyms only */
    const struct idem_organisations *organisations;
    int64_t demo; /* the organisation in which anybody may open sessions, 0: none */
    const struct idem_population *population;
    struct idem_streams *streams;
    const struct idem_assets *assets;
    bool test_clock;
    uint16_t port; /* 0: any */
    unsigned threads;
};

struct idem_http;
struct idem_request;

/* Listens on 127.0.0.1. The parts must outlive it. */
int idem_http_start(const struct idem_http_parts *parts, struct idem_http **out);
uint16_t idem_http_port(const struct idem_http *http);
const struct idem_http_parts *idem_http_parts(const struct idem_http *http);
/* The front's response, with its ETag. */
struct MHD_Response *idem_http_front(const struct idem_http *http, const char **etag);
/* No new connections and no new work; waits until requests under way are answered, at most
 * IDEM_DRAIN_MS. The worker must still run. */
void idem_http_drain(struct idem_http *http);
/* Closes what is left. */
void idem_http_stop(struct idem_http *http);

/* For the connections of this server. */
extern const struct idem_stream_hooks idem_http_stream_hooks;
void idem_http_small_buffer(struct idem_request *request);

#endif
