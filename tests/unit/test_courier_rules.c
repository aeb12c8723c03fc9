/* SPDX-License-Identifier: Apache-2.0 */
/* test_courier_rules.c - what a server decides, read and asked of the seat once; how long a server
 * is left alone; an administrator's settings. */
#include "agent/courier/act.h"
#include "agent/courier/backoff.h"
#include "agent/courier/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ------------------------------------------------------------------ rules */

static int rules(const char *text, struct idem_rules *out)
{
    json_t *object = json_loads(text, 0, NULL);
    int err;

    assert_non_null(object);
    err = idem_rules_parse(object, out);
    json_decref(object);
    return err;
}

static void test_rules(void **state)
{
    struct idem_rules r;

    (void)state;
    assert_int_equal(
        rules("{\"fail_mode\":{\"locking\":\"open\",\"after_s\":60},\"window\":{\"keyboard\":150,"
              "\"pointer\":20},\"guard\":{\"macro\":[{\"confidence\":0.5,\"action\":\"lock\"}],"
              "\"of-the-future\":[]},\"seat\":{\"lock_untouched_s\":600,\"step_up\":\"lock\","
              "\"unlock_counts\":false,\"pause\":{\"allowed\":true,\"at_most_s\":1800}},"
              "\"exempt\":{\"behaviour\":true,\"guard\":true},\"level\":\"hand\"}",
              &r),
        0);
    assert_false(r.fail_closed);
    assert_int_equal(r.fail_after_s, 60);
    assert_int_equal(r.settings.window_keys, 150);
    assert_int_equal(r.settings.untouched_s, 600);
    assert_int_equal(r.settings.step_up_locks, 1);
    assert_int_equal(r.settings.rows[IDEM_GUARD_MACRO][0].action, IDEM_ACTION_LOCK);
    assert_true(r.settings.rows[IDEM_GUARD_MACRO][1].confidence > 1);
    assert_true(r.exempt_behaviour && r.exempt_guard && r.settings.guard == 0);
    assert_true(r.pause_allowed && r.pause_at_most_s == 1800 && !r.unlock_counts);
}

/* An older server's answer has less; what it does not say is as shipped. */
static void test_what_is_not_said(void **state)
{
    struct idem_rules r;

    (void)state;
    assert_int_equal(rules("{}", &r), 0);
    assert_true(r.fail_closed && r.unlock_counts && !r.pause_allowed && !r.exempt_guard);
    assert_int_equal(r.settings.guard, 1);
    assert_int_equal(r.settings.untouched_s, 0);
    assert_int_equal(r.settings.rows[IDEM_GUARD_INJECTED_KEYS][0].action, IDEM_ACTION_CUT_OFF);
}

static void test_rules_that_are_none(void **state)
{
    static const char *const bad[] = {
        "[]",
        "{\"fail_mode\":{\"locking\":\"ajar\"}}",
        "{\"fail_mode\":{\"after_s\":-1}}",
        "{\"fail_mode\":{\"after_s\":1e9}}",
        "{\"window\":{\"keyboard\":99}}",
        "{\"window\":{\"pointer\":9}}",
        "{\"window\":{\"pointer\":100000}}",
        "{\"guard\":[]}",
        "{\"guard\":{\"macro\":[{\"confidence\":2,\"action\":\"lock\"}]}}",
        "{\"guard\":{\"macro\":[{\"confidence\":0.5,\"action\":\"launch\"}]}}",
        "{\"guard\":{\"macro\":[{\"confidence\":0.1,\"action\":\"lock\"},"
        "{\"confidence\":0.2,\"action\":\"lock\"}]}}",
        "{\"guard\":{\"macro\":[{\"confidence\":0,\"action\":\"lock\"},{\"confidence\":0,"
        "\"action\":"
        "\"lock\"},{\"confidence\":0,\"action\":\"lock\"},{\"confidence\":0,\"action\":\"lock\"},"
        "{\"confidence\":0,\"action\":\"lock\"}]}}",
        "{\"seat\":{\"step_up\":\"shout\"}}",
        "{\"seat\":{\"unlock_counts\":\"yes\"}}",
        "{\"seat\":{\"lock_untouched_s\":0}}",
        "{\"seat\":{\"lock_untouched_s\":59}}",
        "{\"level\":\"of a name that has no end, and goes on\"}",
    };
    struct idem_rules r = {.fail_after_s = 7};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(rules(bad[i], &r), IDEM_ERR_INVALID);
    assert_int_equal(r.fail_after_s, 7);
}

