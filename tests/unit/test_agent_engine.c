/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_engine.c - what the sensor does with events: who is listened to and when, what an
 * alarm does, what the courier may ask for, when an untouched seat is locked.
 */
#include "agent/sensor/engine.h"
#include "people.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEN = 64, KEYS = 400, S = 1000000 };

/* What came out of the engine. */
static struct {
    uint32_t windows[IDEM_MODALITIES], strokes;
    uint32_t alarms, verbs, deadlines;
    struct idem_alarm_message alarm[SEEN];
    struct {
        enum idem_verb verb;
        uint32_t number;
    } verb[SEEN];
    uint64_t order; /* of the last alarm: verbs before it */
    int64_t deadline;
} seen;

static struct idem_engine *engine;
static struct idem_settings_message settings;
static int64_t now; /* of events and of the engine: here they are one */

static void on_window(void *arg, const struct idem_window *w)
{
    (void)arg;
    seen.windows[idem_window_modality(w)]++;
    seen.strokes = idem_window_strokes(w);
}

static void on_alarm(void *arg, const struct idem_alarm_message *alarm)
{
    (void)arg;
    assert_true(idem_message_check(alarm, sizeof *alarm, 0, 's', 'c'));
    assert_true(seen.alarms < SEEN);
    seen.order = seen.verbs;
    seen.alarm[seen.alarms++] = *alarm;
}

static void on_verb(void *arg, enum idem_verb verb, uint32_t number)
{
    (void)arg;
    assert_true(seen.verbs < SEEN);
    seen.verb[seen.verbs].verb = verb;
    seen.verb[seen.verbs++].number = number;
}

static void on_deadline(void *arg, int64_t at_us)
{
    (void)arg;
    seen.deadlines++;
    seen.deadline = at_us;
}

static int begin(void **state)
{
    const struct idem_engine_calls calls = {on_window, on_alarm, on_verb, on_deadline, NULL};
    (void)state;

    memset(&seen, 0, sizeof seen);
    now = 1000 * (int64_t)S;
    idem_settings_default(&settings);
    return idem_engine_new(&calls, &engine);
}

static int end(void **state)
{
    (void)state;
    idem_engine_free(engine);
    return 0;
}

static void set(void)
{
    assert_int_equal(idem_engine_settings(engine, &settings, now), 0);
}

static void be(enum idem_presence presence, uint32_t unlocked)
{
    idem_engine_presence(engine, presence, unlocked, now);
}

static void give_front(void)
{
    assert_int_equal(idem_engine_front(engine, people_front(20, 300)), 0);
}

static int attach(uint32_t id, uint32_t group, bool keyboard)
{
    const struct idem_engine_device d = {
        .id = id,
        .group = group,
        .keyboard = keyboard,
        .pointer = !keyboard,
        .known = {.source = IDEM_SOURCE_HARDWARE, .tick_us = 1},
    };
    return idem_engine_device(engine, &d, now);
}

static void key(int place, uint32_t code, enum idem_key_action action)
{
    const struct idem_input_event e = {
        .kind = IDEM_INPUT_KEY, .t_us = now, .key = code, .action = action};
    idem_engine_event(engine, place, &e, now);
}

/* Somebody types. */
static void type(int place, size_t keys, uint64_t seed)
{
    struct key_event *events = calloc(2 * keys, sizeof *events);
    struct person person;

    person_draw(&person, 7);
    struct typist typist = typist_new(&person, seed);
    typist.now_us = now;
    typist_type(&typist, keys, events);
    for (size_t i = 0; i < 2 * keys; i++) {
        now = events[i].t_us;
        key(place, events[i].key, events[i].action);
    }
    now += S;
    free(events);
}

/* A programmable keyboard: held 2 ms, the next one 6 ms later. */
static void inject(int place, size_t keys)
{
    for (size_t i = 0; i < keys; i++) {
        key(place, 16 + i % 10, IDEM_KEY_DOWN);
        now += 2000;
        key(place, 16 + i % 10, IDEM_KEY_UP);
        now += 6000;
    }
    now += S;
}

