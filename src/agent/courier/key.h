/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.h - how a courier comes by its seat's key: made here when somebody enrols the seat with a
 * code, written to "seat.key" (wire/seat_key.h) before the server hears of it, so that an
 * enrolment whose answer was lost can be asked for again with the same key; then its number.
 *
 *   idem_key_take() -> POST /v1/seats/register with idem_key_registration() ->
 * idem_key_registered()
 *
 * The seed never leaves the file and this process. Whoever has it is the seat (docs/seats.md). To
 * enrol the seat anew (`idem seat add --again`), an administrator removes the file.
 */
#ifndef IDEM_AGENT_COURIER_KEY_H
#define IDEM_AGENT_COURIER_KEY_H

#include "wire/seat_key.h"

#define IDEM_KEY_FILE "seat.key"

enum { IDEM_KEY_REGISTRATION_MAX = 512 };

/* The key of an enrolled seat. IDEM_ERR_NOT_FOUND: none, or it was never registered; others as of
 * idem_seat_key_read(). */
int idem_key_load(int dir, struct idem_seat_key *out);
/* The key to register: what an earlier try has left, or a new one, on disk by now.
 * IDEM_ERR_MISMATCH: this seat is enrolled, under out->seat. */
int idem_key_take(int dir, struct idem_seat_key *out);
/* The body of POST /v1/seats/register. host: as dialled. IDEM_ERR_FORMAT: this is no code;
 * IDEM_ERR_LIMIT: host is too long. */
int idem_key_registration(const struct idem_seat_key *key, const char *code, const char *host,
                          char body[IDEM_KEY_REGISTRATION_MAX], size_t *len);
/* The server has answered with the seat's number: key->seat is set and written. */
int idem_key_registered(int dir, struct idem_seat_key *key, int64_t seat);

#endif