/* ------------------------------------------------------------------ once */

static struct idem_standing standing(enum idem_agent_action action, const char *cause)
{
    struct idem_standing s = {.stands = true, .action = action, .cut_off = -1};

    strncpy(s.cause, cause, sizeof s.cause - 1);
    return s;
}

static void test_asked_once_while_it_stands(void **state)
{
    const struct idem_standing lock = standing(IDEM_ACTION_LOCK, "below-lock"), nothing = {0};
    struct idem_act_seat seat = {1, false};
    struct idem_act_once once = {0};
    struct idem_act_message act;

    (void)state;
    assert_true(idem_act_decide(&once, &lock, &seat, &act));
    assert_int_equal(act.action, IDEM_ACTION_LOCK);
    assert_int_equal(act.notice, IDEM_NOTICE_LOCKED);
    assert_true(idem_message_check(&act, sizeof act, 0, 'c', 's'));
    for (int i = 0; i < 5; i++)
        assert_false(idem_act_decide(&once, &lock, &seat, &act));
    assert_false(idem_act_decide(&once, &nothing, &seat, &act));
    assert_true(idem_act_decide(&once, &lock, &seat, &act));
}

static void test_an_unlocking_that_does_not_count(void **state)
{
    const struct idem_standing lock = standing(IDEM_ACTION_LOCK, "guard");
    struct idem_act_seat seat = {1, false};
    struct idem_act_once once = {0};
    struct idem_act_message act;

    (void)state;
    assert_true(idem_act_decide(&once, &lock, &seat, &act));
    seat = (struct idem_act_seat){2, true}; /* the server has yet to hear of it */
    assert_false(idem_act_decide(&once, &lock, &seat, &act));
    seat.telling = false;
    assert_true(idem_act_decide(&once, &lock, &seat, &act));
    assert_false(idem_act_decide(&once, &lock, &seat, &act));
}

static void test_another_action_is_another(void **state)
{
    struct idem_standing s = standing(IDEM_ACTION_STEP_UP, "guard");
    struct idem_act_seat seat = {1, false};
    struct idem_act_once once = {0};
    struct idem_act_message act;

    (void)state;
    assert_true(idem_act_decide(&once, &s, &seat, &act));
    assert_int_equal(act.notice, IDEM_NOTICE_STEP_UP);
    s.action = IDEM_ACTION_CUT_OFF;
    s.cut_off = IDEM_POINTER;
    assert_true(idem_act_decide(&once, &s, &seat, &act));
    assert_int_equal(act.action, IDEM_ACTION_CUT_OFF);
    assert_int_equal(act.modality, IDEM_POINTER);
    s.cut_off = -1; /* of no device: the lock that it is as well */
    assert_true(idem_act_decide(&once, &s, &seat, &act));
    assert_int_equal(act.action, IDEM_ACTION_LOCK);
}

static void test_what_asks_for_nothing(void **state)
{
    const struct idem_act_seat seat = {1, false};
    struct idem_act_once once = {0};
    struct idem_act_message act;
    struct idem_standing s = standing(IDEM_ACTION_OBSERVE, "insufficient");

    (void)state;
    assert_false(idem_act_decide(&once, &s, &seat, &act));
    s = standing(IDEM_ACTION_NOTIFY, "below-step-up"); /* the operator's affair */
    assert_false(idem_act_decide(&once, &s, &seat, &act));
    s = standing(IDEM_ACTION_NOTIFY, "guard");
    assert_true(idem_act_decide(&once, &s, &seat, &act));
    assert_int_equal(act.notice, IDEM_NOTICE_ALARM);
}

static void test_a_session_object(void **state)
{
    json_t *doc = json_loads(
        "{\"state\":\"locked\",\"policy\":\"78ff\",\"stands\":{\"action\":\"cut-off-device\","
        "\"cause\":\"guard\",\"cut_off\":\"keyboard\",\"line\":3},\"guard\":{\"text\":\"a\"},"
        "\"explanation\":[{\"text\":\"b\"}]}",
        0, NULL);
    struct idem_standing s;

    (void)state;
    assert_int_equal(idem_standing_parse(doc, &s), 0);
    assert_true(s.stands && s.action == IDEM_ACTION_CUT_OFF && s.cut_off == IDEM_KEYBOARD);
    assert_string_equal(s.text, "a");
    assert_string_equal(s.policy, "78ff");
    json_object_set_new(json_object_get(doc, "stands"), "cause", json_null());
    assert_int_equal(idem_standing_parse(doc, &s), 0);
    assert_true(!s.stands && s.action == IDEM_ACTION_OBSERVE);
    json_decref(doc);
    assert_int_equal(idem_standing_parse(NULL, &s), IDEM_ERR_INVALID);
}

