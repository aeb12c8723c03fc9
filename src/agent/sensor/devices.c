/* SPDX-License-Identifier: Apache-2.0 */
/* devices.c - see devices.h. */
#include "agent/sensor/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <libevdev/libevdev.h>
#include <malloc.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "agent/line.h"
#include "base/bytes.h"

enum { PERTURB = 0x5a, STACK_WIPED = 32 * 1024 };

/* Its messages name devices. */
static void say_nothing(const struct libevdev *evdev, enum libevdev_log_priority priority,
                        void *data, const char *file, int line, const char *func,
                        const char *format, va_list args)
{
    (void)evdev, (void)priority, (void)data, (void)file, (void)line, (void)func, (void)format;
    (void)args;
}

void idem_devices_prepare(void)
{
    mallopt(M_PERTURB, PERTURB);
}

__attribute__((noinline)) void idem_devices_wipe_stack(void)
{
    uint8_t bytes[STACK_WIPED];
    idem_wipe(bytes, sizeof bytes);
}

/* ------------------------------------------------------------------ what a device is */

static bool has_key_between(const struct libevdev *evdev, unsigned first, unsigned last)
{
    for (unsigned code = first; code <= last; code++)
        if (libevdev_has_event_code(evdev, EV_KEY, code))
            return true;
    return false;
}

/* Volume and power buttons are no keyboard; a pad of function keys is. */
static bool is_keyboard(const struct libevdev *evdev)
{
    return has_key_between(evdev, KEY_ESC, KEY_KPDOT) || has_key_between(evdev, KEY_F13, KEY_F24);
}

static enum idem_evdev_pointer pointer_of(const struct libevdev *evdev)
{
    if (libevdev_has_event_code(evdev, EV_REL, REL_X) &&
        libevdev_has_event_code(evdev, EV_REL, REL_Y))
        return IDEM_EVDEV_RELATIVE;
    if (!libevdev_has_event_code(evdev, EV_ABS, ABS_X) ||
        !libevdev_has_event_code(evdev, EV_ABS, ABS_Y) ||
        libevdev_has_property(evdev, INPUT_PROP_DIRECT) ||
        libevdev_has_event_code(evdev, EV_KEY, BTN_TOOL_PEN))
        return IDEM_EVDEV_NO_POINTER;
    if (libevdev_has_event_code(evdev, EV_KEY, BTN_TOOL_FINGER))
        return IDEM_EVDEV_TOUCHPAD;
    return libevdev_has_event_code(evdev, EV_KEY, BTN_LEFT) &&
                   !libevdev_has_event_code(evdev, EV_KEY, BTN_TOUCH)
               ? IDEM_EVDEV_ABSOLUTE
               : IDEM_EVDEV_NO_POINTER;
}

static struct idem_evdev_shape shape_of(const struct libevdev *evdev, uint32_t dpi)
{
    struct idem_evdev_shape shape = {.keyboard = is_keyboard(evdev), .pointer = pointer_of(evdev)};

    if (!libevdev_has_property(evdev, INPUT_PROP_POINTING_STICK))
        shape.dpi = dpi;
    for (unsigned i = 0; i < 2; i++) {
        const struct input_absinfo *axis = libevdev_get_abs_info(evdev, ABS_X + i);
        if (axis != NULL)
            shape.axis[i] =
                (struct idem_evdev_axis){axis->minimum, axis->maximum, axis->resolution};
    }
    return shape;
}

/* ------------------------------------------------------------------ handles */

static int open_handle(struct idem_node *n)
{
    if (libevdev_new_from_fd(n->watch.fd, &n->evdev) != 0) {
        n->evdev = NULL;
        return IDEM_ERR_INVALID;
    }
    libevdev_set_device_log_function(n->evdev, say_nothing, LIBEVDEV_LOG_ERROR, NULL);
    n->events = 0;
    return libevdev_set_clock_id(n->evdev, CLOCK_MONOTONIC) == 0 ? 0 : IDEM_ERR_INVALID;
}

static void close_handle(struct idem_node *n)
{
    libevdev_free(n->evdev);
    n->evdev = NULL;
}

static void remove_node(struct idem_node *n)
{
    idem_loop_unwatch(n->of->loop, &n->watch);
    close_handle(n);
    idem_line_drop(n->watch.fd);
    idem_engine_gone(n->of->engine, n->place);
    idem_wipe(n, sizeof *n);
}

/* ------------------------------------------------------------------ reading */

static void tell_engine(struct idem_node *n, const struct input_event *in, int64_t now_us)
{
    struct idem_input_event out[IDEM_EVDEV_OUT];
    uint32_t count = idem_evdev_event(&n->decoder, in, out);

    for (uint32_t i = 0; i < count; i++)
        idem_engine_event(n->of->engine, n->place, &out[i], now_us);
    idem_wipe(out, count * sizeof out[0]);
}

