/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reel_collect.c - reels through the real collectors, see reel.h. Every splice feeds the owner's
 * reel from its beginning, so that the collectors hold at the cut exactly what they would hold in
 * his hands: unfinished windows, keys held down, a gesture under way.
 */
#include "eval/reel.h"

#include <stdlib.h>
#include <string.h>

struct collector {
    const struct idem_front *front;
    struct idem_keyboard *keyboard;
    struct idem_pointer *pointer;
    uint32_t taken; /* strokes in finished windows */
    bool down[256];
};

static void collector_fini(struct collector *c)
{
    idem_keyboard_free(c->keyboard);
    idem_pointer_free(c->pointer);
    explicit_bzero(c->down, sizeof c->down);
}

static int collector_init(const struct idem_front *front, const struct idem_reel_targets *targets,
                          struct collector *c)
{
    *c = (struct collector){.front = front};
    int r = targets->keys ? idem_keyboard_new(front, targets->keys, &c->keyboard) : 0;
    if (r == 0 && targets->gestures)
        r = idem_pointer_new(front, targets->gestures, &c->pointer);
    if (r != 0)
        collector_fini(c);
    return r;
}

/* True when a window of the event's modality is ready. */
static bool feed(struct collector *c, const struct idem_reel_event *e, int64_t t_us)
{
    if (e->kind == IDEM_REEL_POINTER)
        return c->pointer && idem_pointer_event(c->pointer, (enum idem_pointer_kind)e->code,
                                                (double)e->x, (double)e->y, t_us);
    c->down[e->code] = e->kind == IDEM_REEL_KEY_DOWN;
    return c->keyboard &&
           idem_keyboard_event(c->keyboard, e->code,
                               e->kind == IDEM_REEL_KEY_DOWN ? IDEM_KEY_DOWN : IDEM_KEY_UP, t_us);
}

static enum idem_modality modality_of(const struct idem_reel_event *e)
{
    return e->kind == IDEM_REEL_POINTER ? IDEM_POINTER : IDEM_KEYBOARD;
}

static int take(struct collector *c, enum idem_modality m, struct idem_window *to)
{
    int r = m == IDEM_KEYBOARD ? idem_keyboard_take(c->keyboard, to)
                               : idem_pointer_take(c->pointer, to);
    c->taken += r == 0 ? idem_window_strokes(to) : 0;
    return r;
}

static uint32_t strokes_so_far(const struct collector *c)
{
    return c->taken + (c->keyboard ? idem_keyboard_pending(c->keyboard) : 0) +
           (c->pointer ? idem_pointer_pending(c->pointer) : 0);
}

static int grow(struct idem_reel_windows *w)
{
    if (w->count < w->room)
        return 0;
    uint32_t room = w->room ? 2 * w->room : 32;
    struct idem_reel_window *list = realloc(w->list, room * sizeof *list);
    if (!list)
        return IDEM_ERR_NOMEM;
    w->list = list;
    w->room = room;
    return 0;
}

/* Takes the finished window into the list; at says when. */
static int keep(struct collector *c, enum idem_modality m, struct idem_reel_window at,
                struct idem_reel_windows *out)
{
    int r = grow(out);
    if (r == 0)
        r = idem_window_new(c->front, m, &at.window);
    if (r == 0 && (r = take(c, m, at.window)) != 0)
        idem_window_free(at.window);
    if (r == 0)
        out->list[out->count++] = at;
    return r;
}

void idem_reel_windows_free(struct idem_reel_windows *windows)
{
    for (uint32_t i = 0; i < windows->count; i++)
        idem_window_free(windows->list[i].window);
    free(windows->list);
    *windows = (struct idem_reel_windows){0};
}

static int finish(struct collector *c, int r, struct idem_reel_windows *windows,
                  struct idem_reel_windows *out)
{
    collector_fini(c);
    if (r == 0)
        *out = *windows;
    else
        idem_reel_windows_free(windows);
    return r;
}

