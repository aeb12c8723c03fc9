/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cover.h - the line that says which lines of a log were blanked (store/chain.h), and why. It is
 * signed with the key of the heads (store/head.h): otherwise whoever can write the data base would
 * blank what he does not like and add a line that says that age did it.
 *
 *   {"actor":"system","action":"audit.blanked","detail":{"reason":"retention","before_ms":...,
 *    "ranges":[[1,17]],"signature":"<128 hex>"}}
 *
 * What is signed, Ed25519, one a line after "idem cover 1": the log, the line's number and time,
 * the hash of the line before it, reason, before_ms, and the ranges. So a cover is good for one
 * place of one log only, and no cover of a former copy can be used again.
 *
 *   reason      "retention": what was older than before_ms (rounded up to the hour: a log that
 *               keeps the hour tells no more here); "erasure": what named somebody, before_ms is 0
 *   no key      a process that was given none writes a cover without a signature, which every check
 *               reports; an erasure is refused there (restoring before the keys are imported)
 */
#ifndef IDEM_STORE_COVER_H
#define IDEM_STORE_COVER_H

#include "store/head.h"

enum {
    IDEM_COVER_RANGES_MAX = 64,
    IDEM_COVER_REASON_MAX = 16,
};

#define IDEM_COVER_ACTION    "audit.blanked"
#define IDEM_COVER_RETENTION "retention"
#define IDEM_COVER_ERASURE   "erasure"

struct idem_cover {
    char reason[IDEM_COVER_REASON_MAX + 1];
    int64_t before_ms;
    int64_t ranges[IDEM_COVER_RANGES_MAX][2]; /* first and last, both blanked */
    uint32_t count;
    bool is_signed;
    uint8_t signature[IDEM_HEAD_SIGNATURE];
};

/* Where a cover stands: what its signature binds it to. */
struct idem_cover_place {
    const char *log;
    struct idem_chain_head before; /* the line before it */
    int64_t at_ms;
};

/* The process's key, both halves as idem_head_keys makes them; copied. Before there are threads
 * that blank. NULL forgets it. */
void idem_cover_sign_with(const uint8_t *secret_key);
bool idem_cover_can_sign(void);

struct idem_cover idem_cover_of_age(int64_t until, int64_t before_ms);
/* Of single lines, rising; at most IDEM_COVER_RANGES_MAX. */
struct idem_cover idem_cover_of_person(const int64_t *seqs, int count);

/* The line's body with its signature; its length. Never more than IDEM_CHAIN_BODY_MAX. */
size_t idem_cover_body(const struct idem_cover_place *place, const struct idem_cover *cover,
                       char body[IDEM_CHAIN_BODY_MAX]);

struct json_t;
/* From a body's "detail". IDEM_ERR_FORMAT: it is no cover. */
int idem_cover_parse(const struct json_t *detail, struct idem_cover *out);
/* IDEM_ERR_FORMAT: not signed, by another key, or for another place. */
int idem_cover_verify(const struct idem_cover_place *place, const struct idem_cover *cover,
                      const uint8_t public_key[IDEM_HEAD_PUBLIC]);

#endif
