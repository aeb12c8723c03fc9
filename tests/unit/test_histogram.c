/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_histogram.c - the contrasts against their formula, the blur against the triangular kernel
 * that it claims to be, and what the blur is for: a coarse clock must not show.
 */
#include "base/rng.h"
#include "model/corpus.h"
#include "window/histogram.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PI 3.14159265358979323846

static const float even[IDEM_EDGES] = {40, 70, 100, 130, 160, 190};

/* phi_k(b), k = 1..6. */
static double phi(int k, int b)
{
    return sqrt(2) * cos(PI * k * (IDEM_BINS - 1 - b + 0.5) / IDEM_BINS);
}

static void contrasts(const float *edges, double ms, double out[IDEM_CONTRASTS])
{
    float sums[IDEM_CONTRASTS] = {0};
    idem_histogram_add(edges, (float)ms, sums);
    for (int k = 0; k < IDEM_CONTRASTS; k++)
        out[k] = (double)sums[k];
}

/* The bins again from their contrasts: the transform's inverse, with its constant of one stroke. */
static void bins(const double c[IDEM_CONTRASTS], double out[IDEM_BINS])
{
    for (int b = 0; b < IDEM_BINS; b++) {
        out[b] = 1;
        for (int k = 1; k <= IDEM_CONTRASTS; k++)
            out[b] += phi(k, b) * c[k - 1];
        out[b] /= IDEM_BINS;
    }
}

static void test_tables_are_the_formula(void **state)
{
    (void)state;
    for (int k = 1; k <= IDEM_CONTRASTS; k++) {
        assert_true(fabs((double)idem_contrast_last[k - 1] - phi(k, IDEM_BINS - 1)) < 1e-6);
        for (int b = 0; b < IDEM_EDGES; b++)
            assert_true(fabs((double)idem_contrast_step[b][k - 1] - phi(k, b) + phi(k, b + 1)) <
                        1e-6);
    }
}

/* What the tables say of a time that lies deep within one bin. */
static void test_contrasts_are_orthonormal(void **state)
{
    static const float wide[IDEM_EDGES] = {100, 200, 300, 400, 500, 600};
    double c[IDEM_BINS][IDEM_CONTRASTS];
    (void)state;
    for (int b = 0; b < IDEM_BINS; b++) {
        contrasts(wide, 50 + 100 * b, c[b]);
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            assert_true(fabs(c[b][k] - phi(k + 1, b)) < 1e-5);
    }
    for (int k = 0; k < IDEM_CONTRASTS; k++) {
        double sum = 0;
        for (int b = 0; b < IDEM_BINS; b++)
            sum += c[b][k];
        assert_true(fabs(sum) < 1e-5);
        for (int l = 0; l < IDEM_CONTRASTS; l++) {
            double product = 0;
            for (int b = 0; b < IDEM_BINS; b++)
                product += c[b][k] * c[b][l] / IDEM_BINS;
            assert_true(fabs(product - (k == l)) < 1e-5);
        }
    }
}

static void test_the_first_contrast_rises_with_the_time(void **state)
{
    double before = -2, c[IDEM_CONTRASTS];
    (void)state;
    for (double ms = -100; ms <= 400; ms += 0.5) {
        contrasts(even, ms, c);
        if (ms > 40 - 15 && ms < 190 + 15)
            assert_true(c[0] > before - 1e-6);
        else
            assert_true(c[0] >= before - 1e-6);
        before = c[0];
    }
    contrasts(even, -100, c);
    assert_true(fabs(c[0] - phi(1, 0)) < 1e-5);
    assert_true(fabs(before - phi(1, 6)) < 1e-5);
}

/* The share of a triangular kernel of half-width 15.6 ms around ms that lies in [from, to). */
static double kernel_share(double ms, double from, double to)
{
    enum { STEPS = 20000 };
    double sum = 0, half = 15.6;
    for (int i = 0; i < STEPS; i++) {
        double d = ((i + 0.5) / STEPS * 2 - 1) * half;
        if (ms + d >= from && ms + d < to)
            sum += (1 - fabs(d) / half) * 2 / STEPS;
    }
    return sum;
}

