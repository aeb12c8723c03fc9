/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imprint.h - what is remembered of a window that has been accepted: enough to know it again,
 * nothing to read it by.
 *
 *   whole   64 bits, a keyed hash of its counts and sums. Both are integers on a grid, so a window
 *           that is sent again has the same; two of a billion others share one with probability
 *           0.03.
 *   text    32 bits, a keyed hash of the counts alone. Equal when the same keys were pressed,
 *           whatever the timing.
 *   cell    keyed hashes of the fullest cells, count and sums.
 *   near    256 bits that tell how far two windows are apart if they are very near, and nothing
 *           else. With z the sums of a window divided by the roots of their counts, and a_b, u_b
 *           random and secret,
 *
 *               bit b = floor(a_b z / IDEM_NEAR_STEP + u_b) mod 2
 *
 *           (universal scalar quantisation: Boufounos, "Universal rate-efficient scalar
 *           quantization", 2012; Boufounos and Rane, "Secure binary embeddings for privacy
 *           preserving nearest neighbors", 2011). Of windows at distance d a bit differs with
 *           probability
 *
 *               p(d) = 1/2 - sum_i exp(-((2i + 1) pi d / (sqrt(2) STEP))^2) / (pi (i + 1/2))^2
 *
 *           which rises to a half within the step and stays there: beyond it the bits of two
 *           windows are independent, so the false-alarm rate is a binomial tail, whoever types.
 *           Two windows of 100 keys of one person are 13 apart, seldom below 8; re-noising every
 *           time by +-2 ms moves a window by 0.6, by +-10 ms by 3.
 *
 * What a thief of imprints learns. Without the key: how many there are. With the key he can confirm
 * a window that he already has, or counts that he guesses from a text known to the letter, and sees
 * whether the same keys were pressed twice. Time, order and number of strokes are not there. Of the
 * sums the near bits hold 256 bits at most, where a window holds over 200 sums; they are folded
 * modulo two steps and dithered, and windows of one person spread about as far as a step. So with
 * the key and the profile a bit tells less than a hundredth of its projection's variance (`idem
 * eval replays`; decoders that search were not tried). Pointer windows are imprinted alike.
 */
#ifndef IDEM_MODEL_IMPRINT_H
#define IDEM_MODEL_IMPRINT_H

#include "base/siphash.h"
#include "window/window.h"

enum {
    IDEM_NEAR_BITS = 256,
    IDEM_NEAR_WORDS = IDEM_NEAR_BITS / 64,
    IDEM_IMPRINT_CELLS = 4,
    IDEM_IMPRINT_CELL_MIN = 12, /* strokes of a cell that is worth a hash: its sums are its own */
    IDEM_IMPRINT_BYTES = 8 + 4 + 4 * IDEM_IMPRINT_CELLS + IDEM_NEAR_BITS / 8,
};

/* In units of a standardised sum: the distance at which two windows look unrelated. */
#define IDEM_NEAR_STEP 12

struct idem_imprint {
    uint64_t whole;
    uint64_t near[IDEM_NEAR_WORDS];
    uint32_t text;
    uint32_t cell[IDEM_IMPRINT_CELLS]; /* 0: the window has no more of them */
    uint32_t session; /* in memory: where it came in, 0: in one that has ended (sketch.h) */
};

/* The secret signs a and offsets u of one modality of a front. Immutable: threads share it. */
struct idem_imprinter;

int idem_imprinter_new(const struct idem_front *front, enum idem_modality modality,
                       const uint8_t key[IDEM_SIPHASH_KEY], struct idem_imprinter **out);
void idem_imprinter_free(struct idem_imprinter *p); /* wipes */

/* A window of the imprinter's front and modality. */
void idem_imprint_make(const struct idem_imprinter *p, const struct idem_window *window,
                       struct idem_imprint *out);
/* The near bits of other counts and sums of that shape, in grid units. */
void idem_imprint_near(const struct idem_imprinter *p, const int32_t *n, const int32_t *sums,
                       uint64_t near[IDEM_NEAR_WORDS]);

/* Near bits that differ, 0..IDEM_NEAR_BITS. */
static inline uint32_t idem_near_apart(const uint64_t a[IDEM_NEAR_WORDS],
                                       const uint64_t b[IDEM_NEAR_WORDS])
{
    uint32_t apart = 0;
    for (int i = 0; i < IDEM_NEAR_WORDS; i++)
        apart += (uint32_t)__builtin_popcountll(a[i] ^ b[i]);
    return apart;
}

#endif
