/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenes_pointer.c - the sensor before devices that are no keyboard. This program is the broker.
 *
 *   what a device is      mouse, touchpad and a virtual machine's tablet are pointers; a touch
 * screen and a power button are nothing that is listened to its name              stays in the
 * kernel: it is nowhere in the sensor's memory a mouse of 1000 Hz    fills windows, and is read
 * many reports at a time one of 8000 Hz        fills windows, too, once the sensor has found out
 *   nothing moves         the sensor sleeps
 */
#include <fcntl.h>
#include <linux/uinput.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "gadget.h"
#include "scenes.h"
#include "world.h"

enum { GESTURES = 14, GESTURE_MS = 600, CHUNK = 64 * 1024, AXIS_MAX = 4000 };

static const char secret[] = "Olga's own device";

/* ------------------------------------------------------------------ devices */

struct kind {
    const char *what;
    int keys[4], rels[4], abs[2], property; /* 0 ends; property -1: none */
    bool absolute;
    uint32_t keyboards, pointers; /* that the sensor should count */
};

static const struct kind kinds[] = {
    {"a mouse", {BTN_LEFT, BTN_RIGHT}, {REL_WHEEL}, {0}, -1, false, 0, 1},
    {"a touchpad",
     {BTN_LEFT, BTN_TOUCH, BTN_TOOL_FINGER},
     {0},
     {0},
     INPUT_PROP_POINTER,
     true,
     0,
     1},
    {"a tablet", {BTN_LEFT, BTN_RIGHT}, {0}, {0}, -1, true, 0, 1},
    {"a touch screen", {BTN_TOUCH}, {0}, {0}, INPUT_PROP_DIRECT, true, 0, 0},
    {"a power button", {KEY_POWER}, {0}, {0}, -1, false, 0, 0},
    {"a pad of function keys", {KEY_F13, KEY_F14}, {0}, {0}, -1, false, 1, 0},
};

static void set_axis(int fd, int code)
{
    const struct uinput_abs_setup axis = {(uint16_t)code, {.maximum = AXIS_MAX, .resolution = 40}};
    ioctl(fd, UI_ABS_SETUP, &axis);
}

static int set_up(int fd, const struct kind *k)
{
    struct uinput_setup setup = {.id = {.bustype = BUS_USB, .vendor = 0x046d, .product = 0xc077}};

    snprintf(setup.name, sizeof setup.name, "%s", secret);
    ioctl(fd, UI_SET_EVBIT, EV_KEY);
    for (int i = 0; i < 4 && k->keys[i]; i++)
        ioctl(fd, UI_SET_KEYBIT, k->keys[i]);
    if (k->rels[0]) {
        ioctl(fd, UI_SET_EVBIT, EV_REL);
        ioctl(fd, UI_SET_RELBIT, REL_X);
        ioctl(fd, UI_SET_RELBIT, REL_Y);
        ioctl(fd, UI_SET_RELBIT, k->rels[0]);
    }
    if (k->absolute) {
        ioctl(fd, UI_SET_EVBIT, EV_ABS);
        set_axis(fd, ABS_X);
        set_axis(fd, ABS_Y);
    }
    if (k->property >= 0)
        ioctl(fd, UI_SET_PROPBIT, k->property);
    return ioctl(fd, UI_DEV_SETUP, &setup) != 0 || ioctl(fd, UI_DEV_CREATE) != 0 ? -1 : 0;
}

/* Its uinput descriptor, and the one to read. */
static int make(const struct kind *k, int *event)
{
    char sys[64] = "", folder[128], node[64];
    int fd = open("/dev/uinput", O_WRONLY | O_CLOEXEC);

    if (fd < 0 || set_up(fd, k) != 0 || ioctl(fd, UI_GET_SYSNAME(sizeof sys), sys) < 0)
        return -1;
    snprintf(folder, sizeof folder, "/sys/devices/virtual/input/%s", sys);
    if (keyboard_node(folder, node) != 0)
        return -1;
    *event = open(node, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return *event >= 0 ? fd : -1;
}

static void send_device(int line, uint32_t id, int event)
{
    struct idem_device_message m = {.head = {IDEM_BS_DEVICE, sizeof m},
                                    .id = id,
                                    .group = id,
                                    .source = IDEM_SOURCE_HARDWARE,
                                    .vendor = 0x046d,
                                    .product = 0xc077};
    idem_line_send(line, &m.head, event);
}

static void send_gone(int line, uint32_t id)
{
    struct idem_number_message m = {.head = {IDEM_BS_GONE, sizeof m}, .number = id};
    idem_line_send(line, &m.head, -1);
}

static bool counts_are(const struct world *w, const void *arg)
{
    const struct kind *k = arg;
    return w->state.keyboards == k->keyboards && w->state.pointers == k->pointers;
}

/* ------------------------------------------------------------------ its memory */

static bool holds(pid_t pid, const char *text)
{
    static uint8_t bytes[CHUNK + 64];
    char path[64], line[512], rights[8];
    unsigned long from, to;
    bool found = false;

    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    while (memory >= 0 && maps && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[1] != 'w')
            continue;
        for (unsigned long at = from; at < to; at += CHUNK) {
            size_t want = to - at < sizeof bytes ? to - at : sizeof bytes;
            ssize_t n = pread(memory, bytes, want, (off_t)at);
            found |= n > 0 && memmem(bytes, (size_t)n, text, strlen(text)) != NULL;
        }
    }
    if (maps)
        fclose(maps);
    if (memory >= 0)
        close(memory);
    return found;
}

