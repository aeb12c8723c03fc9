/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - see stream.h. */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <linux/uinput.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "keyboard.h"

enum {
    REPORTS = 1170, /* of the mouse, a second, while it moves: a thousand with its pauses */
    SWEEP = 700,    /* reports of one movement, then a click */
    PAUSE = 120,    /* reports' time without one: a hand that rests */
    KEY_EACH = 117, /* reports' time from key to key */
    KEY_HELD = 100,
};

static int mouse(void)
{
    struct uinput_setup setup = {.id = {.bustype = BUS_USB, .vendor = 0x046d, .product = 0xc077},
                                 .name = "A mouse"};
    int fd = open("/dev/uinput", O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && ioctl(fd, UI_SET_EVBIT, EV_KEY) == 0 &&
              ioctl(fd, UI_SET_KEYBIT, BTN_LEFT) == 0 && ioctl(fd, UI_SET_KEYBIT, BTN_RIGHT) == 0 &&
              ioctl(fd, UI_SET_EVBIT, EV_REL) == 0 && ioctl(fd, UI_SET_RELBIT, REL_X) == 0 &&
              ioctl(fd, UI_SET_RELBIT, REL_Y) == 0 && ioctl(fd, UI_DEV_SETUP, &setup) == 0 &&
              ioctl(fd, UI_DEV_CREATE) == 0;

    if (ok)
        return fd;
    printf("# uinput: %s\n", strerror(errno));
    return -1;
}

static void report(int fd, const struct input_event *what, size_t count)
{
    struct input_event events[4];

    memcpy(events, what, count * sizeof *what);
    events[count] = (struct input_event){.type = EV_SYN, .code = SYN_REPORT};
    if (write(fd, events, (count + 1) * sizeof *events) < 0)
        printf("# mouse: %s\n", strerror(errno));
}

/* Speed of a hand: up and down again over the sweep, along a shallow arc. */
static void move(int fd, int at, int sweep)
{
    double phase = M_PI * at / SWEEP, speed = sin(phase) * sin(phase) * 6;
    double angle = sweep * 2.4 + 0.5 * sin(phase);
    struct input_event e[2] = {
        {.type = EV_REL, .code = REL_X, .value = (int)lround(speed * cos(angle)) | 1},
        {.type = EV_REL, .code = REL_Y, .value = (int)lround(speed * sin(angle))}};

    report(fd, e, 2);
}

static void button(int fd, bool down)
{
    struct input_event e = {.type = EV_KEY, .code = BTN_LEFT, .value = down};

    report(fd, &e, 1);
}

/* What happens in this tick; how many reports that makes. */
static uint32_t tick(int fd, struct keyboard *kb, int64_t t)
{
    static const uint8_t keys[] = {KEY_T, KEY_H, KEY_E, KEY_SPACE, KEY_O, KEY_W, KEY_N, KEY_S};
    int64_t sweep = t / (SWEEP + PAUSE), at = t % (SWEEP + PAUSE), key = t / KEY_EACH;
    uint32_t made = 1;

    if (at < SWEEP)
        move(fd, (int)at, (int)sweep);
    else if (at == SWEEP + 20 || at == SWEEP + 100)
        button(fd, at == SWEEP + 20);
    else
        made = 0;
    if (t % KEY_EACH == 0 || t % KEY_EACH == KEY_HELD) {
        keyboard_key(kb, keys[key % (int64_t)sizeof keys], t % KEY_EACH == 0);
        made++;
    }
    return made;
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int stream_play(double seconds, int speed, void (*start)(void))
{
    struct keyboard kb;
    uint64_t reports = 0;
    int fd = mouse();

    if (fd < 0 || keyboard_uinput("A keyboard", 0x046d, 0xc31c, &kb) != 0)
        return 1;
    start();
    int64_t began = now_ns(), each = 1000000000 / REPORTS / (speed > 0 ? speed : 1);
    for (int64_t t = 0; t < (int64_t)(seconds * REPORTS * (speed > 0 ? speed : 1)); t++) {
        struct timespec due = {(began + t * each) / 1000000000, (began + t * each) % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        reports += tick(fd, &kb, t);
    }
    printf("done %llu\n", (unsigned long long)reports);
    fflush(stdout);
    start(); /* the devices stay until then */
    keyboard_remove(&kb);
    close(fd);
    return 0;
}
