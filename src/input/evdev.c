/* SPDX-License-Identifier: Apache-2.0 */
/* evdev.c - see evdev.h. */
#include "input/evdev.h"

#include <math.h>

#include "base/bytes.h"

static const double slow_touchpad = 0.3; /* libinput's TP_MAGIC_SLOWDOWN, 0.2968 */
static const double mils_in_mm = 1000 / 25.4;
static const int32_t unknown_resolution = 10;
static const double scroll_step = 4 * 1000 / 25.4; /* 4 mm, before it is slowed down */
static const double screen[2] = {1920, 1080};

static double scale_of(const struct idem_evdev_shape *shape, int i)
{
    const struct idem_evdev_axis *axis = &shape->axis[i];

    switch (shape->pointer) {
    case IDEM_EVDEV_RELATIVE:
        return (double)IDEM_EVDEV_DPI / (shape->dpi != 0 ? shape->dpi : IDEM_EVDEV_DPI);
    case IDEM_EVDEV_TOUCHPAD:
        return slow_touchpad * mils_in_mm /
               (axis->resolution > 0 ? axis->resolution : unknown_resolution);
    case IDEM_EVDEV_ABSOLUTE:
        return axis->max > axis->min ? screen[i] / ((double)axis->max - axis->min) : 0;
    default:
        return 0;
    }
}

void idem_evdev_init(struct idem_evdev *d, const struct idem_evdev_shape *shape)
{
    struct idem_evdev_shape kept = *shape; /* may be the decoder's own */

    idem_wipe(d, sizeof *d);
    d->shape = kept;
    for (int i = 0; i < 2; i++)
        d->scale[i] = scale_of(&d->shape, i);
}

static void forget_report(struct idem_evdev *d)
{
    d->moved[0] = d->moved[1] = 0;
    d->wheel = false;
    d->button_count = 0;
}

static void forget_touch(struct idem_evdev *d)
{
    d->touched = false;
    d->fingers = 0;
    d->placed[0] = d->placed[1] = false;
    d->scrolled = 0;
}

/* ------------------------------------------------------------------ parts of a report */

static bool is_key(uint32_t code)
{
    return code < BTN_MISC || (code >= KEY_OK && code < BTN_DPAD_UP) ||
           (code > BTN_DPAD_RIGHT && code < BTN_TRIGGER_HAPPY);
}

static uint32_t on_key(const struct input_event *in, int64_t t_us, struct idem_input_event *out)
{
    if (in->value < 0 || in->value > 2)
        return 0;
    *out = (struct idem_input_event){.kind = IDEM_INPUT_KEY,
                                     .t_us = t_us,
                                     .key = in->code,
                                     .action = (enum idem_key_action)in->value};
    return 1;
}

static void on_button(struct idem_evdev *d, const struct input_event *in)
{
    enum idem_pointer_kind kind = in->value ? IDEM_POINTER_PRESS : IDEM_POINTER_RELEASE;

    if (d->button_count == IDEM_EVDEV_BUTTONS || in->value < 0 || in->value > 1)
        return;
    if (in->code != BTN_LEFT)
        kind = in->value ? IDEM_POINTER_PRESS_OTHER : IDEM_POINTER_RELEASE_OTHER;
    d->button[d->button_count++] = kind;
}

/* The tool is how many fingers there are: with a new number the place is another finger's. */
static uint32_t fingers_of(uint32_t code)
{
    switch (code) {
    case BTN_TOOL_FINGER:
        return 1;
    case BTN_TOOL_DOUBLETAP:
        return 2;
    case BTN_TOOL_TRIPLETAP:
    case BTN_TOOL_QUADTAP:
    case BTN_TOOL_QUINTTAP:
        return 3;
    default:
        return 0;
    }
}

static void on_touch(struct idem_evdev *d, const struct input_event *in)
{
    uint32_t fingers = fingers_of(in->code);

    if (in->code != BTN_TOUCH && fingers == 0)
        return;
    if (in->code == BTN_TOUCH)
        d->touched = in->value != 0;
    else if (in->value != 0)
        d->fingers = fingers;
    else if (d->fingers == fingers)
        d->fingers = 0;
    d->placed[0] = d->placed[1] = false;
    d->scrolled = 0;
}

