/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keep.h - what the courier knows again after a kill -9 or a power failure: the session that is
 * running, the rules and the front that the server has given it. Three files in the state
 * directory, "session", "rules" and "front", each written under another name first, synced, renamed
 * and the directory synced: what a function returned 0 for is there, whole, and before it what was
 * there before.
 *
 * Each is sealed (XChaCha20-Poly1305) under a key derived from the seat's seed, with its name
 * authenticated: it holds a session's token. A file that does not open - damaged, of another seat,
 * or of another name - is IDEM_ERR_CHECKSUM: the caller says so and goes on as if there were none.
 * An older copy of a file cannot be told from the right one here: the server refuses its numbers
 * (`counter-used`, `chain-broken`), and the courier opens another session.
 *
 * System calls: openat, fstat, read, write, fsync, renameat, unlinkat, getrandom.
 */
#ifndef IDEM_AGENT_COURIER_KEEP_H
#define IDEM_AGENT_COURIER_KEEP_H

#include "agent/message.h"
#include "wire/seal.h"

enum {
    IDEM_KEEP_ID_MAX = 65,     /* bytes of a session's id, its nought included */
    IDEM_KEEP_TOKEN_MAX = 129, /* likewise */
    IDEM_KEEP_PERSON_MAX = 129,
    IDEM_KEEP_RULES_MAX = 16 * 1024,
};

/* A session, as it stands at the server as far as is known here. */
struct idem_keep_session {
    char id[IDEM_KEEP_ID_MAX], token[IDEM_KEEP_TOKEN_MAX], person[IDEM_KEEP_PERSON_MAX];
    char user[IDEM_USER_MAX]; /* of the machine, whose session it is */
    char policy[IDEM_KEEP_ID_MAX];
    uint8_t nonce[IDEM_SEAL_NONCE];
    uint8_t link[IDEM_SEAL_LINK];         /* after the last window that was acknowledged */
    uint8_t instance[IDEM_SEAL_INSTANCE]; /* the machine's run that it was opened in */
    uint64_t front;
    uint32_t next_seq;   /* of a window */
    uint32_t next_alarm; /* of an alarm */
    uint32_t counter;    /* of the next signed request */
    uint32_t unlocked;   /* the broker's count, as far as the server was told */
    int64_t opened_ms;   /* Unix time */
};

struct idem_keep;

/* Opens the state directory. IDEM_ERR_INVALID: it is another user's, or others may write it;
 * IDEM_ERR_NOT_FOUND, IDEM_ERR_IO. *dir: the caller's, for the other files in it. */
int idem_keep_directory(const char *path, int *dir);
/* dir: must stay open. */
int idem_keep_open(int dir, const uint8_t seed[IDEM_SEAL_SEED], struct idem_keep **out);
void idem_keep_close(struct idem_keep *keep); /* wipes */

/* IDEM_ERR_NOT_FOUND: there is none; IDEM_ERR_CHECKSUM: damaged; IDEM_ERR_INVALID: not this user's
 * own file, or others may write it; IDEM_ERR_IO. */
int idem_keep_read_session(struct idem_keep *keep, struct idem_keep_session *out);
/* IDEM_ERR_INVALID: a text does not end, or a number is nought that cannot be; IDEM_ERR_MISMATCH:
 * the kept one is the same session with a later counter or number: they only grow. */
int idem_keep_write_session(struct idem_keep *keep, const struct idem_keep_session *session);
/*
 * The number for a signed request, durable before it is returned: what crashed in between has used
 * it up. session->counter becomes the next one. IDEM_ERR_LIMIT: there are no more.
 */
int idem_keep_use_counter(struct idem_keep *keep, struct idem_keep_session *session,
                          uint32_t *counter);
/* It is over. Overwritten and unlinked; none is no mistake. */
int idem_keep_drop_session(struct idem_keep *keep);

/* The server's rules, as JSON: at most IDEM_KEEP_RULES_MAX bytes. *len: what is there. */
int idem_keep_read_rules(struct idem_keep *keep, char *json, size_t cap, size_t *len);
int idem_keep_write_rules(struct idem_keep *keep, const char *json, size_t len);

/* The front: at most IDEM_FRONT_MAX bytes. *bytes: the caller's, free(). */
int idem_keep_read_front(struct idem_keep *keep, void **bytes, size_t *len);
int idem_keep_write_front(struct idem_keep *keep, const void *bytes, size_t len);

/* For whoever fuzzes it: the plain bytes of "session". IDEM_ERR_FORMAT */
int idem_keep_parse_session(const void *bytes, size_t len, struct idem_keep_session *out);

#endif
