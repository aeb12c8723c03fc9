/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grow.c - see grow.h. Measures are put in bins once; a tree then only adds up bins.
 */
#include "eval/grow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 32, LEAST = 60 };
/* How far a tree steps; what holds its leaves back, in movements; the most a leaf may say. */
static const double rate = 0.2, restraint = 20, most_leaf = 0.5;
/* Decimals that leaves and thresholds are rounded to, as in the table. */
static const double decimals = 1000, fine = 10000;

struct row {
    uint8_t bin[IDEM_MEASURES];
    bool program;
    double weight, score, slope, bend;
};

struct field {
    struct row *rows;
    uint32_t count;
    float edge[IDEM_MEASURES][BINS]; /* bin b holds what is above edge b - 1 */
    uint32_t edges[IDEM_MEASURES];
};

struct cut {
    double gain;
    int measure;
    uint32_t bin; /* yes: above this edge */
};

struct sums {
    double slope, bend;
    uint32_t count;
};

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Edges at even shares of the values that exist, and one below all of them. */
static int find_edges(struct field *f, const struct idem_movements *m, const uint32_t *chosen,
                      int k)
{
    float *value = malloc((f->count + 1) * sizeof *value);
    uint32_t n = 0;
    if (!value)
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < f->count; i++)
        if (m->list[chosen[i]].measure[k] > IDEM_MEASURE_NONE)
            value[n++] = m->list[chosen[i]].measure[k];
    qsort(value, n, sizeof *value, ascending);
    f->edges[k] = 0;
    f->edge[k][f->edges[k]++] = IDEM_MEASURE_NONE;
    for (uint32_t b = 1; b < BINS - 1 && n > 0; b++) {
        const double exact = (double)value[(uint64_t)b * n / (BINS - 1)];
        const float e = (float)(round(fine * exact) / fine);
        if (e > f->edge[k][f->edges[k] - 1])
            f->edge[k][f->edges[k]++] = e;
    }
    free(value);
    return 0;
}

static uint8_t bin_of(const struct field *f, int k, float v)
{
    uint32_t b = 0;
    while (b < f->edges[k] && v > f->edge[k][b])
        b++;
    return (uint8_t)b;
}

/* Each side weighs half of all rows, each source of a side its share, each movement of it alike. */
static int weigh(struct field *f, const struct idem_movements *m, const uint32_t *chosen)
{
    uint32_t of_source[IDEM_SOURCES] = {0};
    double side[2] = {0, 0};
    for (uint32_t i = 0; i < f->count; i++)
        of_source[m->list[chosen[i]].source]++;
    for (uint32_t s = 0; s < m->source_count; s++)
        if (of_source[s] > 0)
            side[m->source[s].program] += m->source[s].share;
    if (!(side[0] > 0 && side[1] > 0))
        return IDEM_ERR_TOO_LITTLE;
    for (uint32_t i = 0; i < f->count; i++) {
        const uint32_t s = m->list[chosen[i]].source;
        const struct idem_move_source *from = &m->source[s];
        f->rows[i].program = from->program;
        f->rows[i].weight = 0.5 * f->count * from->share / side[from->program] / of_source[s];
    }
    return 0;
}

static int prepare(struct field *f, const struct idem_movements *m, const struct idem_growing *how)
{
    uint32_t *chosen = malloc((m->count + 1) * sizeof *chosen);
    f->rows = calloc(m->count + 1, sizeof *f->rows);
    int r = chosen && f->rows ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < m->count && r == 0; i++)
        if (m->list[i].source != how->without_source && m->list[i].source != how->without_hands &&
            m->list[i].fold != how->without_fold)
            chosen[f->count++] = i;
    if (r == 0)
        r = weigh(f, m, chosen);
    for (int k = 0; k < IDEM_MEASURES && r == 0; k++) {
        r = find_edges(f, m, chosen, k);
        for (uint32_t i = 0; i < f->count && r == 0; i++)
            f->rows[i].bin[k] = bin_of(f, k, m->list[chosen[i]].measure[k]);
    }
    free(chosen);
    return r;
}

/* ------------------------------------------------------------------ one tree */

