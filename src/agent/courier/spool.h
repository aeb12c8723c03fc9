/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.h - what the server has not acknowledged yet: windows and alarms, on disk, encrypted, never
 * more than a bound. It is one file of blocks of 2 KiB in the state directory, "spool":
 *
 *   | head | - | head | - | alarms: 64 blocks | windows: the rest, up to the limit |
 *
 * A record is one block, a large window several, wherever there is room. Each block is sealed by
 * itself (XChaCha20-Poly1305, random nonce) under a key that is in the head, with its place in the
 * file and the file's own number authenticated; the head is sealed under a key derived from the
 * seat's seed, and written to its two places in turn. A free block is nought. Nothing of a record
 * is readable without the seed: not its length, not the person.
 *
 *   unsent --sent--> in flight --acknowledged--> gone (overwritten)
 *     ^  |               |
 *     |  +- no room, too old, erased: dropped, counted
 *     +-- alarms --- forget: the session is over; windows in flight are dropped and counted
 *
 *   case                               what happens
 *   power fails within an append       that record is not there; all before it are
 *   a block is damaged                 that record is lost, and counted (unreadable)
 *   a block is moved, or of another    does not open: likewise
 *   spool
 *   both heads are damaged, or of      nothing can be read: begun anew, and said (lost)
 *   another seat
 *   the newer head is damaged          what was sent last counts as unsent: it is sent again under
 *                                      the same number, which keep.h knows
 *   an older copy of single blocks     below the head's floor not taken; above it, they are the
 *                                      blocks that were there
 *   an older copy of the whole file    cannot be told here. What is sent twice, the server knows by
 *                                      its number while the session is open
 *   no more room                       the oldest window that is not in flight goes, and is
 *                                      counted; alarms have a part of their own, and stay
 *   the disk is full                   the file has all its blocks from the start, or half as many
 *                                      as often as it takes
 *
 * Memory: 24 bytes a block. Records are not held. Nothing blocks but the disk. System calls:
 * openat, fstat, flock, fallocate, ftruncate, pread, pwrite, fdatasync, getrandom.
 *
 * Times: a record says in which hour it was made, for the bounds below, and nothing finer.
 */
#ifndef IDEM_AGENT_COURIER_SPOOL_H
#define IDEM_AGENT_COURIER_SPOOL_H

#include "wire/alarm.h"
#include "wire/seal.h"
#include "wire/wire.h"

enum {
    IDEM_SPOOL_BLOCK = 2048,
    IDEM_SPOOL_ALARMS_MAX = 64,       /* what a session of the server takes */
    IDEM_SPOOL_RECORD_MAX = 65536,    /* bytes, as of a message */
    IDEM_SPOOL_PERSON_MAX = 129,      /* bytes of a person's name, its nought included */
    IDEM_SPOOL_SESSION_MAX = 65,      /* likewise of a session's id */
    IDEM_SPOOL_HOURS = 24,            /* that a window waits for its person's session */
    IDEM_SPOOL_ALARM_HOURS = 30 * 24, /* and an alarm */
    IDEM_SPOOL_LIMIT_MIN = 1 << 20,   /* bytes of the file */
    IDEM_SPOOL_LIMIT_DEFAULT = 8 << 20,
    IDEM_SPOOL_LIMIT_MAX = 256 << 20,
};

enum idem_spool_kind { IDEM_SPOOL_WINDOW = 0, IDEM_SPOOL_ALARM = 1, IDEM_SPOOL_KINDS = 2 };

struct idem_spool;

/* How it stands. What was lost is counted since idem_spool_counted(), which upkeep.c calls. */
struct idem_spool_counts {
    uint32_t waiting[IDEM_SPOOL_KINDS];   /* not sent */
    uint32_t in_flight[IDEM_SPOOL_KINDS]; /* sent, not acknowledged */
    uint32_t room;       /* small windows that fit before the oldest one has to go */
    uint64_t dropped;    /* windows that had to go: no room, or their session was over */
    uint64_t expired;    /* records that waited too long for their person */
    uint64_t refused;    /* alarms that found 64 others waiting, or that no server takes */
    uint64_t unreadable; /* blocks that were damaged, or cut off by a power failure */
    bool lost;           /* at opening: nothing could be read, begun anew */
};

/* What is known of a record besides its bytes. */
struct idem_spool_record {
    uint64_t id; /* ascending, never given twice */
    enum idem_spool_kind kind;
    uint32_t seq; /* in flight: its number in the session; 0: not sent */
    size_t len;
    char person[IDEM_SPOOL_PERSON_MAX];
};

