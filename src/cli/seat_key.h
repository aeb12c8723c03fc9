/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seat_key.h - a seat's key file: {"seat_id": N, "seed": 32 bytes in base64url}, mode 0600. It is
 * written before the key is registered, with no number yet, so that a registration whose answer was
 * lost can be asked for again with the same key.
 */
#ifndef IDEM_CLI_SEAT_KEY_H
#define IDEM_CLI_SEAT_KEY_H

#include "wire/seal.h"

struct idem_seat_key {
    int64_t seat; /* 0: not registered yet */
    uint8_t seed[IDEM_SEAL_SEED];
    struct idem_seal_key key;
};

/* Reads the file. IDEM_ERR_NOT_FOUND: there is none; else 0, or an exit code after a message. */
int idem_seat_key_read(const char *file, struct idem_seat_key *out);
/* A new key, in memory. */
void idem_seat_key_make(struct idem_seat_key *out);
/* Under another name first, so that the file is always whole. 0, or an exit code after a message.
 */
int idem_seat_key_write(const char *file, const struct idem_seat_key *key);
/* The run that this machine is in, the same until it is started again. */
void idem_seat_key_instance(const struct idem_seat_key *key, uint8_t instance[IDEM_SEAL_INSTANCE]);

#endif
