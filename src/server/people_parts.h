/* SPDX-License-Identifier: Apache-2.0 */
/*
 * people_parts.h - the people from the inside, for the files that are it: people.c (ids, the cache,
 * profiles) and people_sealed.c (keys, and what is sealed with them).
 */
#ifndef IDEM_SERVER_PEOPLE_PARTS_H
#define IDEM_SERVER_PEOPLE_PARTS_H

#include "server/index.h"
#include "server/people.h"
#include "server/secrets.h"

struct idem_people {
    struct idem_store *store;
    struct idem_vault *vault;
    struct idem_ledger *ledger;
    const struct idem_front *front;
    uint8_t key[IDEM_SECRET_BYTES];
    struct idem_index *ids;
    bool admitting;     /* a transaction of the vault's is open */
    uint8_t *bytes;     /* one profile, written out, and behind it its anchor */
    size_t bytes_cap;   /* of either */
    uint8_t *sealed;    /* the same two, sealed; or one sketch or window */
    uint8_t *opened;    /* the same, opened */
    size_t sealed_half; /* of either's two halves */
    int32_t free_count;
    int32_t free_slots[IDEM_SESSION_SLOTS_MAX];
    struct idem_person *slots[IDEM_SESSION_SLOTS_MAX];
};

/* The buffers, once bytes_cap is known. */
int idem_people_alloc_sealed(struct idem_people *p);
void idem_people_free_sealed(struct idem_people *p);

/* The person's key, and whether the store has the name. IDEM_ERR_NOT_FOUND: there is no key. */
int idem_people_load_key(struct idem_people *p, struct idem_person *person);

/* What the row points at is replaced by its sealed form, which stays until the next call. */
void idem_people_seal_profile(struct idem_people *p, const struct idem_person *person,
                              struct idem_store_profile *row);
void idem_people_seal_sketch(struct idem_people *p, const uint8_t *key,
                             struct idem_store_sketch *row);
/* And back. */
int idem_people_open_profile(struct idem_people *p, const struct idem_person *person,
                             const struct idem_store_profile *row, struct idem_store_profile *out);
int idem_people_read_sketch(struct idem_people *p, const uint8_t *key,
                            const struct idem_store_sketch *row, struct idem_sketch *out);

#endif
