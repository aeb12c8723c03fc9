/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_decode.h - the likeliest text that fits a window's counts: a beam search over the language
 * model.
 *
 * A hypothesis is a text so far, with the counts that are left. A symbol may follow when its hold
 * and its flight are left; measurements that a window lacks (a pause, a cell too rare to exist) are
 * given as so many free ones. At the end of a word of the vocabulary the word's own frequency
 * stands in for its letters' where it is higher.
 */
#ifndef IDEM_EVAL_LEAK_DECODE_H
#define IDEM_EVAL_LEAK_DECODE_H

#include "eval/leak_world.h"

enum { IDEM_LEAK_BEAM = 128 };

struct idem_leak_decode_options {
    uint32_t beam;    /* hypotheses kept, 1..IDEM_LEAK_BEAM */
    uint32_t context; /* of leak_text.h, or UINT32_MAX: unknown */
    /* Strokes [blind_first, blind_end) are a password: letters and digits, all as likely. */
    uint32_t blind_first, blind_end;
};

/* counts: n[cells] of a window of `keys` strokes. symbols: [keys]; *found: how many were placed. */
int idem_leak_decode(const struct idem_leak_world *world, const struct idem_leak_text *text,
                     const float *counts, uint32_t keys,
                     const struct idem_leak_decode_options *options, uint8_t *symbols,
                     uint32_t *found);

/* Is the word in decoded symbols, from space, border or full stop to the same? */
bool idem_leak_reads(const uint8_t *symbols, uint32_t count, const struct idem_leak_word *word,
                     bool whole);

#endif
