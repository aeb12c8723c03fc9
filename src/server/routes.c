/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes.c - which handler serves which path, and who may call it: one row each. A handler runs
 * with the whole body, on an HTTP thread; it answers at once from what never changes, or fills the
 * command and submits it.
 */
#include "server/routes.h"

#include "server/bodies.h"
#include "server/http.h"
#include "server/metrics.h"
#include "server/opening.h"
#include "server/policing.h"
#include "server/worker_parts.h"

#include <stdlib.h>
#include <string.h>

static const char session_prefix[] = "s_", person_prefix[] = "p_";

/* ------------------------------------------------------------------ answers without the worker */

static void get_health(struct idem_request *r)
{
    r->command.status = 200;
    idem_text_put(&r->command.answer, "{\"status\":\"ok\"}");
}

/* What a page has to know before anybody is known. */
static void get_about(struct idem_request *r)
{
    const struct idem_http_parts *parts = idem_http_parts(r->http);

    r->command.status = 200;
    idem_text_fmt(&r->command.answer, "{\"version\":\"%s\",\"demo\":%s,\"oidc\":%s}", IDEM_VERSION,
                  parts->demo != 0 ? "true" : "false",
                  parts->config->oidc.issuer != NULL ? "true" : "false");
}

static void get_metrics(struct idem_request *r)
{
    r->command.status = 200;
    r->content_type = "text/plain; version=0.0.4";
    idem_metrics_text(&r->command.answer, idem_http_parts(r->http)->test_clock);
}

static void answer_cached(struct idem_request *r, struct MHD_Response *response, const char *etag)
{
    const char *held = idem_request_header(r, "If-None-Match");

    r->command.status = 200;
    if (held != NULL && strcmp(held, etag) == 0)
        r->command.status = 304; /* with an empty body of our own */
    else
        r->response = response;
}

static void get_front(struct idem_request *r)
{
    const char *etag;
    struct MHD_Response *response = idem_http_front(r->http, idem_request_tls(r), &etag);
    answer_cached(r, response, etag);
}

static void get_asset(struct idem_request *r)
{
    const char *etag;
    struct MHD_Response *response = idem_assets_find(idem_http_parts(r->http)->assets,
                                                     r->asset_path, idem_request_tls(r), &etag);

    if (response == NULL)
        idem_request_refuse(r, IDEM_PROBLEM_NO_SUCH_ROUTE, "no page and no file has this name");
    else
        answer_cached(r, response, etag);
}

/* ------------------------------------------------------------------ the stream */

static ssize_t feed_stream(void *cls, uint64_t pos, char *bytes, size_t max)
{
    (void)pos;
    ssize_t n = idem_stream_take(cls, bytes, max);
    return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

static void leave_stream(void *cls)
{
    idem_stream_leave(cls);
}

static void get_stream(struct idem_request *r)
{
    enum { BLOCK = 16 * 1024 };
    struct idem_stream *stream;

    if (idem_stream_join(idem_http_parts(r->http)->streams, r->command.grant.organisation, r,
                         &stream) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "%d streams are open already",
                            IDEM_STREAMS_MAX);
        return;
    }
    idem_http_small_buffer(r);
    r->response = r->own_response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, BLOCK, feed_stream, stream, leave_stream);
    if (r->response == NULL) {
        idem_stream_leave(stream);
        idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "no memory for a stream");
        return;
    }
    MHD_add_response_header(r->response, "Content-Type", "text/event-stream");
    MHD_add_response_header(r->response, "Cache-Control", "no-store");
    r->command.status = 200;
}

/* ------------------------------------------------------------------ sessions */

static void submit(struct idem_request *r, enum idem_command_kind kind)
{
    r->command.kind = kind;
    idem_request_submit(r);
}

/* The session that the path names, if the token opens it. */
static bool take_session(struct idem_request *r)
{
    if (idem_public_id_parse(session_prefix, r->path_id, r->command.id) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_NO_SUCH_SESSION, "this is not a session's id");
        return false;
    }
    if ((r->command.grant.may & IDEM_MAY_API_KEY) != 0 &&
        (r->command.grant.scopes & IDEM_SCOPE_SESSIONS) == 0) {
        idem_request_refuse(r, IDEM_PROBLEM_FORBIDDEN_ROLE, "the key is for the gate only");
        return false;
    }
    if ((r->command.grant.may & IDEM_MAY_SESSION) == 0)
        return true;
    if (memcmp(r->command.id, r->command.grant.id, IDEM_ID_BYTES) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_FORBIDDEN_SESSION, "the token is another session's");
        return false;
    }
    r->command.slot = r->command.grant.slot;
    return true;
}

