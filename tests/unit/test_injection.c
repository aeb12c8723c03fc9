/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_injection.c - the evaluation of injected keys by hand: what devices send and when, at which
 * key other tools' rules give their alarm, in which order a recording's events come, how alarms are
 * counted. Nothing here asks when the guard should give one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/input-event-codes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/injection.h"

#define HEAD "corpus,payload,step,kind,value\n"

static const struct idem_device_model *model(const char *key)
{
    for (int m = 0; m < IDEM_DEVICE_MODELS; m++)
        if (strcmp(idem_device_models[m].key, key) == 0)
            return &idem_device_models[m];
    fail_msg("no model %s", key);
    return NULL;
}

static struct idem_payloads payloads_of(const char *text)
{
    struct idem_payloads p = {0};
    struct idem_fault fault = {""};
    if (idem_payloads_read_bytes("p.csv", text, strlen(text), &p, &fault) < 0)
        fail_msg("refused: %s", fault.text);
    return p;
}

static struct idem_key_stream played(const char *device, const char *text)
{
    struct idem_payloads p = payloads_of(text);
    struct idem_key_stream s = {0};
    struct idem_rng rng;
    idem_rng_seed(&rng, 1);
    assert_int_equal(idem_device_play(model(device), &p, 0, &rng, 0, &s), 0);
    idem_payloads_free(&p);
    return s;
}

/* Event i is at so many milliseconds. code 0: any. */
static void comes(const struct idem_key_stream *s, uint32_t i, double ms, uint8_t code,
                  enum idem_key_action action)
{
    assert_true(i < s->count);
    assert_int_equal(s->list[i].t_us, llround(ms * 1000));
    assert_int_equal(s->list[i].action, action);
    if (code)
        assert_int_equal(s->list[i].code, code);
}

/* ------------------------------------------------------------------ devices */

static void ducky_takes_6_ms_and_10_for_a_capital(void **state)
{
    (void)state;
    struct idem_key_stream s =
        played("ducky", HEAD "a,1,0,plain,1\na,1,1,shifted,1\na,1,2,enter,1\na,1,3,delay,500\n"
                             "a,1,4,plain,1\n");
    assert_int_equal(s.count, 10);
    assert_int_equal(s.key_downs, 5);
    comes(&s, 0, 0, 0, IDEM_KEY_DOWN);
    comes(&s, 1, 2, s.list[0].code, IDEM_KEY_UP);
    comes(&s, 2, 6, KEY_LEFTSHIFT, IDEM_KEY_DOWN);
    comes(&s, 3, 8, 0, IDEM_KEY_DOWN);
    comes(&s, 4, 10, s.list[3].code, IDEM_KEY_UP);
    comes(&s, 5, 12, KEY_LEFTSHIFT, IDEM_KEY_UP);
    comes(&s, 6, 16, KEY_ENTER, IDEM_KEY_DOWN);
    comes(&s, 7, 18, KEY_ENTER, IDEM_KEY_UP);
    comes(&s, 8, 522, 0, IDEM_KEY_DOWN);
    idem_key_stream_free(&s);
}

static void flipper_sends_modifier_and_key_in_one_report(void **state)
{
    (void)state;
    struct idem_key_stream s = played("flipper", HEAD "a,1,0,shifted,1\na,1,1,combo,3\n");
    assert_int_equal(s.key_downs, 5);
    comes(&s, 0, 0, KEY_LEFTSHIFT, IDEM_KEY_DOWN);
    comes(&s, 1, 0, 0, IDEM_KEY_DOWN);
    comes(&s, 2, 2, s.list[1].code, IDEM_KEY_UP);
    comes(&s, 3, 2, KEY_LEFTSHIFT, IDEM_KEY_UP);
    for (uint32_t i = 4; i < 7; i++)
        comes(&s, i, 4, 0, IDEM_KEY_DOWN);
    for (uint32_t i = 7; i < 10; i++)
        comes(&s, i, 6, 0, IDEM_KEY_UP);
    idem_key_stream_free(&s);
}

