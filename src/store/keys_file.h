/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys_file.h - keys.db and the secrets beside it as one file under a passphrase, to be kept
 * somewhere else than the backups: with both a lost disk is survivable, with one of them nothing.
 *
 *   "idem-keys-1\n", cost (two numbers), salt, nonce, and under the passphrase's key (Argon2id)
 *   with XChaCha20-Poly1305: the *.key files and the rows of keys.db
 *
 * A keys file from before an erasure still holds the erased person's key. Importing passes over
 * keys that the ledger names; but an erasure is only complete when such files are destroyed.
 */
#ifndef IDEM_STORE_KEYS_FILE_H
#define IDEM_STORE_KEYS_FILE_H

#include "store/transfer.h"

enum { IDEM_PASSPHRASE_MIN = 12, IDEM_PASSPHRASE_MAX = 1024 };

struct idem_keys_report {
    uint32_t files;
    int64_t keys;    /* exported, or added */
    int64_t there;   /* on import: there already */
    int64_t refused; /* on import: of people who are erased */
};

/* out: a file that does not exist yet. A server may be running. */
int idem_keys_export(const char *data, const char *out, const char *passphrase,
                     struct idem_keys_report *report, char why[IDEM_WHY_MAX]);
/*
 * Adds what is missing; what is there and differs is an error, and nothing is changed. No server
 * may be running. IDEM_ERR_CHECKSUM: the passphrase is wrong, or the file damaged.
 */
int idem_keys_import(const char *from, const char *data, const char *passphrase,
                     struct idem_keys_report *report, char why[IDEM_WHY_MAX]);

#endif
