/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_vfs.h - the files of SQLite on a disk that loses power (disk.h), and on one that fails.
 *
 * Once installed it is the default of the process, so that every data base that is opened by a
 * name, by whatever code, lies on the mounted disk: what the server runs is the store as it is
 * shipped. It does what SQLite's own VFS for Unix does where that matters: a journal or log
 * that may have been made synchronises the directory with its first synchronisation, a file that is
 * deleted when SQLite asks for it; writes leave neighbouring bytes alone
 * (SQLITE_IOCAP_POWERSAFE_OVERWRITE). Shared memory of a write-ahead log is memory: it does not
 * outlive the process.
 *
 * Cases: several data bases, several connections and threads; files without a name are kept in
 * memory and no part of the disk.
 */
#ifndef IDEM_TESTS_CRASH_VFS_H
#define IDEM_TESTS_CRASH_VFS_H

#include "disk.h"

/* Which calls a fault is of. */
enum crash_call {
    CRASH_OPEN = 1,
    CRASH_READ = 2,
    CRASH_WRITE = 4,
    CRASH_SYNC = 8,
    CRASH_TRUNCATE = 16,
    CRASH_DELETE = 32,
    CRASH_ANY = 63
};

enum crash_how {
    CRASH_EIO,    /* the call fails and does nothing */
    CRASH_ENOSPC, /* the same, for want of space */
    CRASH_SHORT   /* a write puts down half and then has no space */
};

struct crash_fault {
    unsigned calls; /* enum crash_call, or-ed; 0: none */
    enum crash_how how;
    uint64_t after; /* so many calls of these kinds go well */
    uint64_t times; /* and then so many fail */
};

/* Makes it the default VFS. Once a process. */
void crash_vfs_install(void);
/* All data bases must be closed. The disk stays the caller's. */
void crash_vfs_mount(struct disk *disk);
struct disk *crash_vfs_disk(void);
/* Operations in the disk's log: the time, as far as the disk is concerned. */
size_t crash_vfs_now(void);

void crash_vfs_fault(const struct crash_fault *fault);
/* How often the fault has happened. */
uint64_t crash_vfs_faults(void);
/* Calls of the kinds of the last fault since it was set. */
uint64_t crash_vfs_calls(void);

/* From now on every connection that is opened has this "PRAGMA synchronous" and keeps it, whatever
 * it asks for; NULL: what it asks for. */
void crash_vfs_synchronous(const char *mode);

#endif
