/* SPDX-License-Identifier: Apache-2.0 */
/* test_adapt.c - forgetting, the daily cap, the anchor's share, the bound, and warm starts. */
#include "model/adapt.h"

#include "people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { OWNER = 101, IMPOSTOR = 113, ANCHOR_KEYS = 400 };

static struct idem_population *pop;
static struct idem_scorer *scorer;

/* Rules under which nothing is refused, forgotten or capped. */
static const struct idem_adapt_rules open_rules = {
    .half_life_days = INFINITY,
    .per_day = 1000,
    .learned_most = 1000,
    .strokes_most = 1e9,
    .bound = -INFINITY,
};

static struct idem_profile *typed(uint64_t who, uint64_t seed, uint32_t keys)
{
    struct person person;
    person_draw(&person, who);
    return people_profile(pop->front, &person, seed, keys);
}

static struct idem_profile *empty(void)
{
    struct idem_profile *p;
    assert_int_equal(idem_profile_new(pop->front, IDEM_KEYBOARD, &p), 0);
    return p;
}

static struct idem_profile *copy(const struct idem_profile *p)
{
    struct idem_profile *out = empty();
    assert_int_equal(idem_profile_merge(out, p), 0);
    return out;
}

static enum idem_adapt_verdict fold(const struct idem_adapt_rules *rules,
                                    const struct idem_profile *anchor,
                                    const struct idem_profile *lesson, int64_t day,
                                    struct idem_profile *profile, struct idem_adapt_day *learned)
{
    enum idem_adapt_verdict verdict;
    assert_int_equal(
        idem_adapt_fold(rules, scorer, anchor, lesson, day, profile, learned, &verdict, NULL), 0);
    return verdict;
}

static void assert_sum(const struct idem_profile *p, const struct idem_profile *a,
                       const struct idem_profile *b, double weight)
{
    for (size_t i = 0; i < idem_shape_len(p->shape); i++)
        assert_float_equal(p->stats[i], a->stats[i] + (float)weight * b->stats[i], 0.02f);
    assert_float_equal(p->strokes, a->strokes + (float)weight * b->strokes, 0.02f);
}

/* ------------------------------------------------------------------ days and shares */

static void days_begin_at_midnight(void **state)
{
    (void)state;
    assert_int_equal(idem_adapt_day_of(0), 0);
    assert_int_equal(idem_adapt_day_of(86399999), 0);
    assert_int_equal(idem_adapt_day_of(86400000), 1);
    assert_int_equal(idem_adapt_day_of(-1), -1);
    assert_int_equal(idem_adapt_day_of(-86400000), -1);
    assert_int_equal(idem_adapt_day_of(-86400001), -2);
}

static void a_day_teaches_its_share(void **state)
{
    (void)state;
    const struct idem_adapt_rules rules = idem_adapt_defaults(IDEM_KEYBOARD);
    const struct idem_adapt_day learned = {7, 30}, much = {7, 500};
    assert_float_equal(idem_adapt_left(&rules, 400, &learned, 8), 100, 1e-9);
    assert_float_equal(idem_adapt_left(&rules, 400, &learned, 7), 70, 1e-9);
    assert_float_equal(idem_adapt_left(&rules, 400, &much, 7), 0, 0);
}

static void a_lesson_is_added(void **state)
{
    (void)state;
    struct idem_profile *anchor = typed(OWNER, 1, ANCHOR_KEYS), *profile = copy(anchor);
    struct idem_profile *lesson = typed(OWNER, 2, 100);
    struct idem_adapt_day learned = {-1, 0};
    assert_int_equal(fold(&open_rules, anchor, lesson, 5, profile, &learned), IDEM_ADAPT_LEARNED);
    assert_sum(profile, anchor, lesson, 1);
    assert_int_equal(profile->windows, 20);
    assert_int_equal(learned.day, 5);
    assert_float_equal(learned.strokes, (double)lesson->strokes, 1e-3);
    idem_profile_free(anchor);
    idem_profile_free(profile);
    idem_profile_free(lesson);
}

