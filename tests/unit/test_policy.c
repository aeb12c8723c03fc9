/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy.c - what a policy's file means, whom it holds for, and what is refused at which line.
 */
#include "server/policy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY    (INT64_C(86400) * 1000)
#define NOW_MS (20779 * DAY) /* 2026-11-22 */

static const struct idem_policy_subject nobody = {"", "", "", "", ""};

static struct idem_policy *parse(const char *text)
{
    char line[IDEM_YAML_FAULT_TEXT];
    struct idem_yaml_fault fault;
    struct idem_policy *p = NULL;

    if (idem_policy_parse(text, strlen(text), "p.yaml", NOW_MS, &p, &fault) != 0)
        fail_msg("%s", idem_yaml_fault_text(&fault, line));
    return p;
}

static void refuse(const char *text, const char *begins)
{
    char line[IDEM_YAML_FAULT_TEXT];
    struct idem_yaml_fault fault;
    struct idem_policy *p = NULL;

    assert_int_equal(idem_policy_parse(text, strlen(text), "p.yaml", NOW_MS, &p, &fault),
                     IDEM_ERR_FORMAT);
    assert_null(p);
    idem_yaml_fault_text(&fault, line);
    if (strncmp(line, begins, strlen(begins)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", line, begins);
}

static struct idem_policy *shipped(bool demo)
{
    struct idem_yaml_fault fault;
    struct idem_policy *p = NULL;
    size_t len;
    const char *text = idem_policy_shipped(demo, &len);

    assert_int_equal(idem_policy_parse(text, len, "shipped", NOW_MS, &p, &fault), 0);
    return p;
}

static const char *json_of(const struct idem_policy_rules *rules, char *bytes)
{
    struct idem_text t = {bytes, 0, IDEM_POLICY_JSON_MAX, false};

    idem_policy_rules_json(&t, rules);
    assert_false(t.full);
    bytes[t.len] = '\0';
    return bytes;
}

/* Every "line":N becomes 0. */
static char *without_lines(char *json)
{
    for (char *at = json; (at = strstr(at, "line\":")) != NULL;) {
        at += strlen("line\":");
        size_t digits = strspn(at, "0123456789");
        memmove(at + 1, at + digits, strlen(at + digits) + 1);
        *at = '0';
    }
    return json;
}

/* ------------------------------------------------------------------ what is shipped */

/* The file in the tree, the one compiled in, and what holds where a file says nothing. */
static void test_the_shipped_file_is_the_default(void **state)
{
    static char said[IDEM_POLICY_JSON_MAX + 1], unsaid[IDEM_POLICY_JSON_MAX + 1], file[65536];
    struct idem_policy *p = shipped(false), *empty = parse("version: 1\n");
    FILE *f = fopen(POLICY_FILE, "rb");
    size_t len;
    (void)state;

    assert_non_null(f);
    size_t read = fread(file, 1, sizeof file, f);
    fclose(f);
    const char *text = idem_policy_text(p, &len);
    assert_int_equal(read, len);
    assert_memory_equal(file, text, len);

    json_of(idem_policy_rules(p, &nobody, NOW_MS), said);
    json_of(idem_policy_rules(empty, &nobody, NOW_MS), unsaid);
    assert_non_null(strstr(said, "\"allowed\":4"));
    assert_string_equal(without_lines(said), without_lines(unsaid));
    const struct idem_policy_retention *a = idem_policy_retention(p),
                                       *b = idem_policy_retention(empty);
    assert_int_equal(a->closed_sessions_ms, b->closed_sessions_ms);
    assert_int_equal(a->windows_ms, b->windows_ms);
    assert_int_equal(a->audit_detail_ms, b->audit_detail_ms);
    assert_int_equal(a->gate_records_ms, b->gate_records_ms);
    assert_int_equal(idem_policy_warnings(p), 0);
    idem_policy_unref(p);
    idem_policy_unref(empty);
}

static enum idem_guard_action decide(const struct idem_policy_rules *r, enum idem_guard_kind kind,
                                     double confidence)
{
    const struct idem_guard_rule *row = idem_policy_guard(r, kind, confidence);
    return row != NULL ? row->action : IDEM_GUARD_OBSERVE;
}

static void test_what_alarms_do_by_default(void **state)
{
    struct idem_policy *p = shipped(false);
    const struct idem_policy_rules *r = idem_policy_rules(p, &nobody, NOW_MS);
    (void)state;

    assert_int_equal(decide(r, IDEM_GUARD_INJECTED_KEYS, 1), IDEM_GUARD_CUT_OFF_DEVICE);
    assert_int_equal(decide(r, IDEM_GUARD_INJECTED_KEYS, 0.99), IDEM_GUARD_CUT_OFF_DEVICE);
    assert_int_equal(decide(r, IDEM_GUARD_INJECTED_KEYS, 0.989), IDEM_GUARD_STEP_UP);
    assert_int_equal(decide(r, IDEM_GUARD_INJECTED_KEYS, 0), IDEM_GUARD_STEP_UP);
    assert_int_equal(decide(r, IDEM_GUARD_SCRIPTED_POINTER, 1), IDEM_GUARD_STEP_UP);
    assert_int_equal(decide(r, IDEM_GUARD_REPLAY, 0.5), IDEM_GUARD_STEP_UP);
    assert_int_equal(decide(r, IDEM_GUARD_REMOTE_CONTROL, 1), IDEM_GUARD_NOTIFY);
    assert_int_equal(decide(r, IDEM_GUARD_MACRO, 1), IDEM_GUARD_OBSERVE);
    assert_null(idem_policy_guard(r, IDEM_GUARD_HUMAN, 1));
    assert_null(idem_policy_guard(r, IDEM_GUARD_INJECTED_KEYS, (double)NAN));
    idem_policy_unref(p);
}

static void test_the_demo_enrols_in_one_sitting(void **state)
{
    struct idem_policy *p = shipped(true);
    const struct idem_policy_rules *r = idem_policy_rules(p, &nobody, NOW_MS);
    (void)state;

    assert_int_equal(r->enrol_sessions, 1);
    assert_false(r->trusted_start);
    assert_false(idem_policy_acknowledgement(p, "PT")->required);
    assert_int_equal(idem_policy_warnings(p), 1);
    idem_policy_unref(p);
}

/* ------------------------------------------------------------------ thresholds */

static void test_a_wish_becomes_a_threshold(void **state)
{
    struct idem_policy *p = parse("version: 1\nthresholds:\n  step_up: 4\n  lock: 0.8\n");
    const struct idem_policy_rules *r = idem_policy_rules(p, &nobody, NOW_MS);
    (void)state;

    assert_int_equal(r->step_up.line, 3);
    assert_int_equal(r->lock.line, 4);
    assert_true(r->step_up.supported && r->lock.supported);
    assert_true(r->step_up.seen <= 4 && r->step_up.at_most > 4);
    assert_true(r->lock.seen <= 0.8 && r->lock.seen > 0);
    assert_true(r->lock.log_odds < r->step_up.log_odds);
    assert_true(fabs(r->lock.trust - 1 / (1 + exp(-r->lock.log_odds))) < 1e-12);
    idem_policy_unref(p);
}

/* Ten hours a week make a seat-week that has a quarter of the alarms. */
static void test_a_seat_week_has_so_many_hours(void **state)
{
    struct idem_policy *full = parse("version: 1\nthresholds: {step_up: 4}\n");
    struct idem_policy *part =
        parse("version: 1\nthresholds: {step_up: 1, lock: 0.2, hours_per_week: 10}\n");
    (void)state;
    assert_true(idem_policy_rules(full, &nobody, NOW_MS)->step_up.log_odds ==
                idem_policy_rules(part, &nobody, NOW_MS)->step_up.log_odds);
    assert_true(4 * idem_policy_rules(part, &nobody, NOW_MS)->step_up.seen ==
                idem_policy_rules(full, &nobody, NOW_MS)->step_up.seen);
    idem_policy_unref(full);
    idem_policy_unref(part);
}

/* The rule of three: none seen in 57.5 hours leaves room for two a seat-week. */
static void test_what_no_recording_shows_is_not_promised(void **state)
{
    (void)state;
    refuse("version: 1\nthresholds:\n  lock: 0.1\n",
           "p.yaml:3:9: 0.1 is less than the recordings can show: 57.5 active hours, so 0.70");
    struct idem_policy *p =
        parse("version: 1\nthresholds: {lock: 0.1, beyond_recordings: quietest}\n");
    const struct idem_policy_threshold *t = &idem_policy_rules(p, &nobody, NOW_MS)->lock;
    assert_false(t->supported);
    assert_true(t->seen == 0);
    assert_true(t->at_most > 2 && t->at_most < 2.2);
    assert_int_equal(idem_policy_warnings(p), 1);
    assert_int_equal(idem_policy_warning(p, 0)->line, 2);
    idem_policy_unref(p);
}

/* ------------------------------------------------------------------ whom */

static const char grouped[] = "version: 1\n"
                              "actions: {insufficient: notify}\n"
                              "groups:\n"
                              "  - name: lisbon support\n" /* 4 */
                              "    site: Lisbon\n"
                              "    job: [support, sales]\n"
                              "    thresholds: {step_up: 6}\n"
                              "    guard: {macro: cut-off-device}\n"
                              "  - name: portugal\n" /* 9 */
                              "    country: [PT]\n"
                              "    enrolment: {sessions: 3}\n"
                              "    gate: {until_enrolled: deny}\n";

static void test_what_a_seat_does_by_default(void **state)
{
    struct idem_policy *p = shipped(false), *empty = parse("version: 1\n");
    const struct idem_policy_seat *s = &idem_policy_rules(p, &nobody, NOW_MS)->seat;
    const struct idem_policy_seat *d = &idem_policy_rules(empty, &nobody, NOW_MS)->seat;
    (void)state;

    assert_true(s->lock_untouched_line > 0 && s->step_up_line > s->lock_untouched_line);
    assert_true(s->unlock_line > s->step_up_line && s->pause_line > s->unlock_line);
    for (int i = 0; i < 2; i++, s = d) {
        assert_int_equal(s->lock_untouched_ms, 600000);
        assert_string_equal(idem_policy_seat_step_up_name(s), "notify");
        assert_true(s->unlock_counts && s->pause_allowed);
        assert_int_equal(s->pause_most_ms, 1800000);
    }
    idem_policy_unref(p);
    idem_policy_unref(empty);
}

static void test_a_group_has_a_seat_of_its_own(void **state)
{
    static const char text[] = "version: 1\n"
                               "seat: {lock_untouched: 1 min, pause: {at_most: 8 h}}\n"
                               "groups:\n"
                               "  - name: home\n"
                               "    site: home\n"
                               "    seat:\n"
                               "      lock_untouched: never\n"
                               "      step_up: lock\n"
                               "      pause: {allowed: no}\n";
    struct idem_policy *p = parse(text);
    const struct idem_policy_subject home = {"", "home", "", "", ""};
    const struct idem_policy_seat *s = &idem_policy_rules(p, &home, NOW_MS)->seat;
    (void)state;

    assert_int_equal(s->lock_untouched_ms, 0);
    assert_int_equal(s->lock_untouched_line, 7);
    assert_true(s->step_up_locks && s->unlock_counts && !s->pause_allowed);
    assert_int_equal(s->pause_most_ms, 8 * 3600 * 1000);
    assert_int_equal(s->pause_line, 9);
    s = &idem_policy_rules(p, &nobody, NOW_MS)->seat;
    assert_true(s->lock_untouched_ms == 60000 && !s->step_up_locks && s->pause_allowed);
    idem_policy_unref(p);
}

static void test_what_a_seat_cannot_do_is_refused(void **state)
{
    (void)state;

    refuse("version: 1\nseat: {lock_untouched: 59 s}\n", "p.yaml:2:24: 59 s is not between");
    refuse("version: 1\nseat: {lock_untouched: nevr}\n", "p.yaml:2:24: a time with its unit");
    refuse("version: 1\nseat: {lock_untouched: [never]}\n", "p.yaml:2:24: a time with its unit");
    refuse("version: 1\nseat: {lock_untouched: 2 d}\n", "p.yaml:2:24: 2 d is not between");
    refuse("version: 1\nseat: {step_up: observe}\n", "p.yaml:2:17: \"observe\" is not");
    refuse("version: 1\nseat: {unlock_counts: maybe}\n", "p.yaml:2:23: yes or no is expected");
    refuse("version: 1\nseat: {pause: no}\n", "p.yaml:2:15: ");
    refuse("version: 1\nseat: {pause: {at_most: 9 h}}\n", "p.yaml:2:25: 9 h is not between");
    refuse("version: 1\nseat: {pause: {at_most: 0 s}}\n", "p.yaml:2:25: 0 s is not between");
    refuse("version: 1\nseat: {paused: {at_most: 1 h}}\n", "p.yaml:2:8: ");
    struct idem_policy *p = parse("version: 1\nseat: {step_up: lock, unlock_counts: no}\n");
    assert_int_equal(idem_policy_warnings(p), 1);
    assert_non_null(strstr(idem_policy_warning(p, 0)->reason, "locks again"));
    idem_policy_unref(p);
}

static void test_the_first_group_that_fits_decides(void **state)
{
    struct idem_policy *p = parse(grouped);
    struct idem_policy_subject s = {"acme", "Lisbon", "PT", "support", "p_x"};
    const struct idem_policy_rules *r = idem_policy_rules(p, &s, NOW_MS);
    (void)state;

    assert_string_equal(r->group, "lisbon support");
    assert_int_equal(r->group_line, 4);
    assert_true(r->step_up.allowed == 6 && r->lock.allowed == 0.8);
    assert_int_equal(r->step_up.line, 7);
    assert_int_equal(r->insufficient.action, IDEM_GUARD_NOTIFY);
    assert_int_equal(r->insufficient.line, 2);
    assert_int_equal(decide(r, IDEM_GUARD_MACRO, 0.1), IDEM_GUARD_CUT_OFF_DEVICE);
    assert_int_equal(decide(r, IDEM_GUARD_INJECTED_KEYS, 1), IDEM_GUARD_CUT_OFF_DEVICE);
    assert_int_equal(r->enrol_sessions, 2); /* of the two groups that fit the first decides alone */

    s.job = "finance";
    r = idem_policy_rules(p, &s, NOW_MS);
    assert_string_equal(r->group, "portugal");
    assert_int_equal(r->enrol_sessions, 3);
    assert_int_equal(r->enrol_sessions_line, 11);
    assert_int_equal(r->gate.until_enrolled, IDEM_UNTIL_ENROLLED_DENY);
    assert_int_equal(r->gate.class_count, 2);

    s.country = "";
    assert_null(idem_policy_rules(p, &s, NOW_MS)->group);
    idem_policy_unref(p);
}

static const char exempting[] = "version: 1\n"
                                "groups:\n"
                                "  - {name: g, country: PT, actions: {below_lock: end-session}}\n"
                                "exemptions:\n"
                                "  - person: p_BAAAAAAAAAAAAAAAAAAAAA\n" /* 5 */
                                "    until: 2026-11-30\n"
                                "    alternative_factor: security key\n"
                                "    exempt: [behaviour, guard]\n"
                                "  - person: p_AAAAAAAAAAAAAAAAAAAAAA\n" /* 9 */
                                "    until: 2027-11-22\n"
                                "    alternative_factor: totp\n";

static void test_an_exemption_silences_until_its_day_is_over(void **state)
{
    struct idem_policy *p = parse(exempting);
    struct idem_policy_subject s = {"", "", "PT", "", "p_BAAAAAAAAAAAAAAAAAAAAA"};
    const int64_t end = NOW_MS + 9 * DAY;
    (void)state;

    const struct idem_policy_rules *r = idem_policy_rules(p, &s, end - 1);
    assert_string_equal(r->group, "g");
    assert_true(r->exempt_behaviour && r->exempt_guard);
    assert_int_equal(r->below_lock.action, IDEM_GUARD_OBSERVE);
    assert_int_equal(decide(r, IDEM_GUARD_INJECTED_KEYS, 1), IDEM_GUARD_OBSERVE);
    const struct idem_policy_exemption *e = idem_policy_exemption(p, s.person, end - 1);
    assert_string_equal(e->alternative_factor, "security key");
    assert_int_equal(e->line, 5);

    r = idem_policy_rules(p, &s, end);
    assert_false(r->exempt_behaviour || r->exempt_guard);
    assert_int_equal(r->below_lock.action, IDEM_GUARD_END_SESSION);
    assert_null(idem_policy_exemption(p, s.person, end));

    s.person = "p_AAAAAAAAAAAAAAAAAAAAAA"; /* behaviour alone, unless the file says more */
    r = idem_policy_rules(p, &s, end);
    assert_true(r->exempt_behaviour && !r->exempt_guard);
    assert_int_equal(decide(r, IDEM_GUARD_INJECTED_KEYS, 1), IDEM_GUARD_CUT_OFF_DEVICE);
    idem_policy_unref(p);
}

/* ------------------------------------------------------------------ the gate */

static void test_a_class_that_nobody_named_is_the_strictest(void **state)
{
    struct idem_policy *p = parse("version: 1\n"
                                  "gate:\n"
                                  "  classes:\n"
                                  "    public: bound\n"
                                  "    records: {standing: matching, trust_at_least: 0.9}\n"
                                  "    lists: matching\n");
    const struct idem_policy_rules *r = idem_policy_rules(p, &nobody, NOW_MS);
    (void)state;
    assert_int_equal(idem_policy_class(r, "public")->standing, IDEM_STANDING_BOUND);
    assert_string_equal(idem_policy_class(r, "recrods")->name, "records");
    assert_true(idem_policy_class(r, "")->trust_at_least == 0.9);
    idem_policy_unref(p);
}

static void test_the_gate_never_fails_open(void **state)
{
    static const char why[] = "the gate never fails open: no answer is a refusal";
    char text[128];
    (void)state;

    snprintf(text, sizeof text, "p.yaml:3:14: %s", why);
    refuse("version: 1\ngate:\n  fail_mode: open\n", text);
    snprintf(text, sizeof text, "p.yaml:2:19: %s", why);
    refuse("version: 1\ngate: {fail_open: no}\n", text);
    snprintf(text, sizeof text, "p.yaml:4:9: %s", why);
    refuse("version: 1\nfail_mode:\n  locking: open\n  gate: open\n", text);
    snprintf(text, sizeof text, "p.yaml:5:18: %s", why);
    refuse("version: 1\ngroups:\n  - name: g\n    site: x\n    gate: {fail: open}\n", text);
    struct idem_policy *p = parse("version: 1\nfail_mode: {locking: open}\n");
    assert_true(idem_policy_rules(p, &nobody, NOW_MS)->lock_fails_open);
    idem_policy_unref(p);
}

/* ------------------------------------------------------------------ what people are told */

static void test_each_country_has_its_text(void **state)
{
    struct idem_policy *p = parse("version: 1\n"
                                  "acknowledgement:\n"
                                  "  DE: {version: '3', text: {de: Hallo, en: Hello}}\n"
                                  "  any: {version: '1', text: Hello}\n"
                                  "  NO: {required: no}\n");
    struct idem_policy *none = parse("version: 1\n");
    const struct idem_policy_acknowledgement *a = idem_policy_acknowledgement(p, "DE");
    (void)state;

    assert_string_equal(a->version, "3");
    assert_int_equal(a->text_count, 2);
    assert_string_equal(a->texts[1].language, "en");
    assert_int_equal(a->line, 3);
    assert_string_equal(idem_policy_acknowledgement(p, "FR")->version, "1");
    assert_string_equal(idem_policy_acknowledgement(p, "")->texts[0].text, "Hello");
    assert_false(idem_policy_acknowledgement(p, "NO")->required);
    /* Nothing said is not leave to collect. */
    assert_true(idem_policy_acknowledgement(none, "FR")->required);
    assert_int_equal(idem_policy_acknowledgement(none, "FR")->text_count, 0);
    idem_policy_unref(p);
    idem_policy_unref(none);
}

/* ------------------------------------------------------------------ what is refused */

static void test_faults_have_a_place_and_a_reason(void **state)
{
    static const struct {
        const char *text, *begins;
    } cases[] = {
        {"thresholds: {lock: 1}\n", "p.yaml:1:1: \"version: 1\" is missing"},
        {"version: 2\n", "p.yaml:1:10: 2 is not between 1 and 1"},
        {"version: 1\ntresholds: {}\n", "p.yaml:2:1: there is no setting \"tresholds\" here; the "
                                        "nearest is \"thresholds\""},
        {"version: 1\nthresholds:\n  step-up: 4\n", "p.yaml:3:3: there is no setting \"step-up\""},
        {"version: 1\nthresholds: {lock: -1}\n", "p.yaml:2:20: -1 is not between 0 and 1000"},
        {"version: 1\nactions: {below_lock: reboot}\n",
         "p.yaml:2:23: \"reboot\" is not observe, notify, step-up, lock, cut-off-device or"},
        {"version: 1\nactions: {below_lock: cut-off-device}\n",
         "p.yaml:2:23: only a guard's alarm is about a device"},
        {"version: 1\nguard: {human: lock}\n", "p.yaml:2:9: there is no setting \"human\" here"},
        {"version: 1\nguard: {macro: {action: lock}}\n", "p.yaml:2:16: an action, or a list of"},
        {"version: 1\nguard: {macro: [{confidence: 0.5}]}\n", "p.yaml:2:17: there is no action"},
        {"version: 1\nguard:\n  macro:\n    - lock\n    - {confidence: 0.5, action: notify}\n",
         "p.yaml:5:7: the row before decides already"},
        {"version: 1\nguard: {macro: [lock, lock, lock, lock, lock]}\n",
         "p.yaml:2:16: 5 items; at most 4 are taken"},
        {"version: 1\ngate: {classes: {a: {trust_at_least: 0.9, standing: bound}}}\n",
         "p.yaml:2:38: only \"matching\" compares trust"},
        {"version: 1\ngate: {classes: {}}\n", "p.yaml:2:17: \"class: standing\" lines"},
        {"version: 1\ngate: {silence: {lock: {requests: 2}}}\n",
         "p.yaml:2:17: silence locks before it asks"},
        {"version: 1\ngate: {silence: {lock: {after: 5 min}}}\n",
         "p.yaml:2:17: silence locks before it asks"},
        {"version: 1\nthresholds: {step_up: 17}\n",
         "p.yaml:1:1: a step-up follows from trust below 0.982, and a browser's trust never"},
        {"version: 1\nenrolment: {sessions: 0}\n", "p.yaml:2:23: 0 is not between 1 and 50"},
        {"version: 1\nretention: {windows: 4 d}\n", "p.yaml:2:22: 4 d is not between"},
        {"version: 1\nretention: {windows: 24}\n", "p.yaml:2:22: a time with its unit"},
        {"version: 1\nacknowledgement: {pt: {version: '1', text: x}}\n",
         "p.yaml:2:23: \"pt\" is neither \"any\" nor a country"},
        {"version: 1\nacknowledgement: {PT: {version: '1'}}\n",
         "p.yaml:2:23: what is to be acknowledged has a version and a text"},
        {"version: 1\nexemptions:\n  - person: Maria\n    until: 2026-12-01\n",
         "p.yaml:3:5: the exempted person is named by pseudonym"},
        {"version: 1\nexemptions:\n  - person: p_AAAAAAAAAAAAAAAAAAAAAA\n"
         "    alternative_factor: totp\n",
         "p.yaml:3:5: an exemption has an end"},
        {"version: 1\nexemptions:\n  - person: p_AAAAAAAAAAAAAAAAAAAAAA\n"
         "    alternative_factor: totp\n    until: 2027-11-24\n",
         "p.yaml:5:12: an exemption lasts a year at most"},
        {"version: 1\nexemptions:\n  - person: p_AAAAAAAAAAAAAAAAAAAAAA\n    until: 2026-12-01\n",
         "p.yaml:3:5: an exempted person answers by something else"},
        {"version: 1\ngroups:\n  - name: g\n", "p.yaml:3:5: a group without organisation"},
        {"version: 1\ngroups:\n  - site: x\n", "p.yaml:3:5: the group has no name"},
        {"version: 1\ngroups:\n  - {name: g, site: x}\n  - {name: g, site: y}\n",
         "p.yaml:4:5: the group on line 3 has the same name"},
        {"version: 1\ngroups:\n  - {name: g, country: pt}\n", "p.yaml:3:24: \"pt\" is not a"},
        {"version: 1\ngroups:\n  - {name: g, site: x, retention: {windows: 1 h}}\n",
         "p.yaml:3:24: there is no setting \"retention\" here"},
        {"version: 1\ngroups: {name: g}\n", "p.yaml:2:9: a list of groups is expected"},
        {"- version\n", "p.yaml:1:1: \"key: value\" lines are expected here"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse(cases[i].text, cases[i].begins);
}

static void test_the_same_person_is_exempted_once(void **state)
{
    (void)state;
    refuse("version: 1\nexemptions:\n"
           "  - {person: p_AAAAAAAAAAAAAAAAAAAAAA, until: 2026-12-01, alternative_factor: x}\n"
           "  - {person: p_AAAAAAAAAAAAAAAAAAAAAA, until: 2026-12-02, alternative_factor: x}\n",
           "p.yaml: lines ");
}

static void test_what_is_legal_and_probably_not_meant(void **state)
{
    struct idem_policy *p =
        parse("version: 1\nthresholds: {step_up: 0.8, lock: 4}\nexemptions:\n"
              "  - {person: p_AAAAAAAAAAAAAAAAAAAAAA, until: 2026-11-21, alternative_factor: x}\n");
    (void)state;
    assert_int_equal(idem_policy_warnings(p), 2);
    assert_int_equal(idem_policy_warning(p, 0)->line, 2);
    assert_int_equal(idem_policy_warning(p, 1)->line, 4);
    idem_policy_unref(p);
}

static void test_equal_texts_have_equal_ids(void **state)
{
    struct idem_policy *a = parse("version: 1\n"), *b = parse("version: 1\n"),
                       *c = parse("version: 1 \n");
    (void)state;
    assert_int_equal(strlen(idem_policy_id(a)), IDEM_POLICY_ID_TEXT);
    assert_string_equal(idem_policy_id(a), idem_policy_id(b));
    assert_string_not_equal(idem_policy_id(a), idem_policy_id(c));
    assert_ptr_equal(idem_policy_ref(a), a);
    idem_policy_unref(a);
    assert_string_equal(idem_policy_name(a), "p.yaml"); /* one reference is left */
    idem_policy_unref(a);
    idem_policy_unref(b);
    idem_policy_unref(c);
    idem_policy_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_shipped_file_is_the_default),
        cmocka_unit_test(test_what_alarms_do_by_default),
        cmocka_unit_test(test_the_demo_enrols_in_one_sitting),
        cmocka_unit_test(test_a_wish_becomes_a_threshold),
        cmocka_unit_test(test_a_seat_week_has_so_many_hours),
        cmocka_unit_test(test_what_no_recording_shows_is_not_promised),
        cmocka_unit_test(test_what_a_seat_does_by_default),
        cmocka_unit_test(test_a_group_has_a_seat_of_its_own),
        cmocka_unit_test(test_what_a_seat_cannot_do_is_refused),
        cmocka_unit_test(test_the_first_group_that_fits_decides),
        cmocka_unit_test(test_an_exemption_silences_until_its_day_is_over),
        cmocka_unit_test(test_a_class_that_nobody_named_is_the_strictest),
        cmocka_unit_test(test_the_gate_never_fails_open),
        cmocka_unit_test(test_each_country_has_its_text),
        cmocka_unit_test(test_faults_have_a_place_and_a_reason),
        cmocka_unit_test(test_the_same_person_is_exempted_once),
        cmocka_unit_test(test_what_is_legal_and_probably_not_meant),
        cmocka_unit_test(test_equal_texts_have_equal_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