static void test_bins_are_the_kernels_shares(void **state)
{
    static const float uneven[IDEM_EDGES] = {-20, -5, 2, 31, 33, 90}; /* also narrower than it */
    const float *edges[2] = {even, uneven};
    (void)state;
    for (int set = 0; set < 2; set++) {
        for (double ms = -60; ms <= 220; ms += 7.3) {
            double c[IDEM_CONTRASTS], got[IDEM_BINS], sum = 0;
            contrasts(edges[set], ms, c);
            bins(c, got);
            for (int b = 0; b < IDEM_BINS; b++) {
                double from = b == 0 ? -1e9 : (double)edges[set][b - 1];
                double to = b == IDEM_BINS - 1 ? 1e9 : (double)edges[set][b];
                assert_true(fabs(got[b] - kernel_share(ms, from, to)) < 1e-3);
                sum += got[b];
            }
            assert_true(fabs(sum - 1) < 1e-5);
        }
    }
}

static void test_no_time_leaves_the_bounds(void **state)
{
    static const double extreme[] = {-1e30, -300, 0, 1500, 3000, 1e30};
    double c[IDEM_CONTRASTS];
    (void)state;
    assert_true((double)IDEM_CONTRAST_MAX >= sqrt(2));
    for (double ms = -50; ms < 250; ms += 0.37) {
        contrasts(even, ms, c);
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            assert_true(fabs(c[k]) <= (double)IDEM_CONTRAST_MAX + 1e-6);
    }
    for (size_t i = 0; i < sizeof extreme / sizeof extreme[0]; i++) {
        contrasts(even, extreme[i], c);
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            assert_true(fabs(c[k]) <= (double)IDEM_CONTRAST_MAX + 1e-6);
    }
}

enum { STROKES = 200000 };

/* The same stroke on a clock that ticks every `tick` ms, begun somewhere within a tick. */
static double on_a_clock(double ms, double tick, struct idem_rng *rng)
{
    double press = tick * idem_rng_uniform(rng);
    return tick * floor((press + ms) / tick) - tick * floor(press / tick);
}

struct spread {
    double mean, sd;
};

static double draw(const struct spread *s, struct idem_rng *rng)
{
    return s->mean + s->sd * idem_rng_normal(rng);
}

static int bin_of(const float *edges, double ms)
{
    int b = 0;
    while (b < IDEM_EDGES && ms >= (double)edges[b])
        b++;
    return b;
}

/*
 * Mean contrasts by a fine and by a coarse clock; `blurred` false: the bins are simply counted, as
 * a control that the test would see a clock.
 */
static double seen_of_the_clock(const float *edges, const struct spread *s, double tick,
                                bool blurred)
{
    double fine[IDEM_CONTRASTS] = {0}, coarse[IDEM_CONTRASTS] = {0}, worst = 0;
    struct idem_rng rng;

    idem_rng_seed(&rng, 5);
    for (int i = 0; i < STROKES; i++) {
        double ms = draw(s, &rng), at = on_a_clock(ms, tick, &rng), a[IDEM_CONTRASTS];
        double b[IDEM_CONTRASTS];
        contrasts(edges, ms, a);
        contrasts(edges, at, b);
        for (int k = 0; k < IDEM_CONTRASTS; k++) {
            fine[k] += (blurred ? a[k] : phi(k + 1, bin_of(edges, ms))) / STROKES;
            coarse[k] += (blurred ? b[k] : phi(k + 1, bin_of(edges, at))) / STROKES;
        }
    }
    for (int k = 0; k < IDEM_CONTRASTS; k++)
        worst = fmax(worst, fabs(fine[k] - coarse[k]));
    return worst;
}

static void learn_edges(const struct spread *s, uint64_t seed, float edges[IDEM_EDGES])
{
    struct idem_slot_times *times = calloc(1, sizeof *times);
    struct idem_rng rng;
    idem_rng_seed(&rng, seed);
    for (int i = 0; i < 20000; i++)
        idem_slot_times_add(times, draw(s, &rng));
    idem_slot_times_edges(times, edges);
    free(times);
}

/*
 * Holds and flights of one person, in the bins of a population that spreads wider. What is left is
 * the curvature of the spread within a tick: a variance of tick^2 / 6 more, little beside 25^2.
 */
