/* SPDX-License-Identifier: Apache-2.0 */
/* bodies.h - from a request's body to a command's question. HTTP threads. */
#ifndef IDEM_SERVER_BODIES_H
#define IDEM_SERVER_BODIES_H

#include "server/request.h"

/* Any object in JSON, to r->command.json, which goes with the request. False: refused. */
bool idem_body_json(struct idem_request *r);
/* Every field of that object is one of these. False: refused, with what it has. */
bool idem_body_only(struct idem_request *r, const char *const *known, size_t count,
                    const char *what);
/* A string field of at most max bytes; *out: borrowed from the object, "" when it may be missing
 * and is. False: refused. */
bool idem_body_text(struct idem_request *r, const char *field, bool needed, size_t max,
                    const char **out);
/* An integer field; *out stays when it is missing and need not be there. False: refused. */
bool idem_body_integer(struct idem_request *r, const char *field, bool needed, int64_t min,
                       int64_t max, int64_t *out);
/* A field of exactly len bytes in base64url. False: refused. */
bool idem_body_bytes(struct idem_request *r, const char *field, uint8_t *out, size_t len);
/* "device_class", if there is one. False: refused. */
bool idem_body_device_class(struct idem_request *r, uint8_t *out);
/* A time of the client's own, for servers that take one. False: refused. */
bool idem_body_clock(struct idem_request *r, int64_t clock_ms);
/* POST /v1/windows and /v1/alarms. False: the request has been refused. */
bool idem_body_windows(struct idem_request *r);
bool idem_body_alarms(struct idem_request *r);

#endif
