/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - see load.h. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { SILENCE_MAX_S = 60 }; /* without an answer to anybody: something is wrong */

void die(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

struct connection {
    int fd;
    size_t sent, request_len, got;
    double started;
    char request[REQUEST_MAX];
    char answer[ANSWER_MAX];
};

static int dial(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void send_some(struct connection *c)
{
    while (c->sent < c->request_len) {
        ssize_t n = send(c->fd, c->request + c->sent, c->request_len - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return; /* the answer cannot come before the rest is sent: epoll says when */
        if (n < 0)
            die("send");
        c->sent += (size_t)n;
    }
}

/* The length of the whole answer, or 0 while its head is incomplete. */
static size_t answer_length(const struct connection *c, size_t *body)
{
    static const char field[] = "Content-Length: ";
    const char *end = memmem(c->answer, c->got, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    if (strncmp(c->answer, "HTTP/1.1 204", 12) == 0) { /* says none */
        *body = 0;
        return (size_t)(end - c->answer) + 4;
    }
    const char *length = memmem(c->answer, (size_t)(end - c->answer), field, sizeof field - 1);
    if (length == NULL)
        die("an answer without length");
    *body = strtoul(length + sizeof field - 1, NULL, 10);
    return (size_t)(end - c->answer) + 4 + *body;
}

/* True when an answer is complete. */
static bool receive_some(struct load *l, struct connection *c)
{
    size_t body = 0;
    ssize_t n = recv(c->fd, c->answer + c->got, sizeof c->answer - 1 - c->got, 0);

    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0)
        die("the server hung up");
    c->got += (size_t)n;
    c->answer[c->got] = '\0';
    size_t whole = answer_length(c, &body);
    if (whole == 0 || c->got < whole)
        return false;
    if (strncmp(c->answer, "HTTP/1.1 20", 11) != 0) {
        fprintf(stderr, "%s\n", c->answer);
        die("a refusal");
    }
    l->answer_bytes = body;
    return true;
}

static bool begin(struct load *l, struct connection *c)
{
    if (!l->next(l->arg, c->request, &c->request_len))
        return false;
    c->sent = c->got = 0;
    c->started = now();
    send_some(c);
    return true;
}

static void finish(struct load *l, struct connection *c)
{
    if (l->answered < l->latency_max)
        l->latency[l->answered] = now() - c->started;
    l->answered++;
    if (l->answer != NULL)
        l->answer(l->arg, c->answer, c->got);
}

double run(struct load *l, double seconds)
{
    struct connection *all = calloc((size_t)l->connections, sizeof *all);
    struct epoll_event events[64];
    int epoll = epoll_create1(EPOLL_CLOEXEC), open = 0;
    double from, until;

    for (int i = 0; i < l->connections; i++) {
        struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &all[i]};
        all[i].fd = dial(l->port);
        epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &e);
    }
    from = now();
    until = from + seconds;
    for (int i = 0; i < l->connections; i++)
        open += begin(l, &all[i]);
    while (open > 0) {
        int n = epoll_wait(epoll, events, 64, 1000 * SILENCE_MAX_S);
        if (n == 0)
            die("no answer for a minute");
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            send_some(c);
            if (c->request_len == 0 || !receive_some(l, c))
                continue;
            finish(l, c);
            c->request_len = 0;
            if (now() > until || !begin(l, c))
                open--;
        }
    }
    from = now() - from;
    for (int i = 0; i < l->connections; i++)
        close(all[i].fd);
    close(epoll);
    free(all);
    return from;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

size_t sort_latencies(struct load *l)
{
    size_t kept = l->answered < l->latency_max ? l->answered : l->latency_max;
    qsort(l->latency, kept, sizeof l->latency[0], by_size);
    return kept;
}
