/* SPDX-License-Identifier: Apache-2.0 */
/* leak_cost.c - see leak_cost.h. */
#include "eval/leak_cost.h"

#include <stdlib.h>

struct cost {
    const struct idem_leak_world *world;
    const struct idem_recording *rec;
    const struct idem_leak_cost_options *o;
    float *stats;
    struct idem_rng rng;
    struct idem_stat_set profiles, probes;
    uint32_t *owner; /* of each probe */
    bool *first;
    size_t room;
    struct idem_comparisons comparisons;
};

/* One window, as it leaves, added to a profile or probe. */
static void add_window(struct cost *c, uint32_t person, uint32_t at, float *to)
{
    const size_t len = idem_leak_len(c->world);
    idem_leak_window(c->world, person, at, c->o->keys, &c->rng, c->stats);
    for (size_t i = 0; i < len; i++)
        to[i] += c->stats[i];
}

static int new_probe(struct cost *c, uint32_t owner, bool first, uint32_t *index)
{
    int r = idem_stat_set_add(&c->probes, index);
    if (r == 0 && *index >= c->room) {
        size_t room = c->room ? 2 * c->room : 1024;
        uint32_t *owners = realloc(c->owner, room * sizeof *owners);
        bool *firsts = realloc(c->first, room * sizeof *firsts);
        c->owner = owners ? owners : c->owner;
        c->first = firsts ? firsts : c->first;
        if (!owners || !firsts)
            return IDEM_ERR_NOMEM;
        c->room = room;
    }
    if (r == 0) {
        c->owner[*index] = owner;
        c->first[*index] = first;
    }
    return r;
}

/* The strokes of a person's first sessions. */
static uint32_t enrolling(const struct cost *c, uint32_t person)
{
    const struct idem_person *p = &c->rec->people[c->world->people[person].index];
    uint32_t strokes = 0;
    for (uint32_t s = 0; s < p->count && s < c->o->enrol; s++)
        strokes += c->rec->sessions[p->first + s].count;
    return strokes;
}

static int add_person(struct cost *c, uint32_t person)
{
    const uint32_t keys = c->o->keys, border = enrolling(c, person);
    const uint32_t each = c->o->probe > keys ? c->o->probe / keys : 1;
    const uint32_t all = c->world->people[person].count;
    uint32_t profile, probe = 0, windows = 0;
    if (border < keys || all - border < each * keys)
        return 0;
    int r = idem_stat_set_add(&c->profiles, &profile);
    for (uint32_t at = 0; r == 0 && at + keys <= border; at += keys) {
        add_window(c, person, at, idem_stat_set_at(&c->profiles, profile));
        c->profiles.strokes[profile] += (float)keys;
    }
    for (uint32_t at = border; r == 0 && at + keys <= all; at += keys, windows++) {
        if (windows % each == 0) {
            if (at + each * keys > all)
                break;
            r = new_probe(c, profile, windows == 0, &probe);
        }
        if (r == 0) {
            add_window(c, person, at, idem_stat_set_at(&c->probes, probe));
            c->probes.strokes[probe] += (float)keys;
        }
    }
    return r;
}

static int pair(struct cost *c)
{
    int r = c->profiles.count < 2 ? IDEM_ERR_TOO_LITTLE : 0;
    for (uint32_t u = 0; u < c->profiles.count; u++)
        for (uint32_t i = 0; i < c->probes.count && r == 0; i++)
            if (c->owner[i] == u || c->first[i])
                r = idem_comparisons_add(&c->comparisons, u, i, c->owner[i], c->owner[i] == u);
    return r;
}

int idem_leak_cost(const struct idem_leak_world *world, const struct idem_recording *rec,
                   const struct idem_learned *learned, const struct idem_leak_cost_options *options,
                   struct idem_evaluation *out)
{
    const struct idem_compare_options how = {.raw = true};
    const struct idem_shape shape = idem_front_shape(world->front, IDEM_KEYBOARD);
    const struct idem_model *model = &learned->population->model[IDEM_KEYBOARD];
    struct cost c = {.world = world, .rec = rec, .o = options};
    idem_stat_set_init(&c.profiles, shape);
    idem_stat_set_init(&c.probes, shape);
    idem_rng_seed(&c.rng, options->seed);
    c.stats = malloc(idem_leak_len(world) * sizeof *c.stats);
    int r = c.stats ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t p = 0; p < world->count && r == 0; p++)
        r = add_person(&c, p);
    if (r == 0)
        r = pair(&c);
    if (r == 0)
        r = idem_compare(model, &c.profiles, &c.probes, &how, &c.comparisons);
    if (r == 0)
        r = idem_evaluate(&c.comparisons.results, out);
    idem_stat_set_fini(&c.profiles);
    idem_stat_set_fini(&c.probes);
    idem_comparisons_fini(&c.comparisons);
    free(c.owner);
    free(c.first);
    free(c.stats);
    return r;
}
