/* SPDX-License-Identifier: Apache-2.0 */
/*
 * from_store.c - see from_store.h. Profiles under another front, or too small to say anything, are
 * counted and told.
 */
#include "cli/from_store.h"

#include <stdlib.h>
#include <string.h>

#include "eval/relearn.h"
#include "model/profile.h"
#include "store/export.h"

enum { STROKES_MIN = 100 };

struct gathering {
    const struct idem_population *pop;
    struct idem_corpus corpus[IDEM_MODALITIES];
    uint8_t person[IDEM_MODALITIES][IDEM_ID_BYTES]; /* whose slices are being added */
    uint32_t foreign, small;
    struct idem_members members;
};

static int note_member(struct idem_members *members, const uint8_t *key_id)
{
    uint8_t *more = realloc(members->key_ids, (members->count + 1) * IDEM_ID_BYTES);
    if (!more)
        return IDEM_ERR_NOMEM;
    memcpy(more + members->count++ * IDEM_ID_BYTES, key_id, IDEM_ID_BYTES);
    members->key_ids = more;
    return 0;
}

/* A person's profiles of several device classes are slices of one person. */
static int add(struct gathering *g, const struct idem_store_profile *stored,
               const struct idem_profile *profile)
{
    struct idem_corpus *corpus = &g->corpus[stored->modality];
    uint8_t *last = g->person[stored->modality];
    int r = 0;
    if (profile->strokes < STROKES_MIN) {
        g->small++;
        return 0;
    }
    if (corpus->count == 0 || memcmp(last, stored->person, IDEM_ID_BYTES) != 0)
        r = idem_corpus_person(corpus);
    memcpy(last, stored->person, IDEM_ID_BYTES);
    return r == 0 ? idem_corpus_slice(corpus, profile->stats, profile->strokes) : r;
}

static int gather(void *arg, const struct idem_store_profile *stored, const uint8_t *key_id)
{
    struct gathering *g = arg;
    struct idem_profile *profile;
    if (stored->modality >= IDEM_MODALITIES)
        return IDEM_ERR_FORMAT;
    if (stored->front != idem_front_id(g->pop->front) || !g->pop->present[stored->modality]) {
        g->foreign++;
        return 0;
    }
    int r = idem_profile_parse(g->pop->front, stored->bytes, stored->len, &profile);
    if (r < 0)
        return r;
    r = profile->modality == (enum idem_modality)stored->modality ? add(g, stored, profile)
                                                                  : IDEM_ERR_FORMAT;
    const bool learned = profile->strokes >= STROKES_MIN;
    idem_profile_free(profile);
    return r == 0 && key_id && learned ? note_member(&g->members, key_id) : r;
}

static int relearn(const struct idem_from_store *from, struct gathering *g, struct idem_learned *l)
{
    int replaced = 0;
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        l->people[m] = (uint32_t)g->corpus[m].count;
        if (!l->population->present[m])
            continue;
        if (l->people[m] < from->people_min) {
            idem_cli_note("%s: %u people in %s, %u are asked for: the model stays as it is",
                          idem_modality_name(m), l->people[m], from->store, from->people_min);
            l->people[m] = 0;
            continue;
        }
        int r = idem_relearn(l->population, m, &g->corpus[m]);
        if (r < 0)
            return idem_cli_fail("learning the %s population: %s", idem_modality_name(m),
                                 idem_strerror(r));
        replaced++;
    }
    return replaced ? 0 : idem_cli_fail("%s: nothing to learn from yet", from->store);
}

static int gather_all(const struct idem_from_store *from, struct gathering *g)
{
    const char *why = NULL;
    uint32_t skipped = 0;
    int r = 0;
    for (int m = 0; m < IDEM_MODALITIES && r == 0; m++)
        if (g->pop->present[m])
            r = idem_relearn_corpus(g->pop, m, &g->corpus[m]);
    if (r == 0)
        r = idem_store_export_profiles(from->store, from->organisation, gather, g, &skipped, &why);
    if (r < 0)
        return idem_cli_fail("%s: %s", from->store, why ? why : idem_strerror(r));
    if (g->foreign)
        idem_cli_note("%u profiles left out: they belong to another front than %s's", g->foreign,
                      from->population);
    if (skipped)
        idem_cli_note("%u profiles left out: their people have no key (any more)", skipped);
    if (g->small)
        idem_cli_note("%u profiles left out: under %d strokes", g->small, STROKES_MIN);
    return 0;
}

int idem_cli_from_store(const struct idem_from_store *from, struct idem_learned *out,
                        struct idem_members *members)
{
    struct idem_learned learned;
    struct gathering g = {0};
    int r = idem_cli_read_population(from->population, &learned);
    if (r != 0)
        return r;
    g.pop = learned.population;
    r = gather_all(from, &g);
    if (r == 0)
        r = relearn(from, &g, &learned);
    for (int m = 0; m < IDEM_MODALITIES; m++)
        idem_corpus_fini(&g.corpus[m]);
    if (r != 0) {
        idem_population_free(learned.population);
        free(g.members.key_ids);
        return r;
    }
    *out = learned;
    *members = g.members;
    return 0;
}

int idem_cli_from_store_note(const struct idem_from_store *from, const struct idem_members *members,
                             const void *bytes, size_t len)
{
    uint8_t hash[IDEM_POPULATION_HASH];
    const char *why = NULL;
    if (members->count == 0)
        return 0;
    idem_population_hash(bytes, len, hash);
    int r = idem_store_members_add(from->store, hash, members->key_ids, members->count, &why);
    return r == 0 ? 0 : idem_cli_fail("%s: %s", from->store, why);
}
