/* SPDX-License-Identifier: Apache-2.0 */
/* index.c - linear probing at most half full, removal by shifting back; see index.h. */
#include "server/index.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    uint8_t key[IDEM_INDEX_KEY_MAX];
    int32_t slot; /* IDEM_INDEX_NONE: empty */
};

struct idem_index {
    size_t key_len;
    uint32_t max, count, mask;
    struct entry entries[];
};

int idem_index_new(size_t key_len, uint32_t max, struct idem_index **out)
{
    uint32_t size = 16;

    if (key_len < 8 || key_len > IDEM_INDEX_KEY_MAX || max > 1u << 24)
        return IDEM_ERR_INVALID;
    while (size < 2 * max)
        size *= 2;
    struct idem_index *x = calloc(1, sizeof *x + size * sizeof x->entries[0]);
    if (x == NULL)
        return IDEM_ERR_NOMEM;
    x->key_len = key_len;
    x->max = max;
    x->mask = size - 1;
    for (uint32_t i = 0; i < size; i++)
        x->entries[i].slot = IDEM_INDEX_NONE;
    *out = x;
    return IDEM_OK;
}

void idem_index_free(struct idem_index *index)
{
    free(index);
}

static uint32_t home(const struct idem_index *x, const uint8_t *key)
{
    uint32_t h;
    memcpy(&h, key, sizeof h);
    return h & x->mask;
}

/* Where the key is, or the empty place where it would go. */
static uint32_t place(const struct idem_index *x, const uint8_t *key)
{
    uint32_t i = home(x, key);
    while (x->entries[i].slot != IDEM_INDEX_NONE &&
           sodium_memcmp(x->entries[i].key, key, x->key_len) != 0)
        i = (i + 1) & x->mask;
    return i;
}

int32_t idem_index_find(const struct idem_index *index, const uint8_t *key)
{
    return index->entries[place(index, key)].slot;
}

int idem_index_add(struct idem_index *index, const uint8_t *key, int32_t slot)
{
    if (index->count == index->max)
        return IDEM_ERR_LIMIT;
    struct entry *e = &index->entries[place(index, key)];
    if (e->slot == IDEM_INDEX_NONE)
        index->count++;
    memcpy(e->key, key, index->key_len);
    e->slot = slot;
    return IDEM_OK;
}

void idem_index_remove(struct idem_index *index, const uint8_t *key)
{
    uint32_t hole = place(index, key);

    if (index->entries[hole].slot == IDEM_INDEX_NONE)
        return;
    index->count--;
    for (uint32_t i = (hole + 1) & index->mask; index->entries[i].slot != IDEM_INDEX_NONE;
         i = (i + 1) & index->mask) {
        uint32_t wants = home(index, index->entries[i].key);
        /* It may move back unless its home lies between the hole and itself. */
        if (((i - wants) & index->mask) < ((i - hole) & index->mask))
            continue;
        index->entries[hole] = index->entries[i];
        hole = i;
    }
    index->entries[hole].slot = IDEM_INDEX_NONE;
}
