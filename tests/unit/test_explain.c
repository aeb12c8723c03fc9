/* SPDX-License-Identifier: Apache-2.0 */
/* test_explain.c - the sentences name what differs, by how much and in which direction. */
#include "people.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RING = 1, REASONS = 8 }; /* RING: the left ring finger's zone */

static struct idem_population *pop;
static const struct idem_front *front;
static struct idem_scorer *scorer;
static struct person average; /* everything as most people do it */

static int setup(void **state)
{
    (void)state;
    pop = people_population(60, 1000);
    front = idem_population_front(pop);
    for (int i = 0; i < PEOPLE_HOLDS; i++)
        average.hold[i] = log(95);
    for (int i = 0; i < PEOPLE_HANDS * PEOPLE_HANDS; i++)
        average.flight[i] = 1.3;
    return idem_scorer_new(pop, &scorer);
}

static int teardown(void **state)
{
    (void)state;
    idem_scorer_free(scorer);
    idem_population_free(pop);
    return 0;
}

static struct person with_ring_hold(double ms)
{
    struct person p = average;
    p.hold[RING] = log(ms);
    return p;
}

/* How the owner's profile explains 400 keys of somebody. */
static int explain(const struct person *owner, const struct person *typist, uint64_t seed,
                   struct idem_reason *out, int max)
{
    struct idem_profile *p = people_profile(front, owner, 2, 2000);
    struct typist t = typist_new(typist, seed);
    struct idem_window *w = typist_window(&t, front, 400);
    int n = idem_explain(scorer, p, w, out, max);
    idem_window_free(w);
    idem_profile_free(p);
    return n;
}

/* The reason about the left ring finger's mean hold; its milliseconds. */
static const struct idem_reason *ring_reason(const struct idem_reason *reasons, int n, double *ms,
                                             char direction[16])
{
    for (int i = 0; i < n; i++) {
        if (sscanf(reasons[i].text, "left ring finger holds %lf ms %15s than usual", ms,
                   direction) == 2)
            return &reasons[i];
    }
    return NULL;
}

static void assert_named(const struct person *owner, const struct person *typist, double ms,
                         const char *direction)
{
    struct idem_reason reasons[REASONS];
    char word[16];
    double got;
    int n = explain(owner, typist, 3, reasons, REASONS);
    const struct idem_reason *ring = ring_reason(reasons, n, &got, word);
    if (ring == NULL)
        fail_msg("the left ring finger is not among %d reasons; first: %s", n,
                 n > 0 ? reasons[0].text : "none");
    assert_ptr_equal(ring, &reasons[0]); /* nothing else differs so much */
    assert_string_equal(word, direction);
    assert_true(ring->llr < -1);
    assert_true(fabs(got - ms) < 0.35 * ms);
}

/* The owner's left ring finger holds long, the stranger's does not. */
static void test_stranger_lacks_what_the_owner_has(void **state)
{
    struct person owner = with_ring_hold(150);
    (void)state;
    assert_named(&owner, &average, 55, "shorter");
}

/*
 * The owner is much like everybody, the stranger's left ring finger holds long. However little the
 * owner lies above or below the average, that speaks against the stranger, never for him.
 */
static void test_stranger_has_what_the_owner_lacks(void **state)
{
    static const double usual[] = {85, 90, 95, 100, 105};
    struct person stranger = with_ring_hold(150);
    (void)state;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        struct person owner = with_ring_hold(usual[i]);
        assert_named(&owner, &stranger, 150 - usual[i], "longer");
    }
}

static void test_opposite_peculiarities(void **state)
{
    struct person owner = with_ring_hold(70), stranger = with_ring_hold(130);
    (void)state;
    assert_named(&owner, &stranger, 60, "longer");
    assert_named(&stranger, &owner, 60, "shorter");
}

/* What is peculiar and there speaks for the owner. */
static void test_owner_is_confirmed(void **state)
{
    struct person owner = with_ring_hold(160);
    struct idem_reason reasons[REASONS];
    int n = explain(&owner, &owner, 4, reasons, REASONS);
    (void)state;
    assert_true(n > 0);
    assert_true(reasons[0].llr > 0);
    assert_int_equal(reasons[0].cell, front->cell_of_slot[RING]);
    assert_non_null(strstr(reasons[0].text, "left ring finger"));
}

static void test_strongest_first_and_at_most_max(void **state)
{
    struct person owner, stranger;
    struct idem_reason all[64], some[64];
    (void)state;
    person_draw(&owner, 400);
    person_draw(&stranger, 401);
    int most = explain(&owner, &stranger, 5, all, 64);
    assert_in_range(most, 5, 64);
    for (int i = 1; i < most; i++)
        assert_true(fabs(all[i - 1].llr) >= fabs(all[i].llr));
    for (int max = 0; max <= most; max++) {
        memset(some, 0x5A, sizeof some);
        assert_int_equal(explain(&owner, &stranger, 5, some, max), max);
        for (int i = 0; i < max; i++) {
            assert_string_equal(some[i].text, all[i].text);
            assert_true(some[i].llr == all[i].llr);
            assert_true(strlen(some[i].text) < IDEM_REASON_TEXT);
            assert_in_range(some[i].cell, 0, front->cells - 1);
        }
        for (size_t k = 0; k < sizeof some[0]; k++) /* not one further is touched */
            assert_int_equal(((unsigned char *)&some[max])[k], 0x5A);
    }
}

static void test_refuses_strangers(void **state)
{
    struct idem_front *other = people_front(20, 500);
    struct idem_profile *p = people_profile(front, &average, 1, 100);
    struct idem_profile *foreign = people_profile(other, &average, 1, 100);
    struct typist t = typist_new(&average, 1);
    struct idem_window *w = typist_window(&t, front, 25), *v = typist_window(&t, other, 25);
    struct idem_reason out[2];
    (void)state;
    assert_int_equal(idem_explain(scorer, foreign, w, out, 2), IDEM_ERR_MISMATCH);
    assert_int_equal(idem_explain(scorer, p, v, out, 2), IDEM_ERR_MISMATCH);
    assert_true(idem_explain(scorer, p, w, out, -1) < 0);
    idem_window_free(w);
    idem_window_free(v);
    idem_profile_free(p);
    idem_profile_free(foreign);
    idem_front_free(other);
}

static void test_an_empty_profile_explains_without_fault(void **state)
{
    struct idem_profile *p = NULL;
    struct typist t = typist_new(&average, 1);
    struct idem_window *w = typist_window(&t, front, 25);
    struct idem_reason out[REASONS];
    (void)state;
    assert_int_equal(idem_profile_new(front, IDEM_KEYBOARD, &p), 0);
    int n = idem_explain(scorer, p, w, out, REASONS);
    assert_in_range(n, 0, REASONS);
    for (int i = 0; i < n; i++)
        assert_true(isfinite(out[i].llr));
    idem_profile_free(p);
    idem_window_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stranger_lacks_what_the_owner_has),
        cmocka_unit_test(test_stranger_has_what_the_owner_lacks),
        cmocka_unit_test(test_opposite_peculiarities),
        cmocka_unit_test(test_owner_is_confirmed),
        cmocka_unit_test(test_strongest_first_and_at_most_max),
        cmocka_unit_test(test_refuses_strangers),
        cmocka_unit_test(test_an_empty_profile_explains_without_fault),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
