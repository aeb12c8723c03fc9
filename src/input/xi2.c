/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xi2.c - see xi2.h. XCB and not Xlib, because Xlib ends the process when the server goes away.
 *
 * The order of things matters for warps only. Events carry the number of the last request that the
 * server had dealt with when it sent them, so that an answer cuts the stream in two: motion with a
 * smaller number than the question came before the answer, the rest after it.
 *
 *   look          look                         look
 *    |  motion     |                            |
 *    P0            P1 != P0: the motion did it  P2 != P1: nothing did it, a warp
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "input/xi2_inside.h"

enum { EVDEV_OFFSET = 8 };

/* ------------------------------------------------------------------ small change */

static int64_t clock_us(struct idem_xi2 *x, uint32_t server_ms)
{
    if (x->clocked)
        x->now_us += (int64_t)(int32_t)(server_ms - x->now_ms) * 1000;
    else
        x->now_us = (int64_t)server_ms * 1000;
    x->clocked = true;
    x->now_ms = server_ms;
    return x->now_us;
}

static double from_fp1616(xcb_input_fp1616_t v)
{
    return (double)v / 65536.0;
}

static double within(double v, double max)
{
    return fmin(fmax(v, 0), max);
}

static bool is_slave(const struct idem_xi2 *x, uint16_t device)
{
    return device < IDEM_XI2_DEVICES && x->slots[device].slave;
}

/* ------------------------------------------------------------------ devices */

/* Of several changes in one event the last that matters is told: they come singly. */
static bool on_hierarchy(struct idem_xi2 *x, const xcb_input_hierarchy_event_t *e,
                         struct idem_xi2_event *out)
{
    xcb_input_hierarchy_info_iterator_t it = xcb_input_hierarchy_infos_iterator(e);
    bool tell = false;

    clock_us(x, e->time);
    for (; it.rem > 0; xcb_input_hierarchy_info_next(&it)) {
        const xcb_input_hierarchy_info_t *info = it.data;
        if (info->deviceid >= IDEM_XI2_DEVICES)
            continue;
        struct idem_xi2_slot *slot = &x->slots[info->deviceid];
        if (info->flags & XCB_INPUT_HIERARCHY_MASK_SLAVE_ADDED) {
            idem_xi2_query(x, info->deviceid);
            out->kind = IDEM_XI2_DEVICE;
        } else if (info->flags & XCB_INPUT_HIERARCHY_MASK_SLAVE_REMOVED) {
            slot->seen.present = false;
            out->kind = IDEM_XI2_GONE;
        } else if (info->flags & XCB_INPUT_HIERARCHY_MASK_DEVICE_DISABLED) {
            memset(slot->down, 0, sizeof slot->down);
            out->kind = IDEM_XI2_GAP;
        } else {
            continue;
        }
        out->device = info->deviceid;
        out->t_us = x->now_us;
        tell = true;
    }
    return tell;
}

/* ------------------------------------------------------------------ keys */

static bool on_key(struct idem_xi2 *x, const xcb_input_raw_key_press_event_t *e,
                   struct idem_xi2_event *out)
{
    if (!is_slave(x, e->deviceid))
        return false;
    uint32_t key = e->detail >= EVDEV_OFFSET ? e->detail - EVDEV_OFFSET : UINT32_MAX;
    uint8_t nothing = 0, bit = (uint8_t)(1U << (key % 8));
    uint8_t *down = key < IDEM_XI2_KEYS ? &x->slots[e->deviceid].down[key / 8] : &nothing;
    bool press = e->event_type == XCB_INPUT_RAW_KEY_PRESS;
    bool again = (*down & bit) != 0 || (e->flags & XCB_INPUT_KEY_EVENT_FLAGS_KEY_REPEAT);

    *down = (uint8_t)(press ? *down | bit : *down & ~bit);
    *out = (struct idem_xi2_event){
        .kind = IDEM_XI2_KEY,
        .device = e->deviceid,
        .t_us = clock_us(x, e->time),
        .key = key,
        .action = !press  ? IDEM_KEY_UP
                  : again ? IDEM_KEY_REPEAT
                          : IDEM_KEY_DOWN,
    };
    return true;
}

/* ------------------------------------------------------------------ the pointer */

