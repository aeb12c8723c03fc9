/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_parts.h - the HTTP side from the inside, for the files that are it: http.c (a request's
 * way), lanes.c (threads, sockets, waking).
 */
#ifndef IDEM_SERVER_HTTP_PARTS_H
#define IDEM_SERVER_HTTP_PARTS_H

#include "server/http.h"
#include "server/request.h"

#include <pthread.h>
#include <stdatomic.h>

enum { IDEM_HOSTS = 3, IDEM_HOST_MAX = 32 };

/* One thread with a libmicrohttpd of its own; all listen on the same socket. */
struct idem_http_lane {
    struct idem_http *http;
    struct MHD_Daemon *daemon;
    int epoll_fd, wake_fd;
    atomic_bool woken;   /* wake_fd has been written to since the lane last looked */
    atomic_uint resumed; /* connections resumed since it was */
    bool quiet;          /* takes no new connections any more; the lane's own note */
    pthread_t thread;
    bool running;
};

struct idem_http {
    struct idem_http_parts parts;
    struct idem_http_lane lanes[IDEM_THREADS_MAX];
    unsigned lane_count;
    uint16_t port;
    char hosts[IDEM_HOSTS][IDEM_HOST_MAX];
    struct MHD_Response *front;
    char front_etag[20];
    atomic_bool draining, stopping;
    atomic_int active; /* requests between their first header and their answer */
    pthread_mutex_t pool_lock;
    struct idem_request *pool;
    unsigned pooled;
};

/* lanes.c */
/* Listens on parts.port and sets port; nothing is accepted yet. */
int idem_lanes_open(struct idem_http *h);
int idem_lanes_start(struct idem_http *h);
/* Ends the threads, then the connections. */
void idem_lanes_close(struct idem_http *h);
/* Every lane looks at once whether it is to drain or to stop. */
void idem_lanes_wake(struct idem_http *h);
/* The connection goes on. more: others will be resumed at once, waking can wait for them. */
void idem_lane_resume(struct idem_request *r, bool more);

/* http.c: libmicrohttpd's callbacks; cls is the lane */
enum MHD_Result idem_http_accept(void *cls, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *body,
                                 size_t *body_len, void **context);
void idem_http_finished(void *cls, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode code);

#endif
