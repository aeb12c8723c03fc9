/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.c - one device's guard: hands events to its judges and joins their findings.
 *
 * An alarm outweighs everything, of two the one that came first is told; without one, a macro
 * device is told before a hand, and a hand before too little. A guard allocates once and is a few
 * hundred bytes.
 */
#include "guard/guard.h"

#include "base/bytes.h"
#include "guard/keys.h"
#include "guard/motion.h"
#include "window/keystroke.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct idem_guard {
    struct idem_guard_device device;
    struct idem_key_judge keys;
    struct idem_motion_judge motion;
    enum idem_guard_kind told; /* of the two findings joined, after the last event */
};

/* What the guard of one device may weigh. */
_Static_assert(sizeof(struct idem_guard) <= 4096, "a guard holds four kilobytes at most");

static bool device_ok(const struct idem_guard_device *d)
{
    return (unsigned)d->source <= IDEM_SOURCE_REMOTE && (unsigned)d->role < IDEM_GUARD_ROLES;
}

static void init(struct idem_guard *guard)
{
    guard->told = IDEM_GUARD_INSUFFICIENT;
    idem_key_judge_init(&guard->keys, &guard->device);
    idem_motion_judge_init(&guard->motion, &guard->device);
}

int idem_guard_new(const struct idem_guard_device *device, struct idem_guard **out)
{
    const struct idem_guard_device unknown = {0};
    if (device == NULL)
        device = &unknown;
    if (!device_ok(device))
        return IDEM_ERR_INVALID;
    struct idem_guard *guard = calloc(1, sizeof *guard);
    if (guard == NULL)
        return IDEM_ERR_NOMEM;
    guard->device = *device;
    init(guard);
    *out = guard;
    return IDEM_OK;
}

void idem_guard_free(struct idem_guard *guard)
{
    if (guard == NULL)
        return;
    idem_wipe(guard, sizeof *guard);
    free(guard);
}

size_t idem_guard_size(void)
{
    return sizeof(struct idem_guard);
}

enum { ALARM = 3 };

/* Which of two findings is told: the kinds in this order, of alarms the first, else the surer. */
static int rank(const struct idem_finding *f)
{
    if (idem_guard_is_alarm(f->kind))
        return ALARM;
    return f->kind == IDEM_GUARD_MACRO ? 2 : f->kind == IDEM_GUARD_HUMAN ? 1 : 0;
}

static const struct idem_finding *weightier(const struct idem_finding *a,
                                            const struct idem_finding *b)
{
    if (rank(a) != rank(b))
        return rank(a) > rank(b) ? a : b;
    if (rank(a) == ALARM && a->at_us != b->at_us)
        return a->at_us < b->at_us ? a : b;
    return a->log_odds >= b->log_odds ? a : b;
}

static const struct idem_finding *joined(const struct idem_guard *guard)
{
    return weightier(&guard->keys.finding, &guard->motion.finding);
}

/* One judge's change may bring out the other's finding. */
static bool tell(struct idem_guard *guard, bool news)
{
    enum idem_guard_kind kind = joined(guard)->kind;
    news = news || kind != guard->told;
    guard->told = kind;
    return news;
}

bool idem_guard_key(struct idem_guard *guard, uint32_t key, enum idem_key_action action,
                    unsigned flags, int64_t t_us)
{
    return tell(guard,
                idem_key_judge_event(&guard->keys, key, action, flags, idem_time_bound(t_us)));
}

bool idem_guard_pointer(struct idem_guard *guard, enum idem_pointer_kind kind, double x, double y,
                        unsigned flags, int64_t t_us)
{
    return tell(guard,
                idem_motion_judge_event(&guard->motion, kind, x, y, flags, idem_time_bound(t_us)));
}

void idem_guard_gap(struct idem_guard *guard)
{
    idem_key_judge_gap(&guard->keys);
    idem_motion_judge_gap(&guard->motion);
}

void idem_guard_reset(struct idem_guard *guard)
{
    idem_wipe(&guard->keys, sizeof guard->keys);
    idem_wipe(&guard->motion, sizeof guard->motion);
    init(guard);
}

struct idem_guard_verdict idem_guard_read(const struct idem_guard *guard)
{
    const struct idem_finding *f = joined(guard);
    struct idem_guard_verdict v = {.kind = f->kind, .at_us = f->at_us, .saw_count = f->saw_count};
    if (f->kind != IDEM_GUARD_INSUFFICIENT)
        v.confidence = 1.0 / (1.0 + exp(-f->log_odds));
    memcpy(v.saw, f->saw, sizeof v.saw);
    return v;
}

void idem_finding_see(struct idem_finding *f, enum idem_guard_reason reason, uint32_t count,
                      double value)
{
    uint32_t i = 0;
    while (i < f->saw_count && f->saw[i].reason != reason)
        i++;
    if (i == IDEM_GUARD_SAW_MAX)
        return;
    if (i == f->saw_count)
        f->saw_count++;
    f->saw[i].reason = reason;
    f->saw[i].count = count < 255 ? count : 255;
    f->saw[i].value = isfinite(value) ? (float)value : 0.0F;
}
