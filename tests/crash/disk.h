/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.h - a disk that loses power, in memory: what programs wrote to files, in order, and what of
 * it is left when the power goes at any moment.
 *
 * A disk is a log of operations and the files as programs see them (the page cache). Nothing of the
 * log is ever forgotten, so one run of a workload can be cut at each of its operations:
 *
 *   disk_killed(d, n)   kill -9 after n operations: the files are whole, what was not synchronised
 *                       is still only in memory, and a later power cut may take it
 *   survivors           the power goes after n operations: of each file remains what was
 *                       synchronised; of what was written since, any of the 512-byte sectors, in
 *                       any order, each as it was after any of its writes; the length may be old,
 *                       new or between; what the new length covers and no sector reached is
 *                       noughts or rubbish. Files made or deleted since the directory was last
 *                       synchronised are there or not. Nothing orders one file after another.
 *
 * A synchronisation may also fail, as it does on Linux: part of what was to be written is on the
 * disk, none of it counts as unwritten any more, and the next synchronisation that succeeds says
 * nothing about it (DISK_SYNC_LOST). Only writing it again makes it go to the disk.
 *
 * All files lie in one directory. Memory that cannot be had ends the test.
 */
#ifndef IDEM_TESTS_DISK_H
#define IDEM_TESTS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DISK_SECTOR = 512, /* the disk writes it whole or not at all */
    DISK_PAGE = 4096,  /* the kernel writes it back together */
    DISK_NAMES_MAX = 32,
    DISK_NAME_MAX = 160,
    DISK_FILES_MAX = 512, /* a name that is made again is another file */
};

enum disk_kind {
    DISK_CREATE,
    DISK_DELETE,
    DISK_WRITE,
    DISK_TRUNCATE,
    DISK_SYNC,
    DISK_SYNC_LOST,
    DISK_SYNC_DIRECTORY
};

struct disk_op {
    enum disk_kind kind;
    int name, file;
    size_t at, len; /* TRUNCATE: at is the new length */
    uint8_t *bytes;
};

struct disk_file {
    uint8_t *bytes;
    size_t len, cap;
};

struct disk {
    char names[DISK_NAMES_MAX][DISK_NAME_MAX];
    int entries[DISK_NAMES_MAX]; /* name -> file, or -1 */
    int name_count, file_count;
    struct disk_file files[DISK_FILES_MAX];
    struct disk_op *ops;
    size_t count, cap;
    size_t start; /* operations that only say what was there at first */
};

struct disk *disk_new(void);
void disk_free(struct disk *d);

/* The file of that name, or -1. */
int disk_find(const struct disk *d, const char *name);
int disk_create(struct disk *d, const char *name);
void disk_delete(struct disk *d, const char *name);
void disk_write(struct disk *d, int file, size_t at, const void *bytes, size_t len);
void disk_truncate(struct disk *d, int file, size_t len);
void disk_sync(struct disk *d, int file);
void disk_sync_lost(struct disk *d, int file);
void disk_sync_directory(struct disk *d);

/* The same disk after its first n operations, with what is and is not synchronised. */
struct disk *disk_killed(const struct disk *d, size_t n);

/* Walks along a disk's log and makes what is left of it at every step. */
struct survivors;
struct survivors *survivors_new(const struct disk *d, uint64_t seed);
void survivors_free(struct survivors *s);
/* Moves on to after the first n operations; n does not fall. */
void survivors_advance(struct survivors *s, size_t n);
/* A disk that holds what is left. luck 0: only what was synchronised; 1: everything; else chance.
 */
struct disk *survivors_disk(struct survivors *s, unsigned luck);

/* For files of a private kind: bytes that grow. */
void disk_file_put(struct disk_file *f, size_t at, const void *bytes, size_t len);
void disk_file_cut(struct disk_file *f, size_t len);

#endif
