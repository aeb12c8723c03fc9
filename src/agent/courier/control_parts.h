/* SPDX-License-Identifier: Apache-2.0 */
/* control_parts.h - what the files of the local socket share. Private to control*.c. */
#ifndef IDEM_AGENT_COURIER_CONTROL_PARTS_H
#define IDEM_AGENT_COURIER_CONTROL_PARTS_H

#include "agent/courier/control.h"
#include "wire/text.h"

enum idem_control_who { IDEM_BY_ANYBODY, IDEM_BY_PERSON, IDEM_BY_ROOT };

enum idem_control_who idem_control_who(enum idem_control_request request);
/* "acknowledge" */
const char *idem_control_request_name(enum idem_control_request request);

/* One line each, its end included. A window that says more than fits sets t->full. */
void idem_control_put_window(struct idem_text *t, const struct idem_front *front,
                             const struct idem_window *window, uint32_t seq, bool waiting);
void idem_control_put_alarm(struct idem_text *t, const struct idem_alarm_message *alarm);
void idem_control_put_refusal(struct idem_text *t, const char *error, const char *message);

#endif
