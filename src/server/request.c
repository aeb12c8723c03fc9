/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - see request.h. */
#include "server/request.h"

#include "server/http.h"

#include <stdlib.h>
#include <strings.h>

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

void idem_request_call(struct idem_request *r,
                       void (*call)(struct idem_worker *, struct idem_command *))
{
    r->command.kind = IDEM_COMMAND_CALL;
    r->command.call = call;
    idem_request_submit(r);
}

bool idem_request_big_answer(struct idem_request *r, size_t bytes)
{
    free(r->big_answer);
    r->big_answer = malloc(bytes);
    if (r->big_answer == NULL) {
        idem_request_refuse(r, IDEM_PROBLEM_OVERLOADED, "no memory for the answer");
        return false;
    }
    r->command.answer = (struct idem_text){r->big_answer, 0, bytes, false};
    return true;
}

bool idem_request_refused(const struct idem_request *r)
{
    return r->command.problem != IDEM_PROBLEM_NONE;
}

const char *idem_request_header(const struct idem_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

const char *idem_request_argument(const struct idem_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

struct sought {
    const char *name, *value;
    int count;
};

static enum MHD_Result seek(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct sought *s = cls;

    (void)kind;
    if (strcasecmp(name, s->name) == 0) {
        s->value = value;
        s->count++;
    }
    return MHD_YES;
}

const char *idem_request_only_header(const struct idem_request *r, const char *name)
{
    struct sought s = {.name = name};

    MHD_get_connection_values(r->connection, MHD_HEADER_KIND, seek, &s);
    return s.count == 1 ? s.value : NULL;
}

const char *idem_request_cookie(const struct idem_request *r)
{
    const char *name = idem_request_secure(r) ? IDEM_COOKIE_SECURE : IDEM_COOKIE;
    return MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, name);
}
