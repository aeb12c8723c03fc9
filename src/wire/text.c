/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - see text.h. */
#include "wire/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void idem_text_bytes(struct idem_text *t, const char *bytes, size_t len)
{
    if (len > t->cap - t->len) {
        t->full = true;
        return;
    }
    memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
}

void idem_text_put(struct idem_text *t, const char *literal)
{
    idem_text_bytes(t, literal, strlen(literal));
}

void idem_text_fmt(struct idem_text *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(t->bytes + t->len, t->cap - t->len, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= t->cap - t->len)
        t->full = true; /* what was cut off lies beyond len */
    else
        t->len += (size_t)n;
}

void idem_text_int(struct idem_text *t, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        idem_text_bytes(t, "-", 1);
    idem_text_bytes(t, digits + at, sizeof digits - at);
}

void idem_text_number(struct idem_text *t, double value)
{
    if (isfinite(value))
        idem_text_fmt(t, "%.6g", value);
    else
        idem_text_put(t, "null");
}

static void put_escaped(struct idem_text *t, unsigned char ch)
{
    if (ch == '"' || ch == '\\')
        idem_text_bytes(t, (char[]){'\\', (char)ch}, 2);
    else if (ch < 0x20 || ch == 0x7f)
        idem_text_fmt(t, "\\u%04x", ch);
    else
        idem_text_bytes(t, (char[]){(char)ch}, 1);
}

void idem_text_string(struct idem_text *t, const char *string)
{
    idem_text_bytes(t, "\"", 1);
    for (const char *s = string; *s != '\0'; s++)
        put_escaped(t, (unsigned char)*s);
    idem_text_bytes(t, "\"", 1);
}

void idem_text_time(struct idem_text *t, int64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    char stamp[40];
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(stamp, sizeof stamp, "\"%Y-%m-%dT%H:%M:%SZ\"", &tm);
    idem_text_put(t, stamp);
}