static void test_a_coarse_clock_does_not_show(void **state)
{
    static const struct spread population = {100, 32}, people[] = {{85, 25}, {100, 25}, {120, 25}};
    static const double ticks[] = {1, 4, 8, 10, 15.6};
    float edges[IDEM_EDGES];
    (void)state;
    learn_edges(&population, 1, edges);
    for (size_t p = 0; p < sizeof people / sizeof people[0]; p++) {
        for (size_t t = 0; t < sizeof ticks / sizeof ticks[0]; t++) {
            double seen = seen_of_the_clock(edges, &people[p], ticks[t], true);
            if (seen > 0.04)
                fail_msg("a clock of %g ms moves a mean contrast by %g", ticks[t], seen);
        }
        assert_true(seen_of_the_clock(edges, &people[p], 15.6, false) > 0.12);
    }
}

/* By brute force: below edge e lie e + 1 sevenths of the blurred times. */
static void assert_sevenths(const double *ms, size_t count, double tolerance)
{
    struct idem_slot_times *times = calloc(1, sizeof *times);
    float edges[IDEM_EDGES];
    for (size_t i = 0; i < count; i++)
        idem_slot_times_add(times, ms[i]);
    assert_int_equal(times->count, count);
    idem_slot_times_edges(times, edges);
    for (int e = 0; e < IDEM_EDGES; e++) {
        double below = 0;
        for (size_t i = 0; i < count; i++)
            below += (double)idem_blur_below(edges[e] - (float)ms[i]) / (double)count;
        if (fabs(below - (e + 1) / 7.0) > tolerance)
            fail_msg("below edge %d (%g ms) lies %g", e, (double)edges[e], below);
        assert_true(e == 0 || edges[e] > edges[e - 1]);
    }
    free(times);
}

static void test_edges_are_the_sevenths(void **state)
{
    enum { COUNT = 5000 };
    static const struct spread spreads[] = {{100, 30}, {20, 150}, {-40, 8}, {600, 300}};
    double *ms = malloc(COUNT * sizeof *ms);
    struct idem_rng rng;
    (void)state;
    idem_rng_seed(&rng, 3);
    for (size_t s = 0; s < sizeof spreads / sizeof spreads[0]; s++) {
        for (int i = 0; i < COUNT; i++)
            ms[i] = draw(&spreads[s], &rng);
        assert_sevenths(ms, COUNT, 0.01);
    }
    for (int i = 0; i < COUNT; i++) /* two heaps with nothing between them */
        ms[i] = i % 2 ? 50 : 900;
    assert_sevenths(ms, COUNT, 0.01);
    free(ms);
}

static void test_edges_of_identical_times(void **state)
{
    const double same[7] = {90, 90, 90, 90, 90, 90, 90}, one[1] = {-36};
    (void)state;
    assert_sevenths(same, 7, 0.01);
    assert_sevenths(one, 1, 0.01);
}

static void assert_ascending(const struct idem_slot_times *times)
{
    float edges[IDEM_EDGES];
    idem_slot_times_edges(times, edges);
    for (int e = 0; e < IDEM_EDGES; e++) {
        assert_true(edges[e] > -1000 && edges[e] < 4000);
        assert_true(e == 0 || edges[e] > edges[e - 1]);
    }
}

/* Beyond either end they count at the end; the edges ascend, whatever there is. */
static void test_edges_of_extreme_times(void **state)
{
    static const double extreme[] = {-1e300, -301, -300, 3000, 3001, 1e300};
    struct idem_slot_times *times = calloc(1, sizeof *times);
    (void)state;
    assert_ascending(times); /* of nothing */
    for (size_t i = 0; i < sizeof extreme / sizeof extreme[0]; i++) {
        memset(times, 0, sizeof *times);
        for (int k = 0; k < 300; k++)
            idem_slot_times_add(times, extreme[i]);
        assert_int_equal(times->step[extreme[i] < 0 ? 0 : IDEM_SLOT_TIMES_STEPS - 1], 300);
        assert_ascending(times);
    }
    for (size_t i = 0; i < sizeof extreme / sizeof extreme[0]; i++)
        idem_slot_times_add(times, extreme[i]);
    assert_ascending(times);
    free(times);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_are_the_formula),
        cmocka_unit_test(test_contrasts_are_orthonormal),
        cmocka_unit_test(test_the_first_contrast_rises_with_the_time),
        cmocka_unit_test(test_bins_are_the_kernels_shares),
        cmocka_unit_test(test_no_time_leaves_the_bounds),
        cmocka_unit_test(test_a_coarse_clock_does_not_show),
        cmocka_unit_test(test_edges_are_the_sevenths),
        cmocka_unit_test(test_edges_of_identical_times),
        cmocka_unit_test(test_edges_of_extreme_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
