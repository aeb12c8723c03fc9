/* SPDX-License-Identifier: Apache-2.0 */
/* secrets.c - see secrets.h. A new secret is written under another name first, so that a file of
 * that name is always whole. */
#include "server/secrets.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void idem_secret_text(const uint8_t *bytes, char *text)
{
    sodium_bin2base64(text, IDEM_SECRET_TEXT + 1, bytes, IDEM_SECRET_BYTES,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static int fail(const char *path, const char *what)
{
    idem_log(IDEM_LOG_ERROR, "%s: %s", path, what);
    return IDEM_ERR_IO;
}

static int write_line(int fd, const char *text)
{
    char line[IDEM_SECRET_TEXT + 2];
    int n = snprintf(line, sizeof line, "%s\n", text);
    bool written = write(fd, line, (size_t)n) == n && fsync(fd) == 0;
    return close(fd) == 0 && written ? IDEM_OK : IDEM_ERR_IO;
}

/* A name is on the disk when its directory is: without its keys a data base is worth nothing. */
static int sync_directory(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return IDEM_ERR_IO;
    int err = fsync(fd) == 0 ? IDEM_OK : IDEM_ERR_IO;
    close(fd);
    return err;
}

static int create(const char *dir, const char *path, uint8_t *bytes)
{
    char text[IDEM_SECRET_TEXT + 1], fresh[PATH_MAX];

    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return fail(path, "the name is too long");
    unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(path, strerror(errno));
    randombytes_buf(bytes, IDEM_SECRET_BYTES);
    idem_secret_text(bytes, text);
    int err = write_line(fd, text);
    sodium_memzero(text, sizeof text);
    if (err != 0 || rename(fresh, path) != 0 || sync_directory(dir) != 0)
        return fail(path, "cannot be written");
    return IDEM_OK;
}

static int decode(const char *path, const char *text, size_t len, uint8_t *bytes)
{
    size_t n = 0;

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    if (len != IDEM_SECRET_TEXT ||
        sodium_base642bin(bytes, IDEM_SECRET_BYTES, text, len, NULL, &n, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        n != IDEM_SECRET_BYTES)
        return fail(path, "is not a secret of 43 characters; remove it to have a new one made");
    return IDEM_OK;
}

static int read_existing(const char *path, int fd, uint8_t *bytes)
{
    char text[IDEM_SECRET_TEXT + 8];
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return fail(path, "is not a file");
    if (st.st_mode & 077)
        return fail(path, "can be read by others; chmod 600 it, or remove it if it has leaked");
    ssize_t n = read(fd, text, sizeof text);
    int err = n < 0 ? fail(path, strerror(errno)) : decode(path, text, (size_t)n, bytes);
    sodium_memzero(text, sizeof text);
    return err;
}

int idem_secret_load(const char *dir, const char *name, bool may_create, uint8_t *bytes)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return fail(dir, "the name is too long");
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && may_create)
        return create(dir, path, bytes);
    if (fd < 0)
        return fail(path, strerror(errno));
    int err = read_existing(path, fd, bytes);
    close(fd);
    return err;
}