static void post_windows(struct idem_request *r)
{
    memcpy(r->command.id, r->command.grant.id, IDEM_ID_BYTES);
    r->command.slot = r->command.grant.slot;
    if (idem_body_windows(r))
        submit(r, IDEM_COMMAND_WINDOWS);
}

static void post_alarms(struct idem_request *r)
{
    memcpy(r->command.id, r->command.grant.id, IDEM_ID_BYTES);
    r->command.slot = r->command.grant.slot;
    if (idem_body_alarms(r))
        submit(r, IDEM_COMMAND_ALARMS);
}

static void delete_session(struct idem_request *r)
{
    if (take_session(r))
        submit(r, IDEM_COMMAND_CLOSE);
}

static void unlock_session(struct idem_request *r)
{
    if (take_session(r))
        submit(r, IDEM_COMMAND_UNLOCK);
}

static void confirm_session(struct idem_request *r)
{
    if (take_session(r))
        idem_request_call(r, idem_lifecycle_confirm);
}

/* A seat that has little to say may say when it will be heard again: ?next=600. */
static void get_session(struct idem_request *r)
{
    const char *next = idem_request_argument(r, "next");
    const size_t digits = next != NULL ? strspn(next, "0123456789") : 0;

    if (!take_session(r))
        return;
    r->command.clock_ms = digits > 0 && digits <= 4 ? strtol(next, NULL, 10) : 0;
    if (next != NULL && (digits != strlen(next) || r->command.clock_ms < 1 ||
                         r->command.clock_ms > IDEM_HEARD_AGAIN_MAX_S))
        idem_request_refuse(r, IDEM_PROBLEM_INVALID_FIELD, "\"next\" must be 1 to %d seconds",
                            IDEM_HEARD_AGAIN_MAX_S);
    else
        submit(r, IDEM_COMMAND_SESSION);
}

static void get_sessions(struct idem_request *r)
{
    if (idem_request_big_answer(r, (size_t)IDEM_LIST_MAX * IDEM_SESSION_JSON_MAX + 64))
        submit(r, IDEM_COMMAND_SESSIONS);
}

static void get_person(struct idem_request *r)
{
    if (idem_public_id_parse(person_prefix, r->path_id, r->command.id) != 0)
        idem_request_refuse(r, IDEM_PROBLEM_NO_SUCH_PERSON, "this is not a person's id");
    else
        submit(r, IDEM_COMMAND_PERSON);
}

/* ------------------------------------------------------------------ the table */

enum {
    WATCH = IDEM_MAY_ANALYST | IDEM_MAY_OPERATOR, /* who looks at live sessions */
    OWN = WATCH | IDEM_MAY_SESSION,               /* and the session itself */
};

/* clang-format off */
static const struct idem_route core_routes[] = {
    {"POST",   "/v1/windows",              IDEM_MAY_SESSION,  post_windows},
    {"POST",   "/v1/alarms",               IDEM_MAY_SESSION,  post_alarms},
    {"POST",   "/v1/sessions",             IDEM_MAY_ANYBODY,  idem_opening_post},
    {"GET",    "/v1/sessions",             WATCH,             get_sessions},
    {"GET",    "/v1/sessions/{id}",        OWN | IDEM_MAY_API_KEY, get_session},
    {"DELETE", "/v1/sessions/{id}",        IDEM_MAY_OPERATOR | IDEM_MAY_SESSION | IDEM_MAY_API_KEY,
        delete_session},
    {"POST",   "/v1/sessions/{id}/unlock", IDEM_MAY_OPERATOR, unlock_session},
    {"POST",   "/v1/sessions/{id}/confirm", IDEM_MAY_OPERATOR, confirm_session},
    {"GET",    "/v1/people/{id}",          WATCH | IDEM_MAY_PRIVACY, get_person},
    {"GET",    "/v1/stream",               WATCH,             get_stream},
    {"GET",    "/v1/front",                IDEM_MAY_ANYBODY,  get_front},
    {"GET",    "/v1/policy",               IDEM_MAY_STAFF,    idem_policing_get},
    {"GET",    "/v1/about",                IDEM_MAY_ANYBODY,  get_about},
    {"GET",    "/healthz",                 IDEM_MAY_ANYBODY,  get_health},
    {"GET",    "/metrics",                 WATCH,             get_metrics},
};
/* clang-format on */

/* Every part of the server that answers requests has a table of its own; the busiest first. */
static const struct idem_route_table core_table = IDEM_ROUTE_TABLE(core_routes);
static const struct idem_route_table *const tables[] = {
    &core_table,
    &idem_routes_gate,
    &idem_routes_audit,
    &idem_routes_privacy,
    &idem_routes_access,
    &idem_routes_seats,
};

