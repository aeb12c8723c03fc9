/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lanes.c - the HTTP threads: waiting, being woken by the worker, draining. Each has a
 * libmicrohttpd for every socket, so that one thread can speak TLS and plain HTTP.
 *
 * libmicrohttpd's own epoll thread blocks when exactly as many sockets are ready as its array of
 * events holds, until something else happens. So the waiting is done here, on its epoll descriptor
 * and an eventfd, and it is run without. The eventfd also spares libmicrohttpd's signal for every
 * single resumed connection: a lane is woken once for many.
 */
#include "server/http_parts.h"

#include "base/log.h"
#include "server/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* libmicrohttpd 0.9.75 stops listening for good when its own limit on connections is reached in an
 * unlucky moment. It never is: the doorman keeps the lane's limit, at which the next one goes. */
enum { WAIT_MS = 1000, WAKE_EVERY = 24, OUT_OF_REACH = 1024, OTHER_FILES = 256 };
enum { VAIN_ROUNDS_MAX = 32, PACE_MS = 20, PACE_ANSWER_MS = 1 };

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

static int64_t monotonic_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void stop_listening(struct idem_http_lane *lane)
{
    for (uint32_t i = 0; i < lane->port_count; i++) {
        MHD_socket listening = MHD_quiesce_daemon(lane->ports[i].daemon);
        if (listening != MHD_INVALID_SOCKET)
            close(listening);
    }
    lane->quiet = true;
}

/*
 * While a TLS handshake waits for its client, libmicrohttpd 0.9.75 asks to be run again at once,
 * for ever: it tries to read each time. So after some rounds in which nothing was ready it is made
 * to wait a little, and not long while answers are being sent, which may be in pieces of 16 KiB
 * without anything becoming ready in between. Whatever does become ready ends the wait.
 */
static int pace(const struct idem_http_lane *lane)
{
    if (lane->vain_rounds < VAIN_ROUNDS_MAX || lane->connections.waiting[IDEM_PHASE_FIRST] == 0)
        return 0;
    return lane->connections.waiting[IDEM_PHASE_ANSWER] > 0 ? PACE_ANSWER_MS : PACE_MS;
}

static int patience(const struct idem_http_lane *lane, uint32_t ports)
{
    MHD_UNSIGNED_LONG_LONG timeout;
    int wait = WAIT_MS;

    for (uint32_t i = 0; i < ports; i++)
        if (MHD_get_timeout(lane->ports[i].daemon, &timeout) == MHD_YES && timeout < (unsigned)wait)
            wait = (int)timeout;
    return wait > 0 ? wait : pace(lane);
}

static void *run_lane(void *arg)
{
    struct idem_http_lane *lane = arg;
    const uint32_t ports = lane->port_count;
    struct pollfd ready[IDEM_LISTEN_MAX + 1] = {{.fd = lane->wake_fd, .events = POLLIN}};

    pthread_setname_np(pthread_self(), "idem-http");
    for (uint32_t i = 0; i < ports; i++)
        ready[1 + i] = (struct pollfd){.fd = lane->ports[i].epoll_fd, .events = POLLIN};
    while (!atomic_load(&lane->http->stopping)) {
        int count = poll(ready, 1 + ports, patience(lane, ports));
        lane->vain_rounds = count > 0 ? 0 : lane->vain_rounds + 1;
        lane->now_ms = monotonic_ms();
        if (ready[0].revents != 0)
            look_up(lane);
        if (atomic_load(&lane->http->draining) && !lane->quiet)
            stop_listening(lane);
        for (uint32_t i = 0; i < ports; i++)
            MHD_run(lane->ports[i].daemon);
        idem_doorman_round(lane);
    }
    return NULL;
}

/* ------------------------------------------------------------------ life */

