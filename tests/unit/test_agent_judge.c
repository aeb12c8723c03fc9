/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_agent_judge.c - what the sensor does about what is no hand: whose events are judged and
 * when, what an alarm does, what the courier may ask for.
 */
#include "agent_seat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ------------------------------------------------------------------ alarms */

static void the_device_that_alarms_is_cut_off_then_the_seat_is_locked(void **state)
{
    (void)state;
    int hand = seat_attach(7, 3, true), duck = seat_attach(9, 4, true);
    seat_be(IDEM_PRESENT, 1);
    seat_type(hand, 50, 1);
    seat_inject(duck, 20);
    assert_int_equal(seat.alarms, 1);
    assert_int_equal(seat.alarm[0].kind, IDEM_GUARD_INJECTED_KEYS);
    assert_int_equal(seat.alarm[0].device, 9);
    assert_int_equal(seat.alarm[0].modality, IDEM_KEYBOARD);
    assert_int_equal(seat.alarm[0].action, IDEM_ACTION_CUT_OFF);
    seat_assert_verbs(3, IDEM_VERB_CUT_OFF, 9, IDEM_VERB_LOCK, 0, IDEM_VERB_NOTIFY,
                      IDEM_NOTICE_CUT_OFF);
    assert_int_equal(seat.order, 3); /* all before anybody is told */
    seat_inject(duck, 200);
    seat_type(hand, 50, 2);
    assert_int_equal(seat.verbs, 3);
    assert_int_equal(seat.alarms, 1);
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
        seat_end(state);
        seat_begin(state);
        int duck = seat_attach(1, 1, true);
        seat.settings.rows[IDEM_GUARD_INJECTED_KEYS][0] =
            (struct idem_guard_row){0, (uint32_t)cases[i].action};
        seat.settings.step_up_locks = cases[i].step_up_locks;
        seat_set();
        seat_be(IDEM_PRESENT, 1);
        seat_inject(duck, 30);
        assert_int_equal(seat.alarms, 1);
        assert_int_equal(seat.alarm[0].action, cases[i].action);
        assert_int_equal(seat.verbs, cases[i].verbs);
        if (seat.verbs == 0)
            continue;
        assert_int_equal(seat.verb[0].verb, cases[i].first);
        assert_int_equal(seat.verb[seat.verbs - 1].verb, IDEM_VERB_NOTIFY);
        assert_int_equal(seat.verb[seat.verbs - 1].number, cases[i].notice);
    }
}

/* A key of the machine's; flags: what the guard takes for one more reason. */
static void stroke(int place, unsigned flags)
{
    struct idem_input_event e = {.kind = IDEM_INPUT_KEY,
                                 .t_us = seat.now,
                                 .key = 30,
                                 .action = IDEM_KEY_DOWN,
                                 .flags = flags};
    idem_engine_event(seat.engine, place, &e, seat.now);
    e.t_us = seat.now += 2000;
    e.action = IDEM_KEY_UP;
    e.flags = 0;
    idem_engine_event(seat.engine, place, &e, seat.now);
    seat.now += 6000;
}

static void an_injection_does(enum idem_agent_action action)
{
    seat.settings.rows[IDEM_GUARD_INJECTED_KEYS][0] = (struct idem_guard_row){0, (uint32_t)action};
    seat_set();
}

/* The guard has news whenever it has found one more reason for what it has said. */
static void an_alarm_is_told_again_when_it_asks_for_more(void **state)
{
    (void)state;
    int duck = seat_attach(1, 1, true);
    an_injection_does(IDEM_ACTION_NOTIFY);
    seat_be(IDEM_PRESENT, 1);
    seat_inject(duck, 20);
    stroke(duck, IDEM_GUARD_CAPITAL);
    assert_int_equal(seat.alarms, 1);
    seat_assert_verbs(1, IDEM_VERB_NOTIFY, IDEM_NOTICE_ALARM);
    seat_be(IDEM_LOCKED, 1);
    seat_be(IDEM_PRESENT, 2);
    seat_inject(duck, 20);
    assert_int_equal(seat.alarms, 2);
    an_injection_does(IDEM_ACTION_LOCK);
    stroke(duck, IDEM_GUARD_CAPITAL);
    assert_int_equal(seat.alarms, 3);
    assert_int_equal(seat.alarm[2].kind, IDEM_GUARD_INJECTED_KEYS);
    assert_int_equal(seat.alarm[2].action, IDEM_ACTION_LOCK);
    assert_true(seat.alarm[2].saw_count > seat.alarm[1].saw_count);
    seat_assert_verbs(4, IDEM_VERB_NOTIFY, IDEM_NOTICE_ALARM, IDEM_VERB_NOTIFY, IDEM_NOTICE_ALARM,
                      IDEM_VERB_LOCK, 0, IDEM_VERB_NOTIFY, IDEM_NOTICE_LOCKED);
}

