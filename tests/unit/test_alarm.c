/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_alarm.c - alarms of guards from JSON and back: what is taken, what the store gets, and that
 * everything else is refused with a sentence that says where.
 */
#include "wire/alarm.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SAW "[{\"reason\":\"holds-short\",\"count\":5,\"value\":2.125}]"
#define ALARM                                                                                      \
    "{\"seq\":1,\"device\":\"keyboard\",\"kind\":\"injected-keys\",\"confidence\":0.999,"          \
    "\"saw\":" SAW "}"
#define BATCH(x) "{\"alarms\":[" x "]}"

static struct idem_wire_alarms batch;
static char why[IDEM_WIRE_WHY_MAX];

static int read_text(const char *text)
{
    memset(&batch, 0x55, sizeof batch);
    memset(why, 0, sizeof why);
    return idem_wire_read_alarms(text, strlen(text), &batch, why);
}

static void test_an_alarm_is_read(void **state)
{
    (void)state;
    assert_int_equal(read_text(BATCH(ALARM)), 0);
    assert_int_equal(batch.count, 1);
    assert_false(batch.has_clock);
    const struct idem_wire_alarm *a = &batch.alarms[0];
    assert_true(a->seq == 1 && a->device == IDEM_KEYBOARD);
    assert_int_equal(a->verdict.kind, IDEM_GUARD_INJECTED_KEYS);
    assert_true(a->verdict.confidence == 0.999);
    assert_int_equal(a->verdict.saw_count, 1);
    assert_int_equal(a->verdict.saw[0].reason, IDEM_SAW_HOLDS_SHORT);
    assert_true(a->verdict.saw[0].count == 5 && a->verdict.saw[0].value == 2.1F);
    assert_int_equal(read_text("{\"clock_ms\":7,\"alarms\":[" ALARM "," ALARM "]}"), 0);
    assert_true(batch.count == 2 && batch.has_clock && batch.clock_ms == 7);
}

/* Every kind and reason that a session may send, through the store's form and back. */
static void test_every_name_goes_there_and_back(void **state)
{
    (void)state;
    for (enum idem_guard_kind k = IDEM_GUARD_INJECTED_KEYS; k < IDEM_GUARD_KINDS; k++)
        for (unsigned r = 1; r < IDEM_GUARD_REASONS; r++) {
            struct idem_wire_alarm a = {.device = k == IDEM_GUARD_SCRIPTED_POINTER}, back;
            char bytes[IDEM_WIRE_ALARM_JSON_MAX];
            struct idem_text t = {bytes, 0, sizeof bytes, false};
            a.verdict = (struct idem_guard_verdict){
                .kind = k, .confidence = 0.75, .saw_count = 1, .saw = {{r, 255, 3.5F}}};
            idem_wire_write_alarm(&t, &a);
            assert_false(t.full);
            assert_int_equal(idem_wire_read_alarm(bytes, t.len, &back), 0);
            assert_true(back.seq == 0 && back.device == a.device && back.verdict.kind == k);
            assert_true(back.verdict.confidence == 0.75 && back.verdict.saw_count == 1);
            const struct idem_guard_saw *saw = &back.verdict.saw[0];
            assert_true(saw->reason == r && saw->count == 255 && saw->value == 3.5F);
        }
}

static void test_a_batch_goes_there_and_back(void **state)
{
    struct idem_wire_alarm alarms[2] = {{.seq = 3, .device = IDEM_POINTER}, {.seq = 64}};
    char bytes[2 * IDEM_WIRE_ALARM_JSON_MAX];
    (void)state;
    for (int i = 0; i < 2; i++)
        alarms[i].verdict = (struct idem_guard_verdict){
            IDEM_GUARD_REMOTE_CONTROL, 0.5, 0, 1, {{IDEM_SAW_WARP, 2, 0}}};
    for (int64_t clock_ms = -1; clock_ms < 8; clock_ms += 8) {
        struct idem_text t = {bytes, 0, sizeof bytes, false};
        idem_wire_write_alarms(&t, alarms, 2, clock_ms);
        assert_false(t.full);
        assert_int_equal(idem_wire_read_alarms(bytes, t.len, &batch, why), 0);
        assert_true(batch.count == 2 && batch.has_clock == (clock_ms >= 0));
        assert_true(batch.clock_ms == (clock_ms >= 0 ? clock_ms : 0));
        assert_true(batch.alarms[0].seq == 3 && batch.alarms[0].device == IDEM_POINTER);
        assert_true(batch.alarms[1].seq == 64 && batch.alarms[1].device == IDEM_KEYBOARD);
        assert_int_equal(batch.alarms[1].verdict.saw[0].reason, IDEM_SAW_WARP);
    }
}

