/* SPDX-License-Identifier: Apache-2.0 */
/* witness.c - see witness.h. */
#include "witness.h"

#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

enum { LOOK_MS = 1 };

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void see(struct witness *w)
{
    struct input_event e;

    while (read(w->fd, &e, sizeof e) == (ssize_t)sizeof e) {
        if (e.type != EV_KEY || e.value == 2)
            continue;
        w->downs += e.value == 1;
        w->last_us = (int64_t)e.input_event_sec * 1000000 + e.input_event_usec;
    }
}

/* The file cannot be waited for. */
static void look_at_inhibited(struct witness *w)
{
    char digit = '0';

    if (w->silent_us == 0 && pread(w->inhibited, &digit, 1, 0) == 1 && digit == '1')
        w->silent_us = now_us();
}

static void *watch(void *arg)
{
    struct witness *w = arg;
    struct pollfd from[] = {{w->fd, POLLIN, 0}, {w->end[0], POLLIN, 0}};

    while (poll(from, 2, LOOK_MS) >= 0 && from[1].revents == 0) {
        look_at_inhibited(w);
        see(w);
        if ((from[0].revents & (POLLHUP | POLLERR)) == 0)
            continue;
        w->gone_us = now_us();
        break;
    }
    return NULL;
}

void witness_begin(const char *event, struct witness *out)
{
    int clock = CLOCK_MONOTONIC;
    char path[128];

    snprintf(path, sizeof path, "/sys/class/input/%s/device/inhibited", strrchr(event, '/') + 1);
    *out = (struct witness){.inhibited = open(path, O_RDONLY | O_CLOEXEC),
                            .fd = open(event, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (out->fd < 0 || out->inhibited < 0 || ioctl(out->fd, EVIOCSCLOCKID, &clock) != 0 ||
        pipe2(out->end, O_CLOEXEC) != 0 || pthread_create(&out->thread, NULL, watch, out) != 0) {
        tap_say("nobody can watch %s", event);
        exit(1);
    }
}

void witness_end(struct witness *w)
{
    close(w->end[1]);
    pthread_join(w->thread, NULL);
    close(w->end[0]);
    close(w->fd);
    close(w->inhibited);
}