static void string_delay_follows_characters_only(void **state)
{
    (void)state;
    struct idem_key_stream s =
        played("delay-50", HEAD "a,1,0,plain,2\na,1,1,enter,1\na,1,2,plain,1\n");
    comes(&s, 2, 56, 0, IDEM_KEY_DOWN);
    comes(&s, 3, 58, 0, IDEM_KEY_UP);
    comes(&s, 4, 112, KEY_ENTER, IDEM_KEY_DOWN);
    comes(&s, 6, 118, 0, IDEM_KEY_DOWN);
    idem_key_stream_free(&s);
}

static void bursts_count_key_downs(void **state)
{
    (void)state;
    struct idem_key_stream s = played("burst-3", HEAD "a,1,0,plain,4\na,1,1,shifted,1\n");
    comes(&s, 4, 12, 0, IDEM_KEY_DOWN);
    comes(&s, 6, 63, 0, IDEM_KEY_DOWN);             /* 51 ms after the third */
    comes(&s, 8, 69, KEY_LEFTSHIFT, IDEM_KEY_DOWN); /* with its key it fills the second three */
    idem_key_stream_free(&s);
    s = played("burst-3", HEAD "a,1,0,plain,2\na,1,1,shifted,1\n");
    comes(&s, 4, 57, KEY_LEFTSHIFT, IDEM_KEY_DOWN); /* would have been the third and fourth */
    idem_key_stream_free(&s);
    s = played("burst-24", HEAD "a,1,0,plain,25\n");
    comes(&s, 46, 138, 0, IDEM_KEY_DOWN);
    comes(&s, 48, 898, 0, IDEM_KEY_DOWN);
    idem_key_stream_free(&s);
}

