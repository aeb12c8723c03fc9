/* SPDX-License-Identifier: Apache-2.0 */
/* test_guard_policy.c - the table that decides what an alarm does, as documented and any other. */
#include "server/guard_policy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static enum idem_guard_action decide(enum idem_guard_kind kind, double confidence)
{
    return idem_guard_policy_decide(&idem_guard_policy_default, kind, confidence, NULL);
}

static void test_the_documented_defaults(void **state)
{
    (void)state;
    assert_int_equal(decide(IDEM_GUARD_INJECTED_KEYS, 1), IDEM_GUARD_CUT_OFF_DEVICE);
    assert_int_equal(decide(IDEM_GUARD_INJECTED_KEYS, 0.99), IDEM_GUARD_CUT_OFF_DEVICE);
    assert_int_equal(decide(IDEM_GUARD_INJECTED_KEYS, 0.989), IDEM_GUARD_STEP_UP);
    assert_int_equal(decide(IDEM_GUARD_INJECTED_KEYS, 0), IDEM_GUARD_STEP_UP);
    assert_int_equal(decide(IDEM_GUARD_SCRIPTED_POINTER, 1), IDEM_GUARD_STEP_UP);
    assert_int_equal(decide(IDEM_GUARD_REPLAY, 0.5), IDEM_GUARD_STEP_UP);
    assert_int_equal(decide(IDEM_GUARD_REMOTE_CONTROL, 1), IDEM_GUARD_NOTIFY);
    assert_int_equal(decide(IDEM_GUARD_MACRO, 1), IDEM_GUARD_OBSERVE);
}

/* What no row fits does nothing; a confidence that is no number fits none. */
static void test_what_is_not_in_the_table_is_observed(void **state)
{
    (void)state;
    assert_int_equal(decide(IDEM_GUARD_HUMAN, 1), IDEM_GUARD_OBSERVE);
    assert_int_equal(decide(IDEM_GUARD_INSUFFICIENT, 1), IDEM_GUARD_OBSERVE);
    assert_int_equal(decide(IDEM_GUARD_INJECTED_KEYS, (double)NAN), IDEM_GUARD_OBSERVE);
}

static void test_the_first_row_that_fits_decides(void **state)
{
    static const struct idem_guard_rule rules[] = {
        {IDEM_GUARD_MACRO, 0.9, IDEM_GUARD_LOCK, 0},
        {IDEM_GUARD_MACRO, 0.5, IDEM_GUARD_NOTIFY, 0},
        {IDEM_GUARD_REPLAY, 0.2, IDEM_GUARD_STEP_UP, 0},
    };
    const struct idem_guard_policy policy = {rules, 3}, none = {0};
    (void)state;
    assert_int_equal(idem_guard_policy_decide(&policy, IDEM_GUARD_MACRO, 0.95, NULL),
                     IDEM_GUARD_LOCK);
    assert_int_equal(idem_guard_policy_decide(&policy, IDEM_GUARD_MACRO, 0.6, NULL),
                     IDEM_GUARD_NOTIFY);
    assert_int_equal(idem_guard_policy_decide(&policy, IDEM_GUARD_MACRO, 0.4, NULL),
                     IDEM_GUARD_OBSERVE);
    assert_int_equal(idem_guard_policy_decide(&policy, IDEM_GUARD_REPLAY, 0.4, NULL),
                     IDEM_GUARD_STEP_UP);
    assert_int_equal(idem_guard_policy_decide(&none, IDEM_GUARD_REPLAY, 1, NULL),
                     IDEM_GUARD_OBSERVE);
}

static void test_actions_have_names(void **state)
{
    (void)state;
    assert_string_equal(idem_guard_action_name(IDEM_GUARD_OBSERVE), "observe");
    assert_string_equal(idem_guard_action_name(IDEM_GUARD_NOTIFY), "notify");
    assert_string_equal(idem_guard_action_name(IDEM_GUARD_STEP_UP), "step-up");
    assert_string_equal(idem_guard_action_name(IDEM_GUARD_LOCK), "lock");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_documented_defaults),
        cmocka_unit_test(test_what_is_not_in_the_table_is_observed),
        cmocka_unit_test(test_the_first_row_that_fits_decides),
        cmocka_unit_test(test_actions_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
