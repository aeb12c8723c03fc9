/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seen.h - the hashes of an organisation's windows (imprint.h, whole), whoever sent them: a window
 * that comes again under another person's name, or after the person's own sketch has forgotten it.
 *
 * A table of fixed size in sets of four. A full set loses the one in the place that the newcomer's
 * hash names. Putting is atomic, so that several threads may share the table and of two that put
 * the same hash at once exactly one hears that it is new.
 */
#ifndef IDEM_MODEL_SEEN_H
#define IDEM_MODEL_SEEN_H

#include <stdbool.h>
#include <stdint.h>

enum { IDEM_SEEN_BITS_MIN = 4, IDEM_SEEN_BITS_MAX = 30 };

struct idem_seen;

/* 2^bits hashes of eight bytes. */
int idem_seen_new(uint32_t bits, struct idem_seen **out);
void idem_seen_free(struct idem_seen *seen);
/* True when the hash is there already; otherwise it is from now on. */
bool idem_seen_put(struct idem_seen *seen, uint64_t whole);
/* While nobody puts. */
void idem_seen_drop(struct idem_seen *seen, uint64_t whole);
bool idem_seen_has(const struct idem_seen *seen, uint64_t whole);

#endif
