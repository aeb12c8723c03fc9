/* SPDX-License-Identifier: Apache-2.0 */
/* files.c - see files.h. */
#include "server/files.h"

#include "base/log.h"
#include "server/constants.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ the data */

static int complain(const char *what, const char *why)
{
    idem_log(IDEM_LOG_ERROR, "%s: %s", what, why);
    return IDEM_ERR_IO;
}

/* Whoever may write there could put files of their own in the place of ours. */
static int check_dir(const char *dir)
{
    struct stat st;

    if (stat(dir, &st) != 0)
        return complain(dir, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return complain(dir, "is not a directory");
    if (st.st_mode & 022)
        return complain(dir, "can be written to by others; chmod 700 it");
    return IDEM_OK;
}

/* Two servers on one directory would undo each other's work. */
int idem_files_lock(const char *dir, int *lock_fd)
{
    char path[PATH_MAX];

    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return complain(dir, strerror(errno));
    int err = check_dir(dir);
    if (err != 0)
        return err;
    if (snprintf(path, sizeof path, "%s/lock", dir) >= (int)sizeof path)
        return complain(dir, "the name is too long");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return complain(path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return complain(dir, "another idem-server is using this data directory");
    }
    *lock_fd = fd;
    return IDEM_OK;
}

/* SQLite would follow a link, and give its log the mode that the data base has. */
int idem_files_check_database(const char *path)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? IDEM_OK : complain(path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return complain(path, "is not a file");
    if (st.st_mode & 077)
        return complain(path, "is open to others; chmod 600 it");
    return IDEM_OK;
}

int idem_files_store(const char *dir, struct idem_store **out)
{
    char path[PATH_MAX];
    const char *why;

    if (snprintf(path, sizeof path, "%s/idem.db", dir) >= (int)sizeof path)
        return complain(dir, "the name is too long");
    int err = idem_files_check_database(path);
    if (err != 0)
        return err;
    err = idem_store_sqlite_open(path, out, &why);
    return err == 0 ? IDEM_OK : complain(path, why);
}

/* ------------------------------------------------------------------ the population */

static int read_all(const char *path, void **bytes, size_t *len)
{
    struct stat st;
    int err = IDEM_ERR_IO;
    char *buffer = NULL;
    FILE *f = fopen(path, "rb");

    if (f == NULL || fstat(fileno(f), &st) != 0) {
        complain(path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > IDEM_POPULATION_FILE_MAX) {
        complain(path, "is not a file of a possible size");
        goto out;
    }
    buffer = malloc((size_t)st.st_size + 1);
    if (buffer == NULL || fread(buffer, 1, (size_t)st.st_size, f) != (size_t)st.st_size) {
        complain(path, "cannot be read");
        goto out;
    }
    *bytes = buffer;
    *len = (size_t)st.st_size;
    buffer = NULL;
    err = IDEM_OK;
out:
    free(buffer);
    if (f != NULL)
        fclose(f);
    return err;
}

int idem_files_population(const char *path, struct idem_population **out,
                          uint8_t hash[IDEM_POPULATION_HASH])
{
    const char *reason = "damaged";
    void *bytes;
    size_t len;

    int err = read_all(path, &bytes, &len);
    if (err != 0)
        return err;
    idem_population_hash(bytes, len, hash);
    err = idem_population_parse(bytes, len, out, &reason);
    free(bytes);
    return err == 0 ? IDEM_OK : complain(path, reason);
}
