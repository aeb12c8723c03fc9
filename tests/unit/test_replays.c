/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_replays.c - the evaluation's windows are the collector's; near bits differ as often as the
 * formula says that the false alarms are computed from; what a bit tells.
 */
#include "people.h"

#include "eval/replays.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 100, WINDOWS = 60 };

static const uint8_t key[IDEM_SIPHASH_KEY] = "sixteen bytes of";

static struct idem_front *front;
static struct idem_window *typed[WINDOWS];

static int make_world(void **state)
{
    struct person person;
    (void)state;
    front = people_front(20, 1000);
    assert_int_equal(idem_front_seal(front), 0);
    person_draw(&person, 21);
    struct typist typist = typist_new(&person, 210);
    for (int i = 0; i < WINDOWS; i++)
        typed[i] = typist_window(&typist, front, KEYS);
    return 0;
}

static int end_world(void **state)
{
    (void)state;
    for (int i = 0; i < WINDOWS; i++)
        idem_window_free(typed[i]);
    idem_front_free(front);
    return 0;
}

/* Moves every sum of a window at random, and tells how far in the measure of imprint.h. */
static double move(const struct idem_window *w, double by, struct idem_rng *rng, int32_t *sums)
{
    double square = 0;
    for (uint32_t c = 0; c < w->shape.cells; c++) {
        const double root = sqrt((double)IDEM_GRID * w->n[c]);
        for (size_t k = (size_t)c * IDEM_CONTRASTS; k < (size_t)(c + 1) * IDEM_CONTRASTS; k++) {
            sums[k] = w->sums[k] + (int32_t)lrint(by * root * idem_rng_normal(rng));
            const double off = w->n[c] > 0 ? (sums[k] - w->sums[k]) / root : 0;
            square += off * off;
        }
    }
    return sqrt(square);
}

static void bits_differ_as_the_formula_says(void **state)
{
    static const double by[] = {0.02, 0.1, 0.2, 0.4, 0.8};
    const size_t dims = idem_shape_dims(typed[0]->shape);
    struct idem_imprinter *imprinter;
    struct idem_rng rng;
    int32_t *sums = calloc(dims, sizeof *sums);
    (void)state;
    assert_int_equal(idem_imprinter_new(front, IDEM_KEYBOARD, key, &imprinter), 0);
    idem_rng_seed(&rng, 3);
    for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
        double bits = 0, expected = 0;
        for (int w = 0; w < WINDOWS; w++) {
            uint64_t a[IDEM_NEAR_WORDS], b[IDEM_NEAR_WORDS];
            const double d = move(typed[w], by[i], &rng, sums);
            idem_imprint_near(imprinter, typed[w]->n, typed[w]->sums, a);
            idem_imprint_near(imprinter, typed[w]->n, sums, b);
            bits += idem_near_apart(a, b);
            expected += IDEM_NEAR_BITS * idem_distance_bit(d);
        }
        assert_true(fabs(bits - expected) < 0.05 * expected + WINDOWS);
    }
    idem_imprinter_free(imprinter);
    free(sums);
}

static void tails_are_binomial(void **state)
{
    (void)state;
    assert_true(idem_distance_bit(0) < 0.01 && idem_distance_bit(100) > 0.4999);
    for (double d = 0.5; d < 20; d += 0.5)
        assert_true(idem_distance_agree(d) >= idem_distance_agree(d + 0.5));
    assert_true(idem_distance_agree(0.6) > 0.9999);
    /* Of 256 coins 48 or fewer: 3.2e-25. */
    assert_true(fabs(log10(idem_distance_agree(100)) - log10(3.2e-25)) < 0.01);
}

static void a_folded_bit_tells_little(void **state)
{
    (void)state;
    assert_true(idem_distance_tells(IDEM_NEAR_STEP) < 0.001);
    assert_true(idem_distance_tells(0.6 * IDEM_NEAR_STEP) < 0.09);
}

/* Any two of some windows. */
static void distances_are_of_all_pairs(void **state)
{
    struct idem_distances d = {0};
    struct idem_window *twice[3] = {typed[0], typed[1], typed[0]};
    (void)state;
    assert_int_equal(idem_distances_add(twice, 3, &d), 0);
    assert_int_equal(d.pairs, 3);
    assert_true(d.list[0] > 5 && d.list[1] == 0 && d.list[2] == d.list[0]);
    idem_distances_fini(&d);
}

/* Measurements drawn along a path make windows that a decoder takes and typing could have made. */
static void drawn_windows_are_windows(void **state)
{
    float *stats = calloc(idem_shape_len(typed[0]->shape), sizeof *stats);
    struct idem_drawer d = {front, stats};
    struct idem_obs obs[2 * KEYS];
    struct idem_window *w;
    struct idem_rng rng;
    (void)state;
    for (int i = 0; i < WINDOWS; i++)
        idem_window_add_to(typed[i], 1, stats);
    assert_int_equal(idem_window_new(front, IDEM_KEYBOARD, &w), 0);
    idem_rng_seed(&rng, 4);
    for (int i = 0; i < 20; i++) {
        struct idem_form form;
        const uint32_t n = idem_draw_path(&d, KEYS, &rng, obs);
        assert_in_range(n, 2 * KEYS - 20, 2 * KEYS);
        assert_int_equal(idem_typing_window(front, obs, n, KEYS, w), 0);
        idem_form_read(front, w, &form);
        assert_int_equal(idem_form_fault(&form), IDEM_FORM_SOUND);
    }
    idem_window_free(w);
    free(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_differ_as_the_formula_says),
        cmocka_unit_test(tails_are_binomial),
        cmocka_unit_test(a_folded_bit_tells_little),
        cmocka_unit_test(distances_are_of_all_pairs),
        cmocka_unit_test(drawn_windows_are_windows),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
