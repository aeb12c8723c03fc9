/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - see http.h. */
#include "agent/courier/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/courier/trim.h"

enum { SECOND = 1000000, READ_MAX = 16 * 1024 };

static void go_on(struct idem_http *h);
static void connect_next(struct idem_http *h);

/* ------------------------------------------------------------------ ends */

static void shut(struct idem_http *h)
{
    idem_resolver_forget(&h->resolver);
    idem_loop_unwatch(h->loop, &h->watch);
    idem_tls_end(&h->tls);
    if (h->watch.fd >= 0)
        close(h->watch.fd);
    h->watch.fd = -1;
    h->state = IDEM_HTTP_SHUT;
}

/* A request holds a token. */
static void forget_request(struct idem_http *h)
{
    if (h->out != NULL)
        sodium_memzero(h->out, h->out_len);
    free(h->out);
    h->out = NULL;
    h->out_len = h->out_at = 0;
}

/* The answer leaves h before it is told: done may ask anew. */
static void finish(struct idem_http *h, struct idem_http_answer *answer)
{
    struct idem_answer_reader reader = h->reader;
    idem_http_done_fn *done = h->done;

    h->done = NULL;
    h->reader = (struct idem_answer_reader){0};
    idem_loop_after(h->loop, &h->deadline, -1);
    idem_loop_after(h->loop, &h->step, -1);
    forget_request(h);
    answer->body = reader.body != NULL && answer->status != 0 ? reader.body : "";
    answer->len = answer->status != 0 ? reader.len : 0;
    answer->etag = reader.etag;
    answer->retry_after_s = idem_answer_retry_after(&reader);
    if (done != NULL)
        done(h->arg, answer);
    if (reader.body != NULL)
        sodium_memzero(reader.body, reader.len);
    idem_answer_free(&reader);
}

__attribute__((format(printf, 2, 3))) static void fail(struct idem_http *h, const char *fmt, ...)
{
    struct idem_http_answer answer = {.why = h->why};
    bool shook = h->state == IDEM_HTTP_SHAKING;
    va_list args;

    va_start(args, fmt);
    vsnprintf(h->why, sizeof h->why, fmt, args);
    va_end(args);
    shut(h);
    finish(h, &answer);
    if (shook)
        idem_trim();
}

static void succeed(struct idem_http *h)
{
    struct idem_http_answer answer = {.status = h->reader.status, .why = ""};

    if (idem_answer_keeps(&h->reader)) {
        h->state = IDEM_HTTP_OPEN;
        h->watch.events = POLLIN;
    } else {
        shut(h);
    }
    bool fresh = h->fresh;
    h->fresh = false;
    finish(h, &answer);
    if (fresh)
        idem_trim();
}

/* ------------------------------------------------------------------ bytes */

static ssize_t plain(ssize_t n)
{
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EINTR ? IDEM_TLS_AGAIN : IDEM_ERR_IO;
}

static ssize_t put(struct idem_http *h, const char *bytes, size_t len)
{
    if (h->server->tls)
        return idem_tls_write(&h->tls, bytes, len);
    return plain(send(h->watch.fd, bytes, len, MSG_NOSIGNAL));
}

static ssize_t get(struct idem_http *h, char *bytes, size_t cap)
{
    if (h->server->tls)
        return idem_tls_read(&h->tls, bytes, cap);
    return plain(recv(h->watch.fd, bytes, cap, 0));
}

static const char *reason(const struct idem_http *h)
{
    return h->server->tls && h->tls.why[0] != 0 ? h->tls.why : strerror(errno);
}

static void wait_again(struct idem_http *h, short plain_events)
{
    bool writes = h->server->tls ? idem_tls_wants_write(&h->tls) : plain_events == POLLOUT;

    h->watch.events = writes ? POLLOUT : POLLIN;
}

static void write_on(struct idem_http *h)
{
    while (h->out_at < h->out_len) {
        ssize_t n = put(h, h->out + h->out_at, h->out_len - h->out_at);
        if (n == IDEM_TLS_AGAIN) {
            wait_again(h, POLLOUT);
            return;
        }
        if (n < 0) {
            fail(h, "%s: %s", h->server->host, reason(h));
            return;
        }
        h->out_at += (size_t)n;
    }
    h->state = IDEM_HTTP_READING;
    h->watch.events = POLLIN;
}