/* After SYN_DROPPED. What libevdev says has changed meanwhile nobody can have timed. */
static void pass_over(struct idem_node *n)
{
    struct input_event in;

    while (libevdev_next_event(n->evdev, LIBEVDEV_READ_FLAG_SYNC, &in) == LIBEVDEV_READ_STATUS_SYNC)
        n->events++;
    idem_evdev_resume(&n->decoder);
    idem_wipe(&in, sizeof in);
}

/* How many events there were; or a negative errno. With this flag libevdev reads when it has
 * nothing left, and not once more for every event; the descriptor itself never blocks. */
static int drain(struct idem_node *n, int64_t now_us)
{
    const unsigned flags = LIBEVDEV_READ_FLAG_NORMAL | LIBEVDEV_READ_FLAG_BLOCKING;
    struct input_event in;
    uint32_t before = n->events;
    int r;

    while ((r = libevdev_next_event(n->evdev, flags, &in)) >= 0) {
        n->events++;
        tell_engine(n, &in, now_us);
        if (r == LIBEVDEV_READ_STATUS_SYNC) {
            n->rest_us /= 2;
            pass_over(n);
        }
    }
    idem_wipe(&in, sizeof in);
    return r == -EAGAIN ? (int)(n->events - before) : r;
}

struct keys {
    uint8_t down[KEY_CNT / 8];
};

static struct keys keys_of(const struct libevdev *evdev)
{
    struct keys keys = {{0}};

    for (unsigned code = 0; code < KEY_CNT; code++)
        if (libevdev_get_event_value(evdev, EV_KEY, code) != 0)
            keys.down[code / 8] |= (uint8_t)(1U << code % 8);
    return keys;
}

/* Making a handle asks the kernel which keys are down, and the kernel takes their events out of the
 * queue: those of the last few microseconds are never read. */
static int renew(struct idem_node *n)
{
    struct keys before = keys_of(n->evdev);

    close_handle(n);
    int err = open_handle(n);
    if (err != 0)
        return err;
    struct keys after = keys_of(n->evdev);
    if (memcmp(&before, &after, sizeof before) != 0)
        idem_engine_event(n->of->engine, n->place,
                          &(const struct idem_input_event){.kind = IDEM_INPUT_GAP}, 0);
    idem_wipe(&before, sizeof before);
    idem_wipe(&after, sizeof after);
    return 0;
}

/* As drain(); one that fails is gone. */
static int read_node(struct idem_node *n)
{
    int count = drain(n, idem_loop_now()), err = 0;

    if (count >= 0 && n->events >= IDEM_DEVICES_STALE)
        err = renew(n);
    if (count > IDEM_DEVICES_MANY)
        n->rest_us /= 2;
    if (count >= 0 && err == 0)
        return count;
    remove_node(n);
    return IDEM_ERR_IO;
}

static void set_rest(struct idem_devices *d, uint32_t us)
{
    if (us > 0)
        (void)idem_loop_after(d->loop, &d->rest, us);
}

static void on_ready(void *arg, short events)
{
    struct idem_node *n = arg;
    struct idem_devices *d = n->of;

    (void)events; /* a device that is gone is read in vain */
    if (read_node(n) > 0 && n->rest_us > 0) {
        n->resting = true;
        idem_loop_unwatch(d->loop, &n->watch);
        set_rest(d, n->rest_us);
    }
    d->settle(d->arg);
}

/* All that rest are read; who had nothing to say is waited for again. */
static void on_rest(void *arg)
{
    struct idem_devices *d = arg;
    uint32_t next_us = 0;

    for (int i = 0; i < IDEM_DEVICES_MAX; i++) {
        struct idem_node *n = &d->nodes[i];
        if (!n->resting)
            continue;
        int count = read_node(n);
        if (count < 0)
            continue;
        n->resting = count > 0 && n->rest_us > 0;
        if (!n->resting && idem_loop_watch(d->loop, &n->watch) != 0)
            remove_node(n);
        else if (n->resting && (next_us == 0 || n->rest_us < next_us))
            next_us = n->rest_us;
    }
    set_rest(d, next_us);
    d->settle(d->arg);
}

void idem_devices_init(struct idem_devices *d, struct idem_loop *loop, struct idem_engine *engine,
                       void (*settle)(void *arg), void *arg)
{
    *d = (struct idem_devices){.loop = loop, .engine = engine, .settle = settle, .arg = arg};
    d->rest = (struct idem_timer){.due = on_rest, .arg = d};
}

void idem_devices_renew(struct idem_devices *d, enum idem_modality modality)
{
    for (int i = 0; i < IDEM_DEVICES_MAX; i++) {
        struct idem_node *n = &d->nodes[i];
        bool of_it = modality == IDEM_KEYBOARD ? n->decoder.shape.keyboard
                                               : n->decoder.shape.pointer != IDEM_EVDEV_NO_POINTER;
        if (n->id != 0 && n->evdev != NULL && n->events > 0 && of_it && renew(n) != 0)
            remove_node(n);
    }
    idem_devices_wipe_stack();
}

/* ------------------------------------------------------------------ listening */

