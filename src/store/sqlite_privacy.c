/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_privacy.c - names; see privacy.h. */
#include "store/sqlite_parts.h"

#include <string.h>

static int name_put(struct idem_store *base, int64_t organisation, const uint8_t *person,
                         const void *sealed, size_t len)
{
    sqlite3_stmt *st = idem_sqlite_of(base)->stmt[SQL_NAME_PUT];

    sqlite3_bind_int64(st, 1, organisation);
    idem_sqlite_bind(st, 2, person, IDEM_ID_BYTES);
    idem_sqlite_bind(st, 3, sealed, len);
    return idem_sqlite_run(idem_sqlite_of(base), SQL_NAME_PUT);
}

static int name_get(struct idem_store *base, int64_t organisation, const uint8_t *person,
                         uint8_t *sealed, size_t *len)
{
    struct idem_sqlite *s = idem_sqlite_of(base);
    sqlite3_stmt *st = s->stmt[SQL_NAME_GET];

    sqlite3_bind_int64(st, 1, organisation);
    idem_sqlite_bind(st, 2, person, IDEM_ID_BYTES);
    int rc = sqlite3_step(st);
    int err = rc == SQLITE_DONE ? IDEM_ERR_NOT_FOUND : idem_sqlite_result(s->db, rc);
    const size_t n = err == 0 ? (size_t)sqlite3_column_bytes(st, 0) : 0;
    if (err == 0 && (n == 0 || n > IDEM_STORE_SEALED_NAME_MAX))
        err = IDEM_ERR_FORMAT;
    if (err == 0) {
        memcpy(sealed, sqlite3_column_blob(st, 0), n);
        *len = n;
    }
    sqlite3_reset(st);
    return err;
}

const struct idem_store_privacy_ops idem_sqlite_privacy_ops = {
    .name_put = name_put,
    .name_get = name_get,
};
