/* SPDX-License-Identifier: Apache-2.0 */
/* test_tnorm.c - a normalised score is the raw one in units of the cohort's. */
#include "base/rng.h"
#include "idem/idem.h"
#include "model/learn.h"
#include "model/tnorm.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CELLS = 3, LEN = CELLS * 3, COHORT = 11 };

static void make_model(struct idem_model *model, float plain_share)
{
    struct idem_rng rng;
    idem_rng_seed(&rng, 3);
    assert_int_equal(idem_model_alloc(model, (struct idem_shape){CELLS, 1}, 2), 0);
    for (int k = 0; k < 2 * CELLS; k++) {
        model->weight[k] = 0.8f;
        model->plain[k] = 0.1f;
        for (int i = 0; i < 2; i++)
            model->load[2 * k + i] = (float)idem_rng_normal(&rng);
    }
    model->plain_share = plain_share;
    idem_model_seal(model);
}

static void draw(struct idem_rng *rng, float *stats)
{
    for (int i = 0; i < LEN; i++)
        stats[i] = i < CELLS ? 10 : (float)(5 * idem_rng_normal(rng));
}

static void check(float plain_share, size_t top)
{
    float profiles[COHORT][LEN], probe[LEN];
    const float *list[COHORT];
    double scores[COHORT], mean = 0, square = 0;
    struct idem_model model;
    struct idem_cohort *cohort;
    struct idem_rng rng;

    make_model(&model, plain_share);
    idem_rng_seed(&rng, 5);
    draw(&rng, probe);
    double *scratch = malloc(idem_raw_score_scratch(&model) * sizeof *scratch);
    for (int i = 0; i < COHORT; i++) {
        draw(&rng, profiles[i]);
        list[i] = profiles[i];
        scores[i] = idem_raw_score(&model, profiles[i], probe, scratch);
    }
    for (size_t i = 0; i < COHORT; i++) { /* selection sort, highest first */
        for (size_t j = i + 1; j < COHORT; j++) {
            double a = scores[i], b = scores[j];
            scores[i] = fmax(a, b);
            scores[j] = fmin(a, b);
        }
    }
    for (size_t i = 0; i < top; i++)
        mean += scores[i] / (double)top;
    for (size_t i = 0; i < top; i++)
        square += (scores[i] - mean) * (scores[i] - mean) / (double)top;
    assert_int_equal(idem_cohort_new(&model, list, COHORT, &cohort), 0);
    double want = (2.5 - mean) / (sqrt(square) + 1e-3);
    assert_true(fabs(idem_tnorm(cohort, probe, 2.5, top) - want) < 1e-6 * fabs(want) + 1e-9);
    idem_cohort_free(cohort);
    idem_model_free(&model);
    free(scratch);
}

static void test_whole_cohort(void **state)
{
    (void)state;
    check(0, COHORT);
}

static void test_best_of_the_cohort_with_plain_term(void **state)
{
    (void)state;
    check(1, 4);
}

static void test_refuses_too_small_cohorts(void **state)
{
    struct idem_model model;
    struct idem_cohort *cohort = NULL;
    const float stats[LEN] = {0}, *list[1] = {stats};
    (void)state;
    make_model(&model, 0);
    assert_int_equal(idem_cohort_new(&model, list, 1, &cohort), IDEM_ERR_TOO_LITTLE);
    assert_null(cohort);
    idem_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_cohort),
        cmocka_unit_test(test_best_of_the_cohort_with_plain_term),
        cmocka_unit_test(test_refuses_too_small_cohorts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
