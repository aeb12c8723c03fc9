/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acknowledgements.h - which version of what is collected a person has acknowledged; the newest
 * only. A sub-table of store.h, with its rules.
 */
#ifndef IDEM_STORE_ACKNOWLEDGEMENTS_H
#define IDEM_STORE_ACKNOWLEDGEMENTS_H

#include "store/store.h"

enum { IDEM_ACKNOWLEDGED_MAX = 128 }; /* bytes of a version */

struct idem_store_acknowledgement {
    char version[IDEM_ACKNOWLEDGED_MAX + 1];
    char country[IDEM_STORE_NAME_MAX + 1]; /* where it was given */
    uint8_t asked[IDEM_HASH_BYTES];        /* which text it was: entry, version and words */
    int64_t hour_ms;
};

struct idem_store_acknowledgement_ops {
    /* The person must be there. The time is kept rounded to the hour. */
    int (*put)(struct idem_store *s, int64_t organisation, const uint8_t *person,
               const struct idem_store_acknowledgement *a);
    /* IDEM_ERR_NOT_FOUND */
    int (*get)(struct idem_store *s, int64_t organisation, const uint8_t *person,
               struct idem_store_acknowledgement *a);
    /* None there: nothing happens. */
    int (*withdraw)(struct idem_store *s, int64_t organisation, const uint8_t *person);
};

extern const struct idem_store_acknowledgement_ops idem_sqlite_acknowledgement_ops;

#endif