/* Each port has a descriptor of its own for the common socket, which its libmicrohttpd closes. */
static int open_port(struct idem_http_lane *lane, struct idem_http_port *port, int listening)
{
    const unsigned tls = port->tls ? MHD_USE_TLS : 0;
    struct MHD_OptionItem more[] = {
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)idem_tls_priorities},
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)idem_tls_identity},
        {MHD_OPTION_END, 0, NULL}};
    int own = fcntl(listening, F_DUPFD_CLOEXEC, 0);

    if (!port->tls)
        more[0].option = MHD_OPTION_END;
    if (own >= 0)
        port->daemon = MHD_start_daemon(
            tls | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, idem_http_accept, port,
            MHD_OPTION_LISTEN_SOCKET, own, MHD_OPTION_NOTIFY_COMPLETED, idem_http_finished, port,
            MHD_OPTION_NOTIFY_CONNECTION, idem_doorman_notify, port, MHD_OPTION_CONNECTION_LIMIT,
            lane->most + OUT_OF_REACH, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
            (size_t)IDEM_CONNECTION_MEMORY, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
    if (port->daemon == NULL) {
        if (own >= 0)
            close(own);
        return IDEM_ERR_IO;
    }
    port->epoll_fd = MHD_get_daemon_info(port->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return IDEM_OK;
}

enum share { ALL, COMMON, APART }; /* of the sockets */

static int open_lane(struct idem_http *h, struct idem_http_lane *lane, enum share share,
                     uint32_t most)
{
    const struct idem_limits *limits = &h->parts.config->limits;
    const struct idem_sockets *sockets = h->parts.sockets;
    int err = IDEM_OK;

    lane->http = h;
    lane->now_ms = monotonic_ms();
    lane->most = most;
    lane->connections.patience_ms[IDEM_PHASE_FIRST] = limits->first_ms;
    lane->connections.patience_ms[IDEM_PHASE_IDLE] = limits->idle_ms;
    lane->connections.patience_ms[IDEM_PHASE_BODY] = limits->body_ms;
    lane->connections.patience_ms[IDEM_PHASE_ANSWER] = limits->answer_ms;
    lane->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lane->wake_fd < 0)
        return IDEM_ERR_IO;
    for (uint32_t i = 0; i < sockets->count && err == 0; i++) {
        if (share != ALL && sockets->apart[i] != (share == APART))
            continue;
        struct idem_http_port *port = &lane->ports[lane->port_count++];
        *port = (struct idem_http_port){.lane = lane, .tls = sockets->tls[i]};
        err = open_port(lane, port, sockets->fds[i]);
    }
    return err;
}

/* Each connection is a descriptor, and others need some, too. */
static uint32_t most_connections(const struct idem_http *h)
{
    const uint32_t wanted = h->parts.config->limits.connections;
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted + OTHER_FILES)
        return wanted;
    uint32_t most =
        files.rlim_cur > 2 * OTHER_FILES ? (uint32_t)files.rlim_cur - OTHER_FILES : OTHER_FILES;
    idem_log(IDEM_LOG_INFO, "config: %u connections at most, for the system allows no more files",
             most);
    return most < wanted ? most : wanted;
}

/* Whether some sockets are to have a thread of their own, and some are not. */
static bool is_split(const struct idem_sockets *sockets)
{
    uint32_t apart = 0;
    for (uint32_t i = 0; i < sockets->count; i++)
        apart += sockets->apart[i];
    return apart > 0 && apart < sockets->count;
}

int idem_lanes_open(struct idem_http *h)
{
    const bool split = is_split(h->parts.sockets);
    const uint32_t most = most_connections(h) / (h->parts.threads + split);
    int err = IDEM_OK;

    for (unsigned i = 0; i < h->parts.threads && err == 0; i++)
        h->lane_count++, err = open_lane(h, &h->lanes[i], split ? COMMON : ALL, most);
    if (err == 0 && split)
        h->lane_count++, err = open_lane(h, &h->lanes[h->lane_count - 1], APART, most);
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
        for (unsigned k = 0; k < IDEM_LISTEN_MAX; k++)
            if (lane->ports[k].daemon != NULL)
                MHD_stop_daemon(lane->ports[k].daemon);
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
