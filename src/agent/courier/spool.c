/* SPDX-License-Identifier: Apache-2.0 */
/* spool.c - adding records and handing them out, see spool.h. */
#include "agent/courier/spool_inside.h"

#include <sodium.h>
#include <string.h>

/* ------------------------------------------------------------------ room */

static uint32_t free_blocks(const struct idem_spool *s, enum idem_spool_kind kind)
{
    uint32_t first, end, count = 0;

    idem_spool_area(s, kind, &first, &end);
    for (uint32_t i = first; i < end; i++)
        count += s->entries[i].id == 0;
    return count;
}

/* The oldest window that is not in flight, with an id above `after`; 0: none. *blocks: it has. */
static uint64_t oldest(const struct idem_spool *s, uint64_t after, uint32_t *blocks)
{
    uint32_t first, end;
    uint64_t found = 0;

    idem_spool_area(s, IDEM_SPOOL_WINDOW, &first, &end);
    for (uint32_t i = first; i < end; i++) {
        uint64_t id = s->entries[i].id;
        if (id <= after || (found != 0 && id >= found) ||
            idem_spool_find_flight(&s->head, IDEM_SPOOL_WINDOW, id) != NULL)
            continue;
        found = id;
        *blocks = s->entries[i].parts;
    }
    return found;
}

static bool is_old_window(const struct idem_spool *s, const void *arg, uint32_t place)
{
    const uint64_t *last = arg;
    uint64_t id = s->entries[place].id;

    return idem_spool_kind_of(place) == IDEM_SPOOL_WINDOW && id <= *last &&
           idem_spool_find_flight(&s->head, IDEM_SPOOL_WINDOW, id) == NULL;
}

static int make_room(struct idem_spool *s, uint32_t need)
{
    struct idem_spool_head next = s->head;
    uint32_t have = free_blocks(s, IDEM_SPOOL_WINDOW), blocks = 0;
    uint64_t last = 0, id;

    if (have >= need)
        return 0;
    while (have < need && (id = oldest(s, last, &blocks)) != 0) {
        last = id;
        have += blocks;
        next.dropped++;
    }
    int err = have < need ? IDEM_ERR_FULL : idem_spool_remove(s, &next, is_old_window, &last);
    sodium_memzero(&next, sizeof next);
    return err;
}

static int refuse(struct idem_spool *s)
{
    struct idem_spool_head next = s->head;

    next.refused++;
    int err = idem_spool_commit(s, &next, NULL, NULL);
    sodium_memzero(&next, sizeof next);
    return err != 0 ? err : IDEM_ERR_FULL;
}

/* ------------------------------------------------------------------ adding */

static int write_parts(struct idem_spool *s, struct idem_spool_part *part, const uint8_t *bytes)
{
    size_t share = idem_spool_share(strlen(part->person));
    struct idem_spool_entry entry = {.id = part->id,
                                     .person = idem_spool_hash(s, part->person),
                                     .hour = part->hour,
                                     .parts = (uint16_t)part->parts};
    uint32_t place, end;
    int err = 0;

    idem_spool_area(s, part->kind, &place, &end);
    for (part->part = 0; part->part < part->parts && err == 0; part->part++) {
        size_t from = part->part * share;
        while (s->entries[place].id != 0)
            place++;
        part->bytes = bytes + from;
        part->count = part->len - from < share ? part->len - from : share;
        idem_spool_write_part(part, s->plain);
        entry.part = (uint16_t)part->part;
        s->entries[place] = entry;
        err = idem_spool_put(s, place);
    }
    return err != 0 ? err : idem_spool_sync(s);
}

int idem_spool_append(struct idem_spool *s, enum idem_spool_kind kind, const char *person,
                      int64_t hour, const void *bytes, size_t len, uint64_t *id)
{
    struct idem_spool_part part = {.kind = kind, .len = (uint32_t)len};
    size_t name = strnlen(person, IDEM_SPOOL_PERSON_MAX);
    int err = 0;

    if (len == 0 || len > IDEM_SPOOL_RECORD_MAX || name == 0 || name >= IDEM_SPOOL_PERSON_MAX ||
        hour < 0 || hour > UINT32_MAX)
        return IDEM_ERR_INVALID;
    part.parts = idem_spool_blocks(len, person);
    part.hour = (uint32_t)hour;
    memcpy(part.person, person, name);
    if (kind == IDEM_SPOOL_ALARM && part.parts > 1)
        return IDEM_ERR_LIMIT;
    if ((err = idem_spool_expire(s, hour)) != 0)
        return err;
    if (kind == IDEM_SPOOL_ALARM && free_blocks(s, kind) == 0)
        return refuse(s);
    if (kind == IDEM_SPOOL_WINDOW)
        err = make_room(s, part.parts);
    if (err != 0)
        return err;
    part.id = s->head.next_id++; /* used up whatever happens */
    if ((err = write_parts(s, &part, bytes)) != 0)
        idem_spool_clear_record(s, kind, part.id);
    else
        *id = part.id;
    return err;
}

