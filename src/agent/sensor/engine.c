/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - see engine.h: who is there, and what is collected. */
#include "agent/sensor/engine_parts.h"

#include "base/bytes.h"

#include <math.h>
#include <stdlib.h>

enum { US_A_S = 1000000 };

/* A way this long ends somewhere: coordinates above 60000 are taken for a recorder's fault. */
static const double farthest = 30000;

/* ------------------------------------------------------------------ collecting */

static void free_collectors(struct idem_engine *e)
{
    idem_keyboard_free(e->keyboard);
    idem_pointer_free(e->pointer);
    e->keyboard = NULL;
    e->pointer = NULL;
}

static void free_front(struct idem_engine *e)
{
    free_collectors(e);
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        idem_window_free(e->window[m]);
        e->window[m] = NULL;
    }
    idem_front_free(e->front);
    e->front = NULL;
}

/* A modality that the front does not know is not collected. */
static int make_collectors(struct idem_engine *e)
{
    int err = 0;

    free_collectors(e);
    if (e->front == NULL)
        return 0;
    if (e->window[IDEM_KEYBOARD] != NULL)
        err = idem_keyboard_new(e->front, e->settings.window_keys, &e->keyboard);
    if (err == 0 && e->window[IDEM_POINTER] != NULL)
        err = idem_pointer_new(e->front, e->settings.window_gestures, &e->pointer);
    if (err != 0)
        free_collectors(e);
    return err;
}

static int make_windows(struct idem_engine *e)
{
    int err = 0;

    for (int m = 0; m < IDEM_MODALITIES && err == 0; m++)
        if (idem_front_cells(e->front, (enum idem_modality)m) > 0)
            err = idem_window_new(e->front, (enum idem_modality)m, &e->window[m]);
    return err;
}

int idem_engine_front(struct idem_engine *e, struct idem_front *front)
{
    if (e->front != NULL && idem_front_id(front) == idem_front_id(e->front)) {
        idem_front_free(front);
        return 0;
    }
    free_front(e);
    e->front = front;
    int err = make_windows(e);
    if (err == 0)
        err = make_collectors(e);
    if (err != 0)
        free_front(e);
    return err;
}

static bool is_collecting(const struct idem_engine *e)
{
    return e->presence == IDEM_PRESENT && e->settings.collect != 0 &&
           (e->keyboard != NULL || e->pointer != NULL);
}

static void forget_begun(struct idem_engine *e)
{
    if (e->keyboard != NULL)
        idem_keyboard_reset(e->keyboard);
    if (e->pointer != NULL)
        idem_pointer_reset(e->pointer);
    e->x = e->y = 0;
}

static void hand_out(struct idem_engine *e, enum idem_modality modality)
{
    struct idem_window *w = e->window[modality];
    int err = modality == IDEM_KEYBOARD ? idem_keyboard_take(e->keyboard, w)
                                        : idem_pointer_take(e->pointer, w);

    if (err == 0)
        e->calls.window(e->calls.arg, w);
}

bool idem_engine_walk(double *x, double *y, const struct idem_input_event *event)
{
    *x += event->dx;
    *y += event->dy;
    if (fabs(*x) < farthest && fabs(*y) < farthest)
        return true;
    *x = *y = 0;
    return false;
}

/* A pointer that was put elsewhere has not been moved. */
static void collect_pointer(struct idem_engine *e, const struct idem_input_event *ev)
{
    if (e->pointer == NULL || (ev->flags & IDEM_GUARD_WARPED))
        return;
    if (!idem_engine_walk(&e->x, &e->y, ev))
        idem_pointer_gap(e->pointer);
    if (idem_pointer_event(e->pointer, ev->pointer, e->x, e->y, ev->t_us))
        hand_out(e, IDEM_POINTER);
}

static void collect(struct idem_engine *e, const struct idem_input_event *ev)
{
    if (ev->kind == IDEM_INPUT_POINTER)
        collect_pointer(e, ev);
    else if (e->keyboard != NULL && idem_keyboard_event(e->keyboard, ev->key, ev->action, ev->t_us))
        hand_out(e, IDEM_KEYBOARD);
}

