/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.c - see ledger.h. */
#include "store/ledger.h"

#include "store/sqlite_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC "idem-erasure-1"

enum { HEX_ID = 2 * IDEM_ID_BYTES, HEX_CHAIN = 2 * IDEM_LEDGER_CHAIN_BYTES };

struct idem_ledger {
    int fd;     /* -1: nothing yet, or read only */
    int dir_fd; /* -1: read only */
    off_t size;
    size_t count, room;
    struct idem_erasure *list;
    uint8_t head[IDEM_LEDGER_CHAIN_BYTES];
};

/* ------------------------------------------------------------------ one line */

static void chain(const uint8_t *before, const char *line, size_t len, uint8_t *out)
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, NULL, 0, IDEM_LEDGER_CHAIN_BYTES);
    crypto_generichash_update(&state, before, IDEM_LEDGER_CHAIN_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)line, len);
    crypto_generichash_final(&state, out, IDEM_LEDGER_CHAIN_BYTES);
}

void idem_ledger_person_text(const uint8_t person[IDEM_ID_BYTES],
                             char text[IDEM_LEDGER_PERSON_TEXT + 1])
{
    memcpy(text, "p_", 2);
    sodium_bin2base64(text + 2, IDEM_LEDGER_PERSON_TEXT - 1, person, IDEM_ID_BYTES,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static bool read_person(const char *text, uint8_t *person)
{
    size_t n = 0;
    return strlen(text) == IDEM_LEDGER_PERSON_TEXT && memcmp(text, "p_", 2) == 0 &&
           sodium_base642bin(person, IDEM_ID_BYTES, text + 2, IDEM_LEDGER_PERSON_TEXT - 2, NULL, &n,
                             NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
           n == IDEM_ID_BYTES;
}

static bool read_hex(const char *text, uint8_t *out, size_t len)
{
    size_t n = 0;
    return strlen(text) == 2 * len &&
           sodium_hex2bin(out, len, text, 2 * len, NULL, &n, NULL) == 0 && n == len;
}

static bool read_hour(const char *text, int64_t *out)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%HZ", &tm);
    if (end == NULL || *end != '\0')
        return false;
    *out = (int64_t)timegm(&tm) * 1000;
    return true;
}

/* line: ended by a nought; len: its length without the hash and the space before it. */
static bool read_line(const char *line, struct idem_erasure *out, size_t *len, uint8_t *hash)
{
    char key_id[HEX_ID + 1], person[IDEM_LEDGER_PERSON_TEXT + 1], hour[24], hex[HEX_CHAIN + 1];
    int at = 0, end = 0;

    memset(out, 0, sizeof *out);
    if (sscanf(line, MAGIC " %32s %64s %24s %20s%n %64s%n", key_id, out->organisation, person, hour,
               &at, hex, &end) != 5 ||
        end == 0 || line[end] != '\0' || line[at] != ' ')
        return false;
    *len = (size_t)at;
    return read_hex(key_id, out->key_id, sizeof out->key_id) && read_person(person, out->person) &&
           read_hour(hour, &out->hour_ms) && read_hex(hex, hash, IDEM_LEDGER_CHAIN_BYTES);
}

/* The line with its hash and its end; the length. */
static size_t write_line(const uint8_t *before, const struct idem_erasure *e, char *line,
                         uint8_t *hash)
{
    char key_id[HEX_ID + 1], person[IDEM_LEDGER_PERSON_TEXT + 1], hour[24], hex[HEX_CHAIN + 1];
    const time_t at = (time_t)(e->hour_ms / 1000);
    struct tm tm;

    gmtime_r(&at, &tm);
    strftime(hour, sizeof hour, "%Y-%m-%dT%HZ", &tm);
    sodium_bin2hex(key_id, sizeof key_id, e->key_id, sizeof e->key_id);
    idem_ledger_person_text(e->person, person);
    int n = snprintf(line, IDEM_LEDGER_LINE_MAX, MAGIC " %s %s %s %s", key_id, e->organisation,
                     person, hour);
    chain(before, line, (size_t)n, hash);
    sodium_bin2hex(hex, sizeof hex, hash, IDEM_LEDGER_CHAIN_BYTES);
    return (size_t)n + (size_t)snprintf(line + n, IDEM_LEDGER_LINE_MAX - (size_t)n, " %s\n", hex);
}

/* ------------------------------------------------------------------ reading */

static int keep(struct idem_ledger *l, const struct idem_erasure *e)
{
    if (l->count == IDEM_LEDGER_LINES_MAX)
        return IDEM_ERR_LIMIT;
    if (l->count == l->room) {
        const size_t room = l->room == 0 ? 16 : 2 * l->room;
        struct idem_erasure *more = realloc(l->list, room * sizeof *more);
        if (more == NULL)
            return IDEM_ERR_NOMEM;
        l->list = more;
        l->room = room;
    }
    l->list[l->count++] = *e;
    return IDEM_OK;
}

/* One whole line, its end replaced by a nought. */
static int take_line(struct idem_ledger *l, const char *line)
{
    uint8_t said[IDEM_LEDGER_CHAIN_BYTES], is[IDEM_LEDGER_CHAIN_BYTES];
    struct idem_erasure e;
    size_t len;

    if (!read_line(line, &e, &len, said))
        return IDEM_ERR_FORMAT;
    chain(l->head, line, len, is);
    if (memcmp(said, is, sizeof is) != 0)
        return IDEM_ERR_FORMAT;
    memcpy(l->head, is, sizeof is);
    return keep(l, &e);
}

static int read_stream(struct idem_ledger *l, FILE *f)
{
    char line[IDEM_LEDGER_LINE_MAX];
    int err = IDEM_OK;

    while (err == 0 && fgets(line, sizeof line, f) != NULL) {
        const size_t len = strlen(line);
        if (len == 0 || line[len - 1] != '\n') /* without an end: the last, never finished */
            return len + 1 < sizeof line && fgetc(f) == EOF ? IDEM_OK : IDEM_ERR_FORMAT;
        line[len - 1] = '\0';
        if ((err = take_line(l, line)) == 0)
            l->size += (off_t)len;
    }
    return err == 0 && ferror(f) ? IDEM_ERR_IO : err;
}

static int read_fd(struct idem_ledger *l, int fd, const char **why)
{
    FILE *f = fdopen(dup(fd), "r");

    *why = "the ledger of erasures cannot be read";
    if (f == NULL)
        return IDEM_ERR_NOMEM;
    int err = read_stream(l, f);
    fclose(f);
    if (err == IDEM_ERR_FORMAT)
        *why = "the ledger of erasures is damaged; bring back a whole copy of it";
    return err;
}

int idem_ledger_read(const char *path, struct idem_ledger **out, const char **why)
{
    struct idem_ledger *l = calloc(1, sizeof *l);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int err = IDEM_ERR_NOMEM;

    *why = "the ledger of erasures cannot be opened";
    if (l != NULL) {
        l->fd = l->dir_fd = -1;
        err = fd >= 0 ? read_fd(l, fd, why) : errno == ENOENT ? IDEM_ERR_NOT_FOUND : IDEM_ERR_IO;
    }
    if (fd >= 0)
        close(fd);
    if (err != 0)
        idem_ledger_close(l);
    else
        *out = l;
    return err;
}

/* ------------------------------------------------------------------ opening to append */

static int open_file(struct idem_ledger *l, int flags)
{
    struct stat st;

    l->fd =
        openat(l->dir_fd, "erasures.log", O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
    if (l->fd < 0)
        return errno == ENOENT ? IDEM_ERR_NOT_FOUND : IDEM_ERR_IO;
    return fstat(l->fd, &st) == 0 && S_ISREG(st.st_mode) ? IDEM_OK : IDEM_ERR_IO;
}

/* Reads what there is; what was never finished is cut off. */
static int open_ledger(struct idem_ledger *l, const char **why)
{
    *why = "the ledger of erasures cannot be opened";
    int err = l->dir_fd < 0 ? IDEM_ERR_IO : open_file(l, 0);
    if (err == IDEM_ERR_NOT_FOUND)
        return IDEM_OK;
    if (err == 0)
        err = read_fd(l, l->fd, why);
    if (err == 0 && (ftruncate(l->fd, l->size) != 0 || fsync(l->fd) != 0)) {
        *why = "the ledger of erasures cannot be written to";
        err = IDEM_ERR_IO;
    }
    return err;
}

int idem_ledger_open(const char *dir, struct idem_ledger **out, const char **why)
{
    struct idem_ledger *l = calloc(1, sizeof *l);

    if (l == NULL)
        return IDEM_ERR_NOMEM;
    l->fd = -1;
    l->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = open_ledger(l, why);
    if (err != 0)
        idem_ledger_close(l);
    else
        *out = l;
    return err;
}

void idem_ledger_close(struct idem_ledger *ledger)
{
    if (ledger == NULL)
        return;
    if (ledger->fd >= 0)
        close(ledger->fd);
    if (ledger->dir_fd >= 0)
        close(ledger->dir_fd);
    free(ledger->list);
    free(ledger);
}

/* ------------------------------------------------------------------ asking and appending */

size_t idem_ledger_count(const struct idem_ledger *ledger)
{
    return ledger->count;
}

const struct idem_erasure *idem_ledger_at(const struct idem_ledger *ledger, size_t i)
{
    return &ledger->list[i];
}

const uint8_t *idem_ledger_head(const struct idem_ledger *ledger)
{
    return ledger->head;
}

const struct idem_erasure *idem_ledger_find(const struct idem_ledger *ledger,
                                            const uint8_t key_id[IDEM_ID_BYTES])
{
    for (size_t i = 0; i < ledger->count; i++)
        if (memcmp(ledger->list[i].key_id, key_id, IDEM_ID_BYTES) == 0)
            return &ledger->list[i];
    return NULL;
}

const struct idem_erasure *idem_ledger_find_person(const struct idem_ledger *ledger,
                                                   const char *organisation,
                                                   const uint8_t person[IDEM_ID_BYTES])
{
    for (size_t i = 0; i < ledger->count; i++)
        if (memcmp(ledger->list[i].person, person, IDEM_ID_BYTES) == 0 &&
            strcmp(ledger->list[i].organisation, organisation) == 0)
            return &ledger->list[i];
    return NULL;
}

/* After a failure nothing of the line stays, so that the next one begins at a line's beginning. */
static int write_out(struct idem_ledger *l, const char *line, size_t len)
{
    const ssize_t n = write(l->fd, line, len);
    const int cause = errno;

    if (n == (ssize_t)len && fsync(l->fd) == 0 && fsync(l->dir_fd) == 0)
        return IDEM_OK;
    if (ftruncate(l->fd, l->size) != 0)
        return IDEM_ERR_IO;
    const bool full = n >= 0 || cause == ENOSPC || cause == EDQUOT || cause == EFBIG;
    return n != (ssize_t)len && full ? IDEM_ERR_FULL : IDEM_ERR_IO;
}

int idem_ledger_append(struct idem_ledger *ledger, const struct idem_erasure *erasure)
{
    struct idem_erasure e = *erasure;
    char line[IDEM_LEDGER_LINE_MAX];
    uint8_t hash[IDEM_LEDGER_CHAIN_BYTES];
    int err = IDEM_OK;

    if (idem_ledger_find(ledger, e.key_id) != NULL)
        return IDEM_OK;
    if (ledger->dir_fd < 0 || e.organisation[0] == '\0' || strpbrk(e.organisation, " \t\r\n"))
        return IDEM_ERR_INVALID;
    e.hour_ms -= e.hour_ms % IDEM_HOUR_MS;
    if (ledger->fd < 0 && (err = open_file(ledger, O_CREAT)) != 0)
        return err;
    const size_t len = write_line(ledger->head, &e, line, hash);
    if ((err = keep(ledger, &e)) != 0)
        return err;
    if ((err = write_out(ledger, line, len)) != 0) {
        ledger->count--;
        return err;
    }
    ledger->size += (off_t)len;
    memcpy(ledger->head, hash, sizeof hash);
    return IDEM_OK;
}
