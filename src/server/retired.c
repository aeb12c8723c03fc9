/* SPDX-License-Identifier: Apache-2.0 */
/* retired.c - see retired.h. A ring; whoever is overwritten is forgotten. */
#include "server/retired.h"

#include "server/constants.h"
#include "server/index.h"

#include <stdlib.h>
#include <string.h>

struct place {
    uint8_t hash[IDEM_HASH_BYTES];
    uint8_t session[IDEM_ID_BYTES];
    int64_t organisation;
    int32_t slot;
};

struct idem_retired {
    struct idem_index *hashes;
    uint32_t next, count;
    struct place ring[IDEM_TOKENS_RETIRED];
};

int idem_retired_new(struct idem_retired **out)
{
    struct idem_retired *r = calloc(1, sizeof *r);

    if (r == NULL)
        return IDEM_ERR_NOMEM;
    int err = idem_index_new(IDEM_HASH_BYTES, IDEM_TOKENS_RETIRED, &r->hashes);
    if (err != 0) {
        free(r);
        return err;
    }
    *out = r;
    return IDEM_OK;
}

void idem_retired_free(struct idem_retired *r)
{
    if (r != NULL)
        idem_index_free(r->hashes);
    free(r);
}

void idem_retired_add(struct idem_retired *r, const uint8_t hash[IDEM_HASH_BYTES],
                      const uint8_t session[IDEM_ID_BYTES], int64_t organisation, int32_t slot)
{
    struct place *p = &r->ring[r->next];

    if (idem_index_find(r->hashes, hash) != IDEM_INDEX_NONE)
        return;
    if (r->count == IDEM_TOKENS_RETIRED)
        idem_index_remove(r->hashes, p->hash);
    else
        r->count++;
    memcpy(p->hash, hash, sizeof p->hash);
    memcpy(p->session, session, sizeof p->session);
    p->organisation = organisation;
    p->slot = slot;
    idem_index_add(r->hashes, hash, (int32_t)r->next); /* there is room: one has just gone */
    r->next = (r->next + 1) % IDEM_TOKENS_RETIRED;
}

bool idem_retired_find(const struct idem_retired *r, const uint8_t hash[IDEM_HASH_BYTES],
                       uint8_t session[IDEM_ID_BYTES], int64_t *organisation, int32_t *slot)
{
    int32_t at = idem_index_find(r->hashes, hash);

    if (at == IDEM_INDEX_NONE)
        return false;
    memcpy(session, r->ring[at].session, IDEM_ID_BYTES);
    *organisation = r->ring[at].organisation;
    *slot = r->ring[at].slot;
    return true;
}
