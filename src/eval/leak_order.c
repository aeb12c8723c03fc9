/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_order.c - see leak_order.h.
 *
 * The number of Eulerian circuits that begin with a given edge is t * prod (deg(v) - 1)!, t the
 * number of spanning trees towards one vertex (a determinant), deg the edges that leave v. A trail
 * from s to e is a circuit that begins with an added edge e -> s; edges between the same zones look
 * alike, so the count is divided by the factorials of their numbers.
 */
#include "eval/leak_order.h"
#include "eval/leak_solve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ZONES = 64 };

/* ------------------------------------------------------------------ orders */

struct graph {
    uint32_t count;         /* zones in use */
    double m[ZONES][ZONES]; /* edges; with a trail's closing edge */
    double out[ZONES];
};

/* log of the determinant of the Laplacian without its last row and column; -inf when singular. */
static double log_trees(const struct graph *g)
{
    double L[ZONES][ZONES], sum = 0;
    const uint32_t n = g->count - 1;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            L[i][j] = (i == j ? g->out[i] : 0) - g->m[i][j];
    for (uint32_t k = 0; k < n; k++) {
        uint32_t pivot = k;
        for (uint32_t i = k + 1; i < n; i++)
            if (fabs(L[i][k]) > fabs(L[pivot][k]))
                pivot = i;
        if (fabs(L[pivot][k]) < 1e-9)
            return -INFINITY;
        for (uint32_t j = 0; j < n && pivot != k; j++) {
            double v = L[k][j];
            L[k][j] = L[pivot][j];
            L[pivot][j] = v;
        }
        sum += log(fabs(L[k][k]));
        for (uint32_t i = k + 1; i < n; i++)
            for (uint32_t j = n; j-- > k;)
                L[i][j] -= L[i][k] / L[k][k] * L[k][j];
    }
    return sum;
}

/* Zones with a flight, renumbered; out and in degrees. False when no trail can balance them. */
static bool gather(const uint32_t *m, uint32_t zones, struct graph *g, int *start, int *end,
                   double *same)
{
    uint32_t number[ZONES];
    *start = *end = -1;
    *same = 0;
    for (uint32_t a = 0; a < zones; a++) {
        uint32_t out = 0, in = 0;
        for (uint32_t b = 0; b < zones; b++) {
            out += m[a * zones + b];
            in += m[b * zones + a];
            *same += lgamma(m[a * zones + b] + 1.0);
        }
        if (out + in == 0)
            continue;
        if (out > in + 1 || in > out + 1 || (out > in && *start >= 0) || (in > out && *end >= 0))
            return false;
        number[g->count] = a;
        g->out[g->count] = out;
        *start = out > in ? (int)g->count : *start;
        *end = in > out ? (int)g->count : *end;
        g->count++;
    }
    for (uint32_t i = 0; i < g->count; i++)
        for (uint32_t j = 0; j < g->count; j++)
            g->m[i][j] = m[number[i] * zones + number[j]];
    return g->count > 0;
}

bool idem_leak_orders(const uint32_t *m, uint32_t zones, double *log2_orders)
{
    struct graph *g = calloc(1, sizeof *g);
    int start, end;
    double same, sum = -INFINITY;
    if (g && zones <= ZONES && gather(m, zones, g, &start, &end, &same)) {
        double edges = 0;
        if (start >= 0) {
            g->m[end][start]++;
            g->out[end]++;
        }
        sum = log_trees(g) - same;
        for (uint32_t v = 0; v < g->count; v++) {
            sum += lgamma(g->out[v]);
            edges += g->out[v];
        }
        if (start < 0) /* closed: it may begin with any of its edges */
            sum += log(edges);
    }
    free(g);
    if (!isfinite(sum))
        return false;
    *log2_orders = fabs(sum) < 1e-9 ? 0 : sum / log(2);
    return true;
}

/* Flights of the up-down block, or of the only one in use. */
static void flight_counts(const struct idem_leak_world *w, const float *n, uint32_t *m)
{
    const uint32_t zones = w->filing->zoning.flights, pairs = zones * zones;
    const uint32_t from =
        w->filing->zoning.holds +
        (w->filing->flight[IDEM_FLIGHT_DD] && w->filing->flight[IDEM_FLIGHT_UD] ? pairs : 0);
    memset(m, 0, pairs * sizeof *m);
    for (uint32_t c = 0; c < w->front->cells; c++)
        if (w->front->slot[c] >= from && w->front->slot[c] < from + pairs)
            m[w->front->slot[c] - from] = (uint32_t)(n[c] + 0.5f);
}

/* The holds of each flight zone, given to its places: multinomials. */
static double ways_of_holds(const struct idem_leak_world *w, const float *n)
{
    const struct idem_zoning *z = &w->filing->zoning;
    double total[ZONES] = {0}, sum = 0;
    bool seen[IDEM_KEYS] = {false};
    if (z->holds == z->flights)
        return 0;
    for (uint32_t key = 0; key < IDEM_KEYS; key++) {
        int cell = w->front->cell_of_slot[z->hold[key]];
        if (cell < 0 || seen[z->hold[key]])
            continue;
        seen[z->hold[key]] = true;
        total[z->flight[key]] += (double)n[cell];
        sum -= lgamma((double)n[cell] + 1);
    }
    for (uint32_t f = 0; f < z->flights; f++)
        sum += lgamma(total[f] + 1);
    return sum / log(2);
}

