/* SPDX-License-Identifier: Apache-2.0 */
/* challenge.c - see challenge.h. The used ones stand in a ring by the time of their use. */
#include "server/challenge.h"

#include "base/bytes.h"
#include "server/index.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SAID = 16, MARK = 16, KEY = 32 };
_Static_assert(SAID + MARK == IDEM_SEAL_NONCE, "a nonce");

struct used {
    uint8_t mark[MARK];
    int64_t at_ms;
};

struct idem_challenges {
    uint8_t key[KEY];
    pthread_mutex_t lock; /* over all that follows */
    struct idem_index *marks;
    uint32_t first, count;
    struct used ring[IDEM_CHALLENGES_MAX];
};

int idem_challenges_new(struct idem_challenges **out)
{
    struct idem_challenges *c = calloc(1, sizeof *c);

    if (c == NULL)
        return IDEM_ERR_NOMEM;
    int err = idem_index_new(MARK, IDEM_CHALLENGES_MAX, &c->marks);
    if (err != 0) {
        free(c);
        return err;
    }
    randombytes_buf(c->key, sizeof c->key);
    pthread_mutex_init(&c->lock, NULL);
    *out = c;
    return IDEM_OK;
}

void idem_challenges_free(struct idem_challenges *c)
{
    if (c == NULL)
        return;
    idem_index_free(c->marks);
    pthread_mutex_destroy(&c->lock);
    sodium_memzero(c->key, sizeof c->key);
    free(c);
}

static void put_mark(const struct idem_challenges *c, uint8_t nonce[IDEM_SEAL_NONCE])
{
    crypto_generichash(nonce + SAID, MARK, nonce, SAID, c->key, sizeof c->key);
}

void idem_challenge_make(const struct idem_challenges *c, int64_t now_ms,
                         uint8_t nonce[IDEM_SEAL_NONCE])
{
    struct idem_writer w;

    idem_writer_init(&w, nonce, SAID);
    idem_write_u64(&w, (uint64_t)now_ms);
    randombytes_buf(nonce + 8, SAID - 8);
    put_mark(c, nonce);
}

int idem_challenge_check(const struct idem_challenges *c, int64_t now_ms,
                         const uint8_t nonce[IDEM_SEAL_NONCE])
{
    uint8_t good[IDEM_SEAL_NONCE];
    struct idem_reader r;

    memcpy(good, nonce, SAID);
    put_mark(c, good);
    if (sodium_memcmp(good, nonce, sizeof good) != 0)
        return IDEM_ERR_NOT_FOUND;
    idem_reader_init(&r, nonce, SAID);
    int64_t age = now_ms - (int64_t)idem_read_u64(&r);
    return age >= 0 && age < IDEM_CHALLENGE_MS ? IDEM_OK : IDEM_ERR_NOT_FOUND;
}

/* Those that would not be good any more, used or not. */
static void forget(struct idem_challenges *c, int64_t now_ms)
{
    while (c->count > 0 && now_ms - c->ring[c->first].at_ms >= IDEM_CHALLENGE_MS) {
        idem_index_remove(c->marks, c->ring[c->first].mark);
        c->first = (c->first + 1) % IDEM_CHALLENGES_MAX;
        c->count--;
    }
}

static int use(struct idem_challenges *c, int64_t now_ms, const uint8_t mark[MARK])
{
    struct used *place = &c->ring[(c->first + c->count) % IDEM_CHALLENGES_MAX];

    if (idem_index_find(c->marks, mark) != IDEM_INDEX_NONE)
        return IDEM_ERR_MISMATCH;
    if (c->count == IDEM_CHALLENGES_MAX || idem_index_add(c->marks, mark, 0) != 0)
        return IDEM_ERR_FULL;
    memcpy(place->mark, mark, MARK);
    place->at_ms = now_ms;
    c->count++;
    return IDEM_OK;
}

int idem_challenge_use(struct idem_challenges *c, int64_t now_ms,
                       const uint8_t nonce[IDEM_SEAL_NONCE])
{
    pthread_mutex_lock(&c->lock);
    forget(c, now_ms);
    int err = use(c, now_ms, nonce + SAID);
    pthread_mutex_unlock(&c->lock);
    return err;
}
