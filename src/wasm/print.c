/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print.c - an snprintf that writes to memory and nothing else.
 *
 * The names of cells are put together with snprintf. libc's own goes through its streams, and with
 * the streams come file descriptors: the module would import fd_write, fd_seek and fd_close, and a
 * page could no longer see at a glance that it imports nothing. This one knows %s, %u and %%; any
 * other conversion becomes '?' and ends the text, because its argument cannot be skipped safely.
 */
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

/* The conversion after a '%'; false ends the text. */
static int convert(struct text *t, char kind, va_list *args)
{
    switch (kind) {
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
    va_list args;
    va_start(args, format);
    while (*format != '\0') {
        char c = *format++;
        if (c != '%')
            put(&t, c);
        else if (!convert(&t, *format++, &args))
            break;
    }
    va_end(args);
    if (cap > 0)
        text[t.len < cap ? t.len : cap - 1] = '\0';
    return (int)t.len;
}
