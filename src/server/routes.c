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

#include <stdlib.h>
#include <string.h>

static const char session_prefix[] = "s_", person_prefix[] = "p_";

/* ------------------------------------------------------------------ answers without the worker */

static void get_health(struct idem_request *r)
{
    r->command.status = 200;
    idem_text_put(&r->command.answer, "{\"status\":\"ok\"}");
}

static void get_metrics(struct idem_request *r)
{
    r->command.status = 200;
    r->content_type = "text/plain; version=0.0.4";
    idem_metrics_text(&r->command.answer);
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
    struct MHD_Response *response = idem_http_front(r->http, &etag);
    answer_cached(r, response, etag);
}

static void get_asset(struct idem_request *r)
{
    const char *etag;
    struct MHD_Response *response =
        idem_assets_find(idem_http_parts(r->http)->assets, r->asset_path, &etag);

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

    if (idem_stream_join(idem_http_parts(r->http)->streams, r, &stream) != 0) {
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
    if (r->grant.operator)
        return true;
    if (memcmp(r->command.id, r->grant.id, IDEM_ID_BYTES) != 0) {
        idem_request_refuse(r, IDEM_PROBLEM_FORBIDDEN_SESSION, "the token is another session's");
        return false;
    }
    r->command.slot = r->grant.slot;
    return true;
}

static void post_session(struct idem_request *r)
{
    if (idem_body_open(r))
        submit(r, IDEM_COMMAND_OPEN);
}

static void post_windows(struct idem_request *r)
{
    memcpy(r->command.id, r->grant.id, IDEM_ID_BYTES);
    r->command.slot = r->grant.slot;
    if (idem_body_windows(r))
        submit(r, IDEM_COMMAND_WINDOWS);
}

static void post_alarms(struct idem_request *r)
{
    memcpy(r->command.id, r->grant.id, IDEM_ID_BYTES);
    r->command.slot = r->grant.slot;
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

static void get_session(struct idem_request *r)
{
    if (take_session(r))
        submit(r, IDEM_COMMAND_SESSION);
}

static void get_sessions(struct idem_request *r)
{
    const size_t cap = (size_t)IDEM_LIST_MAX * IDEM_SESSION_JSON_MAX + 64;

    r->big_answer = malloc(cap);
    if (r->big_answer == NULL) {
        idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "no memory for the list");
        return;
    }
    r->command.answer = (struct idem_text){r->big_answer, 0, cap, false};
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

/* clang-format off */
static const struct idem_route routes[] = {
    {"POST",   "/v1/windows",              IDEM_ACCESS_SESSION,  post_windows},
    {"POST",   "/v1/alarms",               IDEM_ACCESS_SESSION,  post_alarms},
    {"POST",   "/v1/sessions",             IDEM_ACCESS_NONE,     post_session},
    {"GET",    "/v1/sessions",             IDEM_ACCESS_OPERATOR, get_sessions},
    {"GET",    "/v1/sessions/{id}",        IDEM_ACCESS_EITHER,   get_session},
    {"DELETE", "/v1/sessions/{id}",        IDEM_ACCESS_EITHER,   delete_session},
    {"POST",   "/v1/sessions/{id}/unlock", IDEM_ACCESS_OPERATOR, unlock_session},
    {"GET",    "/v1/people/{id}",          IDEM_ACCESS_OPERATOR, get_person},
    {"GET",    "/v1/stream",               IDEM_ACCESS_OPERATOR, get_stream},
    {"GET",    "/v1/front",                IDEM_ACCESS_NONE,     get_front},
    {"GET",    "/healthz",                 IDEM_ACCESS_NONE,     get_health},
    {"GET",    "/metrics",                 IDEM_ACCESS_OPERATOR, get_metrics},
};
/* clang-format on */

enum { ROUTES = sizeof routes / sizeof routes[0] };

static const struct idem_route asset_route = {"GET", "/", IDEM_ACCESS_NONE, get_asset};

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
    char id[IDEM_PATH_ID_MAX + 1];
    bool get = false, post = false, del = false;

    for (int i = 0; i < ROUTES; i++) {
        if (!matches(routes[i].path, path, id))
            continue;
        get = get || strcmp(routes[i].method, "GET") == 0;
        post = post || strcmp(routes[i].method, "POST") == 0;
        del = del || strcmp(routes[i].method, "DELETE") == 0;
    }
    return get && post ? "GET, POST" : get && del ? "GET, DELETE" : get ? "GET" : "POST";
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

void idem_routes_find(struct idem_request *r, const char *method, const char *path)
{
    bool known = false;

    if (strcmp(method, "HEAD") == 0)
        method = "GET"; /* libmicrohttpd keeps the body back */
    for (int i = 0; i < ROUTES && r->route == NULL; i++) {
        if (!matches(routes[i].path, path, r->path_id))
            continue;
        known = true;
        if (strcmp(routes[i].method, method) == 0)
            r->route = &routes[i];
    }
    if (r->route != NULL)
        return;
    if (!known) {
        find_asset(r, method, path);
        return;
    }
    r->allow = allowed(path);
    idem_request_refuse(r, IDEM_PROBLEM_METHOD_NOT_ALLOWED, "this path takes %s", r->allow);
}
