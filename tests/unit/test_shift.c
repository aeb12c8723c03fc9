/* SPDX-License-Identifier: Apache-2.0 */
/* test_shift.c - common shifts of holds and flights: found, taken out, carried over. */
#include "model/shift.h"

#include "people.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { OWNER = 101, OTHER = 119 };

static struct idem_population *pop;
static struct idem_scorer *scorer;
static uint8_t groups[IDEM_CELLS_MAX];

static struct idem_profile *typed(const struct person *who, uint64_t seed, uint32_t keys)
{
    return people_profile(pop->front, who, seed, keys);
}

/* A keyboard whose keys travel further: every hold longer by so many log units. */
static struct person at_another_keyboard(uint64_t seed, double longer)
{
    struct person p;
    person_draw(&p, seed);
    for (int i = 0; i < PEOPLE_HOLDS; i++)
        p.hold[i] += longer;
    return p;
}

static double llr(const struct idem_profile *profile, const struct idem_profile *probe)
{
    const float *stats = probe->stats;
    double raw;
    idem_scorer_raw(scorer, profile, &stats, 1, &raw);
    return idem_scorer_finish(scorer, profile, raw, (double)probe->strokes).unbounded;
}

static void cells_have_the_hand_that_types_them(void **state)
{
    (void)state;
    const struct idem_zoning *z = &pop->front->zoning;
    const struct {
        uint32_t key, group;
    } holds[] = {{30, IDEM_SHIFT_HOLD_LEFT},   /* a */
                 {36, IDEM_SHIFT_HOLD_RIGHT},  /* j */
                 {57, IDEM_SHIFT_HOLD_OTHER}}; /* space */
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++) {
        int32_t c = pop->front->cell_of_slot[idem_slot_hold(z, holds[i].key)];
        assert_true(c >= 0);
        assert_int_equal(groups[c], holds[i].group);
        c = pop->front->cell_of_slot[idem_slot_flight(z, 30, holds[i].key)];
        assert_true(c >= 0); /* from a towards the key */
        assert_int_equal(groups[c], IDEM_SHIFT_FLIGHT_LEFT + holds[i].group);
    }
}

static void a_shift_put_in_is_found_and_taken_out(void **state)
{
    (void)state;
    struct person who;
    person_draw(&who, OWNER);
    struct idem_profile *profile = typed(&who, 1, 1000), *probe = typed(&who, 2, 500);
    struct idem_profile *before = typed(&who, 2, 500);
    const double put[IDEM_SHIFTS] = {-0.5, 0.3, 0, 0.4, 0, -0.2};
    const uint32_t cells = pop->front->cells;
    struct idem_shifts plain, found, plus, minus;
    idem_shift_estimate(groups, profile, probe->stats, &plain);
    for (int g = 0; g < IDEM_SHIFTS; g++) {
        for (int k = 0; k < IDEM_CONTRASTS; k++) {
            plus.by[g][k] = put[g] / (k + 1); /* of every contrast another */
            minus.by[g][k] = -plus.by[g][k];
        }
    }
    idem_shift_remove(groups, cells, &minus, probe->stats);
    idem_shift_estimate(groups, profile, probe->stats, &found);
    for (int g = 0; g < IDEM_SHIFTS; g++) {
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            assert_float_equal(found.by[g][k] - plain.by[g][k], plus.by[g][k], 0.05);
    }
    idem_shift_remove(groups, cells, &plus, probe->stats);
    for (size_t i = 0; i < idem_shape_len(probe->shape); i++)
        assert_float_equal(probe->stats[i], before->stats[i], 1e-3f);
    idem_profile_free(profile);
    idem_profile_free(probe);
    idem_profile_free(before);
}

/* Two cells by hand: of 2 and 4 strokes, so a shift of 1.5 takes 3 and 6 from the sums. */
static void every_stroke_is_shifted(void **state)
{
    (void)state;
    const uint8_t group[2] = {IDEM_SHIFT_HOLD_LEFT, IDEM_SHIFT_FLIGHT_OTHER};
    struct idem_shifts shifts = {0};
    float stats[2 * (1 + IDEM_CONTRASTS)] = {2, 4};
    shifts.by[IDEM_SHIFT_HOLD_LEFT][0] = 1.5;
    shifts.by[IDEM_SHIFT_FLIGHT_OTHER][5] = 1.5;
    idem_shift_remove(group, 2, &shifts, stats);
    for (int i = 2; i < 2 * (1 + IDEM_CONTRASTS); i++)
        assert_float_equal(stats[i], i == 2 ? -3 : i == 2 + IDEM_CONTRASTS + 5 ? -6 : 0, 0);
    assert_float_equal(stats[0], 2, 0);
    assert_float_equal(stats[1], 4, 0);
}

