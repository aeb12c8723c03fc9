/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - see http.h and request.h. How a request goes through libmicrohttpd:
 *
 *   accept    first call, headers only: Host, Origin, route, token
 *   accept    with pieces of the body, until
 *   accept    with none: the route's handler runs; it answers, or submits a command
 *             (suspend, bus, worker, resume)
 *   accept    once more after the resume: the answer is sent
 *   finished  the request object goes back to the pool
 *
 * A refused request is read to its end first, up to a limit, because a client that is still
 * sending would not see the answer.
 */
#include "server/http_parts.h"

#include "base/log.h"
#include "server/audit.h"
#include "server/clock.h"
#include "server/metrics.h"
#include "server/notices.h"
#include "server/routes.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct idem_http_parts *idem_http_parts(const struct idem_http *http)
{
    return &http->parts;
}

struct MHD_Response *idem_http_front(const struct idem_http *http, bool tls, const char **etag)
{
    *etag = http->front_etag;
    return http->fronts[tls];
}

/* ------------------------------------------------------------------ the pool */

static void reset_request(struct idem_request *r, struct idem_http_lane *lane,
                          struct MHD_Connection *c)
{
    struct idem_buffer body = r->body, payload = r->payload;

    memset(r, 0, offsetof(struct idem_request, inline_cookie));
    r->body = body;
    r->payload = payload;
    r->body.len = r->payload.len = 0;
    r->http = lane->http;
    r->lane = lane;
    r->connection = c;
    r->line = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    r->content_type = "application/json";
    r->command.slot = -1;
    r->command.answer = (struct idem_text){r->inline_answer, 0, sizeof r->inline_answer, false};
}

static struct idem_request *take_request(struct idem_http_lane *lane,
                                         struct MHD_Connection *connection)
{
    struct idem_http *h = lane->http;

    pthread_mutex_lock(&h->pool_lock);
    struct idem_request *r = h->pool;
    if (r != NULL) {
        h->pool = r->next;
        h->pooled--;
    }
    pthread_mutex_unlock(&h->pool_lock);
    if (r == NULL)
        r = calloc(1, sizeof *r);
    if (r != NULL)
        reset_request(r, lane, connection);
    return r;
}

static void free_request(struct idem_request *r)
{
    free(r->body.bytes);
    free(r->payload.bytes);
    free(r);
}

static void give_request(struct idem_http *h, struct idem_request *r)
{
    bool keep = r->body.cap <= 4 * IDEM_BUFFER_FIRST;

    free(r->big_answer);
    r->big_answer = NULL;
    json_decref(r->command.json);
    r->command.json = NULL;
    if (r->command.free_arg != NULL)
        r->command.free_arg(r->command.arg);
    r->command.free_arg = NULL;
    if (r->own_response != NULL)
        MHD_destroy_response(r->own_response);
    r->own_response = NULL;
    pthread_mutex_lock(&h->pool_lock);
    keep = keep && h->pooled < IDEM_REQUESTS_KEPT;
    if (keep) {
        r->next = h->pool;
        h->pool = r;
        h->pooled++;
    }
    pthread_mutex_unlock(&h->pool_lock);
    if (!keep)
        free_request(r);
}

/* ------------------------------------------------------------------ beginning */

/* Where a request comes from, as a hash that means nothing to anybody else, nor tomorrow. Hosts of
 * one IPv6 network are one place: they change their addresses. */
static uint64_t place_of(const struct idem_request *r)
{
    struct idem_machine machine;
    size_t len = sizeof machine.bytes;

    if (idem_request_client(r, &machine) != 0)
        return 0;
    for (int i = 0; i < 10 && len == sizeof machine.bytes; i++)
        if (machine.bytes[i] != 0) /* not ::ffff:192.0.2.1 */
            len = sizeof machine.bytes / 2;
    return idem_siphash(r->http->place_key, machine.bytes, len) | 1;
}

static struct idem_credentials brought(const struct idem_request *r, const char *method)
{
    return (struct idem_credentials){
        .place = place_of(r),
        .authorization = idem_request_header(r, "Authorization"),
        .cookie = idem_request_cookie(r),
        .csrf = idem_request_header(r, "Idem-CSRF"),
        .changes = strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0,
    };
}

