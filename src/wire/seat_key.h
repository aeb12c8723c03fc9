/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seat_key.h - a seat's key file: {"seat_id": N, "seed": 32 bytes in base64url}, mode 0600. It is
 * written before the key is registered, with no number yet, so that a registration whose answer was
 * lost can be asked for again with the same key.
 */
#ifndef IDEM_WIRE_SEAT_KEY_H
#define IDEM_WIRE_SEAT_KEY_H

#include "wire/seal.h"
#include "wire/text.h"

struct idem_seat_key {
    int64_t seat; /* 0: not registered yet */
    uint8_t seed[IDEM_SEAL_SEED];
    struct idem_seal_key key;
};

/*
 * Reads the file, relative to the directory (or AT_FDCWD). IDEM_ERR_NOT_FOUND: there is none;
 * IDEM_ERR_INVALID: others can read it, or it is another user's; IDEM_ERR_FORMAT: not a seat's key;
 * IDEM_ERR_IO.
 */
int idem_seat_key_read(int dir, const char *file, struct idem_seat_key *out);
/* A new key, in memory. */
void idem_seat_key_make(struct idem_seat_key *out);
/* Under another name first, and synced, so that the file is always whole. IDEM_ERR_LIMIT: the name
 * is too long; IDEM_ERR_FULL, IDEM_ERR_IO: errno says why. */
int idem_seat_key_write(int dir, const char *file, const struct idem_seat_key *key);
/*
 * The run that this machine is in, the same until it is started again: the kernel's number for this
 * boot, hashed with the key so that it says nothing elsewhere. IDEM_ERR_IO: the kernel's number
 * cannot be read.
 */
int idem_seat_key_instance(const struct idem_seat_key *key, uint8_t instance[IDEM_SEAL_INSTANCE]);
/* The body of POST /v1/seats/register. host: as dialled. IDEM_ERR_FORMAT: this is no code;
 * IDEM_ERR_LIMIT: host or what is written is too long. */
int idem_seat_key_registration(const struct idem_seat_key *key, const char *code, const char *host,
                               struct idem_text *body);

#endif
