/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resample.c - see resample.h.
 *
 *   recorded   m   m  m P   R  m           (pause)   m  m
 *   run        [------------------]                  [---]
 *   grid     |   |   |   |   |   |   |   |   |   |   |   |
 *   out          m   m   m P R   m                    m
 *
 * A run ends at a pause, at a clock that runs backwards and at the session's end. A run too short
 * for the grid keeps its first position. Lost positions (65535) are no places: nothing is
 * interpolated through them, and on the grid they do not come back.
 */
#include "eval/resample.h"

#include "idem/idem.h"
#include "window/gesture.h"

#include <math.h>
#include <stdlib.h>

enum { EVENTS_MAX = 64 * 1024 * 1024, FIRST_ROOM = 1024 };

static const float coordinate_max = 60000;

void idem_resampled_fini(struct idem_resampled *r)
{
    free(r->motions);
    free(r->source);
    *r = (struct idem_resampled){0};
}

static int grow(struct idem_resampled *r)
{
    const uint32_t room = r->room == 0 ? FIRST_ROOM : 2 * r->room;
    if (room > EVENTS_MAX)
        return IDEM_ERR_LIMIT;
    struct idem_motion *motions = realloc(r->motions, room * sizeof *motions);
    if (motions == NULL)
        return IDEM_ERR_NOMEM;
    r->motions = motions;
    uint32_t *source = realloc(r->source, room * sizeof *source);
    if (source == NULL)
        return IDEM_ERR_NOMEM;
    r->source = source;
    r->room = room;
    return IDEM_OK;
}

static bool is_place(const struct idem_motion *m)
{
    return m->kind != IDEM_POINTER_SCROLL && fabsf(m->x) < coordinate_max &&
           fabsf(m->y) < coordinate_max;
}

static int put(struct idem_resampled *out, struct idem_motion m, double scale, uint32_t source)
{
    int r = out->count < out->room ? IDEM_OK : grow(out);
    if (r != 0)
        return r;
    if (is_place(&m) && scale != 1) {
        m.x = rintf((float)(m.x * scale));
        m.y = rintf((float)(m.y * scale));
    }
    out->source[out->count] = source;
    out->motions[out->count++] = m;
    return IDEM_OK;
}

/* A run under way: the places to either side of the grid's next time, and the last one put out. */
struct run {
    const struct idem_motion *m;
    const struct idem_resampling *how;
    struct idem_resampled *out;
    int64_t step_us, next_us; /* the grid's next time */
    const struct idem_motion *place;
    float x, y; /* last put out */
    bool any;
};

static int put_place(struct run *run, int64_t t_us, double x, double y, uint32_t source)
{
    const float X = rintf((float)x), Y = rintf((float)y);
    if (run->any && X == run->x && Y == run->y)
        return IDEM_OK;
    run->any = true;
    run->x = X;
    run->y = Y;
    return put(run->out, (struct idem_motion){.t_us = t_us, .x = X, .y = Y}, run->how->scale,
               source);
}

/* The grid's times up to event i, a place. */
static int reach(struct run *run, uint32_t i)
{
    const struct idem_motion *a = run->place, *b = &run->m[i];
    int r = IDEM_OK;

    for (; run->next_us <= b->t_us && r == 0; run->next_us += run->step_us) {
        const int64_t span = a != NULL ? b->t_us - a->t_us : 0;
        const double part = span > 0 ? (double)(run->next_us - a->t_us) / (double)span : 1;
        const double x0 = a != NULL ? (double)a->x : (double)b->x;
        const double y0 = a != NULL ? (double)a->y : (double)b->y;
        r = put_place(run, run->next_us, x0 + part * ((double)b->x - x0),
                      y0 + part * ((double)b->y - y0), i);
    }
    run->place = b;
    return r;
}

/* Events [first, end), no pause among them. */
static int resample_run(struct run *run, uint32_t first, uint32_t end)
{
    const int64_t start = run->m[first].t_us, step = run->step_us;
    const bool on_grid = run->m[end - 1].t_us / step > (start - 1) / step;
    int r = IDEM_OK;

    run->next_us = (start + step - 1) / step * step;
    run->place = NULL;
    run->any = false;
    if (!on_grid && run->m[first].kind == IDEM_POINTER_MOVE && is_place(&run->m[first]))
        r = put_place(run, start, (double)run->m[first].x, (double)run->m[first].y, first);
    for (uint32_t i = first; i < end && r == 0; i++) {
        if (is_place(&run->m[i]))
            r = reach(run, i);
        if (r == 0 && run->m[i].kind != IDEM_POINTER_MOVE)
            r = put(run->out, run->m[i], run->how->scale, i);
    }
    return r;
}

static bool pauses(const struct idem_motion *m, uint32_t i)
{
    return m[i].t_us < m[i - 1].t_us || m[i].t_us - m[i - 1].t_us > IDEM_GESTURE_GAP_US;
}

int idem_resample(const struct idem_motion *motions, uint32_t count,
                  const struct idem_resampling *how, struct idem_resampled *out)
{
    struct run run = {
        .m = motions, .how = how, .out = out, .step_us = (int64_t)how->step_ms * 1000};
    int r = IDEM_OK;

    out->count = 0;
    if (how->step_ms == 0) {
        for (uint32_t i = 0; i < count && r == 0; i++)
            r = put(out, motions[i], how->scale, i);
        return r;
    }
    for (uint32_t first = 0, end; first < count && r == 0; first = end) {
        for (end = first + 1; end < count && !pauses(motions, end);)
            end++;
        r = resample_run(&run, first, end);
    }
    return r;
}
