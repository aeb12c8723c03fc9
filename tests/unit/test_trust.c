/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_trust.c - the filter over a session: owners stay, takeovers are seen and dated, step-ups
 * cancel nothing, silence goes stale, and repeating evidence is not new evidence.
 */
#include "people.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 25, OWNER = 500, THIEF = 501 };
#define SECOND INT64_C(1000000)

static struct idem_population *pop;
static const struct idem_front *front;
static struct idem_scorer *scorer;
static struct person owner, thief;
static struct idem_profile *profile;

static int setup(void **state)
{
    (void)state;
    pop = people_population(100, 1000);
    front = idem_population_front(pop);
    person_draw(&owner, OWNER);
    person_draw(&thief, THIEF);
    profile = people_profile(front, &owner, 1, 750);
    return idem_scorer_new(pop, &scorer);
}

static int teardown(void **state)
{
    (void)state;
    idem_profile_free(profile);
    idem_scorer_free(scorer);
    idem_population_free(pop);
    return 0;
}

/* A session: one trust, one clock, and whoever types. */
struct session {
    struct idem_trust *trust;
    int64_t now;
    const struct idem_profile *profiles[IDEM_MODALITIES];
};

static struct session open_session(void)
{
    const struct idem_trust_params params = idem_trust_defaults();
    struct session s = {.now = 100 * SECOND, .profiles = {profile, NULL}};
    assert_int_equal(idem_trust_new(pop, &params, s.now, &s.trust), 0);
    return s;
}

static void close_session(struct session *s)
{
    idem_trust_free(s->trust);
}

static struct idem_trust_state read_now(const struct session *s)
{
    struct idem_trust_state state = idem_trust_read(s->trust, s->now);
    assert_true(state.trust >= 0 && state.trust <= 1);
    assert_true(state.trust_recent >= 0 && state.trust_recent <= 1);
    assert_true(state.p_owner >= 0 && state.p_owner <= 1);
    assert_true(state.p_recent >= 0 && state.p_recent <= 1);
    assert_true(fabs(state.llr) <= IDEM_LLR_MAX && fabs(state.suspect_llr) <= IDEM_LLR_MAX);
    return state;
}

static struct idem_trust_state send(struct session *s, const struct idem_window *w)
{
    s->now += 8 * SECOND;
    assert_int_equal(idem_trust_update(s->trust, scorer, s->profiles, w, s->now), 0);
    return read_now(s);
}

static struct idem_trust_state type(struct session *s, struct typist *t, int windows)
{
    struct idem_trust_state state = read_now(s);
    for (int i = 0; i < windows; i++) {
        struct idem_window *w = typist_window(t, front, KEYS);
        state = send(s, w);
        idem_window_free(w);
    }
    return state;
}

static void test_parameters_are_checked(void **state)
{
    static const struct idem_trust_params bad[] = {
        {0.5, 0.01, SECOND}, {1, 0.01, SECOND},   {NAN, 0.01, SECOND}, {0.99, 0, SECOND},
        {0.99, -1, SECOND},  {0.99, NAN, SECOND}, {0.99, 0.01, 0},     {0.99, 0.01, -1}};
    struct idem_trust *t = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(idem_trust_new(pop, &bad[i], 0, &t), IDEM_ERR_INVALID);
    assert_null(t);
    idem_trust_free(NULL);
}

static void test_opens_at_the_prior(void **state)
{
    struct session s = open_session();
    struct idem_trust_state now = read_now(&s);
    (void)state;
    assert_true(fabs(now.trust - idem_trust_defaults().prior) < 1e-9);
    assert_true(fabs(now.trust_recent - now.trust) < 1e-9);
    assert_true(now.llr == 0 && now.suspect_llr == 0);
    assert_int_equal(now.windows, 0);
    assert_int_equal(now.suspect_windows, 0);
    assert_false(now.stale);
    close_session(&s);
}

/* Now and then a run of odd windows; never for long. */
static void test_owner_stays_trusted(void **state)
{
    int low = 0;
    (void)state;
    for (uint64_t seed = 51; seed < 57; seed++) {
        struct session s = open_session();
        struct typist t = typist_new(&owner, seed);
        for (int i = 0; i < 200; i++)
            low += type(&s, &t, 1).trust < 0.5;
        assert_int_equal(read_now(&s).windows, 200);
        assert_true(read_now(&s).trust > 0.9);
        assert_true(read_now(&s).llr > 3);
        close_session(&s);
    }
    assert_in_range(low, 0, 6 * 200 / 50);
}

