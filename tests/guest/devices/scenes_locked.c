/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenes_locked.c - a screen that is locked and unlocked, before the sensor. This program is the
 * broker.
 *
 *   typed at a locked screen   the sensor is not even woken, and when somebody unlocks, it is in no
 *                              window: the kernel has dropped it
 *   a key held meanwhile       is no long hold
 *   nobody touches it          it asks for a lock by itself, once the time is over
 */
#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenes.h"
#include "world.h"

/* Twelve strokes: what a device's queue in the kernel holds. */
enum { BEFORE = 75, LOCKED = 60, AFTER = 75, UNTOUCHED_S = 60 };

static void be(struct world *w, int line, enum idem_presence presence, uint32_t unlocked)
{
    struct idem_presence_message m = {
        .head = {IDEM_BS_PRESENCE, sizeof m}, .presence = presence, .unlocked = unlocked};

    idem_line_send(line, &m.head, -1);
    world_listen(w, 300, NULL, NULL);
}

static void type(struct world *w, struct keyboard *kb, const char *who, uint32_t strokes)
{
    struct idem_key_stream s;

    if (!tap_check(script_person(who, strokes, &s) == 0, "person %s is recorded", who))
        return;
    keyboard_play(kb, &s);
    world_listen(w, 300, NULL, NULL);
    idem_key_stream_free(&s);
}

static uint64_t wakeups(pid_t pid)
{
    const char *key = "voluntary_ctxt_switches:";
    char path[64], line[256];
    uint64_t number = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0)
            number = strtoull(line + strlen(key), NULL, 10);
    if (f)
        fclose(f);
    return number;
}

static void locked_and_unlocked(struct world *w, struct keyboard *kb, int line)
{
    type(w, kb, "106", BEFORE);
    be(w, line, IDEM_LOCKED, 1);
    uint64_t before = wakeups(w->sensor);
    type(w, kb, "117", LOCKED);
    keyboard_key(kb, KEY_A, true);
    tap_check(wakeups(w->sensor) == before, "typed at a locked screen: the sensor sleeps");
    be(w, line, IDEM_PRESENT, 2);
    keyboard_key(kb, KEY_A, false);
    type(w, kb, "107", AFTER);
    /* So many are no window of a hundred, and more than these nobody saw. */
    tap_check(w->windows == 0, "unlocked: nothing of before is in a window");
    type(w, kb, "109", AFTER);
    tap_check(w->windows == 1, "what comes after is");
    tap_check(w->alarm_count == 0, "and there is no alarm");
}

/* The verbs that come within that time: a bit each. */
static uint32_t verbs(int line, int ms)
{
    static struct idem_line_buffer got;
    uint32_t seen = 0;

    for (int i = 0; i < ms / 20; i++) {
        while (idem_line_receive(line, 's', 'b', &got) == 0)
            seen |= 1U << ((struct idem_verb_message *)(void *)got.bytes)->verb;
        usleep(20000);
    }
    return seen;
}

static void untouched(struct world *w, struct keyboard *kb, int line)
{
    struct idem_settings_message m;

    idem_settings_default(&m);
    m.untouched_s = UNTOUCHED_S;
    idem_line_send(w->line, &m.head, -1);
    keyboard_key(kb, KEY_B, true);
    keyboard_key(kb, KEY_B, false);
    tap_check(verbs(line, 1000) == 0, "touched: no lock");
    tap_check(verbs(line, (UNTOUCHED_S + 2) * 1000) ==
                  (1U << IDEM_VERB_LOCK | 1U << IDEM_VERB_NOTIFY),
              "untouched: it asks for a lock, and says why");
}

static void introduce(struct world *w, const struct keyboard *kb, int line)
{
    struct idem_number_message m = {.head = {IDEM_BS_LINE, sizeof m}};
    struct idem_device_message d = {
        .head = {IDEM_BS_DEVICE, sizeof d}, .id = 1, .group = 1, .source = IDEM_SOURCE_HARDWARE};
    int ends[2], fd = open(kb->event, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || idem_line_pair(ends) != 0)
        exit(1);
    be(w, line, IDEM_PRESENT, 1);
    idem_line_send(line, &m.head, ends[0]);
    idem_line_send(line, &d.head, fd);
    close(ends[0]);
    close(fd);
    w->line = ends[1];
    world_give_leave(w);
}

void scenes_locked(void)
{
    static struct world w;
    struct keyboard kb;

    if (!tap_check(keyboard_uinput("A keyboard", 0x046d, 0xc31c, &kb) == 0,
                   "a keyboard at a screen that is locked"))
        return;
    world_open(&w);
    w.sensor = world_start_sensor(&w);
    int line = idem_line_connect("/run/idem-agent/sensor");
    introduce(&w, &kb, line);
    if (tap_check(world_has_keyboards(&w, 1), "the sensor reads it")) {
        locked_and_unlocked(&w, &kb, line);
        untouched(&w, &kb, line);
    }
    tap_check(!world_ended(w.sensor, &(int){0}), "the sensor lives");
    close(line);
    world_stop(&w);
    keyboard_remove(&kb);
}
