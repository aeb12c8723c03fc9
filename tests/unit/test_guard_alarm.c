/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_guard_alarm.c - an alarm and its session: what is shown, what is barred from learning, and
 * the server's own alarms, which are latched and never raised twice for one window.
 */
#include "server/guard_alarm.h"

#include "server/judge.h"
#include "server/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct idem_session session;
static struct idem_person person;

static int setup(void **state)
{
    (void)state;
    idem_decisions_free(&session); /* of the test before */
    memset(&session, 0, sizeof session);
    memset(&person, 0, sizeof person);
    session.person = &person;
    session.clock_ms = 5000;
    session.received = 10;
    return 0;
}

static struct idem_guard_verdict verdict(enum idem_guard_kind kind, double confidence)
{
    return (struct idem_guard_verdict){
        .kind = kind, .confidence = confidence, .saw_count = 1, .saw = {{IDEM_SAW_ROLE, 1, 0}}};
}

static void raise(enum idem_guard_kind kind, double confidence, int64_t row)
{
    const struct idem_guard_verdict v = verdict(kind, confidence);
    idem_guard_alarm_raise(&session, IDEM_KEYBOARD, &v, row);
    idem_judge_refresh(&session, session.clock_ms);
}

static void take(enum idem_guard_kind kind, double confidence)
{
    const struct idem_guard_alarm alarm = {
        .verdict = verdict(kind, confidence),
        .action = idem_guard_policy_decide(&idem_guard_policy_default, kind, confidence, NULL),
        .at_ms = session.clock_ms,
        .windows = session.received,
    };
    idem_guard_alarm_take(&session, &alarm);
    idem_judge_refresh(&session, session.clock_ms);
}

static enum idem_guard_kind shown(void)
{
    return session.guard.shown.verdict.kind;
}

/* ------------------------------------------------------------------ states */

static void test_a_step_up_and_a_lock_until_strong_authentication(void **state)
{
    (void)state;
    take(IDEM_GUARD_REPLAY, 0.9);
    assert_int_equal(session.state, IDEM_STATE_STEP_UP);
    assert_false(session.lock_unsaved);
    take(IDEM_GUARD_INJECTED_KEYS, 0.995);
    assert_int_equal(session.state, IDEM_STATE_LOCKED);
    assert_true(session.lock_unsaved);
    take(IDEM_GUARD_MACRO, 1); /* less strict: the lock stays what is shown */
    assert_int_equal(shown(), IDEM_GUARD_INJECTED_KEYS);
    idem_judge_unlock(&session);
    assert_int_equal(session.state, IDEM_STATE_ENROLLING);
    assert_true(session.guard.any && !session.guard.standing);
    assert_int_equal(shown(), IDEM_GUARD_INJECTED_KEYS);
    take(IDEM_GUARD_MACRO, 1);
    assert_int_equal(shown(), IDEM_GUARD_MACRO);
    assert_int_equal(session.state, IDEM_STATE_ENROLLING);
}

static void test_remote_control_and_macros_leave_the_state_alone(void **state)
{
    (void)state;
    take(IDEM_GUARD_MACRO, 1);
    take(IDEM_GUARD_REMOTE_CONTROL, 1);
    assert_int_equal(session.state, IDEM_STATE_ENROLLING);
    assert_int_equal(shown(), IDEM_GUARD_REMOTE_CONTROL);
}

/* ------------------------------------------------------------------ learning */

static void test_what_each_kind_forbids_to_learn(void **state)
{
    static const enum idem_guard_kind all[] = {IDEM_GUARD_INJECTED_KEYS,
                                               IDEM_GUARD_SCRIPTED_POINTER, IDEM_GUARD_REPLAY};
    (void)state;
    for (int i = 0; i < 3; i++) {
        setup(NULL);
        take(all[i], 0.5);
        assert_true(session.spoiled && idem_guard_alarm_bars(&session, 0));
    }
    setup(NULL);
    take(IDEM_GUARD_MACRO, 1);
    assert_false(session.spoiled || idem_guard_alarm_bars(&session, 10));
    take(IDEM_GUARD_REMOTE_CONTROL, 1);
    assert_false(session.spoiled || idem_guard_alarm_bars(&session, 6));
    assert_true(idem_guard_alarm_bars(&session, 7) && idem_guard_alarm_bars(&session, 1000));
    session.received = 20;
    take(IDEM_GUARD_REMOTE_CONTROL, 1); /* a later one does not give back */
    assert_true(idem_guard_alarm_bars(&session, 7));
    session.received = 1;
    take(IDEM_GUARD_REMOTE_CONTROL, 1);
    assert_true(idem_guard_alarm_bars(&session, 0));
}

/* ------------------------------------------------------------------ the server's own */