/* The posterior falls soon after the takeover, and its cause is dated to about there. */
static void test_takeover_is_seen_and_dated(void **state)
{
    static const int takeovers[] = {0, 1, 5, 30, 100};
    (void)state;
    for (size_t i = 0; i < sizeof takeovers / sizeof takeovers[0]; i++) {
        struct session s = open_session();
        struct typist t = typist_new(&owner, 60), other = typist_new(&thief, 61);
        struct idem_trust_state now = type(&s, &t, takeovers[i]);
        int after = 0;
        assert_true(now.trust > 0.9);
        while (now.trust >= 0.05 && after < 20) {
            now = type(&s, &other, 1);
            after++;
        }
        assert_in_range(after, 1, 10);
        if (after < 4) /* four windows of the thief at least */
            now = type(&s, &other, 4 - after);
        assert_true(now.trust < 0.05);
        assert_true(now.suspect_llr < -3);
        assert_in_range(now.suspect_windows, 1, 12); /* blocks are as coarse as they are old */
        close_session(&s);
    }
}

/* Somebody who was never the owner: the whole session is suspect, however its blocks were merged.
 */
static void test_an_intruder_from_the_log_in_is_dated_to_it(void **state)
{
    struct session s = open_session();
    struct typist other = typist_new(&thief, 65);
    (void)state;
    for (uint32_t windows = 10; windows <= 60; windows += 10) {
        struct idem_trust_state now = type(&s, &other, 10);
        assert_int_equal(now.suspect_windows, windows);
        assert_true(now.llr == now.suspect_llr);
    }
    close_session(&s);
}

/* After a takeover the owner's earlier windows must not outweigh the thief's. */
/* Several suffixes lay beyond the clamp, tied, and the log-in's prior mass then won. */
static void test_a_late_takeover_is_dated_though_all_suffixes_are_extreme(void **state)
{
    struct session s = open_session();
    struct typist mine = typist_new(&owner, 61), theirs = typist_new(&thief, 62);
    (void)state;
    type(&s, &mine, 40);
    struct idem_trust_state now = type(&s, &theirs, 30);
    assert_true(now.log_odds < -2 * IDEM_LLR_MAX); /* or this shows nothing */
    assert_true(now.suspect_windows >= 15 && now.suspect_windows <= 45);
    close_session(&s);
}

/* The log-in's odds counted twice when the step-up came before the first window. */
static void test_a_step_up_before_any_window_adds_no_doubt(void **state)
{
    struct session plain = open_session(), stepped = open_session();
    struct typist mine = typist_new(&owner, 63);
    struct idem_window *w = typist_window(&mine, front, KEYS);
    (void)state;
    idem_trust_step_up(stepped.trust, stepped.now);
    struct idem_trust_state a = send(&plain, w), b = send(&stepped, w);
    assert_true(fabs(a.trust_recent - b.trust_recent) < 1e-12);
    idem_window_free(w);
    close_session(&plain);
    close_session(&stepped);
}

static void test_a_long_past_does_not_protect(void **state)
{
    struct session s = open_session();
    struct typist t = typist_new(&owner, 70), other = typist_new(&thief, 71);
    (void)state;
    type(&s, &t, 400);
    assert_true(type(&s, &other, 10).trust < 0.05);
    close_session(&s);
}

/*
 * One window again and again. Single windows' ratios must not be added: the filter may claim no
 * more than the scores of its suffix sums say, each of them computed here anew.
 */
