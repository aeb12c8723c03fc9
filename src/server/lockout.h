/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lockout.h - how long to wait after failed log-ins: a table of who has failed how often, by keyed
 * hash. Worker only; time is passed in.
 *
 *   by account and address   5 failures are free; the next waits 30 s, and each one after it twice
 * as long, up to 15 minutes. Who fails from elsewhere delays nobody here by address 20 are free,
 * for an office may share one; then the same by account               100 are free, then the same:
 * guessing from many addresses. Of one address its first 10 count for this, so that it takes many
 * of them to delay an account everywhere a success                clears what the address has
 * failed on the account, here and there; not the address's own: or whoever has one account could
 * clear the way to try the others a day                    without a failure is forgotten
 *
 * A name that no account has is counted like one that has: the answers are the same.
 *
 * Nothing of it is stored: a restart forgets it, which docs/api.md says.
 *
 * The table is bounded. Once it is full the entry whose delay ended first makes room, so filling it
 * with other names frees nobody who still waits.
 */
#ifndef IDEM_SERVER_LOCKOUT_H
#define IDEM_SERVER_LOCKOUT_H

#include "idem/idem.h"

enum {
    IDEM_LOCKOUT_KEY = 16,
    IDEM_LOCKOUT_MAX = 16384,
    IDEM_LOCKOUT_FREE_PAIR = 5, /* of an account and an address */
    IDEM_LOCKOUT_FREE_ADDRESS = 20,
    IDEM_LOCKOUT_FREE_ACCOUNT = 100,
    IDEM_LOCKOUT_SHARE = 10, /* of an address's failures, that count for the account everywhere */
    IDEM_LOCKOUT_FIRST_MS = 30 * 1000,
    IDEM_LOCKOUT_LONGEST_MS = 15 * 60 * 1000,
    IDEM_LOCKOUT_FORGET_MS = 24 * 3600 * 1000,
};

struct idem_lockout;

int idem_lockout_new(struct idem_lockout **out);
void idem_lockout_free(struct idem_lockout *table);

/* Both keys have IDEM_LOCKOUT_KEY bytes. */
struct idem_lockout_try {
    const uint8_t *account, *address;
};

/* Milliseconds to wait from now on, 0: none. */
int64_t idem_lockout_wait(const struct idem_lockout *table, const struct idem_lockout_try *who,
                          int64_t now_ms);
/* One more failure. True when it begins a delay for the account, here or everywhere. */
bool idem_lockout_fail(struct idem_lockout *table, const struct idem_lockout_try *who,
                       int64_t now_ms);
void idem_lockout_pass(struct idem_lockout *table, const struct idem_lockout_try *who);
/* Nobody waits for the account any more, wherever he is. */
void idem_lockout_clear(struct idem_lockout *table, const uint8_t account[IDEM_LOCKOUT_KEY]);

#endif
