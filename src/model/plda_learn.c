/* SPDX-License-Identifier: Apache-2.0 */
/* plda_learn.c - see plda_learn.h. */
#include "model/plda_learn.h"

#include "base/rng.h"
#include "idem/idem.h"
#include "model/linalg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS = 2, PIECES_LONGEST = 64 };

/* A person's pieces are first .. first + count - 1 of the list. */
struct folk {
    uint32_t first, count;
};

struct plda {
    const struct idem_corpus *corpus;
    const struct idem_plda_options *opt;
    struct idem_model *model;
    size_t len, point; /* floats of statistics, doubles of a point */
    uint32_t people, pieces;
    struct folk *folk;
    float *stats; /* [pieces][len] */
    const float **list;
    double *points;  /* [pieces][point] */
    double *scratch; /* of idem_embed */
    double *W, *B;   /* [rank][rank] */
};

/* Pieces that a person's slices make: neighbours summed until they hold enough strokes. */
static uint32_t cut_person(const struct plda *p, const struct idem_slices *s, float *to)
{
    float have = 0;
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->count; i++) {
        for (size_t k = 0; to != NULL && k < p->len; k++)
            to[n * p->len + k] += s->stats[i * p->len + k];
        have += s->strokes[i];
        if (have < 0.9f * p->opt->piece) /* slices of a sentence are rarely of full length */
            continue;
        have = 0;
        n++;
    }
    return n; /* what is left over at the end is too short to count */
}

static int cut_all(struct plda *p, const bool *use)
{
    size_t people = p->corpus->count, total = 0;

    p->folk = calloc(people + 1, sizeof *p->folk);
    for (size_t u = 0; p->folk != NULL && u < people; u++) {
        if (use == NULL || use[u])
            total += cut_person(p, &p->corpus->people[u], NULL);
    }
    p->stats = calloc((total + 1) * p->len, sizeof *p->stats); /* one more for the last rest */
    p->list = malloc((total + 1) * sizeof *p->list);
    p->points = malloc((total + 1) * p->point * sizeof *p->points);
    if (!p->folk || !p->stats || !p->list || !p->points)
        return IDEM_ERR_NOMEM;
    for (size_t u = 0; u < people; u++) {
        if (use != NULL && !use[u])
            continue;
        struct folk f = {p->pieces, 0};
        f.count = cut_person(p, &p->corpus->people[u], p->stats + p->pieces * p->len);
        p->pieces += f.count;
        /* the rest below a piece's length lies where the next person begins */
        memset(p->stats + p->pieces * p->len, 0, p->len * sizeof *p->stats);
        if (f.count > 0)
            p->folk[p->people++] = f;
    }
    for (uint32_t i = 0; i < p->pieces; i++)
        p->list[i] = p->stats + i * p->len;
    return IDEM_OK;
}

static void add_outer(double *M, const double *x, double weight, uint32_t rank)
{
    for (uint32_t i = 0; i < rank; i++) {
        for (uint32_t j = 0; j <= i; j++)
            M[i * rank + j] += weight * x[i] * x[j];
    }
}

static void mirror(double *M, uint32_t rank)
{
    for (uint32_t i = 0; i < rank; i++) {
        for (uint32_t j = 0; j < i; j++)
            M[j * rank + i] = M[i * rank + j];
    }
}

static void transpose(double *M, uint32_t rank)
{
    for (uint32_t i = 0; i < rank; i++) {
        for (uint32_t j = 0; j < i; j++) {
            double t = M[i * rank + j];
            M[i * rank + j] = M[j * rank + i];
            M[j * rank + i] = t;
        }
    }
}

static void person_mean(const struct plda *p, struct folk f, double *mean)
{
    const uint32_t rank = p->model->rank;
    memset(mean, 0, rank * sizeof *mean);
    for (uint32_t i = f.first; i < f.first + f.count; i++)
        idem_axpy(mean, p->points + i * p->point, 1.0 / f.count, rank);
}

