/* SPDX-License-Identifier: Apache-2.0 */
/* test_text.c - JSON text: escapes, numbers that are always numbers, times, and a full buffer. */
#include "wire/objects.h"
#include "wire/text.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static char bytes[8192];
static struct idem_text t;

static const char *text(void)
{
    assert_false(t.full);
    bytes[t.len] = '\0';
    return bytes;
}

static void fresh(void)
{
    t = (struct idem_text){bytes, 0, sizeof bytes - 1, false};
}

static void test_numbers(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1, "1"},
        {-1, "-1"},
        {0.5, "0.5"},
        {0.97, "0.97"},
        {-2.25, "-2.25"},
        {0.000001, "0.000001"},
        {0.0000001, "0"},
        {-0.0000001, "0"},
        {-0.0, "0"},
        {0.9999999, "1"},
        {123456.789, "123456.789"},
        {1e12, "1e+12"},
        {-1e12, "-1e+12"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fresh();
        idem_text_number(&t, cases[i].value);
        assert_string_equal(text(), cases[i].text);
    }
}

static void test_integers(void **state)
{
    (void)state;
    fresh();
    idem_text_int(&t, INT64_MIN);
    idem_text_put(&t, " ");
    idem_text_int(&t, INT64_MAX);
    idem_text_put(&t, " ");
    idem_text_int(&t, 0);
    assert_string_equal(text(), "-9223372036854775808 9223372036854775807 0");
}

static void test_strings_survive_a_parser(void **state)
{
    static const char nasty[] = "a\"b\\c\n\t\x01\x1f\x7f/</script>\xc3\xa5\xe2\x82\xac";
    (void)state;

    fresh();
    idem_text_string(&t, nasty);
    json_t *back = json_loadb(bytes, t.len, JSON_DECODE_ANY, NULL);
    assert_non_null(back);
    assert_string_equal(json_string_value(back), nasty);
    json_decref(back);
}

static void test_times_are_those_of_the_c_library(void **state)
{
    (void)state;
    for (int64_t s = 0; s < INT64_C(253402300800); s += INT64_C(86399) * 997) {
        char expected[40];
        time_t at = (time_t)s;
        struct tm tm;
        gmtime_r(&at, &tm);
        strftime(expected, sizeof expected, "\"%Y-%m-%dT%H:%M:%SZ\"", &tm);
        fresh();
        idem_text_time(&t, s * 1000 + 999);
        assert_string_equal(text(), expected);
    }
    fresh();
    idem_text_time(&t, -5);
    assert_string_equal(text(), "\"1970-01-01T00:00:00Z\"");
}

static void test_a_full_buffer_stays_within_itself(void **state)
{
    char small[16];
    (void)state;

    for (size_t cap = 0; cap < sizeof small; cap++) {
        memset(small, '#', sizeof small);
        struct idem_text s = {small, 0, cap, false};
        idem_text_string(&s, "0123456789abcdef");
        idem_text_fmt(&s, "%d", 123456789);
        idem_text_number(&s, 1.5);
        assert_true(s.full);
        assert_true(s.len <= cap);
        for (size_t i = cap; i < sizeof small; i++)
            assert_int_equal(small[i], '#');
    }
}

/* As many words as there can be. */
static const struct idem_guard_verdict *longest_verdict(void)
{
    static struct idem_guard_verdict v = {.kind = IDEM_GUARD_SCRIPTED_POINTER,
                                          .confidence = 0.123456,
                                          .saw_count = IDEM_GUARD_SAW_MAX};
    for (int i = 0; i < IDEM_GUARD_SAW_MAX; i++)
        v.saw[i] = (struct idem_guard_saw){IDEM_SAW_CONSTANT_SPEED, 255, -1e9F};
    return &v;
}

/* The largest session object that there can be must fit its stated maximum. */
static void test_the_largest_session_fits(void **state)
{
    static struct idem_reason reasons[IDEM_REASONS_MAX];
    char seat[IDEM_NAME_MAX + 1], organisation[65], id[25];
    struct idem_session_view v = {.organisation = organisation, .seat = seat};
    (void)state;

    memset(seat, 1, IDEM_NAME_MAX);
    seat[IDEM_NAME_MAX] = '\0';
    memset(organisation, 'o', 64);
    organisation[64] = '\0';
    memset(id, 'i', 24);
    id[24] = '\0';
    v.id = v.person = id;
    v.state = v.device_class = v.enrolment.state = "insufficient";
    v.compared = true;
    v.policy = "78ffa8615c49e7726e0be3960ca1baeb";
    v.action = "cut-off-device";
    v.cause = "strong-authentication";
    v.cut_off = "keyboard";
    v.policy_line = UINT32_MAX;
    v.trust = v.llr = v.step_up = v.lock = -0.123456;
    v.gap_count = IDEM_GAPS_MAX;
    for (int i = 0; i < IDEM_GAPS_MAX; i++)
        v.gaps[i] = (struct idem_gap){INT32_MAX - 1, INT32_MAX};
    for (int m = 0; m < IDEM_MODALITIES; m++) {
        v.windows[m] = UINT32_MAX;
        v.enrolment.part[m] = (struct idem_enrolment_part){UINT32_MAX, UINT32_MAX, false};
    }
    for (int i = 0; i < IDEM_REASONS_MAX; i++) {
        reasons[i].llr = -123.456789;
        memset(reasons[i].text, '"', IDEM_REASON_TEXT - 1);
    }
    v.reasons = reasons;
    v.reason_count = IDEM_REASONS_MAX;
    v.guard = (struct idem_guard_view){longest_verdict(), "keyboard", "observe", false,
                                       INT64_MAX / 100000};
    struct idem_text s = {bytes, 0, IDEM_SESSION_JSON_MAX, false};
    idem_session_json(&s, &v);
    assert_false(s.full);
    json_t *back = json_loadb(bytes, s.len, 0, NULL);
    assert_non_null(back);
    json_decref(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_strings_survive_a_parser),
        cmocka_unit_test(test_times_are_those_of_the_c_library),
        cmocka_unit_test(test_a_full_buffer_stays_within_itself),
        cmocka_unit_test(test_the_largest_session_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
