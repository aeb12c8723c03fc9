/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_plda.c - embeddings and their two-covariance model: against plain linear algebra, against
 * the Gaussian densities that the score claims to compare, and learned back from people whose
 * variances are known.
 */
#include "base/rng.h"
#include "idem/idem.h"
#include "model/evidence.h"
#include "model/learn.h"
#include "model/plda.h"
#include "model/plda_learn.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint32_t ranks[] = {1, 2, 5, 15, 16, 17, 33, 48};
enum { RANKS = sizeof ranks / sizeof ranks[0], RANK_MOST = 48, CELLS = 11, CHANNELS = 2 };

static struct idem_model random_model(uint32_t rank, uint64_t seed)
{
    struct idem_model m;
    struct idem_rng rng;
    assert_int_equal(idem_model_alloc(&m, (struct idem_shape){CELLS, CHANNELS}, rank), 0);
    idem_rng_seed(&rng, seed);
    for (size_t k = 0; k < idem_shape_dims(m.shape); k++) {
        m.weight[k] = (float)(0.3 + idem_rng_uniform(&rng));
        m.plain[k] = (float)(0.1 + 0.4 * idem_rng_uniform(&rng));
        for (uint32_t i = 0; i < rank; i++)
            m.load[k * rank + i] = (float)(0.4 * idem_rng_normal(&rng));
    }
    m.reach = 150;
    for (uint32_t i = 0; i < rank; i++) {
        m.centre[i] = (float)(0.2 * idem_rng_normal(&rng));
        m.between[i] = (float)(0.2 + 3 * idem_rng_uniform(&rng));
        m.session[i] = (float)(0.5 * idem_rng_uniform(&rng));
        m.noise[i] = (float)(0.5 + idem_rng_uniform(&rng));
        for (uint32_t j = 0; j < rank; j++)
            m.rotate[i * rank + j] = (float)idem_rng_normal(&rng);
    }
    idem_model_seal(&m);
    return m;
}

static void random_stats(const struct idem_model *m, uint64_t seed, float *stats)
{
    const uint32_t per_cell = 2 * m->shape.channels;
    struct idem_rng rng;
    idem_rng_seed(&rng, seed);
    memset(stats, 0, idem_shape_len(m->shape) * sizeof *stats);
    for (uint32_t c = 0; c < m->shape.cells; c++) {
        stats[c] = (float)(idem_rng_below(&rng, 6) + (c == 0));
        for (uint32_t k = 0; k < per_cell && stats[c] > 0; k++)
            stats[m->shape.cells + c * per_cell + k] =
                (float)(sqrt((double)stats[c]) * idem_rng_normal(&rng));
    }
}

/* Points of `count` random statistics; the caller frees both. */
struct embedded {
    size_t len, point, count;
    float *stats;
    double *points;
};

static void embed_all(const struct idem_model *m, struct embedded *e, bool rotated)
{
    double *scratch = malloc(idem_embed_scratch(m) * sizeof *scratch);
    const float **list = malloc((e->count + 1) * sizeof *list);
    for (size_t i = 0; i < e->count; i++)
        list[i] = e->stats + i * e->len;
    (rotated ? idem_embed : idem_embed_unrotated)(m, list, e->count, scratch, e->points);
    free(scratch);
    free((void *)list);
}

static struct embedded embedded_new(const struct idem_model *m, size_t count, uint64_t seed)
{
    struct embedded e = {idem_shape_len(m->shape), idem_point_len(m), count, NULL, NULL};
    e.stats = calloc(count * e.len, sizeof *e.stats);
    e.points = calloc(count * e.point, sizeof *e.points);
    for (size_t i = 0; i < count; i++)
        random_stats(m, seed + i, e.stats + i * e.len);
    embed_all(m, &e, true);
    return e;
}

static void embedded_free(struct embedded *e)
{
    free(e->stats);
    free(e->points);
}

/* x of M x = b by Gauss and Jordan, with pivots; M is destroyed. */
static void solve(uint32_t n, double *M, double *b)
{
    for (uint32_t c = 0; c < n; c++) {
        uint32_t p = c;
        for (uint32_t r = c + 1; r < n; r++)
            p = fabs(M[r * n + c]) > fabs(M[p * n + c]) ? r : p;
        for (uint32_t k = 0; k < n; k++) {
            double t = M[c * n + k];
            M[c * n + k] = M[p * n + k];
            M[p * n + k] = t;
        }
        double t = b[c];
        b[c] = b[p];
        b[p] = t;
        for (uint32_t r = 0; r < n; r++) {
            double factor = M[r * n + c] / M[c * n + c];
            if (r == c)
                continue;
            for (uint32_t k = 0; k < n; k++)
                M[r * n + k] -= factor * M[c * n + k];
            b[r] -= factor * b[c];
        }
    }
    for (uint32_t c = 0; c < n; c++)
        b[c] /= M[c * n + c];
}

