/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's decision: one question changed at a time, under the policy as it is shipped. */
#include "server/gate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NOW    (INT64_C(20779) * 86400000)
#define MINUTE INT64_C(60000)

static const struct idem_policy_subject nobody = {"", "", "", "", ""};
static struct idem_policy *policy;
static struct idem_policy_rules rules; /* a copy, to be changed */

static int set_up(void **state)
{
    struct idem_yaml_fault fault;
    size_t len;
    const char *text = idem_policy_shipped(false, &len);

    (void)state;
    assert_int_equal(idem_policy_parse(text, len, "shipped", NOW, &policy, &fault), 0);
    rules = *idem_policy_rules(policy, &nobody, NOW);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    idem_policy_unref(policy);
    return 0;
}

/* An owner who types: everything stands. */
static struct idem_gate_question owner(const char *class)
{
    return (struct idem_gate_question){
        .stands = true,
        .bound = true,
        .class = class,
        .now_ms = NOW,
        .rules = &rules,
        .standing = {.policy = policy,
                     .enrolled = true,
                     .trust = 0.9999f,
                     .trust_recent = 0.9999f,
                     .llr = 20,
                     .suspect_llr = 6,
                     .evidence = 8,
                     .evidence_ms = NOW - MINUTE},
        .silence = {.requests = 1, .allowed = 1},
    };
}

static struct idem_gate_answer ask(const struct idem_gate_question *q)
{
    struct idem_gate_answer a;
    idem_gate_decide(q, &a);
    return a;
}

#define assert_answer(q, v, c)                                                                     \
    do {                                                                                           \
        const struct idem_gate_answer got = ask(q);                                                \
        assert_string_equal(idem_gate_verdict_name(got.verdict), v);                               \
        assert_string_equal(idem_gate_cause_name(got.cause), c);                                   \
    } while (0)

static void the_owner_passes(void **state)
{
    struct idem_gate_question sensitive = owner("sensitive"), ordinary = owner("ordinary");

    (void)state;
    assert_answer(&sensitive, "pass", "matches");
    assert_answer(&ordinary, "pass", "unsuspected");
    assert_int_equal(ask(&sensitive).level, IDEM_GATE_LEVEL_HIGH);
    assert_int_not_equal(ask(&sensitive).line, 0);
    sensitive.standing.capped = true;
    assert_int_equal(ask(&sensitive).level, IDEM_GATE_LEVEL_MEDIUM);
    assert_answer(&sensitive, "pass", "matches");
}

static void an_unknown_class_is_the_strictest(void **state)
{
    struct idem_gate_question q = owner("nobody named this");

    (void)state;
    q.standing.evidence = 0;
    assert_answer(&q, "step-up", "nothing-compared");
}

static void what_closes_it_at_once(void **state)
{
    struct idem_gate_question q = owner("ordinary");

    (void)state;
    q.stands = false;
    assert_answer(&q, "closed", "worker-stands");
    q = owner("ordinary"), q.bound = false;
    assert_answer(&q, "step-up", "unbound");
    q = owner("ordinary"), q.other_client = true;
    assert_answer(&q, "deny", "other-client");
    q = owner("ordinary"), q.standing.locked = true;
    assert_answer(&q, "deny", "locked");
    assert_int_equal(ask(&q).level, IDEM_GATE_LEVEL_NONE);
    q = owner("ordinary"), q.standing.alarmed = true;
    assert_answer(&q, "step-up", "alarm");
}

static void strong_authentication_opens_what_is_ordinary_only(void **state)
{
    struct idem_gate_question q = owner("ordinary");

    (void)state;
    q.standing.trust = q.standing.trust_recent = 0.1f;
    q.standing.llr = -9, q.standing.suspect_llr = -9;
    assert_answer(&q, "step-up", "doubt");
    q.standing.strong_ms = NOW - MINUTE; /* and what came after it says nothing against him */
    q.standing.trust_recent = 0.9999f;
    assert_answer(&q, "pass", "authenticated");
    assert_int_equal(ask(&q).level, IDEM_GATE_LEVEL_NONE);
    q.class = "sensitive";
    assert_answer(&q, "step-up", "doubt");
    q.class = "ordinary", q.standing.trust_recent = 0.1f; /* doubted again */
    assert_answer(&q, "step-up", "doubt");
    q.standing.trust_recent = 0.9999f;
    q.standing.strong_ms = NOW - rules.gate.step_up_max_age_ms; /* too long ago */
    assert_answer(&q, "step-up", "doubt");
}