static void differentiate(struct field *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        struct row *row = &f->rows[i];
        const double p = 1 / (1 + exp(-row->score));
        row->slope = row->weight * ((row->program ? 1 : 0) - p);
        row->bend = row->weight * p * (1 - p);
    }
}

static double worth(const struct sums *s)
{
    return s->slope * s->slope / (s->bend + restraint);
}

/* Which rows a question is asked of: all, or those that answered the first one so. */
struct scope {
    const struct cut *first; /* NULL: all */
    bool yes;
};

static bool answers(const struct row *row, const struct cut *cut)
{
    return row->bin[cut->measure] > cut->bin;
}

static void add_up(const struct field *f, const struct scope *scope,
                   struct sums table[IDEM_MEASURES][BINS + 1])
{
    memset(table, 0, IDEM_MEASURES * sizeof *table);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct row *row = &f->rows[i];
        if (scope->first && answers(row, scope->first) != scope->yes)
            continue;
        for (int k = 0; k < IDEM_MEASURES; k++) {
            struct sums *s = &table[k][row->bin[k]];
            s->slope += row->slope;
            s->bend += row->bend;
            s->count++;
        }
    }
}

static void try_measure(const struct sums *bins, int k, uint32_t edges, struct cut *best)
{
    struct sums all = {0}, low = {0};
    for (uint32_t b = 0; b <= edges; b++) {
        all.slope += bins[b].slope;
        all.bend += bins[b].bend;
        all.count += bins[b].count;
    }
    for (uint32_t b = 0; b < edges; b++) {
        low.slope += bins[b].slope;
        low.bend += bins[b].bend;
        low.count += bins[b].count;
        const struct sums high = {all.slope - low.slope, all.bend - low.bend,
                                  all.count - low.count};
        const double gain = worth(&low) + worth(&high) - worth(&all);
        if (low.count >= LEAST && high.count >= LEAST && gain > best->gain)
            *best = (struct cut){gain, k, b};
    }
}

static struct cut best_cut(const struct field *f, const struct scope *scope)
{
    struct sums table[IDEM_MEASURES][BINS + 1];
    struct cut best = {0, 0, 0};
    add_up(f, scope, table);
    for (int k = 0; k < IDEM_MEASURES; k++)
        try_measure(table[k], k, f->edges[k], &best);
    return best;
}

static double leaf_value(const struct sums *s)
{
    const double v = rate * s->slope / (s->bend + restraint);
    return round(decimals * fmax(-most_leaf, fmin(most_leaf, v))) / decimals;
}

static void grow_tree(struct field *f, struct idem_tree *tree)
{
    const struct scope everything = {NULL, false};
    struct cut cut[3];
    struct sums leaf[4] = {{0, 0, 0}};
    differentiate(f);
    cut[0] = best_cut(f, &everything);
    for (int yes = 0; yes < 2; yes++) {
        const struct scope half = {&cut[0], yes};
        cut[1 + yes] = best_cut(f, &half);
    }
    for (int i = 0; i < 3; i++) {
        tree->measure[i] = (uint8_t)cut[i].measure;
        tree->above[i] = f->edge[cut[i].measure][cut[i].bin];
    }
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < f->count; i++) {
            struct row *row = &f->rows[i];
            const int yes = answers(row, &cut[0]);
            const int which = 2 * yes + answers(row, &cut[1 + yes]);
            leaf[which].slope += pass == 0 ? row->slope : 0;
            leaf[which].bend += pass == 0 ? row->bend : 0;
            row->score += pass == 1 ? (double)tree->leaf[which] : 0;
        }
        for (int i = 0; i < 4 && pass == 0; i++)
            tree->leaf[i] = (float)leaf_value(&leaf[i]);
    }
}

int idem_forest_grow(const struct idem_movements *m, const struct idem_growing *how,
                     struct idem_forest *out)
{
    struct field field = {0};
    struct idem_forest forest = {.offset = 0, .count = IDEM_FOREST_TREES};
    int r = prepare(&field, m, how);
    for (uint32_t i = 0; i < forest.count && r == 0; i++)
        grow_tree(&field, &forest.tree[i]);
    free(field.rows);
    if (r == 0)
        *out = forest;
    return r;
}
