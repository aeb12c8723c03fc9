/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_block.h - the spool's blocks (spool.h): what stands in one, and how it is sealed.
 *
 *   block = nonce (24), sealed plain bytes (IDEM_SPOOL_PLAIN), tag (16)
 *   plain = id (8), kind (1), part (2), parts (2), length of the record (4), hour (4),
 *           person (1 + its bytes), the part's bytes, noughts
 *
 * Every part is as long as can be but the last one. Authenticated with it: "idem spool 1\0", the
 * file's number, the block's place.
 */
#ifndef IDEM_AGENT_COURIER_SPOOL_BLOCK_H
#define IDEM_AGENT_COURIER_SPOOL_BLOCK_H

#include "agent/courier/spool.h"

enum {
    IDEM_SPOOL_NONCE = 24,
    IDEM_SPOOL_TAG = 16,
    IDEM_SPOOL_KEY = 32,
    IDEM_SPOOL_FILE = 16,
    IDEM_SPOOL_PLAIN = IDEM_SPOOL_BLOCK - IDEM_SPOOL_NONCE - IDEM_SPOOL_TAG,
    IDEM_SPOOL_PARTS_MAX = 64,
};

/* Under what blocks are sealed. */
struct idem_spool_lock {
    uint8_t key[IDEM_SPOOL_KEY];
    uint8_t file[IDEM_SPOOL_FILE];
};

/* One part of a record, as it stands in a block. bytes: into the plain block. */
struct idem_spool_part {
    uint64_t id;
    enum idem_spool_kind kind;
    uint32_t part, parts, len, hour;
    char person[IDEM_SPOOL_PERSON_MAX];
    const uint8_t *bytes;
    size_t count;
};

/* Bytes of a record that a part takes. */
size_t idem_spool_share(size_t person_len);

void idem_spool_seal(const struct idem_spool_lock *lock, uint32_t place,
                     const uint8_t plain[IDEM_SPOOL_PLAIN], uint8_t block[IDEM_SPOOL_BLOCK]);
/* IDEM_ERR_CHECKSUM: it was not sealed so. */
int idem_spool_unseal(const struct idem_spool_lock *lock, uint32_t place,
                      const uint8_t block[IDEM_SPOOL_BLOCK], uint8_t plain[IDEM_SPOOL_PLAIN]);

void idem_spool_write_part(const struct idem_spool_part *part, uint8_t plain[IDEM_SPOOL_PLAIN]);
/* IDEM_ERR_FORMAT: no part of a record. */
int idem_spool_read_part(const uint8_t plain[IDEM_SPOOL_PLAIN], struct idem_spool_part *out);

#endif
