/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filing.c - see filing.h.
 */
#include "eval/filing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_ZONES = 50 }; /* at level key: 49 frequent keys and all others together */

static const char *const flight_names[IDEM_FLIGHTS] = {"dd", "ud", "uu"};

struct tally {
    uint32_t count, code;
};

static int by_count(const void *a, const void *b)
{
    const struct tally *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->code < y->code ? -1 : x->code > y->code;
}

/* A zone for each of the most frequent keys. */
static void zones_of_keys(struct idem_zoning *zoning, const struct idem_recording *rec)
{
    struct tally tally[IDEM_KEYS];
    for (uint32_t k = 0; k < IDEM_KEYS; k++)
        tally[k] = (struct tally){0, k};
    for (uint32_t i = 0; i < rec->row_count; i++)
        tally[rec->strokes[i].code].count++;
    qsort(tally, IDEM_KEYS, sizeof *tally, by_count);
    zoning->holds = zoning->flights = KEY_ZONES;
    for (uint32_t rank = 0; rank < IDEM_KEYS; rank++) {
        uint16_t zone = rank < KEY_ZONES - 1 ? (uint16_t)rank : KEY_ZONES - 1;
        zoning->hold[tally[rank].code] = zoning->flight[tally[rank].code] = zone;
    }
}

static int parse_flights(struct idem_filing *filing, const char *list)
{
    while (*list) {
        size_t len = strcspn(list, ",");
        int f = 0;
        while (f < IDEM_FLIGHTS && (len != 2 || strncmp(list, flight_names[f], 2) != 0))
            f++;
        if (f == IDEM_FLIGHTS || filing->flight[f])
            return IDEM_ERR_INVALID;
        filing->flight[f] = true;
        filing->flight_count++;
        list += len + (list[len] == ',');
    }
    return filing->flight_count ? 0 : IDEM_ERR_INVALID;
}

static int finish(struct idem_filing *filing)
{
    uint32_t pairs = (uint32_t)filing->zoning.flights * filing->zoning.flights;
    filing->slots = filing->zoning.holds + filing->flight_count * pairs;
    return filing->slots <= IDEM_SLOTS_MAX ? 0 : IDEM_ERR_LIMIT;
}

int idem_filing_init(struct idem_filing *filing, const char *level, const char *flights,
                     const struct idem_recording *rec)
{
    int r;
    memset(filing, 0, sizeof *filing);
    if ((r = parse_flights(filing, flights)) < 0)
        return r;
    if (strcmp(level, "key") == 0) {
        if (!rec)
            return IDEM_ERR_INVALID;
        filing->level = (enum idem_level)IDEM_LEVEL_OFFLINE;
        zones_of_keys(&filing->zoning, rec);
        return finish(filing);
    }
    if ((r = idem_level_parse(level, &filing->level)) < 0 ||
        (r = idem_zoning_init(&filing->zoning, filing->level)) < 0)
        return r;
    if (filing->flight_count > 1 || !filing->flight[IDEM_FLIGHT_UD])
        filing->level = (enum idem_level)IDEM_LEVEL_OFFLINE;
    return finish(filing);
}

int idem_filing_of_front(struct idem_filing *filing, const struct idem_front *front)
{
    memset(filing, 0, sizeof *filing);
    if ((int)front->level == IDEM_LEVEL_OFFLINE)
        return IDEM_ERR_LEVEL;
    filing->level = front->level;
    filing->zoning = front->zoning;
    filing->flight[IDEM_FLIGHT_UD] = true;
    filing->flight_count = 1;
    return finish(filing);
}

/* Milliseconds, clipped as the published reference does. */
static float gap(int64_t from_us, int64_t to_us)
{
    double ms = (double)(to_us - from_us) / 1000;
    return (float)(ms < 5 ? 5 : ms > 3000 ? 3000 : ms);
}

static uint32_t file_flights(const struct idem_filing *filing, const struct idem_stroke *a,
                             const struct idem_stroke *b, struct idem_obs *out)
{
    uint32_t n = 0, pairs = (uint32_t)filing->zoning.flights * filing->zoning.flights;
    uint32_t slot = idem_slot_flight(&filing->zoning, a->code, b->code);
    float ud;
    if (!idem_flight_value(a->press_us, a->release_us, b->press_us, &ud))
        return 0;
    if (filing->flight[IDEM_FLIGHT_DD])
        out[n++] = (struct idem_obs){slot, gap(a->press_us, b->press_us)};
    slot += filing->flight[IDEM_FLIGHT_DD] ? pairs : 0;
    if (filing->flight[IDEM_FLIGHT_UD])
        out[n++] = (struct idem_obs){slot, ud};
    slot += filing->flight[IDEM_FLIGHT_UD] ? pairs : 0;
    if (filing->flight[IDEM_FLIGHT_UU])
        out[n++] = (struct idem_obs){slot, gap(a->release_us, b->release_us)};
    return n;
}

uint32_t idem_filing_strokes(const struct idem_filing *filing, const struct idem_stroke *before,
                             const struct idem_stroke *strokes, uint32_t count,
                             struct idem_obs *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct idem_stroke *s = &strokes[i];
        if (before)
            n += file_flights(filing, before, s, out + n);
        out[n].slot = idem_slot_hold(&filing->zoning, s->code);
        out[n++].value = idem_hold_value(s->press_us, s->release_us);
        before = s;
    }
    return n;
}

void idem_filing_discounts(const struct idem_filing *filing, const struct idem_front *front,
                           float *discount)
{
    idem_keyboard_discounts(front, discount);
    for (uint32_t c = 0; filing->flight_count > 1 && c < front->cells; c++) {
        if (front->slot[c] < filing->zoning.holds)
            continue;
        for (uint32_t k = 0; k < IDEM_CONTRASTS; k++)
            discount[c * IDEM_CONTRASTS + k] *= 0.5f;
    }
}
