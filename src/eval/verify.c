/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.c - the verify protocol, see protocol.h.
 */
#include <stdlib.h>
#include <string.h>

#include "eval/keys.h"
#include "eval/protocol.h"

/* A probe and whose it is. */
struct probe {
    uint32_t owner;
    bool first;
};

struct verify {
    const struct idem_recording *rec;
    const struct idem_front *front;
    const struct idem_filing *filing;
    const struct idem_protocol *protocol;
    struct idem_setup setup;
    struct probe *probes;
    uint32_t room;
};

/* How many sessions of a person enrol and how many are probed. */
static void count_sessions(const struct verify *v, const struct idem_person *person,
                           uint32_t *enrolling, uint32_t *probing)
{
    *enrolling = *probing = 0;
    for (uint32_t i = 0; i < person->count; i++) {
        *enrolling += idem_protocol_enrols(v->protocol, &v->rec->sessions[person->first + i], i);
        *probing += idem_protocol_probes(v->protocol, &v->rec->sessions[person->first + i], i);
    }
}

static int add_window(struct verify *v, struct idem_stat_set *set, uint32_t index,
                      const struct idem_stroke *strokes, uint32_t count)
{
    set->strokes[index] += (float)count;
    return idem_keys_window(v->filing, v->front, strokes, count, idem_stat_set_at(set, index));
}

static int enrol_person(struct verify *v, const struct idem_person *person, uint32_t *index)
{
    int r = idem_stat_set_add(&v->setup.profiles, index);
    for (uint32_t i = 0; i < person->count && r == 0; i++) {
        const struct idem_session *s = &v->rec->sessions[person->first + i];
        uint32_t count = s->count;
        if (!idem_protocol_enrols(v->protocol, s, i))
            continue;
        if (!v->protocol->cut && count > v->protocol->probe)
            count = v->protocol->probe;
        r = add_window(v, &v->setup.profiles, *index, v->rec->strokes + s->first, count);
    }
    return r;
}

static int add_probe(struct verify *v, uint32_t owner, bool first,
                     const struct idem_stroke *strokes, uint32_t count)
{
    uint32_t index;
    int r = idem_stat_set_add(&v->setup.probes, &index);
    if (r < 0)
        return r;
    if (index == v->room) {
        uint32_t room = v->room ? 2 * v->room : 1024;
        struct probe *grown = realloc(v->probes, room * sizeof *grown);
        if (!grown)
            return IDEM_ERR_NOMEM;
        v->probes = grown;
        v->room = room;
    }
    v->probes[index] = (struct probe){owner, first};
    return add_window(v, &v->setup.probes, index, strokes, count);
}

/* One probe of at most `probe` keys, or with cut every whole run (a shorter session is one run). */
static int probe_session(struct verify *v, uint32_t owner, bool *first,
                         const struct idem_session *s)
{
    const struct idem_stroke *strokes = v->rec->strokes + s->first;
    const uint32_t keys = v->protocol->probe;
    uint32_t runs = v->protocol->cut && s->count >= keys ? s->count / keys : 1;
    int r = 0;
    for (uint32_t i = 0; i < runs && r == 0; i++) {
        uint32_t left = s->count - i * keys;
        r = add_probe(v, owner, *first, strokes + (size_t)i * keys, left < keys ? left : keys);
        *first = false;
    }
    return r;
}

static int add_person(struct verify *v, const struct idem_person *person)
{
    uint32_t enrolling, probing, index;
    bool first = true;
    count_sessions(v, person, &enrolling, &probing);
    if (!enrolling || !probing)
        return 0;
    int r = enrol_person(v, person, &index);
    for (uint32_t i = 0; i < person->count && r == 0; i++)
        if (idem_protocol_probes(v->protocol, &v->rec->sessions[person->first + i], i))
            r = probe_session(v, index, &first, &v->rec->sessions[person->first + i]);
    return r;
}

static int pair(struct verify *v)
{
    int r = 0;
    for (uint32_t u = 0; u < v->setup.profiles.count; u++)
        for (uint32_t i = 0; i < v->setup.probes.count && r == 0; i++)
            if (v->probes[i].owner == u || v->probes[i].first)
                r = idem_comparisons_add(&v->setup.comparisons, u, i, v->probes[i].owner,
                                         v->probes[i].owner == u);
    return r;
}

int idem_setup_verify(const struct idem_recording *rec, const struct idem_front *front,
                      const struct idem_filing *filing, const struct idem_protocol *protocol,
                      struct idem_setup *out)
{
    struct verify v = {.rec = rec, .front = front, .filing = filing, .protocol = protocol};
    const struct idem_shape shape = idem_front_shape(front, IDEM_KEYBOARD);
    int r = shape.cells ? 0 : IDEM_ERR_MISMATCH;
    idem_stat_set_init(&v.setup.profiles, shape);
    idem_stat_set_init(&v.setup.probes, shape);
    for (uint32_t p = 0; p < rec->person_count && r == 0; p++)
        r = add_person(&v, &rec->people[p]);
    if (r == 0 && v.setup.profiles.count < 2)
        r = IDEM_ERR_TOO_LITTLE;
    if (r == 0)
        r = pair(&v);
    free(v.probes);
    if (r < 0)
        idem_setup_fini(&v.setup);
    else
        *out = v.setup;
    return r;
}