/*
 * Blocks of neighbouring pieces: what moves their mean from the person's is not the noise of single
 * strokes but the person's own change over minutes. It counts so many times in W, so that
 * directions in which people wander are trusted less than those in which they merely scatter
 * (chosen by takeovers among the people of the development set).
 */
enum { BLOCK = 8, BLOCK_WEIGHT = 40 };

static void add_blocks(struct plda *p, struct folk f, const double *mean, double weight)
{
    const uint32_t rank = p->model->rank;
    double d[IDEM_RANK_MAX];

    for (uint32_t b = f.first; f.count >= 2 * BLOCK && b + BLOCK <= f.first + f.count; b += BLOCK) {
        for (uint32_t k = 0; k < rank; k++) {
            d[k] = -mean[k];
            for (uint32_t i = b; i < b + BLOCK; i++)
                d[k] += p->points[i * p->point + k] / BLOCK;
        }
        add_outer(p->W, d, weight * BLOCK * BLOCK_WEIGHT, rank);
    }
}

/* centre: mean of people's means. W within people, B of people's means less what W adds to them. */
static int covariances(struct plda *p)
{
    const uint32_t rank = p->model->rank;
    double mean[IDEM_RANK_MAX], centre[IDEM_RANK_MAX] = {0}, d[IDEM_RANK_MAX];
    double freedom = 0, inverse = 0;

    for (uint32_t u = 0; u < p->people; u++) {
        person_mean(p, p->folk[u], mean);
        idem_axpy(centre, mean, 1.0 / p->people, rank);
        inverse += 1.0 / p->folk[u].count / p->people;
        freedom += p->folk[u].count - 1;
    }
    if (p->people < 2 || freedom < 1)
        return IDEM_ERR_TOO_LITTLE;
    for (uint32_t u = 0; u < p->people; u++) {
        struct folk f = p->folk[u];
        person_mean(p, f, mean);
        for (uint32_t k = 0; k < rank; k++)
            d[k] = mean[k] - centre[k];
        add_outer(p->B, d, 1.0 / (p->people - 1), rank);
        for (uint32_t i = f.first; i < f.first + f.count; i++) {
            for (uint32_t k = 0; k < rank; k++)
                d[k] = p->points[i * p->point + k] - mean[k];
            add_outer(p->W, d, 1.0 / freedom, rank);
        }
    }
    for (uint32_t k = 0; k < rank; k++)
        p->model->centre[k] = (float)centre[k];
    for (size_t i = 0; i < (size_t)rank * rank; i++)
        p->B[i] -= inverse * p->W[i];
    for (uint32_t u = 0; u < p->people; u++) {
        person_mean(p, p->folk[u], mean);
        add_blocks(p, p->folk[u], mean, 1.0 / freedom);
    }
    return IDEM_OK;
}

/* Mean of what a measurement adds to L (model.h), packed. */
static void mean_gram(const struct plda *p, double *gram)
{
    const uint32_t cells = p->model->shape.cells;
    const size_t packed = idem_packed(p->model->rank);
    double total = 0;

    for (uint32_t i = 0; i < p->pieces; i++) {
        for (uint32_t c = 0; c < cells; c++)
            total += (double)p->stats[i * p->len + c];
    }
    for (uint32_t c = 0; c < cells && total > 0; c++) {
        double n = 0;
        for (uint32_t i = 0; i < p->pieces; i++)
            n += (double)p->stats[i * p->len + c];
        idem_axpy(gram, p->model->gram + c * packed, n / total, packed);
    }
}

/*
 * W as it would be if strokes were independent and T right: with A = I + reach G and G the mean of
 * a measurement's share of L, the covariance of w is proportional to A^-1 G A^-1.
 */
