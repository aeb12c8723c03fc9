/* SPDX-License-Identifier: Apache-2.0 */
/*
 * totp.h - one-time passwords by the clock (RFC 6238): HMAC-SHA-1, 30 seconds, six digits, which is
 * what every authenticator takes. Pure.
 *
 *   the code of this step, of the one before and of the next   taken: clocks differ, people type
 *   a step that was taken before, or an older one              refused: who reads a code over a
 *                                                              shoulder or on the wire has nothing
 */
#ifndef IDEM_SERVER_TOTP_H
#define IDEM_SERVER_TOTP_H

#include "wire/text.h"

enum {
    IDEM_TOTP_SECRET = 20, /* bytes: the length of a SHA-1 */
    IDEM_TOTP_TEXT = 32,   /* the same in base32 */
    IDEM_TOTP_DIGITS = 6,
    IDEM_TOTP_STEP_MS = 30 * 1000,
    IDEM_TOTP_DRIFT = 1, /* steps on either side of now */
};

/* The code of a step, 0..999999. */
uint32_t idem_totp_code(const uint8_t secret[IDEM_TOTP_SECRET], int64_t step);
/*
 * code: six digits. Sets *step to the step whose code it is; the caller keeps it and passes it as
 * last the next time (-1: none yet). IDEM_ERR_INVALID: of no step near now, or of one already
 * taken.
 */
int idem_totp_check(const uint8_t secret[IDEM_TOTP_SECRET], const char *code, int64_t now_ms,
                    int64_t last, int64_t *step);
/* Base32 without padding, for who must type it. */
void idem_totp_text(const uint8_t secret[IDEM_TOTP_SECRET], char text[IDEM_TOTP_TEXT + 1]);
/* The link that an authenticator reads as a picture: otpauth://totp/idem:LABEL?... Not quoted. */
void idem_totp_uri(struct idem_text *t, const char *label, const uint8_t secret[IDEM_TOTP_SECRET]);

#endif
