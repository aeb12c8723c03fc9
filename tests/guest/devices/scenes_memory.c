/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenes_memory.c - what the sensor may not do with a real device, and what it keeps of one. This
 * program is the broker here: it hands the sensor a device and says when the screen is locked.
 *
 * Every event has a time stamp that no other one has. After the lock the sensor's memory, all that
 * it may write to, is searched for them, in microseconds and as the kernel delivers them. One may
 * be found, without its key: that of the event by which the guard made up its mind about the
 * device.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/sensor/confined.h"
#include "scenes.h"
#include "world.h"

enum { STAMPS = 4096, CHUNK = 64 * 1024, TYPED = 145, MAY_STAY = 1 };

struct stamps {
    int64_t us[STAMPS];
    uint32_t count;
    bool found[STAMPS];
};

/* ------------------------------------------------------------------ the search */

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void look_at(struct stamps *s, int64_t us)
{
    const int64_t *hit = bsearch(&us, s->us, s->count, sizeof us, by_time);

    if (hit)
        s->found[hit - s->us] = true;
}

static void search_bytes(struct stamps *s, const uint8_t *bytes, size_t len)
{
    int64_t pair[2];

    for (size_t at = 0; at + sizeof pair <= len; at += 4) {
        memcpy(pair, bytes + at, sizeof pair);
        look_at(s, pair[0]);
        if (pair[0] >= 0 && pair[0] < 1000000 && pair[1] >= 0 && pair[1] < 1000000)
            look_at(s, pair[0] * 1000000 + pair[1]);
    }
}

static void search_mapping(struct stamps *s, int memory, uint64_t from, uint64_t to)
{
    static uint8_t bytes[CHUNK + 16];

    for (uint64_t at = from; at < to; at += CHUNK) {
        size_t want = to - at < sizeof bytes ? (size_t)(to - at) : sizeof bytes;
        ssize_t n = pread(memory, bytes, want, (off_t)at);
        if (n > 0)
            search_bytes(s, bytes, (size_t)n);
    }
}

/* How many different events' time stamps the process holds. */
static uint32_t search(struct stamps *s, pid_t pid)
{
    char path[64], line[512], rights[8];
    uint32_t found = 0;
    unsigned long from, to;

    memset(s->found, 0, sizeof s->found);
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    while (memory >= 0 && maps && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[1] == 'w')
            search_mapping(s, memory, from, to);
    tap_check(memory >= 0 && maps, "the sensor's memory can be searched");
    if (maps)
        fclose(maps);
    close(memory);
    for (uint32_t i = 0; i < s->count; i++) {
        found += s->found[i];
        if (s->found[i])
            tap_say("time stamp %u of %u is found", i + 1, s->count);
    }
    return found;
}

/* ------------------------------------------------------------------ this program as the broker */

static void say_presence(int line, enum idem_presence presence)
{
    struct idem_presence_message m = {
        .head = {IDEM_BS_PRESENCE, sizeof m}, .presence = presence, .unlocked = 1};

    idem_line_send(line, &m.head, -1);
}