static void another_kind_is_told_though_it_asks_for_no_more(void **state)
{
    const struct idem_engine_device both = {
        .id = 1,
        .group = 1,
        .keyboard = true,
        .pointer = true,
        .known = {.source = IDEM_SOURCE_HARDWARE, .role = IDEM_ROLE_TOKEN, .tick_us = 1},
    };
    (void)state;
    int place = idem_engine_device(seat.engine, &both, seat.now);
    seat.settings.rows[IDEM_GUARD_REMOTE_CONTROL][0] =
        (struct idem_guard_row){0, IDEM_ACTION_OBSERVE};
    seat_set();
    seat_be(IDEM_PRESENT, 1);
    seat_inject(place, 44);
    assert_int_equal(seat.alarms, 1);
    const struct idem_input_event warp = {.kind = IDEM_INPUT_POINTER,
                                          .flags = IDEM_GUARD_WARPED,
                                          .t_us = seat.now,
                                          .pointer = IDEM_POINTER_MOVE,
                                          .dx = 500};
    idem_engine_event(seat.engine, place, &warp, seat.now);
    assert_int_equal(seat.alarms, 2);
    assert_int_equal(seat.alarm[0].kind, IDEM_GUARD_MACRO);
    assert_int_equal(seat.alarm[1].kind, IDEM_GUARD_REMOTE_CONTROL);
    assert_int_equal(seat.verbs, 0);
}

static void guards_listen_without_acknowledgement_but_to_nobody_else(void **state)
{
    (void)state;
    int duck = seat_attach(1, 1, true);
    for (int p = IDEM_NOBODY; p < IDEM_PRESENCES; p++) {
        if (p == IDEM_PRESENT)
            continue;
        seat_be((enum idem_presence)p, 1);
        assert_false(idem_engine_listens(seat.engine));
        seat_inject(duck, 50);
    }
    assert_int_equal(seat.alarms, 0);
    seat_be(IDEM_PRESENT, 1);
    assert_true(idem_engine_listens(seat.engine));
    seat.settings.guard = 0;
    seat_set();
    assert_false(idem_engine_listens(seat.engine));
    seat_inject(duck, 50);
    assert_int_equal(seat.alarms, 0);
    seat.settings.guard = 1;
    seat_set();
    seat_inject(duck, 50);
    assert_int_equal(seat.alarms, 1);
}

static void an_unlock_deals_with_an_alarm(void **state)
{
    (void)state;
    int duck = seat_attach(1, 1, true);
    seat_be(IDEM_PRESENT, 1);
    seat_inject(duck, 20);
    seat_be(IDEM_LOCKED, 1);
    seat_be(IDEM_PRESENT, 2);
    assert_int_equal(seat.alarms, 1);
    seat_inject(duck, 20); /* it was not cut off after all */
    assert_int_equal(seat.alarms, 2);
    assert_int_equal(seat.verbs, 6);
    seat_be(IDEM_AWAY, 2);
    seat_be(IDEM_PRESENT, 2); /* nobody has shown who he is */
    seat_inject(duck, 20);
    assert_int_equal(seat.alarms, 2);
}

/* A keyboard with two event nodes is one device to its guard. */
static void a_group_has_one_guard(void **state)
{
    (void)state;
    int one = seat_attach(1, 5, true), two = seat_attach(2, 5, true);
    seat_be(IDEM_PRESENT, 1);
    for (int i = 0; i < 10; i++)
        seat_inject(i % 2 ? one : two, 3);
    assert_int_equal(seat.alarms, 1);
    assert_int_equal(seat_state().keyboards, 1);
    idem_engine_gone(seat.engine, one);
    assert_int_equal(seat_state().keyboards, 1);
    idem_engine_gone(seat.engine, two);
    assert_int_equal(seat_state().keyboards, 0);
    int again = seat_attach(3, 5, true);
    seat_inject(again, 20);
    assert_int_equal(seat.alarms, 2);
    assert_int_equal(seat.alarm[1].device, 3);
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
    int place = idem_engine_device(seat.engine, &token, seat.now);
    seat_be(IDEM_PRESENT, 1);
    for (int touch = 0; touch < 5; touch++) {
        seat_inject(place, 44);
        seat.now += 20 * (int64_t)SEAT_S;
    }
    assert_int_equal(seat.alarms, 1);
    assert_int_equal(seat.alarm[0].kind, IDEM_GUARD_MACRO);
    assert_int_equal(seat.verbs, 0);
}

static void a_warp_is_told_and_not_collected(void **state)
{
    (void)state;
    int mouse = seat_attach(1, 1, false);
    const struct idem_input_event warp = {.kind = IDEM_INPUT_POINTER,
                                          .flags = IDEM_GUARD_WARPED,
                                          .t_us = seat.now,
                                          .pointer = IDEM_POINTER_MOVE,
                                          .dx = 500};
    seat_be(IDEM_PRESENT, 1);
    idem_engine_event(seat.engine, mouse, &warp, seat.now);
    assert_int_equal(seat.alarms, 1);
    assert_int_equal(seat.alarm[0].kind, IDEM_GUARD_REMOTE_CONTROL);
    assert_int_equal(seat.alarm[0].modality, IDEM_POINTER);
}

