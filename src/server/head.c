/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.c - what is checked of a request's head before anybody looks at what it wants: that it was
 * meant for this server, by a page that may ask, and that its end can be read in one way only.
 */
#include "server/http_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ------------------------------------------------------------------ Host and Origin */

void idem_head_names(struct idem_http *h)
{
    const struct idem_sockets *sockets = h->parts.sockets;
    const struct idem_config *config = h->parts.config;

    for (uint32_t i = 0; i < sockets->count; i++)
        h->hosts.ports[i] =
            (struct idem_port){idem_address_port(&sockets->addresses[i]), sockets->tls[i]};
    h->hosts.port_count = sockets->count;
    h->hosts.names = config->hosts;
    h->hosts.name_count = config->host_count;
    h->hosts.plain_anywhere = config->plain_anywhere;
}

static bool is_twice(const struct idem_request *r, const char *name)
{
    return idem_request_header(r, name) != NULL && idem_request_only_header(r, name) == NULL;
}

/* A proxy hands on the Origin of the request that it asks about, which is the guarded page's. The
 * key that it must show is known to no page. */
static bool is_of_a_proxy(const char *url)
{
    return strcmp(url, "/v1/gate") == 0;
}

static void check_place(struct idem_request *r, const char *url)
{
    const char *host = idem_request_header(r, "Host");
    const char *origin = idem_request_header(r, "Origin");

    if (host == NULL || !idem_hosts_know(&r->http->hosts, host))
        idem_request_refuse(r, IDEM_PROBLEM_FORBIDDEN_HOST,
                            "this server is not asked for under that name");
    else if (origin != NULL && !is_of_a_proxy(url) &&
             !idem_hosts_know_origin(&r->http->hosts, origin))
        idem_request_refuse(r, IDEM_PROBLEM_FORBIDDEN_ORIGIN,
                            "the request comes from a page of another origin");
    else if (is_twice(r, "Host") || is_twice(r, "Origin"))
        idem_request_refuse(r, IDEM_PROBLEM_FORBIDDEN_HOST, "Host or Origin is given twice");
}

/* ------------------------------------------------------------------ where the body ends */

uint64_t idem_head_length(const struct idem_request *r)
{
    const char *length = idem_request_header(r, "Content-Length");
    return length != NULL ? strtoull(length, NULL, 10) : 0;
}

/* Somebody on the way may have taken the end of this request for the beginning of another. */
static bool is_length_unclear(const struct idem_request *r)
{
    const char *coding = idem_request_header(r, "Transfer-Encoding");

    return is_twice(r, "Content-Length") || is_twice(r, "Transfer-Encoding") ||
           (coding != NULL && (idem_request_header(r, "Content-Length") != NULL ||
                               strcasecmp(coding, "chunked") != 0));
}

void idem_head_check(struct idem_request *r, const char *url)
{
    check_place(r, url);
    if (is_length_unclear(r))
        idem_request_refuse(r, IDEM_PROBLEM_LENGTH_UNCLEAR, "the body has two lengths");
}

/* ------------------------------------------------------------------ the address */

/* By the name that others use where there is one, for a certificate has no other. */
void idem_http_url(const struct idem_http *http, char *url)
{
    const struct idem_config *config = http->parts.config;
    const struct idem_port *port = &http->hosts.ports[0];
    const char *scheme = port->tls ? "https" : "http";
    char address[IDEM_ADDRESS_TEXT_MAX];

    if (config->host_count > 0 && port->tls && strchr(config->hosts[0], ':') == NULL &&
        port->number != 443)
        snprintf(url, IDEM_URL_MAX, "%s://%s:%u", scheme, config->hosts[0], port->number);
    else if (config->host_count > 0 && port->tls)
        snprintf(url, IDEM_URL_MAX, "%s://%s", scheme, config->hosts[0]);
    else {
        idem_address_text(&http->parts.sockets->addresses[0], address);
        snprintf(url, IDEM_URL_MAX, "%s://%s", scheme, address);
    }
}
