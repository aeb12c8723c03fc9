/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - the HTTP side: libmicrohttpd in one epoll thread (or several), TLS, requests, Host and
 * Origin. What a route does is in routes.c; this file knows nothing of sessions.
 */
#ifndef IDEM_SERVER_HTTP_H
#define IDEM_SERVER_HTTP_H

#include "bus/bus.h"
#include "server/assets.h"
#include "server/auth.h"
#include "server/config.h"
#include "server/organisations.h"
#include "server/people.h"
#include "server/seats.h"
#include "server/sockets.h"
#include "server/stream.h"

/* Of the console's log-ins. */
#define IDEM_COOKIE "idem"
/* The same over TLS: no other host, path or plain connection can set it. */
#define IDEM_COOKIE_SECURE "__Host-idem"

struct idem_access;

struct idem_porter;

struct idem_http_parts {
    struct idem_porter *porter;
    struct idem_bus *bus;
    struct idem_auth *auth;
    const struct idem_people *people; /* for pseudonyms only */
    const struct idem_organisations *organisations;
    int64_t demo; /* the organisation in which anybody may open sessions, 0: none */
    const struct idem_population *population;
    struct idem_streams *streams;
    const struct idem_assets *assets;
    const struct idem_config *config;
    const struct idem_sockets *sockets;
    struct idem_access *access;
    struct idem_seats *seats;
    int64_t token_ms; /* how long a session's token is good */
    bool test_clock;
    unsigned threads;
};

enum { IDEM_URL_MAX = IDEM_HOST_TEXT_MAX + 24 };

struct idem_http;
struct idem_request;

/* Serves on the sockets. The parts must outlive it. */
int idem_http_start(const struct idem_http_parts *parts, struct idem_http **out);
/* Where the first of its addresses is reached, without a slash at the end: IDEM_URL_MAX bytes. */
void idem_http_url(const struct idem_http *http, char *url);
const struct idem_http_parts *idem_http_parts(const struct idem_http *http);
/* The front's response, with its ETag. */
struct MHD_Response *idem_http_front(const struct idem_http *http, bool tls, const char **etag);
/* No new connections and no new work; waits until requests under way are answered, at most
 * IDEM_DRAIN_MS. The worker must still run. */
void idem_http_drain(struct idem_http *http);
/* Closes what is left. */
void idem_http_stop(struct idem_http *http);

/* For the connections of this server. */
extern const struct idem_stream_hooks idem_http_stream_hooks;
void idem_http_small_buffer(struct idem_request *request);

#endif