static void an_empty_lesson_teaches_nothing(void **state)
{
    (void)state;
    struct idem_profile *anchor = typed(OWNER, 1, ANCHOR_KEYS), *profile = copy(anchor);
    struct idem_profile *lesson = empty();
    struct idem_adapt_day learned = {3, 4};
    assert_int_equal(fold(&open_rules, anchor, lesson, 5, profile, &learned), IDEM_ADAPT_NOTHING);
    assert_int_equal(learned.day, 3);
    idem_profile_free(anchor);
    idem_profile_free(profile);
    idem_profile_free(lesson);
}

static void a_long_lesson_is_scaled_to_the_share(void **state)
{
    (void)state;
    struct idem_profile *anchor = typed(OWNER, 1, ANCHOR_KEYS), *profile = copy(anchor);
    struct idem_profile *lesson = typed(OWNER, 2, ANCHOR_KEYS);
    struct idem_adapt_day learned = {-1, 0};
    struct idem_adapt_rules rules = open_rules;
    rules.per_day = 0.25;
    assert_int_equal(fold(&rules, anchor, lesson, 1, profile, &learned), IDEM_ADAPT_LEARNED);
    assert_sum(profile, anchor, lesson, 0.25 * (double)(anchor->strokes / lesson->strokes));
    /* the profile has grown, and with it the share: 0.25 x 500 - 100 are left */
    assert_float_equal(idem_adapt_left(&rules, (double)profile->strokes, &learned, 1), 25, 0.5);
    assert_int_equal(fold(&rules, anchor, lesson, 1, profile, &learned), IDEM_ADAPT_LEARNED);
    for (int i = 0; i < 20; i++)
        fold(&rules, anchor, lesson, 1, profile, &learned);
    assert_true((double)profile->strokes < 1.34 * (double)anchor->strokes); /* 1 / (1 - 0.25) */
    idem_profile_free(anchor);
    idem_profile_free(profile);
    idem_profile_free(lesson);
}

/* ------------------------------------------------------------------ forgetting */

static void what_was_learned_halves_and_the_anchor_stays(void **state)
{
    (void)state;
    struct idem_profile *anchor = typed(OWNER, 1, ANCHOR_KEYS), *profile = copy(anchor);
    struct idem_profile *lesson = typed(OWNER, 2, 100), *small = typed(OWNER, 3, 25);
    struct idem_adapt_day learned = {-1, 0};
    struct idem_adapt_rules rules = open_rules;
    rules.half_life_days = 1;
    fold(&rules, anchor, lesson, 1, profile, &learned);
    assert_sum(profile, anchor, lesson, 1);
    fold(&rules, anchor, small, 1, profile, &learned); /* the same day: nothing fades */
    struct idem_profile *both = copy(lesson);
    idem_profile_merge(both, small);
    assert_sum(profile, anchor, both, 1);
    fold(&rules, anchor, small, 9, profile, &learned); /* eight days later: one active day */
    idem_profile_discount(both, 0.5);
    idem_profile_merge(both, small);
    assert_sum(profile, anchor, both, 1);
    idem_profile_free(anchor);
    idem_profile_free(profile);
    idem_profile_free(lesson);
    idem_profile_free(small);
    idem_profile_free(both);
}

static void the_anchor_keeps_its_share(void **state)
{
    (void)state;
    struct idem_profile *anchor = typed(OWNER, 1, ANCHOR_KEYS), *profile = copy(anchor);
    struct idem_profile *lesson = typed(OWNER, 2, 2000);
    struct idem_adapt_day learned = {-1, 0};
    struct idem_adapt_rules rules = open_rules;
    rules.learned_most = 2;
    for (int day = 1; day <= 5; day++)
        fold(&rules, anchor, lesson, day, profile, &learned);
    assert_float_equal(profile->strokes, 3 * anchor->strokes, 0.5f);
    rules.strokes_most = 1.5 * (double)anchor->strokes;
    fold(&rules, anchor, lesson, 6, profile, &learned);
    assert_float_equal(profile->strokes, 1.5f * anchor->strokes, 0.5f);
    rules.strokes_most = 10; /* less than the anchor, which stays whole */
    fold(&rules, anchor, lesson, 7, profile, &learned);
    assert_sum(profile, anchor, lesson, 0);
    idem_profile_free(anchor);
    idem_profile_free(profile);
    idem_profile_free(lesson);
}