enum { TABLES = sizeof tables / sizeof tables[0] };

static const struct idem_route asset_route = {"GET", "/", IDEM_MAY_ANYBODY, get_asset};

void idem_routes_list(FILE *out)
{
    static const struct {
        unsigned may;
        const char *name;
    } who[] = {
        {IDEM_MAY_ANYBODY, "anybody"},   {IDEM_MAY_SESSION, "session"},
        {IDEM_MAY_API_KEY, "api-key"},   {IDEM_MAY_ANALYST, "analyst"},
        {IDEM_MAY_OPERATOR, "operator"}, {IDEM_MAY_PRIVACY, "privacy-officer"},
        {IDEM_MAY_AUDITOR, "auditor"},   {IDEM_MAY_EMPLOYEE, "employee"},
        {IDEM_MAY_NAMES, "names"},       {IDEM_MAY_ACCOUNT, "account"},
    };

    for (size_t t = 0; t < TABLES; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct idem_route *row = &tables[t]->rows[i];
            const char *before = " ";
            fprintf(out, "%s %s", row->method, row->path);
            for (size_t k = 0; k < sizeof who / sizeof who[0]; k++) {
                if ((row->access & who[k].may) == 0)
                    continue;
                fprintf(out, "%s%s", before, who[k].name);
                before = ",";
            }
            fputs("\n", out);
        }
    }
}

/* Compares a path with a pattern; the segment that stands for {id} is copied out. */
static bool matches(const char *pattern, const char *path, char id[IDEM_PATH_ID_MAX + 1])
{
    static const char slot[] = "{id}";

    for (; *pattern != '\0'; pattern++, path++) {
        if (strncmp(pattern, slot, sizeof slot - 1) == 0) {
            size_t len = strcspn(path, "/");
            if (len == 0 || len > IDEM_PATH_ID_MAX)
                return false;
            memcpy(id, path, len);
            id[len] = '\0';
            pattern += sizeof slot - 2;
            path += len - 1;
        } else if (*pattern != *path) {
            return false;
        }
    }
    return *path == '\0';
}

/* The methods of all rows with this path, for the Allow header. */
static const char *allowed(const char *path)
{
    static const char *const names[] = {"GET", "POST", "DELETE"};
    static const char *const lists[] = {
        "",       "GET",         "POST",         "GET, POST",
        "DELETE", "GET, DELETE", "POST, DELETE", "GET, POST, DELETE"};
    char id[IDEM_PATH_ID_MAX + 1];
    unsigned found = 0;

    for (size_t t = 0; t < TABLES; t++)
        for (size_t i = 0; i < tables[t]->count; i++)
            for (unsigned m = 0; m < sizeof names / sizeof names[0]; m++)
                if (matches(tables[t]->rows[i].path, path, id) &&
                    strcmp(tables[t]->rows[i].method, names[m]) == 0)
                    found |= 1U << m;
    return lists[found];
}

static void find_asset(struct idem_request *r, const char *method, const char *path)
{
    if (strcmp(method, "GET") != 0) {
        r->allow = "GET";
        idem_request_refuse(r, IDEM_PROBLEM_METHOD_NOT_ALLOWED, "the page can only be fetched");
    } else if (strncmp(path, "/v1/", 4) == 0 || strlen(path) > IDEM_ASSET_PATH_MAX) {
        idem_request_refuse(r, IDEM_PROBLEM_NO_SUCH_ROUTE, "no route has this path");
    } else {
        memcpy(r->asset_path, path, strlen(path) + 1);
        r->route = &asset_route;
    }
}

/* True when the table has the path, whatever the method. */
static bool search(struct idem_request *r, const struct idem_route_table *table, const char *method,
                   const char *path)
{
    bool known = false;

    for (size_t i = 0; i < table->count && r->route == NULL; i++) {
        if (!matches(table->rows[i].path, path, r->path_id))
            continue;
        known = true;
        if (strcmp(table->rows[i].method, method) == 0)
            r->route = &table->rows[i];
    }
    return known;
}

void idem_routes_find(struct idem_request *r, const char *method, const char *path)
{
    bool known = false;

    if (strcmp(method, "HEAD") == 0)
        method = "GET"; /* libmicrohttpd keeps the body back */
    for (size_t t = 0; t < TABLES && r->route == NULL; t++)
        known = search(r, tables[t], method, path) || known;
    if (r->route != NULL)
        return;
    if (!known) {
        find_asset(r, method, path);
        return;
    }
    r->allow = allowed(path);
    idem_request_refuse(r, IDEM_PROBLEM_METHOD_NOT_ALLOWED, "this path takes %s", r->allow);
}