/* Whoever passes every step-up, and types as somebody else or not at all. */
static void a_bare_prior_never_opens_what_is_sensitive(void **state)
{
    struct idem_gate_question q = owner("sensitive");

    (void)state;
    q.standing.strong_ms = NOW;
    q.standing.evidence = 0, q.standing.llr = 0, q.standing.suspect_llr = 0;
    assert_answer(&q, "step-up", "nothing-compared");
    q.standing.evidence = 1; /* a window that says nothing: trust is the prior's */
    assert_answer(&q, "step-up", "no-match");
    q.standing.llr = IDEM_GATE_MATCH_NATS - 0.1f;
    assert_answer(&q, "step-up", "no-match");
    q.standing.llr = 20, q.standing.suspect_llr = -IDEM_GATE_MATCH_NATS;
    assert_answer(&q, "step-up", "no-match"); /* somebody else since a while */
    q.standing.suspect_llr = 1;
    assert_answer(&q, "pass", "matches");
}

static void no_number_is_no_match(void **state)
{
    struct idem_gate_question q = owner("sensitive");

    (void)state;
    q.standing.llr = NAN;
    assert_answer(&q, "step-up", "no-match");
    q = owner("sensitive"), q.standing.suspect_llr = NAN;
    assert_answer(&q, "step-up", "no-match");
    q = owner("sensitive"), q.standing.trust = NAN;
    assert_answer(&q, "step-up", "doubt");
    q.class = "ordinary";
    assert_answer(&q, "step-up", "doubt");
}

static void a_browsers_word_is_bounded(void **state)
{
    struct idem_gate_question q = owner("sensitive");

    (void)state;
    rules.gate.classes[1].trust_at_least = 0.99;
    assert_string_equal(rules.gate.classes[1].name, "sensitive");
    assert_answer(&q, "pass", "matches");
    q.standing.capped = true; /* 0.95 at most */
    assert_answer(&q, "step-up", "no-match");
}

static void silence_asks_and_then_locks(void **state)
{
    const struct idem_policy_silence *ask_at = &rules.gate.silence_step_up,
                                     *lock_at = &rules.gate.silence_lock;
    struct idem_gate_question q = owner("ordinary");

    (void)state;
    q.silence.requests = q.silence.allowed = ask_at->requests;
    assert_answer(&q, "pass", "unsuspected");
    q.silence.requests = ++q.silence.allowed;
    assert_answer(&q, "step-up", "silence");
    assert_true(ask(&q).for_silence);
    q.silence.asked_ms = NOW;
    q.silence.allowed = 1; /* he has answered */
    q.standing.strong_ms = NOW;
    assert_answer(&q, "pass", "unsuspected");
    q.silence.asked_ms = 0;                     /* who answers unasked is not spared either */
    q.silence.requests = lock_at->requests + 1; /* and goes on without a window */
    assert_answer(&q, "lock", "silence");
    q.class = "sensitive";
    assert_answer(&q, "lock", "silence");
}

static void silence_by_time(void **state)
{
    const int64_t ask_ms = rules.gate.silence_step_up.ms, lock_ms = rules.gate.silence_lock.ms;
    struct idem_gate_question q = owner("ordinary");

    (void)state;
    q.standing.evidence_ms = NOW - ask_ms;
    assert_answer(&q, "step-up", "silence");
    q.standing.evidence_ms = NOW - 10 * lock_ms; /* back from a long break: asked, not locked */
    assert_answer(&q, "step-up", "silence");
    q.silence.asked_ms = NOW - (lock_ms - ask_ms) + 1;
    q.standing.strong_ms = NOW;
    assert_answer(&q, "pass", "unsuspected");
    q.silence.asked_ms--;
    assert_answer(&q, "lock", "silence");
}

/* Half an hour of pause, five minutes after the last window; NOW is in its middle. */
static struct idem_gate_question paused(const char *class)
{
    struct idem_gate_question q = owner(class);

    q.standing.pause_from_ms = NOW - 15 * MINUTE;
    q.standing.pause_until_ms = NOW + 15 * MINUTE;
    q.standing.evidence_ms = q.standing.pause_from_ms - 5 * MINUTE;
    return q;
}

