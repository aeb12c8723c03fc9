/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privacy.h - what the store holds about people besides how they type: their names, sealed. A
 * sub-table of store.h, with its rules.
 */
#ifndef IDEM_STORE_PRIVACY_H
#define IDEM_STORE_PRIVACY_H

#include "store/seal.h"
#include "store/store.h"

enum { IDEM_STORE_SEALED_NAME_MAX = IDEM_STORE_NAME_MAX + IDEM_SEAL_OVERHEAD };

struct idem_store_privacy_ops {
    /* The person must be there; a name that is there already stays. */
    int (*name_put)(struct idem_store *s, int64_t organisation, const uint8_t *person,
                    const void *sealed, size_t len);
    /* sealed has room for IDEM_STORE_SEALED_NAME_MAX. IDEM_ERR_NOT_FOUND. */
    int (*name_get)(struct idem_store *s, int64_t organisation, const uint8_t *person,
                    uint8_t *sealed, size_t *len);
};

#endif
