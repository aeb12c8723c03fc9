/* SPDX-License-Identifier: Apache-2.0 */
/*
 * withdrawn.h - who has taken the acknowledgement back at this seat, and of which version. The
 * server keeps its record when a seat withdraws (a stolen token must not end what somebody does
 * elsewhere), and would say "given" in the next session: here the withdrawal has the last word,
 * across sessions, persons and restarts, until the person acknowledges again or the text changes.
 *
 * A JSON object of person and version, kept with the rules: NULL is an empty one. A version "" is
 * any: the person has taken back what nobody here could name, or (in the other list, of withdrawals
 * that the server has yet to be told) what version it was does not matter.
 */
#ifndef IDEM_AGENT_COURIER_WITHDRAWN_H
#define IDEM_AGENT_COURIER_WITHDRAWN_H

#include <jansson.h>
#include <stdbool.h>

enum { IDEM_WITHDRAWN_MAX = 16 }; /* people; then the oldest goes */

void idem_withdrawn_note(json_t **list, const char *person, const char *version);
void idem_withdrawn_clear(json_t *list, const char *person);
bool idem_withdrawn_is(const json_t *list, const char *person, const char *version);
/* From a kept object (borrowed), whatever it is. */
void idem_withdrawn_restore(json_t **list, const json_t *kept);

#endif