/* ------------------------------------------------------------------ handing out */

static uint64_t next_of(const struct idem_spool *s, enum idem_spool_kind kind, uint64_t person,
                        uint64_t after)
{
    uint32_t first, end;
    uint64_t found = 0;

    idem_spool_area(s, kind, &first, &end);
    for (uint32_t i = first; i < end; i++) {
        const struct idem_spool_entry *e = &s->entries[i];
        if (e->id > after && e->person == person && (found == 0 || e->id < found))
            found = e->id;
    }
    return found;
}

static bool find_part(const struct idem_spool *s, enum idem_spool_kind kind, uint64_t id,
                      uint32_t part, uint32_t *place)
{
    uint32_t first, end;

    idem_spool_area(s, kind, &first, &end);
    for (uint32_t i = first; i < end; i++)
        if (s->entries[i].id == id && s->entries[i].part == part) {
            *place = i;
            return true;
        }
    return false;
}

static int get_part(struct idem_spool *s, enum idem_spool_kind kind, uint64_t id, uint32_t number,
                    struct idem_spool_part *out)
{
    uint32_t place;

    if (!find_part(s, kind, id, number, &place))
        return IDEM_ERR_CHECKSUM;
    int err = idem_spool_get(s, place);
    if (err == 0 && (idem_spool_read_part(s->plain, out) != 0 || out->id != id ||
                     out->part != number || out->kind != kind))
        err = IDEM_ERR_CHECKSUM;
    return err;
}

static int read_record(struct idem_spool *s, enum idem_spool_kind kind, uint64_t id,
                       struct idem_spool_record *out, uint8_t *bytes, size_t cap)
{
    struct idem_spool_part part = {.parts = 1};
    struct idem_spool_record record = {.id = id, .kind = kind};
    const struct idem_spool_flight *flight = idem_spool_find_flight(&s->head, kind, id);
    size_t len = 0;
    int err = 0;

    for (uint32_t i = 0; i < part.parts && err == 0; i++) {
        err = get_part(s, kind, id, i, &part);
        if (err == 0 && part.len > cap)
            err = IDEM_ERR_LIMIT;
        if (err != 0)
            break;
        memcpy(bytes + len, part.bytes, part.count);
        len += part.count;
    }
    sodium_memzero(s->plain, sizeof s->plain);
    if (err != 0)
        return err;
    record.seq = flight != NULL ? flight->seq : 0;
    record.len = len;
    memcpy(record.person, part.person, sizeof record.person);
    *out = record;
    return 0;
}

struct one {
    enum idem_spool_kind kind;
    uint64_t id;
};

static bool is_one(const struct idem_spool *s, const void *arg, uint32_t place)
{
    const struct one *one = arg;
    return s->entries[place].id == one->id && idem_spool_kind_of(place) == one->kind;
}

static int drop_damaged(struct idem_spool *s, enum idem_spool_kind kind, uint64_t id)
{
    struct idem_spool_head next = s->head;
    struct one one = {kind, id};

    next.unreadable++;
    idem_spool_end_flight(&next, kind, id);
    int err = idem_spool_remove(s, &next, is_one, &one);
    sodium_memzero(&next, sizeof next);
    return err;
}

int idem_spool_next(struct idem_spool *s, enum idem_spool_kind kind, const char *person,
                    uint64_t after, struct idem_spool_record *out, void *bytes, size_t cap)
{
    uint64_t who = idem_spool_hash(s, person), id;

    while ((id = next_of(s, kind, who, after)) != 0) {
        int err = read_record(s, kind, id, out, bytes, cap);
        if (err != IDEM_ERR_CHECKSUM)
            return err;
        if ((err = drop_damaged(s, kind, id)) != 0)
            return err;
    }
    return IDEM_ERR_NOT_FOUND;
}

int idem_spool_drop(struct idem_spool *s, uint64_t id)
{
    struct idem_spool_head next = s->head;
    struct one one = {IDEM_SPOOL_WINDOW, id};
    uint32_t place;

    if (id != 0 && find_part(s, IDEM_SPOOL_ALARM, id, 0, &place))
        one.kind = IDEM_SPOOL_ALARM;
    else if (id == 0 || !find_part(s, one.kind, id, 0, &place))
        return IDEM_ERR_NOT_FOUND;
    next.dropped += one.kind == IDEM_SPOOL_WINDOW;
    next.refused += one.kind == IDEM_SPOOL_ALARM;
    idem_spool_end_flight(&next, one.kind, id);
    int err = idem_spool_remove(s, &next, is_one, &one);
    sodium_memzero(&next, sizeof next);
    return err;
}