static void jitter_stays_in_its_range(void **state)
{
    static const struct {
        const char *device, *text;
        double most_ms;
    } cases[] = {{"jitter-20", HEAD "a,1,0,plain,100\n", 26},
                 {"jitter-160", HEAD "a,1,0,plain,100\n", 166},
                 {"ducky", HEAD "a,1,0,jitter,1\na,1,1,plain,100\n", 26}};
    (void)state;
    for (size_t c = 0; c < 3; c++) {
        struct idem_key_stream s = played(cases[c].device, cases[c].text);
        double least = 1e9, most = 0;
        for (uint32_t i = 2; i < s.count; i += 2) {
            double gap = (double)(s.list[i].t_us - s.list[i - 2].t_us) / 1000;
            least = fmin(least, gap);
            most = fmax(most, gap);
            assert_int_equal(s.list[i + 1].t_us - s.list[i].t_us, 2000); /* the hold stays */
        }
        assert_true(least >= 6 && least < 6 + 0.1 * cases[c].most_ms);
        assert_true(most <= cases[c].most_ms && most > 0.9 * cases[c].most_ms);
        idem_key_stream_free(&s);
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void humanised_gaps_have_their_median(void **state)
{
    (void)state;
    char text[400] = HEAD;
    for (int i = 0; i < 10; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "a,1,%d,plain,100\n", i);
    struct idem_key_stream s = played("humanised", text);
    double gaps[999];
    for (uint32_t i = 2; i < s.count; i += 2) {
        int64_t hold = s.list[i + 1].t_us - s.list[i].t_us;
        gaps[i / 2 - 1] = (double)(s.list[i].t_us - s.list[i - 2].t_us) / 1000;
        assert_true(hold >= 8000 && hold <= 27000);
    }
    qsort(gaps, 999, sizeof *gaps, ascending);
    assert_true(fabs(gaps[499] - 130) < 10);
    idem_key_stream_free(&s);
}

/* Every event of every model comes in order, and no key is pressed while it is down. */
static void all_devices_press_and_release_in_order(void **state)
{
    (void)state;
    for (int m = 0; m < IDEM_DEVICE_MODELS; m++) {
        struct idem_key_stream s = played(idem_device_models[m].key,
                                          HEAD "a,1,0,combo,2\na,1,1,plain,50\na,1,2,shifted,30\n"
                                               "a,1,3,combo,16\na,1,4,combo,1\na,1,5,enter,1\n");
        uint32_t down = 0, up = 0;
        for (uint32_t i = 0; i < s.count; i++) {
            assert_true(i == 0 || s.list[i].t_us >= s.list[i - 1].t_us);
            assert_false(s.list[i].again);
            down += s.list[i].action == IDEM_KEY_DOWN;
            up += s.list[i].action == IDEM_KEY_UP;
        }
        assert_int_equal(down, 2 + 50 + 60 + 16 + 1 + 1);
        assert_int_equal(up, down);
        assert_int_equal(s.key_downs, down);
        idem_key_stream_free(&s);
    }
}

/* ------------------------------------------------------------------ peers */

/* The key of the alarm among key-downs so many ms apart, 0: never. */
static uint32_t ukip_at(const double *gaps, uint32_t n)
{
    struct idem_peer_ukip p = {{0}, 0};
    double t = 1000;
    for (uint32_t i = 0; i <= n; i++) {
        if (idem_peer_ukip_down(&p, llround(t * 1000)))
            return i + 1;
        t += i < n ? gaps[i] : 0;
    }
    return 0;
}

static void ukip_wants_four_gaps_of_50_ms(void **state)
{
    static const double fast[] = {50, 50, 50, 50}, slow[] = {51, 51, 51, 51, 51, 51},
                        broken[] = {6, 6, 51, 6, 6, 51, 6, 6, 51}, late[] = {60, 6, 6, 6, 6};
    (void)state;
    assert_int_equal(ukip_at(fast, 4), 5);
    assert_int_equal(ukip_at(fast, 3), 0);
    assert_int_equal(ukip_at(slow, 6), 0);
    assert_int_equal(ukip_at(broken, 9), 0);
    assert_int_equal(ukip_at(late, 5), 6);
}

static uint32_t duckhunt_at(double gap, double first, uint32_t keys)
{
    struct idem_peer_duckhunt p = {{0}, 0};
    double t = 0;
    for (uint32_t i = 0; i < keys; i++) {
        if (idem_peer_duckhunt_down(&p, llround(t * 1000)))
            return i + 1;
        t += i == 0 ? first : gap;
    }
    return 0;
}

static void duckhunt_wants_25_gaps_below_30_ms(void **state)
{
    (void)state;
    assert_int_equal(duckhunt_at(29, 29, 100), 26);
    assert_int_equal(duckhunt_at(30, 30, 100), 0);
    assert_int_equal(duckhunt_at(6, 750, 26), 0);   /* (750 + 24 * 6) / 25 = 35.8 */
    assert_int_equal(duckhunt_at(6, 750, 100), 27); /* once the pause has left the history */
}

/* ------------------------------------------------------------------ recordings */

static void strokes_come_as_events_in_order(void **state)
{
    static const struct idem_stroke strokes[] = {
        {0, 100000, KEY_A, true},      {50000, 200000, KEY_B, true},
        {100000, 150000, KEY_C, true}, /* a is released when c is pressed: c first */
        {200000, 300000, KEY_B, true}, /* its earlier stroke ends now: before */
        {250000, 0, KEY_D, false},     {260000, 260000, KEY_E, true},
        {400000, 390000, KEY_F, true}, {500000, 600000, KEY_D, true}};
    static const struct {
        uint8_t code, action;
    } want[] = {{KEY_A, 1}, {KEY_B, 1}, {KEY_C, 1}, {KEY_A, 0}, {KEY_C, 0},
                {KEY_B, 0}, {KEY_B, 1}, {KEY_D, 1}, {KEY_E, 1}, {KEY_E, 0},
                {KEY_B, 0}, {KEY_F, 0}, {KEY_F, 1}, {KEY_D, 1}, {KEY_D, 0}};
    struct idem_key_stream s = {0};
    (void)state;
    assert_int_equal(idem_key_stream_strokes(&s, strokes, 8, 7), 0);
    assert_int_equal(s.count, sizeof want / sizeof *want);
    for (uint32_t i = 0; i < s.count; i++) {
        assert_int_equal(s.list[i].code, want[i].code);
        assert_int_equal(s.list[i].action, want[i].action);
    }
    assert_int_equal(s.list[0].t_us, 7);
    assert_true(s.list[13].again); /* d was never let go */
    assert_int_equal(s.key_downs, 7);
    idem_key_stream_free(&s);
}

static void ticks_stalls_and_lateness_keep_the_order(void **state)
{
    struct idem_rng rng;
    (void)state;
    idem_rng_seed(&rng, 3);
    for (int how = 0; how < 3; how++) {
        struct idem_key_stream s = played("jitter-80", HEAD "a,1,0,shifted,80\n"), was = s;
        uint32_t moved = 0;
        was.list = malloc(s.count * sizeof *s.list);
        memcpy(was.list, s.list, s.count * sizeof *s.list);
        if (how == 0)
            idem_key_stream_tick(&s, 15625);
        else if (how == 1)
            idem_key_stream_late(&s, &rng, 1000);
        else
            idem_key_stream_stall(&s, &rng);
        for (uint32_t i = 0; i < s.count; i++) {
            int64_t by = s.list[i].t_us - was.list[i].t_us;
            assert_true(i == 0 || s.list[i].t_us >= s.list[i - 1].t_us);
            assert_true(how == 0   ? by <= 0 && by > -15625 && s.list[i].t_us % 15625 == 0
                        : how == 1 ? by >= 0 && by <= 2000
                                   : by >= 0 && by <= 130000);
            moved += by != 0;
        }
        assert_true(moved > 5);
        free(was.list);
        idem_key_stream_free(&s);
    }
    struct idem_key_stream before = {0};
    idem_key_stream_put(&before, -1, KEY_A, IDEM_KEY_DOWN);
    idem_key_stream_tick(&before, 1000);
    assert_int_equal(before.list[0].t_us, -1000);
    idem_key_stream_free(&before);
}

/* ------------------------------------------------------------------ counting */

static const char counted[] = HEAD "a,1,0,plain,20\n"   /* ukip at 5 */
                                   "a,2,0,plain,5\n"    /* too short to count */
                                   "a,3,0,shifted,20\n" /* 5: Shift counts */
                                   "a,4,0,plain,3\na,4,1,delay,1000\na,4,2,plain,10\n" /* 8 */
                                   "a,5,0,plain,3\na,5,1,delay,1000\na,5,2,plain,3\n"; /* never */

static void alarm_keys_are_counted_and_ranked(void **state)
{
    const struct idem_injection_options options = {.seed = 1};
    struct idem_payloads p = payloads_of(counted);
    struct idem_injection_score score;
    (void)state;
    assert_int_equal(idem_injection_play(&p, model("ducky"), IDEM_JUDGE_UKIP, &options, &score), 0);
    assert_int_equal(score.payloads, 4);
    assert_int_equal(score.alarmed, 3);
    assert_int_equal(score.keys[0], 5);
    assert_int_equal(score.keys[1], 5);
    assert_int_equal(score.keys[2], 8);
    assert_int_equal(score.keys[3], IDEM_NEVER);
    assert_true(score.key_p50 == 5);
    assert_true(isinf(score.key_p99));
    idem_injection_score_fini(&score);
    idem_payloads_free(&p);
}

static struct idem_recording *recording(const char *text)
{
    struct idem_recording *rec = NULL;
    struct idem_fault fault = {""};
    if (idem_recording_read_bytes("r.csv", text, strlen(text), NULL, &rec, &fault) < 0)
        fail_msg("refused: %s", fault.text);
    return rec;
}

/* A key held down is one key for ukip, and ten for ukip with auto-repeat. */
static void people_are_judged_session_by_session(void **state)
{
    char text[4096] = "user,session,t_ms,key,state,is_bot\n";
    char *to = text + strlen(text);
    (void)state;
    for (int i = 0; i < 10; i++)
        to += sprintf(to, "ada,held,%d,Key.backspace,down,0\n", 500 + 30 * i);
    to += sprintf(to, "ada,held,900,Key.backspace,up,0\n");
    for (int i = 0; i < 6; i++)
        to += sprintf(to, "ada,slow,%d,%c,down,0\nada,slow,%d,%c,up,0\n", 200 * i, 'a' + i,
                      200 * i + 90, 'a' + i);
    for (int i = 0; i < 20; i++)
        to += sprintf(to, "bot,one,%d,%c,down,1\nbot,one,%d,%c,up,1\n", 10 * i, 'a' + i, 10 * i + 1,
                      'a' + i);
    struct idem_recording *rec = recording(text);
    struct idem_injection_people p;
    assert_int_equal(idem_injection_people(rec, &p), 0);
    assert_int_equal(p.sessions, 2);
    assert_int_equal(p.keys, 16);
    assert_int_equal(p.programs, 1);
    assert_int_equal(p.peer_sessions[IDEM_JUDGE_UKIP], 0);
    assert_int_equal(p.peer_sessions[IDEM_JUDGE_UKIP_REPEAT], 1);
    assert_int_equal(p.peer_alarms[IDEM_JUDGE_UKIP_REPEAT], 2); /* ten key-downs, five each */
    assert_int_equal(p.alarms[IDEM_PASS_FRESH], 0);
    uint32_t verdicts = 0;
    for (int k = 0; k < IDEM_GUARD_KINDS; k++)
        verdicts += p.verdicts[IDEM_PASS_FRESH][k];
    assert_int_equal(verdicts, 2);
    idem_injection_people_fini(&p);
    idem_recording_free(rec);
}

static void a_past_comes_before_the_payload(void **state)
{
    char text[4096] = "user,session,key,press_ms,release_ms\n";
    char *to = text + strlen(text);
    (void)state;
    for (int i = 0; i < 20; i++) /* fast enough for ukip: the payload's alarm is its own */
        to += sprintf(to, "ada,1,%c,%d,%d\n", 'a' + i, 40 * i, 40 * i + 30);
    struct idem_recording *rec = recording(text);
    const struct idem_injection_pool people = {{rec}, 1};
    const struct idem_injection_options options = {.seed = 1, .past = &people};
    struct idem_payloads p = payloads_of(counted);
    struct idem_injection_score score;
    assert_int_equal(idem_injection_play(&p, model("ducky"), IDEM_JUDGE_UKIP, &options, &score), 0);
    assert_int_equal(score.before, 4);
    assert_int_equal(score.alarmed, 3);
    assert_int_equal(score.keys[0], 5);
    idem_injection_score_fini(&score);
    idem_payloads_free(&p);
    idem_recording_free(rec);
}

static void honest_sources_make_streams_of_their_own(void **state)
{
    const struct idem_injection_pool nobody = {{NULL}, 0};
    struct idem_injection_honest h, again;
    (void)state;
    for (int i = 0; i < IDEM_HONEST_SOURCES; i++) {
        assert_int_equal(idem_injection_honest(i, &nobody, 1, &h), 0);
        assert_int_equal(idem_injection_honest(i, &nobody, 1, &again), 0);
        assert_int_equal(h.keys, again.keys);
        uint32_t all = 0;
        for (int k = 0; k < IDEM_GUARD_KINDS; k++)
            all += h.declared[k];
        assert_int_equal(all, h.streams);
        assert_int_equal(h.streams == 0, strcmp(h.key, "tap-hold") == 0); /* needs people */
        if (strcmp(h.key, "token") == 0)
            assert_int_equal(h.keys, IDEM_HONEST_STREAMS * 5 * 45);
    }
}

static void bounds_of_counts(void **state)
{
    (void)state;
    assert_true(fabs(idem_injection_upper95(0) - 2.9957) < 1e-3); /* the rule of three */
    assert_true(fabs(idem_injection_upper95(1) - 4.7439) < 1e-3);
    assert_true(fabs(idem_injection_upper95(10) - 16.9622) < 1e-3);
    assert_true(fabs(idem_injection_upper95(500) - idem_injection_upper95(501)) < 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ducky_takes_6_ms_and_10_for_a_capital),
        cmocka_unit_test(flipper_sends_modifier_and_key_in_one_report),
        cmocka_unit_test(string_delay_follows_characters_only),
        cmocka_unit_test(bursts_count_key_downs),
        cmocka_unit_test(jitter_stays_in_its_range),
        cmocka_unit_test(humanised_gaps_have_their_median),
        cmocka_unit_test(all_devices_press_and_release_in_order),
        cmocka_unit_test(ukip_wants_four_gaps_of_50_ms),
        cmocka_unit_test(duckhunt_wants_25_gaps_below_30_ms),
        cmocka_unit_test(strokes_come_as_events_in_order),
        cmocka_unit_test(ticks_stalls_and_lateness_keep_the_order),
        cmocka_unit_test(alarm_keys_are_counted_and_ranked),
        cmocka_unit_test(people_are_judged_session_by_session),
        cmocka_unit_test(a_past_comes_before_the_payload),
        cmocka_unit_test(honest_sources_make_streams_of_their_own),
        cmocka_unit_test(bounds_of_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
