/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts.h - under which names this server may be asked for, and which pages may ask. A web page
 * anywhere can reach any address by DNS rebinding, but it cannot choose its Host nor its Origin.
 *
 *   127.0.0.1, localhost, [::1]   with a port that the server listens on; http, or https where the
 *                                 port speaks TLS
 *   a configured name             as it is written, or with such a port behind it; pages of it by
 *                                 https only, unless plain HTTP was allowed to leave the machine
 *
 * Immutable once the ports are known; any thread.
 */
#ifndef IDEM_SERVER_HOSTS_H
#define IDEM_SERVER_HOSTS_H

#include "server/config.h"

struct idem_port {
    uint16_t number;
    bool tls;
};

struct idem_hosts {
    struct idem_port ports[IDEM_LISTEN_MAX];
    uint32_t port_count;
    const char *const *names; /* the configuration's */
    uint32_t name_count;
    bool plain_anywhere;
};

bool idem_hosts_know(const struct idem_hosts *hosts, const char *host);
bool idem_hosts_know_origin(const struct idem_hosts *hosts, const char *origin);

#endif
