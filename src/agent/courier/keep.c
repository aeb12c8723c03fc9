/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keep.c - see keep.h. A file is
 *
 *   version (1 byte), nonce (24), sealed bytes, tag (16)
 *
 * with "idem keep 1\0" and its name authenticated, under H(seed, "idem keep 1\0").
 */
#include "agent/courier/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/courier/keep_session.h"
#include "base/bytes.h"
#include "wire/whole_file.h"

enum {
    VERSION = 1,
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    KEY = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    OVERHEAD = 1 + NONCE + TAG,
    LABEL_MAX = 32,
    NOUGHTS = 512,
};

static const char name_of_keep[] = "idem keep 1"; /* with its nought */
static const char session_file[] = "session", rules_file[] = "rules", front_file[] = "front";

struct idem_keep {
    int dir;
    uint8_t key[KEY];
    struct idem_keep_session last; /* as it is on disk; id "": none, or not read yet */
};

int idem_keep_directory(const char *path, int *dir)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? IDEM_ERR_NOT_FOUND : IDEM_ERR_IO;
    int err = fstat(fd, &st) != 0                                 ? IDEM_ERR_IO
              : st.st_uid != geteuid() || (st.st_mode & 022) != 0 ? IDEM_ERR_INVALID
                                                                  : 0;
    if (err == 0)
        *dir = fd;
    else
        close(fd);
    return err;
}

int idem_keep_open(int dir, const uint8_t seed[IDEM_SEAL_SEED], struct idem_keep **out)
{
    if (sodium_init() < 0)
        return IDEM_ERR_NOMEM;
    struct idem_keep *keep = calloc(1, sizeof *keep);
    if (keep == NULL)
        return IDEM_ERR_NOMEM;
    keep->dir = dir;
    crypto_generichash(keep->key, KEY, (const uint8_t *)name_of_keep, sizeof name_of_keep, seed,
                       IDEM_SEAL_SEED);
    *out = keep;
    return 0;
}

void idem_keep_close(struct idem_keep *keep)
{
    if (keep != NULL)
        sodium_memzero(keep, sizeof *keep);
    free(keep);
}

/* ------------------------------------------------------------------ sealed files */

static size_t label(const char *file, uint8_t out[LABEL_MAX])
{
    size_t len = strlen(file);

    memcpy(out, name_of_keep, sizeof name_of_keep);
    memcpy(out + sizeof name_of_keep, file, len);
    return sizeof name_of_keep + len;
}

static int write_sealed(const struct idem_keep *keep, const char *file, const void *bytes,
                        size_t len)
{
    uint8_t said[LABEL_MAX], *sealed = malloc(len + OVERHEAD);

    if (sealed == NULL)
        return IDEM_ERR_NOMEM;
    sealed[0] = VERSION;
    randombytes_buf(sealed + 1, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + 1 + NONCE, NULL, bytes, len, said,
                                               label(file, said), NULL, sealed + 1, keep->key);
    int err = idem_whole_write(keep->dir, file, sealed, len + OVERHEAD);
    free(sealed);
    return err;
}

/* In place: the plain bytes stand at sealed + 1 + NONCE. */
static int unseal(const struct idem_keep *keep, const char *file, uint8_t *sealed, size_t len)
{
    uint8_t said[LABEL_MAX];
    const size_t said_len = label(file, said);

    if (len < OVERHEAD || sealed[0] != VERSION)
        return IDEM_ERR_CHECKSUM;
    return crypto_aead_xchacha20poly1305_ietf_decrypt(sealed + 1 + NONCE, NULL, NULL,
                                                      sealed + 1 + NONCE, len - 1 - NONCE, said,
                                                      said_len, sealed + 1, keep->key) == 0
               ? 0
               : IDEM_ERR_CHECKSUM;
}

/* *out: the caller's, of *len bytes. A file that has grown beyond all that is written is damaged.
 */
static int read_sealed(const struct idem_keep *keep, const char *file, size_t max, void **out,
                       size_t *len)
{
    size_t size;
    int fd = idem_whole_open(keep->dir, file, true, max + OVERHEAD, &size);

    if (fd < 0)
        return fd == IDEM_ERR_LIMIT ? IDEM_ERR_CHECKSUM : fd;
    uint8_t *sealed = malloc(size + 1);
    ssize_t n = sealed != NULL ? read(fd, sealed, size) : 0;
    close(fd);
    int err = sealed == NULL ? IDEM_ERR_NOMEM
              : n < 0        ? IDEM_ERR_IO
                             : unseal(keep, file, sealed, (size_t)n);
    if (err != 0) {
        free(sealed);
        return err;
    }
    *len = (size_t)n - OVERHEAD;
    memmove(sealed, sealed + 1 + NONCE, *len);
    *out = sealed;
    return 0;
}

