/* SPDX-License-Identifier: Apache-2.0 */
/* seats.c - see seats.h. */
#include "server/seats.h"

#include "server/index.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_KEY = 8, FIRST_PLACES = 64 };

/* Things of one size by number; places that are free are used again. */
struct table {
    struct idem_index *index;
    uint8_t *things;
    size_t size, key_len;
    int32_t *free; /* stack of free places */
    uint32_t used, cap, free_count, max;
};

struct held {
    struct idem_store_seat seat;
    uint32_t live; /* open sessions */
    uint32_t runs; /* that it has changed since then */
    int64_t runs_since_ms;
};

struct idem_seats {
    struct idem_challenges *challenges;
    uint8_t row_key[crypto_shorthash_KEYBYTES];
    pthread_rwlock_t lock; /* over both tables */
    struct table seats, signers;
};

/* ------------------------------------------------------------------ tables */

static int table_init(struct table *t, size_t key_len, size_t size, uint32_t max)
{
    t->size = size;
    t->max = max;
    t->key_len = key_len;
    return idem_index_new(key_len, max, &t->index);
}

static void table_fini(struct table *t)
{
    idem_index_free(t->index);
    free(t->things);
    free(t->free);
}

static int table_grow(struct table *t)
{
    uint32_t cap = t->cap == 0 ? FIRST_PLACES : 2 * t->cap;

    cap = cap > t->max ? t->max : cap;
    if (cap == t->cap)
        return IDEM_ERR_LIMIT;
    uint8_t *things = realloc(t->things, cap * t->size);
    if (things == NULL)
        return IDEM_ERR_NOMEM;
    t->things = things;
    int32_t *places = realloc(t->free, cap * sizeof *places);
    if (places == NULL)
        return IDEM_ERR_NOMEM;
    t->free = places;
    t->cap = cap;
    return IDEM_OK;
}

static void *table_find(const struct table *t, const uint8_t *key)
{
    int32_t at = idem_index_find(t->index, key);
    return at == IDEM_INDEX_NONE ? NULL : t->things + (size_t)at * t->size;
}

static int table_put(struct table *t, const uint8_t *key, const void *thing)
{
    void *held = table_find(t, key);
    int err = IDEM_OK;

    if (held == NULL) {
        if (t->free_count == 0 && t->used == t->cap && (err = table_grow(t)) != 0)
            return err;
        int32_t at = t->free_count > 0 ? t->free[t->free_count - 1] : (int32_t)t->used;
        if ((err = idem_index_add(t->index, key, at)) != 0)
            return err;
        if (t->free_count > 0)
            t->free_count--;
        else
            t->used++;
        held = t->things + (size_t)at * t->size;
    }
    memcpy(held, thing, t->size);
    return IDEM_OK;
}

static void table_remove(struct table *t, const uint8_t *key)
{
    int32_t at = idem_index_find(t->index, key);

    if (at == IDEM_INDEX_NONE)
        return;
    idem_index_remove(t->index, key);
    t->free[t->free_count++] = at;
}

/* ------------------------------------------------------------------ life */

/* Rows follow each other; a keyed hash of one places it. */
static void key_of(const struct idem_seats *s, int64_t row, uint8_t key[ROW_KEY])
{
    crypto_shorthash(key, (const uint8_t *)&row, sizeof row, s->row_key);
}

static int bring(void *arg, const struct idem_store_seat *seat)
{
    return seat->has_key ? idem_seats_put(arg, seat) : IDEM_OK;
}

int idem_seats_new(struct idem_store *store, uint32_t sessions, struct idem_seats **out)
{
    struct idem_seats *s = calloc(1, sizeof *s);
    int err;

    if (s == NULL)
        return IDEM_ERR_NOMEM;
    pthread_rwlock_init(&s->lock, NULL);
    randombytes_buf(s->row_key, sizeof s->row_key);
    if ((err = idem_challenges_new(&s->challenges)) != 0 ||
        (err = table_init(&s->seats, ROW_KEY, sizeof(struct held), IDEM_SEATS_MAX)) != 0 ||
        (err = table_init(&s->signers, IDEM_ID_BYTES, sizeof(struct idem_signer), sessions)) != 0 ||
        (err = store->seats->list(store, 0, 0, INT32_MAX, bring, s)) != 0) {
        idem_seats_free(s);
        return err;
    }
    *out = s;
    return IDEM_OK;
}

