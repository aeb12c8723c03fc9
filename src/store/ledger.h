/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.h - erasures.log: whose data was erased, so that a backup of before cannot bring them
 * back.
 *
 *   idem-erasure-1 KEY_ID ORGANISATION PERSON HOUR CHAIN
 *
 * One line of text each: the key's id in hex, the organisation's name, the pseudonym, the hour, and
 * the hash of the line before together with this one: a line left out or changed shows. Nobody can
 * get from any of it to the name: pseudonym and id are random, and what tied them to a name was
 * destroyed with the key.
 *
 * A line is durable before anything of the person is destroyed, so an erasure that a crash cuts
 * short is completed at the next start. A last line without its end was never finished: it is cut
 * off, for nothing was destroyed after it. Any other fault is an error: with a damaged ledger a
 * restore could bring somebody back.
 */
#ifndef IDEM_STORE_LEDGER_H
#define IDEM_STORE_LEDGER_H

#include "store/store.h"

enum {
    IDEM_LEDGER_ORGANISATION_MAX = 64,
    IDEM_LEDGER_LINE_MAX = 320,
    IDEM_LEDGER_LINES_MAX = 1000000,
    IDEM_LEDGER_CHAIN_BYTES = 32,
    IDEM_LEDGER_PERSON_TEXT = 24, /* "p_" and 22 characters, as the API writes it */
};

struct idem_erasure {
    uint8_t key_id[IDEM_ID_BYTES], person[IDEM_ID_BYTES];
    char organisation[IDEM_LEDGER_ORGANISATION_MAX + 1];
    int64_t hour_ms;
};

struct idem_ledger;

/* DIR/erasures.log, to be appended to; absent: empty. *why receives a static sentence on failure.
 */
int idem_ledger_open(const char *dir, struct idem_ledger **out, const char **why);
/* A file, to be read only. IDEM_ERR_NOT_FOUND when there is none. */
int idem_ledger_read(const char *path, struct idem_ledger **out, const char **why);
void idem_ledger_close(struct idem_ledger *ledger);

size_t idem_ledger_count(const struct idem_ledger *ledger);
const struct idem_erasure *idem_ledger_at(const struct idem_ledger *ledger, size_t i);
/* Of that key; NULL when it was not erased. */
const struct idem_erasure *idem_ledger_find(const struct idem_ledger *ledger,
                                            const uint8_t key_id[IDEM_ID_BYTES]);
const struct idem_erasure *idem_ledger_find_person(const struct idem_ledger *ledger,
                                                   const char *organisation,
                                                   const uint8_t person[IDEM_ID_BYTES]);
void idem_ledger_person_text(const uint8_t person[IDEM_ID_BYTES],
                             char text[IDEM_LEDGER_PERSON_TEXT + 1]);
/* The newest line's hash, noughts when there is none. */
const uint8_t *idem_ledger_head(const struct idem_ledger *ledger);

/* Durable on return. One that is there already is not written again. hour_ms is cut to the hour. */
int idem_ledger_append(struct idem_ledger *ledger, const struct idem_erasure *erasure);

#endif