static void not_http(struct idem_http *h, int err)
{
    const char *what = err == IDEM_ERR_LIMIT       ? "answered with more than was to be expected"
                       : err == IDEM_ERR_TRUNCATED ? "ended the connection before its answer"
                       : err == IDEM_ERR_NOMEM     ? "answered, but memory ran out"
                                                   : "answered with something that is not HTTP";
    fail(h, "%s %s", h->server->host, what);
}

static void read_on(struct idem_http *h)
{
    char bytes[READ_MAX];
    int err = 0;
    ssize_t n = 0;

    while (err == 0 && !h->reader.whole && (n = get(h, bytes, sizeof bytes)) > 0)
        err = idem_answer_feed(&h->reader, bytes, (size_t)n);
    if (err == 0 && n == 0 && !h->reader.whole)
        err = idem_answer_ended(&h->reader);
    sodium_memzero(bytes, sizeof bytes);
    if (err != 0)
        not_http(h, err);
    else if (h->reader.whole)
        succeed(h);
    else if (n == IDEM_TLS_AGAIN)
        wait_again(h, POLLIN);
    else
        fail(h, "%s: %s", h->server->host, reason(h));
}

/* Between requests: the end, or a ticket of TLS. */
static void listen_on(struct idem_http *h)
{
    char byte;

    if (get(h, &byte, 1) != IDEM_TLS_AGAIN)
        shut(h);
}

/* ------------------------------------------------------------------ getting there */

static void shake(struct idem_http *h)
{
    int n = idem_tls_handshake(&h->tls);

    if (n == IDEM_TLS_AGAIN) {
        wait_again(h, POLLIN);
    } else if (n != 0) {
        fail(h, "%s is not to be trusted, or its TLS not to be understood: %s", h->server->host,
             h->tls.why);
    } else {
        h->state = IDEM_HTTP_WRITING;
        h->fresh = true;
        write_on(h);
    }
}

static void connected(struct idem_http *h)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(h->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
        errno = error != 0 ? error : EIO;
        connect_next(h);
        return;
    }
    idem_loop_after(h->loop, &h->step, -1);
    h->state = h->server->tls ? IDEM_HTTP_SHAKING : IDEM_HTTP_WRITING;
    if (h->server->tls && idem_tls_begin(&h->tls, &h->context, h->watch.fd) != 0)
        fail(h, "TLS cannot be begun");
    else
        go_on(h);
}

/* In the clear nowhere but here, whatever a name server says of "localhost". */
static bool may_go(const struct idem_http *h, const struct sockaddr_storage *to)
{
    const struct sockaddr_in *four = (const void *)to;
    const struct sockaddr_in6 *six = (const void *)to;

    if (h->server->tls)
        return to->ss_family == AF_INET || to->ss_family == AF_INET6;
    return (to->ss_family == AF_INET && ntohl(four->sin_addr.s_addr) >> 24 == 127) ||
           (to->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr));
}

static int dial(struct idem_http *h, const struct sockaddr_storage *to, socklen_t len)
{
    const int on = 1;

    errno = EACCES;
    if (!may_go(h, to))
        return -1;
    int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (const void *)to, len) == 0 || errno == EINPROGRESS)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* errno: why the one before was none. */
static void connect_next(struct idem_http *h)
{
    idem_loop_unwatch(h->loop, &h->watch);
    if (h->watch.fd >= 0)
        close(h->watch.fd);
    h->watch.fd = -1;
    while (h->watch.fd < 0 && h->next < h->addresses.count) {
        h->watch.fd = dial(h, &h->addresses.at[h->next].to, h->addresses.at[h->next].len);
        h->next++;
    }
    if (h->watch.fd < 0) {
        fail(h, "%s cannot be reached: %s", h->server->host, strerror(errno));
        return;
    }
    h->state = IDEM_HTTP_CONNECTING;
    h->watch.events = POLLOUT;
    if (idem_loop_watch(h->loop, &h->watch) != 0 ||
        idem_loop_after(h->loop, &h->step, IDEM_HTTP_CONNECT_S * SECOND) != 0)
        fail(h, "too much is going on at once");
}

static void resolved(void *arg, const struct idem_addresses *found, const char *why)
{
    struct idem_http *h = arg;

    if (found->count == 0) {
        fail(h, "%s cannot be found: %s", h->server->name, why);
        return;
    }
    h->addresses = *found;
    h->next = 0;
    connect_next(h);
}

