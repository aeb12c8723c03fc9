/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv.h - rows of a CSV file, plain or gzip'd, one at a time, in bounded memory.
 *
 * The first line names the columns. A field may be quoted ("," is the comma key; "" inside quotes
 * is one quote). Lines end in LF or CRLF; a UTF-8 byte order mark and empty lines are passed over.
 *
 * What fails, and how:
 *   - a bad row (too few or too many fields, a quote that does not end on its line) is
 *     IDEM_ERR_FORMAT; the next call goes on with the next row, so the caller may decide to skip
 * it;
 *   - a line or field count over its limit, a truncated or damaged gzip stream, a byte 0, a failing
 * read end the file: every further call returns the same error. Each failure leaves "file:line:
 * reason" in the fault.
 */
#ifndef IDEM_INPUT_CSV_H
#define IDEM_INPUT_CSV_H

#include <idem/idem.h>

enum {
    IDEM_CSV_COLUMNS = 32,     /* most columns in a file */
    IDEM_CSV_LINE = 64 * 1024, /* most bytes in a line, its end included */
    IDEM_CSV_FAULT = 512,
};

/* A field's bytes: not terminated, valid until the next row is asked for. */
struct idem_field {
    const char *at;
    uint32_t len;
};

/* Why something failed, as a sentence for people: "keys.csv:17: press_ms is not a number". */
struct idem_fault {
    char text[IDEM_CSV_FAULT];
};

struct idem_csv;

/* Opens the file and reads its header. */
int idem_csv_open(const char *path, struct idem_csv **out, struct idem_fault *fault);
/* The same over bytes in memory (plain text, not gzip), under a name for messages. */
int idem_csv_open_bytes(const char *name, const void *bytes, size_t len, struct idem_csv **out,
                        struct idem_fault *fault);
void idem_csv_close(struct idem_csv *csv);

/* The column of that name, or -1. */
int idem_csv_column(const struct idem_csv *csv, const char *name);

/* The next row: 1 and *fields (one per column of the header), 0 at the end, negative on failure. */
int idem_csv_row(struct idem_csv *csv, const struct idem_field **fields, struct idem_fault *fault);

/* True once an error has ended the file: there is nothing to skip to. */
bool idem_csv_failed(const struct idem_csv *csv);

/* Fills the fault with "file:line: reason" for the row last returned; returns IDEM_ERR_FORMAT. */
int idem_csv_blame(const struct idem_csv *csv, struct idem_fault *fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Bytes of the file on disk (or in memory). */
uint64_t idem_csv_size(const struct idem_csv *csv);

/* A finite decimal number that fills the whole field. False when it is anything else. */
bool idem_field_number(struct idem_field field, double *out);
/* Milliseconds in the field, as whole microseconds; |time| up to IDEM_FIELD_MS_MAX. */
bool idem_field_time(struct idem_field field, int64_t *out_us);
/* True when the field is exactly this text. */
bool idem_field_is(struct idem_field field, const char *text);

/* The largest time accepted: about 3,000 years, so that epoch milliseconds pass and sums stay
 * exact. */
#define IDEM_FIELD_MS_MAX 1e14

#endif
