/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print.c - an snprintf that writes to memory and nothing else.
 *
 * The names of cells and the guard's sentences are put together with snprintf. libc's own goes
 * through its streams, and with the streams come file descriptors: the module would import
 * fd_write, fd_seek and fd_close, and a page could no longer see at a glance that it imports
 * nothing. This one knows %s, %u, %.Nf with one digit N, and %%; any other conversion becomes '?'
 * and ends the text, because its argument cannot be skipped safely. A number that is not finite or
 * beyond a billion is written as '?'.
 */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

struct text {
    char *at;
    size_t cap, len; /* len counts what does not fit, too */
};

static void put(struct text *t, char c)
{
    if (t->len + 1 < t->cap)
        t->at[t->len] = c;
    t->len++;
}

static void put_string(struct text *t, const char *s)
{
    while (*s != '\0')
        put(t, *s++);
}

static void put_unsigned(struct text *t, unsigned v)
{
    char digits[16];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    while (n > 0)
        put(t, digits[--n]);
}

/* Rounded half away from nought, where libc rounds half to even: a difference in the last digit of
 * numbers that are shown and nothing else. */
static void put_fixed(struct text *t, double v, int digits)
{
    double scale = 1;

    if (!isfinite(v) || fabs(v) > 1e9) {
        put(t, '?');
        return;
    }
    for (int i = 0; i < digits; i++)
        scale *= 10;
    double whole = floor(fabs(v) * scale + 0.5);
    if (v < 0)
        put(t, '-');
    put_unsigned(t, (unsigned)(whole / scale));
    double rest = whole - scale * floor(whole / scale);
    if (digits > 0)
        put(t, '.');
    for (int i = 0; i < digits; i++) {
        scale /= 10;
        put(t, (char)('0' + (int)(rest / scale) % 10));
    }
}

/* The conversion after a '%', from *format on; false ends the text. */
static int convert(struct text *t, const char **format, va_list *args)
{
    const char *at = *format;

    if (at[0] == '.' && at[1] >= '0' && at[1] <= '9' && at[2] == 'f') {
        put_fixed(t, va_arg(*args, double), at[1] - '0');
        *format += 3;
        return 1;
    }
    *format += 1;
    switch (*at) {
    case 's':
        put_string(t, va_arg(*args, const char *));
        return 1;
    case 'u':
        put_unsigned(t, va_arg(*args, unsigned));
        return 1;
    case '%':
        put(t, '%');
        return 1;
    default:
        put(t, '?');
        return 0;
    }
}

int snprintf(char *restrict text, size_t cap, const char *restrict format, ...)
{
    struct text t = {text, cap, 0};
    const char *at = format;
    va_list args;
    va_start(args, format);
    while (*at != '\0') {
        char c = *at++;
        if (c != '%')
            put(&t, c);
        else if (!convert(&t, &at, &args))
            break;
    }
    va_end(args);
    if (cap > 0)
        text[t.len < cap ? t.len : cap - 1] = '\0';
    return (int)t.len;
}
