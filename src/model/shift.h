/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shift.h - the owner with another keyboard or a hurt hand, or somebody else?
 *
 * A new keyboard, another clock, a plaster on a hand move whole groups of measurements together:
 * all holds of a hand, all flights towards a hand. Another person differs in the pattern within the
 * groups as well. So when windows do not match, they are compared once more after the common shift
 * of each group has been taken out: what then speaks for the owner is a reason to ask ("step up"),
 * not to lock. Somebody else who happens to pass it is asked too, and evidence is not cancelled.
 *
 * The shift of a group is, for each contrast (histogram.h), the precision-weighted mean of the
 * probe's cell means less the profile's,
 *
 *     a = sum_c w_c (f_c / n_c - F_c / N_c) / (sum_c w_c + 1 / prior),
 *     w_c = 1 / (1 / n_c + 1 / N_c + within)
 *
 * `within` is the variance of cells around their group's shift, `prior` that of shifts. All six
 * contrasts are shifted, for times that move together leave a histogram of another shape.
 */
#ifndef IDEM_MODEL_SHIFT_H
#define IDEM_MODEL_SHIFT_H

#include "model/adapt.h"
#include "window/histogram.h"

enum {
    IDEM_SHIFT_HOLD_LEFT,
    IDEM_SHIFT_HOLD_RIGHT,
    IDEM_SHIFT_HOLD_OTHER,
    IDEM_SHIFT_FLIGHT_LEFT, /* towards the left hand */
    IDEM_SHIFT_FLIGHT_RIGHT,
    IDEM_SHIFT_FLIGHT_OTHER,
    IDEM_SHIFTS,
};

/* The group of every keyboard cell: out[front->cells]. */
void idem_shift_groups(const struct idem_front *front, uint8_t *out);

struct idem_shifts {
    double by[IDEM_SHIFTS][IDEM_CONTRASTS];
};

/* Shifts of the probe (flat keyboard statistics) against the profile. */
void idem_shift_estimate(const uint8_t *groups, const struct idem_profile *profile,
                         const float *probe, struct idem_shifts *out);

/* Takes the shifts out of flat keyboard statistics of so many cells. */
void idem_shift_remove(const uint8_t *groups, uint32_t cells, const struct idem_shifts *shifts,
                       float *stats);

/* A lock that would follow is turned into a step-up when the LLR without shifts is not below. */
#define IDEM_SHIFT_ASK_LLR 3.0

/*
 * The probe's unbounded LLR against the profile once its shifts are taken out. It is no evidence
 * for the owner (shifts were fitted to him): it only tells whom to ask. Keyboard profiles only.
 */
double idem_shift_llr(struct idem_scorer *scorer, const uint8_t *groups,
                      const struct idem_profile *profile, const float *probe, double strokes);

/*
 * A warm start: what the profile of another device class, or one from before an injury, is worth
 * here. `profile` holds the first windows from here and nothing else; the other's shifts against
 * them are taken out of the other's sums, which are then added, discounted to at most `strokes`
 * effective strokes. Without a window from here nothing is carried over: what a device does to
 * the measurements is larger than what tells people apart. Keyboard profiles only.
 */
int idem_shift_carry_over(const struct idem_front *front, const struct idem_profile *other,
                          double strokes, struct idem_profile *profile);

#endif
