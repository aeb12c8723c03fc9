/* SPDX-License-Identifier: Apache-2.0 */
/*
 * erase.h - taking a person out of the data base, and what is done about people before anything
 * else reads it.
 *
 * The order of an erasure: a line in the ledger, durable; the key destroyed, after which nothing of
 * the person can be read anywhere; the rows. Cut short after the first step it is completed by
 * idem_people_prepare; before that nothing has happened. Every step can be repeated.
 */
#ifndef IDEM_STORE_ERASE_H
#define IDEM_STORE_ERASE_H

#include "store/gate_log.h"
#include "store/ledger.h"
#include "store/vault.h"

/*
 * Inside the caller's transaction: every row that names the person, of whatever table, but for
 * members (a key's id, by which a population knows that it was learned with somebody erased). Of
 * the audit log the bodies of lines that hold the pseudonym or a session's id, with the line that
 * says which. An account that is more than an employee's stays and forgets whose it is.
 * with_windows: those of open sessions too, which reads the whole table; who knows the sessions'
 * last windows drops them one by one instead.
 */
int idem_erase_rows(struct idem_store *store, int64_t organisation,
                    const uint8_t person[IDEM_ID_BYTES], bool with_windows, int64_t now_ms);
/* Afterwards, not inside a transaction: the old rows are not left in the write-ahead log either. As
 * long as somebody reads the data base (a backup) they are, and go with the log's next turn. */
int idem_erase_fold(struct idem_store *store);
/* erase_logs.c: the audit log's part of it. */
int idem_erase_audit(struct idem_store *store, int64_t organisation,
                     const uint8_t person[IDEM_ID_BYTES], int64_t now_ms);
/* And the gate's records, in a file of their own, which comes before the rows: as long as those are
 * there, the erasure is not complete. */
int idem_erase_gate(struct idem_gate_log *log, int64_t organisation,
                    const uint8_t person[IDEM_ID_BYTES], int64_t now_ms);
/* Log-ins to be ended: rows of the accounts that are the person's, at most max. */
int idem_erase_accounts(struct idem_store *store, int64_t organisation,
                        const uint8_t person[IDEM_ID_BYTES], int64_t *rows, int max, int *count);

/* Whether anybody is stored under the key; outputs may be NULL. IDEM_ERR_NOT_FOUND. */
int idem_erase_find(struct idem_store *store, const uint8_t key_id[IDEM_ID_BYTES],
                    int64_t *organisation, uint8_t person[IDEM_ID_BYTES]);
/* The key of a person of the organisation. IDEM_ERR_NOT_FOUND: there is no such person. */
int idem_erase_key_id(struct idem_store *store, int64_t organisation,
                      const uint8_t person[IDEM_ID_BYTES], uint8_t key_id[IDEM_ID_BYTES]);

/* How many of those whom a population was learned from (export.h) are in the ledger. */
int idem_erase_count_members(struct idem_store *store, const struct idem_ledger *ledger,
                             const uint8_t *population, int64_t *count);

struct idem_people_check {
    int64_t erased;      /* erasures that were completed */
    int64_t sealed;      /* people of an older version */
    int64_t without_key; /* whose open sessions have been forgotten; the rest waits for the key */
};

/* What an erasure goes through. */
struct idem_erase_places {
    struct idem_store *store;
    struct idem_vault *vault; /* NULL: the keys are elsewhere */
    struct idem_ledger *ledger;
    const char *gate; /* file of the gate's records, which need not be there */
    int64_t now_ms;
};

/* Whoever is in the ledger and still there: rows, records and key go. */
int idem_erase_complete(const struct idem_erase_places *places, int64_t *erased);
/* The same, older data bases and missing keys too: before anything else uses any of it. */
int idem_people_prepare(const struct idem_erase_places *places, struct idem_people_check *check);
/* How many people are stored under a key. */
int idem_people_with_keys(struct idem_store *store, int64_t *count);

/* seal_old.c: gives everybody without a key one and seals what is theirs. */
int idem_people_seal_old(struct idem_store *store, struct idem_vault *vault, int64_t *count);

#endif
