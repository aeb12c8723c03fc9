/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - one connection to one server, one request at a time, and nothing in it that waits:
 * HTTP/1.1 with keep-alive over TLS, or in the clear to the machine itself.
 *
 *   shut --ask--> resolving --> connecting --> shaking hands --> writing --> reading --> open
 *     ^               |             | next address                                         |
 *     +---------------+-------------+-------- failure, the server's end --------------------+
 *
 * Each request is answered exactly once: with the server's answer, or with status 0 and a sentence
 * (answer.why). A request that failed may have been carried out: whoever asks again must know that
 * a repeat is harmless.
 *
 * Bounds: an address has 5 s to be reached, a request 30 s from the question to the answer; the
 * answer's body as the request says, its head 16 KiB. In an open connection between requests the
 * server may say nothing but its end.
 */
#ifndef IDEM_AGENT_COURIER_HTTP_H
#define IDEM_AGENT_COURIER_HTTP_H

#include "agent/courier/answer.h"
#include "agent/courier/resolve.h"
#include "agent/courier/tls.h"

enum {
    IDEM_HTTP_BODY_MAX = 64 * 1024,
    IDEM_HTTP_HEAD_MAX = 1024,
    IDEM_HTTP_CONNECT_S = 5,
    IDEM_HTTP_REQUEST_S = 30,
    IDEM_HTTP_WHY_MAX = 320,
};

struct idem_http_request {
    const char *method, *path;
    const char *token; /* NULL: none */
    const char *type;  /* of the body; NULL: no body */
    const void *body;
    size_t len;
    const char *etag; /* of what is held already, or NULL */
    size_t limit;     /* of the answer's body */
};

struct idem_http_answer {
    int status;       /* 0: there is none */
    const char *body; /* ended by a nought, never NULL */
    size_t len;
    const char *etag;       /* "" without one */
    uint32_t retry_after_s; /* 0: nothing said */
    const char *why;        /* of status 0 */
};

/* answer is valid during the call, in which the next request may be sent. */
typedef void idem_http_done_fn(void *arg, const struct idem_http_answer *answer);

enum idem_http_state {
    IDEM_HTTP_SHUT = 0,
    IDEM_HTTP_RESOLVING,
    IDEM_HTTP_CONNECTING,
    IDEM_HTTP_SHAKING,
    IDEM_HTTP_WRITING,
    IDEM_HTTP_READING,
    IDEM_HTTP_OPEN, /* nothing under way */
};

struct idem_http {
    struct idem_loop *loop;
    const struct idem_server_address *server;
    struct idem_resolver resolver;
    struct idem_tls_context context;
    struct idem_tls tls;
    struct idem_watch watch;
    struct idem_timer deadline, step;
    enum idem_http_state state;
    struct idem_addresses addresses;
    uint32_t next; /* of them */
    char *out;     /* the request */
    size_t out_len, out_at;
    struct idem_answer_reader reader;
    idem_http_done_fn *done; /* NULL: nothing under way */
    void *arg;
    bool fresh; /* TLS has just been begun */
    char why[IDEM_HTTP_WHY_MAX];
};

/* server outlives it; ca NULL: the system's. IDEM_ERR_NOMEM, IDEM_ERR_IO */
int idem_http_init(struct idem_http *h, struct idem_loop *loop,
                   const struct idem_server_address *server, const char *ca);
void idem_http_fini(struct idem_http *h); /* what is under way is answered to nobody */
/* The request is copied. done is called later, from the loop. IDEM_ERR_FULL: one is under way;
 * IDEM_ERR_LIMIT: it is too long; IDEM_ERR_NOMEM */
int idem_http_ask(struct idem_http *h, const struct idem_http_request *request,
                  idem_http_done_fn *done, void *arg);
bool idem_http_busy(const struct idem_http *h);

#endif