static struct idem_state_message state_of(void)
{
    struct idem_state_message m = {0};
    idem_engine_state(engine, &m);
    return m;
}

/* ------------------------------------------------------------------ windows */

static void windows_need_leave_a_front_and_presence(void **state)
{
    (void)state;
    int kb = attach(1, 1, true);
    be(IDEM_PRESENT, 1);
    type(kb, KEYS, 1);
    assert_int_equal(seen.windows[0], 0);
    give_front();
    type(kb, KEYS, 1);
    assert_int_equal(seen.windows[0], 0);
    settings.collect = 1;
    set();
    assert_int_equal(state_of().collecting, 1);
    type(kb, KEYS, 1);
    assert_true(seen.windows[0] >= 3);
    assert_int_equal(seen.strokes, 100);
    uint32_t before = seen.windows[0];
    for (int p = IDEM_NOBODY; p < IDEM_PRESENCES; p++) {
        if (p == IDEM_PRESENT)
            continue;
        be((enum idem_presence)p, 1);
        type(kb, KEYS, 1);
        assert_int_equal(state_of().collecting, 0);
    }
    assert_int_equal(seen.windows[0], before);
    assert_int_equal(seen.alarms, 0);
}

/* 60 keys before and 60 keys after are no window of a hundred. */
static void what_was_begun_does_not_survive(void (*break_off)(int kb))
{
    int kb = attach(1, 1, true);

    give_front();
    settings.collect = 1;
    set();
    be(IDEM_PRESENT, 1);
    type(kb, 60, 1);
    break_off(kb);
    type(kb, 60, 2);
    assert_int_equal(seen.windows[0], 0);
    type(kb, 60, 3);
    assert_int_equal(seen.windows[0], 1);
}

static void by_a_lock(int kb)
{
    be(IDEM_LOCKED, 1);
    type(kb, 30, 9);
    be(IDEM_PRESENT, 2);
}

static void by_another_terminal(int kb)
{
    (void)kb;
    be(IDEM_AWAY, 1);
    be(IDEM_PRESENT, 1);
}

static void by_showing_who_he_is(int kb)
{
    (void)kb;
    be(IDEM_PRESENT, 2);
}

static void by_ending_collection(int kb)
{
    (void)kb;
    settings.collect = 0;
    set();
    settings.collect = 1;
    set();
}

static void by_another_front(int kb)
{
    (void)kb;
    assert_int_equal(idem_engine_front(engine, people_front(21, 300)), 0);
}

static void a_lock_wipes_what_was_begun(void **state)
{
    (void)state;
    what_was_begun_does_not_survive(by_a_lock);
}

static void another_terminal_wipes_what_was_begun(void **state)
{
    (void)state;
    what_was_begun_does_not_survive(by_another_terminal);
}

static void an_unlock_wipes_what_was_begun(void **state)
{
    (void)state;
    what_was_begun_does_not_survive(by_showing_who_he_is);
}

static void the_end_of_collection_wipes_what_was_begun(void **state)
{
    (void)state;
    what_was_begun_does_not_survive(by_ending_collection);
}

static void another_front_begins_anew(void **state)
{
    (void)state;
    what_was_begun_does_not_survive(by_another_front);
}

static void the_same_front_again_changes_nothing(void **state)
{
    (void)state;
    int kb = attach(1, 1, true);
    give_front();
    settings.collect = 1;
    set();
    be(IDEM_PRESENT, 1);
    type(kb, 60, 1);
    give_front();
    type(kb, 60, 2);
    assert_int_equal(seen.windows[0], 1);
}

static void leave_to_collect_ends_with_the_session(void **state)
{
    (void)state;
    int kb = attach(1, 1, true);
    give_front();
    settings.collect = 1;
    set();
    be(IDEM_PRESENT, 1);
    be(IDEM_NOBODY, 1);
    be(IDEM_PRESENT, 2);
    type(kb, KEYS, 1);
    assert_int_equal(seen.windows[0], 0);
    set();
    type(kb, KEYS, 1);
    assert_true(seen.windows[0] > 0);
}