static void expected_within(const struct plda *p, double *theory, double *A, double *gram)
{
    const uint32_t rank = p->model->rank;

    mean_gram(p, gram);
    for (uint32_t i = 0, k = 0; i < rank; i++) {
        for (uint32_t j = 0; j <= i; j++, k++) {
            theory[i * rank + j] = theory[j * rank + i] = gram[k];
            A[k] = (double)p->opt->reach * gram[k] + (i == j);
        }
    }
    idem_packed_factor(rank, A);
    for (int side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < rank; i++)
            idem_packed_solve(rank, A, theory + (size_t)i * rank);
        transpose(theory, rank);
    }
}

static double trace(const double *M, uint32_t rank)
{
    double sum = 0;
    for (uint32_t i = 0; i < rank; i++)
        sum += M[(size_t)i * rank + i];
    return sum;
}

/*
 * W drawn towards the expected one, by as much as the rank weighs against the people there
 * were to learn W from: with few of them it would be theirs and nobody else's.
 */
static int regularise(struct plda *p)
{
    const uint32_t rank = p->model->rank;
    const size_t packed = idem_packed(rank);
    const double share = (double)rank / (rank + p->people);
    double *theory = calloc((size_t)rank * rank + 2 * packed + 1, sizeof *theory);

    if (theory == NULL)
        return IDEM_ERR_NOMEM;
    expected_within(p, theory, theory + (size_t)rank * rank, theory + (size_t)rank * rank + packed);
    const double scale = trace(p->W, rank) / (trace(theory, rank) + 1e-300);
    const double least = 1e-6 * trace(p->W, rank) / rank + 1e-12;
    for (uint32_t i = 0; i < rank; i++) {
        for (uint32_t j = 0; j <= i; j++) {
            double *W = &p->W[(size_t)i * rank + j];
            *W = (1 - share) * *W + share * scale * theory[(size_t)i * rank + j];
            *W += i == j ? least : 0;
        }
    }
    mirror(p->W, rank);
    mirror(p->B, rank);
    free(theory);
    return IDEM_OK;
}

/* x <- K^-1 x for the lower triangle K. */
static void solve_lower(uint32_t rank, const double *K, double *x)
{
    for (uint32_t i = 0; i < rank; i++) {
        for (uint32_t j = 0; j < i; j++)
            x[i] -= K[(size_t)i * (i + 1) / 2 + j] * x[j];
        x[i] /= K[(size_t)i * (i + 1) / 2 + i];
    }
}

/* x <- K'^-1 x. */
static void solve_upper(uint32_t rank, const double *K, double *x)
{
    for (uint32_t i = rank; i-- > 0;) {
        x[i] /= K[(size_t)i * (i + 1) / 2 + i];
        for (uint32_t j = 0; j < i; j++)
            x[j] -= K[(size_t)i * (i + 1) / 2 + j] * x[i];
    }
}

/* V = U' K^-1 with W = K K' and U the eigenvectors of K^-1 B K'^-1, largest first. */
static int diagonalise(struct plda *p)
{
    const uint32_t rank = p->model->rank;
    double *K = calloc(idem_packed(rank) + (size_t)rank * (rank + 1) + 1, sizeof *K);
    if (K == NULL)
        return IDEM_ERR_NOMEM;
    double *values = K + idem_packed(rank), *vectors = values + rank;

    for (uint32_t i = 0, k = 0; i < rank; i++) {
        for (uint32_t j = 0; j <= i; j++)
            K[k++] = p->W[i * rank + j];
    }
    idem_packed_factor(rank, K);
    for (int side = 0; side < 2; side++) { /* rows, then, B being symmetric, columns */
        for (uint32_t i = 0; i < rank; i++)
            solve_lower(rank, K, p->B + i * rank);
        transpose(p->B, rank);
    }
    idem_symmetric_eigen(rank, p->B, values, vectors);
    for (uint32_t i = 0; i < rank; i++) {
        double *v = vectors + (size_t)(rank - 1 - i) * rank;
        solve_upper(rank, K, v);
        p->model->between[i] = (float)fmax(values[rank - 1 - i], 1e-3);
        for (uint32_t k = 0; k < rank; k++)
            p->model->rotate[i * rank + k] = (float)v[k];
    }
    free(K);
    return IDEM_OK;
}

