/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sketch_match.c - a window against a sketch, see sketch.h. What every window pays for is the
 * imprint and one pass over the sketch; constants are tried only where the same keys were pressed
 * before, which typing freely brings about next to never.
 */
#include "model/form.h"
#include "model/multiversion.h"
#include "model/sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Constants that are tried, ms, longer and shorter: of all times, of releases alone (holds longer,
 * flights shorter by as much), of holds, of flights. */
static const int8_t constants[] = {2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 36, 40};
enum { CONSTANTS = sizeof constants / sizeof constants[0] };

struct idem_sketcher {
    const struct idem_front *front;
    const struct idem_imprinter *imprinter;
    enum idem_modality modality;
    int32_t sums[]; /* [dims], a window with a constant taken out */
};

int idem_sketcher_new(const struct idem_front *front, enum idem_modality modality,
                      const struct idem_imprinter *imprinter, struct idem_sketcher **out)
{
    const size_t dims = idem_shape_dims(idem_front_shape(front, modality));
    struct idem_sketcher *s = calloc(1, sizeof *s + dims * sizeof s->sums[0]);
    if (s == NULL)
        return IDEM_ERR_NOMEM;
    s->front = front;
    s->modality = modality;
    s->imprinter = imprinter;
    *out = s;
    return IDEM_OK;
}

void idem_sketcher_free(struct idem_sketcher *s)
{
    free(s);
}

/* ------------------------------------------------------------------ constants */

/* How many times lie below t: straight between the edges, and to a kernel's width beyond them. */
static double below_at(const float *edges, const double *below, double n, double t)
{
    const double first = (double)edges[0], last = (double)edges[IDEM_EDGES - 1];
    const double low = 2 * first - (double)edges[1] - (double)IDEM_BLUR_MS;
    const double high = last + 1.5 * (last - (double)edges[IDEM_EDGES - 2]) + (double)IDEM_BLUR_MS;
    double from = low, have = 0;

    if (t <= low)
        return 0;
    for (int e = 0; e < IDEM_EDGES; e++) {
        const double to = (double)edges[e];
        if (t < to)
            return have + (below[e] - have) * (t - from) / (to - from);
        from = to;
        have = below[e];
    }
    return t < high ? have + (n - have) * (t - from) / (high - from) : n;
}

static void unshift_cell(const float *edges, int32_t n, const int32_t *sums, double by_ms,
                         int32_t *out)
{
    const double strokes = (double)n / IDEM_GRID;
    double below[IDEM_EDGES], f[IDEM_CONTRASTS];

    idem_form_below(n, sums, below);
    for (int k = 0; k < IDEM_CONTRASTS; k++)
        f[k] = strokes * (double)idem_contrast_last[k];
    for (int e = 0; e < IDEM_EDGES; e++) {
        const double moved = below_at(edges, below, strokes, (double)edges[e] + by_ms);
        for (int k = 0; k < IDEM_CONTRASTS; k++)
            f[k] += moved * (double)idem_contrast_step[e][k];
    }
    for (int k = 0; k < IDEM_CONTRASTS; k++)
        out[k] = (int32_t)lrint(f[k] * IDEM_GRID);
}

void idem_sketch_unshift(const struct idem_front *front, const struct idem_window *window,
                         double hold_ms, double flight_ms, int32_t *out)
{
    for (uint32_t c = 0; c < window->shape.cells; c++) {
        const size_t at = (size_t)c * IDEM_CONTRASTS;
        const bool hold = front->slot[c] < front->zoning.holds;
        if (window->n[c] > 0)
            unshift_cell(front->edges + (size_t)c * IDEM_EDGES, window->n[c], window->sums + at,
                         hold ? hold_ms : flight_ms, out + at);
        else
            memset(out + at, 0, IDEM_CONTRASTS * sizeof out[0]);
    }
}

/* ------------------------------------------------------------------ comparing */

/* A pass over the whole sketch: what differs, and where anything is the same. */
struct pass {
    uint32_t nearest;
    bool whole;
    uint32_t alike[IDEM_SKETCH_WINDOWS]; /* windows of the same keys, or with a cell in common */
    uint32_t alike_count;
};