static void in_a_pause_another_factor_answers(void **state)
{
    struct idem_gate_question q = paused("sensitive");

    (void)state;
    assert_answer(&q, "step-up", "paused");
    q.standing.strong_ms = NOW; /* the seat says that its screen was unlocked */
    assert_answer(&q, "step-up", "paused");
    q.standing.factor_ms = NOW - rules.gate.step_up_max_age_ms + 1;
    assert_answer(&q, "pass", "paused");
    assert_int_equal(ask(&q).level, IDEM_GATE_LEVEL_LOW);
    q.standing.factor_ms--;
    assert_answer(&q, "step-up", "paused");
    q.class = "ordinary";
    assert_answer(&q, "pass", "unsuspected");
}

/* Who has bought the other factor, too, pauses before he has typed. */
static void a_pause_stands_in_for_nothing_that_was_not_there(void **state)
{
    struct idem_gate_question q = paused("sensitive");

    (void)state;
    q.standing.factor_ms = NOW;
    q.standing.evidence = 0;
    assert_answer(&q, "step-up", "paused");
    q = paused("sensitive"), q.standing.factor_ms = NOW;
    q.standing.llr = IDEM_GATE_MATCH_NATS - 0.1f;
    assert_answer(&q, "step-up", "paused");
    q = paused("sensitive"), q.standing.factor_ms = NOW;
    q.standing.suspect_llr = -IDEM_GATE_MATCH_NATS;
    assert_answer(&q, "step-up", "paused");
    q = paused("sensitive"), q.standing.factor_ms = NOW;
    q.standing.trust = 0.1f;
    assert_answer(&q, "step-up", "doubt");
    q = paused("sensitive"), q.standing.factor_ms = NOW;
    q.standing.evidence_ms = q.standing.pause_from_ms - rules.gate.silence_step_up.ms;
    assert_answer(&q, "step-up", "silence"); /* it was stale when he paused */
    q = paused("ordinary"), q.standing.enrolled = false;
    assert_answer(&q, "step-up", "not-enrolled");
    q = paused("ordinary"), q.standing.alarmed = true;
    assert_answer(&q, "step-up", "alarm");
    q = paused("ordinary"), q.standing.locked = true;
    assert_answer(&q, "deny", "locked");
}

static void a_pause_is_no_silence_and_ends_none(void **state)
{
    struct idem_gate_question q = paused("ordinary");

    (void)state;
    q.silence.requests = rules.gate.silence_lock.requests + 1; /* not while it lasts */
    assert_answer(&q, "pass", "unsuspected");
    q.silence.allowed = rules.gate.silence_step_up.requests + 1; /* was asked before */
    assert_answer(&q, "step-up", "silence");
    q = paused("ordinary");
    q.now_ms = q.standing.pause_until_ms; /* five minutes of silence were used up before */
    assert_answer(&q, "pass", "unsuspected");
    q.now_ms = q.standing.pause_until_ms + 5 * MINUTE - 1;
    assert_answer(&q, "pass", "unsuspected");
    q.now_ms++;
    assert_answer(&q, "step-up", "silence");
    q.now_ms = q.standing.pause_until_ms;
    q.class = "sensitive", q.standing.factor_ms = q.now_ms; /* behaviour has to be seen again */
    assert_answer(&q, "step-up", "nothing-compared");
    q.silence.asked_ms = q.standing.pause_from_ms - 19 * MINUTE;
    assert_answer(&q, "step-up", "nothing-compared");
    q.now_ms += MINUTE;
    assert_answer(&q, "lock", "silence");
}

static void a_pause_of_the_future_is_none(void **state)
{
    struct idem_gate_question q = paused("sensitive");

    (void)state;
    q.standing.factor_ms = NOW;
    q.standing.pause_from_ms = NOW + IDEM_GATE_LATER_MS + 1;
    q.standing.pause_until_ms = NOW + 60 * MINUTE;
    q.standing.evidence_ms = NOW - 10 * MINUTE;
    assert_answer(&q, "step-up", "silence");
}

static void a_stuck_worker_keeps_no_trust_alive(void **state)
{
    struct idem_gate_question q = owner("sensitive");

    (void)state;
    q.now_ms += rules.gate.silence_step_up.ms;
    assert_answer(&q, "step-up", "silence");
    q.standing.strong_ms = q.now_ms;
    assert_answer(&q, "step-up", "nothing-compared");
}