/* Of that device's share in what is collected, nobody knows how it went on. */
static void gap(struct idem_engine *e, const struct idem_engine_device *d)
{
    if (d->keyboard && e->keyboard != NULL)
        idem_keyboard_gap(e->keyboard);
    if (d->pointer && e->pointer != NULL)
        idem_pointer_gap(e->pointer);
}

/* ------------------------------------------------------------------ the untouched lock */

static bool has_devices(const struct idem_engine *e)
{
    for (int i = 0; i < IDEM_DEVICES_MAX; i++)
        if (e->groups[i].nodes > 0)
            return true;
    return false;
}

static bool locks_untouched(const struct idem_engine *e)
{
    return e->presence == IDEM_PRESENT && e->settings.untouched_s > 0 && has_devices(e);
}

static int64_t untouched_until(const struct idem_engine *e)
{
    return e->touched_us + (int64_t)e->settings.untouched_s * US_A_S;
}

static int64_t deadline(const struct idem_engine *e)
{
    int64_t at_us = locks_untouched(e) ? untouched_until(e) : -1;

    return e->locks > 0 && (at_us < 0 || e->locks_us < at_us) ? e->locks_us : at_us;
}

static void arm(struct idem_engine *e)
{
    e->calls.deadline(e->calls.arg, deadline(e));
}

static void ask_for_a_lock(struct idem_engine *e, uint32_t again, int64_t now_us)
{
    e->locks = e->presence == IDEM_PRESENT ? again : 0;
    e->locks_us = now_us + IDEM_ENGINE_LOCK_US;
    idem_engine_verb(e, IDEM_VERB_LOCK, 0);
}

void idem_engine_lock(struct idem_engine *e, int64_t now_us)
{
    ask_for_a_lock(e, IDEM_ENGINE_LOCKS, now_us);
    arm(e);
}

/* Touches since it was set have not moved it: it moves itself. A lock that was refused is asked for
 * again after the same time. */
void idem_engine_due(struct idem_engine *e, int64_t now_us)
{
    if (e->locks > 0 && now_us >= e->locks_us)
        ask_for_a_lock(e, e->locks - 1, now_us);
    if (locks_untouched(e) && now_us >= untouched_until(e)) {
        e->touched_us = now_us;
        ask_for_a_lock(e, IDEM_ENGINE_LOCKS, now_us);
        idem_engine_verb(e, IDEM_VERB_NOTIFY, IDEM_NOTICE_UNTOUCHED);
    }
    arm(e);
}

/* ------------------------------------------------------------------ devices */

static struct idem_engine_group *group_of(struct idem_engine *e, uint32_t group)
{
    struct idem_engine_group *free_one = NULL;

    for (int i = 0; i < IDEM_DEVICES_MAX; i++) {
        struct idem_engine_group *g = &e->groups[i];
        if (g->nodes > 0 && g->group == group)
            return g;
        if (g->nodes == 0 && free_one == NULL)
            free_one = g;
    }
    return free_one; /* there are as many groups as places */
}

int idem_engine_device(struct idem_engine *e, const struct idem_engine_device *device,
                       int64_t now_us)
{
    bool first = !has_devices(e);
    int place = -1;

    for (int i = IDEM_DEVICES_MAX - 1; i >= 0; i--) {
        if (e->places[i].device.id == device->id)
            return IDEM_ERR_INVALID;
        if (e->places[i].device.id == 0)
            place = i;
    }
    if (place < 0)
        return IDEM_ERR_LIMIT;
    struct idem_engine_group *g = group_of(e, device->group);
    if (g->nodes == 0) {
        *g = (struct idem_engine_group){.group = device->group};
        int err = idem_guard_new(&device->known, &g->guard);
        if (err != 0)
            return err;
    }
    g->nodes++;
    g->keyboard |= device->keyboard;
    g->pointer |= device->pointer;
    e->places[place] = (struct idem_engine_place){*device, g};
    if (first) {
        e->touched_us = now_us;
        arm(e);
    }
    return place;
}

void idem_engine_gone(struct idem_engine *e, int place)
{
    struct idem_engine_group *g = e->places[place].group;

    gap(e, &e->places[place].device);
    if (--g->nodes == 0) {
        idem_guard_free(g->guard);
        *g = (struct idem_engine_group){0};
    }
    e->places[place] = (struct idem_engine_place){0};
    if (!has_devices(e))
        arm(e);
}

