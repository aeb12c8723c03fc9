/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doorman.c - who may connect, how long a connection may take for each part of a request, and what
 * bad tokens come to. Cases:
 *
 *   one address with too many connections   the next one is closed unread; proxies excepted
 *   a head, body or answer that trickles    closed when its time is over, however busy it looked
 *   all connections in use                  the longest idle one is closed for the next
 *   bad tokens                              401; after so many in a minute from one address 429 and
 *                                           the end of the connection. A good token is always good
 *   forged openings, codes that never were  likewise, after a 403; beyond that they are counted,
 * and get no line of their own in the audit log
 *
 * The log says who only of those that go on beyond that, once a minute for each address and ten
 * times in ten seconds for all; the rest is a number.
 */
#include "server/http_parts.h"

#include "base/log.h"
#include "server/metrics.h"

#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

enum { LOG_EVERY_MS = 10 * 1000, LOG_MOST = 10 };

static void hang_up(struct idem_connection *c)
{
    shutdown(c->fd, SHUT_RDWR); /* libmicrohttpd hears of it, and ends the connection */
}

/* ------------------------------------------------------------------ time and room */

static void make_room(struct idem_http_lane *lane, uint32_t most)
{
    struct idem_connection *c;

    while ((c = idem_connections_spare(&lane->connections, most, lane->now_ms)) != NULL) {
        idem_metric_add(IDEM_METRIC_CROWDED_OUT, 1);
        hang_up(c);
    }
}

void idem_doorman_round(struct idem_http_lane *lane)
{
    struct idem_connection *c;

    while ((c = idem_connections_overdue(&lane->connections, lane->now_ms)) != NULL) {
        idem_metric_add(IDEM_METRIC_OVERDUE, 1);
        hang_up(c);
    }
    make_room(lane, lane->most - lane->most / 16);
}

/* ------------------------------------------------------------------ coming and going */

static int fd_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static void welcome(struct idem_http_port *port, struct MHD_Connection *connection,
                    struct idem_connection *c)
{
    struct idem_http_lane *lane = port->lane;
    const struct idem_config *config = lane->http->parts.config;
    const union MHD_ConnectionInfo *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    bool room = true;

    c->fd = fd_of(connection);
    c->tls = port->tls;
    if (address == NULL || idem_machine_of(address->client_addr, &c->peer) != 0)
        c->proxy = false;
    else if (idem_networks_have(config->proxies, config->proxy_count, &c->peer))
        c->proxy = true;
    else
        room = idem_guests_enter(lane->http->guests, &c->peer, &c->counted);
    idem_connections_add(&lane->connections, c, lane->now_ms);
    idem_metric_add(IDEM_METRIC_CONNECTIONS, 1);
    if (!room) {
        idem_metric_add(IDEM_METRIC_TURNED_AWAY, 1);
        idem_connection_cut(&lane->connections, c);
        hang_up(c);
    }
    make_room(lane, lane->most); /* of those that wait for nobody: at worst of the newcomer */
}

void idem_doorman_notify(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_ConnectionNotificationCode what)
{
    struct idem_http_port *port = cls;
    struct idem_connection *c = *context;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = c = calloc(1, sizeof *c);
        if (c != NULL)
            welcome(port, connection, c);
        else /* nobody would look after it */
            shutdown(fd_of(connection), SHUT_RDWR);
    } else if (c != NULL) {
        if (c->counted)
            idem_guests_leave(port->lane->http->guests, &c->peer);
        idem_connections_remove(&port->lane->connections, c);
        idem_metric_add(IDEM_METRIC_CONNECTIONS, -1);
        free(c);
        *context = NULL;
    }
}

void idem_doorman_phase(struct idem_request *r, enum idem_phase phase)
{
    if (r->line != NULL)
        idem_connection_enter(&r->lane->connections, r->line, phase, r->lane->now_ms);
}

/* ------------------------------------------------------------------ who asks */

int idem_request_client(const struct idem_request *r, struct idem_machine *out)
{
    const struct idem_config *config = r->http->parts.config;

    if (r->line == NULL)
        return IDEM_ERR_NOT_FOUND;
    if (!r->line->proxy) {
        *out = r->line->peer;
        return IDEM_OK;
    }
    const char *forwarded = idem_request_only_header(r, "X-Forwarded-For");
    if (forwarded == NULL)
        return IDEM_ERR_NOT_FOUND;
    return idem_forwarded_client(forwarded, config->proxies, config->proxy_count, out);
}

bool idem_request_tls(const struct idem_request *r)
{
    return r->line != NULL && r->line->tls;
}

bool idem_request_secure(const struct idem_request *r)
{
    if (r->line == NULL || r->line->tls)
        return true; /* what is said of a secure request is the stricter */
    const char *scheme = r->line->proxy ? idem_request_only_header(r, "X-Forwarded-Proto") : NULL;
    return scheme != NULL && strcasecmp(scheme, "https") == 0;
}

/* ------------------------------------------------------------------ bad tokens */

static void complain(struct idem_request *r, const struct idem_machine *who)
{
    struct idem_http *h = r->http;
    long long before = atomic_load(&h->complained_ms);
    char text[IDEM_ADDRESS_TEXT_MAX];

    if (r->lane->now_ms - before >= LOG_EVERY_MS &&
        atomic_compare_exchange_strong(&h->complained_ms, &before, r->lane->now_ms)) {
        unsigned most = LOG_MOST, count = atomic_exchange(&h->complaints, 0);
        if (count > most)
            idem_log(IDEM_LOG_INFO, "peer: %u other addresses sent bad tokens too", count - most);
    }
    if (atomic_fetch_add(&h->complaints, 1) >= LOG_MOST)
        return;
    idem_machine_text(who, text);
    idem_log(IDEM_LOG_INFO, "peer: %s has sent more than %u bad tokens within a minute", text,
             h->parts.config->limits.failures_per_minute);
}

void idem_request_failed(struct idem_request *r)
{
    struct idem_machine who;
    bool first;

    if (idem_request_client(r, &who) != 0)
        return;
    r->barred = idem_guests_fail(r->http->guests, &who, r->lane->now_ms, &first);
    if (r->barred && first)
        complain(r, &who);
}

bool idem_request_barred(const struct idem_request *r)
{
    struct idem_machine who;

    return idem_request_client(r, &who) == 0 &&
           idem_guests_barred(r->http->guests, &who, r->lane->now_ms);
}

/* What somebody without a token has made up instead: a signature, or a code. */
static bool is_forged(const struct idem_request *r)
{
    const unsigned known = r->command.grant.may & ~(unsigned)IDEM_MAY_ANYBODY;

    return known == 0 && (r->command.problem == IDEM_PROBLEM_SIGNATURE_WRONG ||
                          r->command.problem == IDEM_PROBLEM_CODE_UNKNOWN);
}

void idem_doorman_refused(struct idem_request *r)
{
    const bool token = r->command.problem == IDEM_PROBLEM_TOKEN_UNKNOWN;

    if (!token && !is_forged(r))
        return;
    if (token)
        idem_metric_add(IDEM_METRIC_BAD_TOKENS, 1);
    idem_request_failed(r);
    if (!r->barred)
        return;
    r->command.retry_s = IDEM_GUEST_MINUTE_MS / 1000;
    idem_request_refuse(
        r, IDEM_PROBLEM_TOO_MANY_FAILURES,
        "this address has sent more than %u bad tokens or signatures within a minute",
        r->http->parts.config->limits.failures_per_minute);
}
