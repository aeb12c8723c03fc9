/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_words.h - names that cross the local socket, and what idem-agent says for them: one
 * table, so that no reason goes without its sentence.
 */
#ifndef IDEM_AGENT_COURIER_CONTROL_WORDS_H
#define IDEM_AGENT_COURIER_CONTROL_WORDS_H

#include "agent/courier/control.h"

/* "not-acknowledged" */
const char *idem_control_why_name(enum idem_control_why why);
/* For a name: "you have not read and acknowledged what it does: idem-agent acknowledge". NULL:
 * unknown. */
const char *idem_control_why_words(const char *name);
const char *idem_control_ack_name(enum idem_control_acknowledgement state);

#endif
