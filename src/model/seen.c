/* SPDX-License-Identifier: Apache-2.0 */
/* seen.c - see seen.h. An empty place is 0; a hash of 0 is kept as 1. */
#include "model/seen.h"

#include "idem/idem.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { WAYS = 4 };

struct idem_seen {
    uint64_t sets; /* a power of two */
    _Atomic uint64_t places[];
};

int idem_seen_new(uint32_t bits, struct idem_seen **out)
{
    if (bits < IDEM_SEEN_BITS_MIN || bits > IDEM_SEEN_BITS_MAX)
        return IDEM_ERR_INVALID;
    struct idem_seen *seen = calloc(1, sizeof *seen + (sizeof(uint64_t) << bits));
    if (seen == NULL)
        return IDEM_ERR_NOMEM;
    seen->sets = (UINT64_C(1) << bits) / WAYS;
    *out = seen;
    return IDEM_OK;
}

void idem_seen_free(struct idem_seen *seen)
{
    free(seen);
}

/* Takes the place unless something else is in it by now; true when the hash is in it. */
static bool settle(_Atomic uint64_t *place, uint64_t old, uint64_t hash, bool *there)
{
    const bool done = atomic_compare_exchange_strong_explicit(
        place, &old, hash, memory_order_relaxed, memory_order_relaxed);
    *there = !done && old == hash;
    return done || *there;
}

bool idem_seen_put(struct idem_seen *seen, uint64_t whole)
{
    const uint64_t hash = whole != 0 ? whole : 1;
    _Atomic uint64_t *set = seen->places + (hash & (seen->sets - 1)) * WAYS;
    _Atomic uint64_t *last = set + (hash >> 62);
    bool there = false;

    for (int i = 0; i < WAYS; i++) {
        const uint64_t old = atomic_load_explicit(&set[i], memory_order_relaxed);
        if (old == hash)
            return true;
        if (old == 0 && settle(&set[i], 0, hash, &there))
            return there;
    }
    while (!settle(last, atomic_load_explicit(last, memory_order_relaxed), hash, &there))
        continue;
    return there;
}

bool idem_seen_has(const struct idem_seen *seen, uint64_t whole)
{
    const uint64_t hash = whole != 0 ? whole : 1;
    const _Atomic uint64_t *set = seen->places + (hash & (seen->sets - 1)) * WAYS;

    for (int i = 0; i < WAYS; i++)
        if (atomic_load_explicit(&set[i], memory_order_relaxed) == hash)
            return true;
    return false;
}

void idem_seen_drop(struct idem_seen *seen, uint64_t whole)
{
    const uint64_t hash = whole != 0 ? whole : 1;
    _Atomic uint64_t *set = seen->places + (hash & (seen->sets - 1)) * WAYS;

    for (int i = 0; i < WAYS; i++)
        if (atomic_load_explicit(&set[i], memory_order_relaxed) == hash)
            atomic_store_explicit(&set[i], 0, memory_order_relaxed);
}
