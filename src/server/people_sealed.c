/* SPDX-License-Identifier: Apache-2.0 */
/*
 * people_sealed.c - from a name to a person and the person's key, and what is sealed with it on its
 * way to the store and back; see people.h. The store itself knows bytes only.
 */
#include "server/people_parts.h"

#include "store/privacy.h"
#include "store/sealed.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ buffers */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

int idem_people_alloc_sealed(struct idem_people *p)
{
    p->sealed_half = p->bytes_cap + IDEM_SEALED_PROFILE_OVER;
    p->sealed_half = larger(p->sealed_half, IDEM_SKETCH_BYTES_MAX + IDEM_SEAL_OVERHEAD);
    p->sealed_half = larger(p->sealed_half, IDEM_STORE_PAYLOAD_MAX);
    p->sealed = malloc(2 * p->sealed_half);
    p->opened = malloc(2 * p->sealed_half);
    return p->sealed != NULL && p->opened != NULL ? IDEM_OK : IDEM_ERR_NOMEM;
}

void idem_people_free_sealed(struct idem_people *p)
{
    if (p->opened != NULL)
        sodium_memzero(p->opened, 2 * p->sealed_half);
    free(p->opened);
    free(p->sealed);
}

/* ------------------------------------------------------------------ who it is */

struct idem_people_parts idem_people_parts_of(const struct idem_people *people)
{
    return (struct idem_people_parts){people->store, people->vault, people->ledger};
}

/* An erasure that was begun and could not be finished: the key is as good as gone. */
static bool is_erased(const struct idem_people *p, const uint8_t *key_id)
{
    return idem_ledger_find(p->ledger, key_id) != NULL;
}

int idem_people_find(struct idem_people *people, int64_t organisation,
                     const uint8_t handle[IDEM_ID_BYTES], uint8_t person[IDEM_ID_BYTES])
{
    struct idem_vault_entry entry;
    int err = idem_vault_by_handle(people->vault, handle, &entry);

    if (err == 0 && entry.organisation != organisation)
        err = IDEM_ERR_NOT_FOUND;
    if (err == 0 && is_erased(people, entry.key_id))
        err = IDEM_ERR_IO;
    if (err == 0)
        memcpy(person, entry.person, IDEM_ID_BYTES);
    sodium_memzero(&entry, sizeof entry);
    return err;
}

static int add_new(struct idem_people *people, int64_t organisation, const uint8_t *handle,
                   uint8_t *person)
{
    struct idem_vault_entry entry = {.organisation = organisation};
    int err = people->admitting ? IDEM_OK : idem_vault_begin(people->vault);

    if (err != 0)
        return err;
    people->admitting = true;
    memcpy(entry.handle, handle, sizeof entry.handle);
    err = idem_vault_add_new(people->vault, &entry);
    if (err == 0)
        memcpy(person, entry.person, IDEM_ID_BYTES);
    sodium_memzero(&entry, sizeof entry);
    return err;
}

static void admit_nobody(struct idem_people *people)
{
    if (people->admitting)
        idem_vault_rollback(people->vault);
    people->admitting = false;
}

int idem_people_admit(struct idem_people *people, int64_t organisation,
                      const uint8_t handle[IDEM_ID_BYTES], uint8_t person[IDEM_ID_BYTES])
{
    int err = idem_people_find(people, organisation, handle, person);

    if (err == IDEM_ERR_NOT_FOUND)
        err = add_new(people, organisation, handle, person);
    if (err != 0)
        admit_nobody(people);
    return err;
}

int idem_people_admitted(struct idem_people *people)
{
    int err = people->admitting ? idem_vault_commit(people->vault) : IDEM_OK;

    if (err != 0)
        admit_nobody(people);
    people->admitting = false;
    return err;
}

static int key_of(struct idem_people *p, int64_t organisation, const uint8_t *person,
                  struct idem_vault_entry *out)
{
    int err = idem_vault_by_person(p->vault, organisation, person, out);
    return err == 0 && is_erased(p, out->key_id) ? IDEM_ERR_NOT_FOUND : err;
}

int idem_people_load_key(struct idem_people *p, struct idem_person *person)
{
    struct idem_vault_entry entry;
    uint8_t name[IDEM_STORE_SEALED_NAME_MAX];
    size_t len;
    int err = key_of(p, person->organisation, person->id, &entry);

    if (err == 0) {
        memcpy(person->key_id, entry.key_id, sizeof person->key_id);
        memcpy(person->key, entry.key, sizeof person->key);
        err = p->store->privacy->name_get(p->store, person->organisation, person->id, name, &len);
        person->named = err == 0;
        if (err == IDEM_ERR_NOT_FOUND)
            err = IDEM_OK;
    }
    sodium_memzero(&entry, sizeof entry);
    return err;
}

/* ------------------------------------------------------------------ rows of people, and names */

