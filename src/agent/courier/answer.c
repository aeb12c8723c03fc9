/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c - see answer.h. */
#include "agent/courier/answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "idem/idem.h"

static struct idem_answer_reader *self(http_parser *p)
{
    return p->data;
}

static int fail(http_parser *p, int err)
{
    self(p)->err = err;
    return -1;
}

/* ------------------------------------------------------------------ the head */

static int on_field(http_parser *p, const char *at, size_t len)
{
    struct idem_answer_reader *r = self(p);

    if (r->in_value)
        r->field_len = 0;
    r->in_value = false;
    for (size_t i = 0; i < len; i++, r->field_len++)
        if (r->field_len < sizeof r->field - 1)
            r->field[r->field_len] = at[i];
    r->field[r->field_len < sizeof r->field ? r->field_len : sizeof r->field - 1] = 0;
    return 0;
}

/* What does not fit is as good as not there. */
static void append(char *to, size_t cap, const char *at, size_t len)
{
    size_t have = strlen(to);

    if (len >= cap - have) {
        memset(to, 0, cap);
        return;
    }
    memcpy(to + have, at, len);
    to[have + len] = 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
    struct idem_answer_reader *r = self(p);

    r->in_value = true;
    if (r->field_len < sizeof r->field && strcasecmp(r->field, "etag") == 0)
        append(r->etag, sizeof r->etag, at, len);
    if (r->field_len < sizeof r->field && strcasecmp(r->field, "retry-after") == 0)
        append(r->retry_after, sizeof r->retry_after, at, len);
    return 0;
}

static int on_head(http_parser *p)
{
    struct idem_answer_reader *r = self(p);

    r->status = (int)p->status_code;
    if (r->status < 200 || r->status > 599)
        return fail(p, IDEM_ERR_FORMAT);
    if (p->content_length != UINT64_MAX && p->content_length > r->limit)
        return fail(p, IDEM_ERR_LIMIT);
    return 0;
}

/* ------------------------------------------------------------------ the body */

static int grow(struct idem_answer_reader *r, size_t need)
{
    size_t cap = r->cap == 0 ? 1024 : r->cap;

    while (cap < need)
        cap *= 2;
    char *grown = cap > r->cap ? realloc(r->body, cap) : r->body;
    if (grown == NULL)
        return IDEM_ERR_NOMEM;
    r->body = grown;
    r->cap = cap;
    return 0;
}

static int on_body(http_parser *p, const char *at, size_t len)
{
    struct idem_answer_reader *r = self(p);

    if (len > r->limit - r->len)
        return fail(p, IDEM_ERR_LIMIT);
    if (grow(r, r->len + len + 1) != 0)
        return fail(p, IDEM_ERR_NOMEM);
    memcpy(r->body + r->len, at, len);
    r->len += len;
    r->body[r->len] = 0;
    return 0;
}

static int on_whole(http_parser *p)
{
    self(p)->whole = true;
    http_parser_pause(p, 1); /* what follows was not asked for */
    return 0;
}

/* ------------------------------------------------------------------ */

static const http_parser_settings callbacks = {
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_whole,
};

void idem_answer_begin(struct idem_answer_reader *r, size_t limit)
{
    memset(r, 0, sizeof *r);
    r->limit = limit;
    http_parser_init(&r->parser, HTTP_RESPONSE);
    r->parser.data = r;
}

static int verdict(struct idem_answer_reader *r, size_t taken, size_t len)
{
    if (r->err != 0)
        return r->err;
    if (r->whole) {
        r->extra = taken < len || r->parser.upgrade != 0;
        return 0;
    }
    if (HTTP_PARSER_ERRNO(&r->parser) != HPE_OK)
        return IDEM_ERR_FORMAT;
    if (r->status == 0)
        r->head += len;
    return r->head > IDEM_ANSWER_HEAD_MAX ? IDEM_ERR_LIMIT : 0;
}

int idem_answer_feed(struct idem_answer_reader *r, const void *bytes, size_t len)
{
    if (len == 0)
        return 0; /* the parser would take it for the end */
    size_t taken = http_parser_execute(&r->parser, &callbacks, bytes, len);
    return r->err = verdict(r, taken, len);
}

int idem_answer_ended(struct idem_answer_reader *r)
{
    if (!r->whole)
        http_parser_execute(&r->parser, &callbacks, "", 0);
    r->extra = true;
    return r->whole && r->err == 0 ? 0 : r->err != 0 ? r->err : IDEM_ERR_TRUNCATED;
}

bool idem_answer_keeps(const struct idem_answer_reader *r)
{
    return r->whole && !r->extra && http_should_keep_alive(&r->parser);
}

uint32_t idem_answer_retry_after(const struct idem_answer_reader *r)
{
    char *end = NULL;
    long n = strtol(r->retry_after, &end, 10);

    if (end == r->retry_after || *end != 0 || n < 0)
        return 0;
    return n > IDEM_ANSWER_RETRY_MAX ? IDEM_ANSWER_RETRY_MAX : (uint32_t)n;
}

void idem_answer_free(struct idem_answer_reader *r)
{
    free(r->body);
    r->body = NULL;
    r->len = r->cap = 0;
}
