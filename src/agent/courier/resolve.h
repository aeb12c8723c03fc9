/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve.h - the server's addresses, without making the loop wait: getaddrinfo(3) may take as long
 * as a name server likes, so it is run in a thread of its own, one at a time, which says through an
 * eventfd that it is done. Numbers are read at once.
 *
 * Cases: no such name, no network; an answer that comes after nobody waits any more (it is thrown
 * away); a question while an old one is still under way (it waits for that one's answer, which is
 * of the same name: a courier has one server).
 */
#ifndef IDEM_AGENT_COURIER_RESOLVE_H
#define IDEM_AGENT_COURIER_RESOLVE_H

#include <netdb.h>
#include <pthread.h>

#include "agent/courier/config.h"
#include "agent/loop.h"

enum { IDEM_ADDRESSES_MAX = 4 };

struct idem_addresses {
    uint32_t count;
    struct {
        struct sockaddr_storage to;
        socklen_t len;
    } at[IDEM_ADDRESSES_MAX];
};

/* why: a sentence's end when there are none. */
typedef void idem_resolver_done_fn(void *arg, const struct idem_addresses *found, const char *why);

struct idem_resolver {
    struct idem_loop *loop;
    const struct idem_server_address *server;
    struct idem_watch watch; /* of the eventfd */
    pthread_t thread;
    bool running;
    idem_resolver_done_fn *done; /* NULL: nobody waits */
    void *arg;
    int error; /* the thread's, read when it has ended */
    struct idem_addresses found;
};

/* server outlives the resolver. IDEM_ERR_IO */
int idem_resolver_init(struct idem_resolver *r, struct idem_loop *loop,
                       const struct idem_server_address *server);
/* done may be called before this returns. IDEM_ERR_IO: no thread can be made. */
int idem_resolver_ask(struct idem_resolver *r, idem_resolver_done_fn *done, void *arg);
void idem_resolver_forget(struct idem_resolver *r); /* nobody waits any more */

#endif