static void test_an_own_alarm_acts_and_is_to_be_stored(void **state)
{
    int64_t before = idem_metric_read(IDEM_METRIC_ALARMS_REPLAY);
    (void)state;
    raise(IDEM_GUARD_REPLAY, 0.97, 3);
    assert_int_equal(session.state, IDEM_STATE_STEP_UP);
    assert_true(session.guard.own_unsaved && session.guard.own_untold);
    assert_true(session.guard.own_row == 3 && session.guard.own.at_ms == 5000);
    assert_int_equal(idem_metric_read(IDEM_METRIC_ALARMS_REPLAY), before + 1);
}

static void test_an_own_alarm_is_latched_until_it_is_dealt_with(void **state)
{
    int64_t before = idem_metric_read(IDEM_METRIC_ALARMS_REPLAY);
    (void)state;
    raise(IDEM_GUARD_REPLAY, 0.97, 3);
    raise(IDEM_GUARD_REPLAY, 0.99, 4);
    assert_true(session.guard.own_row == 3 && session.guard.own.verdict.confidence == 0.97);
    idem_judge_unlock(&session);
    raise(IDEM_GUARD_REPLAY, 0.98, 5);
    assert_int_equal(session.state, IDEM_STATE_STEP_UP);
    assert_int_equal(session.guard.own_row, 5);
    assert_int_equal(idem_metric_read(IDEM_METRIC_ALARMS_REPLAY), before + 2);
}

/* After a restart the windows are judged again and raise again what is on disk already. */
static void test_a_window_raises_once(void **state)
{
    const struct idem_guard_alarm stored = {
        .verdict = verdict(IDEM_GUARD_REPLAY, 0.97), .action = IDEM_GUARD_STEP_UP, .at_ms = 4000};
    (void)state;
    session.guard.own_row = 3;
    raise(IDEM_GUARD_REPLAY, 0.97, 2);
    raise(IDEM_GUARD_REPLAY, 0.97, 3);
    assert_false(session.guard.any || session.guard.own_unsaved);
    idem_guard_alarm_recall(&session, &stored, true, true);
    raise(IDEM_GUARD_REPLAY, 0.97, 4); /* it stands still */
    assert_false(session.guard.own_unsaved);
    idem_judge_unlock(&session);
    raise(IDEM_GUARD_REPLAY, 0.97, 5);
    assert_true(session.guard.own_unsaved && session.guard.own_row == 5);
}

static void test_what_was_dealt_with_comes_back_as_such(void **state)
{
    const struct idem_guard_alarm stored = {.verdict = verdict(IDEM_GUARD_INJECTED_KEYS, 0.999),
                                            .action = IDEM_GUARD_LOCK,
                                            .at_ms = 4000};
    (void)state;
    idem_guard_alarm_recall(&session, &stored, false, false);
    idem_judge_refresh(&session, session.clock_ms);
    assert_int_equal(session.state, IDEM_STATE_ENROLLING);
    assert_true(session.guard.any && !session.guard.standing && !session.locked);
    idem_guard_alarm_recall(&session, &stored, true, false);
    idem_judge_refresh(&session, session.clock_ms);
    assert_int_equal(session.state, IDEM_STATE_LOCKED);
}

static void test_an_alarm_is_known_again_by_all_but_its_number(void **state)
{
    struct idem_wire_alarm a = {.seq = 1, .verdict = verdict(IDEM_GUARD_INJECTED_KEYS, 0.99)};
    struct idem_wire_alarm other = a;

    (void)state;
    other.seq = 2;
    other.verdict.confidence = 0.9901;
    assert_true(idem_guard_alarm_content(&a) != 0);
    assert_true(idem_guard_alarm_content(&other) == idem_guard_alarm_content(&a));
    other.verdict.saw[0].count++;
    assert_true(idem_guard_alarm_content(&other) != idem_guard_alarm_content(&a));
    idem_guard_alarm_hold(&session, 64, 7);
    assert_true(session.guard.held == UINT64_C(1) << 63 && session.guard.contents[63] == 7);
}

static void test_an_own_alarm_is_shown_as_it_will_come_back(void **state)
{
    (void)state;
    raise(IDEM_GUARD_REPLAY, 0.98765, 5);
    assert_true(session.guard.shown.verdict.confidence == 0.988);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_step_up_and_a_lock_until_strong_authentication, setup),
        cmocka_unit_test_setup(test_remote_control_and_macros_leave_the_state_alone, setup),
        cmocka_unit_test_setup(test_what_each_kind_forbids_to_learn, setup),
        cmocka_unit_test_setup(test_an_own_alarm_acts_and_is_to_be_stored, setup),
        cmocka_unit_test_setup(test_an_own_alarm_is_latched_until_it_is_dealt_with, setup),
        cmocka_unit_test_setup(test_a_window_raises_once, setup),
        cmocka_unit_test_setup(test_what_was_dealt_with_comes_back_as_such, setup),
        cmocka_unit_test_setup(test_an_alarm_is_known_again_by_all_but_its_number, setup),
        cmocka_unit_test_setup(test_an_own_alarm_is_shown_as_it_will_come_back, setup),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    idem_decisions_free(&session);
    return failed;
}