static void repeat_one_window(const struct person *who, uint64_t seed)
{
    struct session s = open_session();
    struct typist t = typist_new(who, seed);
    struct idem_window *w = typist_window(&t, front, KEYS);
    const size_t len = idem_shape_len(w->shape);
    float *sum = calloc(len, sizeof *sum);
    double least = INFINITY, most = -INFINITY;
    struct idem_trust_state now = read_now(&s);

    for (int i = 1; i <= 50; i++) {
        const float *probe = sum;
        double raw;
        now = send(&s, w);
        idem_window_add_to(w, 1, sum);
        idem_scorer_raw(scorer, profile, &probe, 1, &raw);
        double llr = idem_scorer_finish(scorer, profile, raw, KEYS * i).unbounded;
        least = fmin(least, llr);
        most = fmax(most, llr);
    }
    /* all prior mass together: 50 windows' hazard and the odds of the log-in */
    const struct idem_trust_params params = idem_trust_defaults();
    const double login = (1 - params.prior) / params.prior;
    const double odds = params.hazard_per_hour * 50 * 8 / 3600.0 + login;
    double lowest = 1 / (1 + odds * exp(-least)), highest = 1 / (1 + login * exp(-most));
    assert_true(now.trust >= lowest - 1e-9);
    assert_true(now.trust <= highest + 1e-9);
    free(sum);
    idem_window_free(w);
    close_session(&s);
}

static void test_repeating_is_not_new_evidence(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        repeat_one_window(&owner, 80 + seed);
        repeat_one_window(&thief, 90 + seed);
    }
}

/* The session's ratio is the score of the sum of all its windows, whatever the blocks do. */
static void test_session_llr_is_that_of_the_sum(void **state)
{
    struct session s = open_session();
    struct typist t = typist_new(&owner, 100);
    float *sum = calloc(idem_shape_len(idem_front_shape(front, IDEM_KEYBOARD)), sizeof *sum);
    (void)state;
    for (int i = 1; i <= 60; i++) {
        const float *probe = sum;
        double raw;
        struct idem_window *w = typist_window(&t, front, KEYS);
        struct idem_trust_state now = send(&s, w);
        idem_window_add_to(w, 1, sum);
        idem_scorer_raw(scorer, profile, &probe, 1, &raw);
        assert_true(fabs(now.llr - idem_scorer_finish(scorer, profile, raw, KEYS * i).llr) < 1e-3);
        assert_in_range(now.suspect_windows, 1, i);
        idem_window_free(w);
    }
    free(sum);
    close_session(&s);
}

static void test_step_up_cancels_no_evidence(void **state)
{
    struct session s = open_session();
    struct typist other = typist_new(&thief, 110);
    (void)state;
    struct idem_trust_state before = type(&s, &other, 12);
    assert_true(before.trust < 0.05 && before.trust_recent < 0.05);
    idem_trust_step_up(s.trust, s.now);
    struct idem_trust_state after = read_now(&s);
    assert_true(after.trust <= before.trust + 1e-9);
    assert_true(after.trust_recent > 0.9);
    assert_true(after.trust_recent <= idem_trust_defaults().prior + 1e-9);
    assert_true(after.suspect_llr == before.suspect_llr);
    close_session(&s);
}

/* He passes every step-up: what he types after each locks him out again. */
static void test_step_ups_do_not_help_the_thief(void **state)
{
    struct session s = open_session();
    struct typist t = typist_new(&owner, 120), other = typist_new(&thief, 121);
    (void)state;
    type(&s, &t, 20);
    for (int round = 0; round < 12; round++) {
        struct idem_trust_state now = read_now(&s);
        int windows = 0;
        do {
            now = type(&s, &other, 1);
        } while (now.trust_recent >= 0.05 && ++windows < 15);
        assert_true(now.trust_recent < 0.05);
        assert_true(now.trust < 0.05);
        idem_trust_step_up(s.trust, s.now);
        assert_true(read_now(&s).trust_recent > 0.9);
        assert_true(read_now(&s).trust < 0.1);
    }
    close_session(&s);
}

/* A false alarm, a step-up, and the owner goes on: both posteriors come back. */
static void test_owner_comes_back(void **state)
{
    struct session s = open_session();
    struct typist t = typist_new(&owner, 130), other = typist_new(&thief, 131);
    (void)state;
    type(&s, &t, 20);
    assert_true(type(&s, &other, 6).trust < 0.05);
    idem_trust_step_up(s.trust, s.now);
    struct idem_trust_state now = read_now(&s);
    int windows = 0;
    while (now.trust <= 0.5 && windows++ < 100)
        now = type(&s, &t, 1);
    assert_true(now.trust > 0.5);
    assert_true(now.trust_recent > 0.9);
    close_session(&s);
}

