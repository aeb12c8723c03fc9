/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_head.h - the spool's head (spool.h): the key of its blocks, what is in flight, what was
 * lost. It is sealed as a block is, under H(seed, "idem spool 1\0"), and written to its two places
 * in turn; the later one that opens counts.
 */
#ifndef IDEM_AGENT_COURIER_SPOOL_HEAD_H
#define IDEM_AGENT_COURIER_SPOOL_HEAD_H

#include "agent/courier/spool_block.h"

enum {
    IDEM_SPOOL_HEADS = 2,
    IDEM_SPOOL_HEAD_STEP = 2, /* blocks: each head in a page of its own */
    IDEM_SPOOL_FLIGHT_MAX = IDEM_WIRE_WINDOWS_MAX,
};

struct idem_spool_flight {
    uint64_t id;
    uint32_t seq;
};

struct idem_spool_head {
    uint64_t generation;
    uint32_t blocks; /* of the file */
    struct idem_spool_lock lock;
    uint64_t next_id;
    uint64_t floor[IDEM_SPOOL_KINDS]; /* no unsent record has a lower id */
    uint64_t dropped, expired, refused, unreadable;
    char session[IDEM_SPOOL_SESSION_MAX]; /* of what is in flight */
    uint32_t flights[IDEM_SPOOL_KINDS];
    struct idem_spool_flight flight[IDEM_SPOOL_KINDS][IDEM_SPOOL_FLIGHT_MAX]; /* ascending */
};

/* The key and number of a new file. */
void idem_spool_head_new(struct idem_spool_head *head);
/* What the head is sealed under. */
void idem_spool_head_lock(const uint8_t seed[IDEM_SEAL_SEED], struct idem_spool_lock *out);
void idem_spool_write_head(const struct idem_spool_head *head, uint8_t plain[IDEM_SPOOL_PLAIN]);
/* IDEM_ERR_FORMAT: no head. */
int idem_spool_read_head(const uint8_t plain[IDEM_SPOOL_PLAIN], struct idem_spool_head *out);

/* How many may be in flight. */
uint32_t idem_spool_flight_max(enum idem_spool_kind kind);
/* The flight of that id, or NULL. */
const struct idem_spool_flight *idem_spool_find_flight(const struct idem_spool_head *head,
                                                       enum idem_spool_kind kind, uint64_t id);
void idem_spool_end_flight(struct idem_spool_head *head, enum idem_spool_kind kind, uint64_t id);

#endif
