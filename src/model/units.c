/* SPDX-License-Identifier: Apache-2.0 */
/* units.c - see units.h. */
#include "model/units.h"

#include <stdlib.h>

static float *new_unit(struct idem_units *units, size_t len, size_t person)
{
    float *stats = calloc(len, sizeof *stats);
    if (stats == NULL)
        return NULL;
    units->person[units->count] = (uint32_t)person;
    return units->stats[units->count++] = stats;
}

static int add_person(struct idem_units *units, const struct idem_corpus *corpus, size_t person,
                      uint32_t strokes)
{
    const struct idem_slices *s = &corpus->people[person];
    const size_t len = idem_shape_len(corpus->shape);
    float *unit = NULL, have = 0, left = 0;

    for (uint32_t i = 0; i < s->count; i++)
        left += s->strokes[i];
    for (uint32_t i = 0; i < s->count; i++) {
        if (unit == NULL || (have >= (float)strokes && left >= (float)strokes / 3)) {
            unit = new_unit(units, len, person);
            if (unit == NULL)
                return IDEM_ERR_NOMEM;
            have = 0;
        }
        for (size_t k = 0; k < len; k++)
            unit[k] += s->stats[i * len + k];
        have += s->strokes[i];
        left -= s->strokes[i];
    }
    return IDEM_OK;
}

int idem_units_init(struct idem_units *units, const struct idem_corpus *corpus, uint32_t strokes)
{
    size_t most = 0;
    for (size_t u = 0; u < corpus->count; u++)
        most += corpus->people[u].count;
    *units = (struct idem_units){.stats = calloc(most + 1, sizeof *units->stats),
                                 .person = calloc(most + 1, sizeof *units->person)};
    int r = units->stats != NULL && units->person != NULL ? IDEM_OK : IDEM_ERR_NOMEM;
    for (size_t u = 0; u < corpus->count && r == 0; u++)
        r = add_person(units, corpus, u, strokes);
    if (r != 0)
        idem_units_fini(units);
    return r;
}

void idem_units_fini(struct idem_units *units)
{
    for (size_t i = 0; i < units->count; i++)
        free(units->stats[i]);
    free(units->stats);
    free(units->person);
    *units = (struct idem_units){0};
}
