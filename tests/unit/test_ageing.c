/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ageing.c - the parts that studies of ageing are made of: windows in order of time, changes
 * to strokes, tallies, bouts and sheets.
 */
#include "people.h"

#include "eval/bout.h"
#include "eval/changes.h"
#include "eval/sheet.h"
#include "eval/tally.h"
#include "eval/timeline.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct idem_population *pop;
static struct idem_filing filing;

/* ------------------------------------------------------------------ timelines */

/* Person a: sessions of 60 and 63 keys on days 0 and 1.5; person b: one of 12. */
static struct idem_recording *record(void)
{
    static const struct {
        const char *user, *session, *day;
        int keys;
    } sessions[] = {{"a", "0", "0", 60}, {"a", "1", "1.5", 63}, {"b", "0", "0", 12}};
    char *text = malloc(1 << 16), *to = text;
    struct idem_recording *rec;
    struct idem_fault fault;
    to += sprintf(to, "user,session,key,press_ms,release_ms,day\n");
    for (size_t s = 0; s < sizeof sessions / sizeof *sessions; s++)
        for (int i = 0; i < sessions[s].keys; i++)
            to += sprintf(to, "%s,%s,%c,%d,%d,%s\n", sessions[s].user, sessions[s].session,
                          'a' + i % 26, 200 * i, 200 * i + 90, sessions[s].day);
    assert_int_equal(
        idem_recording_read_bytes("test", text, (size_t)(to - text), NULL, &rec, &fault), 0);
    free(text);
    return rec;
}

static void sessions_are_cut_into_windows(void **state)
{
    (void)state;
    struct idem_recording *rec = record();
    struct idem_timelines t;
    assert_int_equal(idem_timelines_keys(rec, pop->front, &filing, 25, NULL, &t), 0);
    assert_int_equal(t.count, 2);
    /* 25 + 25 and a rest of 10, which is left out; 25 + 25 + 13 */
    const float strokes[] = {25, 25, 25, 25, 13};
    assert_int_equal(t.people[0].count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        const float *stats = idem_timeline_at(&t, 0, i);
        double held = idem_strokes_held(stats, t.shape.cells, 1000);
        assert_true(t.people[0].strokes[i] == strokes[i]);
        assert_int_equal(t.people[0].session[i], i < 2 ? 0 : 1);
        assert_true(t.people[0].day[i] == (i < 2 ? 0 : 1.5));
        assert_true(held > (double)strokes[i] && held < 2 * (double)strokes[i]);
    }
    assert_int_equal(t.people[1].count, 0); /* fewer than half a window */
    idem_timelines_fini(&t);
    assert_int_equal(idem_timelines_keys(rec, pop->front, &filing, 0, NULL, &t), 0);
    assert_int_equal(t.people[0].count, 2);
    assert_true(t.people[0].strokes[1] == 63 && t.people[1].strokes[0] == 12);
    struct idem_profile *p;
    assert_int_equal(idem_timelines_profile(&t, pop->front, &p), 0);
    idem_timelines_add(&t, 0, 0, 2, p);
    assert_true(p->strokes == 123 && p->windows == 2);
    idem_profile_free(p);
    idem_timelines_fini(&t);
    struct idem_front *pointer = pop->front;
    assert_int_equal(idem_timelines_pointer(rec, pointer, 10, &t), IDEM_ERR_MISMATCH);
    idem_recording_free(rec);
}

/* ------------------------------------------------------------------ changes */

enum { A = 30, J = 36, S = 31, D = 32 };

static void changed(enum idem_change_kind kind, struct idem_stroke out[3])
{
    const struct idem_stroke strokes[3] = {
        {0, 100000, A, true}, {200000, 300000, J, true}, {310000, 411000, D, true}};
    memcpy(out, strokes, sizeof strokes);
    idem_change_apply(kind, out, 3);
}

static void a_hurt_hand_is_slow_and_delays_the_rest(void **state)
{
    (void)state;
    struct idem_stroke s[3];
    changed(IDEM_CHANGE_HURT_HAND, s);
    assert_int_equal(s[0].press_us, 60000);
    assert_int_equal(s[0].release_us, 200000);
    assert_int_equal(s[1].press_us, 260000); /* the right hand: as long as ever, but later */
    assert_int_equal(s[1].release_us, 360000);
    assert_int_equal(s[2].press_us, 430000);
    assert_int_equal(s[2].release_us, 430000 + 141400);
    changed(IDEM_CHANGE_LOST_FINGERS, s);
    assert_int_equal(s[0].press_us, 120000); /* a is the little finger's, d the middle one's */
    assert_int_equal(s[2].press_us, 430000);
    assert_int_equal(s[2].release_us, 531000);
}

