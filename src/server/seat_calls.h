/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seat_calls.h - the worker's side of who may send: seats and their codes, API keys, tokens that
 * are renewed, seats that turn up on another run of their machine.
 *
 * The functions with a command are calls: they answer and are done with it. The request's object
 * has been checked by the handler.
 */
#ifndef IDEM_SERVER_SEAT_CALLS_H
#define IDEM_SERVER_SEAT_CALLS_H

#include "server/command.h"
#include "store/seats.h"

struct idem_session;
struct idem_worker;

/* What a registration's handler puts into the command's payload; its signature was good. */
struct idem_registration {
    uint8_t code_hash[IDEM_HASH_BYTES];
    uint8_t public_key[IDEM_SEAT_KEY_BYTES];
};

/* seat_calls.c */
void idem_seat_add(struct idem_worker *w, struct idem_command *c);
void idem_seat_register(struct idem_worker *w, struct idem_command *c);
void idem_seat_revoke(struct idem_worker *w, struct idem_command *c);
void idem_seat_list(struct idem_worker *w, struct idem_command *c);

/* seat_sessions.c */
/* An opening by a seat whose machine has been started since, with sessions of before open. */
void idem_seat_arrive(struct idem_worker *w, struct idem_command *c);
/* Inside the transaction of an opening: false: it is refused, or *err is the store's. */
bool idem_seat_may_open(struct idem_worker *w, struct idem_command *c, int *err);
/* The session's seat will sign: once it is durable, and after a restart. */
int idem_seat_begin(struct idem_worker *w, struct idem_session *s);
/* The session is open: is its seat on more runs than a machine starts? Before it is judged. */
void idem_seat_opened(struct idem_worker *w, struct idem_session *s);
/* The session has ended. */
void idem_seat_end(struct idem_worker *w, const struct idem_session *s);
/* The opening's transaction has failed. */
void idem_seat_undo(struct idem_worker *w, const struct idem_command *c);
/* All sessions that a seat or an API key has opened end, and teach nothing. One of the two is 0. */
void idem_seat_end_sessions(struct idem_worker *w, int64_t seat, int64_t api_key);
/* The windows follow what the session holds, and *link becomes the last one. */
bool idem_seat_continues(struct idem_command *c, uint32_t high, uint8_t link[IDEM_SEAT_KEY_BYTES]);

/* vouching.c */
/* The person has just authenticated strongly at the seat. */
void idem_seat_strong(struct idem_worker *w, struct idem_command *c);
/* An open session that a seat signs for; refused otherwise. */
bool idem_seat_speaks(struct idem_command *c, const struct idem_session *s);
/* More statements about the person than a seat makes: refused. And one more that was taken. */
bool idem_seat_said_too_much(struct idem_command *c, const struct idem_session *s);
void idem_seat_said(struct idem_session *s, int64_t now_ms);

/* key_calls.c */
void idem_key_add(struct idem_worker *w, struct idem_command *c);
void idem_key_revoke(struct idem_worker *w, struct idem_command *c);
void idem_key_list(struct idem_worker *w, struct idem_command *c);
/* All that are not revoked are good from now on. */
int idem_keys_load(struct idem_worker *w);
void idem_token_renew(struct idem_worker *w, struct idem_command *c);
/* Another statement of the session's seat with a counter, which renewals share. True: it was
 * signed, its counter is above all before, and on disk. False: refused. */
bool idem_token_count(struct idem_worker *w, struct idem_command *c, struct idem_session *s);
/* The same, but the counter is to be written with what the statement does. */
bool idem_token_counted(struct idem_command *c, const struct idem_session *s, uint32_t *counter);
/* {"token": ..., "token_expires": ..., "token_life_s": ...  with neither comma nor brace behind. */
void idem_token_answer(struct idem_text *t, const char *token, int64_t expires_ms, int64_t now_ms);

#endif
