/* SPDX-License-Identifier: Apache-2.0 */
/* stranger.c - see stranger.h. */
#include "agent/courier/stranger.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Linux 6.16; older libraries have no name for it. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

enum { PATIENCE_US = 2000 }; /* far above what an honest connection takes */

void idem_stranger_meet(int fd)
{
    const int off = 0;

    (void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off);
}

static void on_alarm(int number)
{
    (void)number;
}

/* Whoever waits is woken, again and again: the first time may come before the wait. */
static void set_alarm(suseconds_t us)
{
    const struct itimerval each = {{0, us}, {0, us}};
    const struct sigaction action = {.sa_handler = on_alarm};
    const int err = errno;

    if (us != 0)
        sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &each, NULL);
    errno = err;
}

static ssize_t look(int fd, void *bytes, size_t cap, int flags)
{
    struct iovec part = {bytes, cap};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t n;

    set_alarm(PATIENCE_US);
    n = recvmsg(fd, &m, flags | MSG_DONTWAIT);
    set_alarm(0);
    if (n < 0 || (m.msg_flags & MSG_CTRUNC) == 0)
        return n;
    errno = EBADMSG;
    return -1;
}

ssize_t idem_stranger_receive(int fd, void *bytes, size_t cap)
{
    return look(fd, bytes, cap, 0);
}

bool idem_stranger_carries(int fd)
{
    char byte;

    return look(fd, &byte, sizeof byte, MSG_PEEK) < 0 && errno == EBADMSG;
}

void idem_stranger_close(int fd)
{
    set_alarm(PATIENCE_US);
    close(fd);
    set_alarm(0);
}