static void go_on(struct idem_http *h)
{
    switch (h->state) {
    case IDEM_HTTP_CONNECTING:
        connected(h);
        break;
    case IDEM_HTTP_SHAKING:
        shake(h);
        break;
    case IDEM_HTTP_WRITING:
        write_on(h);
        break;
    case IDEM_HTTP_READING:
        read_on(h);
        break;
    case IDEM_HTTP_OPEN:
        listen_on(h);
        break;
    case IDEM_HTTP_SHUT:
    case IDEM_HTTP_RESOLVING:
        break;
    }
}

static void ready(void *arg, short events)
{
    (void)events;
    go_on(arg);
}

/* ------------------------------------------------------------------ time */

static void too_late(void *arg)
{
    struct idem_http *h = arg;

    fail(h, "%s did not answer within %d s", h->server->host, IDEM_HTTP_REQUEST_S);
}

/* The beginning of a request, or an address that took too long. */
static void next_step(void *arg)
{
    struct idem_http *h = arg;

    switch (h->state) {
    case IDEM_HTTP_SHUT:
        h->state = IDEM_HTTP_RESOLVING;
        if (idem_resolver_ask(&h->resolver, resolved, h) != 0)
            fail(h, "%s cannot be looked up: no thread", h->server->name);
        break;
    case IDEM_HTTP_CONNECTING:
        errno = ETIMEDOUT;
        connect_next(h);
        break;
    case IDEM_HTTP_OPEN:
        h->state = IDEM_HTTP_WRITING;
        write_on(h);
        break;
    default:
        break;
    }
}

/* ------------------------------------------------------------------ asking */

int idem_http_init(struct idem_http *h, struct idem_loop *loop,
                   const struct idem_server_address *server, const char *ca)
{
    memset(h, 0, sizeof *h);
    h->loop = loop;
    h->server = server;
    h->watch = (struct idem_watch){.fd = -1, .ready = ready, .arg = h};
    h->deadline = (struct idem_timer){.due = too_late, .arg = h};
    h->step = (struct idem_timer){.due = next_step, .arg = h};
    int err = idem_resolver_init(&h->resolver, loop, server);
    if (err == 0 && server->tls)
        err = idem_tls_context_init(&h->context, ca, server->name);
    return err;
}

void idem_http_fini(struct idem_http *h)
{
    h->done = NULL;
    shut(h);
    idem_loop_after(h->loop, &h->deadline, -1);
    idem_loop_after(h->loop, &h->step, -1);
    forget_request(h);
    idem_answer_free(&h->reader);
    if (h->server->tls)
        idem_tls_context_fini(&h->context);
}

static int write_head(const struct idem_http *h, const struct idem_http_request *r, char *out)
{
    char type[80] = "";
    int n;

    if (r->type != NULL)
        snprintf(type, sizeof type, "Content-Type: %s\r\nContent-Length: %zu\r\n", r->type, r->len);
    n = snprintf(out, IDEM_HTTP_HEAD_MAX,
                 "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: idem-courier\r\n%s%s%s%s%s%s%s\r\n",
                 r->method, r->path, h->server->host,
                 r->token != NULL ? "Authorization: Bearer " : "", r->token != NULL ? r->token : "",
                 r->token != NULL ? "\r\n" : "", r->etag != NULL ? "If-None-Match: " : "",
                 r->etag != NULL ? r->etag : "", r->etag != NULL ? "\r\n" : "", type);
    return n < IDEM_HTTP_HEAD_MAX ? n : IDEM_ERR_LIMIT;
}

int idem_http_ask(struct idem_http *h, const struct idem_http_request *r, idem_http_done_fn *done,
                  void *arg)
{
    if (h->done != NULL)
        return IDEM_ERR_FULL;
    if (r->len > IDEM_HTTP_BODY_MAX)
        return IDEM_ERR_LIMIT;
    char *out = malloc(IDEM_HTTP_HEAD_MAX + r->len);
    if (out == NULL)
        return IDEM_ERR_NOMEM;
    int n = write_head(h, r, out);
    if (n < 0) {
        free(out);
        return n;
    }
    if (r->len > 0)
        memcpy(out + n, r->body, r->len);
    h->out = out;
    h->out_len = (size_t)n + r->len;
    h->out_at = 0;
    h->done = done;
    h->arg = arg;
    idem_answer_begin(&h->reader, r->limit);
    int err = idem_loop_after(h->loop, &h->step, 0);
    return err != 0 ? err : idem_loop_after(h->loop, &h->deadline, IDEM_HTTP_REQUEST_S * SECOND);
}

bool idem_http_busy(const struct idem_http *h)
{
    return h->done != NULL;
}
