/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_score.c - what a score costs, beside the arithmetic it cannot do without.
 *
 * usage: bench_score POPULATION.pop
 *
 * Prints microseconds for one window alone (idem_score_window), for one of a batch of seven against
 * one profile (idem_scorer_raw, as the trust filter scores its suffixes), for a whole trust update
 * and for embedding eight windows side by side; the machine's limit beside the last is the bare
 * Cholesky factorisation of as many matrices.
 */
#include "base/rng.h"
#include "model/evidence.h"
#include "model/profile.h"
#include "model/scorer.h"
#include "window/window.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

struct bench {
    struct idem_population *pop;
    struct idem_scorer *scorer;
    struct idem_profile *profile;
    struct idem_window *windows[64];
};

/* A window of plausible numbers: strokes drawn by the population's own frequencies do not matter
 * here. */
static void fill_window(struct bench *b, struct idem_window *w, struct idem_rng *rng)
{
    const struct idem_front *front = b->pop->front;
    float *stats = calloc(idem_shape_len(w->shape), sizeof *stats);
    if (stats == NULL)
        exit(1);
    for (int i = 0; i < 50; i++) {
        uint32_t c = idem_rng_below(rng, front->cells);
        const float *edges = front->edges + (size_t)c * IDEM_EDGES;
        float at = (float)idem_rng_uniform(rng) * 1.4f - 0.2f; /* some beyond the outer edges */
        idem_front_file(front, front->slot[c], edges[0] + at * (edges[IDEM_EDGES - 1] - edges[0]),
                        stats);
    }
    if (idem_window_fill(w, stats, 25, 6000000) != 0)
        exit(1);
    free(stats);
}

static int load(struct bench *b, const char *path)
{
    const char *why = "cannot be read";
    FILE *f = fopen(path, "rb");
    void *bytes = malloc(IDEM_POPULATION_BYTES_MAX);
    size_t len = f != NULL && bytes != NULL ? fread(bytes, 1, IDEM_POPULATION_BYTES_MAX, f) : 0;
    int r = len > 0 ? idem_population_parse(bytes, len, &b->pop, &why) : IDEM_ERR_IO;
    if (f != NULL)
        fclose(f);
    free(bytes);
    if (r != 0)
        fprintf(stderr, "bench_score: %s: %s\n", path, why);
    return r;
}

static int prepare(struct bench *b)
{
    const struct idem_front *front = idem_population_front(b->pop);
    struct idem_rng rng;

    idem_rng_seed(&rng, 1);
    if (idem_scorer_new(b->pop, &b->scorer) != 0 ||
        idem_profile_new(front, IDEM_KEYBOARD, &b->profile) != 0)
        return -1;
    for (int i = 0; i < 64; i++) {
        if (idem_window_new(front, IDEM_KEYBOARD, &b->windows[i]) != 0)
            return -1;
        fill_window(b, b->windows[i], &rng);
        if (i < 20)
            idem_profile_add(b->profile, b->windows[i]);
    }
    return 0;
}

static double bench_single(struct bench *b, int rounds)
{
    struct idem_score s;
    double sum = 0, start = now_us();
    for (int i = 0; i < rounds; i++) {
        idem_score_window(b->scorer, b->profile, b->windows[i & 63], &s);
        sum += s.raw;
    }
    double us = (now_us() - start) / rounds;
    return isfinite(sum) ? us : -1;
}

static double bench_batch(struct bench *b, int rounds)
{
    const size_t len = idem_shape_len(b->profile->shape);
    const float *probes[IDEM_SCORER_PROBES];
    float *stats = calloc(IDEM_SCORER_PROBES * len, sizeof *stats);
    double raw[IDEM_SCORER_PROBES], sum = 0;

    if (stats == NULL)
        return -1;
    for (int i = 0; i < IDEM_SCORER_PROBES; i++) {
        idem_window_add_to(b->windows[i], 1, stats + (size_t)i * len);
        probes[i] = stats + (size_t)i * len;
    }
    double start = now_us();
    for (int i = 0; i < rounds; i++) {
        idem_scorer_raw(b->scorer, b->profile, probes, IDEM_SCORER_PROBES, raw);
        sum += raw[i % IDEM_SCORER_PROBES];
    }
    double us = (now_us() - start) / rounds / IDEM_SCORER_PROBES;
    free(stats);
    return isfinite(sum) ? us : -1;
}

