/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_plda_learn.c - embeddings' covariances learned back from people whose variances are known,
 * from few people, and moved to another public.
 */
#include "base/rng.h"
#include "idem/idem.h"
#include "model/plda_learn.h"
#include "models.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * People whose variances are known. Cell c measures direction c and nothing else, all cells equally
 * often, so the embedding is the cells' means times a constant, and what is drawn for a mean is
 * what should be learned, in units of the pieces' own variance.
 */
enum { D = 4, FOLK = 12000, PIECES = 2 };
static const double b_true[D] = {4, 2, 1, 0.4}, s_true[D] = {0.1, 0.4, 0, 0.2};
static const double n_true[D] = {1, 0.5, 2, 1};
static const double lengths[] = {100, 100, 200, 400, 1600};
enum { LENGTHS = sizeof lengths / sizeof lengths[0] };

static struct idem_model axes_model(void)
{
    struct idem_model m;
    assert_int_equal(idem_model_alloc(&m, (struct idem_shape){D, 1}, D), 0);
    for (uint32_t c = 0; c < D; c++) {
        m.weight[2 * c] = m.weight[2 * c + 1] = 1;
        m.load[2 * c * D + c] = 1; /* of the sum; the square says nothing */
    }
    idem_model_seal(&m);
    return m;
}

static void draw_people(struct idem_corpus *corpus, uint32_t people, uint64_t seed)
{
    struct idem_rng rng;
    idem_rng_seed(&rng, seed);
    assert_int_equal(idem_corpus_init(corpus, (struct idem_shape){D, 1}), 0);
    for (uint32_t u = 0; u < people; u++) {
        double x[D];
        assert_int_equal(idem_corpus_person(corpus), 0);
        for (int c = 0; c < D; c++)
            x[c] = 0.7 * c + sqrt(b_true[c]) * idem_rng_normal(&rng);
        for (int k = 0; k < PIECES; k++) {
            const double N = lengths[idem_rng_below(&rng, LENGTHS)];
            float stats[3 * D] = {0};
            for (int c = 0; c < D; c++) {
                double sd = sqrt(s_true[c] + n_true[c] * IDEM_PLDA_MEASURES / N);
                stats[c] = (float)(N / D);
                stats[D + 2 * c] = (float)(N / D * (x[c] + sd * idem_rng_normal(&rng)));
            }
            assert_int_equal(idem_corpus_slice(corpus, stats, 50), 0);
        }
    }
}

static const struct idem_plda_options options = {.piece = 50, .reach = 200, .seed = 1};

static void assert_near(double got, double want, double tolerance, const char *what, int c)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s of cell %d: %g instead of %g", what, c, got, want);
}

static void test_learning_recovers_the_variances(void **state)
{
    struct idem_model m = axes_model();
    struct idem_corpus corpus;
    double shares = 0;
    (void)state;

    draw_people(&corpus, FOLK, 11);
    assert_int_equal(idem_plda_learn(&corpus, NULL, &options, &m), 0);
    for (int k = 0; k < LENGTHS; k++)
        shares += IDEM_PLDA_MEASURES / lengths[k] / LENGTHS;
    for (int i = 0; i < D; i++) {
        int c = 0;
        for (int k = 1; k < D; k++)
            c = fabsf(m.rotate[i * D + k]) > fabsf(m.rotate[i * D + c]) ? k : c;
        for (int k = 0; k < D; k++) /* no direction but that */
            assert_true(k == c || fabsf(m.rotate[i * D + k]) < 0.1f * fabsf(m.rotate[i * D + c]));
        const double within = s_true[c] + n_true[c] * shares;
        const double kappa = 200.0 / D / (1 + 200.0 / D); /* how far w shrinks the mean */
        assert_near((double)m.centre[c], kappa * 0.7 * c, 0.15, "centre", c);
        assert_near((double)m.between[i], b_true[c] / within, 0.1 * b_true[c] / within, "between",
                    c);
        assert_near((double)m.noise[i], n_true[c] / within, 0.1 * n_true[c] / within, "noise", c);
        assert_near((double)m.session[i], s_true[c] / within, 0.06, "session", c);
        assert_true(i == 0 || m.between[i] <= m.between[i - 1]);
    }
    idem_corpus_fini(&corpus);
    idem_model_free(&m);
}

