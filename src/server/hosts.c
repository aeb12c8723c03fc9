/* SPDX-License-Identifier: Apache-2.0 */
/* hosts.c - see hosts.h. */
#include "server/hosts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum scheme { HTTP, HTTPS, EITHER };

/* Whether what follows the name is one of the ports, under the scheme. */
static bool is_port(const struct idem_hosts *h, const char *text, enum scheme scheme)
{
    char number[8];

    for (uint32_t i = 0; i < h->port_count; i++) {
        if (scheme != EITHER && h->ports[i].tls != (scheme == HTTPS))
            continue;
        snprintf(number, sizeof number, ":%u", h->ports[i].number);
        if (strcmp(text, number) == 0)
            return true;
    }
    return false;
}

static bool is_loopback(const struct idem_hosts *h, const char *host, enum scheme scheme)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t len = strlen(names[i]);
        if (strncasecmp(host, names[i], len) == 0 && is_port(h, host + len, scheme))
            return true;
    }
    return false;
}

static bool is_named(const struct idem_hosts *h, const char *host)
{
    for (uint32_t i = 0; i < h->name_count; i++) {
        size_t len = strlen(h->names[i]);
        if (strncasecmp(host, h->names[i], len) == 0 &&
            (host[len] == '\0' || is_port(h, host + len, EITHER)))
            return true;
    }
    return false;
}

bool idem_hosts_know(const struct idem_hosts *hosts, const char *host)
{
    return is_loopback(hosts, host, EITHER) || is_named(hosts, host);
}

bool idem_hosts_know_origin(const struct idem_hosts *hosts, const char *origin)
{
    static const char http[] = "http://", https[] = "https://";

    if (strncasecmp(origin, https, sizeof https - 1) == 0) {
        const char *host = origin + sizeof https - 1;
        return is_loopback(hosts, host, HTTPS) || is_named(hosts, host);
    }
    if (strncasecmp(origin, http, sizeof http - 1) != 0)
        return false;
    const char *host = origin + sizeof http - 1;
    return is_loopback(hosts, host, HTTP) || (hosts->plain_anywhere && is_named(hosts, host));
}
