/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_motion.c - the pointer's judge: what each sign of a program is worth, what is none, and that
 * made hands alarm nobody.
 */
#include "guard/motion.h"

#include "base/rng.h"
#include "eval/hand.h"
#include "eval/lessons.h"
#include "eval/movements.h"
#include "eval/robot.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { EVENTS = 16384 };

static struct idem_motion_judge judge;
static struct idem_motion motions[EVENTS];
static int64_t now_us;

static void begin(enum idem_guard_source source)
{
    const struct idem_guard_device device = {.source = source};
    idem_motion_judge_init(&judge, &device);
    now_us = 1000000;
}

static int setup(void **state)
{
    (void)state;
    begin(IDEM_SOURCE_UNKNOWN);
    return 0;
}

static bool event(enum idem_pointer_kind kind, double x, double y)
{
    return idem_motion_judge_event(&judge, kind, x, y, 0, now_us);
}

static void rest(int64_t ms)
{
    now_us += 1000 * ms;
}

static void click(double x, double y, int64_t hold_ms)
{
    event(IDEM_POINTER_PRESS, x, y);
    rest(hold_ms);
    event(IDEM_POINTER_RELEASE, x, y);
}

/* A straight way in even steps, 60 a second, then a click. */
static void glide(double x0, double y0, double x1, double y1, int steps, int64_t hold_ms)
{
    for (int i = 1; i <= steps; i++) {
        now_us += 16667;
        event(IDEM_POINTER_MOVE, round(x0 + (x1 - x0) * i / steps),
              round(y0 + (y1 - y0) * i / steps));
    }
    click(x1, y1, hold_ms);
    rest(800);
}

static void glide_about(int count, int64_t hold_ms)
{
    for (int i = 0; i < count; i++)
        glide(i % 2 ? 900 : 100, 120 + 37 * i, i % 2 ? 130 : 860, 150 + 41 * (count - i), 30,
              hold_ms);
}

static void play(const struct idem_motion *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        idem_motion_judge_event(&judge, (enum idem_pointer_kind)list[i].kind, (double)list[i].x,
                                (double)list[i].y, 0, list[i].t_us);
    now_us = list[count - 1].t_us + 500000;
    event(IDEM_POINTER_SCROLL, 0, 0);
}

static bool saw(enum idem_guard_reason reason)
{
    for (uint32_t i = 0; i < judge.finding.saw_count; i++)
        if (judge.finding.saw[i].reason == reason)
            return true;
    return false;
}

/* ------------------------------------------------------------------ signs of a program */

static void straight_even_ways_alarm_within_five(void **state)
{
    (void)state;
    glide_about(5, 90);
    assert_int_equal(judge.finding.kind, IDEM_GUARD_SCRIPTED_POINTER);
    assert_true(judge.finding.log_odds >= IDEM_GUARD_ALARM);
    assert_true(saw(IDEM_SAW_STRAIGHT));
    assert_true(saw(IDEM_SAW_CONSTANT_SPEED));
    assert_true(saw(IDEM_SAW_UNLIKE_HAND));
}

static void no_single_movement_alarms(void **state)
{
    (void)state;
    glide_about(2, 1);
    assert_false(idem_guard_is_alarm(judge.finding.kind));
    begin(IDEM_SOURCE_UNKNOWN);
    for (int i = 0; i < 4000; i++) { /* one way that never ends */
        now_us += 16667;
        event(IDEM_POINTER_MOVE, 5 * (i % 300), 3 * (i % 300));
    }
    assert_false(idem_guard_is_alarm(judge.finding.kind));
}

static void brief_clicks_add_to_suspicion(void **state)
{
    double slow, brief;
    (void)state;
    glide_about(2, 90);
    slow = judge.odds;
    begin(IDEM_SOURCE_UNKNOWN);
    glide_about(2, 2);
    brief = judge.odds;
    assert_true(brief > slow + 0.5);
    glide_about(3, 2);
    assert_true(saw(IDEM_SAW_CLICKS_SHORT));
}

static void jumps_and_clicks_alarm_within_five(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        rest(700);
        event(IDEM_POINTER_MOVE, 100 + 180 * i, 700 - 150 * i);
        rest(1);
        click(100 + 180 * i, 700 - 150 * i, 2);
    }
    assert_int_equal(judge.finding.kind, IDEM_GUARD_SCRIPTED_POINTER);
    assert_true(saw(IDEM_SAW_JUMP));
}

