/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault.h - keys.db: the key of every person, and the only way from a name to a person.
 *
 * A data base of its own, so that a copy of the other one holds nothing that can be read: no backup
 * contains it (backup.h), and who is erased is gone from every copy at once when the key is gone
 * from here.
 *
 *   handle   keyed hash of organisation and name: what a name is looked up by
 *   person   the pseudonym: 16 random bytes, so that it cannot be made again from the name
 *   key_id   16 random bytes, names the key in the data base and in the ledger of erasures
 *   key      32 random bytes that everything of the person is sealed with (seal.h)
 *
 * Full synchronisation: what is committed stays. Destroying rewrites the whole file, for SQLite
 * may have left copies of a row where it once moved it; when it returns, no byte of the key is in
 * the file or its log. What the disk keeps of overwritten blocks is beyond it.
 *
 * One thread uses a vault. Errors as in store.h.
 */
#ifndef IDEM_STORE_VAULT_H
#define IDEM_STORE_VAULT_H

#include "store/seal.h"
#include "store/store.h"

struct idem_vault_entry {
    int64_t organisation; /* its row in the data base */
    uint8_t handle[IDEM_ID_BYTES], person[IDEM_ID_BYTES], key_id[IDEM_ID_BYTES];
    uint8_t key[IDEM_SEAL_KEY_BYTES];
};

struct idem_vault;

/*
 * DIR/keys.db; made when absent and may_create. IDEM_ERR_NOT_FOUND when it is absent and may not be
 * made. *why receives a static sentence on failure.
 */
int idem_vault_open(const char *dir, bool may_create, struct idem_vault **out, const char **why);
void idem_vault_close(struct idem_vault *vault);

/* IDEM_ERR_NOT_FOUND: nobody, or nobody any more. */
int idem_vault_by_handle(struct idem_vault *vault, const uint8_t handle[IDEM_ID_BYTES],
                         struct idem_vault_entry *out);
int idem_vault_by_person(struct idem_vault *vault, int64_t organisation,
                         const uint8_t person[IDEM_ID_BYTES], struct idem_vault_entry *out);
int idem_vault_by_key_id(struct idem_vault *vault, const uint8_t key_id[IDEM_ID_BYTES],
                         struct idem_vault_entry *out);

/* Additions stand between begin and commit; nothing is durable before commit has returned 0. */
int idem_vault_begin(struct idem_vault *vault);
int idem_vault_commit(struct idem_vault *vault);
void idem_vault_rollback(struct idem_vault *vault);
/* Draws key_id and key, and unless it is given (not all noughts) the person. */
int idem_vault_add_new(struct idem_vault *vault, struct idem_vault_entry *entry);
/* As it stands. Known already, by any of its parts: IDEM_ERR_INVALID. */
int idem_vault_add(struct idem_vault *vault, const struct idem_vault_entry *entry);

/* Not inside a transaction. Destroying what is not there does nothing but clean up. */
int idem_vault_destroy(struct idem_vault *vault, const uint8_t key_id[IDEM_ID_BYTES]);

typedef int idem_vault_fn(void *arg, const struct idem_vault_entry *entry);
/* All of them, in no meaningful order; ends when fn returns other than 0, which is passed on. */
int idem_vault_each(struct idem_vault *vault, idem_vault_fn *fn, void *arg);
int idem_vault_count(struct idem_vault *vault, int64_t *count);

#endif
