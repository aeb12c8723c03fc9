/* SPDX-License-Identifier: Apache-2.0 */
/* keep_session.c - see keep_session.h. */
#include "agent/courier/keep_session.h"

#include <string.h>

#include "base/bytes.h"

static void put_text(struct idem_writer *w, const char *text)
{
    size_t len = strlen(text);

    idem_write_u8(w, (uint8_t)len);
    idem_write_bytes(w, text, len);
}

/* Printable or UTF-8; what ends early is another text. */
static void get_text(struct idem_reader *r, char *text, size_t cap)
{
    size_t len = idem_read_u8(r);
    const uint8_t *bytes = idem_read_bytes(r, len);

    if (r->err == 0 && len >= cap)
        r->err = IDEM_ERR_FORMAT;
    for (size_t i = 0; r->err == 0 && i < len; i++)
        if (bytes[i] < ' ' || bytes[i] == 0x7f)
            r->err = IDEM_ERR_FORMAT;
    if (r->err != 0)
        return;
    memcpy(text, bytes, len);
    text[len] = '\0';
}

static void get_bytes(struct idem_reader *r, uint8_t *out, size_t len)
{
    const uint8_t *bytes = idem_read_bytes(r, len);
    if (r->err == 0)
        memcpy(out, bytes, len);
}

static bool ends(const char *text, size_t cap)
{
    size_t len = strnlen(text, cap);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return len < cap;
}

static bool is_session(const struct idem_keep_session *s)
{
    return ends(s->id, sizeof s->id) && ends(s->token, sizeof s->token) &&
           ends(s->person, sizeof s->person) && ends(s->user, sizeof s->user) &&
           ends(s->policy, sizeof s->policy) && s->id[0] != '\0' && s->token[0] != '\0' &&
           s->person[0] != '\0' && s->next_seq > 0 && s->next_alarm > 0 && s->counter > 0;
}

int idem_keep_format_session(const struct idem_keep_session *s, void *bytes, size_t cap,
                             size_t *len)
{
    struct idem_writer w;

    if (!is_session(s))
        return IDEM_ERR_INVALID;
    idem_writer_init(&w, bytes, cap);
    put_text(&w, s->id);
    put_text(&w, s->token);
    put_text(&w, s->person);
    put_text(&w, s->user);
    put_text(&w, s->policy);
    idem_write_bytes(&w, s->nonce, sizeof s->nonce);
    idem_write_bytes(&w, s->link, sizeof s->link);
    idem_write_bytes(&w, s->instance, sizeof s->instance);
    idem_write_u64(&w, s->front);
    idem_write_u32(&w, s->next_seq);
    idem_write_u32(&w, s->next_alarm);
    idem_write_u32(&w, s->counter);
    idem_write_u32(&w, s->unlocked);
    idem_write_u64(&w, (uint64_t)s->opened_ms);
    if (w.err == 0)
        *len = w.len;
    return w.err;
}

int idem_keep_parse_session(const void *bytes, size_t len, struct idem_keep_session *out)
{
    struct idem_keep_session s;
    struct idem_reader r;

    memset(&s, 0, sizeof s);
    idem_reader_init(&r, bytes, len);
    get_text(&r, s.id, sizeof s.id);
    get_text(&r, s.token, sizeof s.token);
    get_text(&r, s.person, sizeof s.person);
    get_text(&r, s.user, sizeof s.user);
    get_text(&r, s.policy, sizeof s.policy);
    get_bytes(&r, s.nonce, sizeof s.nonce);
    get_bytes(&r, s.link, sizeof s.link);
    get_bytes(&r, s.instance, sizeof s.instance);
    s.front = idem_read_u64(&r);
    s.next_seq = idem_read_u32(&r);
    s.next_alarm = idem_read_u32(&r);
    s.counter = idem_read_u32(&r);
    s.unlocked = idem_read_u32(&r);
    s.opened_ms = (int64_t)idem_read_u64(&r);
    if (r.err != 0 || r.at != r.end || !is_session(&s))
        return IDEM_ERR_FORMAT;
    *out = s;
    return 0;
}
