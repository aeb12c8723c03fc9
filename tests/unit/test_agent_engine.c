/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_engine.c - what the sensor does with events: who is listened to and when, what is
 * collected, when an untouched seat is locked.
 */
#include "agent_seat.h"
#include "people.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 400 };

/* ------------------------------------------------------------------ windows */

static void windows_need_leave_a_front_and_presence(void **state)
{
    (void)state;
    int kb = seat_attach(1, 1, true);
    seat_be(IDEM_PRESENT, 1);
    seat_type(kb, KEYS, 1);
    assert_int_equal(seat.windows[0], 0);
    seat_front();
    seat_type(kb, KEYS, 1);
    assert_int_equal(seat.windows[0], 0);
    seat.settings.collect = 1;
    seat_set();
    assert_int_equal(seat_state().collecting, 1);
    seat_type(kb, KEYS, 1);
    assert_true(seat.windows[0] >= 3);
    assert_int_equal(seat.strokes, 100);
    uint32_t before = seat.windows[0];
    for (int p = IDEM_NOBODY; p < IDEM_PRESENCES; p++) {
        if (p == IDEM_PRESENT)
            continue;
        seat_be((enum idem_presence)p, 1);
        seat_type(kb, KEYS, 1);
        assert_int_equal(seat_state().collecting, 0);
    }
    assert_int_equal(seat.windows[0], before);
    assert_int_equal(seat.alarms, 0);
}

/* 60 keys before and 60 keys after are no window of a hundred. */
static void what_was_begun_does_not_survive(void (*break_off)(int kb))
{
    int kb = seat_attach(1, 1, true);

    seat_front();
    seat.settings.collect = 1;
    seat_set();
    seat_be(IDEM_PRESENT, 1);
    seat_type(kb, 60, 1);
    break_off(kb);
    seat_type(kb, 60, 2);
    assert_int_equal(seat.windows[0], 0);
    seat_type(kb, 60, 3);
    assert_int_equal(seat.windows[0], 1);
}

static void by_a_lock(int kb)
{
    seat_be(IDEM_LOCKED, 1);
    seat_type(kb, 30, 9);
    seat_be(IDEM_PRESENT, 2);
}

static void by_another_terminal(int kb)
{
    (void)kb;
    seat_be(IDEM_AWAY, 1);
    seat_be(IDEM_PRESENT, 1);
}

static void by_showing_who_he_is(int kb)
{
    (void)kb;
    seat_be(IDEM_PRESENT, 2);
}

static void by_ending_collection(int kb)
{
    (void)kb;
    seat.settings.collect = 0;
    seat_set();
    seat.settings.collect = 1;
    seat_set();
}

static void by_another_front(int kb)
{
    (void)kb;
    assert_int_equal(idem_engine_front(seat.engine, people_front(21, 300)), 0);
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
    int kb = seat_attach(1, 1, true);
    seat_front();
    seat.settings.collect = 1;
    seat_set();
    seat_be(IDEM_PRESENT, 1);
    seat_type(kb, 60, 1);
    seat_front();
    seat_type(kb, 60, 2);
    assert_int_equal(seat.windows[0], 1);
}

static void leave_to_collect_ends_with_the_session(void **state)
{
    (void)state;
    int kb = seat_attach(1, 1, true);
    seat_front();
    seat.settings.collect = 1;
    seat_set();
    seat_be(IDEM_PRESENT, 1);
    seat_be(IDEM_NOBODY, 1);
    seat_be(IDEM_PRESENT, 2);
    seat_type(kb, KEYS, 1);
    assert_int_equal(seat.windows[0], 0);
    seat_set();
    seat_type(kb, KEYS, 1);
    assert_true(seat.windows[0] > 0);
}

static void keyboards_of_a_seat_fill_one_window(void **state)
{
    (void)state;
    int one = seat_attach(1, 1, true), two = seat_attach(2, 2, true);
    seat_front();
    seat.settings.collect = 1;
    seat_set();
    seat_be(IDEM_PRESENT, 1);
    seat_type(one, 60, 1);
    seat_type(two, 60, 2);
    assert_int_equal(seat.windows[0], 1);
}

/* A key that is down when its device goes is not held until another device lets it go. */
static void a_gap_makes_no_long_hold(void **state)
{
    (void)state;
    int one = seat_attach(1, 1, true), two = seat_attach(2, 2, true);
    seat_front();
    seat.settings.collect = 1;
    seat.settings.window_keys = 5;
    seat_set();
    seat_be(IDEM_PRESENT, 1);
    seat_key(one, 30, IDEM_KEY_DOWN);
    seat.now += 4 * (int64_t)SEAT_S;
    idem_engine_gone(seat.engine, one);
    seat_key(two, 30, IDEM_KEY_UP);
    for (uint32_t i = 0; i < 4; i++) {
        seat.now += 150000;
        seat_key(two, 31 + i, IDEM_KEY_DOWN);
        seat.now += 80000;
        seat_key(two, 31 + i, IDEM_KEY_UP);
    }
    assert_int_equal(seat.windows[0], 0); /* four keystrokes, not five */
}

