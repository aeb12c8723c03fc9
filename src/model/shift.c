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
                         const float *probe, double out[IDEM_SHIFTS])
{
    const uint32_t cells = profile->shape.cells;
    double sum[IDEM_SHIFTS] = {0}, weight[IDEM_SHIFTS] = {0};

    for (uint32_t c = 0; c < cells; c++) {
        const double n = (double)probe[c], N = (double)profile->stats[c];
        if (n <= 0 || N <= 0)
            continue;
        const double w = 1 / (1 / n + 1 / N + within);
        const size_t k = cells + 2 * (size_t)c;
        sum[groups[c]] += w * ((double)probe[k] / n - (double)profile->stats[k] / N);
        weight[groups[c]] += w;
    }
    for (int g = 0; g < IDEM_SHIFTS; g++)
        out[g] = sum[g] / (weight[g] + 1 / prior);
}

void idem_shift_remove(const uint8_t *groups, struct idem_shape shape,
                       const double shift[IDEM_SHIFTS], float *stats)
{
    for (uint32_t c = 0; c < shape.cells; c++) {
        const double n = (double)stats[c], a = shift[groups[c]];
        float *f = stats + shape.cells + 2 * (size_t)c;
        const double squares = (double)f[1] * (double)IDEM_SQUARE_SCALE +
                               n * (double)IDEM_SQUARE_MEAN - 2 * a * (double)f[0] + n * a * a;
        f[0] = (float)((double)f[0] - n * a);
        f[1] = (float)((squares - n * (double)IDEM_SQUARE_MEAN) / (double)IDEM_SQUARE_SCALE);
    }
}

double idem_shift_llr(struct idem_scorer *scorer, const uint8_t *groups,
                      const struct idem_profile *profile, const float *probe, double strokes)
{
    const uint32_t cells = idem_stroke_cells(profile->modality, profile->shape);
    const float *stats = scorer->stats;
    double shift[IDEM_SHIFTS], raw;

    memcpy(scorer->stats, probe, idem_shape_len(profile->shape) * sizeof *scorer->stats);
    idem_shift_estimate(groups, profile, probe, shift);
    idem_shift_remove(groups, profile->shape, shift, scorer->stats);
    idem_scorer_raw(scorer, profile, &stats, 1, &raw);
    return idem_scorer_finish(scorer, profile, raw, idem_strokes_held(stats, cells, strokes))
        .unclamped;
}

int idem_shift_carry_over(const struct idem_front *front, const struct idem_profile *other,
                          double strokes, struct idem_profile *profile)
{
    double shift[IDEM_SHIFTS];
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
        idem_shift_estimate(groups, profile, moved->stats, shift);
        idem_shift_remove(groups, moved->shape, shift, moved->stats);
        err = idem_adapt_warm_start(moved, strokes, profile);
    }
    idem_profile_free(moved);
    free(groups);
    return err;
}
