/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filing.h - from recorded strokes to (slot, value) pairs, at any level, including the two that
 * must never leave this tool.
 *
 * Level `key` files every key under itself, and the down-down and up-up flights give, with the
 * up-down flight, the holds of both keys: by either somebody could put single strokes back into
 * order. They exist to measure what they would be worth. A front learned through them carries
 * IDEM_LEVEL_OFFLINE, which can be neither written nor parsed, and this file is linked into the
 * command line alone.
 *
 * Slots: holds first, then for each flight in use, in the order below, zones x zones.
 */
#ifndef IDEM_EVAL_FILING_H
#define IDEM_EVAL_FILING_H

#include "input/recording.h"
#include "model/corpus.h"
#include "window/keystroke.h"

enum idem_flight { IDEM_FLIGHT_DD, IDEM_FLIGHT_UD, IDEM_FLIGHT_UU, IDEM_FLIGHTS };
enum { IDEM_OBS_PER_STROKE = 1 + IDEM_FLIGHTS };

struct idem_filing {
    enum idem_level level; /* IDEM_LEVEL_OFFLINE for level key and for other flights */
    struct idem_zoning zoning;
    bool flight[IDEM_FLIGHTS];
    uint32_t flight_count;
    uint32_t slots;
};

/*
 * level: a level's name or "key" (then keys are ranked by their frequency in rec: the 49 most
 * frequent have a zone each). flights: "ud" or a list as "dd,ud,uu". IDEM_ERR_INVALID for other
 * names.
 */
int idem_filing_init(struct idem_filing *filing, const char *level, const char *flights,
                     const struct idem_recording *rec);
/* As the population's front says; IDEM_ERR_LEVEL for one that was learned offline. */
int idem_filing_of_front(struct idem_filing *filing, const struct idem_front *front);

/*
 * The strokes' measurements; strokes must have been released. before: the stroke before the first,
 * or NULL: with it the flight between the two is filed here. out: room for count *
 * IDEM_OBS_PER_STROKE. Returns their number.
 */
uint32_t idem_filing_strokes(const struct idem_filing *filing, const struct idem_stroke *before,
                             const struct idem_stroke *strokes, uint32_t count,
                             struct idem_obs *out);

/* Discounts of holds, flights and squares: idem_keyboard_discounts, less for each of several
 * flights. */
void idem_filing_discounts(const struct idem_filing *filing, const struct idem_front *front,
                           float *discount);

#endif