/* In the directions learned pieces have unit variance within people, and no covariance at all. */
static void test_rotation_makes_directions_independent(void **state)
{
    struct idem_model m = random_model(6, 31);
    double W[6][6] = {{0}}, C[6][6] = {{0}}, *scratch, points[2][7];
    struct idem_corpus corpus;
    (void)state;

    assert_int_equal(idem_corpus_init(&corpus, m.shape), 0);
    float *stats = malloc(idem_shape_len(m.shape) * sizeof *stats);
    float *person = malloc(idem_shape_len(m.shape) * sizeof *person);
    for (uint64_t u = 0; u < 400; u++) {
        random_stats(&m, 10 * u, person);
        assert_int_equal(idem_corpus_person(&corpus), 0);
        for (uint64_t k = 1; k < 3; k++) {
            random_stats(&m, 10 * u + k, stats);
            for (size_t i = 0; i < idem_shape_len(m.shape); i++)
                stats[i] += 3 * person[i];
            assert_int_equal(idem_corpus_slice(&corpus, stats, 50), 0);
        }
    }
    assert_int_equal(idem_plda_learn(&corpus, NULL, &options, &m), 0);
    scratch = malloc(idem_embed_scratch(&m) * sizeof *scratch);
    for (size_t u = 0; u < corpus.count; u++) {
        const float *two[2] = {corpus.people[u].stats,
                               corpus.people[u].stats + idem_shape_len(m.shape)};
        idem_embed(&m, two, 2, scratch, points[0]);
        for (int i = 0; i < 6; i++) {
            for (int j = 0; j < 6; j++) {
                double di = points[0][i] - points[1][i], dj = points[0][j] - points[1][j];
                double mi = points[0][i] + points[1][i], mj = points[0][j] + points[1][j];
                W[i][j] += di * dj / 2 / 400;
                C[i][j] += mi * mj / 4 / 399;
            }
        }
    }
    for (int i = 0; i < 6; i++) {
        assert_near(C[i][i], (double)m.between[i] + 0.5, 0.05 * C[i][i], "between", i);
        for (int j = 0; j < 6; j++) {
            assert_near(W[i][j], i == j, 0.05, "within", i);
            if (i != j)
                assert_near(C[i][j], 0, 0.05 * sqrt(C[i][i] * C[j][j]), "covariance", i);
        }
    }
    free(stats);
    free(person);
    free(scratch);
    idem_corpus_fini(&corpus);
    idem_model_free(&m);
}

static void assert_same_plda(const struct idem_model *a, const struct idem_model *b)
{
    assert_memory_equal(a->centre, b->centre, a->rank * (a->rank + 4) * sizeof(float));
    assert_true(a->reach == b->reach);
}

/*
 * Of two directions in which pieces scatter as much, people keep to themselves in one and wander in
 * the other, each for eight pieces at a time: that one must be trusted less.
 */
static void test_wandering_is_trusted_less(void **state)
{
    enum { WANDERERS = 300, BLOCK = 8, BLOCKS = 4 };
    struct idem_model m = axes_model();
    struct idem_corpus corpus;
    struct idem_rng rng;
    double between[D] = {0};
    (void)state;

    idem_rng_seed(&rng, 2);
    assert_int_equal(idem_corpus_init(&corpus, m.shape), 0);
    for (int u = 0; u < WANDERERS; u++) {
        double x[D], off = 0;
        assert_int_equal(idem_corpus_person(&corpus), 0);
        for (int c = 0; c < D; c++)
            x[c] = sqrt(1 + 0.5 * c) * idem_rng_normal(&rng);
        for (int k = 0; k < BLOCK * BLOCKS; k++) {
            float stats[3 * D] = {0};
            off = k % BLOCK == 0 ? idem_rng_normal(&rng) : off;
            for (int c = 0; c < D; c++) {
                double apart = c == 0 ? off : idem_rng_normal(&rng);
                stats[c] = 25;
                stats[D + 2 * c] = (float)(25 * (x[c] + apart));
            }
            assert_int_equal(idem_corpus_slice(&corpus, stats, 50), 0);
        }
    }
    assert_int_equal(idem_plda_learn(&corpus, NULL, &options, &m), 0);
    for (int i = 0; i < D; i++) {
        int c = 0;
        for (int k = 1; k < D; k++)
            c = fabsf(m.rotate[i * D + k]) > fabsf(m.rotate[i * D + c]) ? k : c;
        between[c] = (double)m.between[i];
    }
    assert_true(between[0] > 0 && between[1] > 5 * between[0]);
    idem_corpus_fini(&corpus);
    idem_model_free(&m);
}