static void keyboards_and_clocks_change_every_stroke(void **state)
{
    (void)state;
    struct idem_stroke s[3];
    changed(IDEM_CHANGE_NONE, s);
    assert_int_equal(s[2].release_us, 411000);
    changed(IDEM_CHANGE_KEYBOARD, s);
    assert_int_equal(s[1].press_us, 200000);
    assert_int_equal(s[1].release_us, 325000);
    changed(IDEM_CHANGE_CLOCK, s);
    assert_int_equal(s[0].release_us, 6 * 15625);
    assert_int_equal(s[2].press_us, 19 * 15625);
    changed(IDEM_CHANGE_KEYBOARD_CLOCK, s);
    assert_int_equal(s[0].release_us, 8 * 15625);
    struct idem_stroke early = {-1, 1, A, true};
    idem_change_apply(IDEM_CHANGE_CLOCK, &early, 1);
    assert_int_equal(early.press_us, -15625);
    assert_int_equal(early.release_us, 0);
}

/* ------------------------------------------------------------------ tallies */

static void rates_at_a_threshold(void **state)
{
    (void)state;
    struct idem_tally t = {0};
    for (int i = 0; i < 10; i++) {
        assert_int_equal(idem_tally_add(&t, 0, 0, i), 0);     /* 0..9 */
        assert_int_equal(idem_tally_add(&t, 0, 1, i - 5), 0); /* -5..4 */
    }
    assert_float_equal(idem_tally_fnmr(&t, 3), 0.3, 1e-12);
    assert_float_equal(idem_tally_fmr(&t, 3), 0.2, 1e-12);
    double threshold = idem_tally_threshold(&t, 0.2);
    assert_float_equal(idem_tally_fmr(&t, threshold), 0.2, 1e-12);
    assert_true(idem_tally_fmr(&t, threshold - 1) > 0.2);
    for (int tenths = 0; tenths <= 10; tenths++) /* genuine and impostor scores are equal in part */
        assert_true(idem_tally_fmr(&t, idem_tally_threshold(&t, 0.1 * tenths + 1e-9)) <=
                    0.1 * tenths + 1e-9);
    assert_float_equal(idem_tally_threshold(&t, 0), 5, 0);
    struct idem_tally tie = {0}; /* nothing observed keeps the impostor out */
    assert_int_equal(idem_tally_add(&tie, 0, 1, 3), 0);
    assert_int_equal(idem_tally_add(&tie, 0, 0, 3), 0);
    assert_true(isinf(idem_tally_threshold(&tie, 0)));
    idem_tally_fini(&tie);
    struct idem_tally none = {0};
    assert_true(isnan(idem_tally_fnmr(&none, 0)));
    assert_true(isinf(idem_tally_threshold(&none, 0.1)));
    assert_int_equal(t.results.people, 2);
    assert_int_equal(idem_tally_merge(&none, &t), 0);
    assert_int_equal(none.results.count, 20);
    idem_tally_fini(&none);
    idem_tally_fini(&t);
}

/* In a everybody's genuine score lies below the impostor's, in b above: 100 % less 0 %. */
static void differences_are_paired(void **state)
{
    (void)state;
    struct idem_tally a = {0}, b = {0};
    struct idem_difference d;
    for (uint32_t u = 0; u < 5; u++) {
        idem_tally_add(&a, u, u, 0);
        idem_tally_add(&a, u, (u + 1) % 5, 1);
        idem_tally_add(&b, u, u, 1);
        idem_tally_add(&b, u, (u + 1) % 5, 0);
    }
    idem_tally_add(&b, 7, 7, 1); /* nobody's pair */
    idem_tally_add(&b, 7, 6, 1);
    assert_int_equal(idem_tally_difference(&a, &b, &d), 0);
    assert_int_equal(d.people, 5);
    assert_true(d.mean > 0.4 && d.low == d.high && fabs(d.mean - d.low) < 1e-12);
    struct idem_tally none = {0};
    assert_int_equal(idem_tally_difference(&none, &a, &d), IDEM_ERR_TOO_LITTLE);
    idem_tally_fini(&a);
    idem_tally_fini(&b);
}

