/* SPDX-License-Identifier: Apache-2.0 */
/* display.c - see display.h. */
#include "agent/x11/display.h"

#include <poll.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"

enum { TICK_US = 1000 }; /* of the server's clock */

static void add(struct idem_display *d, uint16_t number)
{
    const struct idem_xi2_device *seen = idem_xi2_device(d->x, number);

    if (d->place[number] >= 0 || seen == NULL || !seen->present)
        return;
    d->given++;
    const struct idem_engine_device device = {
        .id = d->given,
        .group = d->given,
        .keyboard = seen->source != IDEM_SOURCE_UNKNOWN,
        .pointer = true,
        .known = {.source = seen->source,
                  .hotplugged = seen->hotplugged,
                  .arrived_us = seen->arrived_us,
                  .tick_us = TICK_US},
    };
    int place = idem_engine_device(d->engine, &device, idem_loop_now());
    d->place[number] = (int16_t)(place >= 0 ? place : -1); /* one too many is not listened to */
}

static void drop(struct idem_display *d, uint16_t number)
{
    if (d->place[number] >= 0)
        idem_engine_gone(d->engine, d->place[number]);
    d->place[number] = -1;
}

/* ------------------------------------------------------------------ events */

static void measure(struct idem_display *d, const struct idem_xi2_event *e,
                    struct idem_input_event *out)
{
    if (d->placed) {
        out->dx = e->x - d->px;
        out->dy = e->y - d->py;
    }
    d->placed = true;
    d->px = e->x;
    d->py = e->y;
}

static void hand_over(struct idem_display *d, const struct idem_xi2_event *e, int64_t now_us)
{
    struct idem_input_event out = {
        .kind = e->kind == IDEM_XI2_KEY       ? IDEM_INPUT_KEY
                : e->kind == IDEM_XI2_POINTER ? IDEM_INPUT_POINTER
                                              : IDEM_INPUT_GAP,
        .flags = e->flags,
        .t_us = e->t_us,
        .key = e->key,
        .action = e->action,
        .pointer = e->pointer,
    };

    add(d, e->device); /* the pointer on the screen is met for the first time here */
    if (e->kind == IDEM_XI2_POINTER)
        measure(d, e, &out);
    if (d->place[e->device] >= 0)
        idem_engine_event(d->engine, d->place[e->device], &out, now_us);
    idem_wipe(&out, sizeof out);
}

static void on_event(struct idem_display *d, const struct idem_xi2_event *e, int64_t now_us)
{
    if (e->kind == IDEM_XI2_DEVICE)
        add(d, e->device);
    else if (e->kind == IDEM_XI2_GONE)
        drop(d, e->device);
    else
        hand_over(d, e, now_us);
}

/* 1: something came; 0: nothing. */
static int drain(struct idem_display *d)
{
    struct idem_xi2_event e = {0};
    int64_t now_us = idem_loop_now();
    int r, any = 0;

    while ((r = idem_xi2_next(d->x, &e)) == 1) {
        on_event(d, &e, now_us);
        any = 1;
    }
    idem_wipe(&e, sizeof e);
    return r < 0 ? r : any;
}

static void gone(struct idem_display *d)
{
    idem_log(IDEM_LOG_ERROR, "peer: the X server is gone");
    idem_display_close(d);
    idem_loop_end(d->loop, IDEM_ERR_IO);
}

static void on_ready(void *arg, short events)
{
    struct idem_display *d = arg;
    int any = drain(d);

    (void)events;
    if (any < 0) {
        gone(d);
        return;
    }
    if (any > 0 && !d->looking)
        d->looking = idem_loop_after(d->loop, &d->look, IDEM_DISPLAY_LOOK_US) == 0;
    d->settle(d->arg);
}

/* What came with the answer is in the queue: no wait will tell of it. */
static void on_look(void *arg)
{
    struct idem_display *d = arg;

    d->looking = false;
    if (idem_xi2_look(d->x) != 0 || drain(d) < 0)
        gone(d);
    else
        d->settle(d->arg);
}

/* ------------------------------------------------------------------ */

static int open_display(struct idem_display *d, const char **reason)
{
    int err = idem_xi2_open(d->name, &d->x, reason);

    if (err != 0)
        return IDEM_ERR_IO;
    d->watch = (struct idem_watch){idem_xi2_fd(d->x), POLLIN, on_ready, d};
    d->placed = false;
    for (uint32_t i = 0; i < IDEM_XI2_DEVICES; i++)
        add(d, (uint16_t)i);
    return idem_loop_watch(d->loop, &d->watch);
}

void idem_display_close(struct idem_display *d)
{
    if (d->x == NULL)
        return;
    idem_loop_unwatch(d->loop, &d->watch);
    (void)idem_loop_after(d->loop, &d->look, -1);
    d->looking = false;
    for (uint32_t i = 0; i < IDEM_XI2_DEVICES; i++)
        drop(d, (uint16_t)i);
    idem_xi2_close(d->x);
    d->x = NULL;
}

int idem_display_listen(struct idem_display *d, const char **reason)
{
    bool wanted = idem_engine_listens(d->engine);

    if (wanted && d->x == NULL)
        return open_display(d, reason);
    if (!wanted)
        idem_display_close(d);
    return 0;
}

void idem_display_init(struct idem_display *d, const char *name, struct idem_loop *loop,
                       struct idem_engine *engine)
{
    memset(d, 0, sizeof *d);
    d->name = name;
    d->loop = loop;
    d->engine = engine;
    d->look = (struct idem_timer){.due = on_look, .arg = d};
    for (uint32_t i = 0; i < IDEM_XI2_DEVICES; i++)
        d->place[i] = -1;
}