static void keyboards_of_a_seat_fill_one_window(void **state)
{
    (void)state;
    int one = attach(1, 1, true), two = attach(2, 2, true);
    give_front();
    settings.collect = 1;
    set();
    be(IDEM_PRESENT, 1);
    type(one, 60, 1);
    type(two, 60, 2);
    assert_int_equal(seen.windows[0], 1);
}

/* A key that is down when its device goes is not held until another device lets it go. */
static void a_gap_makes_no_long_hold(void **state)
{
    (void)state;
    int one = attach(1, 1, true), two = attach(2, 2, true);
    give_front();
    settings.collect = 1;
    settings.window_keys = 5;
    set();
    be(IDEM_PRESENT, 1);
    key(one, 30, IDEM_KEY_DOWN);
    now += 4 * (int64_t)S;
    idem_engine_gone(engine, one);
    key(two, 30, IDEM_KEY_UP);
    for (uint32_t i = 0; i < 4; i++) {
        now += 150000;
        key(two, 31 + i, IDEM_KEY_DOWN);
        now += 80000;
        key(two, 31 + i, IDEM_KEY_UP);
    }
    assert_int_equal(seen.windows[0], 0); /* four keystrokes, not five */
}

/* ------------------------------------------------------------------ pointers */

static void move(int place, double dx, double dy)
{
    const struct idem_input_event e = {
        .kind = IDEM_INPUT_POINTER, .t_us = now, .pointer = IDEM_POINTER_MOVE, .dx = dx, .dy = dy};
    idem_engine_event(engine, place, &e, now);
}

/* Half a second of a mouse of 125 Hz, and a click; arcs that differ. */
static void gesture(int place, uint64_t seed)
{
    struct idem_rng rng;
    idem_rng_seed(&rng, seed);
    double a = idem_rng_uniform(&rng) * 6.28;

    for (int i = 0; i < 60; i++) {
        double speed = 8.0 * i * (60 - i) / 900 * (0.8 + 0.4 * idem_rng_uniform(&rng));
        a += 0.04 * (idem_rng_uniform(&rng) - 0.4);
        move(place, (double)(int)(speed * cos(a)), (double)(int)(speed * sin(a)));
        now += 7000 + (int64_t)idem_rng_below(&rng, 2000);
    }
    now += 90000;
    for (int kind = IDEM_POINTER_PRESS; kind <= IDEM_POINTER_RELEASE; kind++) {
        const struct idem_input_event e = {
            .kind = IDEM_INPUT_POINTER, .t_us = now, .pointer = (enum idem_pointer_kind)kind};
        idem_engine_event(engine, place, &e, now);
        now += 95000;
    }
    now += 600000;
}

/* The shipped front knows pointers. */
static struct idem_front *shipped_front(void)
{
    static uint8_t bytes[1 << 20];
    struct idem_population *pop = NULL;
    struct idem_front *front = NULL;
    FILE *file = fopen(POPULATION, "rb");
    size_t len;

    assert_non_null(file);
    len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_int_equal(idem_population_parse(bytes, len, &pop, NULL), 0);
    const void *front_bytes = idem_population_front_bytes(pop, &len);
    assert_int_equal(idem_front_parse(front_bytes, len, &front), 0);
    idem_population_free(pop);
    return front;
}

static void pointers_of_a_seat_fill_one_window(void **state)
{
    (void)state;
    int one = attach(1, 1, false), two = attach(2, 2, false);
    assert_int_equal(idem_engine_front(engine, shipped_front()), 0);
    settings.collect = 1;
    settings.guard = 0; /* which knows a drawn movement when it sees one */
    set();
    be(IDEM_PRESENT, 1);
    for (uint64_t i = 0; i < 24; i++)
        gesture(i % 2 ? one : two, i);
    assert_int_equal(seen.windows[IDEM_POINTER], 2);
    assert_int_equal(seen.strokes, 10);
}