static void a_warp_alarms_at_once(void **state)
{
    (void)state;
    assert_true(idem_motion_judge_event(&judge, IDEM_POINTER_MOVE, 400, 300, IDEM_GUARD_WARPED, 1));
    assert_int_equal(judge.finding.kind, IDEM_GUARD_REMOTE_CONTROL);
    assert_true(saw(IDEM_SAW_WARP));
}

static void the_same_way_again_is_a_replay(void **state)
{
    (void)state;
    const uint32_t n = idem_hand_play(3, 12, motions, EVENTS / 4);
    play(motions, n);
    assert_false(idem_guard_is_alarm(judge.finding.kind));
    for (uint32_t i = 0; i < n; i++) {
        motions[i].t_us += now_us;
        motions[i].x += 40;
        motions[i].y -= 17;
    }
    play(motions, n);
    assert_int_equal(judge.finding.kind, IDEM_GUARD_REPLAY);
    assert_true(saw(IDEM_SAW_REPEATED));
}

static void a_named_source_is_told_and_is_no_proof(void **state)
{
    (void)state;
    begin(IDEM_SOURCE_SYNTHETIC);
    const uint32_t n = idem_hand_play(5, 12, motions, EVENTS);
    play(motions, n);
    assert_int_equal(judge.finding.kind, IDEM_GUARD_REMOTE_CONTROL);
    assert_true(saw(IDEM_SAW_SYNTHETIC));
    assert_true(judge.finding.log_odds < IDEM_GUARD_ALARM);
}

/* Half of the sessions of plain programs are alarmed within five gestures, most within eight. */
static void made_programs_alarm(void **state)
{
    static const enum idem_robot plain[] = {IDEM_ROBOT_LINE, IDEM_ROBOT_EASE,  IDEM_ROBOT_JERK,
                                            IDEM_ROBOT_ARC,  IDEM_ROBOT_RULER, IDEM_ROBOT_BEZIER};
    (void)state;
    for (size_t s = 0; s < sizeof plain / sizeof *plain; s++) {
        int soon = 0, late = 0;
        for (uint64_t i = 0; i < 60; i++) {
            struct idem_ordeal o;
            const uint32_t n = idem_robot_play(plain[s], 777000 + i, 8, motions, EVENTS);
            idem_ordeal(&idem_forest_shipped, motions, n, &o);
            soon += o.alarm_at > 0 && o.alarm_at <= 5;
            late += o.alarm_at > 0;
        }
        assert_true(soon >= 30);
        assert_true(late >= 45);
    }
}

/* ------------------------------------------------------------------ what is no sign */

static void made_hands_never_alarm(void **state)
{
    int human = 0;
    (void)state;
    for (uint64_t i = 0; i < 120; i++) {
        struct idem_ordeal o;
        const uint32_t n = idem_hand_play(500000 + i, 40, motions, EVENTS);
        idem_ordeal(&idem_forest_shipped, motions, n, &o);
        assert_int_equal(o.alarms, 0);
        human += o.kind == IDEM_GUARD_HUMAN;
    }
    assert_true(human >= 100);
}

static void taps_never_alarm(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) { /* a touch screen: no way there, hardly any hold */
        rest(400);
        click(100 + 37 * (i % 20), 90 + 53 * (i % 11), i % 4);
    }
    assert_int_equal(judge.finding.kind, IDEM_GUARD_INSUFFICIENT);
}

static void lines_along_an_axis_are_not_straight(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        for (int k = 0; k < 20; k++) { /* a scroll bar, pulled unevenly */
            now_us += 16667;
            event(IDEM_POINTER_MOVE, 1270, 100 + 9 * k + (k * k * (i % 5)) / 7);
        }
        rest(900);
    }
    assert_false(saw(IDEM_SAW_STRAIGHT));
    assert_int_equal(judge.saw.straight, 0);
}

static void jumps_of_a_slow_line_are_no_evidence(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        for (int k = 0; k < 6; k++) { /* nine reports a second: some ways, some jumps */
            rest(109);
            event(IDEM_POINTER_MOVE, 300 + 31 * k + 7 * (i % 9), 200 + 17 * k * k);
        }
        rest(900);
        event(IDEM_POINTER_MOVE, 100 + 13 * i, 600);
        rest(20);
        click(100 + 13 * i, 600, 90);
        rest(600);
    }
    assert_int_equal(judge.saw.jumps, 0);
}

static void jumps_beside_a_hand_do_not_alarm(void **state)
{
    (void)state;
    play(motions, idem_hand_play(8, 30, motions, EVENTS));
    assert_int_equal(judge.finding.kind, IDEM_GUARD_HUMAN);
    for (int i = 0; i < 60; i++) {
        rest(900);
        event(IDEM_POINTER_MOVE, 100 + 211 * (i % 6), 100 + 173 * (i % 4));
        rest(1);
        click(100 + 211 * (i % 6), 100 + 173 * (i % 4), 3);
    }
    assert_false(idem_guard_is_alarm(judge.finding.kind));
}

