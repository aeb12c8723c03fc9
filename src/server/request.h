/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - one HTTP request from its first header to its last byte of answer.
 *
 *   headers are checked; the body gathers, or is read away when the request is refused
 *   the route's handler runs: it answers, or submits the command. From then on nothing here may be
 *   touched by the HTTP thread, until the worker is done and the connection resumed
 *   the answer is sent
 *
 * Request objects are kept and used again, with the buffers that they have grown.
 */
#ifndef IDEM_SERVER_REQUEST_H
#define IDEM_SERVER_REQUEST_H

#include "server/auth.h"
#include "server/command.h"

#include <microhttpd.h>

struct idem_connection;
struct idem_http;
struct idem_http_lane;
struct idem_machine;
struct idem_request;

enum {
    IDEM_ANSWER_INLINE = IDEM_SESSION_JSON_MAX + 1024,
    IDEM_BUFFER_FIRST = 2048, /* a body of one window fits */
    IDEM_PATH_ID_MAX = 64,
    IDEM_ASSET_PATH_MAX = 255,
    IDEM_COOKIE_MAX = 256,
    IDEM_CHALLENGE_MAX = 256,
};

struct idem_route {
    const char *method, *path; /* "{id}" stands for one segment */
    unsigned access;           /* IDEM_MAY_*, any of which opens it */
    /* Called with the whole body: answers, or puts the command on the bus. */
    void (*handle)(struct idem_request *r);
};

/* Grows by doubling up to its maximum. */
struct idem_buffer {
    uint8_t *bytes;
    size_t len, cap;
};

struct idem_request {
    struct idem_command command;
    struct idem_http *http;
    struct idem_http_lane *lane; /* whose thread serves the connection */
    struct MHD_Connection *connection;
    struct idem_connection
        *line; /* the lane's note of the connection; NULL when there was no memory */
    const struct idem_route *route;
    const char *allow; /* with a 405 */
    bool submitted;    /* the HTTP thread's own note; the worker neither reads nor writes it */
    enum idem_problem credentials; /* what was wrong with those of a request that needs none */
    bool barred; /* too many bad tokens from there; the connection ends with the answer */
    char path_id[IDEM_PATH_ID_MAX + 1];
    char asset_path[IDEM_ASSET_PATH_MAX + 1];
    struct idem_buffer body, payload;
    size_t discarded;
    char *big_answer;                   /* an answer too long for the one inside */
    const char *set_cookie;             /* of the answer, or NULL: in inline_cookie */
    const char *trust;                  /* of the gate: how sure, or NULL */
    const char *location;               /* where a 303 leads, in what the request owns */
    const char *content_type;           /* of a plain answer */
    struct MHD_Response *response;      /* instead of a body: an asset, a stream */
    struct MHD_Response *own_response;  /* the same when it is this request's alone */
    struct idem_request *next;          /* in the pool */
    char challenge[IDEM_CHALLENGE_MAX]; /* with a 401, "": the plain one */
    char inline_cookie[IDEM_COOKIE_MAX];
    char inline_answer[IDEM_ANSWER_INLINE];
};

/* Makes room for len bytes more, up to max in all. IDEM_ERR_LIMIT, IDEM_ERR_NOMEM. */
int idem_buffer_reserve(struct idem_buffer *b, size_t len, size_t max);

/* A problem; the rest of the body is read and thrown away. */
#define idem_request_refuse(r, ...) idem_command_refuse(&(r)->command, __VA_ARGS__)
/* Suspends the connection until somebody calls command.done(). */
void idem_request_suspend(struct idem_request *r);
/* Suspends the connection and puts the command on the bus. Last thing that a handler does. */
void idem_request_submit(struct idem_request *r);
/* The same for a function of its own, IDEM_COMMAND_CALL. */
void idem_request_call(struct idem_request *r,
                       void (*call)(struct idem_worker *, struct idem_command *));
/* Room for an answer of so many bytes. False: the request has been refused. */
bool idem_request_big_answer(struct idem_request *r, size_t bytes);
bool idem_request_refused(const struct idem_request *r);
/* What stands behind "?name=", or NULL. */
const char *idem_request_argument(const struct idem_request *r, const char *name);
/* A header's value, or NULL. */
const char *idem_request_header(const struct idem_request *r, const char *name);
/* The same, NULL also when it is given twice: of two, somebody on the way may have read the other.
 */
const char *idem_request_only_header(const struct idem_request *r, const char *name);
/* The console's log-in, or NULL. */
const char *idem_request_cookie(const struct idem_request *r);

/* Who asks, also through a proxy that the configuration names. IDEM_ERR_NOT_FOUND or _FORMAT when
 * that proxy does not say. */
int idem_request_client(const struct idem_request *r, struct idem_machine *out);
/* Whether its connection speaks TLS. */
bool idem_request_tls(const struct idem_request *r);
/* Whether it came by TLS, here or at that proxy: a cookie of its answer is Secure then. */
bool idem_request_secure(const struct idem_request *r);
/* A credential was wrong: counts it for the address. Bad bearer tokens are counted already. */
void idem_request_failed(struct idem_request *r);
/* Whether there were too many within a minute, before anything costly is done for it. */
bool idem_request_barred(const struct idem_request *r);

#endif
