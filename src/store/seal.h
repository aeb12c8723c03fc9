/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.h - what belongs to a person is written under the person's key: XChaCha20-Poly1305 with a
 * random nonce. The label says where the bytes belong and is authenticated with them: a row moved
 * to another person, organisation, table or place does not open.
 *
 *   sealed = version (1 byte), nonce (24), what was sealed, tag (16)
 *
 * Any thread; each has its own store of random bytes, so that a nonce costs no system call.
 */
#ifndef IDEM_STORE_SEAL_H
#define IDEM_STORE_SEAL_H

#include "idem/idem.h"

enum {
    IDEM_SEAL_KEY_BYTES = 32,
    IDEM_SEAL_OVERHEAD = 1 + 24 + 16,
    IDEM_SEAL_PERSON_BYTES = 16,
    IDEM_SEAL_ROW_MAX = 32,
};

/* One letter for each table that holds sealed bytes. */
enum idem_seal_table {
    IDEM_SEAL_PROFILE = 'p',
    IDEM_SEAL_ANCHOR = 'a',
    IDEM_SEAL_SKETCH = 's',
    IDEM_SEAL_WINDOW = 'w',
    IDEM_SEAL_NAME = 'n',
};

struct idem_seal_label {
    enum idem_seal_table table;
    int64_t organisation;
    const uint8_t *person; /* [IDEM_SEAL_PERSON_BYTES] */
    uint8_t row[IDEM_SEAL_ROW_MAX];
    size_t row_len;
};

/* Appends to what tells the row from the person's other ones. The callers' rows are short. */
void idem_seal_row(struct idem_seal_label *label, const void *bytes, size_t len);
void idem_seal_row_number(struct idem_seal_label *label, uint64_t number);

/* out has room for len + IDEM_SEAL_OVERHEAD and does not overlap; *out_len is that much. */
void idem_seal(const uint8_t key[IDEM_SEAL_KEY_BYTES], const struct idem_seal_label *label,
               const void *bytes, size_t len, uint8_t *out, size_t *out_len);
/*
 * out has room for len - IDEM_SEAL_OVERHEAD. IDEM_ERR_FORMAT when this key and label did not seal
 * it; nothing has been written then but noughts.
 */
int idem_unseal(const uint8_t key[IDEM_SEAL_KEY_BYTES], const struct idem_seal_label *label,
                const void *bytes, size_t len, uint8_t *out, size_t *out_len);

#endif