/* The kernel empties a queue whose clock changes, and leaves a SYN_DROPPED in it. */
static void drop_queued(int fd)
{
    const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};

    for (int i = 0; i < 2; i++)
        (void)ioctl(fd, EVIOCSCLOCKID, &clocks[i]); /* a device that is gone is found by reading */
}

static int begin(struct idem_node *n)
{
    drop_queued(n->watch.fd);
    idem_evdev_init(&n->decoder, &n->decoder.shape);
    int err = open_handle(n);
    return err != 0 ? err : idem_loop_watch(n->of->loop, &n->watch);
}

static void end(struct idem_node *n)
{
    idem_loop_unwatch(n->of->loop, &n->watch);
    n->resting = false;
    close_handle(n);
    idem_evdev_init(&n->decoder, &n->decoder.shape);
}

void idem_devices_listen(struct idem_devices *d)
{
    bool wanted = idem_engine_listens(d->engine);

    if (wanted == d->listening)
        return;
    d->listening = wanted;
    for (int i = 0; i < IDEM_DEVICES_MAX; i++) {
        struct idem_node *n = &d->nodes[i];
        if (n->id == 0)
            continue;
        if (!wanted)
            end(n);
        else if (begin(n) != 0)
            remove_node(n);
    }
    if (!wanted)
        idem_devices_wipe_stack();
}

/* ------------------------------------------------------------------ coming and going */

static int introduce(struct idem_node *n, const struct idem_device_message *m)
{
    const struct idem_evdev_shape *shape = &n->decoder.shape;
    const struct idem_engine_device device = {
        .id = m->id,
        .group = m->group,
        .keyboard = shape->keyboard,
        .pointer = shape->pointer != IDEM_EVDEV_NO_POINTER,
        .known = {.source = (enum idem_guard_source)m->source,
                  .role = idem_guard_role_of(m->vendor, m->product),
                  .hotplugged = (m->flags & IDEM_DEVICE_HOTPLUGGED) != 0,
                  .twin = (m->flags & IDEM_DEVICE_TWIN) != 0,
                  .wireless = (m->flags & IDEM_DEVICE_WIRELESS) != 0,
                  .arrived_us = m->arrived_us,
                  .tick_us = 1},
    };

    n->place = idem_engine_device(n->of->engine, &device, idem_loop_now());
    return n->place < 0 ? n->place : 0;
}

static struct idem_node *free_node(struct idem_devices *d)
{
    for (int i = 0; i < IDEM_DEVICES_MAX; i++)
        if (d->nodes[i].id == 0)
            return &d->nodes[i];
    return NULL;
}

static int fill(struct idem_node *n, const struct idem_device_message *m)
{
    int flags = fcntl(n->watch.fd, F_GETFL);

    if (flags < 0 || (flags & O_ACCMODE) != O_RDONLY || (flags & O_NONBLOCK) == 0)
        return IDEM_ERR_INVALID;
    int err = open_handle(n);
    if (err != 0)
        return err;
    const struct idem_evdev_shape shape = shape_of(n->evdev, m->dpi);
    close_handle(n);
    idem_evdev_init(&n->decoder, &shape);
    return introduce(n, m);
}

int idem_devices_add(struct idem_devices *d, const struct idem_device_message *m, int fd)
{
    struct idem_node *n = free_node(d);

    if (n == NULL) {
        idem_line_drop(fd);
        return IDEM_ERR_LIMIT;
    }
    n->of = d;
    n->watch = (struct idem_watch){.fd = fd, .events = POLLIN, .ready = on_ready, .arg = n};
    int err = fill(n, m);
    if (err != 0) {
        close_handle(n);
        idem_line_drop(fd);
        idem_wipe(n, sizeof *n);
        return err;
    }
    n->id = m->id;
    n->group = m->group;
    n->rest_us = n->decoder.shape.keyboard ? 0 : IDEM_DEVICES_REST_US;
    if (d->listening && begin(n) != 0)
        remove_node(n);
    return 0;
}

void idem_devices_remove(struct idem_devices *d, uint32_t id)
{
    for (int i = 0; i < IDEM_DEVICES_MAX; i++)
        if (d->nodes[i].id == id)
            remove_node(&d->nodes[i]);
}

void idem_devices_remove_group(struct idem_devices *d, uint32_t id)
{
    uint32_t group = 0;

    for (int i = 0; i < IDEM_DEVICES_MAX; i++)
        if (d->nodes[i].id == id)
            group = d->nodes[i].group;
    for (int i = 0; i < IDEM_DEVICES_MAX && group != 0; i++)
        if (d->nodes[i].id != 0 && d->nodes[i].group == group)
            remove_node(&d->nodes[i]);
}

void idem_devices_clear(struct idem_devices *d)
{
    for (int i = 0; i < IDEM_DEVICES_MAX; i++)
        if (d->nodes[i].id != 0)
            remove_node(&d->nodes[i]);
    idem_devices_wipe_stack();
}