/* ------------------------------------------------------------------ keeping and forgetting */

static void a_hand_buys_nothing(void **state)
{
    (void)state;
    play(motions, idem_hand_play(9, 60, motions, EVENTS));
    assert_int_equal(judge.finding.kind, IDEM_GUARD_HUMAN);
    assert_true(judge.odds >= IDEM_GUARD_PRIOR);
    rest(2000);
    glide_about(5, 90);
    assert_int_equal(judge.finding.kind, IDEM_GUARD_SCRIPTED_POINTER);
}

static void an_alarm_stays(void **state)
{
    (void)state;
    glide_about(5, 2);
    assert_int_equal(judge.finding.kind, IDEM_GUARD_SCRIPTED_POINTER);
    const uint32_t n = idem_hand_play(9, 60, motions, EVENTS);
    for (uint32_t i = 0; i < n; i++)
        motions[i].t_us += now_us;
    play(motions, n);
    assert_int_equal(judge.finding.kind, IDEM_GUARD_SCRIPTED_POINTER);
}

static void positions_are_wiped(void **state)
{
    struct idem_strand empty;
    (void)state;
    memset(&empty, 0, sizeof empty);
    glide(100, 100, 700, 400, 30, 90);
    assert_int_equal(judge.strand.count, 0);
    assert_memory_equal(judge.strand.point, empty.point, sizeof empty.point);
}

static void a_gap_forgets_the_way_only(void **state)
{
    (void)state;
    glide_about(2, 90);
    const double odds = judge.odds;
    for (int i = 0; i < 30; i++) {
        now_us += 16667;
        event(IDEM_POINTER_MOVE, 10 * i, 5 * i);
    }
    idem_motion_judge_gap(&judge);
    assert_true(judge.odds >= odds && judge.odds <= odds);
    assert_int_equal(judge.strand.count, 0);
}

static void rubbish_is_survived(void **state)
{
    static const double positions[] = {0, -1, 1e300, -1e300, 59999, 60000, 0.5, 1e-300};
    static const int64_t times[] = {0, 1, INT64_MIN, INT64_MAX, -1, 1000000, INT64_MAX - 1};
    (void)state;
    for (int i = 0; i < 20000; i++) {
        const double x = i % 13 == 0 ? (double)NAN : positions[i % 8];
        const double y = i % 17 == 0 ? (double)INFINITY : positions[(i / 8) % 8];
        idem_motion_judge_event(&judge, (enum idem_pointer_kind)(i % 6), x, y, 0, times[i % 7]);
        assert_true(isfinite(judge.odds) && isfinite(judge.finding.log_odds));
        assert_true(judge.strand.count <= IDEM_STRAND_POINTS);
    }
}

/* ------------------------------------------------------------------ measures */

static struct idem_strand strand;
static double way;

static void measure_line(double scale, float *m)
{
    const struct idem_grain grain = {
        .fractions = scale < 1, .finest = scale, .per_pixel = scale < 1 ? 1000 : 1};
    idem_strand_clear(&strand);
    for (int i = 0; i < 40; i++)
        idem_strand_add(&strand, scale * 13 * i, scale * 7 * i, 16667 * (int64_t)i, 1);
    assert_true(idem_strand_measure(&strand, &grain, m, &way));
}

static void a_line_measures_as_one(void **state)
{
    float m[IDEM_MEASURES];
    (void)state;
    measure_line(1, m);
    assert_true(m[IDEM_MEASURE_LINE] < -1.5F);
    assert_true(m[IDEM_MEASURE_CUBIC] < -1.5F);
    assert_true(m[IDEM_MEASURE_EVEN] > 0.99F);
    assert_true(m[IDEM_MEASURE_SMOOTH] > 0.99F);
    assert_true(m[IDEM_MEASURE_STEPS] < -3);
    assert_true(fabsf(m[IDEM_MEASURE_HOMING] - 0.75F) < 0.02F);
    assert_true(fabsf(m[IDEM_MEASURE_PEAK]) < 0.05F);
}

static void units_do_not_matter(void **state)
{
    float pixels[IDEM_MEASURES], shares[IDEM_MEASURES];
    (void)state;
    measure_line(1, pixels);
    measure_line(1.0 / 1024, shares);
    for (int k = 0; k < IDEM_MEASURES; k++)
        assert_true(fabsf(pixels[k] - shares[k]) < 0.05F);
}