static void a_bout_pairs_everybody(void **state)
{
    (void)state;
    struct idem_recording *rec = record();
    struct idem_timelines t;
    struct idem_bout b;
    assert_int_equal(idem_timelines_keys(rec, pop->front, &filing, 10, NULL, &t), 0);
    idem_bout_init(&b, t.shape, 2, 1);
    assert_int_equal(idem_bout_sum(&t, 0, 0, 6, 3, &b.profiles), 0); /* windows 0, 2, 4 */
    assert_true(b.profiles.strokes[0] == 30);
    for (size_t i = 0; i < t.len; i++)
        assert_float_equal(b.profiles.stats[i],
                           idem_timeline_at(&t, 0, 0)[i] + idem_timeline_at(&t, 0, 2)[i] +
                               idem_timeline_at(&t, 0, 4)[i],
                           1e-5f);
    assert_int_equal(idem_bout_sum(&t, 0, 6, 9, 3, &b.profiles), 0);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(idem_bout_sum(&t, 0, i, i + 1, 1, &b.probes), 0);
    assert_int_equal(idem_bout_run(&pop->model[IDEM_KEYBOARD], &b), 0);
    assert_int_equal(b.evaluation.genuine, 4);
    assert_int_equal(b.evaluation.impostor, 2);
    idem_bout_fini(&b);
    idem_bout_init(&b, t.shape, 2, 1);
    assert_int_equal(idem_bout_run(&pop->model[IDEM_KEYBOARD], &b), IDEM_ERR_TOO_LITTLE);
    idem_bout_fini(&b);
    idem_timelines_fini(&t);
    idem_recording_free(rec);
}

/* ------------------------------------------------------------------ sheets */

static char *written(int (*write)(const struct idem_sheet *, FILE *), const struct idem_sheet *s)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    assert_int_equal(write(s, f), 0);
    fclose(f);
    return text;
}

static int print(const struct idem_sheet *s, FILE *f)
{
    idem_sheet_print(s, f);
    return 0;
}

static void a_sheet_says_the_same_three_times(void **state)
{
    static const struct idem_sheet_column columns[] = {{"n", "n", IDEM_SHEET_COUNT, false},
                                                       {"rate", "a <rate>", IDEM_SHEET_RATE, true},
                                                       {"x", "x", IDEM_SHEET_NUMBER, false}};
    struct idem_sheet sheet = {.protocol = "p", .lead = "l & m", .command_line = "idem <x>"};
    struct idem_sheet_table *t = idem_sheet_add(&sheet, "rows", "Title", NULL, columns, 3);
    (void)state;
    assert_non_null(t);
    assert_int_equal(idem_sheet_row(t, "one", (const double[]){1, 0.125, NAN}), 0);
    assert_int_equal(idem_sheet_row(t, "two", (const double[]){2, 0.25, 1.5}), 0);
    char *text = written(print, &sheet), *json = written(idem_sheet_json, &sheet);
    char *page = written(idem_sheet_html, &sheet);
    assert_non_null(strstr(text, "12.50 %"));
    assert_non_null(strstr(text, " -\n")); /* what is not a number */
    assert_non_null(strstr(json, "\"rate\": 0.125"));
    assert_non_null(strstr(json, "\"x\": null"));
    assert_non_null(strstr(json, "\"n\": 2"));
    assert_non_null(strstr(page, "idem &lt;x&gt;"));
    assert_non_null(strstr(page, "a &lt;rate&gt;"));
    assert_non_null(strstr(page, "<polyline"));
    assert_null(strstr(page, "nan"));
    free(text);
    free(json);
    free(page);
    for (int i = 2; i < IDEM_SHEET_ROWS; i++)
        assert_int_equal(idem_sheet_row(t, "more", (const double[]){i, 0, 0}), 0);
    assert_int_equal(idem_sheet_row(t, "more", (const double[]){0, 0, 0}), IDEM_ERR_LIMIT);
    idem_sheet_fini(&sheet);
}

static int set_up(void **state)
{
    (void)state;
    pop = people_population(20, 1000);
    return idem_filing_of_front(&filing, pop->front);
}

static int tear_down(void **state)
{
    (void)state;
    idem_population_free(pop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_are_cut_into_windows),
        cmocka_unit_test(a_hurt_hand_is_slow_and_delays_the_rest),
        cmocka_unit_test(keyboards_and_clocks_change_every_stroke),
        cmocka_unit_test(rates_at_a_threshold),
        cmocka_unit_test(differences_are_paired),
        cmocka_unit_test(a_bout_pairs_everybody),
        cmocka_unit_test(a_sheet_says_the_same_three_times),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