static uint32_t on_code(struct idem_evdev *d, const struct input_event *in, int64_t t_us,
                        struct idem_input_event *out)
{
    if (is_key(in->code))
        return d->shape.keyboard ? on_key(in, t_us, out) : 0;
    if (d->shape.pointer == IDEM_EVDEV_NO_POINTER)
        return 0;
    if (in->code >= BTN_LEFT && in->code <= BTN_TASK)
        on_button(d, in);
    else if (d->shape.pointer == IDEM_EVDEV_TOUCHPAD)
        on_touch(d, in);
    return 0;
}

static void on_relative(struct idem_evdev *d, const struct input_event *in)
{
    if (d->shape.pointer == IDEM_EVDEV_NO_POINTER)
        return;
    if (in->code == REL_WHEEL || in->code == REL_HWHEEL)
        d->wheel |= in->value != 0;
    else if (in->code <= REL_Y && d->shape.pointer == IDEM_EVDEV_RELATIVE)
        d->moved[in->code] += in->value * d->scale[in->code];
}

static void on_absolute(struct idem_evdev *d, const struct input_event *in)
{
    uint32_t i = in->code;

    if (i > ABS_Y || d->shape.pointer < IDEM_EVDEV_TOUCHPAD)
        return;
    if (d->placed[i])
        d->moved[i] += ((double)in->value - d->at[i]) * d->scale[i];
    d->at[i] = in->value;
    d->placed[i] = true;
}

/* ------------------------------------------------------------------ a report is complete */

static void tell(struct idem_input_event *out, enum idem_pointer_kind kind, int64_t t_us)
{
    *out = (struct idem_input_event){.kind = IDEM_INPUT_POINTER, .t_us = t_us, .pointer = kind};
}

/* Two fingers: their way is a wheel's. More, or what is not touching, move nothing. */
static void settle_touch(struct idem_evdev *d)
{
    if (!d->touched)
        d->placed[0] = d->placed[1] = false;
    if (d->touched && d->fingers == 1)
        return;
    if (d->touched && d->fingers == 2)
        d->scrolled += hypot(d->moved[0], d->moved[1]);
    d->moved[0] = d->moved[1] = 0;
    if (d->scrolled < scroll_step * slow_touchpad)
        return;
    d->scrolled = 0;
    d->wheel = true;
}

static uint32_t finish_report(struct idem_evdev *d, int64_t t_us, struct idem_input_event *out)
{
    uint32_t n = 0;

    if (d->shape.pointer == IDEM_EVDEV_TOUCHPAD)
        settle_touch(d);
    if (d->moved[0] != 0 || d->moved[1] != 0) {
        tell(&out[n], IDEM_POINTER_MOVE, t_us);
        out[n].dx = d->moved[0];
        out[n++].dy = d->moved[1];
    }
    for (uint32_t i = 0; i < d->button_count; i++)
        tell(&out[n++], d->button[i], t_us);
    if (d->wheel)
        tell(&out[n++], IDEM_POINTER_SCROLL, t_us);
    forget_report(d);
    return n;
}

static uint32_t on_sync(struct idem_evdev *d, const struct input_event *in, int64_t t_us,
                        struct idem_input_event *out)
{
    if (in->code == SYN_DROPPED) {
        forget_report(d);
        forget_touch(d);
        d->dropped = true;
        *out = (struct idem_input_event){.kind = IDEM_INPUT_GAP, .t_us = t_us};
        return 1;
    }
    if (in->code != SYN_REPORT)
        return 0;
    if (!d->dropped)
        return finish_report(d, t_us, out);
    d->dropped = false;
    return 0;
}

uint32_t idem_evdev_event(struct idem_evdev *d, const struct input_event *in,
                          struct idem_input_event out[IDEM_EVDEV_OUT])
{
    int64_t t_us = (int64_t)in->input_event_sec * 1000000 + (int64_t)in->input_event_usec;

    if (in->type == EV_SYN)
        return on_sync(d, in, t_us, out);
    if (d->dropped)
        return 0;
    if (in->type == EV_KEY)
        return on_code(d, in, t_us, out);
    if (in->type == EV_REL)
        on_relative(d, in);
    else if (in->type == EV_ABS)
        on_absolute(d, in);
    return 0;
}

void idem_evdev_resume(struct idem_evdev *d)
{
    d->dropped = false;
}