static void test_step_up_never_exceeds_the_prior(void **state)
{
    struct session s = open_session();
    (void)state;
    for (int i = 0; i < 5; i++) {
        idem_trust_step_up(s.trust, s.now);
        assert_true(read_now(&s).trust <= idem_trust_defaults().prior + 1e-9);
        assert_true(read_now(&s).trust_recent <= idem_trust_defaults().prior + 1e-9);
    }
    close_session(&s);
}

static void test_silence_goes_stale(void **state)
{
    const int64_t expiry = idem_trust_defaults().expiry_us;
    struct session s = open_session();
    struct typist t = typist_new(&owner, 140);
    (void)state;
    assert_false(idem_trust_read(s.trust, s.now + expiry).stale);
    assert_true(idem_trust_read(s.trust, s.now + expiry + 1).stale);
    double before = type(&s, &t, 5).trust;
    assert_false(idem_trust_read(s.trust, s.now + expiry).stale);
    assert_true(idem_trust_read(s.trust, s.now + expiry + 1).stale);
    assert_true(idem_trust_read(s.trust, s.now + expiry).trust < before);
    s.now += expiry + 1;
    idem_trust_step_up(s.trust, s.now);
    assert_false(read_now(&s).stale);
    close_session(&s);
}

/* Too little data is never a way to keep earlier trust alive. */
static void test_small_windows_do_not_refresh(void **state)
{
    const int64_t expiry = idem_trust_defaults().expiry_us;
    struct session s = open_session();
    struct typist t = typist_new(&owner, 150);
    (void)state;
    type(&s, &t, 3);
    struct idem_window *w = typist_window(&t, front, 5);
    s.now += expiry;
    struct idem_trust_state now = send(&s, w);
    assert_true(now.stale);
    assert_int_equal(now.windows, 3);
    idem_window_free(w);
    close_session(&s);
}

/* Nor is a window that claims strokes and holds none. */
static void test_hollow_windows_do_not_refresh(void **state)
{
    const int64_t expiry = idem_trust_defaults().expiry_us;
    struct session s = open_session();
    struct typist t = typist_new(&owner, 160);
    struct idem_window *w = NULL;
    struct idem_score score;
    (void)state;
    type(&s, &t, 3);
    assert_int_equal(idem_window_new(front, IDEM_KEYBOARD, &w), 0);
    assert_int_equal(idem_window_begin(w, 1000, 1000), 0);
    assert_int_equal(idem_score_window(scorer, profile, w, &score), 0);
    assert_false(score.sufficient);
    s.now += expiry;
    assert_true(send(&s, w).stale);
    idem_window_free(w);
    close_session(&s);
}

/* Windows that all come at one time are given the least that a window takes, so whoever sends in
 * bursts, or stops the clock, buys no smaller hazard. */
static void test_a_clock_that_stands_still_lowers_no_hazard(void **state)
{
    struct session still = open_session(), slow = open_session();
    struct typist mine = typist_new(&owner, 66);
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct idem_window *w = typist_window(&mine, front, KEYS);
        still.now -= 8 * SECOND; /* send adds as much */
        slow.now -= 6 * SECOND;
        struct idem_trust_state a = send(&still, w), b = send(&slow, w);
        assert_true(fabs(a.trust - b.trust) < 1e-12);
        idem_window_free(w);
    }
    close_session(&still);
    close_session(&slow);
}

static void test_clocks_that_run_backwards(void **state)
{
    struct session s = open_session();
    struct typist t = typist_new(&owner, 170);
    (void)state;
    double before = type(&s, &t, 10).trust;
    const int64_t times[] = {0, -SECOND, INT64_MIN / 4, s.now - 1};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct idem_window *w = typist_window(&t, front, KEYS);
        struct idem_trust_state past = idem_trust_read(s.trust, times[i]);
        assert_true(past.trust >= before - 0.2);
        assert_false(past.stale);
        assert_int_equal(idem_trust_update(s.trust, scorer, s.profiles, w, times[i]), 0);
        assert_true(read_now(&s).trust > 0.5);
        idem_trust_step_up(s.trust, times[i]);
        idem_window_free(w);
    }
    close_session(&s);
}