bool idem_leak_window_orders(const struct idem_leak_world *world, const float *n,
                             double *log2_orders, double *log2_keys)
{
    const uint32_t zones = world->filing->zoning.flights;
    uint32_t *m = zones <= ZONES ? malloc((size_t)zones * zones * sizeof *m) : NULL;
    bool good = false;
    if (m) {
        flight_counts(world, n, m);
        good = idem_leak_orders(m, zones, log2_orders);
    }
    if (good)
        *log2_keys = ways_of_holds(world, n);
    free(m);
    return good;
}

/* ------------------------------------------------------------------ chaining */

/* A transition whose three flights stand alone in their cells. */
struct link {
    uint16_t from, to;     /* zones */
    double hold_a, hold_b; /* milliseconds */
    int place;             /* of its first stroke, -1 for the one before the window */
};

/* The time of a cell's only stroke, where its sums tell it. */
static bool lonely(const struct idem_leak_world *w, uint32_t slot, const float *stats, double *ms)
{
    int cell = slot < w->front->slots ? w->front->cell_of_slot[slot] : -1;
    double found[IDEM_LEAK_SOLVE];
    if (cell < 0 || stats[cell] != 1)
        return false;
    const float *edges = w->front->edges + (size_t)cell * IDEM_EDGES;
    idem_leak_solve(edges, 1, stats + w->front->cells + (size_t)cell * IDEM_CONTRASTS, found);
    *ms = found[0];
    return idem_leak_told(edges, *ms);
}

/* The holds of both ends. */
static bool read_link(const struct idem_leak_world *w, uint32_t pair, const float *stats,
                      struct link *out)
{
    const uint32_t zones = w->filing->zoning.flights, pairs = zones * zones;
    const uint32_t slot = w->filing->zoning.holds + pair;
    double dd, ud, uu;
    if (!lonely(w, slot, stats, &dd) || !lonely(w, slot + pairs, stats, &ud) ||
        !lonely(w, slot + 2 * pairs, stats, &uu))
        return false;
    out->from = (uint16_t)(pair / zones);
    out->to = (uint16_t)(pair % zones);
    out->hold_a = dd - ud;
    out->hold_b = uu - ud;
    return out->hold_a > 0 && out->hold_b > 0;
}

/* Where in the window that pair of zones was really typed. */
static int place_of(const struct idem_leak_world *w, const struct idem_leak_person *p,
                    uint32_t first, uint32_t keys, const struct link *l)
{
    const uint16_t *zone = w->filing->zoning.flight;
    for (uint32_t i = 0; i < keys; i++) {
        float v;
        const struct idem_stroke *b = p->strokes + first + i, *a = b - 1;
        if (first + i > 0 && zone[a->code] == l->from && zone[b->code] == l->to &&
            idem_flight_value(a->press_us, a->release_us, b->press_us, &v))
            return (int)i - 1;
    }
    return -2;
}

/* The only transition that can follow; -1 when there are none or several. */
static int follower(const struct link *links, uint32_t count, uint32_t i)
{
    int found = -1;
    for (uint32_t j = 0; j < count; j++) {
        if (j == i || links[j].from != links[i].to ||
            fabs(log(links[j].hold_a / links[i].hold_b)) > 0.05)
            continue;
        if (found >= 0)
            return -1;
        found = (int)j;
    }
    return found;
}

int idem_leak_chain_window(const struct idem_leak_world *world, uint32_t person, uint32_t first,
                           uint32_t keys, struct idem_leak_chained *out)
{
    const struct idem_leak_person *p = &world->people[person];
    const uint32_t zones = world->filing->zoning.flights;
    struct idem_leak_chained c = {.transitions = keys > 1 ? keys - 1 : 0};
    struct idem_rng rng;
    if (world->filing->flight_count != IDEM_FLIGHTS)
        return IDEM_ERR_INVALID;
    float *stats = malloc(idem_leak_len(world) * sizeof *stats);
    struct link *links = malloc((size_t)zones * zones * sizeof *links);
    uint32_t count = 0;
    idem_rng_seed(&rng, 1);
    if (stats && links)
        idem_leak_window(world, person, first, keys, &rng, stats);
    for (uint32_t pair = 0; stats && links && pair < zones * zones; pair++)
        if (read_link(world, pair, stats, &links[count])) {
            links[count].place = place_of(world, p, first, keys, &links[count]);
            count++;
        }
    for (uint32_t i = 0; i < count; i++) {
        int j = follower(links, count, i);
        c.claimed += j >= 0;
        c.right += j >= 0 && links[j].place == links[i].place + 1;
    }
    int r = stats && links ? 0 : IDEM_ERR_NOMEM;
    free(stats);
    free(links);
    if (r == 0)
        *out = c;
    return r;
}