static bool pointer_event(struct idem_xi2 *x, uint16_t device, uint32_t server_ms,
                          enum idem_pointer_kind kind, struct idem_xi2_event *out)
{
    *out = (struct idem_xi2_event){
        .kind = IDEM_XI2_POINTER,
        .device = device,
        .t_us = clock_us(x, server_ms),
        .pointer = kind,
        .x = x->x,
        .y = x->y,
    };
    return true;
}

/* The first four numbers above the three buttons are the wheel, upright and across. */
static bool on_button(struct idem_xi2 *x, const xcb_input_raw_button_press_event_t *e,
                      struct idem_xi2_event *out)
{
    bool press = e->event_type == XCB_INPUT_RAW_BUTTON_PRESS;
    enum idem_pointer_kind kind = press ? IDEM_POINTER_PRESS_OTHER : IDEM_POINTER_RELEASE_OTHER;

    if (!is_slave(x, e->deviceid))
        return false;
    if (e->detail == 1)
        kind = press ? IDEM_POINTER_PRESS : IDEM_POINTER_RELEASE;
    else if (e->detail >= 4 && e->detail <= 7)
        kind = IDEM_POINTER_SCROLL;
    if (kind == IDEM_POINTER_SCROLL && !press)
        return false;
    return pointer_event(x, e->deviceid, e->time, kind, out);
}

static void move_along(const struct idem_xi2_axis *axis, double value, double size, double *at)
{
    if (!axis->absolute)
        *at = within(*at + value, size - 1);
    else if (axis->max > axis->min)
        *at = within((value - axis->min) / (axis->max - axis->min) * size, size - 1);
}

/* The values of the axes stand in the order of the bits of their mask. */
static bool on_motion(struct idem_xi2 *x, const xcb_input_raw_button_press_event_t *e,
                      struct idem_xi2_event *out)
{
    const uint32_t *mask = xcb_input_raw_button_press_valuator_mask(e);
    xcb_input_fp3232_iterator_t value = xcb_input_raw_button_press_axisvalues_iterator(e);
    double size[IDEM_XI2_AXES] = {x->width, x->height}, *at[IDEM_XI2_AXES] = {&x->x, &x->y};
    bool moves = false;

    if (!is_slave(x, e->deviceid) || e->valuators_len == 0)
        return false;
    for (int i = 0; i < IDEM_XI2_AXES && value.rem > 0; i++) {
        if (!(mask[0] >> i & 1))
            continue;
        move_along(&x->slots[e->deviceid].axis[i], idem_xi2_number(*value.data), size[i], at[i]);
        xcb_input_fp3232_next(&value);
        moves = true;
    }
    x->moved |= moves;
    return moves && pointer_event(x, e->deviceid, e->time, IDEM_POINTER_MOVE, out);
}

int idem_xi2_look(struct idem_xi2 *x)
{
    xcb_input_xi_query_pointer_cookie_t asked =
        xcb_input_xi_query_pointer(x->connection, x->root, x->pointer);
    xcb_input_xi_query_pointer_reply_t *reply =
        xcb_input_xi_query_pointer_reply(x->connection, asked, NULL);

    if (reply == NULL)
        return IDEM_ERR_IO;
    x->looked = true;
    x->look_sequence = asked.sequence;
    x->seen_x = from_fp1616(reply->root_x);
    x->seen_y = from_fp1616(reply->root_y);
    free(reply);
    return 0;
}

/* All that came before the answer has been dealt with. True when *out is a warp. */
static bool settle(struct idem_xi2 *x, struct idem_xi2_event *out)
{
    bool elsewhere = x->seen_x != x->look_x || x->seen_y != x->look_y;
    bool warped = elsewhere && !x->moved;

    x->looked = x->moved = false;
    x->x = x->look_x = x->seen_x;
    x->y = x->look_y = x->seen_y;
    if (!warped)
        return false;
    pointer_event(x, x->pointer, x->now_ms, IDEM_POINTER_MOVE, out);
    out->flags = IDEM_GUARD_WARPED;
    return true;
}

/* ------------------------------------------------------------------ the stream */

