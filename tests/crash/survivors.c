/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survivors.c - what is left of a disk when the power goes; see disk.h for what may be.
 *
 * Of every file three states are kept: what is on the disk for certain, what it looked like to
 * programs when the kernel last had nothing of it to write, and which operations came since.
 */
#include "disk.h"

#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

struct pending {
    size_t *ops;
    size_t count, cap;
};

struct remains {
    struct disk_file durable; /* on the disk for certain */
    struct disk_file clean;   /* as programs saw it when nothing was pending */
    struct pending pending;
};

struct survivors {
    const struct disk *disk;
    size_t at;
    struct idem_rng rng;
    struct remains files[DISK_FILES_MAX];
    int entries[DISK_NAMES_MAX]; /* durable */
    struct pending directory;
};

static void *need(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static bool chance(struct survivors *s, double p)
{
    return idem_rng_uniform(&s->rng) < p;
}

static void note(struct pending *p, size_t op)
{
    if (p->count == p->cap) {
        p->cap = p->cap > 0 ? 2 * p->cap : 16;
        p->ops = need(realloc(p->ops, p->cap * sizeof *p->ops));
    }
    p->ops[p->count++] = op;
}

struct survivors *survivors_new(const struct disk *d, uint64_t seed)
{
    struct survivors *s = need(calloc(1, sizeof *s));

    s->disk = d;
    idem_rng_seed(&s->rng, seed);
    for (int i = 0; i < DISK_NAMES_MAX; i++)
        s->entries[i] = -1;
    return s;
}

void survivors_free(struct survivors *s)
{
    for (int i = 0; i < DISK_FILES_MAX; i++) {
        free(s->files[i].durable.bytes);
        free(s->files[i].clean.bytes);
        free(s->files[i].pending.ops);
    }
    free(s->directory.ops);
    free(s);
}

/* ------------------------------------------------------------------ going along the log */

static void apply(struct disk_file *f, const struct disk_op *op)
{
    if (op->kind == DISK_WRITE)
        disk_file_put(f, op->at, op->bytes, op->len);
    else
        disk_file_cut(f, op->at);
}

/* Writes those units of the file that the operation touched to the disk, as they look now. */
static void reach(struct survivors *s, struct disk_file *to, const struct disk_file *now,
                  const struct disk_op *op, size_t unit, double p)
{
    if (op->kind == DISK_TRUNCATE)
        return;
    for (size_t at = op->at - op->at % unit; at < op->at + op->len; at += unit) {
        size_t end = at + unit < now->len ? at + unit : now->len;
        if (end > to->len)
            end = to->len;
        if (chance(s, p) && at < end)
            memcpy(to->bytes + at, now->bytes + at, end - at);
    }
}

/* p: the part of what is to be written that is; 1 unless the synchronisation fails. */
static void synchronise(struct survivors *s, struct remains *r, double p)
{
    const struct disk_op *ops = s->disk->ops;

    for (size_t i = 0; i < r->pending.count; i++)
        apply(&r->clean, &ops[r->pending.ops[i]]);
    for (size_t i = 0; i < r->pending.count; i++)
        if (ops[r->pending.ops[i]].kind == DISK_TRUNCATE && chance(s, p))
            disk_file_cut(&r->durable, ops[r->pending.ops[i]].at);
    if (p >= 1 || r->durable.len < r->clean.len)
        disk_file_cut(&r->durable, r->clean.len);
    for (size_t i = 0; i < r->pending.count; i++)
        reach(s, &r->durable, &r->clean, &ops[r->pending.ops[i]], DISK_PAGE, p);
    r->pending.count = 0;
}

static void settle_directory(struct survivors *s)
{
    for (size_t i = 0; i < s->directory.count; i++) {
        const struct disk_op *op = &s->disk->ops[s->directory.ops[i]];
        s->entries[op->name] = op->kind == DISK_CREATE ? op->file : -1;
    }
    s->directory.count = 0;
}

static void step(struct survivors *s)
{
    const struct disk_op *op = &s->disk->ops[s->at];

    switch (op->kind) {
    case DISK_CREATE:
    case DISK_DELETE:
        note(&s->directory, s->at);
        break;
    case DISK_WRITE:
    case DISK_TRUNCATE:
        note(&s->files[op->file].pending, s->at);
        break;
    case DISK_SYNC:
        synchronise(s, &s->files[op->file], 1);
        break;
    case DISK_SYNC_LOST:
        synchronise(s, &s->files[op->file], chance(s, 0.5) ? 0.5 : 0);
        break;
    case DISK_SYNC_DIRECTORY:
        settle_directory(s);
        break;
    }
    s->at++;
}

void survivors_advance(struct survivors *s, size_t n)
{
    while (s->at < n)
        step(s);
}

/* ------------------------------------------------------------------ the power goes */

struct fate {
    double p;     /* of a sector to have reached the disk */
    size_t sizes; /* pending operations whose change of length has */
    bool rubbish; /* what no sector reached: rubbish, not noughts */
};

static struct fate draw_fate(struct survivors *s, size_t pending, unsigned luck)
{
    static const double part[] = {0.05, 0.5, 0.95};

    if (luck <= 1)
        return (struct fate){luck, luck == 0 ? 0 : pending, false};
    return (struct fate){
        .p = part[idem_rng_below(&s->rng, 3)],
        .sizes = (size_t)idem_rng_below(&s->rng, (uint32_t)pending + 1),
        .rubbish = chance(s, 0.5),
    };
}

static void fill(struct survivors *s, struct disk_file *f, size_t from, size_t to, bool rubbish)
{
    for (size_t i = from; i < to; i++)
        f->bytes[i] = rubbish ? (uint8_t)idem_rng_below(&s->rng, 256) : 0;
}

/* A longer file may have grown by some of its sectors only. */
static size_t torn_length(struct survivors *s, size_t before, size_t after, unsigned luck)
{
    if (luck <= 1 || after < before + DISK_SECTOR || !chance(s, 0.25))
        return after;
    size_t len = before + idem_rng_below(&s->rng, (uint32_t)(after - before));
    len -= len % DISK_SECTOR;
    return len > before ? len : before;
}

static void tear(struct survivors *s, const struct remains *r, unsigned luck, struct disk_file *out)
{
    const struct disk_op *ops = s->disk->ops;
    struct disk_file now = {0};
    size_t len = r->durable.len, most = r->durable.len;
    const struct fate fate = draw_fate(s, r->pending.count, luck);

    disk_file_put(&now, 0, r->clean.len > 0 ? (const void *)r->clean.bytes : "", r->clean.len);
    for (size_t i = 0; i < r->pending.count; i++) {
        const struct disk_op *op = &ops[r->pending.ops[i]];
        const size_t end = op->at + op->len;
        most = end > most ? end : most;
    }
    disk_file_cut(out, most);
    memcpy(out->bytes, r->durable.len > 0 ? (const void *)r->durable.bytes : "", r->durable.len);
    fill(s, out, r->durable.len, most, fate.rubbish);
    for (size_t i = 0; i < r->pending.count; i++) {
        const struct disk_op *op = &ops[r->pending.ops[i]];
        apply(&now, op);
        if (i < fate.sizes && op->kind == DISK_TRUNCATE) {
            fill(s, out, op->at, most, false);
            len = op->at;
        } else if (i < fate.sizes && op->at + op->len > len) {
            len = torn_length(s, len, op->at + op->len, luck);
        }
        reach(s, out, &now, op, DISK_SECTOR, fate.p);
    }
    disk_file_cut(out, len);
    free(now.bytes);
}

static int entry_left(struct survivors *s, int name, unsigned luck)
{
    int file = s->entries[name];

    for (size_t i = 0; i < s->directory.count; i++) {
        const struct disk_op *op = &s->disk->ops[s->directory.ops[i]];
        if (op->name == name && (luck == 1 || (luck > 1 && chance(s, 0.5))))
            file = op->kind == DISK_CREATE ? op->file : -1;
    }
    return file;
}

struct disk *survivors_disk(struct survivors *s, unsigned luck)
{
    struct disk *out = disk_new();

    for (int name = 0; name < s->disk->name_count; name++) {
        const int from = entry_left(s, name, luck);
        struct disk_file left = {0};
        if (from < 0)
            continue;
        tear(s, &s->files[from], luck, &left);
        const int to = disk_create(out, s->disk->names[name]);
        disk_write(out, to, 0, left.bytes, left.len);
        disk_sync(out, to);
        free(left.bytes);
    }
    disk_sync_directory(out);
    out->start = out->count;
    return out;
}