/* A tablet, a zoomed page: what its positions are rounded to is no evidence. */
static void fractions_are_no_evidence(void **state)
{
    const struct idem_grain whole = {.finest = 1, .per_pixel = 1};
    const struct idem_grain fine = {.fractions = true, .finest = 1e-4, .per_pixel = 1};
    float a[IDEM_MEASURES], b[IDEM_MEASURES];
    struct idem_rng rng;
    (void)state;
    idem_rng_seed(&rng, 1);
    idem_strand_clear(&strand);
    for (int i = 0; i < 50; i++)
        idem_strand_add(&strand, 11 * i + 4 * idem_rng_normal(&rng),
                        i * i * 0.3 + 3 * idem_rng_normal(&rng), 16667 * (int64_t)i, 1);
    assert_true(idem_strand_measure(&strand, &whole, a, &way));
    assert_true(idem_strand_measure(&strand, &fine, b, &way));
    for (int k = 0; k < IDEM_MEASURES; k++)
        assert_true(fabsf(a[k] - b[k]) < 1.5F);
    assert_true(fabs(idem_forest_llr(&idem_forest_shipped, a) -
                     idem_forest_llr(&idem_forest_shipped, b)) < 2.5);
}

static void what_is_exact_weighs(void **state)
{
    static const struct {
        enum idem_measure measure;
        float at;
    } steps[] = {{IDEM_MEASURE_SMOOTH, 0.4F},
                 {IDEM_MEASURE_SMOOTH, 0.5F},
                 {IDEM_MEASURE_SMOOTH, 0.65F},
                 {IDEM_MEASURE_EVEN, 0.6F},
                 {IDEM_MEASURE_EVEN, 0.7F}};
    float m[IDEM_MEASURES];
    (void)state;
    measure_line(1, m);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        m[IDEM_MEASURE_SMOOTH] = m[IDEM_MEASURE_EVEN] = 0.1F;
        m[steps[i].measure] = steps[i].at - 0.001F;
        const double below = idem_forest_llr(&idem_forest_shipped, m);
        m[steps[i].measure] = steps[i].at + 0.001F;
        assert_true(idem_forest_llr(&idem_forest_shipped, m) > below + 0.7);
    }
}

static void little_is_not_measured(void **state)
{
    const struct idem_grain grain = {.finest = 1, .per_pixel = 1};
    float m[IDEM_MEASURES];
    (void)state;
    idem_strand_clear(&strand);
    for (int i = 0; i < 3; i++)
        idem_strand_add(&strand, 100 * i, 50 * i, 50000 * (int64_t)i, 1);
    assert_false(idem_strand_measure(&strand, &grain, m, &way));
    idem_strand_clear(&strand);
    for (int i = 0; i < 30; i++)
        idem_strand_add(&strand, i % 2, 0, 1000 * (int64_t)i, 1);
    assert_false(idem_strand_measure(&strand, &grain, m, &way));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(straight_even_ways_alarm_within_five, setup),
        cmocka_unit_test_setup(no_single_movement_alarms, setup),
        cmocka_unit_test_setup(brief_clicks_add_to_suspicion, setup),
        cmocka_unit_test_setup(jumps_and_clicks_alarm_within_five, setup),
        cmocka_unit_test_setup(a_warp_alarms_at_once, setup),
        cmocka_unit_test_setup(the_same_way_again_is_a_replay, setup),
        cmocka_unit_test_setup(a_named_source_is_told_and_is_no_proof, setup),
        cmocka_unit_test_setup(made_programs_alarm, setup),
        cmocka_unit_test_setup(made_hands_never_alarm, setup),
        cmocka_unit_test_setup(taps_never_alarm, setup),
        cmocka_unit_test_setup(lines_along_an_axis_are_not_straight, setup),
        cmocka_unit_test_setup(jumps_of_a_slow_line_are_no_evidence, setup),
        cmocka_unit_test_setup(jumps_beside_a_hand_do_not_alarm, setup),
        cmocka_unit_test_setup(a_hand_buys_nothing, setup),
        cmocka_unit_test_setup(an_alarm_stays, setup),
        cmocka_unit_test_setup(positions_are_wiped, setup),
        cmocka_unit_test_setup(a_gap_forgets_the_way_only, setup),
        cmocka_unit_test_setup(rubbish_is_survived, setup),
        cmocka_unit_test(a_line_measures_as_one),
        cmocka_unit_test(units_do_not_matter),
        cmocka_unit_test(fractions_are_no_evidence),
        cmocka_unit_test(what_is_exact_weighs),
        cmocka_unit_test(little_is_not_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
