/* SPDX-License-Identifier: Apache-2.0 */
/* lockout.c - see lockout.h. */
#include "server/lockout.h"

#include "server/index.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    uint8_t key[IDEM_LOCKOUT_KEY];
    uint8_t account[IDEM_LOCKOUT_KEY]; /* that it is about, if any */
    uint32_t failures;                 /* 0: the entry is free */
    int64_t until_ms;                  /* of the delay */
    int64_t last_ms;                   /* newest failure */
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

static struct entry *find(struct idem_lockout *t, const uint8_t key[IDEM_LOCKOUT_KEY])
{
    int32_t slot = idem_index_find(t->index, key);
    return slot != IDEM_INDEX_NONE ? &t->entries[slot] : NULL;
}

static void forget(struct idem_lockout *t, struct entry *e)
{
    idem_index_remove(t->index, e->key);
    *e = (struct entry){.failures = 0};
}

static void pair_key(const struct idem_lockout_try *who, uint8_t key[IDEM_LOCKOUT_KEY])
{
    uint8_t both[2 * IDEM_LOCKOUT_KEY];

    memcpy(both, who->account, IDEM_LOCKOUT_KEY);
    memcpy(both + IDEM_LOCKOUT_KEY, who->address, IDEM_LOCKOUT_KEY);
    crypto_generichash(key, IDEM_LOCKOUT_KEY, both, sizeof both, NULL, 0);
}

/* ------------------------------------------------------------------ waiting */

static int64_t wait_of(const struct idem_lockout *table, const uint8_t key[IDEM_LOCKOUT_KEY],
                       int64_t now_ms)
{
    int32_t slot = idem_index_find(table->index, key);
    int64_t left = slot != IDEM_INDEX_NONE ? table->entries[slot].until_ms - now_ms : 0;

    /* a clock that was set back must not lock for ever */
    return left <= 0 ? 0 : left < IDEM_LOCKOUT_LONGEST_MS ? left : IDEM_LOCKOUT_LONGEST_MS;
}

int64_t idem_lockout_wait(const struct idem_lockout *table, const struct idem_lockout_try *who,
                          int64_t now_ms)
{
    uint8_t pair[IDEM_LOCKOUT_KEY];
    const uint8_t *keys[] = {pair, who->account, who->address};
    int64_t longest = 0;

    pair_key(who, pair);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        int64_t wait = wait_of(table, keys[i], now_ms);
        longest = wait > longest ? wait : longest;
    }
    return longest;
}

/* ------------------------------------------------------------------ failing */

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
    forget(t, &t->entries[best]);
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

static struct entry *fail(struct idem_lockout *table, const uint8_t key[IDEM_LOCKOUT_KEY],
                          uint32_t free_failures, int64_t now_ms)
{
    struct entry *e = entry_of(table, key);

    if (e == NULL)
        return NULL;
    if (now_ms - e->last_ms > IDEM_LOCKOUT_FORGET_MS)
        e->failures = 0;
    e->failures += e->failures < UINT32_MAX;
    e->last_ms = now_ms;
    /* without a delay it is the first to make room, the longest ago first */
    e->until_ms = now_ms + delay_after(e->failures, free_failures);
    return e;
}

/* Making room for one entry may move another out, so each is done with before the next. */
bool idem_lockout_fail(struct idem_lockout *table, const struct idem_lockout_try *who,
                       int64_t now_ms)
{
    uint8_t pair[IDEM_LOCKOUT_KEY];
    struct entry *e;
    bool counts = false, begun = false;

    fail(table, who->address, IDEM_LOCKOUT_FREE_ADDRESS, now_ms);
    pair_key(who, pair);
    if ((e = fail(table, pair, IDEM_LOCKOUT_FREE_PAIR, now_ms)) != NULL) {
        memcpy(e->account, who->account, IDEM_LOCKOUT_KEY);
        counts = e->failures <= IDEM_LOCKOUT_SHARE;
        begun = e->until_ms > now_ms;
    }
    if (counts && (e = fail(table, who->account, IDEM_LOCKOUT_FREE_ACCOUNT, now_ms)) != NULL)
        begun = begun || e->until_ms > now_ms;
    return begun;
}

/* ------------------------------------------------------------------ not any more */

void idem_lockout_pass(struct idem_lockout *table, const struct idem_lockout_try *who)
{
    uint8_t key[IDEM_LOCKOUT_KEY];

    pair_key(who, key);
    struct entry *pair = find(table, key), *account = find(table, who->account);
    if (pair == NULL)
        return;
    const uint32_t share =
        pair->failures < IDEM_LOCKOUT_SHARE ? pair->failures : IDEM_LOCKOUT_SHARE;
    if (account != NULL && account->failures > share)
        account->failures -= share;
    else if (account != NULL)
        forget(table, account);
    forget(table, pair);
}

void idem_lockout_clear(struct idem_lockout *table, const uint8_t account[IDEM_LOCKOUT_KEY])
{
    struct entry *own = find(table, account);

    if (own != NULL)
        forget(table, own);
    for (int32_t i = 0; i < IDEM_LOCKOUT_MAX; i++) {
        struct entry *e = &table->entries[i];
        if (e->failures > 0 && memcmp(e->account, account, IDEM_LOCKOUT_KEY) == 0)
            forget(table, e);
    }
}
