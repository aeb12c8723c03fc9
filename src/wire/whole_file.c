/* SPDX-License-Identifier: Apache-2.0 */
/* whole_file.c - see whole_file.h. */
#include "wire/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fault(void)
{
    return errno == ENOSPC || errno == EDQUOT ? IDEM_ERR_FULL : IDEM_ERR_IO;
}

static int judge(const struct stat *st, bool secret, size_t max)
{
    if (!S_ISREG(st->st_mode) || st->st_uid != geteuid() || (st->st_mode & (secret ? 077 : 022)))
        return IDEM_ERR_INVALID;
    return st->st_size < 0 || (uintmax_t)st->st_size > max ? IDEM_ERR_LIMIT : 0;
}

/* Non-blocking, because opening a FIFO would wait for whoever has put it there. */
int idem_whole_open(int dir, const char *file, bool secret, size_t max, size_t *size)
{
    struct stat st;
    int fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT  ? IDEM_ERR_NOT_FOUND
               : errno == ELOOP ? IDEM_ERR_INVALID
                                : IDEM_ERR_IO;
    int err = fstat(fd, &st) != 0 ? IDEM_ERR_IO : judge(&st, secret, max);
    if (err != 0) {
        close(fd);
        return err;
    }
    *size = (size_t)st.st_size;
    return fd;
}

int idem_whole_read(int dir, const char *file, bool secret, void *bytes, size_t cap, size_t *len)
{
    size_t size, at = 0;
    ssize_t n = 1;
    int fd = idem_whole_open(dir, file, secret, cap, &size);

    if (fd < 0)
        return fd;
    while (at < size && n > 0) {
        n = read(fd, (uint8_t *)bytes + at, size - at);
        at += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    if (n < 0)
        return IDEM_ERR_IO;
    *len = at;
    return 0;
}

static int put(int fd, const void *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = write(fd, (const uint8_t *)bytes + at, len - at);
        if (n < 0)
            return fault();
        at += (size_t)n;
    }
    return fsync(fd) == 0 ? 0 : fault();
}

/* The name is durable once its directory is. */
static int sync_directory(int dir, const char *file)
{
    const char *slash = strrchr(file, '/');
    char parent[PATH_MAX] = ".";

    if (slash == NULL && dir >= 0)
        return fsync(dir) == 0 ? 0 : IDEM_ERR_IO;
    if (slash != NULL)
        snprintf(parent, sizeof parent, "%.*s", slash == file ? 1 : (int)(slash - file), file);
    int fd = openat(dir, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return IDEM_ERR_IO;
    int err = fsync(fd) == 0 ? 0 : IDEM_ERR_IO;
    close(fd);
    return err;
}

int idem_whole_write(int dir, const char *file, const void *bytes, size_t len)
{
    char fresh[PATH_MAX];

    if (snprintf(fresh, sizeof fresh, "%s.new", file) >= (int)sizeof fresh)
        return IDEM_ERR_LIMIT;
    unlinkat(dir, fresh, 0);
    int fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fault();
    int err = put(fd, bytes, len);
    if (close(fd) != 0 && err == 0)
        err = fault();
    if (err == 0 && renameat(dir, fresh, dir, file) != 0)
        err = fault();
    if (err != 0) {
        int why = errno;
        unlinkat(dir, fresh, 0);
        errno = why;
        return err;
    }
    return sync_directory(dir, file);
}