/* The grant does not open the route: what it lacks. */
static void refuse_grant(struct idem_request *r)
{
    const unsigned may = r->command.grant.may, access = r->route->access;

    if (may == IDEM_MAY_ANYBODY)
        idem_request_refuse(r, IDEM_PROBLEM_TOKEN_MISSING, "the Authorization header is missing");
    else if ((may & IDEM_MAY_SESSION) != 0)
        idem_request_refuse(r, IDEM_PROBLEM_FORBIDDEN_SESSION, "a session's token does not do");
    else if ((access & ~(unsigned)IDEM_MAY_SESSION) == 0)
        idem_request_refuse(r, IDEM_PROBLEM_FORBIDDEN_SESSION, "this takes a session's token");
    else
        idem_request_refuse(r, IDEM_PROBLEM_FORBIDDEN_ROLE, "this takes another role");
    if (may != IDEM_MAY_ANYBODY)
        idem_audit_count(IDEM_AUDIT_ROLE_REFUSED);
}

/* A browser says of each request that it is one. A proxy that asks the gate hands on what it says.
 */
static bool is_from_page(const struct idem_request *r)
{
    return strcmp(r->route->path, "/v1/gate") != 0 &&
           (idem_request_header(r, "Origin") != NULL ||
            idem_request_header(r, "Sec-Fetch-Site") != NULL);
}

/* Whoever can look at the page has the key. */
static void refuse_key(struct idem_request *r)
{
    idem_notice_of_row(IDEM_NOTICE_KEY_FROM_PAGE, r->command.grant.organisation,
                       r->command.grant.api_key);
    idem_request_refuse(r, IDEM_PROBLEM_KEY_FROM_PAGE, "an API key came from a page");
}

static void refuse_credentials(struct idem_request *r)
{
    idem_request_refuse(
        r, r->credentials,
        r->credentials == IDEM_PROBLEM_CSRF_MISSING    ? "the header Idem-CSRF is missing or wrong"
        : r->credentials == IDEM_PROBLEM_TOKEN_EXPIRED ? "the token was good until a while ago"
                                                       : "no such token is known");
    idem_audit_count(IDEM_AUDIT_TOKEN_REFUSED);
}

static void check_token(struct idem_request *r, const char *method)
{
    const struct idem_credentials c = brought(r, method);

    r->credentials = idem_auth_check(r->http->parts.auth, &c, idem_clock_ms(), &r->command.grant);
    if ((r->command.grant.may & IDEM_MAY_API_KEY) != 0 && is_from_page(r)) {
        refuse_key(r);
        return;
    }
    if ((r->route->access & IDEM_MAY_ANYBODY) != 0)
        return;
    if (r->credentials != IDEM_PROBLEM_NONE)
        refuse_credentials(r);
    else if ((r->command.grant.may & r->route->access) == 0)
        refuse_grant(r);
}

static void check_length(struct idem_request *r)
{
    uint64_t length = idem_head_length(r);
    if (length > IDEM_WIRE_BODY_MAX)
        idem_request_refuse(r, IDEM_PROBLEM_BODY_TOO_LARGE, "the body holds %llu bytes",
                            (unsigned long long)length);
}

/* The client waits to be told, or would send more than is worth reading. */
static bool refuse_at_once(const struct idem_request *r)
{
    return idem_request_refused(r) &&
           (r->command.problem == IDEM_PROBLEM_LENGTH_UNCLEAR ||
            idem_request_header(r, "Expect") != NULL || idem_head_length(r) > IDEM_DISCARD_MAX);
}

static void begin_request(struct idem_request *r, const char *url, const char *method)
{
    idem_metric_add(IDEM_METRIC_REQUESTS, 1);
    atomic_fetch_add(&r->http->active, 1);
    idem_head_check(r, url);
    if (!idem_request_refused(r))
        idem_routes_find(r, method, url);
    if (!idem_request_refused(r))
        check_token(r, method);
    if (!idem_request_refused(r))
        check_length(r);
    if (!idem_request_refused(r) && atomic_load(&r->http->draining))
        idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "the server is being stopped");
}

/* ------------------------------------------------------------------ the body */

static enum MHD_Result gather(struct idem_request *r, const char *bytes, size_t len)
{
    if (!idem_request_refused(r)) {
        int err = idem_buffer_reserve(&r->body, len, IDEM_WIRE_BODY_MAX);
        if (err == 0) {
            memcpy(r->body.bytes + r->body.len, bytes, len);
            r->body.len += len;
            return MHD_YES;
        }
        idem_request_refuse(r, IDEM_PROBLEM_BODY_TOO_LARGE, "the body holds more than %d bytes",
                            IDEM_WIRE_BODY_MAX);
    }
    r->discarded += len;
    return r->discarded <= IDEM_DISCARD_MAX ? MHD_YES : MHD_NO;
}

