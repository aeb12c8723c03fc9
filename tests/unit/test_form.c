/* SPDX-License-Identifier: Apache-2.0 */
/* test_form.c - typed windows are sound; sums made of other sums, of bins or of counts are not. */
#include "people.h"

#include "model/form.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 100, WINDOWS = 40 };

static struct idem_front *front;
static struct idem_window *typed[WINDOWS], *made;

static int make_world(void **state)
{
    struct person person;
    (void)state;
    front = people_front(20, 1000);
    assert_int_equal(idem_front_seal(front), 0);
    person_draw(&person, 7);
    struct typist typist = typist_new(&person, 70);
    for (int i = 0; i < WINDOWS; i++)
        typed[i] = typist_window(&typist, front, KEYS);
    return idem_window_new(front, IDEM_KEYBOARD, &made);
}

static int end_world(void **state)
{
    (void)state;
    for (int i = 0; i < WINDOWS; i++)
        idem_window_free(typed[i]);
    idem_window_free(made);
    idem_front_free(front);
    return 0;
}

static enum idem_form_fault fault_of(const struct idem_window *w)
{
    struct idem_form form;
    idem_form_read(front, w, &form);
    return idem_form_fault(&form);
}

/* Files times of one cell into an empty window. */
static void file(uint32_t cell, const float *ms, int count)
{
    float *stats = calloc(idem_shape_len(made->shape), sizeof *stats);
    for (int i = 0; i < count; i++)
        idem_front_file(front, front->slot[cell], ms[i], stats);
    assert_int_equal(idem_window_fill(made, stats, KEYS, 0), 0);
    free(stats);
}

static uint32_t bent(void)
{
    struct idem_form form;
    idem_form_read(front, made, &form);
    assert_int_equal(form.thin, 1);
    return form.bent;
}

static void typing_is_sound(void **state)
{
    (void)state;
    for (int i = 0; i < WINDOWS; i++)
        assert_int_equal(fault_of(typed[i]), IDEM_FORM_SOUND);
}

static void counts_below_edges(void **state)
{
    double below[IDEM_EDGES];
    const float *edges = front->edges;
    const float ms[2] = {edges[1] + 3, edges[4] - 2};
    (void)state;
    file(0, ms, 2);
    idem_form_below(made->n[0], made->sums, below);
    for (int e = 0; e < IDEM_EDGES; e++) {
        const float want = idem_blur_below(edges[e] - ms[0]) + idem_blur_below(edges[e] - ms[1]);
        assert_true(fabs(below[e] - (double)want) < 0.01);
    }
}

/* Every single time and every pair, in every cell, wherever it falls between the edges. */
static void one_and_two_times_are_straight(void **state)
{
    struct idem_rng rng;
    (void)state;
    idem_rng_seed(&rng, 5);
    for (uint32_t c = 0; c < front->cells; c++)
        for (int i = 0; i < 200; i++) {
            const float *e = front->edges + (size_t)c * IDEM_EDGES;
            const float from = e[0] - 40, width = e[IDEM_EDGES - 1] + 40 - from;
            const float ms[2] = {from + width * (float)idem_rng_uniform(&rng),
                                 from + width * (float)idem_rng_uniform(&rng)};
            file(c, ms, 1);
            assert_int_equal(bent(), 0);
            file(c, ms, 2);
            assert_int_equal(bent(), 0);
        }
}

static void the_mean_of_two_times_is_bent(void **state)
{
    const float *e = front->edges;
    const float ms[2] = {e[0], e[IDEM_EDGES - 1]};
    (void)state;
    file(0, ms, 2);
    made->n[0] /= 2;
    for (int k = 0; k < IDEM_CONTRASTS; k++)
        made->sums[k] /= 2;
    assert_int_equal(bent(), 1);
}

static void the_mean_of_four_times_in_two_is_bent(void **state)
{
    const float *e = front->edges;
    const float ms[4] = {e[0] - 40, e[0] + 20, e[IDEM_EDGES - 1] - 20, e[IDEM_EDGES - 1] + 40};
    (void)state;
    file(0, ms, 4);
    made->n[0] /= 2;
    for (int k = 0; k < IDEM_CONTRASTS; k++)
        made->sums[k] /= 2;
    assert_int_equal(bent(), 1);
}

static void averages_of_windows_are_bent(void **state)
{
    const size_t len = idem_shape_len(made->shape);
    int found = 0, tries = 0;
    (void)state;
    for (int i = 0; i + 5 <= WINDOWS; i += 5, tries++) {
        float *stats = calloc(len, sizeof *stats);
        for (int k = 0; k < 5; k++)
            idem_window_add_to(typed[i + k], 0.2f, stats);
        for (uint32_t c = 0; c < made->shape.cells; c++)
            stats[c] = rintf(stats[c]);
        assert_int_equal(idem_window_fill(made, stats, KEYS, 0), 0);
        found += fault_of(made) == IDEM_FORM_BENT;
        free(stats);
    }
    assert_true(found == tries);
}

/* The times of a hold cell replaced by bins: the counts below each edge are whole. */
static void whole_counts_are_found(void **state)
{
    (void)state;
    memcpy(made->n, typed[0]->n, idem_shape_len(made->shape) * sizeof made->n[0]);
    for (uint32_t c = 0; c < front->cells; c++) {
        int32_t *f = made->sums + (size_t)c * IDEM_CONTRASTS;
        if (front->slot[c] >= front->zoning.holds || made->n[c] < IDEM_FORM_FULL * IDEM_GRID)
            continue;
        assert_int_equal(fault_of(made), IDEM_FORM_SOUND);
        for (int k = 0; k < IDEM_CONTRASTS; k++) /* all in the last bin */
            f[k] = (int32_t)lrintf((float)made->n[c] * idem_contrast_last[k]);
    }
    assert_int_equal(fault_of(made), IDEM_FORM_WHOLES);
}

/* Flights out of one zone become flights out of another: they no longer meet. */
static void a_broken_path_is_found(void **state)
{
    (void)state;
    memcpy(made->n, typed[0]->n, idem_shape_len(made->shape) * sizeof made->n[0]);
    for (uint32_t c = 0; c < front->cells; c++) {
        const uint32_t pair = front->slot[c] - front->zoning.holds;
        if (front->slot[c] < front->zoning.holds || pair % front->zoning.flights != 1)
            continue;
        made->n[c] += 12 * IDEM_GRID; /* twelve more arrive in a zone, and none leaves it */
        break;
    }
    struct idem_form form;
    idem_form_read(front, made, &form);
    assert_true(form.loose > IDEM_FORM_SLACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typing_is_sound),
        cmocka_unit_test(counts_below_edges),
        cmocka_unit_test(one_and_two_times_are_straight),
        cmocka_unit_test(the_mean_of_two_times_is_bent),
        cmocka_unit_test(the_mean_of_four_times_in_two_is_bent),
        cmocka_unit_test(averages_of_windows_are_bent),
        cmocka_unit_test(whole_counts_are_found),
        cmocka_unit_test(a_broken_path_is_found),
    };
    return cmocka_run_group_tests(tests, make_world, end_world);
}