/* However far the way has led. */
static void a_long_way_is_no_fault(void **state)
{
    (void)state;
    int mouse = attach(1, 1, false);
    assert_int_equal(idem_engine_front(engine, shipped_front()), 0);
    settings.collect = 1;
    settings.guard = 0;
    set();
    be(IDEM_PRESENT, 1);
    for (uint64_t i = 0; i < 60; i++) {
        move(mouse, 20000, -20000);
        now += S;
        gesture(mouse, i);
    }
    assert_true(seen.windows[IDEM_POINTER] >= 5);
}

static void a_warp_is_told_and_not_collected(void **state)
{
    (void)state;
    int mouse = attach(1, 1, false);
    const struct idem_input_event warp = {.kind = IDEM_INPUT_POINTER,
                                          .flags = IDEM_GUARD_WARPED,
                                          .t_us = now,
                                          .pointer = IDEM_POINTER_MOVE,
                                          .dx = 500};
    be(IDEM_PRESENT, 1);
    idem_engine_event(engine, mouse, &warp, now);
    assert_int_equal(seen.alarms, 1);
    assert_int_equal(seen.alarm[0].kind, IDEM_GUARD_REMOTE_CONTROL);
    assert_int_equal(seen.alarm[0].modality, IDEM_POINTER);
}

/* ------------------------------------------------------------------ alarms */

static void assert_verbs(size_t count, ...)
{
    va_list list;

    va_start(list, count);
    assert_int_equal(seen.verbs, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(seen.verb[i].verb, va_arg(list, int));
        assert_int_equal(seen.verb[i].number, va_arg(list, int));
    }
    va_end(list);
}

static void the_device_that_alarms_is_cut_off_then_the_seat_is_locked(void **state)
{
    (void)state;
    int hand = attach(7, 3, true), duck = attach(9, 4, true);
    be(IDEM_PRESENT, 1);
    type(hand, 50, 1);
    inject(duck, 20);
    assert_int_equal(seen.alarms, 1);
    assert_int_equal(seen.alarm[0].kind, IDEM_GUARD_INJECTED_KEYS);
    assert_int_equal(seen.alarm[0].device, 9);
    assert_int_equal(seen.alarm[0].modality, IDEM_KEYBOARD);
    assert_int_equal(seen.alarm[0].action, IDEM_ACTION_CUT_OFF);
    assert_verbs(3, IDEM_VERB_CUT_OFF, 9, IDEM_VERB_LOCK, 0, IDEM_VERB_NOTIFY, IDEM_NOTICE_CUT_OFF);
    assert_int_equal(seen.order, 3); /* all before anybody is told */
    inject(duck, 200);
    type(hand, 50, 2);
    assert_int_equal(seen.verbs, 3);
    assert_int_equal(seen.alarms, 1);
}

static void rows_say_what_an_alarm_does(void **state)
{
    static const struct {
        enum idem_agent_action action;
        uint32_t step_up_locks;
        size_t verbs;
        enum idem_verb first;
        uint32_t notice;
    } cases[] = {
        {IDEM_ACTION_OBSERVE, 0, 0, IDEM_VERB_LOCK, 0},
        {IDEM_ACTION_NOTIFY, 1, 1, IDEM_VERB_NOTIFY, IDEM_NOTICE_ALARM},
        {IDEM_ACTION_STEP_UP, 0, 1, IDEM_VERB_NOTIFY, IDEM_NOTICE_STEP_UP},
        {IDEM_ACTION_STEP_UP, 1, 2, IDEM_VERB_LOCK, IDEM_NOTICE_STEP_UP},
        {IDEM_ACTION_LOCK, 0, 2, IDEM_VERB_LOCK, IDEM_NOTICE_LOCKED},
        {IDEM_ACTION_END_SESSION, 0, 2, IDEM_VERB_LOCK, IDEM_NOTICE_LOCKED},
        {IDEM_ACTION_CUT_OFF, 0, 3, IDEM_VERB_CUT_OFF, IDEM_NOTICE_CUT_OFF},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        end(state);
        begin(state);
        int duck = attach(1, 1, true);
        settings.rows[IDEM_GUARD_INJECTED_KEYS][0] =
            (struct idem_guard_row){0, (uint32_t)cases[i].action};
        settings.step_up_locks = cases[i].step_up_locks;
        set();
        be(IDEM_PRESENT, 1);
        inject(duck, 30);
        assert_int_equal(seen.alarms, 1);
        assert_int_equal(seen.alarm[0].action, cases[i].action);
        assert_int_equal(seen.verbs, cases[i].verbs);
        if (seen.verbs == 0)
            continue;
        assert_int_equal(seen.verb[0].verb, cases[i].first);
        assert_int_equal(seen.verb[seen.verbs - 1].verb, IDEM_VERB_NOTIFY);
        assert_int_equal(seen.verb[seen.verbs - 1].number, cases[i].notice);
    }
}