/* ------------------------------------------------------------------ the courier's word */

static struct idem_act_message act_of(enum idem_agent_action action, uint32_t modality)
{
    return (struct idem_act_message){.action = action, .modality = modality};
}

static void a_cut_off_reaches_what_has_alarmed_here(void **state)
{
    (void)state;
    int duck = seat_attach(1, 1, true), hand = seat_attach(2, 2, true);
    struct idem_act_message cut = act_of(IDEM_ACTION_CUT_OFF, IDEM_KEYBOARD);
    seat.settings.rows[IDEM_GUARD_INJECTED_KEYS][0] =
        (struct idem_guard_row){0, IDEM_ACTION_NOTIFY};
    seat_set();
    seat_be(IDEM_PRESENT, 1);
    seat_type(hand, 50, 1);
    assert_true(idem_engine_act(seat.engine, &cut, seat.now));
    seat_assert_verbs(1, IDEM_VERB_LOCK, 0);
    seat_inject(duck, 20);
    assert_int_equal(seat.verbs, 2);
    cut.modality = IDEM_POINTER;
    assert_true(idem_engine_act(seat.engine, &cut, seat.now));
    assert_int_equal(seat.verbs, 3); /* the lock alone: no pointer has alarmed */
    cut.modality = IDEM_KEYBOARD;
    assert_true(idem_engine_act(seat.engine, &cut, seat.now));
    assert_int_equal(seat.verbs, 5);
    assert_int_equal(seat.verb[3].verb, IDEM_VERB_CUT_OFF);
    assert_int_equal(seat.verb[3].number, 1);
    assert_true(idem_engine_act(seat.engine, &cut, seat.now));
    assert_int_equal(seat.verbs, 6); /* once a device */
    struct idem_done_message failed = {
        .verb = IDEM_VERB_CUT_OFF, .number = 1, .error = IDEM_ERR_IO};
    idem_engine_done(seat.engine, &failed);
    assert_true(idem_engine_act(seat.engine, &cut, seat.now));
    assert_int_equal(seat.verbs, 8);
}

static void a_cut_off_is_told_when_there_was_one(void **state)
{
    (void)state;
    int duck = seat_attach(1, 1, true);
    struct idem_act_message cut = act_of(IDEM_ACTION_CUT_OFF, IDEM_KEYBOARD);

    cut.notice = IDEM_NOTICE_CUT_OFF;
    seat_be(IDEM_PRESENT, 1);
    assert_true(idem_engine_act(seat.engine, &cut, seat.now)); /* of an X session's keyboard */
    assert_int_equal(seat.verb[seat.verbs - 1].number, IDEM_NOTICE_ALARM);
    seat_inject(duck, 20); /* the shipped rows cut it off at once */
    idem_engine_gone(seat.engine, duck);
    assert_true(idem_engine_act(seat.engine, &cut, seat.now)); /* it is gone by now */
    assert_int_equal(seat.verb[seat.verbs - 1].number, IDEM_NOTICE_CUT_OFF);
    assert_true(idem_engine_act(seat.engine, &cut, seat.now));
    assert_int_equal(seat.verb[seat.verbs - 1].number, IDEM_NOTICE_ALARM);
}

static void acts_are_rationed(void **state)
{
    struct idem_act_message notify = act_of(IDEM_ACTION_NOTIFY, 0);
    (void)state;

    notify.notice = IDEM_NOTICE_PAUSED;
    for (int i = 0; i < 50; i++)
        assert_int_equal(idem_engine_act(seat.engine, &notify, seat.now), i < IDEM_ENGINE_ACTS);
    assert_int_equal(seat.verbs, IDEM_ENGINE_ACTS);
    seat.now += IDEM_ENGINE_ACT_US;
    assert_true(idem_engine_act(seat.engine, &notify, seat.now));
    assert_false(idem_engine_act(seat.engine, &notify, seat.now));
    seat.now += 1000 * (int64_t)IDEM_ENGINE_ACT_US;
    for (int i = 0; i < 50; i++)
        assert_int_equal(idem_engine_act(seat.engine, &notify, seat.now), i < IDEM_ENGINE_ACTS);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, seat_begin, seat_end)
    const struct CMUnitTest tests[] = {
        TEST(the_device_that_alarms_is_cut_off_then_the_seat_is_locked),
        TEST(rows_say_what_an_alarm_does),
        TEST(an_alarm_is_told_again_when_it_asks_for_more),
        TEST(another_kind_is_told_though_it_asks_for_no_more),
        TEST(guards_listen_without_acknowledgement_but_to_nobody_else),
        TEST(an_unlock_deals_with_an_alarm),
        TEST(a_group_has_one_guard),
        TEST(a_known_source_is_told_once),
        TEST(a_warp_is_told_and_not_collected),
        TEST(a_cut_off_reaches_what_has_alarmed_here),
        TEST(a_cut_off_is_told_when_there_was_one),
        TEST(acts_are_rationed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