/* People passed over are as good as not there. */
static void test_use(void **state)
{
    enum { HALF = 60 };
    bool use[2 * HALF] = {false};
    struct idem_model a = axes_model(), b = axes_model();
    struct idem_corpus all, half;
    (void)state;
    draw_people(&all, 2 * HALF, 3);
    draw_people(&half, 0, 3);
    for (int u = 1; u < 2 * HALF; u += 2) {
        use[u] = true;
        assert_int_equal(idem_corpus_person(&half), 0);
        for (uint32_t k = 0; k < PIECES; k++)
            assert_int_equal(idem_corpus_slice(&half, all.people[u].stats + k * 3 * D, 50), 0);
    }
    assert_int_equal(idem_plda_learn(&all, use, &options, &a), 0);
    assert_int_equal(idem_plda_learn(&half, NULL, &options, &b), 0);
    assert_same_plda(&a, &b);
    idem_corpus_fini(&all);
    idem_corpus_fini(&half);
    idem_model_free(&a);
    idem_model_free(&b);
}

/* One person of `a` slices and one of `b`, each slice of so many strokes. */
static int learn_two(uint32_t a, uint32_t b, float strokes, struct idem_model *m)
{
    struct idem_corpus corpus, from;
    draw_people(&from, 20, 5);
    assert_int_equal(idem_corpus_init(&corpus, m->shape), 0);
    for (int u = 0; u < 2; u++) {
        assert_int_equal(idem_corpus_person(&corpus), 0);
        for (uint32_t k = 0; k < (u == 0 ? a : b); k++)
            assert_int_equal(
                idem_corpus_slice(&corpus, from.people[2 * k + (uint32_t)u].stats, strokes), 0);
    }
    int r = idem_plda_learn(&corpus, NULL, &options, m);
    idem_corpus_fini(&corpus);
    idem_corpus_fini(&from);
    return r;
}

/* `count` sums of 400 measurements of another public: centre 0.3 c, variance 1 + c, own noise. */
static float *draw_public(size_t count, const float **list)
{
    struct idem_rng rng;
    float *stats = calloc(count * 3 * D, sizeof *stats);
    idem_rng_seed(&rng, 77);
    for (size_t u = 0; u < count; u++) {
        list[u] = stats + u * 3 * D;
        for (int c = 0; c < D; c++) {
            const double own = 0.1 + 0.5 * IDEM_PLDA_MEASURES / 400;
            double x = 0.3 * c + sqrt(1 + c + own) * idem_rng_normal(&rng);
            stats[u * 3 * D + (size_t)c] = 100;
            stats[u * 3 * D + D + 2 * (size_t)c] = (float)(100 * x);
        }
    }
    return stats;
}

static struct idem_model public_model(void)
{
    struct idem_model m = axes_model();
    m.reach = 1e5f; /* the embedding is the mean itself */
    for (int i = 0; i < D; i++) {
        m.session[i] = 0.1f;
        m.noise[i] = 0.5f;
        m.centre[i] = 1;
        m.between[i] = 9;
    }
    return m;
}

/* Many people are believed; few move it by their share. */
static void test_recentre(void **state)
{
    enum { MANY = 20000, FEW = IDEM_RECENTRE_PEOPLE };
    const float **list = malloc(MANY * sizeof *list);
    float *stats = draw_public(MANY, list);
    struct idem_model m = public_model(), few = public_model(), was = public_model();
    (void)state;
    assert_int_equal(idem_plda_recentre(&m, list, MANY), 0);
    assert_int_equal(idem_plda_recentre(&few, list, FEW), 0);
    for (int i = 0; i < D; i++) {
        double mean = 0, variance = 0, centre = 0.5;
        for (int u = 0; u < FEW; u++)
            mean += (double)list[u][D + 2 * i] / 100 / FEW;
        centre += 0.5 * mean; /* half what was, half what is */
        for (int u = 0; u < FEW; u++)
            variance += pow((double)list[u][D + 2 * i] / 100 - centre, 2) / FEW;
        assert_near((double)m.centre[i], 0.3 * i, 0.05, "centre", i);
        assert_near((double)m.between[i], 1 + i, 0.05 * (1 + i), "between", i);
        assert_near((double)few.centre[i], centre, 1e-3, "centre of few", i);
        assert_near((double)few.between[i], 4.5 + 0.5 * (variance - 0.225), 1e-2, "between of few",
                    i);
    }
    assert_memory_equal(m.rotate, was.rotate, D * D * sizeof(float));
    assert_memory_equal(m.session, was.session, D * sizeof(float));
    assert_memory_equal(m.noise, was.noise, D * sizeof(float));
    free(stats);
    free((void *)list);
    idem_model_free(&m);
    idem_model_free(&few);
    idem_model_free(&was);
}