/* ------------------------------------------------------------------ the bound */

static void an_impostors_lesson_is_refused(void **state)
{
    (void)state;
    struct idem_profile *anchor = typed(OWNER, 1, ANCHOR_KEYS), *profile = copy(anchor);
    struct idem_profile *own = typed(OWNER, 2, 75), *other = typed(IMPOSTOR, 3, 75);
    const struct idem_adapt_rules rules = idem_adapt_defaults(IDEM_KEYBOARD);
    struct idem_adapt_day learned = {-1, 0};
    assert_int_equal(fold(&rules, anchor, other, 1, profile, &learned), IDEM_ADAPT_REFUSED);
    assert_sum(profile, anchor, other, 0);
    assert_int_equal(profile->windows, anchor->windows);
    assert_int_equal(learned.day, -1);
    assert_int_equal(fold(&rules, anchor, own, 1, profile, &learned), IDEM_ADAPT_LEARNED);
    idem_profile_free(anchor);
    idem_profile_free(profile);
    idem_profile_free(own);
    idem_profile_free(other);
}

/* It is the sum of all lessons that is measured, not the newest one alone. */
static void the_bound_looks_at_everything_learned(void **state)
{
    (void)state;
    struct idem_profile *anchor = typed(OWNER, 1, ANCHOR_KEYS), *profile = copy(anchor);
    struct idem_profile *other = typed(IMPOSTOR, 3, 800), *own = typed(OWNER, 2, 25);
    struct idem_adapt_day learned = {-1, 0};
    struct idem_adapt_rules rules = open_rules;
    fold(&rules, anchor, other, 1, profile, &learned);
    rules.bound = 0.25;
    assert_int_equal(fold(&rules, anchor, own, 2, profile, &learned), IDEM_ADAPT_REFUSED);
    idem_profile_free(anchor);
    idem_profile_free(profile);
    idem_profile_free(other);
    idem_profile_free(own);
}

static void drift_is_nought_for_the_anchor_itself(void **state)
{
    (void)state;
    struct idem_profile *anchor = typed(OWNER, 1, ANCHOR_KEYS), *none = empty();
    struct idem_adapt_drift d = idem_adapt_drift(scorer, anchor, anchor);
    const struct idem_adapt_rules rules = idem_adapt_defaults(IDEM_KEYBOARD);
    assert_true(d.attainable > 1);
    assert_float_equal(d.llr, d.attainable, 1e-3);
    assert_false(idem_adapt_beyond(&rules, d));
    d = idem_adapt_drift(scorer, anchor, none);
    assert_true(isfinite(d.llr) && isfinite(d.attainable));
    const struct idem_adapt_rules known = {.bound = 0.25, .slack = 2};
    assert_true(idem_adapt_beyond(&known, (struct idem_adapt_drift){2.9, 20, true}));
    assert_false(idem_adapt_beyond(&known, (struct idem_adapt_drift){3.1, 20, true}));
    assert_true(idem_adapt_beyond(&known, (struct idem_adapt_drift){-9, 0, true}));
    assert_true(idem_adapt_beyond(&known, (struct idem_adapt_drift){-9, -40, true}));
    assert_false(idem_adapt_beyond(&known, (struct idem_adapt_drift){-1, -1, true}));
    assert_false(idem_adapt_beyond(&open_rules, (struct idem_adapt_drift){-100, 4, true}));
    idem_profile_free(anchor);
    idem_profile_free(none);
}