/* ------------------------------------------------------------------ the session */

int idem_keep_read_session(struct idem_keep *keep, struct idem_keep_session *out)
{
    struct idem_keep_session session;
    void *bytes;
    size_t len;
    int err = read_sealed(keep, session_file, IDEM_KEEP_SESSION_BYTES, &bytes, &len);

    if (err != 0)
        return err;
    err = idem_keep_parse_session(bytes, len, &session);
    sodium_memzero(bytes, len);
    free(bytes);
    if (err != 0)
        return IDEM_ERR_CHECKSUM;
    *out = keep->last = session;
    sodium_memzero(&session, sizeof session);
    return 0;
}

static bool goes_back(const struct idem_keep_session *from, const struct idem_keep_session *to)
{
    return strcmp(from->id, to->id) == 0 &&
           (to->counter < from->counter || to->next_seq < from->next_seq ||
            to->next_alarm < from->next_alarm);
}

/* What is on disk is known before it is overwritten. */
static int know_last(struct idem_keep *keep)
{
    struct idem_keep_session session;
    int err = keep->last.id[0] == '\0' ? idem_keep_read_session(keep, &session) : 0;

    return err == IDEM_ERR_NOT_FOUND || err == IDEM_ERR_CHECKSUM || err == IDEM_ERR_INVALID ? 0
                                                                                            : err;
}

int idem_keep_write_session(struct idem_keep *keep, const struct idem_keep_session *session)
{
    uint8_t bytes[IDEM_KEEP_SESSION_BYTES];
    size_t len;
    int err = idem_keep_format_session(session, bytes, sizeof bytes, &len);

    if (err == 0)
        err = know_last(keep);
    if (err == 0 && goes_back(&keep->last, session))
        err = IDEM_ERR_MISMATCH;
    if (err == 0)
        err = write_sealed(keep, session_file, bytes, len);
    if (err == 0)
        keep->last = *session;
    sodium_memzero(bytes, sizeof bytes);
    return err;
}

int idem_keep_use_counter(struct idem_keep *keep, struct idem_keep_session *session,
                          uint32_t *counter)
{
    struct idem_keep_session next = *session;

    if (session->counter == UINT32_MAX)
        return IDEM_ERR_LIMIT;
    next.counter++;
    int err = idem_keep_write_session(keep, &next);
    if (err == 0) {
        *counter = session->counter;
        session->counter = next.counter;
    }
    sodium_memzero(&next, sizeof next);
    return err;
}

int idem_keep_drop_session(struct idem_keep *keep)
{
    static const uint8_t noughts[NOUGHTS];
    int fd = openat(keep->dir, session_file, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    sodium_memzero(&keep->last, sizeof keep->last);
    if (fd >= 0) {
        /* Best effort: the file is sealed anyway. */
        if (write(fd, noughts, sizeof noughts) > 0)
            fdatasync(fd);
        close(fd);
    }
    if (unlinkat(keep->dir, session_file, 0) != 0)
        return errno == ENOENT ? 0 : IDEM_ERR_IO;
    return fsync(keep->dir) == 0 ? 0 : IDEM_ERR_IO;
}

/* ------------------------------------------------------------------ rules, front */

int idem_keep_read_rules(struct idem_keep *keep, char *json, size_t cap, size_t *len)
{
    void *bytes;
    size_t size;
    int err = read_sealed(keep, rules_file, IDEM_KEEP_RULES_MAX, &bytes, &size);

    if (err != 0)
        return err;
    if (size <= cap) {
        memcpy(json, bytes, size);
        *len = size;
    }
    free(bytes);
    return size <= cap ? 0 : IDEM_ERR_LIMIT;
}

int idem_keep_write_rules(struct idem_keep *keep, const char *json, size_t len)
{
    return len > IDEM_KEEP_RULES_MAX ? IDEM_ERR_LIMIT : write_sealed(keep, rules_file, json, len);
}

int idem_keep_read_front(struct idem_keep *keep, void **bytes, size_t *len)
{
    return read_sealed(keep, front_file, IDEM_FRONT_MAX, bytes, len);
}

int idem_keep_write_front(struct idem_keep *keep, const void *bytes, size_t len)
{
    return len > IDEM_FRONT_MAX ? IDEM_ERR_LIMIT : write_sealed(keep, front_file, bytes, len);
}