/* w = (I + q L)^-1 q b and N, straight from the header's formula. */
static double naive_mean(const struct idem_model *m, const float *stats, double *w)
{
    const uint32_t R = m->rank, per_cell = 2 * m->shape.channels;
    double N = 0, *M = calloc((size_t)R * R, sizeof *M);

    for (uint32_t c = 0; c < m->shape.cells; c++)
        N += (double)stats[c];
    for (uint32_t i = 0; i < R; i++) {
        w[i] = 0;
        for (uint32_t k = 0; k < m->shape.cells * per_cell; k++) {
            const double q = (double)m->reach / N, n = (double)stats[k / per_cell];
            const double *t = m->wload + (size_t)k * R;
            w[i] += q * (double)stats[m->shape.cells + k] * t[i];
            for (uint32_t j = 0; j < R; j++)
                M[i * R + j] += q * n * t[i] * (double)m->load[(size_t)k * R + j];
        }
        M[i * R + i] += 1;
    }
    solve(R, M, w);
    free(M);
    return N;
}

static void test_embedding_is_the_formula(void **state)
{
    (void)state;
    for (int r = 0; r < RANKS; r++) {
        struct idem_model m = random_model(ranks[r], (uint64_t)r + 1);
        static const size_t counts[] = {1, 2, 3, 7, 8, 9, 17}; /* alone, with idle lanes, without */
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            const size_t count = counts[c];
            struct embedded e = embedded_new(&m, count, 50), plain = embedded_new(&m, count, 50);
            embed_all(&m, &plain, false);
            for (size_t i = 0; i < count; i++) {
                double w[RANK_MOST], N = naive_mean(&m, e.stats + i * e.len, w);
                const double *y = e.points + i * e.point, *v = plain.points + i * e.point;
                assert_true(y[m.rank] == N && v[m.rank] == N);
                for (uint32_t k = 0; k < m.rank; k++) {
                    double want = 0;
                    for (uint32_t j = 0; j < m.rank; j++)
                        want += (double)m.rotate[k * m.rank + j] * (w[j] - (double)m.centre[j]);
                    assert_true(fabs(v[k] - w[k]) < 1e-9 * fmax(1, fabs(w[k])));
                    assert_true(fabs(y[k] - want) < 1e-8 * fmax(1, fabs(want)));
                }
            }
            embedded_free(&e);
            embedded_free(&plain);
        }
        idem_model_free(&m);
    }
}

/* Twice as much of the same is the same point; only how much is known of it grows. */
static void test_embedding_does_not_see_the_length(void **state)
{
    static const float times[] = {1.0f / 64, 0.5f, 2, 100, 1e5f};
    struct idem_model m = random_model(17, 3);
    struct embedded e = embedded_new(&m, 9, 7), scaled = embedded_new(&m, 9, 7);
    (void)state;
    for (size_t t = 0; t < sizeof times / sizeof times[0]; t++) {
        for (size_t i = 0; i < e.count * e.len; i++)
            scaled.stats[i] = times[t] * e.stats[i];
        embed_all(&m, &scaled, true);
        for (size_t i = 0; i < e.count; i++) {
            const double *a = e.points + i * e.point, *b = scaled.points + i * e.point;
            for (uint32_t k = 0; k < m.rank; k++)
                assert_true(fabs(a[k] - b[k]) < 1e-5);
            assert_true(fabs(b[m.rank] / ((double)times[t] * a[m.rank]) - 1) < 1e-6);
        }
    }
    embedded_free(&e);
    embedded_free(&scaled);
    idem_model_free(&m);
}

/* log N((p, s); 0, [[pp, ps], [ps, ss]]), and of one number alone. */
static double log_pair(double p, double s, double pp, double ps, double ss)
{
    double det = pp * ss - ps * ps;
    return -0.5 * (ss * p * p - 2 * ps * p * s + pp * s * s) / det - 0.5 * log(det) -
           log(6.283185307179586);
}

static double log_one(double x, double variance)
{
    return -0.5 * x * x / variance - 0.5 * log(6.283185307179586 * variance);
}

static double naive_score(const struct idem_model *m, const double *P, const double *S)
{
    double sum = 0;
    for (uint32_t i = 0; i < m->rank; i++) {
        double b = (double)m->between[i], s = (double)m->session[i], n = (double)m->noise[i];
        double vp = s + n * 100 / P[m->rank], vs = s + n * 100 / S[m->rank];
        sum +=
            log_pair(P[i], S[i], b + vp, b, b + vs) - log_one(P[i], b + vp) - log_one(S[i], b + vs);
    }
    return sum;
}

