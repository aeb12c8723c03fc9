/* SPDX-License-Identifier: Apache-2.0 */
/* sockets.c - see sockets.h. */
#include "server/sockets.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static bool is_set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static int listen_on(struct idem_address *address)
{
    const int family = address->socket.any.sa_family;
    const bool all = family == AF_INET6 &&
                     memcmp(&address->socket.v6.sin6_addr, &in6addr_any, sizeof in6addr_any) == 0;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && is_set(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
        (family != AF_INET6 || is_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !all)) &&
        bind(fd, &address->socket.any, address->len) == 0 && listen(fd, BACKLOG) == 0 &&
        getsockname(fd, &address->socket.any, &address->len) == 0)
        return fd;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return -1;
}

int idem_sockets_open(const struct idem_config *config, struct idem_sockets *sockets)
{
    char text[IDEM_ADDRESS_TEXT_MAX];

    for (uint32_t i = 0; i < config->listen_count; i++) {
        struct idem_address address = config->listens[i].address;
        int fd = listen_on(&address);
        if (fd < 0) {
            idem_address_text(&address, text);
            idem_log(IDEM_LOG_ERROR, "config: cannot listen on %s: %s", text, strerror(errno));
            return IDEM_ERR_IO;
        }
        sockets->fds[sockets->count] = fd;
        sockets->addresses[sockets->count] = address;
        sockets->apart[sockets->count] = config->listens[i].apart;
        sockets->tls[sockets->count++] = config->listens[i].tls;
    }
    return IDEM_OK;
}

void idem_sockets_close(struct idem_sockets *sockets)
{
    for (uint32_t i = 0; i < sockets->count; i++) {
        if (sockets->fds[i] >= 0)
            close(sockets->fds[i]);
        sockets->fds[i] = -1;
    }
}