static void test_the_longest_alarm_fits(void **state)
{
    char bytes[IDEM_WIRE_ALARM_JSON_MAX];
    struct idem_text t = {bytes, 0, sizeof bytes, false};
    struct idem_wire_alarm a = {.device = IDEM_KEYBOARD};
    (void)state;
    a.verdict = (struct idem_guard_verdict){IDEM_GUARD_SCRIPTED_POINTER, 0.123456, 0, 4, {{0}}};
    for (int i = 0; i < IDEM_GUARD_SAW_MAX; i++)
        a.verdict.saw[i] =
            (struct idem_guard_saw){IDEM_SAW_WINDOW_REGULAR - (unsigned)i, 255, -99999.123F};
    idem_wire_write_alarm(&t, &a);
    assert_false(t.full);
}

struct fault {
    const char *text;
    int err;
    const char *part; /* of the sentence */
};

/* An alarm with one field put in its place. */
#define WITH(device, kind, confidence, saw)                                                        \
    BATCH("{\"seq\":1,\"device\":" device ",\"kind\":" kind ",\"confidence\":" confidence          \
          ",\"saw\":" saw "}")
#define K         "\"keyboard\""
#define I         "\"injected-keys\""
#define REASON(x) WITH(K, I, "1", "[{\"reason\":" x ",\"count\":5,\"value\":2}]")
#define COUNT(x)  WITH(K, I, "1", "[{\"reason\":\"role\",\"count\":" x ",\"value\":2}]")
#define VALUE(x)  WITH(K, I, "1", "[{\"reason\":\"role\",\"count\":5,\"value\":" x "}]")
#define NUMBER(x)                                                                                  \
    BATCH("{\"seq\":" x ",\"device\":\"pointer\",\"kind\":\"macro\",\"confidence\":1,\"saw\":" SAW \
          "}")

