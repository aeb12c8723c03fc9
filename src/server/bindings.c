/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bindings.c - see bindings.h. A nonce is 4 bytes that say the session's slot and 28 random ones:
 * so it needs no table of its own, and the slot keeps a hash of it.
 */
#include "server/bindings.h"

#include "server/index.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { NOBODY = -1 };

struct bound {
    struct idem_binding binding;
    uint8_t key[IDEM_HASH_BYTES]; /* in the index */
    int32_t next;                 /* the session's next older one, or the next free place */
};

struct invitation {
    bool open;
    int64_t until_ms;
    uint8_t id[IDEM_ID_BYTES];
    uint8_t hash[IDEM_HASH_BYTES];
};

struct idem_bindings {
    pthread_mutex_t lock;
    uint8_t key[crypto_generichash_KEYBYTES];
    struct idem_index *index;
    int32_t free;
    struct bound places[IDEM_BINDINGS_MAX];
    int32_t newest[IDEM_SESSION_SLOTS_MAX]; /* of each session */
    struct invitation invitations[IDEM_SESSION_SLOTS_MAX];
};

int idem_bindings_new(struct idem_bindings **out)
{
    struct idem_bindings *b = calloc(1, sizeof *b);

    if (b == NULL)
        return IDEM_ERR_NOMEM;
    int err = idem_index_new(IDEM_HASH_BYTES, IDEM_BINDINGS_MAX, &b->index);
    if (err != 0) {
        free(b);
        return err;
    }
    pthread_mutex_init(&b->lock, NULL);
    randombytes_buf(b->key, sizeof b->key);
    for (int32_t i = 0; i < IDEM_BINDINGS_MAX; i++)
        b->places[i].next = i + 1 < IDEM_BINDINGS_MAX ? i + 1 : NOBODY;
    for (int32_t i = 0; i < IDEM_SESSION_SLOTS_MAX; i++)
        b->newest[i] = NOBODY;
    *out = b;
    return IDEM_OK;
}

void idem_bindings_free(struct idem_bindings *b)
{
    if (b == NULL)
        return;
    idem_index_free(b->index);
    pthread_mutex_destroy(&b->lock);
    sodium_memzero(b->key, sizeof b->key);
    free(b);
}

/* ------------------------------------------------------------------ nonces */

static void hash_nonce(const uint8_t nonce[IDEM_SECRET_BYTES], uint8_t hash[IDEM_HASH_BYTES])
{
    crypto_generichash(hash, IDEM_HASH_BYTES, nonce, IDEM_SECRET_BYTES, NULL, 0);
}

void idem_bindings_invite(struct idem_bindings *b, int32_t slot, const uint8_t id[IDEM_ID_BYTES],
                          int64_t now_ms, char *text)
{
    uint8_t nonce[IDEM_SECRET_BYTES];
    struct invitation *i = &b->invitations[slot];

    randombytes_buf(nonce, sizeof nonce);
    memcpy(nonce, &slot, sizeof slot);
    idem_secret_text(nonce, text);
    pthread_mutex_lock(&b->lock);
    i->open = true;
    i->until_ms = now_ms + IDEM_NONCE_MS;
    memcpy(i->id, id, IDEM_ID_BYTES);
    hash_nonce(nonce, i->hash);
    pthread_mutex_unlock(&b->lock);
    sodium_memzero(nonce, sizeof nonce);
}