/* Nothing vouches for it: too few strokes, none in a cell that the anchor knows, or no number. */
static void a_lesson_that_cannot_be_judged_is_refused(void **state)
{
    (void)state;
    struct idem_profile *anchor = typed(OWNER, 1, ANCHOR_KEYS), *profile = copy(anchor);
    struct idem_profile *few = typed(OWNER, 2, 25), *odd = typed(OWNER, 2, 100), *none = empty();
    struct idem_profile *unknown = copy(anchor);
    struct idem_adapt_rules rules = idem_adapt_defaults(IDEM_KEYBOARD);
    struct idem_adapt_day learned = {-1, 0};
    rules.per_day = 1;
    idem_profile_discount(few, 0.2);
    assert_int_equal(fold(&rules, anchor, few, 1, profile, &learned), IDEM_ADAPT_REFUSED);
    odd->stats[odd->shape.cells] = NAN;
    assert_int_equal(fold(&rules, anchor, odd, 1, profile, &learned), IDEM_ADAPT_REFUSED);
    memset(unknown->stats, 0, idem_shape_len(unknown->shape) * sizeof *unknown->stats);
    assert_int_equal(fold(&rules, unknown, anchor, 1, profile, &learned), IDEM_ADAPT_REFUSED);
    assert_sum(profile, anchor, none, 0);
    assert_false(idem_adapt_drift(scorer, anchor, none).sufficient);
    const struct idem_adapt_drift bad[] = {{9, 20, false}, {NAN, 20, true}, {9, INFINITY, true}};
    for (int i = 0; i < 3; i++)
        assert_true(idem_adapt_beyond(&rules, bad[i]));
    idem_profile_free(anchor);
    idem_profile_free(profile);
    idem_profile_free(few);
    idem_profile_free(odd);
    idem_profile_free(none);
    idem_profile_free(unknown);
}

static double llr(const struct idem_profile *profile, const struct idem_profile *probe)
{
    const float *stats = probe->stats;
    double raw;
    idem_scorer_raw(scorer, profile, &stats, 1, &raw);
    return idem_scorer_finish(scorer, profile, raw, (double)probe->strokes).unbounded;
}

/* Forty days of lessons that hold as much of the impostor as goes through; his probe, after it. */
static double walked(const struct idem_adapt_rules *rules)
{
    struct idem_profile *anchor = typed(OWNER, 1, ANCHOR_KEYS), *profile = copy(anchor);
    struct idem_profile *probe = typed(IMPOSTOR, 99, 100);
    struct idem_adapt_day learned = {-1, 0};
    for (int day = 1; day <= 40; day++) {
        struct idem_profile *own = typed(OWNER, 100 + (uint64_t)day, 200);
        struct idem_profile *his = typed(IMPOSTOR, 200 + (uint64_t)day, 200);
        for (int step = 20; step > 0; step--) {
            struct idem_profile *mix = copy(own);
            for (size_t i = 0; i < idem_shape_len(mix->shape); i++)
                mix->stats[i] += 0.05f * (float)step * (his->stats[i] - own->stats[i]);
            bool through = llr(profile, mix) >= 0 &&
                           fold(rules, anchor, mix, day, profile, &learned) == IDEM_ADAPT_LEARNED;
            idem_profile_free(mix);
            if (through)
                break;
        }
        idem_profile_free(own);
        idem_profile_free(his);
    }
    double score = llr(profile, probe);
    idem_profile_free(anchor);
    idem_profile_free(profile);
    idem_profile_free(probe);
    return score;
}

static void a_patient_impostor_walks_over_only_without_the_bound(void **state)
{
    (void)state;
    struct idem_adapt_rules rules = idem_adapt_defaults(IDEM_KEYBOARD);
    assert_true(walked(&rules) < 0);
    rules.bound = -INFINITY;
    assert_true(walked(&rules) > 0);
}