static const struct fault faults[] = {
    {"", IDEM_ERR_FORMAT, "line 1"},
    {"{", IDEM_ERR_FORMAT, "line 1"},
    {"{\"alarms\":[],\"alarms\":[]}", IDEM_ERR_FORMAT, "duplicate"},
    {"[]", IDEM_ERR_INVALID, "object"},
    {"{}", IDEM_ERR_INVALID, "no other field"},
    {"{\"clock_ms\":1}", IDEM_ERR_INVALID, "alarms"},
    {"{\"windows\":[]}", IDEM_ERR_INVALID, "\"alarms\""},
    {"{\"alarms\":[" ALARM "],\"x\":1}", IDEM_ERR_INVALID, "no other field"},
    {"{\"alarms\":[" ALARM "],\"clock_ms\":1.5}", IDEM_ERR_INVALID, "clock_ms"},
    {"{\"alarms\":{}}", IDEM_ERR_INVALID, "array"},
    {BATCH(""), IDEM_ERR_INVALID, "1 to 16"},
    {BATCH("7"), IDEM_ERR_INVALID, "alarms[0]"},
    {BATCH(ALARM ",7"), IDEM_ERR_INVALID, "alarms[1]"},
    {BATCH("{\"seq\":1}"), IDEM_ERR_INVALID, "no other field"},
    {NUMBER("0"), IDEM_ERR_INVALID, "seq"},
    {NUMBER("-1"), IDEM_ERR_INVALID, "seq"},
    {NUMBER("1.0"), IDEM_ERR_INVALID, "seq"},
    {NUMBER("2147483648"), IDEM_ERR_INVALID, "seq"},
    {WITH("\"touch\"", I, "1", SAW), IDEM_ERR_INVALID, "device"},
    {WITH("0", I, "1", SAW), IDEM_ERR_INVALID, "device"},
    {WITH(K, "\"human\"", "1", SAW), IDEM_ERR_INVALID, "kind"},
    {WITH(K, "\"insufficient\"", "1", SAW), IDEM_ERR_INVALID, "kind"},
    {WITH(K, "\"alien\"", "1", SAW), IDEM_ERR_INVALID, "kind"},
    {WITH(K, "2", "1", SAW), IDEM_ERR_INVALID, "kind"},
    {WITH(K, "\"scripted-pointer\"", "1", SAW), IDEM_ERR_INVALID, "keyboard"},
    {WITH("\"pointer\"", I, "1", SAW), IDEM_ERR_INVALID, "pointer"},
    {WITH(K, I, "1.01", SAW), IDEM_ERR_INVALID, "confidence"},
    {WITH(K, I, "-0.1", SAW), IDEM_ERR_INVALID, "confidence"},
    {WITH(K, I, "true", SAW), IDEM_ERR_INVALID, "confidence"},
    {WITH(K, I, "\"1\"", SAW), IDEM_ERR_INVALID, "confidence"},
    {WITH(K, I, "NaN", SAW), IDEM_ERR_FORMAT, "line 1"},
    {WITH(K, I, "1e999", SAW), IDEM_ERR_FORMAT, "line 1"},
    {WITH(K, I, "1", "[]"), IDEM_ERR_INVALID, "1 to 4"},
    {WITH(K, I, "1", "{}"), IDEM_ERR_INVALID, "1 to 4"},
    {WITH(K, I, "1", "[1]"), IDEM_ERR_INVALID, "reason, count and value"},
    {REASON("\"nothing\""), IDEM_ERR_INVALID, "reason"},
    {REASON("\"spite\""), IDEM_ERR_INVALID, "reason"},
    {REASON("1"), IDEM_ERR_INVALID, "reason"},
    {REASON("\"window-before\""), IDEM_ERR_INVALID, "only a server"},
    {REASON("\"window-regular\""), IDEM_ERR_INVALID, "only a server"},
    {COUNT("256"), IDEM_ERR_INVALID, "count"},
    {COUNT("-1"), IDEM_ERR_INVALID, "count"},
    {COUNT("1.5"), IDEM_ERR_INVALID, "count"},
    {VALUE("null"), IDEM_ERR_INVALID, "value"},
    {VALUE("1e10"), IDEM_ERR_INVALID, "value"},
    {VALUE("-1e10"), IDEM_ERR_INVALID, "value"},
    {VALUE("-0.1"), IDEM_ERR_INVALID, "below nought"},
    {WITH(K, I, "1",
          "[{\"reason\":\"role\",\"count\":1,\"value\":1},{\"reason\":\"role\",\"count\":1,"
          "\"value\":1}]"),
     IDEM_ERR_INVALID, "twice"},
};

static void test_everything_else_is_refused_with_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        const struct fault *f = &faults[i];
        if (read_text(f->text) != f->err || strstr(why, f->part) == NULL)
            fail_msg("%s: \"%s\"", f->text, why);
        assert_int_equal(batch.count, 0x55555555); /* written on success only */
        for (const char *ch = why; *ch != '\0'; ch++)
            assert_in_range(*ch, 0x20, 0x7e);
    }
}

static void test_more_than_a_batch_is_refused(void **state)
{
    static char text[4096] = "{\"alarms\":[" ALARM;
    (void)state;
    for (int i = 0; i < IDEM_WIRE_ALARMS_MAX - 1; i++)
        strcat(text, "," ALARM);
    size_t at = strlen(text);
    strcpy(text + at, "]}");
    assert_int_equal(read_text(text), 0);
    assert_int_equal(batch.count, IDEM_WIRE_ALARMS_MAX);
    strcpy(text + at, "," ALARM "]}");
    assert_int_equal(read_text(text), IDEM_ERR_INVALID);
}

/* Cut anywhere: never more than what is there is read. */
static void test_half_a_batch_is_refused(void **state)
{
    static const char whole[] = BATCH(ALARM);
    (void)state;
    for (size_t len = 0; len + 1 < sizeof whole; len++)
        assert_int_equal(idem_wire_read_alarms(whole, len, &batch, why), IDEM_ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_alarm_is_read),
        cmocka_unit_test(test_every_name_goes_there_and_back),
        cmocka_unit_test(test_a_batch_goes_there_and_back),
        cmocka_unit_test(test_the_longest_alarm_fits),
        cmocka_unit_test(test_everything_else_is_refused_with_a_sentence),
        cmocka_unit_test(test_more_than_a_batch_is_refused),
        cmocka_unit_test(test_half_a_batch_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