static double bench_trust(struct bench *b, int rounds)
{
    const struct idem_trust_params params = idem_trust_defaults();
    const struct idem_profile *profiles[IDEM_MODALITIES] = {b->profile, NULL};
    struct idem_trust *trust;
    if (idem_trust_new(b->pop, &params, 0, &trust) != 0)
        return -1;
    double start = now_us();
    for (int i = 0; i < rounds; i++)
        idem_trust_update(trust, b->scorer, profiles, b->windows[i & 63],
                          (int64_t)i * INT64_C(8000000));
    double us = (now_us() - start) / rounds;
    idem_trust_free(trust);
    return us;
}

/* Eight windows to points: what a batch costs before any two are compared. */
static double bench_embed(struct bench *b, int rounds)
{
    const struct idem_model *model = &b->pop->model[IDEM_KEYBOARD];
    const size_t len = idem_shape_len(model->shape), point = idem_point_len(model);
    float *stats = calloc(IDEM_LANES * len, sizeof *stats);
    double *points = calloc(IDEM_LANES * point, sizeof *points), sum = 0;
    double *scratch = calloc(idem_embed_scratch(model), sizeof *scratch);
    const float *list[IDEM_LANES];

    if (stats == NULL || points == NULL || scratch == NULL)
        exit(1);
    for (int l = 0; l < IDEM_LANES; l++) {
        list[l] = stats + (size_t)l * len;
        idem_window_add_to(b->windows[l], 1, stats + (size_t)l * len);
    }
    double start = now_us();
    for (int i = 0; i < rounds; i++) {
        idem_embed(model, list, IDEM_LANES, scratch, points);
        sum += points[0];
    }
    double us = (now_us() - start) / rounds;
    free(stats);
    free(points);
    free(scratch);
    return isfinite(sum) ? us : -1;
}

/* Factorisations alone, of identity matrices (their time does not depend on the numbers). */
static double bench_factor(const struct bench *b, int rounds)
{
    const uint32_t rank = b->pop->model[IDEM_KEYBOARD].rank;
    const size_t size = idem_packed(rank) + rank;
    double *scratch = calloc(size * IDEM_LANES + IDEM_LINE_DOUBLES, sizeof *scratch);
    double E[IDEM_LANES], sum = 0;

    if (scratch == NULL)
        exit(1);
    idem_v8 *A = idem_on_a_line(scratch);
    double start = now_us();
    for (int i = 0; i < rounds; i++) {
        memset(A, 0, size * sizeof *A);
        idem_lanes_factor(rank, A, A + size - rank, E);
        sum += E[0];
    }
    double us = (now_us() - start) / rounds;
    free(scratch);
    return isfinite(sum) ? us : -1;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: bench_score POPULATION.pop\n");
        return 2;
    }
    if (load(&b, argv[1]) != 0 || prepare(&b) != 0)
        return 1;
    const struct idem_model *model = &b.pop->model[IDEM_KEYBOARD];
    printf("scoring, %s, %u cells, rank %u\n", idem_level_name(b.pop->front->level),
           model->shape.cells, model->rank);
    printf("  one window alone                  %8.2f us   (goal <= 20)\n",
           bench_single(&b, 50000));
    printf("  one window of a batch of %d        %8.2f us   (goal <= 10)\n", IDEM_SCORER_PROBES,
           bench_batch(&b, 10000));
    printf("  a trust update, %d suffixes        %8.2f us\n", IDEM_SCORER_PROBES,
           bench_trust(&b, 10000));
    printf("  embedding of %d windows            %8.2f us\n", IDEM_LANES, bench_embed(&b, 10000));
    printf("  limit: %d bare %2u x %2u Cholesky    %8.2f us\n", IDEM_LANES, model->rank,
           model->rank, bench_factor(&b, 10000));
    printf("  resident a person: keyboard profile %zu bytes, pointer profile %zu bytes (goal <= "
           "8192)\n",
           sizeof(struct idem_profile) +
               idem_shape_len(idem_front_shape(b.pop->front, IDEM_KEYBOARD)) * sizeof(float),
           sizeof(struct idem_profile) +
               idem_shape_len(idem_front_shape(b.pop->front, IDEM_POINTER)) * sizeof(float));
    for (int i = 0; i < 64; i++)
        idem_window_free(b.windows[i]);
    idem_profile_free(b.profile);
    idem_scorer_free(b.scorer);
    idem_population_free(b.pop);
    return 0;
}
