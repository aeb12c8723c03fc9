/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bout.c - see bout.h.
 */
#include "eval/bout.h"

#include "idem/idem.h"

void idem_bout_init(struct idem_bout *bout, struct idem_shape shape, uint32_t each,
                    uint32_t impostor_probes)
{
    *bout = (struct idem_bout){.each = each, .impostor_probes = impostor_probes};
    idem_stat_set_init(&bout->profiles, shape);
    idem_stat_set_init(&bout->probes, shape);
}

void idem_bout_fini(struct idem_bout *bout)
{
    idem_stat_set_fini(&bout->profiles);
    idem_stat_set_fini(&bout->probes);
    idem_comparisons_fini(&bout->comparisons);
}

static void add_window(const struct idem_timelines *t, uint32_t person, uint32_t window,
                       double weight, struct idem_stat_set *set)
{
    const float *stats = idem_timeline_at(t, person, window);
    float *to = idem_stat_set_at(set, set->count - 1);
    for (size_t i = 0; i < t->len; i++)
        to[i] += (float)weight * stats[i];
    set->strokes[set->count - 1] += (float)weight * t->people[person].strokes[window];
}

int idem_bout_sum(const struct idem_timelines *t, uint32_t person, uint32_t from, uint32_t end,
                  uint32_t count, struct idem_stat_set *set)
{
    uint32_t index;
    int r = idem_stat_set_add(set, &index);
    for (uint32_t k = 0; r == 0 && k < count; k++)
        add_window(t, person, from + (uint32_t)((uint64_t)(end - from) * k / count), 1, set);
    return r;
}

void idem_bout_add(const struct idem_timelines *t, uint32_t person, uint32_t from, uint32_t end,
                   double weight, struct idem_stat_set *set)
{
    for (uint32_t w = from; w < end; w++)
        add_window(t, person, w, weight, set);
}

static int pair(struct idem_bout *b)
{
    int r = 0;
    for (uint32_t u = 0; u < b->profiles.count; u++)
        for (uint32_t i = 0; i < b->probes.count && r == 0; i++) {
            const uint32_t owner = i / b->each;
            if (owner == u || i % b->each < b->impostor_probes)
                r = idem_comparisons_add(&b->comparisons, u, i, owner, owner == u);
        }
    return r;
}

int idem_bout_run(const struct idem_model *model, struct idem_bout *bout)
{
    static const struct idem_compare_options none;
    if (bout->profiles.count < 2)
        return IDEM_ERR_TOO_LITTLE;
    int r = pair(bout);
    if (r == 0)
        r = idem_compare(model, &bout->profiles, &bout->probes, &none, &bout->comparisons);
    return r < 0 ? r : idem_evaluate(&bout->comparisons.results, &bout->evaluation);
}