/* Normal equations of d2 = 2 session + noise x, weighted by 1 / x, one a direction. */
struct normal {
    double ss, sn, nn, sd, nd;
};

static void sum_pieces(const struct plda *p, uint32_t from, uint32_t count, float *to)
{
    memset(to, 0, p->len * sizeof *to);
    for (uint32_t i = from; i < from + count; i++) {
        for (size_t k = 0; k < p->len; k++)
            to[k] += p->stats[i * p->len + k];
    }
}

static void add_pair(const struct plda *p, const double *a, const double *b, struct normal *sums)
{
    const uint32_t rank = p->model->rank;
    if (!(a[rank] > 0) || !(b[rank] > 0))
        return;
    const double x = IDEM_PLDA_MEASURES / a[rank] + IDEM_PLDA_MEASURES / b[rank], w = 1 / (x * x);
    for (uint32_t i = 0; i < rank; i++) {
        double d2 = (a[i] - b[i]) * (a[i] - b[i]);
        sums[i].ss += 4 * w;
        sums[i].sn += 2 * x * w;
        sums[i].nn += x * x * w;
        sums[i].sd += 2 * d2 * w;
        sums[i].nd += x * d2 * w;
    }
}

static void add_pairs(const struct plda *p, const float *const *stats, uint32_t count,
                      double *points, struct normal *sums)
{
    idem_embed(p->model, stats, count, p->scratch, points);
    for (uint32_t i = 0; i < count; i += 2)
        add_pair(p, points + i * p->point, points + (i + 1) * p->point, sums);
}

/* Pairs are embedded four at a time, so that no lane idles. */
enum { BATCH = 4 };

static int all_pairs(struct plda *p, struct normal *sums)
{
    float *room = malloc(2 * BATCH * p->len * sizeof *room);
    double *points = malloc(2 * BATCH * p->point * sizeof *points);
    const float *list[2 * BATCH];
    struct idem_rng rng;
    uint32_t have = 0;

    if (room == NULL || points == NULL) {
        free(room);
        free(points);
        return IDEM_ERR_NOMEM;
    }
    for (int l = 0; l < 2 * BATCH; l++)
        list[l] = room + (size_t)l * p->len;
    idem_rng_seed(&rng, p->opt->seed);
    for (uint32_t u = 0; u < p->people; u++) {
        const struct folk f = p->folk[u];
        for (uint32_t k = 1; 2 * k <= f.count && k <= PIECES_LONGEST; k *= 2) {
            for (int n = 0; n < PAIRS; n++) {
                uint32_t a = idem_rng_below(&rng, f.count - 2 * k + 1);
                uint32_t b = a + k + idem_rng_below(&rng, f.count - 2 * k - a + 1);
                sum_pieces(p, f.first + a, k, room + (size_t)have * p->len);
                sum_pieces(p, f.first + b, k, room + (size_t)(have + 1) * p->len);
                have += 2;
                if (have == 2 * BATCH) {
                    add_pairs(p, list, have, points, sums);
                    have = 0;
                }
            }
        }
    }
    add_pairs(p, list, have, points, sums);
    free(room);
    free(points);
    return IDEM_OK;
}

/* Of any length some scatter is left: typing is no clockwork. */
#define NOISE_MIN 0.05

static int variances(struct plda *p)
{
    const uint32_t rank = p->model->rank;
    struct normal *sums = calloc(rank + 1, sizeof *sums);
    if (sums == NULL)
        return IDEM_ERR_NOMEM;
    int r = all_pairs(p, sums);
    for (uint32_t i = 0; i < rank && r == 0; i++) {
        const struct normal *s = &sums[i];
        double det = s->ss * s->nn - s->sn * s->sn;
        double session = det > 1e-12 * s->ss * s->nn ? (s->sd * s->nn - s->nd * s->sn) / det : 0;
        session = fmax(session, 0);
        double noise = s->nn > 0 ? (s->nd - session * s->sn) / s->nn : 1;
        if (noise < NOISE_MIN) { /* at its bound: the other alone is fitted */
            noise = NOISE_MIN;
            session = s->ss > 0 ? fmax((s->sd - noise * s->sn) / s->ss, 0) : 0;
        }
        p->model->session[i] = (float)session;
        p->model->noise[i] = (float)noise;
    }
    free(sums);
    return r;
}

