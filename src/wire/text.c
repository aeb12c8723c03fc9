/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - see text.h. */
#include "wire/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* value >= 0, below 1e9: the whole part and up to six digits after the point. */
static void put_fixed(struct idem_text *t, double value)
{
    char digits[7] = ".000000";
    int64_t millionths = (int64_t)(value * 1e6 + 0.5), rest = millionths % 1000000;
    size_t len = 7;

    idem_text_int(t, millionths / 1000000);
    if (rest == 0)
        return;
    for (int i = 6; i > 0; i--, rest /= 10)
        digits[i] = (char)('0' + rest % 10);
    while (digits[len - 1] == '0')
        len--;
    idem_text_bytes(t, digits, len);
}

void idem_text_number(struct idem_text *t, double value)
{
    if (!isfinite(value)) {
        idem_text_bytes(t, "null", 4);
    } else if (fabs(value) >= 1e9) {
        idem_text_fmt(t, "%.6g", value);
    } else {
        if (value <= -0.5e-6)
            idem_text_bytes(t, "-", 1);
        put_fixed(t, fabs(value));
    }
}

static void put_escaped(struct idem_text *t, unsigned char ch)
{
    if (ch == '"' || ch == '\\')
        idem_text_bytes(t, (char[]){'\\', (char)ch}, 2);
    else
        idem_text_fmt(t, "\\u%04x", ch);
}

static bool is_plain(unsigned char ch)
{
    return ch >= 0x20 && ch != '"' && ch != '\\' && ch != 0x7f;
}

void idem_text_string(struct idem_text *t, const char *string)
{
    idem_text_bytes(t, "\"", 1);
    while (*string != '\0') {
        const char *from = string;
        while (is_plain((unsigned char)*string))
            string++;
        idem_text_bytes(t, from, (size_t)(string - from));
        if (*string != '\0')
            put_escaped(t, (unsigned char)*string++);
    }
    idem_text_bytes(t, "\"", 1);
}

/* Days since 1970 to a date: Hinnant, "chrono-compatible low-level date algorithms", 2013. */
static void civil(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468, era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2));
}

static void put_digits(char *to, int value, int digits)
{
    for (; digits > 0; digits--, value /= 10)
        to[digits - 1] = (char)('0' + value % 10);
}

void idem_text_time(struct idem_text *t, int64_t unix_ms)
{
    char stamp[] = "\"0000-00-00T00:00:00Z\"";
    int64_t seconds = unix_ms > 0 ? unix_ms / 1000 : 0, rest = seconds % 86400;
    int year, month, day;

    civil(seconds / 86400, &year, &month, &day);
    put_digits(stamp + 1, year, 4);
    put_digits(stamp + 6, month, 2);
    put_digits(stamp + 9, day, 2);
    put_digits(stamp + 12, (int)(rest / 3600), 2);
    put_digits(stamp + 15, (int)(rest / 60 % 60), 2);
    put_digits(stamp + 18, (int)(rest % 60), 2);
    idem_text_bytes(t, stamp, sizeof stamp - 1);
}