static void guards_listen_without_acknowledgement_but_to_nobody_else(void **state)
{
    (void)state;
    int duck = attach(1, 1, true);
    for (int p = IDEM_NOBODY; p < IDEM_PRESENCES; p++) {
        if (p == IDEM_PRESENT)
            continue;
        be((enum idem_presence)p, 1);
        assert_false(idem_engine_listens(engine));
        inject(duck, 50);
    }
    assert_int_equal(seen.alarms, 0);
    be(IDEM_PRESENT, 1);
    assert_true(idem_engine_listens(engine));
    settings.guard = 0;
    set();
    assert_false(idem_engine_listens(engine));
    inject(duck, 50);
    assert_int_equal(seen.alarms, 0);
    settings.guard = 1;
    set();
    inject(duck, 50);
    assert_int_equal(seen.alarms, 1);
}

static void an_unlock_deals_with_an_alarm(void **state)
{
    (void)state;
    int duck = attach(1, 1, true);
    be(IDEM_PRESENT, 1);
    inject(duck, 20);
    be(IDEM_LOCKED, 1);
    be(IDEM_PRESENT, 2);
    assert_int_equal(seen.alarms, 1);
    inject(duck, 20); /* it was not cut off after all */
    assert_int_equal(seen.alarms, 2);
    assert_int_equal(seen.verbs, 6);
    be(IDEM_AWAY, 2);
    be(IDEM_PRESENT, 2); /* nobody has shown who he is */
    inject(duck, 20);
    assert_int_equal(seen.alarms, 2);
}

/* A keyboard with two event nodes is one device to its guard. */
static void a_group_has_one_guard(void **state)
{
    (void)state;
    int one = attach(1, 5, true), two = attach(2, 5, true);
    be(IDEM_PRESENT, 1);
    for (int i = 0; i < 10; i++)
        inject(i % 2 ? one : two, 3);
    assert_int_equal(seen.alarms, 1);
    assert_int_equal(state_of().keyboards, 1);
    idem_engine_gone(engine, one);
    assert_int_equal(state_of().keyboards, 1);
    idem_engine_gone(engine, two);
    assert_int_equal(state_of().keyboards, 0);
    int again = attach(3, 5, true);
    inject(again, 20);
    assert_int_equal(seen.alarms, 2);
    assert_int_equal(seen.alarm[1].device, 3);
}

static void a_known_source_is_told_once(void **state)
{
    const struct idem_engine_device token = {
        .id = 1,
        .group = 1,
        .keyboard = true,
        .known = {.source = IDEM_SOURCE_HARDWARE, .role = IDEM_ROLE_TOKEN, .tick_us = 1},
    };
    (void)state;
    int place = idem_engine_device(engine, &token, now);
    be(IDEM_PRESENT, 1);
    for (int touch = 0; touch < 5; touch++) {
        inject(place, 44);
        now += 20 * (int64_t)S;
    }
    assert_int_equal(seen.alarms, 1);
    assert_int_equal(seen.alarm[0].kind, IDEM_GUARD_MACRO);
    assert_int_equal(seen.verbs, 0);
}