static int learn(struct plda *p, const bool *use)
{
    const uint32_t rank = p->model->rank;
    int r = cut_all(p, use);
    p->scratch = malloc(idem_embed_scratch(p->model) * sizeof *p->scratch);
    p->W = calloc(2 * (size_t)rank * rank + 1, sizeof *p->W);
    if (r == 0 && (p->scratch == NULL || p->W == NULL))
        r = IDEM_ERR_NOMEM;
    if (r != 0)
        return r;
    p->B = p->W + (size_t)rank * rank;
    p->model->reach = p->opt->reach;
    idem_embed_unrotated(p->model, p->list, p->pieces, p->scratch, p->points);
    if ((r = covariances(p)) != 0 || (r = regularise(p)) != 0 || (r = diagonalise(p)) != 0)
        return r;
    return variances(p);
}

int idem_plda_learn(const struct idem_corpus *corpus, const bool *use,
                    const struct idem_plda_options *opt, struct idem_model *model)
{
    struct plda p = {
        .corpus = corpus,
        .opt = opt,
        .model = model,
        .len = idem_shape_len(corpus->shape),
        .point = idem_point_len(model),
    };
    int r = learn(&p, use);
    free(p.folk);
    free(p.stats);
    free((void *)p.list);
    free(p.points);
    free(p.scratch);
    free(p.W);
    return r;
}

/* Variance of rotated points around nought, less what session and noise add to it. */
static void respread(struct idem_model *model, const double *points, size_t count, double trust)
{
    const uint32_t rank = model->rank;
    const size_t point = idem_point_len(model);

    for (uint32_t i = 0; i < rank; i++) {
        double variance = 0;
        for (size_t u = 0; u < count; u++) {
            const double *p = points + u * point;
            double own =
                (double)model->session[i] + (double)model->noise[i] * IDEM_PLDA_MEASURES / p[rank];
            variance += (p[i] * p[i] - own) / (double)count;
        }
        double between = (1 - trust) * (double)model->between[i] + trust * variance;
        model->between[i] = (float)fmax(between, 1e-3);
    }
}

int idem_plda_recentre(struct idem_model *model, const float *const *people, size_t count)
{
    const uint32_t rank = model->rank;
    const size_t point = idem_point_len(model);
    const double trust = (double)count / (double)(count + IDEM_RECENTRE_PEOPLE);
    double *points = malloc((count + 1) * point * sizeof *points);
    double *scratch = malloc(idem_embed_scratch(model) * sizeof *scratch);
    double mean[IDEM_RANK_MAX] = {0};
    int r = points != NULL && scratch != NULL ? IDEM_OK : IDEM_ERR_NOMEM;

    if (r == 0 && count < 2)
        r = IDEM_ERR_TOO_LITTLE;
    if (r == 0) {
        idem_embed_unrotated(model, people, count, scratch, points);
        for (size_t u = 0; u < count; u++) {
            if (!(points[u * point + rank] > 0))
                r = IDEM_ERR_TOO_LITTLE;
            idem_axpy(mean, points + u * point, 1.0 / (double)count, rank);
        }
    }
    if (r == 0) {
        for (uint32_t i = 0; i < rank; i++)
            model->centre[i] += (float)(trust * (mean[i] - (double)model->centre[i]));
        idem_embed(model, people, count, scratch, points);
        respread(model, points, count, trust);
    }
    free(points);
    free(scratch);
    return r;
}