static void cells_that_only_one_side_knows_say_nothing(void **state)
{
    (void)state;
    struct idem_profile *none;
    struct person who;
    person_draw(&who, OWNER);
    assert_int_equal(idem_profile_new(pop->front, IDEM_KEYBOARD, &none), 0);
    struct idem_profile *probe = typed(&who, 2, 100);
    struct idem_shifts shifts;
    idem_shift_estimate(groups, none, probe->stats, &shifts);
    for (int g = 0; g < IDEM_SHIFTS; g++) {
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            assert_float_equal(shifts.by[g][k], 0, 0);
    }
    idem_profile_free(none);
    idem_profile_free(probe);
}

static void a_new_keyboard_is_told_from_somebody_else(void **state)
{
    (void)state;
    struct person who, other, moved = at_another_keyboard(OWNER, 0.25);
    person_draw(&who, OWNER);
    person_draw(&other, OTHER);
    struct idem_profile *profile = typed(&who, 1, 1000), *same = typed(&who, 2, 200);
    struct idem_profile *shifted = typed(&moved, 3, 200), *alien = typed(&other, 4, 200);
    assert_true(llr(profile, shifted) < -5);
    assert_true(llr(profile, alien) < -5);
    assert_true(idem_shift_llr(scorer, groups, profile, shifted->stats, 200) >= IDEM_SHIFT_ASK_LLR);
    assert_true(idem_shift_llr(scorer, groups, profile, same->stats, 200) >= IDEM_SHIFT_ASK_LLR);
    assert_true(idem_shift_llr(scorer, groups, profile, alien->stats, 200) < IDEM_SHIFT_ASK_LLR);
    idem_profile_free(profile);
    idem_profile_free(same);
    idem_profile_free(shifted);
    idem_profile_free(alien);
}

static void what_is_carried_over_fits_the_new_keyboard(void **state)
{
    (void)state;
    struct person who, moved = at_another_keyboard(OWNER, 0.25);
    person_draw(&who, OWNER);
    struct idem_profile *old = typed(&who, 1, 1000), *own = typed(&moved, 2, 75);
    struct idem_profile *raw = typed(&moved, 2, 75), *warm = typed(&moved, 2, 75), *empty;
    struct idem_profile *probe = typed(&moved, 3, 200);
    assert_int_equal(idem_shift_carry_over(pop->front, old, 100, warm), 0);
    assert_float_equal(warm->strokes, own->strokes + 100, 0.1f);
    assert_int_equal(idem_adapt_warm_start(old, 100, raw), 0);
    assert_true(llr(warm, probe) > llr(raw, probe) + 1);
    assert_true(llr(warm, probe) > llr(own, probe));
    assert_int_equal(idem_profile_new(pop->front, IDEM_KEYBOARD, &empty), 0);
    assert_int_equal(idem_shift_carry_over(pop->front, old, 100, empty), 0);
    assert_float_equal(empty->strokes, 0, 0); /* nothing to fit it to */
    empty->front_id++;
    assert_int_equal(idem_shift_carry_over(pop->front, old, 100, empty), IDEM_ERR_MISMATCH);
    idem_profile_free(old);
    idem_profile_free(own);
    idem_profile_free(raw);
    idem_profile_free(warm);
    idem_profile_free(probe);
    idem_profile_free(empty);
}

static int set_up(void **state)
{
    (void)state;
    pop = people_population(40, 1500);
    idem_shift_groups(pop->front, groups);
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
        cmocka_unit_test(cells_have_the_hand_that_types_them),
        cmocka_unit_test(a_shift_put_in_is_found_and_taken_out),
        cmocka_unit_test(every_stroke_is_shifted),
        cmocka_unit_test(cells_that_only_one_side_knows_say_nothing),
        cmocka_unit_test(a_new_keyboard_is_told_from_somebody_else),
        cmocka_unit_test(what_is_carried_over_fits_the_new_keyboard),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
