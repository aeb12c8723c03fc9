/* SPDX-License-Identifier: Apache-2.0 */
/* shift.c - see shift.h. */
#include "model/shift.h"

#include "model/adapt.h"
#include "window/window.h"

#include <stdlib.h>
#include <string.h>

static const double within = 0.05, prior = 1.0;

/* 0 left, 1 right, 2 anything else, for each zone of holds or of flights. */
static void hands(const uint16_t *zone_of_key, const struct idem_zoning *hand, uint8_t *out)
{
    for (uint32_t key = 0; key < IDEM_KEYS; key++) {
        const uint16_t h = hand->hold[key];
        out[zone_of_key[key]] = (uint8_t)(h < 2 ? h : 2);
    }
}

void idem_shift_groups(const struct idem_front *front, uint8_t *out)
{
    const struct idem_zoning *z = &front->zoning;
    struct idem_zoning hand;
    uint8_t hold[UINT8_MAX + 1] = {0}, flight[UINT8_MAX + 1] = {0};

    memset(out, IDEM_SHIFT_FLIGHT_OTHER, front->cells);
    if (idem_zoning_init(&hand, IDEM_LEVEL_HAND) != 0 || z->holds > UINT8_MAX ||
        z->flights > UINT8_MAX)
        return;
    hands(z->hold, &hand, hold);
    hands(z->flight, &hand, flight);
    for (uint32_t c = 0; c < front->cells; c++) {
        const uint32_t slot = front->slot[c];
        out[c] = slot < z->holds
                     ? (uint8_t)(IDEM_SHIFT_HOLD_LEFT + hold[slot])
                     : (uint8_t)(IDEM_SHIFT_FLIGHT_LEFT + flight[(slot - z->holds) % z->flights]);
    }
}

void idem_shift_estimate(const uint8_t *groups, const struct idem_profile *profile,
                         const float *probe, struct idem_shifts *out)
{
    const uint32_t cells = profile->shape.cells;
    double weight[IDEM_SHIFTS] = {0};
    struct idem_shifts sum = {0};

    for (uint32_t c = 0; c < cells; c++) {
        const double n = (double)probe[c], N = (double)profile->stats[c];
        if (n <= 0 || N <= 0)
            continue;
        const double w = 1 / (1 / n + 1 / N + within);
        const float *f = probe + cells + (size_t)c * IDEM_CONTRASTS;
        const float *F = profile->stats + cells + (size_t)c * IDEM_CONTRASTS;
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            sum.by[groups[c]][k] += w * ((double)f[k] / n - (double)F[k] / N);
        weight[groups[c]] += w;
    }
    for (int g = 0; g < IDEM_SHIFTS; g++) {
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            out->by[g][k] = sum.by[g][k] / (weight[g] + 1 / prior);
    }
}

void idem_shift_remove(const uint8_t *groups, uint32_t cells, const struct idem_shifts *shifts,
                       float *stats)
{
    for (uint32_t c = 0; c < cells; c++) {
        float *f = stats + cells + (size_t)c * IDEM_CONTRASTS;
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            f[k] = (float)((double)f[k] - (double)stats[c] * shifts->by[groups[c]][k]);
    }
}

double idem_shift_llr(struct idem_scorer *scorer, const uint8_t *groups,
                      const struct idem_profile *profile, const float *probe, double strokes)
{
    const uint32_t cells = idem_stroke_cells(profile->modality, profile->shape);
    const float *stats = scorer->stats;
    struct idem_shifts shifts;
    double raw;

    memcpy(scorer->stats, probe, idem_shape_len(profile->shape) * sizeof *scorer->stats);
    idem_shift_estimate(groups, profile, probe, &shifts);
    idem_shift_remove(groups, profile->shape.cells, &shifts, scorer->stats);
    idem_scorer_raw(scorer, profile, &stats, 1, &raw);
    return idem_scorer_finish(scorer, profile, raw, idem_strokes_held(stats, cells, strokes))
        .unbounded;
}

int idem_shift_carry_over(const struct idem_front *front, const struct idem_profile *other,
                          double strokes, struct idem_profile *profile)
{
    struct idem_shifts shifts;
    struct idem_profile *moved;

    if (profile->modality != IDEM_KEYBOARD || other->modality != IDEM_KEYBOARD ||
        profile->front_id != idem_front_id(front))
        return IDEM_ERR_MISMATCH;
    if (profile->strokes <= 0)
        return IDEM_OK;
    uint8_t *groups = malloc(front->cells + 1);
    int err = groups == NULL ? IDEM_ERR_NOMEM : idem_profile_new(front, IDEM_KEYBOARD, &moved);
    if (err != 0) {
        free(groups);
        return err;
    }
    err = idem_profile_merge(moved, other);
    if (err == 0) {
        idem_shift_groups(front, groups);
        idem_shift_estimate(groups, profile, moved->stats, &shifts);
        idem_shift_remove(groups, moved->shape.cells, &shifts, moved->stats);
        err = idem_adapt_warm_start(moved, strokes, profile);
    }
    idem_profile_free(moved);
    free(groups);
    return err;
}
