/* SPDX-License-Identifier: Apache-2.0 */
/* bodies.h - from a request's body to a command's question. HTTP threads. */
#ifndef IDEM_SERVER_BODIES_H
#define IDEM_SERVER_BODIES_H

#include "server/request.h"

/* Any object in JSON, to r->command.json, which goes with the request. False: refused. */
bool idem_body_json(struct idem_request *r);
/* POST /v1/sessions, /v1/windows and /v1/alarms. False: the request has been refused. */
bool idem_body_open(struct idem_request *r);
bool idem_body_windows(struct idem_request *r);
bool idem_body_alarms(struct idem_request *r);

#endif
