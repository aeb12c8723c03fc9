/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenes_seat.c - a seat's day, before the broker and the sensor as they are shipped:
 *
 *   a keyboard is plugged in       the sensor reads it
 *   a person types                 windows, and no alarm
 *   a payload is typed             an alarm, and that device is cut off: never the other one, also
 *                                  when both say that they are the same
 *   a keyboard is pulled out       in the middle of a key: nothing breaks
 *   more keys than are fetched     a gap in the data (SYN_DROPPED), never a reason
 *   the sensor dies                the broker hands everything to the next one
 */
#include <linux/input-event-codes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenes.h"
#include "witness.h"
#include "world.h"

enum {
    VENDOR = 0x046d,
    PRODUCT = 0xc31c,
    OTHER_VENDOR = 0x1209,
    OTHER_PRODUCT = 0x0d10,
    STROKES = 220,
    FLOOD = 400, /* reports: the kernel keeps a tenth of that for a reader */
};

/* What a child types while this process listens. Its status: 0 when the device took all of it. */
static int type(struct world *w, struct keyboard *kb, const struct idem_key_stream *stream)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(keyboard_play(kb, stream) == 0 ? 0 : 1);
    while (!world_ended(child, &status))
        world_listen(w, 20, NULL, NULL);
    world_listen(w, 500, NULL, NULL);
    return status;
}

/* ------------------------------------------------------------------ a person */

static bool only_tells(const struct world *w)
{
    for (uint32_t i = 0; i < w->alarm_count && i < WORLD_ALARMS; i++)
        if (w->alarms[i].kind != IDEM_GUARD_REMOTE_CONTROL ||
            w->alarms[i].action > IDEM_ACTION_NOTIFY)
            return false;
    return true;
}

static void person_types(struct world *w, struct keyboard *kb, const char *name, const char *on)
{
    struct idem_key_stream s;

    world_forget(w);
    if (!tap_check(script_person(name, STROKES, &s) == 0, "person %s is recorded", name))
        return;
    type(w, kb, &s);
    tap_say("%u strokes on %s: %u windows, %u alarms", s.key_downs, on, w->windows, w->alarm_count);
    /* Holds, and transitions that follow one another within five seconds. */
    tap_check(w->windows >= STROKES / WORLD_WINDOW_KEYS / 2, "person %s on %s makes windows", name,
              on);
    tap_check(w->windows == 0 || (w->window.modality == IDEM_KEYBOARD &&
                                  w->window.strokes >= WORLD_WINDOW_KEYS && w->window.cells > 0),
              "of the length that was asked for");
    /* A keyboard that a program has made is told of, whoever types on it. */
    tap_check(w->alarm_count == 0 || (kb->port < 0 && only_tells(w)),
              "person %s on %s is taken for a person", name, on);
    idem_key_stream_free(&s);
}

/* ------------------------------------------------------------------ a payload */

static bool was_cut(const struct world *w, const void *port)
{
    return world_did(w, IDEM_VERB_CUT_OFF) && port_authorized(*(const int *)port) == 0;
}

static void tell_witness(const char *model, const struct witness *seen)
{
    tap_say("%s: %u key-downs; from the last key event that arrived: silent after %.1f ms, off the "
            "bus after %.1f ms",
            model, seen->downs, (double)(seen->silent_us - seen->last_us) / 1000,
            (double)(seen->gone_us - seen->last_us) / 1000);
}

/* attacker types a payload, innocent is another keyboard, which nothing may happen to. */
static void payload_is_cut(struct world *w, struct keyboard *attacker,
                           const struct keyboard *innocent, const char *model)
{
    struct idem_key_stream s;
    struct witness seen;

    world_forget(w);
    if (!tap_check(script_payload(model, &s) == 0, "a payload for %s is made", model))
        return;
    witness_begin(attacker->event, &seen);
    type(w, attacker, &s);
    world_listen(w, WORLD_WAIT_MS, was_cut, &attacker->port);
    witness_end(&seen);
    tell_witness(model, &seen);
    const struct idem_alarm_message *alarm = world_alarm(w, IDEM_ACTION_CUT_OFF);
    tap_check(alarm != NULL, "%s: an alarm that cuts off", model);
    tap_check(port_authorized(attacker->port) == 0, "%s: its `authorized` is 0", model);
    tap_check(port_authorized(innocent->port) == 1, "%s: the other keyboard's stays 1", model);
    tap_check(world_did(w, IDEM_VERB_CUT_OFF), "%s: the sensor is told that it was done", model);
    tap_check(seen.downs < s.key_downs / 2, "%s: most of the payload was never typed", model);
    idem_key_stream_free(&s);
}

/* The innocent one is plugged in first, as the keyboard that was always there. */
static void attack(struct world *w, const char *model, int innocent_port, bool clone)
{
    struct keyboard innocent, attacker;
    uint32_t before = w->state.keyboards;

    tap_say("%s at port %d%s", model, 1 - innocent_port, clone ? ", a clone" : "");
    if (!tap_check(keyboard_gadget(innocent_port, VENDOR, PRODUCT, &innocent) == 0,
                   "%s: a keyboard", model))
        return;
    if (tap_check(keyboard_gadget(1 - innocent_port, clone ? VENDOR : OTHER_VENDOR,
                                  clone ? PRODUCT : OTHER_PRODUCT, &attacker) == 0,
                  "%s: another one", model)) {
        tap_check(world_has_keyboards(w, before + 2), "%s: both are read", model);
        payload_is_cut(w, &attacker, &innocent, model);
        keyboard_remove(&attacker);
    }
    keyboard_remove(&innocent);
    tap_check(world_has_keyboards(w, before), "%s: both are pulled out", model);
}