static int parse_nonce(const char *text, uint8_t nonce[IDEM_SECRET_BYTES], int32_t *slot)
{
    size_t n = 0;

    if (strlen(text) != IDEM_SECRET_TEXT ||
        sodium_base642bin(nonce, IDEM_SECRET_BYTES, text, IDEM_SECRET_TEXT, NULL, &n, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        n != IDEM_SECRET_BYTES)
        return IDEM_ERR_NOT_FOUND;
    memcpy(slot, nonce, sizeof *slot);
    return *slot >= 0 && *slot < IDEM_SESSION_SLOTS_MAX ? IDEM_OK : IDEM_ERR_NOT_FOUND;
}

int idem_bindings_redeem(struct idem_bindings *b, const char *text, int64_t now_ms, int32_t *slot,
                         uint8_t id[IDEM_ID_BYTES])
{
    uint8_t nonce[IDEM_SECRET_BYTES], hash[IDEM_HASH_BYTES];
    int32_t at = NOBODY;
    int err = parse_nonce(text, nonce, &at);

    if (err != 0)
        return err;
    hash_nonce(nonce, hash);
    pthread_mutex_lock(&b->lock);
    struct invitation *i = &b->invitations[at];
    const bool known = i->open && sodium_memcmp(i->hash, hash, sizeof hash) == 0;
    if (known) {
        i->open = false;
        memcpy(id, i->id, IDEM_ID_BYTES);
        *slot = at;
    }
    err = known && now_ms < i->until_ms ? IDEM_OK : IDEM_ERR_NOT_FOUND;
    pthread_mutex_unlock(&b->lock);
    return err;
}

/* ------------------------------------------------------------------ cookies; all under the lock */

static void key_of(const struct idem_bindings *b, int64_t organisation,
                   const uint8_t cookie[IDEM_HASH_BYTES], uint8_t key[IDEM_HASH_BYTES])
{
    uint8_t of[sizeof organisation + IDEM_HASH_BYTES];

    memcpy(of, &organisation, sizeof organisation);
    memcpy(of + sizeof organisation, cookie, IDEM_HASH_BYTES);
    crypto_generichash(key, IDEM_HASH_BYTES, of, sizeof of, b->key, sizeof b->key);
}

/* The place is free afterwards. */
static void unbind(struct idem_bindings *b, int32_t at)
{
    struct bound *gone = &b->places[at];
    int32_t *link = &b->newest[gone->binding.slot];

    while (*link != at)
        link = &b->places[*link].next;
    *link = gone->next;
    idem_index_remove(b->index, gone->key);
    gone->next = b->free;
    b->free = at;
}

/* The session's oldest when it has as many as it may, else NOBODY. */
static int32_t one_too_many(const struct idem_bindings *b, int32_t slot)
{
    int32_t at = b->newest[slot];

    for (int i = 1; i < IDEM_BINDINGS_EACH_MAX && at != NOBODY; i++)
        at = b->places[at].next;
    return at;
}

int idem_bindings_oldest(struct idem_bindings *b, int32_t slot, uint8_t cookie[IDEM_HASH_BYTES])
{
    pthread_mutex_lock(&b->lock);
    int32_t at = one_too_many(b, slot);
    if (at != NOBODY)
        memcpy(cookie, b->places[at].binding.cookie, IDEM_HASH_BYTES);
    pthread_mutex_unlock(&b->lock);
    return at != NOBODY ? IDEM_OK : IDEM_ERR_NOT_FOUND;
}

static int put(struct idem_bindings *b, const struct idem_binding *binding)
{
    uint8_t key[IDEM_HASH_BYTES];
    int32_t at;

    key_of(b, binding->organisation, binding->cookie, key);
    if ((at = idem_index_find(b->index, key)) != NOBODY)
        unbind(b, at);
    if ((at = one_too_many(b, binding->slot)) != NOBODY)
        unbind(b, at);
    if ((at = b->free) == NOBODY)
        return IDEM_ERR_LIMIT;
    int err = idem_index_add(b->index, key, at);
    if (err != 0)
        return err;
    b->free = b->places[at].next;
    b->places[at].binding = *binding;
    memcpy(b->places[at].key, key, sizeof key);
    b->places[at].next = b->newest[binding->slot];
    b->newest[binding->slot] = at;
    return IDEM_OK;
}

bool idem_bindings_room(struct idem_bindings *b, const struct idem_binding *binding)
{
    uint8_t key[IDEM_HASH_BYTES];

    key_of(b, binding->organisation, binding->cookie, key);
    pthread_mutex_lock(&b->lock);
    const bool room = b->free != NOBODY || one_too_many(b, binding->slot) != NOBODY ||
                      idem_index_find(b->index, key) != NOBODY;
    pthread_mutex_unlock(&b->lock);
    return room;
}

int idem_bindings_put(struct idem_bindings *b, const struct idem_binding *binding)
{
    pthread_mutex_lock(&b->lock);
    int err = put(b, binding);
    pthread_mutex_unlock(&b->lock);
    return err;
}

int idem_bindings_find(struct idem_bindings *b, int64_t organisation,
                       const uint8_t cookie[IDEM_HASH_BYTES], struct idem_binding *out)
{
    uint8_t key[IDEM_HASH_BYTES];

    key_of(b, organisation, cookie, key);
    pthread_mutex_lock(&b->lock);
    int32_t at = idem_index_find(b->index, key);
    if (at != NOBODY)
        *out = b->places[at].binding;
    pthread_mutex_unlock(&b->lock);
    return at != NOBODY ? IDEM_OK : IDEM_ERR_NOT_FOUND;
}

bool idem_bindings_by(struct idem_bindings *b, int32_t slot, int64_t api_key)
{
    pthread_mutex_lock(&b->lock);
    int32_t at = b->newest[slot];
    while (at != NOBODY && b->places[at].binding.api_key != api_key)
        at = b->places[at].next;
    pthread_mutex_unlock(&b->lock);
    return at != NOBODY;
}

void idem_bindings_end(struct idem_bindings *b, int32_t slot)
{
    pthread_mutex_lock(&b->lock);
    b->invitations[slot].open = false;
    while (b->newest[slot] != NOBODY)
        unbind(b, b->newest[slot]);
    pthread_mutex_unlock(&b->lock);
}

void idem_bindings_end_key(struct idem_bindings *b, int64_t api_key)
{
    pthread_mutex_lock(&b->lock);
    for (int32_t slot = 0; slot < IDEM_SESSION_SLOTS_MAX; slot++) {
        for (int32_t at = b->newest[slot], next; at != NOBODY; at = next) {
            next = b->places[at].next;
            if (b->places[at].binding.api_key == api_key)
                unbind(b, at);
        }
    }
    pthread_mutex_unlock(&b->lock);
}
