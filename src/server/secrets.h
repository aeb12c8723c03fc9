/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets.h - 32 random bytes in a file that only its owner may read, as one line of base64url.
 */
#ifndef IDEM_SERVER_SECRETS_H
#define IDEM_SERVER_SECRETS_H

#include "idem/idem.h"

enum { IDEM_SECRET_BYTES = 32, IDEM_SECRET_TEXT = 43 /* characters, without the end */ };

/* Base64url of the bytes; text has room for IDEM_SECRET_TEXT + 1. */
void idem_secret_text(const uint8_t *bytes, char *text);
/*
 * Reads DIR/NAME, or makes it when absent and may_create. IDEM_ERR_IO with the reason logged: it
 * cannot be read, is not a secret, or others may read it too.
 */
int idem_secret_load(const char *dir, const char *name, bool may_create, uint8_t *bytes);

#endif
