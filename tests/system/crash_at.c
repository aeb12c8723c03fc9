/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_at.c - preloaded into a server, kills it (SIGKILL) just before its n-th call that changes a
 * file for good: fsync, fdatasync, ftruncate, pwrite, write. Counting begins when the file named by
 * IDEM_CRASH_AT is there; it holds n.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long left;
static atomic_bool armed;

static void arm(const char *path)
{
    long n = 0;
    FILE *f = fopen(path, "r");

    if (f == NULL)
        return;
    if (fscanf(f, "%ld", &n) == 1) {
        atomic_store(&left, n);
        atomic_store(&armed, true);
    }
    fclose(f);
}

static void count(int fd)
{
    const char *path = getenv("IDEM_CRASH_AT");
    struct stat st;

    if (path == NULL || fstat(fd, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return;
    if (!atomic_load(&armed))
        arm(path);
    if (atomic_load(&armed) && atomic_fetch_sub(&left, 1) == 1)
        kill(getpid(), SIGKILL);
}

/* The function that would have been called, as POSIX says to get it from dlsym(). */
#define REAL(result, name, ...)                                                                    \
    result (*real)(__VA_ARGS__) = NULL;                                                            \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

int fsync(int fd)
{
    REAL(int, fsync, int);
    count(fd);
    return real(fd);
}

int fdatasync(int fd)
{
    REAL(int, fdatasync, int);
    count(fd);
    return real(fd);
}

/* Under both of their names: with 64 bits for files the compiler calls the second ones. */
int ftruncate64(int fd, off_t len)
{
    REAL(int, ftruncate64, int, off_t);
    count(fd);
    return real(fd, len);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
    REAL(ssize_t, pwrite64, int, const void *, size_t, off_t);
    count(fd);
    return real(fd, bytes, len, at);
}

int ftruncate(int fd, off_t len)
{
    REAL(int, ftruncate, int, off_t);
    count(fd);
    return real(fd, len);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    count(fd);
    return real(fd, bytes, len, at);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    REAL(ssize_t, write, int, const void *, size_t);
    count(fd);
    return real(fd, bytes, len);
}
