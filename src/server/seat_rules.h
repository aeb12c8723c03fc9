/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seat_rules.h - what a seat goes by when it reaches no server, or has no time to ask: of the
 * policy what holds for its session's person. It is told with the opening, and again whenever the
 * seat asks, which it does when the policy's id in a session object has changed.
 */
#ifndef IDEM_SERVER_SEAT_RULES_H
#define IDEM_SERVER_SEAT_RULES_H

#include "server/policy.h"

struct idem_command;
struct idem_worker;

enum { IDEM_SEAT_RULES_JSON_MAX = 2048 };

/* "fail_mode":{...} */
void idem_seat_fail_mode_json(struct idem_text *t, const struct idem_policy_rules *rules);
/* "fail_mode":...,"guard":...,"seat":...,"exempt":... without braces. At most so many bytes. */
void idem_seat_rules_json(struct idem_text *t, const struct idem_policy_rules *rules);
/* "window":{"keyboard":50,"pointer":...} */
void idem_seat_window_json(struct idem_text *t);
/* A call: GET /v1/sessions/{id}/rules. */
void idem_seat_rules_call(struct idem_worker *w, struct idem_command *c);

#endif
