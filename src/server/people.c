/* SPDX-License-Identifier: Apache-2.0 */
/* people.c - see people.h. */
#include "server/people_parts.h"

#include "base/log.h"
#include "server/index.h"
#include "server/secrets.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const char *const device_classes[IDEM_DEVICE_CLASSES] = {"desktop", "laptop"};

const char *idem_device_class_name(uint8_t device_class)
{
    return device_classes[device_class];
}

int idem_device_class_parse(const char *name, uint8_t *out)
{
    for (uint8_t i = 0; i < IDEM_DEVICE_CLASSES; i++) {
        if (strcmp(device_classes[i], name) == 0) {
            *out = i;
            return IDEM_OK;
        }
    }
    return IDEM_ERR_INVALID;
}

/* ------------------------------------------------------------------ ids */

void idem_people_handle(const struct idem_people *people, const char *organisation,
                        const char *name, uint8_t handle[IDEM_ID_BYTES])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, people->key, sizeof people->key, IDEM_ID_BYTES);
    /* With the zero byte between them no two pairs are written alike. */
    crypto_generichash_update(&state, (const uint8_t *)organisation, strlen(organisation) + 1);
    crypto_generichash_update(&state, (const uint8_t *)name, strlen(name));
    crypto_generichash_final(&state, handle, IDEM_ID_BYTES);
}

void idem_people_client_key(const struct idem_people *people, uint8_t *key)
{
    static const uint8_t use[] = "addresses of browsers";
    crypto_generichash(key, IDEM_SECRET_BYTES, use, sizeof use, people->key, sizeof people->key);
}

void idem_people_imprint_key(const struct idem_people *people, uint8_t key[IDEM_SIPHASH_KEY])
{
    static const uint8_t use[] = "imprints of windows";
    crypto_generichash(key, IDEM_SIPHASH_KEY, use, sizeof use, people->key, sizeof people->key);
}

