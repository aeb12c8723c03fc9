/* SPDX-License-Identifier: Apache-2.0 */
/*
 * people.h - pseudonyms, and the profiles of the people who have a session open. Worker only, but
 * for idem_people_handle, which any thread may call.
 *
 * A name is looked up by its handle, a keyed hash; behind it the vault (store/vault.h) has the
 * pseudonym, which is random, and the key that everything of the person is sealed with in the
 * store. When the key is destroyed the way from the name to the pseudonym is gone too.
 *
 * A template is one person's profile of one modality on one device class, with what is known about
 * its learning. It is enrolled once it holds the strokes of constants.h, and stays so.
 *
 *   until_row   windows up to this row of the store are in the profile already or never will be; a
 *               replay after a restart passes them over
 *   anchor      what was enrolled, which later learning may not lead away from (model/adapt.h);
 *               NULL until something is learned: then the profile is its own anchor
 *   unsaved     enrolment was completed, or taken back, in memory; the store is told with the next
 *               transaction
 */
#ifndef IDEM_SERVER_PEOPLE_H
#define IDEM_SERVER_PEOPLE_H

#include "model/sketch.h"
#include "server/constants.h"
#include "store/ledger.h"
#include "store/vault.h"

enum { IDEM_PUBLIC_ID_TEXT = 24 /* "p_" and 22 characters */ };

struct idem_template {
    struct idem_profile *profile; /* NULL: nothing yet */
    struct idem_profile *anchor;
    bool enrolled, unsaved;
    uint32_t sessions;  /* that were enrolled from */
    int64_t counted_ms; /* when one of these last gave something; read back: the hour */
    int64_t learned_ms, day, until_row;
    double day_strokes;
};

struct idem_person {
    uint8_t id[IDEM_ID_BYTES];
    char name[IDEM_PUBLIC_ID_TEXT + 1]; /* the pseudonym, as the API writes it */
    int64_t organisation;
    uint8_t key_id[IDEM_ID_BYTES], key[IDEM_SEAL_KEY_BYTES];
    bool named;            /* the store has the name */
    bool erased;           /* or about to be: nobody gets the person any more */
    uint64_t acknowledged; /* acknowledgement.h; 0: nothing */
    int32_t slot;
    uint32_t sessions; /* live ones that hold this person in memory */
    struct idem_template templates[IDEM_DEVICE_CLASSES][IDEM_MODALITIES];
    struct idem_sketch sketches[IDEM_MODALITIES]; /* windows of all device classes, again.h */
};

struct idem_people;

/* What people are kept in; all of it outlives them. */
struct idem_people_parts {
    struct idem_store *store;
    struct idem_vault *vault;
    struct idem_ledger *ledger;
};

/* Reads DIR/pseudonym.key, or makes it when the store holds nobody yet. */
int idem_people_new(const char *dir, const struct idem_people_parts *parts,
                    const struct idem_front *front, struct idem_people **out);
void idem_people_free(struct idem_people *people);
struct idem_people_parts idem_people_parts_of(const struct idem_people *people);

/* What a name of the organisation is looked up by. Any thread. */
void idem_people_handle(const struct idem_people *people, const char *organisation,
                        const char *name, uint8_t handle[IDEM_ID_BYTES]);
/* IDEM_ERR_NOT_FOUND: nobody is known here by that name. */
int idem_people_find(struct idem_people *people, int64_t organisation,
                     const uint8_t handle[IDEM_ID_BYTES], uint8_t person[IDEM_ID_BYTES]);
/*
 * The same, and who is not known yet is from now on. Durable once idem_people_admitted has returned
 * 0, and before the store may hear of the person; on a failure nobody of those was admitted.
 */
int idem_people_admit(struct idem_people *people, int64_t organisation,
                      const uint8_t handle[IDEM_ID_BYTES], uint8_t person[IDEM_ID_BYTES]);