/* ------------------------------------------------------------------ warm starts, misuse */

static void a_warm_start_is_capped(void **state)
{
    (void)state;
    struct idem_profile *other = typed(OWNER, 1, 400), *warm = empty(), *little = empty();
    assert_int_equal(idem_adapt_warm_start(other, 100, warm), 0);
    assert_sum(warm, little, other, 0.25);
    assert_int_equal(idem_adapt_warm_start(warm, 1000, little), 0); /* never more than there is */
    assert_float_equal(little->strokes, 100, 0.01f);
    assert_int_equal(idem_adapt_warm_start(other, -1, warm), IDEM_ERR_INVALID);
    assert_int_equal(idem_adapt_warm_start(other, NAN, warm), IDEM_ERR_INVALID);
    idem_profile_free(other);
    idem_profile_free(warm);
    idem_profile_free(little);
}

static void a_profile_is_its_own_anchor_up_to_a_size(void **state)
{
    (void)state;
    struct idem_profile *profile = typed(OWNER, 1, 400), *anchor = empty(), *none = empty();
    struct idem_adapt_rules rules = idem_adapt_defaults(IDEM_KEYBOARD);
    assert_int_equal(idem_adapt_anchor(&rules, profile, anchor), 0);
    assert_sum(anchor, profile, none, 0);
    idem_profile_free(anchor);
    anchor = empty();
    rules.strokes_most = 400;
    rules.learned_most = 3;
    assert_int_equal(idem_adapt_anchor(&rules, profile, anchor), 0);
    assert_sum(anchor, none, profile, 0.25);
    idem_profile_free(profile);
    idem_profile_free(anchor);
    idem_profile_free(none);
}

static void other_fronts_are_refused(void **state)
{
    (void)state;
    struct idem_profile *anchor = typed(OWNER, 1, 100), *profile = copy(anchor);
    struct idem_profile *alien = copy(anchor);
    struct idem_adapt_day learned = {-1, 0};
    enum idem_adapt_verdict verdict;
    alien->front_id++;
    assert_int_equal(
        idem_adapt_fold(&open_rules, scorer, anchor, alien, 1, profile, &learned, &verdict, NULL),
        IDEM_ERR_MISMATCH);
    assert_int_equal(
        idem_adapt_fold(&open_rules, scorer, alien, anchor, 1, profile, &learned, &verdict, NULL),
        IDEM_ERR_MISMATCH);
    assert_int_equal(idem_adapt_warm_start(alien, 10, profile), IDEM_ERR_MISMATCH);
    idem_profile_free(anchor);
    idem_profile_free(profile);
    idem_profile_free(alien);
}

static int set_up(void **state)
{
    (void)state;
    pop = people_population(40, 1500);
    return idem_scorer_new(pop, &scorer);
}

static int tear_down(void **state)
{
    (void)state;
    idem_scorer_free(scorer);
    idem_population_free(pop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_begin_at_midnight),
        cmocka_unit_test(a_day_teaches_its_share),
        cmocka_unit_test(a_lesson_is_added),
        cmocka_unit_test(an_empty_lesson_teaches_nothing),
        cmocka_unit_test(a_long_lesson_is_scaled_to_the_share),
        cmocka_unit_test(what_was_learned_halves_and_the_anchor_stays),
        cmocka_unit_test(the_anchor_keeps_its_share),
        cmocka_unit_test(an_impostors_lesson_is_refused),
        cmocka_unit_test(the_bound_looks_at_everything_learned),
        cmocka_unit_test(drift_is_nought_for_the_anchor_itself),
        cmocka_unit_test(a_lesson_that_cannot_be_judged_is_refused),
        cmocka_unit_test(a_patient_impostor_walks_over_only_without_the_bound),
        cmocka_unit_test(a_warm_start_is_capped),
        cmocka_unit_test(a_profile_is_its_own_anchor_up_to_a_size),
        cmocka_unit_test(other_fronts_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