static int put_name(struct idem_people *people, struct idem_person *person, const char *name)
{
    const struct idem_seal_label label = idem_sealed_name(person->organisation, person->id);
    uint8_t sealed[IDEM_STORE_SEALED_NAME_MAX];
    size_t len = strlen(name);

    if (len > IDEM_STORE_NAME_MAX)
        return IDEM_ERR_LIMIT;
    idem_seal(person->key, &label, name, len, sealed, &len);
    return people->store->privacy->name_put(people->store, person->organisation, person->id, sealed,
                                            len);
}

int idem_people_add(struct idem_people *people, struct idem_person *person, const char *name,
                    const char *job, int64_t now_ms)
{
    struct idem_store *store = people->store;
    int err = store->ops->person_add(store, person->organisation, person->id, person->key_id, job,
                                     now_ms);

    if (err == 0 && name != NULL && !person->named)
        err = put_name(people, person, name);
    return err;
}

int idem_people_name(struct idem_people *people, int64_t organisation,
                     const uint8_t person[IDEM_ID_BYTES], char name[IDEM_STORE_NAME_MAX + 1])
{
    const struct idem_seal_label label = idem_sealed_name(organisation, person);
    uint8_t sealed[IDEM_STORE_SEALED_NAME_MAX];
    struct idem_vault_entry entry;
    struct idem_store *store = people->store;
    size_t len;
    int err = store->privacy->name_get(store, organisation, person, sealed, &len);

    if (err == 0)
        err = key_of(people, organisation, person, &entry);
    if (err == 0)
        err = idem_unseal(entry.key, &label, sealed, len, (uint8_t *)name, &len);
    if (err == 0)
        name[len] = '\0';
    sodium_memzero(&entry, sizeof entry);
    return err;
}

/* ------------------------------------------------------------------ profiles */

void idem_people_seal_profile(struct idem_people *p, const struct idem_person *person,
                              struct idem_store_profile *row)
{
    idem_sealed_profile_seal(person->key, row, p->opened, p->sealed, p->sealed + p->sealed_half);
}

int idem_people_open_profile(struct idem_people *p, const struct idem_person *person,
                             const struct idem_store_profile *row, struct idem_store_profile *out)
{
    if (row->len > p->sealed_half || row->anchor_len > p->sealed_half)
        return IDEM_ERR_FORMAT;
    return idem_sealed_profile_open(person->key, row, p->opened, p->opened + p->sealed_half, out);
}

/* ------------------------------------------------------------------ sketches */

void idem_people_seal_sketch(struct idem_people *p, const uint8_t *key,
                             struct idem_store_sketch *row)
{
    const struct idem_seal_label label = idem_sealed_sketch(row);

    idem_seal(key, &label, row->bytes, row->len, p->sealed, &row->len);
    row->bytes = p->sealed;
}

int idem_people_read_sketch(struct idem_people *p, const uint8_t *key,
                            const struct idem_store_sketch *row, struct idem_sketch *out)
{
    const struct idem_seal_label label = idem_sealed_sketch(row);
    size_t len;

    if (row->len > p->sealed_half)
        return IDEM_ERR_FORMAT;
    int err = idem_unseal(key, &label, row->bytes, row->len, p->opened, &len);
    return err != 0 ? err : idem_sketch_parse(p->opened, len, out);
}

int idem_people_open_sketch(struct idem_people *people, const struct idem_store_sketch *stored,
                            struct idem_sketch *out)
{
    struct idem_vault_entry entry;
    int err = key_of(people, stored->organisation, stored->person, &entry);

    if (err == 0)
        err = idem_people_read_sketch(people, entry.key, stored, out);
    sodium_memzero(&entry, sizeof entry);
    return err;
}

/* ------------------------------------------------------------------ windows */

int idem_people_seal_window(struct idem_people *people, const struct idem_person *person,
                            const uint8_t session[IDEM_ID_BYTES], struct idem_store_window *window)
{
    const struct idem_seal_label label =
        idem_sealed_window(person->organisation, person->id, session, window->seq);

    if (window->len + IDEM_SEAL_OVERHEAD > IDEM_STORE_PAYLOAD_MAX)
        return IDEM_ERR_LIMIT;
    idem_seal(person->key, &label, window->payload, window->len, people->sealed, &window->len);
    window->payload = people->sealed;
    return IDEM_OK;
}

int idem_people_open_window(struct idem_people *people, const struct idem_person *person,
                            const uint8_t session[IDEM_ID_BYTES],
                            const struct idem_store_window *stored, struct idem_store_window *out)
{
    const struct idem_seal_label label =
        idem_sealed_window(person->organisation, person->id, session, stored->seq);
    struct idem_store_window opened = *stored;

    if (stored->len > people->sealed_half)
        return IDEM_ERR_FORMAT;
    int err =
        idem_unseal(person->key, &label, stored->payload, stored->len, people->opened, &opened.len);
    if (err != 0)
        return err;
    opened.payload = people->opened;
    *out = opened;
    return IDEM_OK;
}
