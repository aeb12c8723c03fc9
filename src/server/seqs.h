/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seqs.h - which sequence numbers of a session are held: the highest, and the gaps below it. Exact
 * and of fixed size, because gaps beyond IDEM_GAPS_MAX are refused instead of forgotten.
 *
 *   seen before            nothing changes, *fresh is false
 *   next, or filling a gap added; a number within a gap splits it
 *   ahead                  added, and a gap opens
 */
#ifndef IDEM_SERVER_SEQS_H
#define IDEM_SERVER_SEQS_H

#include "wire/objects.h"

struct idem_seqs {
    uint32_t high; /* 0: none yet; the first is 1 */
    uint32_t gap_count;
    struct idem_gap gaps[IDEM_GAPS_MAX]; /* ascending */
};

/* IDEM_ERR_LIMIT: one gap too many; IDEM_ERR_INVALID: too far ahead. Then nothing has changed. */
int idem_seqs_add(struct idem_seqs *s, uint32_t seq, bool *fresh);

#endif
