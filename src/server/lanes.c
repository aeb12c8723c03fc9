/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lanes.c - the HTTP threads: listening, waiting, being woken by the worker, draining.
 *
 * libmicrohttpd's own epoll thread blocks when exactly as many sockets are ready as its array of
 * events holds, until something else happens. So the waiting is done here, on its epoll descriptor
 * and an eventfd, and it is run without. The eventfd also spares libmicrohttpd's signal for every
 * single resumed connection: a lane is woken once for many.
 */
#include "server/http_parts.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, WAIT_MS = 1000, WAKE_EVERY = 24 };

/* ------------------------------------------------------------------ waking */

/* Any thread. A lane that has been woken and not looked yet needs no second call. */
static void wake_lane(struct idem_http_lane *lane)
{
    const uint64_t one = 1;

    atomic_store(&lane->resumed, 0);
    if (!atomic_exchange(&lane->woken, true) && write(lane->wake_fd, &one, sizeof one) < 0)
        idem_log(IDEM_LOG_ERROR, "kernel: an eventfd cannot be written");
}

void idem_lanes_wake(struct idem_http *h)
{
    for (unsigned i = 0; i < h->lane_count; i++)
        wake_lane(&h->lanes[i]);
}

void idem_lane_resume(struct idem_request *r, bool more)
{
    struct idem_http *h = r->http;
    struct idem_http_lane *lane = r->lane;

    MHD_resume_connection(r->connection); /* the request may be gone from here on */
    if (atomic_fetch_add(&lane->resumed, 1) + 1 >= WAKE_EVERY)
        wake_lane(lane);
    for (unsigned i = 0; i < h->lane_count && !more; i++)
        if (atomic_load(&h->lanes[i].resumed) > 0)
            wake_lane(&h->lanes[i]);
}

/* Resumed connections are seen by the run that follows; those after it wake anew. */
static void look_up(struct idem_http_lane *lane)
{
    uint64_t count;
    if (read(lane->wake_fd, &count, sizeof count) == sizeof count)
        atomic_store(&lane->woken, false);
}

/* ------------------------------------------------------------------ the thread */

static void stop_listening(struct idem_http_lane *lane)
{
    MHD_socket listening = MHD_quiesce_daemon(lane->daemon);
    if (listening != MHD_INVALID_SOCKET)
        close(listening);
    lane->quiet = true;
}

static void *run_lane(void *arg)
{
    struct idem_http_lane *lane = arg;
    struct pollfd ready[] = {{.fd = lane->epoll_fd, .events = POLLIN},
                             {.fd = lane->wake_fd, .events = POLLIN}};
    MHD_UNSIGNED_LONG_LONG timeout;

    pthread_setname_np(pthread_self(), "idem-http");
    while (!atomic_load(&lane->http->stopping)) {
        int wait = WAIT_MS;
        if (MHD_get_timeout(lane->daemon, &timeout) == MHD_YES && timeout < WAIT_MS)
            wait = (int)timeout;
        poll(ready, 2, wait);
        if (ready[1].revents != 0)
            look_up(lane);
        if (atomic_load(&lane->http->draining) && !lane->quiet)
            stop_listening(lane);
        MHD_run(lane->daemon);
    }
    return NULL;
}

/* ------------------------------------------------------------------ life */

static int listen_on(uint16_t port, int *fd, uint16_t *bound)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof address;
    int one = 1, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(s, (struct sockaddr *)&address, len) != 0 || listen(s, BACKLOG) != 0 ||
        getsockname(s, (struct sockaddr *)&address, &len) != 0) {
        int saved = errno;
        if (s >= 0)
            close(s);
        errno = saved;
        return IDEM_ERR_IO;
    }
    *fd = s;
    *bound = ntohs(address.sin_port);
    return IDEM_OK;
}

/* Each lane has a descriptor of its own for the common socket, which its libmicrohttpd closes. */
static int open_lane(struct idem_http *h, struct idem_http_lane *lane, int listening)
{
    const unsigned most = IDEM_CONNECTIONS_MAX / h->parts.threads;
    int own = fcntl(listening, F_DUPFD_CLOEXEC, 0);

    lane->http = h;
    lane->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lane->wake_fd >= 0 && own >= 0)
        lane->daemon = MHD_start_daemon(
            MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, idem_http_accept, lane,
            MHD_OPTION_LISTEN_SOCKET, own, MHD_OPTION_NOTIFY_COMPLETED, idem_http_finished, lane,
            MHD_OPTION_CONNECTION_LIMIT, most, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
            (size_t)IDEM_CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
            (unsigned)IDEM_CONNECTION_IDLE_S, MHD_OPTION_END);
    if (lane->daemon == NULL) {
        if (own >= 0)
            close(own);
        return IDEM_ERR_IO;
    }
    lane->epoll_fd = MHD_get_daemon_info(lane->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return IDEM_OK;
}

int idem_lanes_open(struct idem_http *h)
{
    int listening;
    int err = listen_on(h->parts.port, &listening, &h->port);

    if (err != 0)
        return err;
    for (unsigned i = 0; i < h->parts.threads && err == 0; i++)
        h->lane_count++, err = open_lane(h, &h->lanes[i], listening);
    close(listening);
    return err;
}

int idem_lanes_start(struct idem_http *h)
{
    for (unsigned i = 0; i < h->lane_count; i++) {
        struct idem_http_lane *lane = &h->lanes[i];
        lane->running = pthread_create(&lane->thread, NULL, run_lane, lane) == 0;
        if (!lane->running)
            return IDEM_ERR_NOMEM;
    }
    return IDEM_OK;
}

void idem_lanes_close(struct idem_http *h)
{
    atomic_store(&h->stopping, true);
    for (unsigned i = 0; i < h->lane_count; i++) {
        struct idem_http_lane *lane = &h->lanes[i];
        if (!lane->running)
            continue;
        wake_lane(lane);
        pthread_join(lane->thread, NULL);
    }
    for (unsigned i = 0; i < h->lane_count; i++) {
        struct idem_http_lane *lane = &h->lanes[i];
        if (lane->daemon != NULL)
            MHD_stop_daemon(lane->daemon);
        if (lane->wake_fd >= 0)
            close(lane->wake_fd);
    }
}

/* ------------------------------------------------------------------ streams */

static void pause_stream(void *context)
{
    struct idem_request *r = context;
    MHD_suspend_connection(r->connection);
}

static void wake_stream(void *context)
{
    idem_lane_resume(context, false);
}

static int socket_of(const struct idem_request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info != NULL ? info->connect_fd : -1;
}

/* What a client is behind waits in its ring, where it is counted, and not in the kernel. */
void idem_http_small_buffer(struct idem_request *r)
{
    int size = IDEM_STREAM_KERNEL_BUFFER;
    setsockopt(socket_of(r), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/* The peer's buffers are full: libmicrohttpd would wait for them until the connection times out. */
static void cut_stream(void *context)
{
    shutdown(socket_of(context), SHUT_RDWR);
}

const struct idem_stream_hooks idem_http_stream_hooks = {pause_stream, wake_stream, cut_stream};
