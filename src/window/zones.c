/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zones.c - the tables behind zones.h.
 *
 * Keys are Linux input event codes of a US layout's positions, written as numbers because this file
 * is compiled for browsers and Windows too. Touch-typing assigns each position to a finger; people
 * who type otherwise are still consistent with themselves, which is all that is needed.
 */
#include "window/zones.h"

#include <stdio.h>
#include <string.h>

enum { ROW_DIGITS, ROW_TOP, ROW_HOME, ROW_BOTTOM, ROWS };
enum { FINGERS = 8 };

/* What is not a finger's key, in this order behind the fingers or hands. */
enum { SPECIAL_SPACE, SPECIAL_BACKSPACE, SPECIAL_SHIFT, SPECIAL_CAPSLOCK, SPECIAL_OTHER, SPECIALS };

struct place {
    uint8_t key, finger, row;
};

static const struct place places[] = {
    /* left little, ring, middle */
    {41, 0, ROW_DIGITS},
    {2, 0, ROW_DIGITS},
    {16, 0, ROW_TOP},
    {30, 0, ROW_HOME},
    {44, 0, ROW_BOTTOM},
    {3, 1, ROW_DIGITS},
    {17, 1, ROW_TOP},
    {31, 1, ROW_HOME},
    {45, 1, ROW_BOTTOM},
    {4, 2, ROW_DIGITS},
    {18, 2, ROW_TOP},
    {32, 2, ROW_HOME},
    {46, 2, ROW_BOTTOM},
    /* left index: 4 5 r t f g v b */
    {5, 3, ROW_DIGITS},
    {6, 3, ROW_DIGITS},
    {19, 3, ROW_TOP},
    {20, 3, ROW_TOP},
    {33, 3, ROW_HOME},
    {34, 3, ROW_HOME},
    {47, 3, ROW_BOTTOM},
    {48, 3, ROW_BOTTOM},
    /* right index: 6 7 y u h j n m */
    {7, 4, ROW_DIGITS},
    {8, 4, ROW_DIGITS},
    {21, 4, ROW_TOP},
    {22, 4, ROW_TOP},
    {35, 4, ROW_HOME},
    {36, 4, ROW_HOME},
    {49, 4, ROW_BOTTOM},
    {50, 4, ROW_BOTTOM},
    /* right middle and ring */
    {9, 5, ROW_DIGITS},
    {23, 5, ROW_TOP},
    {37, 5, ROW_HOME},
    {51, 5, ROW_BOTTOM},
    {10, 6, ROW_DIGITS},
    {24, 6, ROW_TOP},
    {38, 6, ROW_HOME},
    {52, 6, ROW_BOTTOM},
    /* right little: 0 - = p [ ] \ ; ' / */
    {11, 7, ROW_DIGITS},
    {12, 7, ROW_DIGITS},
    {13, 7, ROW_DIGITS},
    {25, 7, ROW_TOP},
    {26, 7, ROW_TOP},
    {27, 7, ROW_TOP},
    {43, 7, ROW_TOP},
    {39, 7, ROW_HOME},
    {40, 7, ROW_HOME},
    {53, 7, ROW_BOTTOM},
};

static const struct {
    uint8_t key, special;
} specials[] = {
    {57, SPECIAL_SPACE}, {14, SPECIAL_BACKSPACE}, {42, SPECIAL_SHIFT},
    {54, SPECIAL_SHIFT}, {58, SPECIAL_CAPSLOCK},
};

enum grain { BY_HAND, BY_FINGER, BY_FINGERROW };

static const struct {
    const char *name;
    enum grain hold, flight;
} levels[] = {
    [IDEM_LEVEL_HAND] = {"hand", BY_HAND, BY_HAND},
    [IDEM_LEVEL_MIXED] = {"mixed", BY_FINGER, BY_HAND},
    [IDEM_LEVEL_FINGER] = {"finger", BY_FINGER, BY_FINGER},
    [IDEM_LEVEL_FINGERROW] = {"fingerrow", BY_FINGERROW, BY_FINGERROW},
};