static void test_recentre_needs_people(void **state)
{
    const float *list[3];
    float *stats = draw_public(3, list);
    struct idem_model m = public_model(), was = public_model();
    (void)state;
    assert_int_equal(idem_plda_recentre(&m, list, 0), IDEM_ERR_TOO_LITTLE);
    assert_int_equal(idem_plda_recentre(&m, list, 1), IDEM_ERR_TOO_LITTLE);
    memset(stats + 3 * D, 0, 3 * D * sizeof *stats); /* the second has typed nothing */
    assert_int_equal(idem_plda_recentre(&m, list, 3), IDEM_ERR_TOO_LITTLE);
    assert_same_plda(&m, &was);
    free(stats);
    idem_model_free(&m);
    idem_model_free(&was);
}

static void test_too_little(void **state)
{
    struct idem_model m = axes_model();
    (void)state;
    assert_int_equal(learn_two(0, 0, 50, &m), IDEM_ERR_TOO_LITTLE);
    assert_int_equal(learn_two(5, 0, 50, &m), IDEM_ERR_TOO_LITTLE); /* one person */
    assert_int_equal(learn_two(1, 1, 50, &m), IDEM_ERR_TOO_LITTLE); /* nobody has two pieces */
    assert_int_equal(learn_two(1, 1, 500, &m), IDEM_ERR_TOO_LITTLE);
    assert_int_equal(learn_two(3, 3, 14, &m), IDEM_ERR_TOO_LITTLE); /* 42 strokes: no piece */
    assert_int_equal(learn_two(4, 4, 14, &m), IDEM_ERR_TOO_LITTLE); /* 56: one each */
    assert_int_equal(learn_two(2, 1, 50, &m), 0);
    for (int i = 0; i < D; i++)
        assert_true(isfinite(m.between[i]) && m.between[i] > 0 && m.noise[i] > 0);
    idem_model_free(&m);
}

/* Slices of 23 strokes make pieces of two, 46 being nine tenths of 50. What is over is dropped. */
static void test_pieces(void **state)
{
    struct idem_model m = axes_model(), same = axes_model();
    (void)state;
    assert_int_equal(learn_two(5, 3, 23, &m), 0);
    assert_int_equal(learn_two(4, 2, 23, &same), 0);
    assert_same_plda(&m, &same);
    assert_int_equal(learn_two(6, 3, 23, &same), 0);
    assert_memory_not_equal(m.centre, same.centre, D * sizeof(float));
    idem_model_free(&m);
    idem_model_free(&same);
}

/*
 * A single pair counts, too: with one person of two pieces of equal length the noise is the square
 * of what they differ by, in units of what chance would give.
 */
static void test_few_pairs_are_not_lost(void **state)
{
    struct idem_corpus corpus;
    struct idem_model m = axes_model();
    float stats[3][3 * D];
    const float *two[2] = {stats[0], stats[1]};
    double *scratch, points[2 * (D + 1)];
    (void)state;

    assert_int_equal(idem_corpus_init(&corpus, m.shape), 0);
    for (int k = 0; k < 3; k++) {
        memset(stats[k], 0, sizeof stats[k]);
        for (int c = 0; c < D; c++) {
            stats[k][c] = 50;
            stats[k][D + 2 * c] = (float)(50 * (k + 1) * (c % 2 ? 0.3 : -0.2));
        }
        if (k != 1)
            assert_int_equal(idem_corpus_person(&corpus), 0);
        assert_int_equal(idem_corpus_slice(&corpus, stats[k], 50), 0);
    }
    assert_int_equal(idem_plda_learn(&corpus, NULL, &options, &m), 0);
    scratch = malloc(idem_embed_scratch(&m) * sizeof *scratch);
    idem_embed(&m, two, 2, scratch, points);
    for (int i = 0; i < D; i++) {
        double d = points[i] - points[D + 1 + i], x = 2 * IDEM_PLDA_MEASURES / (50 * D);
        assert_near((double)m.noise[i], fmax(d * d / x, 0.05), 1e-4, "noise", i);
        assert_true(m.session[i] == 0 || m.noise[i] < 0.051f);
    }
    free(scratch);
    idem_corpus_fini(&corpus);
    idem_model_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learning_recovers_the_variances),
        cmocka_unit_test(test_rotation_makes_directions_independent),
        cmocka_unit_test(test_wandering_is_trusted_less),
        cmocka_unit_test(test_use),
        cmocka_unit_test(test_recentre),
        cmocka_unit_test(test_recentre_needs_people),
        cmocka_unit_test(test_too_little),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_few_pairs_are_not_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
