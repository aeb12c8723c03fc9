/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c - see auth.h. */
#include "server/auth.h"

#include "server/index.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct idem_auth {
    char operator[IDEM_SECRET_TEXT + 1];
    uint8_t operator_hash[IDEM_HASH_BYTES];
    pthread_mutex_t lock; /* over all that follows */
    struct idem_index *hashes;
    uint32_t max;
    uint8_t ids[][IDEM_ID_BYTES]; /* by slot */
};

static void hash_token(const char *text, size_t len, uint8_t hash[IDEM_HASH_BYTES])
{
    crypto_generichash(hash, IDEM_HASH_BYTES, (const uint8_t *)text, len, NULL, 0);
}

int idem_auth_new(const char *dir, uint32_t max, struct idem_auth **out)
{
    uint8_t secret[IDEM_SECRET_BYTES];
    struct idem_auth *a = calloc(1, sizeof *a + (size_t)max * sizeof a->ids[0]);

    if (a == NULL)
        return IDEM_ERR_NOMEM;
    a->max = max;
    pthread_mutex_init(&a->lock, NULL);
    int err = idem_index_new(IDEM_HASH_BYTES, max, &a->hashes);
    if (err == 0)
        err = idem_secret_load(dir, "operator.token", true, secret);
    if (err != 0) {
        idem_auth_free(a);
        return err;
    }
    idem_secret_text(secret, a->operator);
    hash_token(a->operator, IDEM_SECRET_TEXT, a->operator_hash);
    sodium_memzero(secret, sizeof secret);
    *out = a;
    return IDEM_OK;
}

void idem_auth_free(struct idem_auth *auth)
{
    if (auth == NULL)
        return;
    idem_index_free(auth->hashes);
    pthread_mutex_destroy(&auth->lock);
    sodium_memzero(auth->operator, sizeof auth->operator);
    free(auth);
}

const char *idem_auth_operator(const struct idem_auth *auth)
{
    return auth->operator;
}

static bool find_session(struct idem_auth *a, const uint8_t hash[IDEM_HASH_BYTES],
                         struct idem_grant *grant)
{
    pthread_mutex_lock(&a->lock);
    grant->slot = idem_index_find(a->hashes, hash);
    if (grant->slot != IDEM_INDEX_NONE)
        memcpy(grant->id, a->ids[grant->slot], IDEM_ID_BYTES);
    pthread_mutex_unlock(&a->lock);
    return grant->slot != IDEM_INDEX_NONE;
}

enum idem_problem idem_auth_check(struct idem_auth *auth, const char *header,
                                  struct idem_grant *out)
{
    static const char scheme[] = "Bearer ";
    struct idem_grant grant = {.slot = IDEM_INDEX_NONE};
    uint8_t hash[IDEM_HASH_BYTES];

    if (header != NULL) {
        if (strncasecmp(header, scheme, sizeof scheme - 1) != 0)
            return IDEM_PROBLEM_TOKEN_UNKNOWN;
        header += sizeof scheme - 1;
        if (strlen(header) != IDEM_SECRET_TEXT)
            return IDEM_PROBLEM_TOKEN_UNKNOWN;
        hash_token(header, IDEM_SECRET_TEXT, hash);
        grant.operator= sodium_memcmp(hash, auth->operator_hash, sizeof hash) == 0;
        if (!grant.operator)
            grant.session = find_session(auth, hash, &grant);
        if (!grant.operator&& !grant.session)
            return IDEM_PROBLEM_TOKEN_UNKNOWN;
    }
    *out = grant;
    return IDEM_PROBLEM_NONE;
}

void idem_auth_token(char *text, uint8_t hash[IDEM_HASH_BYTES])
{
    uint8_t secret[IDEM_SECRET_BYTES];

    randombytes_buf(secret, sizeof secret);
    idem_secret_text(secret, text);
    hash_token(text, IDEM_SECRET_TEXT, hash);
    sodium_memzero(secret, sizeof secret);
}

int idem_auth_add(struct idem_auth *auth, const uint8_t hash[IDEM_HASH_BYTES],
                  const uint8_t id[IDEM_ID_BYTES], int32_t slot)
{
    if (slot < 0 || (uint32_t)slot >= auth->max)
        return IDEM_ERR_LIMIT;
    pthread_mutex_lock(&auth->lock);
    int err = idem_index_add(auth->hashes, hash, slot);
    if (err == 0)
        memcpy(auth->ids[slot], id, IDEM_ID_BYTES);
    pthread_mutex_unlock(&auth->lock);
    return err;
}

void idem_auth_remove(struct idem_auth *auth, const uint8_t hash[IDEM_HASH_BYTES], int32_t slot)
{
    pthread_mutex_lock(&auth->lock);
    if (idem_index_find(auth->hashes, hash) == slot)
        idem_index_remove(auth->hashes, hash);
    pthread_mutex_unlock(&auth->lock);
}
