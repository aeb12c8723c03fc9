/* SPDX-License-Identifier: Apache-2.0 */
/* resolve.c - see resolve.h. The thread writes r->error and r->found; the loop reads them once it
 * has joined it. */
#include "agent/courier/resolve.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { STACK = 256 * 1024 };

static int look_up(struct idem_resolver *r, int flags)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    struct addrinfo *list = NULL;

    r->found.count = 0;
    int error = getaddrinfo(r->server->name, r->server->port, &hints, &list);
    for (const struct addrinfo *a = error == 0 ? list : NULL;
         a != NULL && r->found.count < IDEM_ADDRESSES_MAX; a = a->ai_next) {
        if (a->ai_addrlen > sizeof r->found.at[0].to)
            continue;
        memcpy(&r->found.at[r->found.count].to, a->ai_addr, a->ai_addrlen);
        r->found.at[r->found.count++].len = a->ai_addrlen;
    }
    if (list != NULL)
        freeaddrinfo(list);
    return error;
}

static void *run(void *arg)
{
    struct idem_resolver *r = arg;
    const uint64_t one = 1;

    r->error = look_up(r, AI_ADDRCONFIG);
    while (write(r->watch.fd, &one, sizeof one) < 0)
        continue;
    return NULL;
}

static void hand_out(struct idem_resolver *r)
{
    idem_resolver_done_fn *done = r->done;

    r->done = NULL;
    if (done != NULL)
        done(r->arg, &r->found, r->error != 0 ? gai_strerror(r->error) : "");
}

static void ready(void *arg, short events)
{
    struct idem_resolver *r = arg;
    uint64_t count;

    (void)events;
    if (read(r->watch.fd, &count, sizeof count) != sizeof count)
        return;
    pthread_join(r->thread, NULL); /* it has nothing left to do */
    r->running = false;
    idem_loop_unwatch(r->loop, &r->watch);
    hand_out(r);
}

int idem_resolver_init(struct idem_resolver *r, struct idem_loop *loop,
                       const struct idem_server_address *server)
{
    *r = (struct idem_resolver){.loop = loop, .server = server};
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return IDEM_ERR_IO;
    r->watch = (struct idem_watch){fd, POLLIN, ready, r};
    return 0;
}

static int start_thread(struct idem_resolver *r)
{
    pthread_attr_t attr;

    if (idem_loop_watch(r->loop, &r->watch) != 0)
        return IDEM_ERR_IO;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    r->running = pthread_create(&r->thread, &attr, run, r) == 0;
    pthread_attr_destroy(&attr);
    if (r->running)
        return 0;
    idem_loop_unwatch(r->loop, &r->watch);
    return IDEM_ERR_IO;
}

int idem_resolver_ask(struct idem_resolver *r, idem_resolver_done_fn *done, void *arg)
{
    r->done = done;
    r->arg = arg;
    if (r->running)
        return 0;
    r->error = look_up(r, AI_NUMERICHOST);
    if (r->error == 0) {
        hand_out(r);
        return 0;
    }
    int err = start_thread(r);
    if (err != 0)
        r->done = NULL;
    return err;
}

void idem_resolver_forget(struct idem_resolver *r)
{
    r->done = NULL;
}
