/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_open.c - opening a spool: whose file it is, how much room there is, which head counts, and
 * what stands in each block.
 */
#include "agent/courier/spool_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ the file */

static int open_file(int dir, const char *name, int *out, uint64_t *size)
{
    struct stat st;
    int fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno == ELOOP || errno == EISDIR ? IDEM_ERR_INVALID
               : errno == ENOSPC                 ? IDEM_ERR_FULL
                                                 : IDEM_ERR_IO;
    int err = fstat(fd, &st) != 0 ? IDEM_ERR_IO : 0;
    if (err == 0 && (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1 ||
                     (st.st_mode & 077) != 0))
        err = IDEM_ERR_INVALID;
    if (err == 0 && flock(fd, LOCK_EX | LOCK_NB) != 0)
        err = IDEM_ERR_IO;
    if (err != 0) {
        close(fd);
        return err;
    }
    *out = fd;
    *size = (uint64_t)st.st_size;
    return 0;
}

/* As many blocks as the limit has, or half as often as the disk demands it. */
static int allocate(int fd, uint64_t limit, uint32_t *blocks)
{
    int why;

    limit -= limit % IDEM_SPOOL_BLOCK;
    while ((why = posix_fallocate(fd, 0, (off_t)limit)) == ENOSPC || why == EDQUOT) {
        if (limit / 2 < IDEM_SPOOL_LIMIT_MIN)
            return IDEM_ERR_FULL;
        limit = limit / 2 - limit / 2 % IDEM_SPOOL_BLOCK;
    }
    if (why != 0)
        return why == EFBIG ? IDEM_ERR_FULL : IDEM_ERR_IO;
    *blocks = (uint32_t)(limit / IDEM_SPOOL_BLOCK);
    return 0;
}

/* ------------------------------------------------------------------ the head */

static bool is_nought(const uint8_t *bytes, size_t len)
{
    return sodium_is_zero(bytes, len) == 1;
}

static bool read_block(struct idem_spool *s, uint32_t place)
{
    return pread(s->fd, s->block, sizeof s->block, (off_t)place * IDEM_SPOOL_BLOCK) ==
           (ssize_t)sizeof s->block;
}

static void find_head(struct idem_spool *s)
{
    struct idem_spool_head head;

    for (uint32_t i = 0; i < IDEM_SPOOL_HEADS; i++) {
        uint32_t place = i * IDEM_SPOOL_HEAD_STEP;
        if (!read_block(s, place) ||
            idem_spool_unseal(&s->head_lock, place, s->block, s->plain) != 0 ||
            idem_spool_read_head(s->plain, &head) != 0)
            continue;
        if (head.generation > s->head.generation)
            s->head = head;
    }
    sodium_memzero(&head, sizeof head);
    sodium_memzero(s->plain, sizeof s->plain);
}

/* No head opens. Whether there was something is seen from any byte that is not nought. */
static int begin_anew(struct idem_spool *s)
{
    for (uint32_t i = 0; i < s->blocks; i++) {
        if (read_block(s, i) && is_nought(s->block, sizeof s->block))
            continue;
        s->lost = true;
        int err = idem_spool_clear(s, i);
        if (err != 0)
            return err;
    }
    s->head.next_id = 1;
    return idem_spool_rekey(s);
}

/* ------------------------------------------------------------------ the records */

/* What the head no longer knows was taken away, or is an older copy's. */
static bool is_live(const struct idem_spool *s, const struct idem_spool_part *part)
{
    return part->id >= s->head.floor[part->kind] ||
           idem_spool_find_flight(&s->head, part->kind, part->id) != NULL;
}

static int look_at(struct idem_spool *s, uint32_t place, uint64_t *unreadable)
{
    struct idem_spool_part part;

    bool there = read_block(s, place);
    if (there && is_nought(s->block, sizeof s->block))
        return 0;
    if (!there || idem_spool_unseal(&s->head.lock, place, s->block, s->plain) != 0 ||
        idem_spool_read_part(s->plain, &part) != 0 || part.kind != idem_spool_kind_of(place)) {
        ++*unreadable;
        return idem_spool_clear(s, place);
    }
    if (!is_live(s, &part))
        return idem_spool_clear(s, place);
    s->entries[place] = (struct idem_spool_entry){.id = part.id,
                                                  .person = idem_spool_hash(s, part.person),
                                                  .hour = part.hour,
                                                  .part = (uint16_t)part.part,
                                                  .parts = (uint16_t)part.parts};
    if (part.id >= s->head.next_id)
        s->head.next_id = part.id + 1;
    return 0;
}

static bool is_whole(const struct idem_spool *s, uint32_t place)
{
    const struct idem_spool_entry *e = &s->entries[place];
    uint32_t first, end;
    uint64_t there = 0;

    if (e->parts == 1)
        return true;
    idem_spool_area(s, idem_spool_kind_of(place), &first, &end);
    for (uint32_t i = first; i < end; i++)
        if (s->entries[i].id == e->id)
            there |= UINT64_C(1) << s->entries[i].part;
    return there == (UINT64_MAX >> (64 - e->parts));
}