static bool on_xinput(struct idem_xi2 *x, const xcb_ge_generic_event_t *e,
                      struct idem_xi2_event *out)
{
    switch (e->event_type) {
    case XCB_INPUT_RAW_KEY_PRESS:
    case XCB_INPUT_RAW_KEY_RELEASE:
        return on_key(x, (const void *)e, out);
    case XCB_INPUT_RAW_BUTTON_PRESS:
    case XCB_INPUT_RAW_BUTTON_RELEASE:
        return on_button(x, (const void *)e, out);
    case XCB_INPUT_RAW_MOTION:
        return on_motion(x, (const void *)e, out);
    case XCB_INPUT_RAW_TOUCH_BEGIN:
    case XCB_INPUT_RAW_TOUCH_UPDATE:
    case XCB_INPUT_RAW_TOUCH_END:
        x->moved = true;
        return false;
    case XCB_INPUT_HIERARCHY:
        *out = (struct idem_xi2_event){0};
        return on_hierarchy(x, (const void *)e, out);
    default:
        return false;
    }
}

static void on_screen(struct idem_xi2 *x, const xcb_configure_notify_event_t *e)
{
    if (e->window != x->root)
        return;
    x->width = e->width;
    x->height = e->height;
    x->moved = true;
}

static bool take(struct idem_xi2 *x, const xcb_generic_event_t *e, struct idem_xi2_event *out)
{
    uint8_t type = e->response_type & 0x7f;

    if (type == XCB_GE_GENERIC && ((const xcb_ge_generic_event_t *)e)->extension == x->xinput)
        return on_xinput(x, (const void *)e, out);
    if (type == XCB_CONFIGURE_NOTIFY)
        on_screen(x, (const void *)e);
    return false;
}

static void drop(xcb_generic_event_t *e)
{
    if (e != NULL)
        explicit_bzero(e, sizeof *e);
    free(e);
}

int idem_xi2_next(struct idem_xi2 *x, struct idem_xi2_event *out)
{
    struct idem_xi2_event next = {0};
    bool found = false;

    while (!found) {
        xcb_generic_event_t *e = x->held != NULL ? x->held : xcb_poll_for_event(x->connection);
        x->held = NULL;
        if (e == NULL && xcb_connection_has_error(x->connection))
            return IDEM_ERR_IO;
        if (x->looked && (e == NULL || (int32_t)(e->full_sequence - x->look_sequence) >= 0)) {
            x->held = e;
            found = settle(x, &next);
        } else if (e == NULL) {
            return 0;
        } else {
            found = take(x, e, &next);
            drop(e);
        }
    }
    *out = next;
    return 1;
}

int idem_xi2_fd(const struct idem_xi2 *x)
{
    return xcb_get_file_descriptor(x->connection);
}

const struct idem_xi2_device *idem_xi2_device(const struct idem_xi2 *x, uint16_t device)
{
    if (device >= IDEM_XI2_DEVICES || x->slots[device].seen.name[0] == 0)
        return NULL;
    return &x->slots[device].seen;
}

/* ------------------------------------------------------------------ opening */

static int begin(struct idem_xi2 *x, int screen, const char **reason)
{
    struct idem_xi2_event none;
    int r = idem_xi2_find(x, screen, reason);

    if (r != 0)
        return r;
    idem_xi2_select(x);
    *reason = "the X server does not tell of its devices";
    if (idem_xi2_query(x, XCB_INPUT_DEVICE_ALL) != 0 || idem_xi2_look(x) != 0)
        return IDEM_ERR_IO;
    x->moved = true; /* wherever it is, that is where it starts */
    settle(x, &none);
    x->open = true;
    return 0;
}

int idem_xi2_open(const char *display, struct idem_xi2 **out, const char **reason)
{
    const char *why = "out of memory";
    struct idem_xi2 *x = calloc(1, sizeof *x);
    int screen = 0, r = IDEM_ERR_NOMEM;

    if (x != NULL) {
        x->connection = xcb_connect(display, &screen);
        r = begin(x, screen, &why);
    }
    if (r == 0) {
        *out = x;
        return 0;
    }
    idem_xi2_close(x);
    if (reason != NULL)
        *reason = why;
    return r;
}

void idem_xi2_close(struct idem_xi2 *x)
{
    if (x == NULL)
        return;
    drop(x->held);
    xcb_disconnect(x->connection);
    explicit_bzero(x, sizeof *x);
    free(x);
}