/* ------------------------------------------------------------------ the command and back */

static void command_done(struct idem_command *command, bool more)
{
    idem_lane_resume((struct idem_request *)command, more); /* the command is its first member */
}

void idem_request_suspend(struct idem_request *r)
{
    r->command.done = command_done;
    r->command.received_ms = idem_clock_ms();
    r->submitted = true;
    idem_doorman_phase(r, IDEM_PHASE_NONE);
    MHD_suspend_connection(r->connection);
}

void idem_request_submit(struct idem_request *r)
{
    struct idem_bus *bus = r->http->parts.bus;

    idem_request_suspend(r); /* first: the worker may be done before push returns */
    int err = bus->ops->push(bus, &r->command);
    if (err == 0)
        return;
    idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "%s",
                        err == IDEM_ERR_FULL ? "the queue is full" : "the server is being stopped");
    command_done(&r->command, false);
}

/* ------------------------------------------------------------------ answering */

static void add_problem_headers(const struct idem_request *r, struct MHD_Response *response)
{
    unsigned status = idem_problem_status(r->command.problem);
    char seconds[16];

    if (status == 401)
        MHD_add_response_header(response, "WWW-Authenticate",
                                r->challenge[0] != '\0' ? r->challenge : "Bearer");
    if (status == 405)
        MHD_add_response_header(response, "Allow", r->allow);
    if (r->command.retry_s > 0) {
        snprintf(seconds, sizeof seconds, "%u", r->command.retry_s);
        MHD_add_response_header(response, "Retry-After", seconds);
    }
    if (r->barred || r->command.problem == IDEM_PROBLEM_LENGTH_UNCLEAR)
        MHD_add_response_header(response, "Connection", "close");
    if (status == 503) {
        if (r->command.retry_s == 0)
            MHD_add_response_header(response, "Retry-After", "1");
        idem_metric_add(IDEM_METRIC_OVERLOADED, 1);
    }
}

static enum MHD_Result send_text(struct idem_request *r, unsigned status, const char *type)
{
    const struct idem_text *t = &r->command.answer;
    /* The bytes are the request's, which lives until the answer has been sent. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(t->len, t->bytes, MHD_RESPMEM_PERSISTENT);

    if (response == NULL)
        return MHD_NO;
    if (t->len > 0)
        MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    if (idem_request_tls(r))
        MHD_add_response_header(response, "Strict-Transport-Security", IDEM_HSTS);
    if (idem_request_refused(r))
        add_problem_headers(r, response);
    else if (r->trust != NULL)
        MHD_add_response_header(response, "Idem-Trust", r->trust);
    else if (r->location != NULL && status == 303)
        MHD_add_response_header(response, "Location", r->location);
    if (!idem_request_refused(r) && r->set_cookie != NULL && r->set_cookie[0] != '\0')
        MHD_add_response_header(response, "Set-Cookie", r->set_cookie);
    enum MHD_Result sent = MHD_queue_response(r->connection, status, response);
    MHD_destroy_response(response);
    return sent;
}

static enum MHD_Result send_problem(struct idem_request *r)
{
    struct idem_text *t = &r->command.answer;

    idem_metric_add(IDEM_METRIC_REFUSED, 1);
    idem_doorman_refused(r);
    t->len = 0;
    t->full = false;
    idem_problem_json(t, r->command.problem, r->command.detail);
    return send_text(r, idem_problem_status(r->command.problem), "application/problem+json");
}

static enum MHD_Result send_answer(struct idem_request *r)
{
    struct idem_command *c = &r->command;

    /* An event stream's end is its ring's business (stream.c). */
    idem_doorman_phase(r, r->own_response != NULL ? IDEM_PHASE_NONE : IDEM_PHASE_ANSWER);
    if (!idem_request_refused(r) && r->response != NULL)
        return MHD_queue_response(r->connection, c->status, r->response);
    if (!idem_request_refused(r) && c->answer.full) {
        idem_log(IDEM_LOG_ERROR, "bug: an answer to %s is longer than its buffer", r->route->path);
        idem_request_refuse(r, IDEM_PROBLEM_STORAGE_FAILED, "the answer is too long");
    }
    if (idem_request_refused(r))
        return send_problem(r);
    return send_text(r, c->status, r->content_type);
}