/* ------------------------------------------------------------------ pointers */

static void move(int place, double dx, double dy)
{
    const struct idem_input_event e = {.kind = IDEM_INPUT_POINTER,
                                       .t_us = seat.now,
                                       .pointer = IDEM_POINTER_MOVE,
                                       .dx = dx,
                                       .dy = dy};
    idem_engine_event(seat.engine, place, &e, seat.now);
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
        seat.now += 7000 + (int64_t)idem_rng_below(&rng, 2000);
    }
    seat.now += 90000;
    for (int kind = IDEM_POINTER_PRESS; kind <= IDEM_POINTER_RELEASE; kind++) {
        const struct idem_input_event e = {
            .kind = IDEM_INPUT_POINTER, .t_us = seat.now, .pointer = (enum idem_pointer_kind)kind};
        idem_engine_event(seat.engine, place, &e, seat.now);
        seat.now += 95000;
    }
    seat.now += 600000;
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
    int one = seat_attach(1, 1, false), two = seat_attach(2, 2, false);
    assert_int_equal(idem_engine_front(seat.engine, shipped_front()), 0);
    seat.settings.collect = 1;
    seat.settings.guard = 0; /* which knows a drawn movement when it sees one */
    seat_set();
    seat_be(IDEM_PRESENT, 1);
    for (uint64_t i = 0; i < 24; i++)
        gesture(i % 2 ? one : two, i);
    assert_int_equal(seat.windows[IDEM_POINTER], 2);
    assert_int_equal(seat.strokes, 10);
}

/* However far the way has led. */
static void a_long_way_is_no_fault(void **state)
{
    (void)state;
    int mouse = seat_attach(1, 1, false);
    assert_int_equal(idem_engine_front(seat.engine, shipped_front()), 0);
    seat.settings.collect = 1;
    seat.settings.guard = 0;
    seat_set();
    seat_be(IDEM_PRESENT, 1);
    for (uint64_t i = 0; i < 60; i++) {
        move(mouse, 20000, -20000);
        seat.now += SEAT_S;
        gesture(mouse, i);
    }
    assert_true(seat.windows[IDEM_POINTER] >= 5);
}

/* ------------------------------------------------------------------ the table of devices */

static void the_table_is_bounded(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= IDEM_DEVICES_MAX; i++)
        assert_true(seat_attach(i, i, i % 2 == 0) >= 0);
    assert_int_equal(seat_attach(100, 100, true), IDEM_ERR_LIMIT);
    assert_int_equal(seat_attach(5, 5, true), IDEM_ERR_INVALID);
    assert_int_equal(seat_state().keyboards, IDEM_DEVICES_MAX / 2);
    idem_engine_gone(seat.engine, 17);
    assert_int_equal(seat_attach(100, 100, true), 17);
}

/* ------------------------------------------------------------------ the untouched lock */

static void nobody_touches_it(void **state)
{
    (void)state;
    int kb = seat_attach(1, 1, true);
    seat.settings.untouched_s = 600;
    seat_set();
    assert_int_equal(seat.deadline, -1);
    seat_be(IDEM_PRESENT, 1);
    assert_int_equal(seat.deadline, seat.now + 600 * (int64_t)SEAT_S);
    uint32_t told = seat.deadlines;
    seat.now += 300 * (int64_t)SEAT_S;
    seat_type(kb, 100, 1);
    int64_t touched = seat.now;
    assert_int_equal(seat.deadlines, told); /* no timer is set for an event */
    seat.now = seat.deadline;
    idem_engine_due(seat.engine, seat.now);
    assert_int_equal(seat.verbs, 0);
    assert_true(seat.deadline > seat.now && seat.deadline <= touched + 600 * (int64_t)SEAT_S);
    seat.now = seat.deadline;
    idem_engine_due(seat.engine, seat.now);
    seat_assert_verbs(2, IDEM_VERB_LOCK, 0, IDEM_VERB_NOTIFY, IDEM_NOTICE_UNTOUCHED);
    seat_be(IDEM_LOCKED, 1);
    assert_int_equal(seat.deadline, -1);
    idem_engine_due(seat.engine, seat.now + 9000 * (int64_t)SEAT_S);
    assert_int_equal(seat.verbs, 2);
}

static void without_a_device_nobody_can_tell(void **state)
{
    (void)state;
    seat.settings.untouched_s = 60;
    seat_set();
    seat_be(IDEM_PRESENT, 1);
    assert_int_equal(seat.deadline, -1);
    seat.now += 3600 * (int64_t)SEAT_S;
    int kb = seat_attach(1, 1, true);
    assert_int_equal(seat.deadline, seat.now + 60 * (int64_t)SEAT_S);
    idem_engine_gone(seat.engine, kb);
    assert_int_equal(seat.deadline, -1);
}

