/* SPDX-License-Identifier: Apache-2.0 */
/* line.c - see line.h. */
#include "agent/line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* As many as the kernel lets one message have: it closes by itself what finds no room. */
enum { FIRST_INHERITED = 3, FDS_MAX = 253 };
/* More than the kernel lets wait in a socket; deeper than it nests them. */
enum { NESTED_MESSAGES = 1024, NESTED_DEPTH = 8 };

static long number_of(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    long n = text ? strtol(text, &end, 10) : 0;

    return text && end != text && *end == 0 ? n : -1;
}

/* The names are in the order of the descriptors, with colons between them. */
static long place_of(const char *name, long count)
{
    const char *at = getenv("LISTEN_FDNAMES");

    if (!name)
        return 0;
    for (long i = 0; at && i < count; i++) {
        size_t len = strcspn(at, ":");
        if (len == strlen(name) && strncmp(at, name, len) == 0)
            return i;
        at = at[len] == ':' ? at + len + 1 : NULL;
    }
    return -1;
}

int idem_line_inherited(const char *name)
{
    long count = number_of("LISTEN_FDS");

    if (number_of("LISTEN_PID") != (long)getpid() || count < 1)
        return IDEM_ERR_NOT_FOUND;
    long place = place_of(name, count);
    if (place < 0)
        return IDEM_ERR_NOT_FOUND;
    int fd = FIRST_INHERITED + (int)place;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return IDEM_ERR_NOT_FOUND;
    return fd;
}

int idem_line_accept(int listening, uid_t *uid)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return errno == EAGAIN || errno == ECONNABORTED || errno == EINTR ? IDEM_ERR_NOT_FOUND
                                                                          : IDEM_ERR_IO;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
        close(fd);
        return IDEM_ERR_IO;
    }
    *uid = peer.uid;
    return fd;
}

int idem_line_connect(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof to.sun_path)
        return IDEM_ERR_IO;
    memcpy(to.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return IDEM_ERR_IO;
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return IDEM_ERR_IO;
}

int idem_line_pair(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0
               ? 0
               : IDEM_ERR_IO;
}

union control {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

int idem_line_send(int line, const struct idem_message_head *head, int fd)
{
    struct iovec part = {(void *)(uintptr_t)head, head->len};
    union control control = {0};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};

    if (fd >= 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(sizeof fd);
        control.head = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    }
    ssize_t n;
    do
        n = sendmsg(line, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)head->len)
        return 0;
    return n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS) ? IDEM_ERR_FULL
                                                                                   : IDEM_ERR_IO;
}

static void drop(int fd, int depth);

/* Keeps the first and closes the rest: no message has two. */
static uint32_t take_descriptors(struct msghdr *m, int depth, int *fd)
{
    uint32_t count = 0;

    *fd = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= c->cmsg_len; at += sizeof(int)) {
            int got;
            memcpy(&got, CMSG_DATA(c) + at, sizeof got);
            if (count++ == 0)
                *fd = got;
            else
                drop(got, depth);
        }
    }
    return count;
}

/* One message, or one who waits at a listening socket; false: nothing more is in it. */
static bool take_out(int fd, int depth)
{
    char byte;
    union control control;
    struct iovec part = {&byte, 1};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    int first = -1;

    if (n >= 0 && take_descriptors(&m, depth, &first) > 0)
        drop(first, depth);
    if (n >= 0 || errno == EAGAIN)
        return n >= 0;
    int waiting = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (waiting >= 0)
        drop(waiting, depth);
    return waiting >= 0;
}

/* A socket of this machine is closed with all that is on its way in it, so that comes out first.
 * An empty message looks like the end: hence the count, more than the kernel lets wait. */
static void empty(int fd, int depth)
{
    int domain = -1;
    socklen_t len = sizeof domain;

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 || domain != AF_UNIX)
        return;
    (void)shutdown(fd, SHUT_RD); /* from here on nothing comes in, and accept4() does not wait */
    for (int i = 0; i < NESTED_MESSAGES && take_out(fd, depth); i++)
        ;
}

static void drop(int fd, int depth)
{
    const struct linger none = {0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none); /* most are no socket */
    if (depth < NESTED_DEPTH)
        empty(fd, depth + 1);
    close(fd);
}

void idem_line_drop(int fd)
{
    drop(fd, 0);
}

int idem_line_receive(int line, char from, char to, struct idem_line_buffer *out)
{
    struct iovec part = {out->bytes, sizeof out->bytes};
    union control control;
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    ssize_t n;

    out->fd = -1;
    do
        n = recvmsg(line, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? IDEM_ERR_NOT_FOUND : IDEM_ERR_IO;
    uint32_t fds = take_descriptors(&m, 0, &out->fd);
    out->len = (size_t)n;
    if (n > 0 && (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 &&
        idem_message_check(out->bytes, out->len, fds, from, to))
        return 0;
    if (out->fd >= 0)
        idem_line_drop(out->fd);
    out->fd = -1;
    return n == 0 ? IDEM_ERR_IO : IDEM_ERR_INVALID;
}