/* ------------------------------------------------------------------ events */

static bool is_touch(const struct idem_engine_group *g, const struct idem_input_event *ev)
{
    return !g->alarmed && (ev->kind == IDEM_INPUT_POINTER || ev->action == IDEM_KEY_DOWN);
}

void idem_engine_event(struct idem_engine *e, int place, const struct idem_input_event *ev,
                       int64_t now_us)
{
    struct idem_engine_place *p = &e->places[place];

    if (e->presence != IDEM_PRESENT)
        return;
    if (ev->kind == IDEM_INPUT_GAP) {
        gap(e, &p->device);
        idem_guard_gap(p->group->guard);
        return;
    }
    if (e->settings.guard != 0)
        idem_engine_judge(e, p, ev, now_us);
    if (is_touch(p->group, ev))
        e->touched_us = now_us;
    if (e->settings.collect != 0)
        collect(e, ev);
}

/* ------------------------------------------------------------------ who is there */

static void for_groups(struct idem_engine *e, void (*deal)(struct idem_engine_group *))
{
    for (int i = 0; i < IDEM_DEVICES_MAX; i++)
        if (e->groups[i].nodes > 0)
            deal(&e->groups[i]);
}

static void guard_gap(struct idem_engine_group *g)
{
    idem_guard_gap(g->guard);
    g->x = g->y = 0;
}

static void forgive_alarmed(struct idem_engine_group *g)
{
    if (g->told != 0)
        idem_engine_forgive(g);
}

void idem_engine_presence(struct idem_engine *e, enum idem_presence presence, uint32_t unlocked,
                          int64_t now_us)
{
    bool shown = unlocked != e->unlocked, was_there = e->presence == IDEM_PRESENT;

    e->presence = presence;
    e->unlocked = unlocked;
    if (was_there && (presence != IDEM_PRESENT || shown)) {
        forget_begun(e);
        for_groups(e, guard_gap);
    }
    if (presence != IDEM_PRESENT || shown)
        e->locks = 0;
    if (shown)
        for_groups(e, forgive_alarmed);
    if (presence == IDEM_NOBODY || presence == IDEM_REMOTE) {
        e->settings.collect = 0;
        for_groups(e, idem_engine_forgive);
    }
    if (presence == IDEM_PRESENT && (!was_there || shown))
        e->touched_us = now_us;
    arm(e);
}

int idem_engine_settings(struct idem_engine *e, const struct idem_settings_message *settings,
                         int64_t now_us)
{
    const struct idem_settings_message old = e->settings;
    int err = 0;

    e->settings = *settings;
    if (settings->window_keys != old.window_keys ||
        settings->window_gestures != old.window_gestures)
        err = make_collectors(e);
    if (settings->collect == 0)
        forget_begun(e);
    if (settings->guard != old.guard)
        for_groups(e, idem_engine_forgive);
    if (settings->untouched_s != old.untouched_s)
        e->touched_us = now_us;
    arm(e);
    return err;
}

bool idem_engine_listens(const struct idem_engine *e)
{
    return e->presence == IDEM_PRESENT &&
           (e->settings.guard != 0 || is_collecting(e) || e->settings.untouched_s > 0);
}

void idem_engine_state(const struct idem_engine *e, struct idem_state_message *state)
{
    state->presence = e->presence;
    state->collecting = is_collecting(e);
    state->keyboards = state->pointers = 0;
    for (int i = 0; i < IDEM_DEVICES_MAX; i++) {
        state->keyboards += e->groups[i].keyboard;
        state->pointers += e->groups[i].pointer;
    }
}

/* ------------------------------------------------------------------ */

int idem_engine_new(const struct idem_engine_calls *calls, struct idem_engine **out)
{
    struct idem_engine *e = calloc(1, sizeof *e);

    if (e == NULL)
        return IDEM_ERR_NOMEM;
    e->calls = *calls;
    idem_settings_default(&e->settings);
    *out = e;
    return 0;
}

void idem_engine_free(struct idem_engine *e)
{
    if (e == NULL)
        return;
    free_front(e);
    for (int i = 0; i < IDEM_DEVICES_MAX; i++)
        idem_guard_free(e->groups[i].guard);
    idem_wipe(e, sizeof *e);
    free(e);
}
