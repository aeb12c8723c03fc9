/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv.c - see csv.h. One buffer holds a piece of the decompressed file; lines are cut out of it by
 * memchr and fields by one pass over the line, unquoted in place. No allocation per row.
 */
#include "input/csv.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { CHUNK = 512 * 1024 }; /* most bytes read at once */

struct idem_csv {
    char *name;
    gzFile gz;         /* NULL when reading from memory */
    const char *bytes; /* memory source: what has not been copied yet */
    size_t left;
    uint64_t size;
    uint64_t line; /* number of the line last cut, from 1 */
    char *buf;     /* chunk + IDEM_CSV_LINE bytes */
    size_t chunk;  /* read at once: CHUNK, less when there is less */
    size_t at, end;
    bool eof;
    int failed; /* the error that ended the file, or 0 */
    uint32_t columns;
    char *header; /* the header's text, which names[] points into */
    struct idem_field names[IDEM_CSV_COLUMNS];
    struct idem_field row[IDEM_CSV_COLUMNS];
};

int idem_csv_blame(const struct idem_csv *csv, struct idem_fault *fault, const char *format, ...)
{
    char why[IDEM_CSV_FAULT / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    snprintf(fault->text, sizeof fault->text, "%.200s:%llu: %s", csv->name,
             (unsigned long long)csv->line, why);
    return IDEM_ERR_FORMAT;
}

/* Ends the file for good. */
static int fail(struct idem_csv *csv, int err, struct idem_fault *fault, const char *why)
{
    csv->failed = err;
    idem_csv_blame(csv, fault, "%s", why);
    return err;
}

/* zlib reports a stream that ends too early only at the end, and only when asked. */
static int read_gz(struct idem_csv *csv, char *to, size_t room, struct idem_fault *fault)
{
    int got = gzread(csv->gz, to, (unsigned)room);
    int code = Z_OK;
    const char *why = gzerror(csv->gz, &code);
    if (code == Z_BUF_ERROR)
        return fail(csv, IDEM_ERR_TRUNCATED, fault, "the gzip stream ends too early");
    if (code == Z_ERRNO)
        return fail(csv, IDEM_ERR_IO, fault, strerror(errno));
    if (got < 0 || code != Z_OK)
        return fail(csv, IDEM_ERR_CHECKSUM, fault, *why ? why : "the gzip stream is damaged");
    return got;
}

static int read_some(struct idem_csv *csv, char *to, size_t room, struct idem_fault *fault)
{
    if (csv->gz)
        return read_gz(csv, to, room, fault);
    size_t n = csv->left < room ? csv->left : room;
    memcpy(to, csv->bytes, n);
    csv->bytes += n;
    csv->left -= n;
    return (int)n;
}

/* Moves what is left to the front and reads a chunk behind it. */
static int refill(struct idem_csv *csv, struct idem_fault *fault)
{
    memmove(csv->buf, csv->buf + csv->at, csv->end - csv->at);
    csv->end -= csv->at;
    csv->at = 0;
    int got = read_some(csv, csv->buf + csv->end, csv->chunk, fault);
    if (got < 0)
        return got;
    csv->eof = got == 0;
    csv->end += (size_t)got;
    return 0;
}

/* Cuts the next line out of the buffer: 1, 0 at the end, negative on failure. Without its line end.
 */
static int next_line(struct idem_csv *csv, char **line, size_t *len, struct idem_fault *fault)
{
    if (csv->failed) {
        return fail(csv, csv->failed, fault, "reading ended at an earlier error");
    }
    for (;;) {
        char *start = csv->buf + csv->at;
        size_t have = csv->end - csv->at;
        char *nl = memchr(start, '\n', have < IDEM_CSV_LINE ? have : IDEM_CSV_LINE);
        if (!nl && have >= IDEM_CSV_LINE) {
            csv->line++;
            return fail(csv, IDEM_ERR_LIMIT, fault, "the line is longer than 65536 bytes");
        }
        if (nl || (csv->eof && have)) {
            *line = start;
            *len = nl ? (size_t)(nl - start) : have;
            csv->at += *len + (nl ? 1 : 0);
            *len -= *len && start[*len - 1] == '\r';
            csv->line++;
            return 1;
        }
        if (csv->eof)
            return 0;
        int r = refill(csv, fault);
        if (r < 0)
            return r;
    }
}

/* Unquotes a field that starts at p with a quote; returns the byte after its closing quote or NULL.
 */
static char *unquote(char *p, char *end, struct idem_field *out)
{
    char *to = ++p;
    out->at = to;
    for (; p < end; p++) {
        if (*p == '"') {
            if (p + 1 == end || p[1] != '"') {
                out->len = (uint32_t)(to - out->at);
                return p + 1;
            }
            p++;
        }
        *to++ = *p;
    }
    return NULL;
}

/* Splits a line into fields; returns their number, or -1 for a bad quote, -2 for too many. */
static int split(char *p, char *end, struct idem_field fields[IDEM_CSV_COLUMNS])
{
    for (int n = 0; n < IDEM_CSV_COLUMNS; n++) {
        if (p < end && *p == '"') {
            p = unquote(p, end, &fields[n]);
            if (!p || (p < end && *p != ','))
                return -1;
        } else {
            fields[n].at = p;
            while (p < end && *p != ',')
                p++;
            fields[n].len = (uint32_t)(p - fields[n].at);
        }
        if (p == end)
            return n + 1;
        p++;
    }
    return -2;
}

int idem_csv_row(struct idem_csv *csv, const struct idem_field **fields, struct idem_fault *fault)
{
    char *line;
    size_t len;
    int r;
    do {
        if ((r = next_line(csv, &line, &len, fault)) <= 0)
            return r;
    } while (len == 0);
    if (memchr(line, 0, len))
        return fail(csv, IDEM_ERR_FORMAT, fault, "a byte 0: this is not a text file");
    int n = split(line, line + len, csv->row);
    if (n == -1)
        return idem_csv_blame(csv, fault,
                              "a quoted field does not end before a comma or the line end");
    if (n != (int)csv->columns)
        return idem_csv_blame(csv, fault, "%s%d fields where the header names %u",
                              n < 0 ? "over " : "", n < 0 ? IDEM_CSV_COLUMNS : n, csv->columns);
    *fields = csv->row;
    return 1;
}

/* The header outlives the buffer, so it gets a copy. */
static int read_header(struct idem_csv *csv, struct idem_fault *fault)
{
    char *line;
    size_t len;
    int r = next_line(csv, &line, &len, fault);
    if (r < 0)
        return r;
    if (r == 0 || len == 0)
        return fail(csv, IDEM_ERR_FORMAT, fault, "no header line: the file is empty");
    if (len >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
        line += 3;
        len -= 3;
    }
    if (memchr(line, 0, len))
        return fail(csv, IDEM_ERR_FORMAT, fault, "a byte 0: this is not a text file");
    csv->header = malloc(len + 1);
    if (!csv->header)
        return fail(csv, IDEM_ERR_NOMEM, fault, "out of memory");
    memcpy(csv->header, line, len);
    int n = split(csv->header, csv->header + len, csv->names);
    if (n < 0)
        return fail(csv, IDEM_ERR_FORMAT, fault, "the header has a bad quote or over 32 columns");
    csv->columns = (uint32_t)n;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            if (csv->names[i].len == csv->names[j].len &&
                memcmp(csv->names[i].at, csv->names[j].at, csv->names[i].len) == 0)
                return fail(csv, IDEM_ERR_FORMAT, fault, "two columns have the same name");
    return 0;
}

static struct idem_csv *make(const char *name, size_t chunk)
{
    struct idem_csv *csv = calloc(1, sizeof *csv);
    if (!csv)
        return NULL;
    csv->name = strdup(name);
    csv->chunk = chunk;
    csv->buf = malloc(chunk + IDEM_CSV_LINE);
    if (csv->name && csv->buf)
        return csv;
    idem_csv_close(csv);
    return NULL;
}

static int open_done(struct idem_csv *csv, struct idem_csv **out, struct idem_fault *fault)
{
    int r = read_header(csv, fault);
    if (r < 0) {
        idem_csv_close(csv);
        return r;
    }
    *out = csv;
    return 0;
}

int idem_csv_open(const char *path, struct idem_csv **out, struct idem_fault *fault)
{
    struct idem_csv *csv = make(path, CHUNK);
    struct stat st = {0};
    int r = IDEM_ERR_IO;
    if (!csv) {
        snprintf(fault->text, sizeof fault->text, "%.200s: out of memory", path);
        return IDEM_ERR_NOMEM;
    }
    errno = 0;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        errno = EISDIR;
    else
        csv->gz = gzopen(path, "rb");
    if (!csv->gz) {
        r = errno == ENOENT ? IDEM_ERR_NOT_FOUND : IDEM_ERR_IO;
        snprintf(fault->text, sizeof fault->text, "%.200s: %s", path,
                 strerror(errno ? errno : ENOMEM));
        idem_csv_close(csv);
        return r;
    }
    csv->size = (uint64_t)st.st_size;
    gzbuffer(csv->gz, 128 * 1024);
    return open_done(csv, out, fault);
}

int idem_csv_open_bytes(const char *name, const void *bytes, size_t len, struct idem_csv **out,
                        struct idem_fault *fault)
{
    struct idem_csv *csv = make(name, len < CHUNK ? len + 1 : CHUNK);
    if (!csv) {
        snprintf(fault->text, sizeof fault->text, "%.200s: out of memory", name);
        return IDEM_ERR_NOMEM;
    }
    csv->bytes = bytes;
    csv->left = len;
    csv->size = len;
    return open_done(csv, out, fault);
}

void idem_csv_close(struct idem_csv *csv)
{
    if (!csv)
        return;
    if (csv->gz)
        gzclose(csv->gz);
    free(csv->header);
    free(csv->buf);
    free(csv->name);
    free(csv);
}

int idem_csv_column(const struct idem_csv *csv, const char *name)
{
    for (uint32_t i = 0; i < csv->columns; i++)
        if (idem_field_is(csv->names[i], name))
            return (int)i;
    return -1;
}

bool idem_csv_failed(const struct idem_csv *csv)
{
    return csv->failed != 0;
}

uint64_t idem_csv_size(const struct idem_csv *csv)
{
    return csv->size;
}

bool idem_field_is(struct idem_field field, const char *text)
{
    return strlen(text) == field.len && memcmp(field.at, text, field.len) == 0;
}

/* What the quick path below does not know: exponents, a leading plus, very many digits. */
static bool slow_number(struct idem_field field, double *out)
{
    char copy[64], *end;
    if (field.len == 0 || field.len >= sizeof copy)
        return false;
    for (uint32_t i = 0; i < field.len; i++)
        if (!strchr("+-.0123456789eE", field.at[i])) /* neither blanks nor hex, inf, nan */
            return false;
    memcpy(copy, field.at, field.len);
    copy[field.len] = 0;
    double value = strtod(copy, &end);
    if (*end || end == copy || !isfinite(value))
        return false;
    *out = value;
    return true;
}

bool idem_field_number(struct idem_field field, double *out)
{
    static const double ten[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10};
    const char *p = field.at, *end = p + field.len;
    bool minus = p < end && *p == '-';
    p += minus;
    if (end - p == 0 || end - p > 15) /* 15 digits are exact in a double */
        return slow_number(field, out);
    uint64_t digits = 0;
    const char *point = NULL;
    for (; p < end; p++) {
        if (*p >= '0' && *p <= '9')
            digits = digits * 10 + (uint64_t)(*p - '0');
        else if (*p == '.' && !point)
            point = p;
        else
            return slow_number(field, out);
    }
    ptrdiff_t places = point ? end - point - 1 : 0;
    if (places > 10 || field.len == (uint32_t)minus + (point != NULL))
        return slow_number(field, out);
    double value = (double)digits / ten[places];
    *out = minus ? -value : value;
    return true;
}

bool idem_field_time(struct idem_field field, int64_t *out_us)
{
    double ms;
    if (!idem_field_number(field, &ms) || fabs(ms) > IDEM_FIELD_MS_MAX)
        return false;
    *out_us = (int64_t)llround(ms * 1000);
    return true;
}
