/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_parts.h - the HTTP side from the inside, for the files that are it: http.c (a request's
 * way), lanes.c (threads, sockets, waking), doorman.c (who may stay), head.c (whether it
 * was meant for us).
 */
#ifndef IDEM_SERVER_HTTP_PARTS_H
#define IDEM_SERVER_HTTP_PARTS_H

#include "base/siphash.h"
#include "server/connections.h"
#include "server/guests.h"
#include "server/hosts.h"
#include "server/http.h"
#include "server/request.h"

#include <pthread.h>
#include <stdatomic.h>

/* One address that a lane listens on, with a libmicrohttpd of its own. */
struct idem_http_port {
    struct idem_http_lane *lane;
    struct MHD_Daemon *daemon;
    int epoll_fd;
    bool tls;
};

/* One thread; all of them listen on the same sockets, but for the one that has those of a proxy on
 * this machine to itself: what it asks does not wait behind windows. */
struct idem_http_lane {
    struct idem_http *http;
    struct idem_http_port ports[IDEM_LISTEN_MAX];
    uint32_t port_count;
    struct idem_connections connections;
    uint32_t most;        /* connections; near it, idle ones are cut off */
    uint32_t vain_rounds; /* since something was ready */
    int64_t now_ms;       /* on the monotonic clock, as of this round */
    int wake_fd;
    atomic_bool woken;   /* wake_fd has been written to since the lane last looked */
    atomic_uint resumed; /* connections resumed since it was */
    bool quiet;          /* takes no new connections any more; the lane's own note */
    pthread_t thread;
    bool running;
};

struct idem_http {
    struct idem_http_parts parts;
    struct idem_http_lane lanes[IDEM_THREADS_MAX + 1];
    unsigned lane_count;
    struct idem_hosts hosts;
    struct idem_guests *guests;
    atomic_llong complained_ms;     /* when the log was last told of bad tokens */
    atomic_uint complaints;         /* since then */
    struct MHD_Response *fronts[2]; /* by plain HTTP, and by TLS */
    char front_etag[20];
    atomic_bool draining, stopping;
    atomic_int active;                   /* requests between their first header and their answer */
    uint8_t place_key[IDEM_SIPHASH_KEY]; /* of hashes of addresses */
    pthread_mutex_t pool_lock;
    struct idem_request *pool;
    unsigned pooled;
};

/* lanes.c */
/* Listens, and notes the ports in hosts; nothing is accepted yet. */
int idem_lanes_open(struct idem_http *h);
int idem_lanes_start(struct idem_http *h);
/* Ends the threads, then the connections. */
void idem_lanes_close(struct idem_http *h);
/* Every lane looks at once whether it is to drain or to stop. */
void idem_lanes_wake(struct idem_http *h);
/* The connection goes on. more: others will be resumed at once, waking can wait for them. */
void idem_lane_resume(struct idem_request *r, bool more);

/* head.c */
/* Under which names the server answers, once its ports are known. */
void idem_head_names(struct idem_http *h);
/* Host, Origin, and where the body ends: refuses the request, or does nothing. */
void idem_head_check(struct idem_request *r, const char *url);
/* What Content-Length says; 0 without. */
uint64_t idem_head_length(const struct idem_request *r);

/* doorman.c: who may stay, and for how long. */
/* libmicrohttpd's callback for connections that begin and end; cls is the port. */
void idem_doorman_notify(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_ConnectionNotificationCode what);
/* Once a round of the lane: those whose time is over go, and some idle ones when it is crowded. */
void idem_doorman_round(struct idem_http_lane *lane);
/* The request is in this phase from now on. */
void idem_doorman_phase(struct idem_request *r, enum idem_phase phase);
/* Before a refusal is sent: a bad token is counted, and too many of them are another problem. */
void idem_doorman_refused(struct idem_request *r);

/* http.c: libmicrohttpd's callbacks; cls is the port */
enum MHD_Result idem_http_accept(void *cls, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *body,
                                 size_t *body_len, void **context);
void idem_http_finished(void *cls, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode code);

#endif
