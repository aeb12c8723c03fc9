/* SPDX-License-Identifier: Apache-2.0 */
/* disk.c - the log of operations and the files as programs see them; see disk.h. */
#include "disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *need(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

/* ------------------------------------------------------------------ bytes that grow */

static void reserve(struct disk_file *f, size_t len)
{
    size_t cap = f->cap > 0 ? f->cap : DISK_PAGE;

    while (cap < len)
        cap *= 2;
    if (cap == f->cap)
        return;
    f->bytes = need(realloc(f->bytes, cap));
    f->cap = cap;
}

void disk_file_cut(struct disk_file *f, size_t len)
{
    reserve(f, len);
    if (len > f->len)
        memset(f->bytes + f->len, 0, len - f->len);
    f->len = len;
}

void disk_file_put(struct disk_file *f, size_t at, const void *bytes, size_t len)
{
    if (at + len > f->len)
        disk_file_cut(f, at + len);
    if (len > 0)
        memcpy(f->bytes + at, bytes, len);
}

/* ------------------------------------------------------------------ the log */

struct disk *disk_new(void)
{
    struct disk *d = need(calloc(1, sizeof *d));
    for (int i = 0; i < DISK_NAMES_MAX; i++)
        d->entries[i] = -1;
    return d;
}

void disk_free(struct disk *d)
{
    if (d == NULL)
        return;
    for (int i = 0; i < d->file_count; i++)
        free(d->files[i].bytes);
    for (size_t i = 0; i < d->count; i++)
        free(d->ops[i].bytes);
    free(d->ops);
    free(d);
}

static struct disk_op *append(struct disk *d, enum disk_kind kind, int file)
{
    if (d->count == d->cap) {
        d->cap = d->cap > 0 ? 2 * d->cap : 1024;
        d->ops = need(realloc(d->ops, d->cap * sizeof *d->ops));
    }
    struct disk_op *op = &d->ops[d->count++];
    *op = (struct disk_op){.kind = kind, .name = -1, .file = file};
    return op;
}

static int name_of(struct disk *d, const char *name)
{
    for (int i = 0; i < d->name_count; i++)
        if (strcmp(d->names[i], name) == 0)
            return i;
    if (d->name_count == DISK_NAMES_MAX || strlen(name) >= DISK_NAME_MAX)
        abort();
    snprintf(d->names[d->name_count], DISK_NAME_MAX, "%s", name);
    return d->name_count++;
}

int disk_find(const struct disk *d, const char *name)
{
    for (int i = 0; i < d->name_count; i++)
        if (strcmp(d->names[i], name) == 0)
            return d->entries[i];
    return -1;
}

int disk_create(struct disk *d, const char *name)
{
    const int at = name_of(d, name);

    if (d->file_count == DISK_FILES_MAX)
        abort();
    d->entries[at] = d->file_count++;
    append(d, DISK_CREATE, d->entries[at])->name = at;
    return d->entries[at];
}

void disk_delete(struct disk *d, const char *name)
{
    const int at = name_of(d, name);

    append(d, DISK_DELETE, d->entries[at])->name = at;
    d->entries[at] = -1;
}

void disk_write(struct disk *d, int file, size_t at, const void *bytes, size_t len)
{
    struct disk_op *op = append(d, DISK_WRITE, file);

    op->at = at;
    op->len = len;
    op->bytes = need(malloc(len + 1));
    memcpy(op->bytes, bytes, len);
    disk_file_put(&d->files[file], at, bytes, len);
}

void disk_truncate(struct disk *d, int file, size_t len)
{
    append(d, DISK_TRUNCATE, file)->at = len;
    disk_file_cut(&d->files[file], len);
}

void disk_sync(struct disk *d, int file)
{
    append(d, DISK_SYNC, file);
}

void disk_sync_lost(struct disk *d, int file)
{
    append(d, DISK_SYNC_LOST, file);
}

void disk_sync_directory(struct disk *d)
{
    append(d, DISK_SYNC_DIRECTORY, -1);
}

/* ------------------------------------------------------------------ kill -9 */

static void repeat(struct disk *d, const struct disk *from, const struct disk_op *op)
{
    switch (op->kind) {
    case DISK_CREATE:
        disk_create(d, from->names[op->name]);
        break;
    case DISK_DELETE:
        disk_delete(d, from->names[op->name]);
        break;
    case DISK_WRITE:
        disk_write(d, op->file, op->at, op->bytes, op->len);
        break;
    case DISK_TRUNCATE:
        disk_truncate(d, op->file, op->at);
        break;
    case DISK_SYNC:
    case DISK_SYNC_LOST:
    case DISK_SYNC_DIRECTORY:
        append(d, op->kind, op->file);
        break;
    }
}

struct disk *disk_killed(const struct disk *d, size_t n)
{
    struct disk *out = disk_new();

    for (size_t i = 0; i < n; i++)
        repeat(out, d, &d->ops[i]);
    out->start = n;
    return out;
}