static void attacks(struct world *w)
{
    attack(w, "ducky", 0, false);
    attack(w, "flipper", 1, true);
    attack(w, "jitter-20", 0, true);
    attack(w, "delay-100", 0, true);
}

/* ------------------------------------------------------------------ accidents */

static void pulled_out_while_typing(struct world *w)
{
    struct keyboard kb;
    struct idem_key_stream s;
    uint32_t before = w->state.keyboards;

    world_forget(w);
    if (!tap_check(keyboard_gadget(0, VENDOR, PRODUCT, &kb) == 0, "a keyboard") ||
        !tap_check(world_has_keyboards(w, before + 1), "is read") ||
        script_person("107", 200, &s) != 0)
        return;
    pid_t child = fork();
    if (child == 0)
        _exit(keyboard_play(&kb, &s) == 0 ? 0 : 1);
    world_listen(w, 2500, NULL, NULL);
    kill(child, SIGKILL); /* a key is down, or is about to be */
    waitpid(child, NULL, 0);
    keyboard_key(&kb, KEY_A, true);
    keyboard_remove(&kb);
    tap_check(world_has_keyboards(w, before), "pulled out while somebody types: it is gone");
    tap_check(kill(w->sensor, 0) == 0 && !world_ended(w->sensor, &(int){0}), "the sensor lives");
    tap_check(w->alarm_count == 0, "and there is no alarm");
    idem_key_stream_free(&s);
}

/* Nobody holds a key for as long as the sensor did not look. */
static void flooded(struct world *w, struct keyboard *kb)
{
    world_forget(w);
    kill(w->sensor, SIGSTOP);
    for (int i = 0; i < FLOOD; i++)
        keyboard_key(kb, (uint8_t)(KEY_Q + i / 2 % 8), i % 2 == 0);
    world_listen(w, 3000, NULL, NULL);
    kill(w->sensor, SIGCONT);
    world_listen(w, 1000, NULL, NULL);
    tap_check(!world_ended(w->sensor, &(int){0}), "keys were lost: the sensor lives");
    tap_say("%u windows and %u alarms of what was left", w->windows, w->alarm_count);
    tap_check(world_alarm(w, IDEM_ACTION_LOCK) == NULL,
              "a gap in the data is no reason for anything");
    person_types(w, kb, "109", "the flooded keyboard");
}

/* ------------------------------------------------------------------ deaths */

static bool has_new_line(const struct world *w, const void *before)
{
    return w->line >= 0 && w->lines > *(const uint32_t *)before && w->state.collecting == 1;
}

static void sensor_dies(struct world *w, struct keyboard *kb)
{
    uint32_t before = w->lines, keyboards = w->state.keyboards;

    world_kill(&w->sensor);
    w->state.keyboards = w->state.collecting = 0;
    w->sensor = world_start_sensor(w);
    tap_check(world_listen(w, WORLD_WAIT_MS, has_new_line, &before),
              "the sensor was killed: the broker introduces the next one");
    tap_check(world_has_keyboards(w, keyboards), "and hands all keyboards to it");
    person_types(w, kb, "111", "a keyboard that was there before");
}

static void broker_dies(struct world *w, struct keyboard *kb)
{
    uint32_t before = w->lines, keyboards = w->state.keyboards;

    world_kill(&w->broker);
    w->state.keyboards = w->state.collecting = 0;
    w->broker = world_start_broker();
    tap_check(world_listen(w, WORLD_WAIT_MS, has_new_line, &before),
              "the broker was killed: the next one introduces both");
    tap_check(world_has_keyboards(w, keyboards), "and hands all keyboards over");
    person_types(w, kb, "113", "a keyboard that was there before");
}

/* ------------------------------------------------------------------ */

void scenes_seat(void)
{
    static struct world w;
    struct keyboard kb, usb;

    if (!tap_check(world_start(&w), "broker and sensor start, and collect"))
        return;
    uint32_t before = w.state.keyboards;
    tap_say("%u keyboards were there before", before);
    if (tap_check(keyboard_gadget(0, VENDOR, PRODUCT, &usb) == 0, "a USB keyboard is plugged in") &&
        tap_check(world_has_keyboards(&w, before + 1), "the sensor reads it"))
        person_types(&w, &usb, "106", "a USB keyboard");
    keyboard_remove(&usb);
    tap_check(world_has_keyboards(&w, before), "it is pulled out, and the sensor knows");
    attacks(&w);
    pulled_out_while_typing(&w);
    if (tap_check(keyboard_uinput("A keyboard", VENDOR, PRODUCT, &kb) == 0,
                  "a program makes one") &&
        tap_check(world_has_keyboards(&w, before + 1), "the sensor reads it, too")) {
        flooded(&w, &kb);
        sensor_dies(&w, &kb);
        broker_dies(&w, &kb);
    }
    keyboard_remove(&kb);
    world_stop(&w);
}
