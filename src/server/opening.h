/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opening.h - POST /v1/sessions: who opens one, and what they may say.
 *
 *   a seat       signs a challenge with its key, for the person at it
 *   a back end   brings its API key, for a user of its own, on a seat that speaks not for itself
 *   anybody      in the demonstration, and in its organisation only
 *
 * HTTP threads: everything that needs no state of the worker's, signatures above all.
 */
#ifndef IDEM_SERVER_OPENING_H
#define IDEM_SERVER_OPENING_H

#include "server/request.h"

/* The route's handler. */
void idem_opening_post(struct idem_request *r);

#endif
