/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zones.h - from a key to the zone it is filed under; the only place that looks at a key.
 *
 * A zoning is a table for one privacy level. Slots number what a stroke can be filed under before a
 * population decides which of them become cells:
 *   slot h                                    hold in zone h                     h < holds
 *   slot holds + a * flights + b              up-down flight from zone a to b    a, b < flights
 */
#ifndef IDEM_WINDOW_ZONES_H
#define IDEM_WINDOW_ZONES_H

#include "idem/idem.h"

enum { IDEM_KEYS = 256, IDEM_KEY_OTHER = 255, IDEM_SLOTS_MAX = 8192 };

struct idem_zoning {
    uint16_t holds, flights;    /* number of zones for holds and for each end of a flight */
    uint16_t hold[IDEM_KEYS];   /* zone of a key's hold */
    uint16_t flight[IDEM_KEYS]; /* zone of a key as an end of a flight */
};

/* IDEM_ERR_LEVEL for anything that is not one of the four levels of idem.h. */
int idem_zoning_init(struct idem_zoning *zoning, enum idem_level level);

static inline uint32_t idem_zoning_slots(const struct idem_zoning *z)
{
    return (uint32_t)z->holds + (uint32_t)z->flights * z->flights;
}

static inline uint32_t idem_slot_hold(const struct idem_zoning *z, uint32_t key)
{
    return z->hold[key < IDEM_KEYS ? key : IDEM_KEY_OTHER];
}

static inline uint32_t idem_slot_flight(const struct idem_zoning *z, uint32_t from, uint32_t to)
{
    from = z->flight[from < IDEM_KEYS ? from : IDEM_KEY_OTHER];
    to = z->flight[to < IDEM_KEYS ? to : IDEM_KEY_OTHER];
    return z->holds + from * z->flights + to;
}

/* A slot in words: "left ring finger" (hold) or "left hand to right hand" (flight). */
int idem_slot_describe(enum idem_level level, uint32_t slot, char *text, size_t cap, bool *is_hold);

#endif
