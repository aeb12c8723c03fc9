/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes.c - see changes.h. A late press delays everything after it; a longer hold delays nothing,
 * for the next finger is another one.
 */
#include "eval/changes.h"

#include "window/zones.h"

enum { GRID_US = 15625 };

static const struct kind {
    const char *name;
    double hold;     /* factor */
    int64_t hold_us; /* added */
    int64_t late_us; /* every press concerned */
    uint32_t zones;  /* bits: hold zones at level finger that are concerned */
    bool grid;
} kinds[IDEM_CHANGES] = {
    {"nothing", 1, 0, 0, 0, false},
    {"hurt left hand", 1.4, 0, 60000, 0x0f, false},
    {"two fingers less", 1.2, 0, 120000, 0x03, false},
    {"another keyboard", 1, 25000, 0, UINT32_MAX, false},
    {"a 15.6 ms clock", 1, 0, 0, 0, true},
    {"another keyboard and clock", 1, 25000, 0, UINT32_MAX, true},
};

const char *idem_change_name(enum idem_change_kind kind)
{
    return kinds[kind].name;
}

static int64_t on_grid(int64_t t_us)
{
    return t_us - ((t_us % GRID_US) + GRID_US) % GRID_US;
}

static bool concerned(const struct kind *k, const struct idem_zoning *z, uint8_t code)
{
    uint16_t zone = z->hold[code];
    return zone < 32 && (k->zones >> zone & 1);
}

void idem_change_apply(enum idem_change_kind kind, struct idem_stroke *strokes, uint32_t count)
{
    const struct kind *k = &kinds[kind];
    struct idem_zoning zoning;
    int64_t late = 0;
    if (idem_zoning_init(&zoning, IDEM_LEVEL_FINGER) != 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        struct idem_stroke *s = &strokes[i];
        int64_t hold = s->release_us - s->press_us;
        if (concerned(k, &zoning, s->code)) {
            late += k->late_us;
            hold = (int64_t)((double)hold * k->hold) + k->hold_us;
        }
        s->press_us += late;
        s->release_us = s->press_us + hold;
        if (k->grid) {
            s->press_us = on_grid(s->press_us);
            s->release_us = on_grid(s->release_us);
        }
    }
}

static void apply(const void *arg, struct idem_stroke *strokes, uint32_t count)
{
    idem_change_apply((enum idem_change_kind)((const struct kind *)arg - kinds), strokes, count);
}

const struct idem_change *idem_change_of(enum idem_change_kind kind)
{
    static struct idem_change changes[IDEM_CHANGES];
    changes[kind] = (struct idem_change){apply, &kinds[kind]};
    return &changes[kind];
}
