/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seats.h - what HTTP threads must know to check a signature: the seats that have a key, by their
 * row, and which of them signs for which open session under which nonce. Also the challenges they
 * sign. Any thread reads; the worker changes, after what it changes has become durable.
 *
 * A revoked seat stays, so that it can be told so. For whom it signed is taken out at once: nothing
 * that it signs is good any more, even while its sessions are still being closed.
 */
#ifndef IDEM_SERVER_SEATS_H
#define IDEM_SERVER_SEATS_H

#include "server/challenge.h"
#include "store/seats.h"

enum {
    IDEM_SEATS_MAX = 131072,
    IDEM_SEAT_RUNS_MAX = 3, /* updates and mishaps start a machine again so often */
    IDEM_SEAT_RUNS_MS = 10 * 60 * 1000,
};

/* Of an open session of a seat. */
struct idem_signer {
    int64_t seat;
    uint8_t public_key[IDEM_SEAT_KEY_BYTES];
    uint8_t nonce[IDEM_NONCE_BYTES];
};

struct idem_seats;

/* Reads the seats of all organisations. sessions: how many can be open. */
int idem_seats_new(struct idem_store *store, uint32_t sessions, struct idem_seats **out);
void idem_seats_free(struct idem_seats *s);
struct idem_challenges *idem_seats_challenges(struct idem_seats *s);

/* Takes in or replaces a seat with a key; takes out any other. IDEM_ERR_LIMIT, IDEM_ERR_NOMEM. */
int idem_seats_put(struct idem_seats *s, const struct idem_store_seat *seat);
bool idem_seats_get(struct idem_seats *s, int64_t row, struct idem_store_seat *out);
/* How many open sessions it signs for; change: 0 to ask, 1 and -1 from the worker. */
uint32_t idem_seats_live(struct idem_seats *s, int64_t row, int change);

/* Its machine is on another run. Hurried: more than IDEM_SEAT_RUNS_MAX times within
 * IDEM_SEAT_RUNS_MS, counted since the server was started. */
void idem_seats_ran(struct idem_seats *s, int64_t row, int64_t now_ms);
bool idem_seats_hurried(struct idem_seats *s, int64_t row, int64_t now_ms);

int idem_signers_add(struct idem_seats *s, const uint8_t session[IDEM_ID_BYTES],
                     const struct idem_signer *signer);
void idem_signers_remove(struct idem_seats *s, const uint8_t session[IDEM_ID_BYTES]);
/* False also for a session that need not sign. */
bool idem_signers_get(struct idem_seats *s, const uint8_t session[IDEM_ID_BYTES],
                      struct idem_signer *out);

#endif
