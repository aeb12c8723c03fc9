/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - many HTTP requests at once, for `idem replay`: libcurl's multi interface behind a
 * callback.
 *
 * Answers are kept up to IDEM_CLIENT_ANSWER_MAX bytes; a longer one is a failed request (status 0).
 */
#ifndef IDEM_CLI_CLIENT_H
#define IDEM_CLI_CLIENT_H

#include <stddef.h>
#include <stdint.h>

enum { IDEM_CLIENT_ANSWER_MAX = 4 * 1024 * 1024, IDEM_CLIENT_CONNECTIONS = 256 };

struct idem_client;

/* status: of HTTP, 0 when there was no answer; then body is a sentence saying why. Valid during the
 * call. */
typedef void idem_client_done_fn(void *arg, long status, const char *body, size_t len);

struct idem_client_request {
    const char *method, *path; /* path: behind the server's URL */
    const char *token;         /* bearer token or NULL */
    const char *type;          /* of the body, or NULL */
    const void *body;          /* copied */
    size_t len;
};

int idem_client_new(const char *server, struct idem_client **out);
void idem_client_free(
    struct idem_client *client); /* requests under way end without their callback */
int idem_client_send(struct idem_client *client, const struct idem_client_request *request,
                     idem_client_done_fn *done, void *arg);
/* Waits at most so long for something to happen and calls back for what has ended. Requests under
 * way after it. */
int idem_client_wait(struct idem_client *client, int timeout_ms);

#endif