/* ------------------------------------------------------------------ libmicrohttpd's side */

enum MHD_Result idem_http_accept(void *cls, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *body,
                                 size_t *body_len, void **context)
{
    struct idem_request *r = *context;

    (void)version;
    if (r == NULL) {
        r = *context = take_request(((struct idem_http_port *)cls)->lane, connection);
        if (r == NULL)
            return MHD_NO;
        idem_doorman_phase(r, IDEM_PHASE_BODY);
        begin_request(r, url, method);
        return refuse_at_once(r) ? send_answer(r) : MHD_YES;
    }
    if (*body_len > 0) {
        size_t len = *body_len;
        *body_len = 0;
        return gather(r, body, len);
    }
    if (!r->submitted && !idem_request_refused(r)) {
        r->route->handle(r);
        if (r->submitted) /* perhaps already answered, but that is for the next call to see */
            return MHD_YES;
    }
    return send_answer(r);
}

void idem_http_finished(void *cls, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode code)
{
    struct idem_http *h = ((struct idem_http_port *)cls)->lane->http;

    (void)connection;
    (void)code;
    if (*context == NULL)
        return;
    idem_doorman_phase(*context, IDEM_PHASE_IDLE);
    give_request(h, *context);
    *context = NULL;
    atomic_fetch_sub(&h->active, 1);
}

/* ------------------------------------------------------------------ life */

static int make_front(struct idem_http *h, bool tls)
{
    size_t len;
    const void *bytes = idem_population_front_bytes(h->parts.population, &len);
    /* libmicrohttpd asks for a pointer that it does not write through */
    struct MHD_Response *front =
        MHD_create_response_from_buffer(len, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT);

    if (front == NULL)
        return IDEM_ERR_NOMEM;
    snprintf(h->front_etag, sizeof h->front_etag, "\"%016llx\"",
             (unsigned long long)idem_front_id(idem_population_front(h->parts.population)));
    MHD_add_response_header(front, "Content-Type", "application/octet-stream");
    MHD_add_response_header(front, "Cache-Control", "no-cache");
    MHD_add_response_header(front, "ETag", h->front_etag);
    if (tls)
        MHD_add_response_header(front, "Strict-Transport-Security", IDEM_HSTS);
    h->fronts[tls] = front;
    return IDEM_OK;
}

int idem_http_start(const struct idem_http_parts *parts, struct idem_http **out)
{
    struct idem_http *h = calloc(1, sizeof *h);

    if (h == NULL)
        return IDEM_ERR_NOMEM;
    h->parts = *parts;
    pthread_mutex_init(&h->pool_lock, NULL);
    randombytes_buf(h->place_key, sizeof h->place_key);
    idem_head_names(h);
    int err = make_front(h, false);
    (void)(err != 0 || (err = make_front(h, true)) != 0 ||
           (err = idem_guests_new(parts->config->limits.connections_per_address,
                                  parts->config->limits.failures_per_minute, &h->guests)) != 0 ||
           (err = idem_lanes_open(h)) != 0 || (err = idem_lanes_start(h)) != 0);
    if (err != 0) {
        idem_http_stop(h);
        return err;
    }
    *out = h;
    return IDEM_OK;
}

void idem_http_drain(struct idem_http *http)
{
    const struct timespec nap = {0, 5 * 1000 * 1000};
    int64_t until = idem_clock_ms() + IDEM_DRAIN_MS;

    atomic_store(&http->draining, true);
    idem_lanes_wake(http);
    idem_streams_shut(http->parts.streams);
    while (atomic_load(&http->active) > 0 && idem_clock_ms() < until)
        nanosleep(&nap, NULL);
}

void idem_http_stop(struct idem_http *http)
{
    if (http == NULL)
        return;
    idem_lanes_close(http);
    for (int i = 0; i < 2; i++)
        if (http->fronts[i] != NULL)
            MHD_destroy_response(http->fronts[i]);
    while (http->pool != NULL) {
        struct idem_request *r = http->pool;
        http->pool = r->next;
        free_request(r);
    }
    idem_guests_free(http->guests);
    pthread_mutex_destroy(&http->pool_lock);
    free(http);
}
