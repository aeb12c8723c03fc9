/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.c - see transfer.h. */
#include "store/transfer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024 };

int idem_why(char why[IDEM_WHY_MAX], int err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, IDEM_WHY_MAX, fmt, ap);
    va_end(ap);
    return err;
}

/* ------------------------------------------------------------------ directories */

int idem_path(char *out, size_t cap, const char *dir, const char *name)
{
    return snprintf(out, cap, "%s/%s", dir, name) < (int)cap ? IDEM_OK : IDEM_ERR_INVALID;
}

static bool is_empty(const char *dir)
{
    DIR *d = opendir(dir);
    int entries = 0;

    while (d != NULL && readdir(d) != NULL)
        entries++;
    if (d != NULL)
        closedir(d);
    return entries == 2; /* itself and the one above */
}

int idem_directory_new(const char *dir, char why[IDEM_WHY_MAX])
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return idem_why(why, IDEM_ERR_IO, "%s: %s", dir, strerror(errno));
    if (!is_empty(dir))
        return idem_why(why, IDEM_ERR_INVALID, "%s: is not an empty directory", dir);
    return IDEM_OK;
}

int idem_directory_sync(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return good ? IDEM_OK : IDEM_ERR_IO;
}

int idem_directory_lock(const char *dir, int *fd)
{
    char path[PATH_MAX];
    int err = idem_path(path, sizeof path, dir, "lock");

    if (err != 0)
        return err;
    int f = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f < 0)
        return IDEM_ERR_IO;
    if (flock(f, LOCK_EX | LOCK_NB) != 0) {
        close(f);
        return IDEM_ERR_LIMIT;
    }
    *fd = f;
    return IDEM_OK;
}

/* ------------------------------------------------------------------ files */

static int create(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static int put(int fd, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return errno == ENOSPC || errno == EDQUOT ? IDEM_ERR_FULL : IDEM_ERR_IO;
        at += n;
        len -= (size_t)n;
    }
    return IDEM_OK;
}

static int finish(int fd, int err)
{
    if (err == 0 && fsync(fd) != 0)
        err = IDEM_ERR_IO;
    if (close(fd) != 0 && err == 0)
        err = IDEM_ERR_IO;
    return err;
}

int idem_file_write(const char *path, const void *bytes, size_t len)
{
    int fd = create(path);
    return fd < 0 ? IDEM_ERR_IO : finish(fd, put(fd, bytes, len));
}

int idem_file_copy(const char *from, const char *to)
{
    static uint8_t block[BLOCK];
    int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), err = IDEM_OK;
    ssize_t n = 0;

    if (in < 0)
        return errno == ENOENT ? IDEM_ERR_NOT_FOUND : IDEM_ERR_IO;
    int out = create(to);
    if (out < 0)
        err = IDEM_ERR_IO;
    while (err == 0 && (n = read(in, block, sizeof block)) > 0)
        err = put(out, block, (size_t)n);
    if (n < 0)
        err = IDEM_ERR_IO;
    close(in);
    return out < 0 ? err : finish(out, err);
}

int idem_file_read(const char *path, size_t max, void **bytes, size_t *len)
{
    struct stat st;
    int err = IDEM_OK, fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *all = NULL;

    if (fd < 0)
        return errno == ENOENT ? IDEM_ERR_NOT_FOUND : IDEM_ERR_IO;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        err = IDEM_ERR_IO;
    else if ((uint64_t)st.st_size > max)
        err = IDEM_ERR_LIMIT;
    else if ((all = malloc((size_t)st.st_size + 1)) == NULL)
        err = IDEM_ERR_NOMEM;
    else if (read(fd, all, (size_t)st.st_size) != st.st_size)
        err = IDEM_ERR_IO;
    close(fd);
    if (err != 0) {
        free(all);
        return err;
    }
    *bytes = all;
    *len = (size_t)st.st_size;
    return IDEM_OK;
}

int idem_file_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? IDEM_ERR_IO : finish(fd, IDEM_OK);
}

int idem_file_sha256(const char *path, char text[IDEM_SHA256_TEXT + 1], int64_t *bytes)
{
    static uint8_t block[BLOCK];
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    int64_t all = 0;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? IDEM_ERR_NOT_FOUND : IDEM_ERR_IO;
    crypto_hash_sha256_init(&state);
    while ((n = read(fd, block, sizeof block)) > 0) {
        crypto_hash_sha256_update(&state, block, (size_t)n);
        all += n;
    }
    close(fd);
    if (n < 0)
        return IDEM_ERR_IO;
    crypto_hash_sha256_final(&state, hash);
    sodium_bin2hex(text, IDEM_SHA256_TEXT + 1, hash, sizeof hash);
    *bytes = all;
    return IDEM_OK;
}
