/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_inside.h - what the files of the spool share: spool_file.c opens and scans, reads and
 * writes blocks and heads; spool.c adds and hands out; spool_fate.c says what becomes of records.
 *
 * Whatever takes records away writes the head first (what is in flight, the floor, the counts),
 * then overwrites the blocks: when power fails in between, opening overwrites what the head no
 * longer knows.
 */
#ifndef IDEM_AGENT_COURIER_SPOOL_INSIDE_H
#define IDEM_AGENT_COURIER_SPOOL_INSIDE_H

#include "agent/courier/spool_head.h"

enum {
    IDEM_SPOOL_FIRST_ALARM = IDEM_SPOOL_HEADS * IDEM_SPOOL_HEAD_STEP,
    IDEM_SPOOL_FIRST_WINDOW = IDEM_SPOOL_FIRST_ALARM + IDEM_SPOOL_ALARMS_MAX,
};

/* A block with something in it. */
struct idem_spool_entry {
    uint64_t id;     /* 0: free */
    uint64_t person; /* hashed under the file's key */
    uint32_t hour;
    uint16_t part, parts;
};

struct idem_spool {
    int fd;
    uint32_t blocks;
    struct idem_spool_lock head_lock;
    struct idem_spool_head head;
    bool lost;
    struct idem_spool_entry *entries; /* [blocks] */
    uint8_t plain[IDEM_SPOOL_PLAIN], block[IDEM_SPOOL_BLOCK];
};

/* The blocks of a kind: *first up to, not including, *end. */
void idem_spool_area(const struct idem_spool *s, enum idem_spool_kind kind, uint32_t *first,
                     uint32_t *end);
enum idem_spool_kind idem_spool_kind_of(uint32_t place);
uint64_t idem_spool_hash(const struct idem_spool *s, const char *person);

/* The plain bytes of a block, in s->plain. IDEM_ERR_CHECKSUM: damaged, or the disk does not
 * give it. */
int idem_spool_get(struct idem_spool *s, uint32_t place);
/* Seals s->plain into the block. Not synced. */
int idem_spool_put(struct idem_spool *s, uint32_t place);
/* Overwrites a block; free from now on. Not synced. */
int idem_spool_clear(struct idem_spool *s, uint32_t place);
/* All blocks of that record. */
int idem_spool_clear_record(struct idem_spool *s, enum idem_spool_kind kind, uint64_t id);
int idem_spool_sync(struct idem_spool *s);

/*
 * The head becomes *next, durably, with a floor that fits the records that are there without those
 * that go(arg, place) names (NULL: none go). On failure s->head stays.
 */
typedef bool idem_spool_goes_fn(const struct idem_spool *s, const void *arg, uint32_t place);
int idem_spool_commit(struct idem_spool *s, struct idem_spool_head *next, idem_spool_goes_fn *goes,
                      const void *arg);
/* Writes the head, then overwrites what goes. */
int idem_spool_remove(struct idem_spool *s, struct idem_spool_head *next, idem_spool_goes_fn *goes,
                      const void *arg);
/* Nothing is there: a new key, in both heads. */
int idem_spool_rekey(struct idem_spool *s);

#endif