void idem_public_id(const char *prefix, const uint8_t id[IDEM_ID_BYTES],
                    char text[IDEM_PUBLIC_ID_TEXT + 1])
{
    memcpy(text, prefix, 2);
    sodium_bin2base64(text + 2, IDEM_PUBLIC_ID_TEXT - 1, id, IDEM_ID_BYTES,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

int idem_public_id_parse(const char *prefix, const char *text, uint8_t id[IDEM_ID_BYTES])
{
    size_t n = 0;

    if (strlen(text) != IDEM_PUBLIC_ID_TEXT || memcmp(prefix, text, 2) != 0 ||
        sodium_base642bin(id, IDEM_ID_BYTES, text + 2, IDEM_PUBLIC_ID_TEXT - 2, NULL, &n, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        n != IDEM_ID_BYTES)
        return IDEM_ERR_FORMAT;
    return IDEM_OK;
}

/* ------------------------------------------------------------------ set-up */

/* A new key would make strangers of everybody who is enrolled. */
static int load_key(struct idem_people *p, const char *dir)
{
    int64_t known = 0;
    int err = p->store->ops->person_count(p->store, &known);

    if (err == 0)
        err = idem_secret_load(dir, "pseudonym.key", known == 0, p->key);
    if (err != 0 && known > 0)
        idem_log(IDEM_LOG_ERROR,
                 "%lld people are stored under the key in %s/pseudonym.key: bring it back, or "
                 "begin with an empty data directory",
                 (long long)known, dir);
    return err;
}

static int alloc_bytes(struct idem_people *p)
{
    for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++) {
        struct idem_profile *profile;
        if (idem_front_cells(p->front, m) == 0)
            continue;
        int err = idem_profile_new(p->front, m, &profile);
        if (err != 0)
            return err;
        if (idem_profile_size(profile) > p->bytes_cap)
            p->bytes_cap = idem_profile_size(profile);
        idem_profile_free(profile);
    }
    if (p->bytes_cap > IDEM_STORE_PROFILE_MAX)
        return IDEM_ERR_LIMIT;
    p->bytes = malloc(2 * p->bytes_cap + 1);
    return p->bytes != NULL ? idem_people_alloc_sealed(p) : IDEM_ERR_NOMEM;
}

int idem_people_new(const char *dir, const struct idem_people_parts *parts,
                    const struct idem_front *front, struct idem_people **out)
{
    struct idem_people *p = calloc(1, sizeof *p);
    int err;

    if (p == NULL)
        return IDEM_ERR_NOMEM;
    p->store = parts->store;
    p->vault = parts->vault;
    p->ledger = parts->ledger;
    p->front = front;
    while (p->free_count < IDEM_SESSION_SLOTS_MAX) {
        p->free_slots[p->free_count] = IDEM_SESSION_SLOTS_MAX - 1 - p->free_count;
        p->free_count++;
    }
    if ((err = load_key(p, dir)) != 0 || (err = alloc_bytes(p)) != 0 ||
        (err = idem_index_new(IDEM_ID_BYTES, IDEM_SESSION_SLOTS_MAX, &p->ids)) != 0) {
        idem_people_free(p);
        return err;
    }
    *out = p;
    return IDEM_OK;
}

void idem_template_fini(struct idem_template *template)
{
    idem_profile_free(template->profile);
    idem_profile_free(template->anchor);
    memset(template, 0, sizeof *template);
}

static void free_person(struct idem_person *person)
{
    for (int m = 0; person != NULL && m < IDEM_MODALITIES; m++)
        idem_sketch_fini(&person->sketches[m]);
    for (int c = 0; person != NULL && c < IDEM_DEVICE_CLASSES; c++)
        for (int m = 0; m < IDEM_MODALITIES; m++)
            idem_template_fini(&person->templates[c][m]);
    if (person != NULL)
        sodium_memzero(person->key, sizeof person->key);
    free(person);
}

void idem_people_free(struct idem_people *people)
{
    if (people == NULL)
        return;
    for (int i = 0; i < IDEM_SESSION_SLOTS_MAX; i++)
        free_person(people->slots[i]);
    idem_index_free(people->ids);
    sodium_memzero(people->key, sizeof people->key);
    idem_people_free_sealed(people);
    free(people->bytes);
    free(people);
}

/* ------------------------------------------------------------------ the cache */

uint32_t idem_enrol_need(enum idem_modality modality)
{
    return modality == IDEM_KEYBOARD ? IDEM_ENROL_KEYS : IDEM_ENROL_GESTURES;
}

uint32_t idem_enrol_quarters(enum idem_modality m, uint32_t strokes)
{
    const uint32_t need = idem_enrol_need(m);
    return strokes >= need ? need : strokes - strokes % (need / 4);
}

struct loading {
    struct idem_people *people;
    struct idem_person *person;
};

static int load_profile(void *arg, const struct idem_store_profile *row)
{
    struct loading *l = arg;
    struct idem_store_profile opened, *stored = &opened;
    struct idem_profile *profile;

    if (row->device_class >= IDEM_DEVICE_CLASSES || row->modality >= IDEM_MODALITIES)
        return IDEM_ERR_FORMAT;
    struct idem_template *t = &l->person->templates[row->device_class][row->modality];
    t->until_row = row->until_row;
    t->sessions = row->sessions;
    /* Sums under another front mean nothing here: the person enrols again. */
    if (row->front != idem_front_id(l->people->front))
        return IDEM_OK;
    int err = idem_people_open_profile(l->people, l->person, row, stored);
    if (err == 0)
        err = idem_profile_parse(l->people->front, stored->bytes, stored->len, &profile);
    if (err != 0)
        return err;
    t->profile = profile;
    if (stored->anchor_len > 0)
        err = idem_profile_parse(l->people->front, stored->anchor, stored->anchor_len, &t->anchor);
    if (err != 0)
        return err;
    t->enrolled = idem_profile_strokes(profile) >= idem_enrol_need(stored->modality);
    t->learned_ms = t->counted_ms = stored->learned_ms;
    t->day = stored->day;
    t->day_strokes = stored->day_strokes;
    return IDEM_OK;
}

static int load_sketch(void *arg, const struct idem_store_sketch *stored)
{
    struct loading *l = arg;

    if (stored->modality >= IDEM_MODALITIES)
        return IDEM_ERR_FORMAT;
    if (stored->front != idem_front_id(l->people->front))
        return IDEM_OK;
    return idem_people_read_sketch(l->people, l->person->key, stored,
                                   &l->person->sketches[stored->modality]);
}

static int load_person(struct idem_people *p, int64_t organisation, const uint8_t *id,
                       struct idem_person **out)
{
    struct idem_person *person = calloc(1, sizeof *person);
    if (person == NULL)
        return IDEM_ERR_NOMEM;
    memcpy(person->id, id, IDEM_ID_BYTES);
    person->organisation = organisation;
    idem_public_id("p_", id, person->name);
    struct loading l = {p, person};
    int err = idem_people_load_key(p, person);
    if (err == 0)
        err = p->store->ops->profiles(p->store, organisation, id, load_profile, &l);
    if (err == 0)
        err = p->store->ops->sketches(p->store, organisation, id, load_sketch, &l);
    if (err != 0) {
        free_person(person);
        return err;
    }
    *out = person;
    return IDEM_OK;
}

int idem_people_get(struct idem_people *people, int64_t organisation,
                    const uint8_t id[IDEM_ID_BYTES], struct idem_person **out)
{
    struct idem_person *person;
    int32_t slot = idem_index_find(people->ids, id);

    if (slot == IDEM_INDEX_NONE) {
        if (people->free_count == 0)
            return IDEM_ERR_LIMIT;
        int err = load_person(people, organisation, id, &person);
        if (err != 0)
            return err;
        person->slot = slot = people->free_slots[people->free_count - 1];
        if ((err = idem_index_add(people->ids, id, slot)) != 0) {
            free_person(person);
            return err;
        }
        people->free_count--;
        people->slots[slot] = person;
    }
    if (people->slots[slot]->erased)
        return IDEM_ERR_NOT_FOUND;
    people->slots[slot]->sessions++;
    *out = people->slots[slot];
    return IDEM_OK;
}

void idem_people_put(struct idem_people *people, struct idem_person *person)
{
    if (person == NULL || --person->sessions > 0)
        return;
    idem_index_remove(people->ids, person->id);
    people->slots[person->slot] = NULL;
    people->free_slots[people->free_count++] = person->slot;
    free_person(person);
}

/* ------------------------------------------------------------------ saving and showing */

int idem_people_save(struct idem_people *people, const struct idem_person *person,
                     uint8_t device_class, enum idem_modality modality,
                     const struct idem_template *template)
{
    struct idem_store_profile row = {
        .organisation = person->organisation,
        .device_class = device_class,
        .modality = (uint8_t)modality,
        .front = idem_front_id(people->front),
        .bytes = people->bytes,
        .learned_ms = template->learned_ms,
        .day = template->day,
        .day_strokes = template->day_strokes,
        .until_row = template->until_row,
        .sessions = template->sessions,
    };
    uint8_t *anchor = people->bytes + people->bytes_cap;
    int err = idem_profile_write(template->profile, people->bytes, people->bytes_cap, &row.len);
    if (err == 0 && template->anchor != NULL) {
        row.anchor = anchor;
        err = idem_profile_write(template->anchor, anchor, people->bytes_cap, &row.anchor_len);
    }
    if (err != 0)
        return err;
    memcpy(row.person, person->id, IDEM_ID_BYTES);
    idem_people_seal_profile(people, person, &row);
    return people->store->ops->profile_put(people->store, &row);
}

int idem_people_save_sketches(struct idem_people *people, const struct idem_person *person,
                              int64_t session_row)
{
    uint8_t bytes[IDEM_SKETCH_BYTES_MAX];
    struct idem_store_sketch row = {.organisation = person->organisation,
                                    .front = idem_front_id(people->front)};
    int err = IDEM_OK;

    memcpy(row.person, person->id, IDEM_ID_BYTES);
    for (enum idem_modality m = 0; m < IDEM_MODALITIES && err == 0; m++) {
        row.modality = (uint8_t)m;
        if (person->sketches[m].count == 0)
            continue;
        err = idem_sketch_write(&person->sketches[m], (uint32_t)session_row, bytes, sizeof bytes,
                                &row.len);
        row.bytes = bytes;
        if (err == 0) {
            const size_t padded = idem_sketch_padded(row.len);
            memset(bytes + row.len, 0, padded - row.len);
            row.len = padded;
            idem_people_seal_sketch(people, person->key, &row);
            err = people->store->ops->sketch_put(people->store, &row);
        }
    }
    return err;
}

void idem_person_settle(struct idem_person *person, int64_t session_row)
{
    for (int m = 0; m < IDEM_MODALITIES; m++)
        idem_sketch_settle(&person->sketches[m], (uint32_t)session_row);
}

static uint32_t strokes_of(const struct idem_template *t)
{
    return t->profile != NULL ? (uint32_t)(idem_profile_strokes(t->profile) + 0.5) : 0;
}

void idem_enrolment_view(const struct idem_person *person, uint8_t device_class,
                         const double candidate[IDEM_MODALITIES], struct idem_enrolment_view *out)
{
    bool any = false, enrolled = false;

    for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++) {
        const struct idem_template *t = &person->templates[device_class][m];
        struct idem_enrolment_part *part = &out->part[m];
        part->need = idem_enrol_need(m);
        part->have = strokes_of(t) + (uint32_t)(candidate[m] + 0.5);
        part->enrolled = t->enrolled;
        if (part->have > part->need)
            part->have = part->need;
        any = any || part->have > 0;
        enrolled = enrolled || t->enrolled;
    }
    out->state = enrolled ? "enrolled" : any ? "enrolling" : "new";
    out->waits_for = NULL;
}

/* The person as a whole is as far as the device class that is furthest. */
static void person_enrolment(const struct idem_person *person, struct idem_enrolment_view *out)
{
    static const double none[IDEM_MODALITIES];
    struct idem_enrolment_view view;

    idem_enrolment_view(person, 0, none, out);
    for (uint8_t c = 1; c < IDEM_DEVICE_CLASSES; c++) {
        idem_enrolment_view(person, c, none, &view);
        for (int m = 0; m < IDEM_MODALITIES; m++)
            if (view.part[m].have > out->part[m].have)
                out->part[m] = view.part[m];
        if (strcmp(view.state, "enrolled") == 0 || strcmp(out->state, "new") == 0)
            out->state = view.state;
    }
}

void idem_person_view(const struct idem_person *person, const char *organisation,
                      struct idem_person_view *out)
{
    memset(out, 0, sizeof *out);
    out->id = person->name;
    out->organisation = organisation;
    for (uint8_t c = 0; c < IDEM_DEVICE_CLASSES; c++) {
        for (enum idem_modality m = 0; m < IDEM_MODALITIES; m++) {
            const struct idem_template *t = &person->templates[c][m];
            if (t->profile == NULL)
                continue;
            out->profiles[out->profile_count++] = (struct idem_profile_view){
                .modality = idem_modality_name(m),
                .device_class = device_classes[c],
                .strokes = idem_enrol_quarters(m, strokes_of(t)),
                .need = idem_enrol_need(m),
                .enrolled = t->enrolled,
                .learned_ms = t->learned_ms,
            };
        }
    }
    person_enrolment(person, &out->enrolment);
    for (int m = 0; m < IDEM_MODALITIES; m++)
        out->enrolment.part[m].have = idem_enrol_quarters(m, out->enrolment.part[m].have);
}