IDEM_MULTIVERSION
static void run_over(const struct idem_imprint *list, uint32_t count, const struct idem_imprint *x,
                     struct pass *pass)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t apart = idem_near_apart(list[i].near, x->near);
        uint32_t alike = list[i].text == x->text;
        for (int k = 0; k < IDEM_IMPRINT_CELLS; k++)
            for (int j = 0; j < IDEM_IMPRINT_CELLS; j++)
                alike |= list[i].cell[j] == x->cell[k];
        pass->nearest = apart < pass->nearest ? apart : pass->nearest;
        pass->whole = pass->whole || list[i].whole == x->whole;
        pass->alike[pass->alike_count] = i;
        pass->alike_count += alike;
    }
}

/* Cells of 0 are none. */
static void look_at(const struct idem_imprint *old, const struct idem_imprint *x, bool *found,
                    struct idem_sketch_match *m)
{
    uint32_t together = 0;

    m->same_text += old->text == x->text;
    for (int i = 0; i < IDEM_IMPRINT_CELLS; i++) {
        bool here = false;
        for (int j = 0; j < IDEM_IMPRINT_CELLS; j++)
            here = here || (x->cell[i] != 0 && x->cell[i] == old->cell[j]);
        found[i] = found[i] || here;
        together += here;
    }
    if (old->text == x->text && together > m->together)
        m->together = together;
}

static void try_constant(struct idem_sketcher *s, const struct idem_sketch *sketch,
                         const struct idem_window *w, const struct idem_imprint *x, int hold_ms,
                         int flight_ms, struct idem_sketch_match *m)
{
    uint64_t near[IDEM_NEAR_WORDS];

    idem_sketch_unshift(s->front, w, hold_ms, flight_ms, s->sums);
    idem_imprint_near(s->imprinter, w->n, s->sums, near);
    for (uint32_t i = 0; i < sketch->count; i++) {
        const uint32_t apart = idem_near_apart(sketch->list[i].near, near);
        if (sketch->list[i].text != x->text || apart >= m->shifted)
            continue;
        m->shifted = apart;
        m->hold_ms = hold_ms;
        m->flight_ms = flight_ms;
    }
}

/* Parts and constants are not asked of keys that come again and again (sketch.h). */
static enum idem_resent verdict(const struct idem_sketch_match *m)
{
    if (m->whole)
        return IDEM_RESENT_WHOLE;
    if (m->same_text <= IDEM_SKETCH_OFTEN &&
        (m->together >= IDEM_SKETCH_TOGETHER || m->found >= IDEM_SKETCH_PARTS))
        return IDEM_RESENT_PARTS;
    if (m->nearest <= IDEM_SKETCH_NEAR)
        return IDEM_RESENT_NEAR;
    return m->shifted <= IDEM_SKETCH_SHIFTED ? IDEM_RESENT_SHIFTED : IDEM_RESENT_NOT;
}

void idem_sketch_compare(struct idem_sketcher *s, const struct idem_sketch *sketch,
                         const struct idem_window *window, const struct idem_imprint *imprint,
                         struct idem_sketch_match *out)
{
    struct idem_sketch_match m = {.shifted = IDEM_NEAR_BITS};
    struct pass pass = {.nearest = IDEM_NEAR_BITS};
    bool found[IDEM_IMPRINT_CELLS] = {false};

    run_over(sketch->list, sketch->count, imprint, &pass);
    m.nearest = pass.nearest;
    m.whole = pass.whole;
    for (uint32_t i = 0; i < pass.alike_count; i++)
        look_at(&sketch->list[pass.alike[i]], imprint, found, &m);
    for (int i = 0; i < IDEM_IMPRINT_CELLS; i++) {
        m.cells += imprint->cell[i] != 0;
        m.found += found[i];
    }
    m.how = verdict(&m);
    if (m.how == IDEM_RESENT_NOT && m.same_text > 0 && m.same_text <= IDEM_SKETCH_OFTEN &&
        s->modality == IDEM_KEYBOARD) {
        for (int i = 0; i < CONSTANTS; i++)
            for (int way = -1; way <= 1; way += 2) {
                const int ms = way * constants[i];
                try_constant(s, sketch, window, imprint, ms, ms, &m);
                try_constant(s, sketch, window, imprint, ms, -ms, &m);
                try_constant(s, sketch, window, imprint, ms, 0, &m);
                try_constant(s, sketch, window, imprint, 0, ms, &m);
            }
        m.how = verdict(&m);
    }
    *out = m;
}

double idem_sketch_share(const struct idem_sketch_match *match)
{
    if (match->how == IDEM_RESENT_PARTS)
        return (double)match->found / match->cells;
    return match->how == IDEM_RESENT_NOT ? 0 : 1;
}