enum { LEVELS = sizeof levels / sizeof levels[0] };

static uint16_t grain_zones(enum grain grain)
{
    static const uint16_t zones[] = {2, FINGERS, FINGERS * ROWS};
    return zones[grain];
}

static uint16_t place_zone(enum grain grain, const struct place *p)
{
    switch (grain) {
    case BY_HAND:
        return p->finger < FINGERS / 2 ? 0 : 1;
    case BY_FINGER:
        return p->finger;
    default:
        return (uint16_t)(p->finger * ROWS + p->row);
    }
}

static uint16_t fill(uint16_t table[IDEM_KEYS], enum grain grain)
{
    uint16_t first = grain_zones(grain);
    for (int key = 0; key < IDEM_KEYS; key++)
        table[key] = (uint16_t)(first + SPECIAL_OTHER);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        table[places[i].key] = place_zone(grain, &places[i]);
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
        table[specials[i].key] = (uint16_t)(first + specials[i].special);
    return (uint16_t)(first + SPECIALS);
}

int idem_zoning_init(struct idem_zoning *zoning, enum idem_level level)
{
    if ((unsigned)level >= LEVELS)
        return IDEM_ERR_LEVEL;
    zoning->holds = fill(zoning->hold, levels[level].hold);
    zoning->flights = fill(zoning->flight, levels[level].flight);
    return IDEM_OK;
}

const char *idem_level_name(enum idem_level level)
{
    return (unsigned)level < LEVELS ? levels[level].name : "unknown";
}

int idem_level_parse(const char *name, enum idem_level *out)
{
    for (unsigned i = 0; i < LEVELS; i++) {
        if (strcmp(name, levels[i].name) == 0) {
            *out = (enum idem_level)i;
            return IDEM_OK;
        }
    }
    return IDEM_ERR_LEVEL;
}

const char *idem_modality_name(enum idem_modality modality)
{
    return modality == IDEM_KEYBOARD  ? "keyboard"
           : modality == IDEM_POINTER ? "pointer"
                                      : "unknown";
}

static const char *zone_words(enum grain grain, uint32_t zone, char *text, size_t cap)
{
    static const char *const hands[] = {"left hand", "right hand"};
    static const char *const fingers[] = {
        "left little finger", "left ring finger",    "left middle finger", "left index finger",
        "right index finger", "right middle finger", "right ring finger",  "right little finger"};
    static const char *const rows[] = {"number row", "top row", "home row", "bottom row"};
    static const char *const words[] = {"space bar", "backspace", "shift", "caps lock",
                                        "other keys"};
    uint32_t first = grain_zones(grain);

    if (zone >= first)
        return words[zone - first];
    if (grain == BY_HAND)
        return hands[zone];
    if (grain == BY_FINGER)
        return fingers[zone];
    snprintf(text, cap, "%s on the %s", fingers[zone / ROWS], rows[zone % ROWS]);
    return text;
}

int idem_slot_describe(enum idem_level level, uint32_t slot, char *text, size_t cap, bool *is_hold)
{
    char one[64], two[64];
    if ((unsigned)level >= LEVELS)
        return IDEM_ERR_LEVEL;
    uint32_t holds = grain_zones(levels[level].hold) + SPECIALS;
    uint32_t flights = grain_zones(levels[level].flight) + SPECIALS;
    if (slot >= holds + flights * flights)
        return IDEM_ERR_INVALID;
    *is_hold = slot < holds;
    if (*is_hold) {
        snprintf(text, cap, "%s", zone_words(levels[level].hold, slot, one, sizeof one));
        return IDEM_OK;
    }
    uint32_t from = (slot - holds) / flights, to = (slot - holds) % flights;
    snprintf(text, cap, "%s to %s", zone_words(levels[level].flight, from, one, sizeof one),
             zone_words(levels[level].flight, to, two, sizeof two));
    return IDEM_OK;
}