/*
 * Opens or makes the file `name` in the directory. limit: bytes, IDEM_SPOOL_LIMIT_MIN.._MAX; what
 * stands beyond a smaller limit than before is dropped and counted. IDEM_ERR_INVALID: it is no
 * file of this user's own, or others may write it; IDEM_ERR_FULL: not even IDEM_SPOOL_LIMIT_MIN
 * fits on the disk; IDEM_ERR_IO: also when another process has it open.
 */
int idem_spool_open(int dir, const char *name, const uint8_t seed[IDEM_SEAL_SEED], uint64_t limit,
                    struct idem_spool **out);
void idem_spool_close(struct idem_spool *spool); /* wipes its keys */

/*
 * Durable once it returns 0. hour: Unix time in hours; what is too old by it goes first.
 * IDEM_ERR_INVALID: len is 0 or above IDEM_SPOOL_RECORD_MAX, or the person's name is empty or too
 * long; IDEM_ERR_LIMIT: an alarm above one block. IDEM_ERR_FULL: the alarms' part is full,
 * everything is in flight, or the disk has no room after all; IDEM_ERR_IO. Nothing was kept then,
 * and nothing that was there is lost but what counts.dropped says.
 */
int idem_spool_append(struct idem_spool *spool, enum idem_spool_kind kind, const char *person,
                      int64_t hour, const void *bytes, size_t len, uint64_t *id);

/*
 * The oldest record of the person, sent or not, with an id above `after`; bytes: aligned as the
 * caller needs it. IDEM_ERR_NOT_FOUND; IDEM_ERR_LIMIT: cap is too small (nothing is lost). A record
 * that turns out to be damaged is counted, and the next one taken.
 */
int idem_spool_next(struct idem_spool *spool, enum idem_spool_kind kind, const char *person,
                    uint64_t after, struct idem_spool_record *out, void *bytes, size_t cap);

/*
 * Before the bytes go on the wire: these records, ascending, are sent in the session under the
 * numbers first_seq, first_seq + 1, ... Durable once it returns 0. A record in flight keeps its
 * number. IDEM_ERR_INVALID: not there, in flight already, or another session's are in flight
 * (idem_spool_forget() them first); IDEM_ERR_LIMIT: more than IDEM_WIRE_WINDOWS_MAX windows or
 * IDEM_WIRE_ALARMS_MAX alarms would be in flight.
 */
int idem_spool_sent(struct idem_spool *spool, enum idem_spool_kind kind, const uint64_t *ids,
                    uint32_t count, const char *session, uint32_t first_seq);
/* The session that has something in flight, or "". */
const char *idem_spool_session(const struct idem_spool *spool);
/*
 * What is in flight of the kind, up to and including this number, is gone: overwritten once it
 * returns. The session's new link and number are kept first (keep.h): after a failure in between,
 * this is called again with what was kept.
 */
int idem_spool_acknowledged(struct idem_spool *spool, enum idem_spool_kind kind, uint32_t seq);
/*
 * The session is over, however it ended: windows in flight, of which nobody knows whether they
 * arrived, are dropped and counted; alarms in flight wait again. When nothing is left, the key is
 * changed: what was ever written opens no more.
 */
int idem_spool_forget(struct idem_spool *spool);

/* A record that cannot be sent any more (of another front, or refused for good); in flight or not.
 * Counted: a window as dropped, an alarm as refused. */
int idem_spool_drop(struct idem_spool *spool, uint64_t id);
/* What has waited above IDEM_SPOOL_HOURS or IDEM_SPOOL_ALARM_HOURS, and is not in flight. A clock
 * that was set back makes nothing older. */
int idem_spool_expire(struct idem_spool *spool, int64_t hour);
/* The person's windows, what is in flight too; not counted. Alarms stay: they are of a device, and
 * whoever planted one must not be able to take them back. person NULL: everybody's; with no alarm
 * left a new key, so that nothing that was ever written opens. */
int idem_spool_erase(struct idem_spool *spool, const char *person);

/* Blocks that a record of the person takes. */
uint32_t idem_spool_blocks(size_t len, const char *person);
void idem_spool_counts(const struct idem_spool *spool, struct idem_spool_counts *out);
/* The losses were told: they are counted from nought again, durably. */
int idem_spool_counted(struct idem_spool *spool);

#endif