/* The server was started again with an earlier clock. */
static void what_lies_in_the_future_is_not_fresh(void **state)
{
    struct idem_gate_question q = owner("sensitive");

    (void)state;
    q.standing.evidence_ms = NOW + IDEM_GATE_LATER_MS; /* another thread was first */
    assert_answer(&q, "pass", "matches");
    q.standing.evidence_ms++;
    assert_answer(&q, "step-up", "silence");
    q.standing.strong_ms = NOW;
    assert_answer(&q, "step-up", "nothing-compared");
    q.class = "ordinary", q.standing.trust = 0;
    assert_answer(&q, "pass", "authenticated");
    q.standing.strong_ms = NOW + IDEM_GATE_LATER_MS + 1;
    assert_answer(&q, "step-up", "silence");
}

static void a_test_clock_is_the_sessions_own_time(void **state)
{
    struct idem_gate_question q = owner("sensitive");

    (void)state;
    q.standing.evidence_ms = 1000, q.standing.clock_ms = 2000;
    assert_answer(&q, "pass", "matches");
    q.standing.clock_ms = 1000 + rules.gate.silence_step_up.ms;
    assert_answer(&q, "step-up", "silence");
}

static void until_enrolled(void **state)
{
    struct idem_gate_question q = owner("ordinary");

    (void)state;
    q.standing.enrolled = false;
    q.standing.evidence = 0;
    q.silence.requests = 1000, q.silence.asked_ms = 1; /* nobody can be compared: no silence */
    assert_answer(&q, "step-up", "not-enrolled");
    q.standing.strong_ms = NOW;
    assert_answer(&q, "pass", "not-enrolled");
    q.class = "sensitive";
    assert_answer(&q, "step-up", "not-enrolled");
    rules.gate.until_enrolled = IDEM_UNTIL_ENROLLED_ALLOW_ORDINARY;
    assert_answer(&q, "step-up", "not-enrolled");
    q.class = "ordinary", q.standing.strong_ms = 0;
    assert_answer(&q, "pass", "not-enrolled");
    rules.gate.until_enrolled = IDEM_UNTIL_ENROLLED_DENY;
    assert_answer(&q, "deny", "not-enrolled");
}

static void who_is_exempted_has_another_factor(void **state)
{
    struct idem_gate_question q = owner("sensitive");

    (void)state;
    rules.exempt_behaviour = true;
    q.standing.trust = q.standing.trust_recent = 0.01f;
    q.silence.requests = 1000, q.silence.asked_ms = 1;
    assert_answer(&q, "step-up", "authenticated");
    q.standing.strong_ms = NOW;
    assert_answer(&q, "pass", "authenticated");
    assert_int_equal(ask(&q).level, IDEM_GATE_LEVEL_LOW);
    q.standing.strong_ms = 0, q.class = "ordinary";
    assert_answer(&q, "pass", "unsuspected");
    q.standing.locked = true;
    assert_answer(&q, "deny", "locked");
}

static void the_policys_actions_are_what_is_done(void **state)
{
    struct idem_gate_question q = owner("ordinary");

    (void)state;
    q.standing.trust = q.standing.trust_recent = 0.1f;
    rules.below_step_up.action = IDEM_GUARD_NOTIFY;
    assert_answer(&q, "pass", "unsuspected");
    q.class = "sensitive";
    assert_answer(&q, "step-up", "doubt"); /* matching is never a matter of action */
    q = owner("ordinary"), q.standing.evidence = 0;
    assert_answer(&q, "pass", "unsuspected");
    rules.insufficient.action = IDEM_GUARD_STEP_UP;
    assert_answer(&q, "step-up", "nothing-compared");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_owner_passes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_class_is_the_strictest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_closes_it_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strong_authentication_opens_what_is_ordinary_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_bare_prior_never_opens_what_is_sensitive, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(no_number_is_no_match, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_browsers_word_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(silence_asks_and_then_locks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(silence_by_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stuck_worker_keeps_no_trust_alive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_test_clock_is_the_sessions_own_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_lies_in_the_future_is_not_fresh, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_a_pause_another_factor_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pause_stands_in_for_nothing_that_was_not_there, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_pause_is_no_silence_and_ends_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pause_of_the_future_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(until_enrolled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_exempted_has_another_factor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_policys_actions_are_what_is_done, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