static void a_key_that_is_held_down_is_no_touch(void **state)
{
    (void)state;
    int kb = seat_attach(1, 1, true);
    seat.settings.untouched_s = 60;
    seat.settings.guard = 0;
    seat_set();
    seat_be(IDEM_PRESENT, 1);
    assert_true(idem_engine_listens(seat.engine));
    seat_key(kb, 30, IDEM_KEY_DOWN);
    for (int i = 0; i < 3000; i++) {
        seat.now += 30000;
        seat_key(kb, 30, IDEM_KEY_REPEAT);
    }
    idem_engine_due(seat.engine, seat.now);
    assert_int_equal(seat.verbs, 2);
}

/* ------------------------------------------------------------------ a lock that is not seen */

static void ask_for_a_lock(void)
{
    const struct idem_act_message act = {.head = {IDEM_CS_ACT, sizeof act},
                                         .action = IDEM_ACTION_LOCK};
    assert_true(idem_engine_act(seat.engine, &act, seat.now));
}

/* As the timer does it, for a minute. */
static void let_a_minute_pass(void)
{
    int64_t end = seat.now + 60 * (int64_t)SEAT_S;

    while (seat.deadline >= 0 && seat.deadline < end) {
        seat.now = seat.deadline;
        idem_engine_due(seat.engine, seat.now);
    }
    seat.now = end;
}

static void a_lock_that_is_not_seen_is_asked_for_again(void **state)
{
    (void)state;
    seat_be(IDEM_PRESENT, 1);
    ask_for_a_lock();
    assert_int_equal(seat.deadline, seat.now + IDEM_ENGINE_LOCK_US);
    let_a_minute_pass();
    seat_assert_verbs(4, IDEM_VERB_LOCK, 0, IDEM_VERB_LOCK, 0, IDEM_VERB_LOCK, 0, IDEM_VERB_LOCK,
                      0);
    assert_int_equal(seat.deadline, -1); /* then never: it cannot be made to */
}

static void a_lock_that_is_seen_is_enough(void **state)
{
    (void)state;
    seat_be(IDEM_PRESENT, 1);
    ask_for_a_lock();
    seat_be(IDEM_LOCKED, 1);
    assert_int_equal(seat.deadline, -1);
    seat_be(IDEM_PRESENT, 2);
    let_a_minute_pass();
    seat_assert_verbs(1, IDEM_VERB_LOCK, 0);
    seat_be(IDEM_LOCKED, 2);
    ask_for_a_lock(); /* there is nothing to wait for */
    assert_int_equal(seat.deadline, -1);
}

static void an_alarms_lock_is_asked_for_again(void **state)
{
    (void)state;
    int duck = seat_attach(1, 1, true);
    seat.settings.rows[IDEM_GUARD_INJECTED_KEYS][0] = (struct idem_guard_row){0, IDEM_ACTION_LOCK};
    seat_set();
    seat_be(IDEM_PRESENT, 1);
    seat_inject(duck, 20);
    seat_assert_verbs(2, IDEM_VERB_LOCK, 0, IDEM_VERB_NOTIFY, IDEM_NOTICE_LOCKED);
    let_a_minute_pass();
    assert_int_equal(seat.verbs, 5);
}

static void an_untouched_seats_lock_is_asked_for_again(void **state)
{
    (void)state;
    seat_attach(1, 1, true);
    seat.settings.untouched_s = 600;
    seat_set();
    seat_be(IDEM_PRESENT, 1);
    seat.now += 600 * (int64_t)SEAT_S;
    idem_engine_due(seat.engine, seat.now);
    assert_int_equal(seat.verbs, 2);
    assert_int_equal(seat.deadline, seat.now + IDEM_ENGINE_LOCK_US);
    let_a_minute_pass();
    assert_int_equal(seat.verbs, 5);
}

static void what_alarmed_touches_nothing(void **state)
{
    (void)state;
    int duck = seat_attach(1, 1, true);
    seat.settings.untouched_s = 60;
    seat.settings.rows[IDEM_GUARD_INJECTED_KEYS][0] =
        (struct idem_guard_row){0, IDEM_ACTION_OBSERVE};
    seat_set();
    seat_be(IDEM_PRESENT, 1);
    seat_inject(duck, 20);
    for (int i = 0; i < 70; i++)
        seat_inject(duck, 1);
    idem_engine_due(seat.engine, seat.now);
    seat_assert_verbs(2, IDEM_VERB_LOCK, 0, IDEM_VERB_NOTIFY, IDEM_NOTICE_UNTOUCHED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, seat_begin, seat_end)
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
        TEST(the_table_is_bounded),
        TEST(nobody_touches_it),
        TEST(without_a_device_nobody_can_tell),
        TEST(a_key_that_is_held_down_is_no_touch),
        TEST(what_alarmed_touches_nothing),
        TEST(a_lock_that_is_not_seen_is_asked_for_again),
        TEST(a_lock_that_is_seen_is_enough),
        TEST(an_alarms_lock_is_asked_for_again),
        TEST(an_untouched_seats_lock_is_asked_for_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
