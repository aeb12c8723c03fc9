/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - see request.h. */
#include "server/request.h"

#include <stdlib.h>

int idem_buffer_reserve(struct idem_buffer *b, size_t len, size_t max)
{
    size_t need = b->len + len, cap = b->cap > 0 ? b->cap : IDEM_BUFFER_FIRST;

    if (len > max || need > max)
        return IDEM_ERR_LIMIT;
    while (cap < need)
        cap *= 2;
    if (cap == b->cap)
        return IDEM_OK;
    uint8_t *bytes = realloc(b->bytes, cap);
    if (bytes == NULL)
        return IDEM_ERR_NOMEM;
    b->bytes = bytes;
    b->cap = cap;
    return IDEM_OK;
}

bool idem_request_refused(const struct idem_request *r)
{
    return r->command.problem != IDEM_PROBLEM_NONE;
}

const char *idem_request_header(const struct idem_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}
