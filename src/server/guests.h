/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guests.h - how much one address takes of the server: its open connections, and how many bad
 * tokens it has sent in the last minute. An IPv6 network of 64 bits counts as one address, for
 * whoever has one address of it has all.
 *
 * Proxies that the configuration names have no limit on connections, and failures are counted on
 * whom they ask for. What somebody else's failures never do is to refuse a good token: they change
 * the answer to bad ones only, so an attacker behind the address of an office locks nobody out.
 *
 * The table is of a fixed size. An address that finds no place in it, because eight others with
 * open connections hash to its set under a secret key, is not counted: the limits of all together
 * still hold. Any thread; times are milliseconds of one clock.
 */
#ifndef IDEM_SERVER_GUESTS_H
#define IDEM_SERVER_GUESTS_H

#include "server/address.h"

enum { IDEM_GUEST_SETS = 4096, IDEM_GUEST_WAYS = 8, IDEM_GUEST_MINUTE_MS = 60 * 1000 };

struct idem_guests;

/* connections: open at once for an address; failures: in a minute. */
int idem_guests_new(uint32_t connections, uint32_t failures, struct idem_guests **out);
void idem_guests_free(struct idem_guests *guests);

/* Whether the address may have another connection; *counted says whether idem_guests_leave is due
 * when it ends. */
bool idem_guests_enter(struct idem_guests *guests, const struct idem_machine *who, bool *counted);
void idem_guests_leave(struct idem_guests *guests, const struct idem_machine *who);

/* Counts a failure. True when there were more than allowed in this address's minute; *first when
 * this one is the first of those. */
bool idem_guests_fail(struct idem_guests *guests, const struct idem_machine *who, int64_t now_ms,
                      bool *first);
/* The same without counting. */
bool idem_guests_barred(struct idem_guests *guests, const struct idem_machine *who, int64_t now_ms);

#endif