/* Records of which a part is missing: never finished, or damaged. */
static int drop_pieces(struct idem_spool *s)
{
    int err = 0;

    for (uint32_t i = IDEM_SPOOL_FIRST_ALARM; i < s->blocks && err == 0; i++)
        if (s->entries[i].id != 0 && !is_whole(s, i))
            err = idem_spool_clear_record(s, idem_spool_kind_of(i), s->entries[i].id);
    return err;
}

static bool is_there(const struct idem_spool *s, enum idem_spool_kind kind, uint64_t id)
{
    uint32_t first, end;

    idem_spool_area(s, kind, &first, &end);
    while (first < end && s->entries[first].id != id)
        first++;
    return first < end;
}

static void drop_flights(struct idem_spool *s, struct idem_spool_head *next)
{
    for (int k = 0; k < IDEM_SPOOL_KINDS; k++)
        for (uint32_t i = s->head.flights[k]; i-- > 0;)
            if (!is_there(s, (enum idem_spool_kind)k, s->head.flight[k][i].id))
                idem_spool_end_flight(next, (enum idem_spool_kind)k, s->head.flight[k][i].id);
}

static int scan(struct idem_spool *s, uint32_t there)
{
    struct idem_spool_head next;
    uint64_t unreadable = s->head.blocks > there ? s->head.blocks - there : 0; /* cut off */
    int err = 0;

    for (uint32_t i = IDEM_SPOOL_FIRST_ALARM; i < s->blocks && err == 0; i++)
        err = look_at(s, i, &unreadable);
    if (err == 0)
        err = drop_pieces(s);
    if (err != 0)
        return err;
    next = s->head;
    next.unreadable += unreadable;
    drop_flights(s, &next);
    err = idem_spool_commit(s, &next, NULL, NULL);
    sodium_memzero(&next, sizeof next);
    return err;
}

/* ------------------------------------------------------------------ less room than before */

static uint32_t records(const struct idem_spool *s)
{
    uint32_t count = 0;

    for (uint32_t i = IDEM_SPOOL_FIRST_ALARM; i < s->blocks; i++)
        count += s->entries[i].id != 0 && s->entries[i].part == 0;
    return count;
}

static bool is_beyond(const struct idem_spool *s, const void *arg, uint32_t place)
{
    const uint32_t *blocks = arg;
    (void)s;
    return place >= *blocks;
}

/* What stands beyond the new end goes, and what has a part of itself there. */
static int shrink(struct idem_spool *s, uint32_t blocks)
{
    struct idem_spool_head next = s->head;
    uint32_t before = records(s);
    int err = idem_spool_remove(s, &next, is_beyond, &blocks);

    if (err == 0) {
        s->blocks = blocks;
        err = drop_pieces(s);
    }
    next.dropped += before - records(s);
    drop_flights(s, &next);
    if (err == 0)
        err = idem_spool_commit(s, &next, NULL, NULL);
    sodium_memzero(&next, sizeof next);
    if (err != 0)
        return err;
    return ftruncate(s->fd, (off_t)blocks * IDEM_SPOOL_BLOCK) == 0 ? 0 : IDEM_ERR_IO;
}

/* ------------------------------------------------------------------ */

/* there: blocks that the file had; blocks: that it is to have. */
static int begin(struct idem_spool *s, uint32_t there, uint32_t blocks)
{
    if (sodium_init() < 0)
        return IDEM_ERR_NOMEM;
    s->entries = calloc(s->blocks, sizeof *s->entries);
    if (s->entries == NULL)
        return IDEM_ERR_NOMEM;
    find_head(s);
    int err = s->head.generation == 0 ? begin_anew(s) : scan(s, there);
    return err == 0 && blocks < s->blocks ? shrink(s, blocks) : err;
}

int idem_spool_open(int dir, const char *name, const uint8_t seed[IDEM_SEAL_SEED], uint64_t limit,
                    struct idem_spool **out)
{
    uint32_t blocks = 0;
    uint64_t size;

    if (limit < IDEM_SPOOL_LIMIT_MIN || limit > IDEM_SPOOL_LIMIT_MAX)
        return IDEM_ERR_INVALID;
    struct idem_spool *s = calloc(1, sizeof *s);
    if (s == NULL)
        return IDEM_ERR_NOMEM;
    int err = open_file(dir, name, &s->fd, &size);
    if (err != 0) {
        free(s);
        return err;
    }
    err = size > IDEM_SPOOL_LIMIT_MAX ? IDEM_ERR_INVALID : allocate(s->fd, limit, &blocks);
    s->blocks = size / IDEM_SPOOL_BLOCK > blocks ? (uint32_t)(size / IDEM_SPOOL_BLOCK) : blocks;
    if (err == 0)
        idem_spool_head_lock(seed, &s->head_lock);
    if (err == 0 && (err = begin(s, (uint32_t)(size / IDEM_SPOOL_BLOCK), blocks)) == 0) {
        *out = s;
        return 0;
    }
    idem_spool_close(s);
    return err;
}

void idem_spool_close(struct idem_spool *s)
{
    if (s == NULL)
        return;
    close(s->fd);
    free(s->entries);
    sodium_memzero(s, sizeof *s);
    free(s);
}