static void hand_over(int line, const struct keyboard *kb)
{
    struct idem_device_message m = {.head = {IDEM_BS_DEVICE, sizeof m},
                                    .id = 1,
                                    .group = 1,
                                    .source = IDEM_SOURCE_HARDWARE,
                                    .vendor = 0x046d,
                                    .product = 0xc31c};
    int fd = open(kb->event, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    idem_line_send(line, &m.head, fd);
    close(fd);
}

static void introduce(struct world *w, int line)
{
    struct idem_number_message m = {.head = {IDEM_BS_LINE, sizeof m}};
    int ends[2];

    if (idem_line_pair(ends) != 0)
        exit(1);
    idem_line_send(line, &m.head, ends[0]);
    close(ends[0]);
    close(w->line);
    w->line = ends[1];
    world_give_leave(w);
}

/* The time stamps of what was typed, on the clock that the sensor asks for. */
static void note(struct stamps *s, int fd)
{
    struct input_event e;

    while (s->count < STAMPS && read(fd, &e, sizeof e) == (ssize_t)sizeof e) {
        int64_t us = (int64_t)e.input_event_sec * 1000000 + e.input_event_usec;
        if (e.type == EV_KEY && (s->count == 0 || s->us[s->count - 1] != us))
            s->us[s->count++] = us;
    }
}

/* Read along: the kernel keeps but a few for whoever reads late. */
static void type_and_note(struct world *w, struct keyboard *kb, const struct idem_key_stream *s,
                          struct stamps *stamps)
{
    int clock = CLOCK_MONOTONIC, fd = open(kb->event, O_RDONLY | O_CLOEXEC | O_NONBLOCK), status;
    pid_t child = fork();

    if (child == 0)
        _exit(keyboard_play(kb, s) == 0 ? 0 : 1);
    if (fd < 0 || ioctl(fd, EVIOCSCLOCKID, &clock) != 0)
        exit(1);
    while (!world_ended(child, &status)) {
        world_listen(w, 20, NULL, NULL);
        note(stamps, fd);
    }
    world_listen(w, 300, NULL, NULL);
    note(stamps, fd);
    close(fd);
}

static void type_and_lock(struct world *w, struct keyboard *kb, int line)
{
    static struct stamps stamps;
    struct idem_key_stream s;

    if (script_person("117", TYPED, &s) != 0)
        return;
    type_and_note(w, kb, &s, &stamps);
    tap_check(w->windows == TYPED / WORLD_WINDOW_KEYS, "%u windows, and one begun", w->windows);
    tap_say("while present: %u of %u time stamps in its memory", search(&stamps, w->sensor),
            stamps.count);
    say_presence(line, IDEM_LOCKED);
    world_listen(w, 500, NULL, NULL);
    uint32_t left = search(&stamps, w->sensor);
    tap_check(stamps.count > TYPED && left <= MAY_STAY,
              "locked: %u of %u time stamps are left in the sensor's memory", left, stamps.count);
    uint32_t before = w->windows;
    keyboard_play(kb, &s);
    world_listen(w, 300, NULL, NULL);
    tap_check(w->windows == before && w->state.collecting == 0, "locked: nothing is collected");
    idem_key_stream_free(&s);
}

/* ------------------------------------------------------------------ what it may not do */

/* How a process that was confined as the sensor is fares with a call of ioctl(2). */
static int fate_of(const char *event, unsigned long request, void *argument)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        int fd = open(event, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 || idem_sensor_confine() != 0)
            _exit(1);
        _exit(ioctl(fd, request, argument) == 0 ? 0 : 2);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void cannot_grab(const struct keyboard *kb)
{
    struct input_id id;
    int clock = CLOCK_MONOTONIC;

    tap_check(fate_of(kb->event, EVIOCGID, &id) == 0, "confined, it may ask what a device is");
    tap_check(fate_of(kb->event, EVIOCSCLOCKID, &clock) == 0, "and choose the clock");
    tap_check(fate_of(kb->event, EVIOCGRAB, (void *)1) == SIGSYS, "it dies of EVIOCGRAB");
    tap_check(fate_of(kb->event, EVIOCREVOKE, NULL) == SIGSYS, "it dies of EVIOCREVOKE");
    tap_check(fate_of(kb->event, EVIOCSKEYCODE, &id) == SIGSYS, "it dies of EVIOCSKEYCODE");
}

void scenes_memory(void)
{
    static struct world w;
    struct keyboard kb;

    if (!tap_check(keyboard_uinput("A keyboard", 0x046d, 0xc31c, &kb) == 0,
                   "a keyboard to search for"))
        return;
    cannot_grab(&kb);
    world_open(&w);
    w.sensor = world_start_sensor(&w);
    int line = idem_line_connect("/run/idem-agent/sensor");
    say_presence(line, IDEM_PRESENT);
    introduce(&w, line);
    hand_over(line, &kb);
    if (tap_check(world_has_keyboards(&w, 1), "the sensor reads it"))
        type_and_lock(&w, &kb, line);
    close(line);
    world_stop(&w);
    keyboard_remove(&kb);
}