int idem_reel_collect(const struct idem_front *front, const struct idem_reel_targets *targets,
                      const struct idem_reel *reel, struct idem_reel_windows *out)
{
    struct idem_reel_windows windows = {0};
    struct collector c;
    double active = 0;
    int r = collector_init(front, targets, &c);
    if (r != 0)
        return r;
    for (uint32_t i = 0; i < reel->count && r == 0; i++) {
        const struct idem_reel_event *e = &reel->events[i];
        active += i > 0 ? idem_reel_step(e - 1, e) : 0;
        if (feed(&c, e, e->t_us))
            r = keep(&c, modality_of(e),
                     (struct idem_reel_window){NULL, e->t_us, active, strokes_so_far(&c), i},
                     &windows);
    }
    return finish(&c, r, &windows, out);
}

/* ------------------------------------------------------------------ takeover */

/* The owner's part: windows finished before the cut are thrown away. */
static int play_owner(struct collector *c, const struct idem_reel_splice *s)
{
    struct idem_window *spare[IDEM_MODALITIES] = {NULL, NULL};
    int r = c->keyboard ? idem_window_new(c->front, IDEM_KEYBOARD, &spare[IDEM_KEYBOARD]) : 0;
    if (r == 0 && c->pointer)
        r = idem_window_new(c->front, IDEM_POINTER, &spare[IDEM_POINTER]);
    for (uint32_t i = 0; i < s->cut && r == 0; i++) {
        const struct idem_reel_event *e = &s->owner->events[i];
        if (feed(c, e, e->t_us))
            r = take(c, modality_of(e), spare[modality_of(e)]);
    }
    idem_window_free(spare[IDEM_KEYBOARD]);
    idem_window_free(spare[IDEM_POINTER]);
    return r;
}

static bool holds_keys(const struct collector *c)
{
    return memchr(c->down, true, sizeof c->down) != NULL;
}

/*
 * The owner's keys come up when they did in the recording; one whose release is further than a
 * second off is held to the end. A window that this finishes is the new hands' first.
 */
static int64_t let_go(struct collector *c, const struct idem_reel_splice *s)
{
    int64_t cut_us = s->cut > 0 ? s->owner->events[s->cut - 1].t_us : 0, last = cut_us;
    for (uint32_t i = s->cut; i < s->owner->count && holds_keys(c); i++) {
        const struct idem_reel_event *e = &s->owner->events[i];
        if (e->t_us - cut_us > IDEM_REEL_HANDOVER_US)
            break;
        if (e->kind != IDEM_REEL_KEY_UP || !c->down[e->code])
            continue;
        feed(c, e, e->t_us);
        last = e->t_us > last ? e->t_us : last;
    }
    memset(c->down, 0, sizeof c->down);
    return last;
}

static int play_other(struct collector *c, const struct idem_reel_splice *s, int64_t start_us,
                      double horizon_s, struct idem_reel_windows *out)
{
    const uint32_t before = strokes_so_far(c);
    const int64_t shift = start_us - s->other->events[s->from].t_us;
    double active = 0;
    int r = 0;
    for (uint32_t i = s->from; i < s->other->count && r == 0; i++) {
        const struct idem_reel_event *e = &s->other->events[i];
        active += i > s->from ? idem_reel_step(e - 1, e) : 0;
        if (active > horizon_s)
            break;
        if (e->kind == IDEM_REEL_KEY_UP && !c->down[e->code])
            continue;
        if (!feed(c, e, e->t_us + shift))
            continue;
        uint32_t strokes = strokes_so_far(c) - before;
        r = keep(c, modality_of(e),
                 (struct idem_reel_window){NULL, e->t_us + shift, active, strokes, i}, out);
    }
    return r;
}

int idem_reel_collect_splice(const struct idem_front *front,
                             const struct idem_reel_targets *targets,
                             const struct idem_reel_splice *splice, double horizon_s,
                             struct idem_reel_windows *out)
{
    struct idem_reel_windows windows = {0};
    struct collector c;
    if (splice->cut > splice->owner->count || splice->from >= splice->other->count)
        return IDEM_ERR_INVALID;
    int r = collector_init(front, targets, &c);
    if (r != 0)
        return r;
    r = play_owner(&c, splice);
    if (r == 0) {
        int64_t start = let_go(&c, splice) + IDEM_REEL_HANDOVER_US;
        r = play_other(&c, splice, start, horizon_s, &windows);
    }
    return finish(&c, r, &windows, out);
}