/* ------------------------------------------------------------------ leaving a server alone */

static void test_backing_off(void **state)
{
    struct idem_backoff b = {0};
    int64_t before = 0;

    (void)state;
    for (int i = 0; i < 40; i++) {
        struct idem_backoff twin = b;
        int64_t least = idem_backoff_next(&b, 0, 0), most = idem_backoff_next(&twin, UINT32_MAX, 0);
        assert_true(least >= 500000 && least >= before);
        assert_true(most == 2 * least && most <= INT64_C(300000000));
        before = least;
    }
    assert_int_equal(before, 150000000);
    assert_true(idem_backoff_next(&b, 0, 3600) == INT64_C(3600000000));
    idem_backoff_reset(&b);
    assert_true(idem_backoff_next(&b, 0, 0) == 500000);
    assert_true(idem_backoff_next(&b, UINT32_MAX, 10) > 10000000); /* not all in one second */
}

/* ------------------------------------------------------------------ settings */

static int config(const char *text, struct idem_courier_config *out, struct idem_yaml_fault *fault)
{
    return idem_courier_config_parse(text, strlen(text), "agent.yaml", out, fault);
}

static void test_settings(void **state)
{
    struct idem_courier_config c;
    struct idem_yaml_fault fault;
    char person[IDEM_NAME_MAX + 1];

    (void)state;
    assert_int_equal(config("server: https://idem.example\n", &c, &fault), 0);
    assert_true(c.server.tls && c.login_is_strong && !c.x11);
    assert_string_equal(c.server.host, "idem.example");
    assert_string_equal(c.server.port, "443");
    assert_int_equal(config("server: http://[::1]:8787/\nperson: '%u@example'\njob: support\n"
                            "login_is_strong: no\nx11: yes\nca: /etc/idem/ca.pem\n",
                            &c, &fault),
                     0);
    assert_true(!c.server.tls && !c.login_is_strong && c.x11);
    assert_string_equal(c.server.host, "[::1]:8787");
    assert_string_equal(c.server.name, "::1");
    assert_int_equal(idem_courier_person(&c, "ada", person), 0);
    assert_string_equal(person, "ada@example");
    assert_int_equal(idem_courier_person(&c, "", person), IDEM_ERR_LIMIT);
}

static void test_settings_that_are_faults(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"x11: no\n", "has no server"},
        {"server: http://idem.example\n", "take https"},
        {"server: http://127.0.0.1.evil.example\n", "take https"},
        {"server: ftp://idem.example\n", "neither"},
        {"server: idem.example\n", "no address"},
        {"server: https://\n", "no address"},
        {"server: https://a@idem.example\n", "ends with the name"},
        {"server: https://idem.example/v1\n", "ends with the name"},
        {"server: https://idem.example?x=1\n", "ends with the name"},
        {"server: https://idem.example\nperson: ada\n", "%u"},
        {"server: https://idem.example\nperson: '%u%s'\n", "%u"},
        {"server: https://idem.example\nca: ca.pem\n", "whole path"},
        {"server: https://idem.example\nca: /etc/../dev/null\n", "whole path"},
        {"server: https://idem.example\nlogin_is_strong: perhaps\n", ""},
        {"server: https://idem.example\nservr: x\n", "servr"},
    };
    struct idem_courier_config c;
    struct idem_yaml_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(config(bad[i].text, &c, &fault), IDEM_ERR_FORMAT);
        if (strstr(fault.reason, bad[i].says) == NULL)
            fail_msg("%s: %s", bad[i].text, fault.reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_what_is_not_said),
        cmocka_unit_test(test_rules_that_are_none),
        cmocka_unit_test(test_asked_once_while_it_stands),
        cmocka_unit_test(test_an_unlocking_that_does_not_count),
        cmocka_unit_test(test_another_action_is_another),
        cmocka_unit_test(test_what_asks_for_nothing),
        cmocka_unit_test(test_a_session_object),
        cmocka_unit_test(test_backing_off),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_settings_that_are_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