/* ------------------------------------------------------------------ the table of devices */

static void the_table_is_bounded(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= IDEM_DEVICES_MAX; i++)
        assert_true(attach(i, i, i % 2 == 0) >= 0);
    assert_int_equal(attach(100, 100, true), IDEM_ERR_LIMIT);
    assert_int_equal(attach(5, 5, true), IDEM_ERR_INVALID);
    assert_int_equal(state_of().keyboards, IDEM_DEVICES_MAX / 2);
    idem_engine_gone(engine, 17);
    assert_int_equal(attach(100, 100, true), 17);
}

/* ------------------------------------------------------------------ the courier's word */

static struct idem_act_message act_of(enum idem_agent_action action, uint32_t modality)
{
    return (struct idem_act_message){.action = action, .modality = modality};
}

static void a_cut_off_reaches_what_has_alarmed_here(void **state)
{
    (void)state;
    int duck = attach(1, 1, true), hand = attach(2, 2, true);
    struct idem_act_message cut = act_of(IDEM_ACTION_CUT_OFF, IDEM_KEYBOARD);
    settings.rows[IDEM_GUARD_INJECTED_KEYS][0] = (struct idem_guard_row){0, IDEM_ACTION_NOTIFY};
    set();
    be(IDEM_PRESENT, 1);
    type(hand, 50, 1);
    assert_true(idem_engine_act(engine, &cut, now));
    assert_verbs(1, IDEM_VERB_LOCK, 0);
    inject(duck, 20);
    assert_int_equal(seen.verbs, 2);
    cut.modality = IDEM_POINTER;
    assert_true(idem_engine_act(engine, &cut, now));
    assert_int_equal(seen.verbs, 3); /* the lock alone: no pointer has alarmed */
    cut.modality = IDEM_KEYBOARD;
    assert_true(idem_engine_act(engine, &cut, now));
    assert_int_equal(seen.verbs, 5);
    assert_int_equal(seen.verb[3].verb, IDEM_VERB_CUT_OFF);
    assert_int_equal(seen.verb[3].number, 1);
    assert_true(idem_engine_act(engine, &cut, now));
    assert_int_equal(seen.verbs, 6); /* once a device */
    struct idem_done_message failed = {
        .verb = IDEM_VERB_CUT_OFF, .number = 1, .error = IDEM_ERR_IO};
    idem_engine_done(engine, &failed);
    assert_true(idem_engine_act(engine, &cut, now));
    assert_int_equal(seen.verbs, 8);
}

static void acts_are_rationed(void **state)
{
    struct idem_act_message notify = act_of(IDEM_ACTION_NOTIFY, 0);
    (void)state;

    notify.notice = IDEM_NOTICE_PAUSED;
    for (int i = 0; i < 50; i++)
        assert_int_equal(idem_engine_act(engine, &notify, now), i < IDEM_ENGINE_ACTS);
    assert_int_equal(seen.verbs, IDEM_ENGINE_ACTS);
    now += IDEM_ENGINE_ACT_US;
    assert_true(idem_engine_act(engine, &notify, now));
    assert_false(idem_engine_act(engine, &notify, now));
    now += 1000 * (int64_t)IDEM_ENGINE_ACT_US;
    for (int i = 0; i < 50; i++)
        assert_int_equal(idem_engine_act(engine, &notify, now), i < IDEM_ENGINE_ACTS);
}

/* ------------------------------------------------------------------ the untouched lock */

