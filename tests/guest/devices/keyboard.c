/* SPDX-License-Identifier: Apache-2.0 */
/* keyboard.c - see keyboard.h: what both kinds have in common, and uinput. */
#include "keyboard.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/input.h>
#include <linux/uinput.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "gadget.h"

enum { WAIT_TRIES = 500, TRY_MS = 20 };

/* The event node below a sysfs folder, once the kernel has made it. */
int keyboard_node(const char *folder, char node[64])
{
    char pattern[PATH_MAX];
    glob_t found;

    snprintf(pattern, sizeof pattern, "%s/event*", folder);
    for (int i = 0; i < WAIT_TRIES; i++) {
        if (glob(pattern, 0, NULL, &found) == 0) {
            const char *name = strrchr(found.gl_pathv[0], '/');
            snprintf(node, 64, "/dev/input%.40s", name);
            globfree(&found);
            if (access(node, R_OK) == 0)
                return 0;
        }
        usleep(TRY_MS * 1000);
    }
    printf("# no event node below %s\n", folder);
    return -1;
}

int keyboard_uinput(const char *name, uint16_t vendor, uint16_t product, struct keyboard *out)
{
    struct uinput_setup setup = {.id = {.bustype = BUS_USB, .vendor = vendor, .product = product}};
    char sys[64] = "", folder[128];
    int fd = open("/dev/uinput", O_WRONLY | O_CLOEXEC);

    snprintf(setup.name, sizeof setup.name, "%s", name);
    bool ok =
        fd >= 0 && ioctl(fd, UI_SET_EVBIT, EV_KEY) == 0 && ioctl(fd, UI_SET_EVBIT, EV_REP) == 0;
    for (int code = 1; ok && code < 248; code++)
        ok = ioctl(fd, UI_SET_KEYBIT, code) == 0;
    if (!ok || ioctl(fd, UI_DEV_SETUP, &setup) != 0 || ioctl(fd, UI_DEV_CREATE) != 0 ||
        ioctl(fd, UI_GET_SYSNAME(sizeof sys), sys) < 0) {
        printf("# uinput: %s\n", strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *out = (struct keyboard){.fd = fd, .port = -1};
    snprintf(folder, sizeof folder, "/sys/devices/virtual/input/%s", sys);
    return keyboard_node(folder, out->event);
}

void keyboard_remove(struct keyboard *kb)
{
    if (kb->fd < 0)
        return;
    if (kb->port < 0)
        ioctl(kb->fd, UI_DEV_DESTROY);
    close(kb->fd);
    kb->fd = -1;
    if (kb->port >= 0)
        gadget_remove(kb->port);
}

static int uinput_key(struct keyboard *kb, uint8_t code, bool down)
{
    struct input_event events[2] = {{.type = EV_KEY, .code = code, .value = down},
                                    {.type = EV_SYN, .code = SYN_REPORT}};

    return write(kb->fd, events, sizeof events) == (ssize_t)sizeof events ? 0 : -1;
}

int keyboard_key(struct keyboard *kb, uint8_t code, bool down)
{
    return kb->port < 0 ? uinput_key(kb, code, down) : gadget_key(kb, code, down);
}

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void sleep_until(int64_t us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

/* Zones are recorded, keys are pressed: of a finger's keys one that is not down already. */
static uint8_t free_key(uint8_t code, const bool down[256])
{
    static const uint8_t fingers[8][3] = {
        {KEY_A, KEY_Q, KEY_Z},   {KEY_S, KEY_W, KEY_X},
        {KEY_D, KEY_E, KEY_C},   {KEY_F, KEY_R, KEY_T},
        {KEY_J, KEY_H, KEY_N},   {KEY_K, KEY_I, KEY_COMMA},
        {KEY_L, KEY_O, KEY_DOT}, {KEY_P, KEY_SEMICOLON, KEY_SLASH}};

    for (size_t f = 0; f < 8; f++)
        for (size_t k = 0; k < 3; k++)
            for (size_t other = 0; fingers[f][k] == code && other < 3; other++)
                if (!down[fingers[f][other]])
                    return fingers[f][other];
    return code == 255 ? KEY_TAB : code;
}

int keyboard_play(struct keyboard *kb, const struct idem_key_stream *stream)
{
    uint8_t pressed[256] = {0}; /* the key that was taken for a code */
    bool down[256] = {false};
    int64_t began = now_us();

    for (uint32_t i = 0; i < stream->count; i++) {
        const struct idem_key_event *e = &stream->list[i];
        bool press = e->action == IDEM_KEY_DOWN;
        if (press)
            pressed[e->code] = free_key(e->code, down);
        uint8_t key = pressed[e->code];
        sleep_until(began + e->t_us - stream->list[0].t_us);
        if (keyboard_key(kb, key, press) != 0)
            return -1;
        down[key] = press;
    }
    return 0;
}