static void test_score_compares_densities(void **state)
{
    (void)state;
    for (int r = 0; r < RANKS; r++) {
        struct idem_model m = random_model(ranks[r], (uint64_t)r + 20);
        struct embedded e = embedded_new(&m, 12, 5);
        for (size_t i = 0; i < e.count; i++) {
            for (size_t j = 0; j < e.count; j++) {
                const double *P = e.points + i * e.point, *S = e.points + j * e.point;
                double got = idem_plda_score(&m, P, S), want = naive_score(&m, P, S);
                assert_true(fabs(got - want) < 1e-9 * fmax(1, fabs(want)));
                assert_true(fabs(got - idem_plda_score(&m, S, P)) < 1e-9 * fmax(1, fabs(want)));
            }
        }
        embedded_free(&e);
        idem_model_free(&m);
    }
}

/* The densities themselves, for once: one direction, the person integrated out by brute force. */
static void test_score_by_integration(void **state)
{
    struct idem_model m = random_model(1, 40);
    const double P[2] = {1.3, 80}, S[2] = {0.4, 30}, step = 1e-3;
    const double b = (double)m.between[0], vp = (double)m.session[0] + (double)m.noise[0] / 0.8;
    const double vs = (double)m.session[0] + (double)m.noise[0] / 0.3;
    double both = 0, p = 0, s = 0;
    (void)state;
    for (double x = -20; x <= 20; x += step) {
        double person = log_one(x, b), fp = log_one(P[0] - x, vp), fs = log_one(S[0] - x, vs);
        both += exp(person + fp + fs) * step;
        p += exp(person + fp) * step;
        s += exp(person + fs) * step;
    }
    assert_true(fabs(idem_plda_score(&m, P, S) - log(both / p / s)) < 1e-6);
    idem_model_free(&m);
}

static void test_nothing_scores_nought(void **state)
{
    struct idem_model m = random_model(16, 4);
    struct embedded e = embedded_new(&m, 2, 1);
    (void)state;
    memset(e.stats, 0, e.len * sizeof *e.stats);
    embed_all(&m, &e, true);
    const double *none = e.points, *some = e.points + e.point;
    assert_true(none[m.rank] == 0);
    assert_true(idem_plda_score(&m, none, some) == 0 && idem_plda_score(&m, some, none) == 0);
    assert_true(idem_plda_score(&m, none, none) == 0);
    assert_true(idem_plda_score(&m, some, some) != 0);
    embedded_free(&e);
    idem_model_free(&m);
}

/* The raw score is the points' score and the plain term's share, and symmetric with it. */
static void test_raw_score(void **state)
{
    struct idem_model m = random_model(16, 6);
    struct embedded e = embedded_new(&m, 2, 3);
    double *scratch = malloc(idem_raw_score_scratch(&m) * sizeof *scratch);
    const float *P = e.stats, *S = e.stats + e.len;
    double points = idem_plda_score(&m, e.points, e.points + e.point);
    (void)state;
    assert_true(fabs(idem_raw_score(&m, P, S, scratch) - points) < 1e-9 * fabs(points));
    m.plain_share = 0.5f;
    double want = points + idem_plain_share(&m, P, S), got = idem_raw_score(&m, P, S, scratch);
    assert_true(fabs(got - want) < 1e-9 * fabs(want) && fabs(got - points) > 1e-3);
    assert_true(fabs(idem_raw_score(&m, S, P, scratch) - got) < 1e-9 * fabs(got));
    free(scratch);
    embedded_free(&e);
    idem_model_free(&m);
}

/*
 * What any amount of data can claim is bounded by the session: with v = session alone the score of
 * a perfect match is 1/2 log((b + s)^2 / (s (2 b + s))) and, at most, its square's share.
 */
static void test_session_bounds_the_score(void **state)
{
    static const double lengths[] = {1e2, 1e4, 1e6, 1e9, 1e12};
    struct idem_model m = random_model(17, 9);
    double P[18], S[18], bound = 0, score = 0, before = 0;
    (void)state;
    for (uint32_t i = 0; i < m.rank; i++) {
        double b = (double)m.between[i], s = (double)(m.session[i] += 0.05f);
        P[i] = S[i] = 2;
        bound += 0.5 * log((b + s) * (b + s) / (s * (2 * b + s))) +
                 0.5 * (2 * 4 / (b + s) - 2 * 4 / (2 * b + s));
    }
    for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++) {
        P[m.rank] = S[m.rank] = lengths[n];
        score = idem_plda_score(&m, P, S);
        assert_true(score > before - 1e-9 && score < bound + 1e-6);
        before = score;
    }
    assert_true(fabs(score - bound) < 1e-6 * bound);
    memset(m.session, 0, m.rank * sizeof *m.session); /* without it there is no end to it */
    assert_true(idem_plda_score(&m, P, S) > bound + 50);
    idem_model_free(&m);
}

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
        cmocka_unit_test(test_embedding_is_the_formula),
        cmocka_unit_test(test_embedding_does_not_see_the_length),
        cmocka_unit_test(test_score_compares_densities),
        cmocka_unit_test(test_score_by_integration),
        cmocka_unit_test(test_nothing_scores_nought),
        cmocka_unit_test(test_raw_score),
        cmocka_unit_test(test_session_bounds_the_score),
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
