/* SPDX-License-Identifier: Apache-2.0 */
/*
 * challenge.h - numbers that a seat signs when it opens a session: made here, good for a minute,
 * and once.
 *
 *   nonce = time (8 bytes), random (8), keyed hash of both (16)
 *
 * Nothing is kept of a nonce that was handed out, so asking for many costs no memory. What is
 * kept is which ones came back under a good signature, until they would have expired anyway. The
 * key lives as long as the process: after a restart all challenges are void. Any thread.
 */
#ifndef IDEM_SERVER_CHALLENGE_H
#define IDEM_SERVER_CHALLENGE_H

#include "wire/seal.h"

enum {
    IDEM_CHALLENGE_MS = 60 * 1000,
    IDEM_CHALLENGES_MAX = 131072, /* openings in a minute */
};

struct idem_challenges;

int idem_challenges_new(struct idem_challenges **out);
void idem_challenges_free(struct idem_challenges *c);

void idem_challenge_make(const struct idem_challenges *c, int64_t now_ms,
                         uint8_t nonce[IDEM_SEAL_NONCE]);
/* IDEM_ERR_NOT_FOUND: not made here, or too long ago. To be asked before a signature is checked. */
int idem_challenge_check(const struct idem_challenges *c, int64_t now_ms,
                         const uint8_t nonce[IDEM_SEAL_NONCE]);
/* Uses up one that was checked. IDEM_ERR_MISMATCH: it was used before. IDEM_ERR_FULL: too many were
 * used in the last minute. */
int idem_challenge_use(struct idem_challenges *c, int64_t now_ms,
                       const uint8_t nonce[IDEM_SEAL_NONCE]);

#endif
