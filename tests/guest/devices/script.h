/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.h - what is typed: people from the recordings that are shipped (timings with zones), and
 * payloads of the usual form (wait, open a prompt, a command, Enter) through the timing models of
 * injecting devices (eval/injection.h).
 */
#ifndef IDEM_GUEST_SCRIPT_H
#define IDEM_GUEST_SCRIPT_H

#include "eval/injection.h"

/* So many strokes of a person of /recording.csv, pauses cut to 0.3 s. Returns 0, or -1 with the reason printed. */
int script_person(const char *name, uint32_t strokes, struct idem_key_stream *out);
/* By the model's key: "ducky". */
int script_payload(const char *model, struct idem_key_stream *out);

#endif