static void test_without_a_profile_nothing_is_scored(void **state)
{
    struct session s = open_session();
    struct typist other = typist_new(&thief, 180);
    struct idem_profile *thin = people_profile(front, &owner, 1, 75);
    (void)state;
    s.profiles[IDEM_KEYBOARD] = NULL;
    struct idem_trust_state now = type(&s, &other, 20);
    assert_int_equal(now.windows, 0);
    assert_true(now.llr == 0 && now.suspect_llr == 0);
    assert_true(now.trust > 0.9);
    assert_true(idem_trust_read(s.trust, s.now + idem_trust_defaults().expiry_us).stale);
    s.profiles[IDEM_KEYBOARD] = thin;
    now = type(&s, &other, 5);
    assert_int_equal(now.windows, 0);
    assert_true(now.llr == 0);
    idem_profile_free(thin);
    close_session(&s);
}

static void test_strangers_are_refused(void **state)
{
    struct session s = open_session();
    struct idem_front *foreign = people_front(10, 500);
    struct typist t = typist_new(&owner, 190);
    struct idem_window *w = typist_window(&t, foreign, KEYS),
                       *mine = typist_window(&t, front, KEYS);
    struct idem_profile *theirs = people_profile(foreign, &owner, 1, 100);
    (void)state;
    assert_int_equal(idem_trust_update(s.trust, scorer, s.profiles, w, s.now), IDEM_ERR_MISMATCH);
    s.profiles[IDEM_KEYBOARD] = theirs;
    assert_int_equal(idem_trust_update(s.trust, scorer, s.profiles, mine, s.now),
                     IDEM_ERR_MISMATCH);
    assert_int_equal(read_now(&s).windows, 0);
    idem_window_free(w);
    idem_window_free(mine);
    idem_profile_free(theirs);
    idem_front_free(foreign);
    close_session(&s);
}

static void test_explains_the_suspect_suffix(void **state)
{
    struct session s = open_session();
    struct typist t = typist_new(&owner, 200), other = typist_new(&thief, 201);
    struct idem_reason reasons[5];
    double sum = 0;
    (void)state;
    assert_int_equal(idem_trust_explain(s.trust, scorer, s.profiles, reasons, 5), 0);
    type(&s, &t, 20);
    type(&s, &other, 12);
    int n = idem_trust_explain(s.trust, scorer, s.profiles, reasons, 5);
    assert_int_equal(n, 5);
    for (int i = 0; i < n; i++) {
        assert_true(strlen(reasons[i].text) > 0);
        assert_true(i == 0 || fabs(reasons[i - 1].llr) >= fabs(reasons[i].llr));
        sum += reasons[i].llr;
    }
    assert_true(sum < 0); /* on the whole they speak against the owner */
    s.profiles[IDEM_KEYBOARD] = NULL;
    assert_int_equal(idem_trust_explain(s.trust, scorer, s.profiles, reasons, 5), 0);
    close_session(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_are_checked),
        cmocka_unit_test(test_opens_at_the_prior),
        cmocka_unit_test(test_owner_stays_trusted),
        cmocka_unit_test(test_takeover_is_seen_and_dated),
        cmocka_unit_test(test_an_intruder_from_the_log_in_is_dated_to_it),
        cmocka_unit_test(test_a_late_takeover_is_dated_though_all_suffixes_are_extreme),
        cmocka_unit_test(test_a_step_up_before_any_window_adds_no_doubt),
        cmocka_unit_test(test_a_long_past_does_not_protect),
        cmocka_unit_test(test_repeating_is_not_new_evidence),
        cmocka_unit_test(test_session_llr_is_that_of_the_sum),
        cmocka_unit_test(test_step_up_cancels_no_evidence),
        cmocka_unit_test(test_step_ups_do_not_help_the_thief),
        cmocka_unit_test(test_owner_comes_back),
        cmocka_unit_test(test_step_up_never_exceeds_the_prior),
        cmocka_unit_test(test_silence_goes_stale),
        cmocka_unit_test(test_small_windows_do_not_refresh),
        cmocka_unit_test(test_hollow_windows_do_not_refresh),
        cmocka_unit_test(test_a_clock_that_stands_still_lowers_no_hazard),
        cmocka_unit_test(test_clocks_that_run_backwards),
        cmocka_unit_test(test_without_a_profile_nothing_is_scored),
        cmocka_unit_test(test_strangers_are_refused),
        cmocka_unit_test(test_explains_the_suspect_suffix),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