static void nobody_touches_it(void **state)
{
    (void)state;
    int kb = attach(1, 1, true);
    settings.untouched_s = 600;
    set();
    assert_int_equal(seen.deadline, -1);
    be(IDEM_PRESENT, 1);
    assert_int_equal(seen.deadline, now + 600 * (int64_t)S);
    uint32_t told = seen.deadlines;
    now += 300 * (int64_t)S;
    type(kb, 100, 1);
    int64_t touched = now;
    assert_int_equal(seen.deadlines, told); /* no timer is set for an event */
    now = seen.deadline;
    idem_engine_due(engine, now);
    assert_int_equal(seen.verbs, 0);
    assert_true(seen.deadline > now && seen.deadline <= touched + 600 * (int64_t)S);
    now = seen.deadline;
    idem_engine_due(engine, now);
    assert_verbs(2, IDEM_VERB_LOCK, 0, IDEM_VERB_NOTIFY, IDEM_NOTICE_UNTOUCHED);
    be(IDEM_LOCKED, 1);
    assert_int_equal(seen.deadline, -1);
    idem_engine_due(engine, now + 9000 * (int64_t)S);
    assert_int_equal(seen.verbs, 2);
}

static void without_a_device_nobody_can_tell(void **state)
{
    (void)state;
    settings.untouched_s = 60;
    set();
    be(IDEM_PRESENT, 1);
    assert_int_equal(seen.deadline, -1);
    now += 3600 * (int64_t)S;
    int kb = attach(1, 1, true);
    assert_int_equal(seen.deadline, now + 60 * (int64_t)S);
    idem_engine_gone(engine, kb);
    assert_int_equal(seen.deadline, -1);
}

static void a_key_that_is_held_down_is_no_touch(void **state)
{
    (void)state;
    int kb = attach(1, 1, true);
    settings.untouched_s = 60;
    settings.guard = 0;
    set();
    be(IDEM_PRESENT, 1);
    assert_true(idem_engine_listens(engine));
    key(kb, 30, IDEM_KEY_DOWN);
    for (int i = 0; i < 3000; i++) {
        now += 30000;
        key(kb, 30, IDEM_KEY_REPEAT);
    }
    idem_engine_due(engine, now);
    assert_int_equal(seen.verbs, 2);
}

static void what_alarmed_touches_nothing(void **state)
{
    (void)state;
    int duck = attach(1, 1, true);
    settings.untouched_s = 60;
    settings.rows[IDEM_GUARD_INJECTED_KEYS][0] = (struct idem_guard_row){0, IDEM_ACTION_OBSERVE};
    set();
    be(IDEM_PRESENT, 1);
    inject(duck, 20);
    for (int i = 0; i < 70; i++)
        inject(duck, 1);
    idem_engine_due(engine, now);
    assert_verbs(2, IDEM_VERB_LOCK, 0, IDEM_VERB_NOTIFY, IDEM_NOTICE_UNTOUCHED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(windows_need_leave_a_front_and_presence),
        TEST(a_lock_wipes_what_was_begun),
        TEST(another_terminal_wipes_what_was_begun),
        TEST(an_unlock_wipes_what_was_begun),
        TEST(the_end_of_collection_wipes_what_was_begun),
        TEST(another_front_begins_anew),
        TEST(the_same_front_again_changes_nothing),
        TEST(leave_to_collect_ends_with_the_session),
        TEST(keyboards_of_a_seat_fill_one_window),
        TEST(a_gap_makes_no_long_hold),
        TEST(pointers_of_a_seat_fill_one_window),
        TEST(a_long_way_is_no_fault),
        TEST(a_warp_is_told_and_not_collected),
        TEST(the_device_that_alarms_is_cut_off_then_the_seat_is_locked),
        TEST(rows_say_what_an_alarm_does),
        TEST(guards_listen_without_acknowledgement_but_to_nobody_else),
        TEST(an_unlock_deals_with_an_alarm),
        TEST(a_group_has_one_guard),
        TEST(a_known_source_is_told_once),
        TEST(the_table_is_bounded),
        TEST(a_cut_off_reaches_what_has_alarmed_here),
        TEST(acts_are_rationed),
        TEST(nobody_touches_it),
        TEST(without_a_device_nobody_can_tell),
        TEST(a_key_that_is_held_down_is_no_touch),
        TEST(what_alarmed_touches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