void idem_seats_free(struct idem_seats *s)
{
    if (s == NULL)
        return;
    idem_challenges_free(s->challenges);
    table_fini(&s->seats);
    table_fini(&s->signers);
    pthread_rwlock_destroy(&s->lock);
    free(s);
}

struct idem_challenges *idem_seats_challenges(struct idem_seats *s)
{
    return s->challenges;
}

/* ------------------------------------------------------------------ seats */

int idem_seats_put(struct idem_seats *s, const struct idem_store_seat *seat)
{
    struct held fresh = {.seat = *seat};
    uint8_t key[ROW_KEY];
    int err = IDEM_OK;

    key_of(s, seat->row, key);
    pthread_rwlock_wrlock(&s->lock);
    const struct held *held = table_find(&s->seats, key);
    if (held != NULL)
        fresh = *held;
    fresh.seat = *seat;
    if (held != NULL && held->seat.row != seat->row)
        err = IDEM_ERR_LIMIT; /* two of 2^64: the second one has no luck until the next start */
    else if (seat->has_key)
        err = table_put(&s->seats, key, &fresh);
    else
        table_remove(&s->seats, key);
    pthread_rwlock_unlock(&s->lock);
    return err;
}

static struct held *find(struct idem_seats *s, int64_t row)
{
    uint8_t key[ROW_KEY];

    key_of(s, row, key);
    struct held *held = table_find(&s->seats, key);
    return held != NULL && held->seat.row == row ? held : NULL;
}

bool idem_seats_get(struct idem_seats *s, int64_t row, struct idem_store_seat *out)
{
    pthread_rwlock_rdlock(&s->lock);
    const struct held *held = find(s, row);
    if (held != NULL)
        *out = held->seat;
    pthread_rwlock_unlock(&s->lock);
    return held != NULL;
}

uint32_t idem_seats_live(struct idem_seats *s, int64_t row, int change)
{
    uint32_t live = 0;

    pthread_rwlock_wrlock(&s->lock);
    struct held *held = find(s, row);
    if (held != NULL)
        live = held->live = (uint32_t)((int64_t)held->live + change);
    pthread_rwlock_unlock(&s->lock);
    return live;
}

static bool is_recent(const struct held *held, int64_t now_ms)
{
    return now_ms - held->runs_since_ms < IDEM_SEAT_RUNS_MS && now_ms >= held->runs_since_ms;
}

void idem_seats_ran(struct idem_seats *s, int64_t row, int64_t now_ms)
{
    pthread_rwlock_wrlock(&s->lock);
    struct held *held = find(s, row);
    if (held != NULL && !is_recent(held, now_ms)) {
        held->runs = 0;
        held->runs_since_ms = now_ms;
    }
    if (held != NULL)
        held->runs++;
    pthread_rwlock_unlock(&s->lock);
}

bool idem_seats_hurried(struct idem_seats *s, int64_t row, int64_t now_ms)
{
    pthread_rwlock_rdlock(&s->lock);
    const struct held *held = find(s, row);
    const bool hurried = held != NULL && held->runs > IDEM_SEAT_RUNS_MAX && is_recent(held, now_ms);
    pthread_rwlock_unlock(&s->lock);
    return hurried;
}

/* ------------------------------------------------------------------ signers */

int idem_signers_add(struct idem_seats *s, const uint8_t session[IDEM_ID_BYTES],
                     const struct idem_signer *signer)
{
    pthread_rwlock_wrlock(&s->lock);
    int err = table_put(&s->signers, session, signer);
    pthread_rwlock_unlock(&s->lock);
    return err;
}

void idem_signers_remove(struct idem_seats *s, const uint8_t session[IDEM_ID_BYTES])
{
    pthread_rwlock_wrlock(&s->lock);
    table_remove(&s->signers, session);
    pthread_rwlock_unlock(&s->lock);
}

bool idem_signers_get(struct idem_seats *s, const uint8_t session[IDEM_ID_BYTES],
                      struct idem_signer *out)
{
    pthread_rwlock_rdlock(&s->lock);
    const struct idem_signer *held = table_find(&s->signers, session);
    if (held != NULL)
        *out = *held;
    pthread_rwlock_unlock(&s->lock);
    return held != NULL;
}
