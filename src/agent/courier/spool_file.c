/* SPDX-License-Identifier: Apache-2.0 */
/* spool_file.c - the spool's file: blocks, heads, room. See spool_inside.h. */
#include "agent/courier/spool_inside.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

static int fault(void)
{
    return errno == ENOSPC || errno == EDQUOT ? IDEM_ERR_FULL : IDEM_ERR_IO;
}

static off_t place_at(uint32_t place)
{
    return (off_t)place * IDEM_SPOOL_BLOCK;
}

void idem_spool_area(const struct idem_spool *s, enum idem_spool_kind kind, uint32_t *first,
                     uint32_t *end)
{
    *first = kind == IDEM_SPOOL_ALARM ? IDEM_SPOOL_FIRST_ALARM : IDEM_SPOOL_FIRST_WINDOW;
    *end = kind == IDEM_SPOOL_ALARM ? IDEM_SPOOL_FIRST_WINDOW : s->blocks;
}

enum idem_spool_kind idem_spool_kind_of(uint32_t place)
{
    return place < IDEM_SPOOL_FIRST_WINDOW ? IDEM_SPOOL_ALARM : IDEM_SPOOL_WINDOW;
}

uint64_t idem_spool_hash(const struct idem_spool *s, const char *person)
{
    uint8_t hash[crypto_shorthash_BYTES];
    uint64_t out;

    crypto_shorthash(hash, (const uint8_t *)person, strlen(person), s->head.lock.file);
    memcpy(&out, hash, sizeof out);
    return out;
}

_Static_assert(crypto_shorthash_KEYBYTES == IDEM_SPOOL_FILE, "the file's number is its key");
_Static_assert(crypto_shorthash_BYTES == 8, "and a hash has eight bytes");

/* ------------------------------------------------------------------ blocks */

int idem_spool_get(struct idem_spool *s, uint32_t place)
{
    ssize_t n = pread(s->fd, s->block, sizeof s->block, place_at(place));

    if (n != sizeof s->block)
        return IDEM_ERR_CHECKSUM;
    return idem_spool_unseal(&s->head.lock, place, s->block, s->plain);
}

static int write_block(struct idem_spool *s, uint32_t place)
{
    ssize_t n = pwrite(s->fd, s->block, sizeof s->block, place_at(place));

    return n == sizeof s->block ? 0 : n < 0 ? fault() : IDEM_ERR_FULL;
}

int idem_spool_put(struct idem_spool *s, uint32_t place)
{
    idem_spool_seal(&s->head.lock, place, s->plain, s->block);
    sodium_memzero(s->plain, sizeof s->plain);
    return write_block(s, place);
}

int idem_spool_clear(struct idem_spool *s, uint32_t place)
{
    memset(s->block, 0, sizeof s->block);
    s->entries[place] = (struct idem_spool_entry){0};
    return write_block(s, place);
}

int idem_spool_clear_record(struct idem_spool *s, enum idem_spool_kind kind, uint64_t id)
{
    uint32_t first, end;
    int err = 0;

    idem_spool_area(s, kind, &first, &end);
    for (uint32_t i = first; i < end; i++) {
        int failed = s->entries[i].id == id ? idem_spool_clear(s, i) : 0;
        err = err != 0 ? err : failed;
    }
    return err;
}

int idem_spool_sync(struct idem_spool *s)
{
    return fdatasync(s->fd) == 0 ? 0 : fault();
}

/* ------------------------------------------------------------------ heads */

static int write_head(struct idem_spool *s, const struct idem_spool_head *head)
{
    uint32_t place = (uint32_t)(head->generation % IDEM_SPOOL_HEADS) * IDEM_SPOOL_HEAD_STEP;

    idem_spool_write_head(head, s->plain);
    idem_spool_seal(&s->head_lock, place, s->plain, s->block);
    sodium_memzero(s->plain, sizeof s->plain);
    int err = write_block(s, place);
    return err != 0 ? err : idem_spool_sync(s);
}

static void set_floor(const struct idem_spool *s, struct idem_spool_head *next,
                      idem_spool_goes_fn *goes, const void *arg)
{
    for (int k = 0; k < IDEM_SPOOL_KINDS; k++)
        next->floor[k] = next->next_id;
    for (uint32_t i = IDEM_SPOOL_FIRST_ALARM; i < s->blocks; i++) {
        enum idem_spool_kind kind = idem_spool_kind_of(i);
        uint64_t id = s->entries[i].id;
        if (id == 0 || id >= next->floor[kind] || (goes != NULL && goes(s, arg, i)) ||
            idem_spool_find_flight(next, kind, id) != NULL)
            continue;
        next->floor[kind] = id;
    }
}

/* A generation that failed may stand on the disk nevertheless: it is not used again. */
int idem_spool_commit(struct idem_spool *s, struct idem_spool_head *next, idem_spool_goes_fn *goes,
                      const void *arg)
{
    set_floor(s, next, goes, arg);
    next->generation = ++s->head.generation;
    next->blocks = s->blocks;
    int err = write_head(s, next);
    if (err == 0)
        s->head = *next;
    return err;
}

int idem_spool_remove(struct idem_spool *s, struct idem_spool_head *next, idem_spool_goes_fn *goes,
                      const void *arg)
{
    int err = idem_spool_commit(s, next, goes, arg);

    if (err != 0)
        return err;
    for (uint32_t i = IDEM_SPOOL_FIRST_ALARM; i < s->blocks; i++) {
        int failed = s->entries[i].id != 0 && goes(s, arg, i) ? idem_spool_clear(s, i) : 0;
        err = err != 0 ? err : failed;
    }
    return err;
}

int idem_spool_rekey(struct idem_spool *s)
{
    struct idem_spool_head next = s->head;
    int err = 0;

    idem_spool_head_new(&next);
    for (int i = 0; i < IDEM_SPOOL_HEADS && err == 0; i++)
        err = idem_spool_commit(s, &next, NULL, NULL);
    sodium_memzero(&next, sizeof next);
    return err;
}