static void is_known(struct world *w, int line, const struct kind *k, uint32_t id)
{
    const struct kind none = {0};
    int event = -1, fd = make(k, &event);

    if (!tap_check(fd >= 0, "%s is made", k->what))
        return;
    send_device(line, id, event);
    world_listen(w, 300, NULL, NULL);
    tap_check(counts_are(w, k), "%s counts as %u keyboards and %u pointers", k->what, k->keyboards,
              k->pointers);
    tap_check(!holds(w->sensor, secret), "%s: its name is not in the sensor's memory", k->what);
    send_gone(line, id);
    tap_check(world_listen(w, WORLD_WAIT_MS, counts_are, &none), "%s is gone", k->what);
    close(event);
    close(fd);
}

/* ------------------------------------------------------------------ moving */

static void put(int fd, uint16_t type, uint16_t code, int value)
{
    const struct input_event e = {.type = type, .code = code, .value = value};
    if (write(fd, &e, sizeof e) != sizeof e)
        tap_say("the mouse is gone");
}

static void until(struct timespec *t, long us)
{
    t->tv_nsec += us * 1000;
    t->tv_sec += t->tv_nsec / 1000000000;
    t->tv_nsec %= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, t, NULL);
}

static void click(int fd)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    for (int down = 1; down >= 0; down--) {
        until(&t, down ? 120000 : 90000);
        put(fd, EV_KEY, BTN_LEFT, down);
        put(fd, EV_SYN, SYN_REPORT, 0);
    }
    until(&t, 400000);
}

/* One movement and a click, so many reports a millisecond; how many there were. */
static uint32_t gesture(int fd, struct idem_rng *rng, int reports_a_ms)
{
    double angle = idem_rng_uniform(rng) * 6.28, left_x = 0, left_y = 0;
    uint32_t sent = 0;
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    for (int ms = 0; ms < GESTURE_MS; ms++) {
        double speed = 3.0 * ms * (GESTURE_MS - ms) / (GESTURE_MS * GESTURE_MS / 4) *
                       (0.7 + 0.6 * idem_rng_uniform(rng));
        angle += 0.006 * (idem_rng_uniform(rng) - 0.4);
        for (int i = 0; i < reports_a_ms; i++) {
            left_x += speed * cos(angle);
            left_y += speed * sin(angle);
            put(fd, EV_REL, REL_X, (int)left_x);
            put(fd, EV_REL, REL_Y, (int)left_y);
            put(fd, EV_SYN, SYN_REPORT, 0);
            left_x -= (int)left_x;
            left_y -= (int)left_y;
            sent++;
        }
        until(&t, 1000);
    }
    click(fd);
    return sent;
}

static uint64_t number_in(pid_t pid, const char *file, const char *key)
{
    char path[64], line[256];
    uint64_t number = 0;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0)
            number = strtoull(line + strlen(key), NULL, 10);
    if (f)
        fclose(f);
    return number;
}

static uint64_t wakeups(pid_t pid)
{
    return number_in(pid, "status", "voluntary_ctxt_switches:");
}

static void moves(struct world *w, int fd, int reports_a_ms)
{
    uint64_t before = wakeups(w->sensor), ns = number_in(w->sensor, "schedstat", "");
    uint32_t reports = 0;
    struct idem_rng rng;

    idem_rng_seed(&rng, 3);
    world_forget(w);
    for (int i = 0; i < GESTURES; i++) {
        reports += gesture(fd, &rng, reports_a_ms);
        world_listen(w, 1, NULL, NULL);
    }
    world_listen(w, 500, NULL, NULL);
    uint64_t woken = wakeups(w->sensor) - before;
    tap_say("%d000 Hz: %u reports, %lu wake-ups, %.1f ms of the processor, %u windows",
            reports_a_ms, reports, (unsigned long)woken,
            (double)(number_in(w->sensor, "schedstat", "") - ns) / 1e6, w->windows);
    tap_check(w->windows >= 1 && w->window.modality == IDEM_POINTER, "%d000 Hz: windows",
              reports_a_ms);
    tap_check(woken * 8 < reports, "%d000 Hz: many reports at a time", reports_a_ms);
    before = wakeups(w->sensor);
    world_listen(w, 1000, NULL, NULL);
    tap_check(wakeups(w->sensor) == before, "nothing moves: the sensor sleeps");
}

static void mouse_moves(struct world *w, int line)
{
    int event = -1, fd = make(&kinds[0], &event);

    if (!tap_check(fd >= 0, "a mouse to be moved"))
        return;
    send_device(line, 100, event);
    tap_check(world_listen(w, WORLD_WAIT_MS, counts_are, &kinds[0]), "the sensor reads it");
    moves(w, fd, 1);
    moves(w, fd, 8);
    close(event);
    close(fd);
}

/* ------------------------------------------------------------------ */

static void introduce(struct world *w, int line)
{
    struct idem_presence_message here = {
        .head = {IDEM_BS_PRESENCE, sizeof here}, .presence = IDEM_PRESENT, .unlocked = 1};
    struct idem_number_message m = {.head = {IDEM_BS_LINE, sizeof m}};
    int ends[2];

    if (idem_line_pair(ends) != 0)
        exit(1);
    idem_line_send(line, &here.head, -1);
    idem_line_send(line, &m.head, ends[0]);
    close(ends[0]);
    w->line = ends[1];
    world_give_leave(w);
}

void scenes_pointer(void)
{
    static struct world w;

    world_open(&w);
    w.sensor = world_start_sensor(&w);
    int line = idem_line_connect("/run/idem-agent/sensor");
    introduce(&w, line);
    for (uint32_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        is_known(&w, line, &kinds[i], i + 1);
    mouse_moves(&w, line);
    tap_check(!world_ended(w.sensor, &(int){0}), "the sensor lives");
    close(line);
    world_stop(&w);
}