int idem_people_admitted(struct idem_people *people);
/* prefix: "p_" or "s_". */
void idem_public_id(const char *prefix, const uint8_t id[IDEM_ID_BYTES],
                    char text[IDEM_PUBLIC_ID_TEXT + 1]);
int idem_public_id_parse(const char *prefix, const char *text, uint8_t id[IDEM_ID_BYTES]);

/*
 * The person with what the store has; unknown to the store: a new one. One more reference.
 * IDEM_ERR_NOT_FOUND: the person has no key, so nothing that is stored can be read.
 */
int idem_people_get(struct idem_people *people, int64_t organisation,
                    const uint8_t id[IDEM_ID_BYTES], struct idem_person **out);
/* One reference less; the last one forgets the person here. */
void idem_people_put(struct idem_people *people, struct idem_person *person);

/* The person's row, inside the caller's transaction; and the name, sealed, when the store does not
 * have it yet. name: NULL when it is not known. */
int idem_people_add(struct idem_people *people, struct idem_person *person, const char *name,
                    const char *job, int64_t now_ms);
/* IDEM_ERR_NOT_FOUND: there is no such person, or no name or key. Whoever shows a name has asked
 * for the right, the reason and the line in the audit log before. */
int idem_people_name(struct idem_people *people, int64_t organisation,
                     const uint8_t person[IDEM_ID_BYTES], char name[IDEM_STORE_NAME_MAX + 1]);

/*
 * A window's payload for the store and back. What comes out stays until the next call.
 * IDEM_ERR_FORMAT: it is not what was sealed for this session under this number.
 */
int idem_people_seal_window(struct idem_people *people, const struct idem_person *person,
                            const uint8_t session[IDEM_ID_BYTES], struct idem_store_window *window);
int idem_people_open_window(struct idem_people *people, const struct idem_person *person,
                            const uint8_t session[IDEM_ID_BYTES],
                            const struct idem_store_window *stored, struct idem_store_window *out);
/* Of anybody's, loaded or not. IDEM_ERR_NOT_FOUND: the person has no key. */
int idem_people_open_sketch(struct idem_people *people, const struct idem_store_sketch *stored,
                            struct idem_sketch *out);

/* Frees what the template holds and empties it. */
void idem_template_fini(struct idem_template *template);
uint32_t idem_enrol_need(enum idem_modality modality);
/* As far as anybody may know: up to what enrolment needs, in quarters of it. */
uint32_t idem_enrol_quarters(enum idem_modality modality, uint32_t strokes);
/* Writes one template inside the caller's transaction. profile: what to write for it. */
int idem_people_save(struct idem_people *people, const struct idem_person *person,
                     uint8_t device_class, enum idem_modality modality,
                     const struct idem_template *template);
/* Writes the person's sketches as they will be when the session of that row has ended, inside the
 * caller's transaction; and after it, says so. */
int idem_people_save_sketches(struct idem_people *people, const struct idem_person *person,
                              int64_t session_row);
void idem_person_settle(struct idem_person *person, int64_t session_row);
/* A key for what is kept of browsers' addresses, of 32 bytes, derived likewise. */
void idem_people_client_key(const struct idem_people *people, uint8_t *key);
/* A key for imprints, derived from the one of the pseudonyms: who has the data base alone has
 * neither. */
void idem_people_imprint_key(const struct idem_people *people, uint8_t key[IDEM_SIPHASH_KEY]);
void idem_person_view(const struct idem_person *person, const char *organisation,
                      struct idem_person_view *out);
/* candidate: strokes per modality gathered elsewhere that are to be shown too. */
void idem_enrolment_view(const struct idem_person *person, uint8_t device_class,
                         const double candidate[IDEM_MODALITIES], struct idem_enrolment_view *out);
const char *idem_device_class_name(uint8_t device_class);
int idem_device_class_parse(const char *name, uint8_t *out);

#endif
