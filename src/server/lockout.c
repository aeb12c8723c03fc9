/* SPDX-License-Identifier: Apache-2.0 */
/* lockout.c - see lockout.h. */
#include "server/lockout.h"

#include "server/index.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    uint8_t key[IDEM_LOCKOUT_KEY];
    uint32_t failures; /* 0: the entry is free */
    int64_t until_ms;  /* of the delay */
    int64_t last_ms;   /* newest failure */
};

struct idem_lockout {
    struct idem_index *index;
    struct entry entries[IDEM_LOCKOUT_MAX];
};

int idem_lockout_new(struct idem_lockout **out)
{
    struct idem_lockout *t = calloc(1, sizeof *t);

    if (t == NULL)
        return IDEM_ERR_NOMEM;
    int err = idem_index_new(IDEM_LOCKOUT_KEY, IDEM_LOCKOUT_MAX, &t->index);
    if (err != 0) {
        free(t);
        return err;
    }
    *out = t;
    return IDEM_OK;
}

void idem_lockout_free(struct idem_lockout *table)
{
    if (table == NULL)
        return;
    idem_index_free(table->index);
    free(table);
}

int64_t idem_lockout_wait(const struct idem_lockout *table, const uint8_t key[IDEM_LOCKOUT_KEY],
                          int64_t now_ms)
{
    int32_t slot = idem_index_find(table->index, key);
    int64_t left = slot != IDEM_INDEX_NONE ? table->entries[slot].until_ms - now_ms : 0;

    /* a clock that was set back must not lock for ever */
    return left <= 0 ? 0 : left < IDEM_LOCKOUT_LONGEST_MS ? left : IDEM_LOCKOUT_LONGEST_MS;
}

/* A free slot, or the one whose delay ended first. */
static int32_t make_room(struct idem_lockout *t)
{
    int32_t best = 0;

    for (int32_t i = 0; i < IDEM_LOCKOUT_MAX; i++) {
        if (t->entries[i].failures == 0)
            return i;
        if (t->entries[i].until_ms < t->entries[best].until_ms)
            best = i;
    }
    idem_index_remove(t->index, t->entries[best].key);
    return best;
}

static struct entry *entry_of(struct idem_lockout *t, const uint8_t key[IDEM_LOCKOUT_KEY])
{
    int32_t slot = idem_index_find(t->index, key);

    if (slot == IDEM_INDEX_NONE) {
        slot = make_room(t);
        if (idem_index_add(t->index, key, slot) != 0)
            return NULL; /* not reached: as many slots as places */
        t->entries[slot] = (struct entry){.failures = 0};
        memcpy(t->entries[slot].key, key, IDEM_LOCKOUT_KEY);
    }
    return &t->entries[slot];
}

static int64_t delay_after(uint32_t failures, uint32_t free_failures)
{
    int64_t delay = IDEM_LOCKOUT_FIRST_MS;

    if (failures <= free_failures)
        return 0;
    for (uint32_t n = free_failures + 1; n < failures && delay < IDEM_LOCKOUT_LONGEST_MS; n++)
        delay *= 2;
    return delay < IDEM_LOCKOUT_LONGEST_MS ? delay : IDEM_LOCKOUT_LONGEST_MS;
}

bool idem_lockout_fail(struct idem_lockout *table, const uint8_t key[IDEM_LOCKOUT_KEY],
                       uint32_t free_failures, int64_t now_ms)
{
    struct entry *e = entry_of(table, key);

    if (e == NULL)
        return false;
    if (now_ms - e->last_ms > IDEM_LOCKOUT_FORGET_MS)
        e->failures = 0;
    e->failures += e->failures < UINT32_MAX;
    e->last_ms = now_ms;
    int64_t delay = delay_after(e->failures, free_failures);
    /* without one it is the first to make room, the longest ago first */
    e->until_ms = now_ms + delay;
    return delay > 0;
}

void idem_lockout_clear(struct idem_lockout *table, const uint8_t key[IDEM_LOCKOUT_KEY])
{
    int32_t slot = idem_index_find(table->index, key);

    if (slot == IDEM_INDEX_NONE)
        return;
    idem_index_remove(table->index, key);
    table->entries[slot] = (struct entry){.failures = 0};
}
