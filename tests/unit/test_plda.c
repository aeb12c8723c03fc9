/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_plda.c - embeddings against plain linear algebra, and their score against the Gaussian
 * densities that it claims to compare.
 */
#include "model/evidence.h"
#include "model/learn.h"
#include "model/plda.h"
#include "models.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint32_t ranks[] = {1, 2, 5, 15, 16, 17, 33, 48};
enum { RANKS = sizeof ranks / sizeof ranks[0], RANK_MOST = 48 };

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
