/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - text into a buffer of fixed size, with what JSON needs: escaped strings and numbers that
 * are always numbers. The first thing that does not fit sets full, which is asked once at the end.
 * The buffer is not terminated.
 */
#ifndef IDEM_WIRE_TEXT_H
#define IDEM_WIRE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idem_text {
    char *bytes;
    size_t len, cap;
    bool full;
};

void idem_text_put(struct idem_text *t, const char *literal);
void idem_text_bytes(struct idem_text *t, const char *bytes, size_t len);
__attribute__((format(printf, 2, 3))) void idem_text_fmt(struct idem_text *t, const char *fmt, ...);
void idem_text_int(struct idem_text *t, int64_t value);
/* Up to six digits after the point; null for what JSON cannot say (NaN, infinity). */
void idem_text_number(struct idem_text *t, double value);
/* Quoted and escaped; the bytes must be UTF-8. */
void idem_text_string(struct idem_text *t, const char *string);
/* Quoted "2026-01-31T10:00:00Z", from 1970 to 9999; what is earlier counts as 1970. */
void idem_text_time(struct idem_text *t, int64_t unix_ms);

#endif
