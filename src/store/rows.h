/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.h - every row that the data base holds of a person, of whatever table: for the export of
 * a person's data. The same tables that an erasure goes through (erase.h), and what hangs on the
 * person's sessions.
 */
#ifndef IDEM_STORE_ROWS_H
#define IDEM_STORE_ROWS_H

#include "store/store.h"

enum { IDEM_ROWS_COLUMNS_MAX = 64 };

enum idem_rows_type { IDEM_ROWS_NULL, IDEM_ROWS_NUMBER, IDEM_ROWS_TEXT, IDEM_ROWS_BLOB };

struct idem_rows_cell {
    const char *column;
    enum idem_rows_type type;
    double number; /* exact for all integers that are kept */
    const char *text;
    const void *blob;
    size_t len;
};

/* Valid during the call. Other than 0 ends it. */
typedef int idem_rows_fn(void *arg, const char *table, const struct idem_rows_cell *cells,
                         int count);

/* A table's rows one after the other. */
int idem_rows_read(struct idem_store *store, int64_t organisation,
                   const uint8_t person[IDEM_ID_BYTES], idem_rows_fn *fn, void *arg);

#endif
