/* SPDX-License-Identifier: Apache-2.0 */
/*
 * robot.c - see robot.h: habits of a session, then one way after the other.
 */
#include "eval/robot.h"

#include <math.h>

#include "base/rng.h"

static const char *const names[] = {
    [IDEM_ROBOT_LINE] = "line",     [IDEM_ROBOT_EASE] = "ease",     [IDEM_ROBOT_JERK] = "jerk",
    [IDEM_ROBOT_BEZIER] = "bezier", [IDEM_ROBOT_CURVE] = "curve",   [IDEM_ROBOT_SINE] = "sine",
    [IDEM_ROBOT_ARC] = "arc",       [IDEM_ROBOT_SPLINE] = "spline", [IDEM_ROBOT_RULER] = "ruler",
    [IDEM_ROBOT_WAVER] = "waver",   [IDEM_ROBOT_NOISE] = "noise",   [IDEM_ROBOT_WANDER] = "wander",
    [IDEM_ROBOT_WIND] = "wind",     [IDEM_ROBOT_JUMP] = "jump",
};
_Static_assert(sizeof names / sizeof *names == IDEM_ROBOT_STYLES, "a name a style");

enum { KNOTS = 4 };
static const double full_turn = 6.283185307179586;

/* What a session has drawn. */
struct habits {
    double clock_ms, jitter_ms; /* between steps, and its scatter */
    double late;                /* share of steps that come whole frames later */
    double lost;                /* share of steps that are gathered with the next */
    double unit;                /* positions are multiples of it; 0: not rounded */
    double speed;               /* px/s of a way's mean */
    double shortest_ms;         /* of a way */
    double hold_ms, hold_scatter_ms, dwell_ms, rest_ms;
    double noise, memory; /* px, and the share of it that stays for the next step */
    double bend;          /* of curves, share of the distance */
    double gravity, wind, stride;
    int ease;
    bool drags;
};

struct player {
    struct idem_rng rng;
    struct habits habits;
    enum idem_robot shape;
    double t_ms, x, y;
    struct idem_motion *out;
    uint32_t count, cap;
};

/* One way: from, to, and what its shape needs. */
struct way {
    double x0, y0, dx, dy, length;
    double bow[KNOTS], side[KNOTS]; /* along and across, shares of the length */
    double phase, waves;
    double swing[KNOTS]; /* of a random pace */
};

static double between(struct idem_rng *rng, double low, double high)
{
    return low + (high - low) * idem_rng_uniform(rng);
}

static void draw_habits(struct player *p)
{
    static const double clocks[] = {5, 8, 10, 15, 1000.0 / 60, 1000.0 / 60, 20, 40, 60, 110};
    struct idem_rng *rng = &p->rng;
    struct habits *h = &p->habits;
    h->clock_ms = clocks[idem_rng_below(rng, 10)];
    h->jitter_ms = idem_rng_below(rng, 2) ? 0.3 : between(rng, 0, 0.25) * h->clock_ms;
    h->lost = idem_rng_below(rng, 3) ? 0 : between(rng, 0.02, 0.2);
    h->late = idem_rng_below(rng, 4) ? 0 : between(rng, 0.1, 0.9);
    h->unit = idem_rng_below(rng, 4) ? 1 : 0;
    h->speed = exp(between(rng, log(150), log(2500)));
    h->shortest_ms = between(rng, 60, 400);
    h->hold_ms = idem_rng_below(rng, 2) ? between(rng, 0.3, 12) : between(rng, 40, 160);
    h->hold_scatter_ms = idem_rng_below(rng, 2) ? 0.3 : 0.3 * h->hold_ms;
    h->dwell_ms = idem_rng_below(rng, 2) ? between(rng, 0, 10) : between(rng, 20, 250);
    h->rest_ms = between(rng, 150, 1500);
    h->noise = exp(between(rng, log(0.7), log(6)));
    h->memory = between(rng, 0.5, 0.9);
    h->bend = between(rng, 0.05, 0.5);
    h->gravity = between(rng, 5, 12);
    h->wind = between(rng, 2, 6);
    h->stride = between(rng, 8, 25);
    h->ease = (int)idem_rng_below(rng, 3);
    h->drags = idem_rng_below(rng, 8) == 0;
    p->shape = (enum idem_robot)idem_rng_below(rng, IDEM_ROBOT_WAVER + 1);
}

static double rounded(const struct habits *h, double v)
{
    return h->unit > 0 ? round(v / h->unit) * h->unit : v;
}

static void event(struct player *p, enum idem_pointer_kind kind)
{
    if (p->count == p->cap)
        return;
    p->out[p->count++] = (struct idem_motion){.t_us = (int64_t)(1000 * p->t_ms),
                                              .x = (float)rounded(&p->habits, p->x),
                                              .y = (float)rounded(&p->habits, p->y),
                                              .kind = (uint8_t)kind};
}

static void wait(struct player *p, double mean_ms, double scatter_ms)
{
    double ms = mean_ms + scatter_ms * idem_rng_normal(&p->rng);
    p->t_ms += ms > 0.1 ? ms : 0.1;
}

static void tick(struct player *p)
{
    wait(p, p->habits.clock_ms, p->habits.jitter_ms);
    while (p->habits.late > 0 && idem_rng_uniform(&p->rng) < p->habits.late / 2)
        p->t_ms += 1000.0 / 60;
}

/* ------------------------------------------------------------------ shapes */

static double ease(int kind, double u)
{
    const double v = u < 0.5 ? 2 * u : 2 * (1 - u);
    if (kind == 0)
        return 0.5 - 0.5 * cos(full_turn / 2 * u);
    const double half = kind == 1 ? v * v / 2 : v * v * v / 2;
    return u < 0.5 ? half : 1 - half;
}

static double minimum_jerk(double u)
{
    return u * u * u * (10 + u * (6 * u - 15));
}

/* A way that starts and ends slowly, its speed swelling and sinking at random between. */
static double pace(const struct way *w, double u)
{
    double s = minimum_jerk(u);
    for (int i = 0; i < KNOTS; i++)
        s += w->swing[i] * sin(full_turn / 2 * (i + 2) * u);
    return s;
}

/* Along and across the chord at parameter s of a cubic Bezier curve. */
static void bezier(const struct way *w, double s, double *along, double *across)
{
    const double r = 1 - s, b1 = 3 * s * r * r, b2 = 3 * s * s * r;
    *along = b1 * w->bow[0] + b2 * w->bow[1] + s * s * s;
    *across = b1 * w->side[0] + b2 * w->side[1];
}

/* Catmull-Rom through 0, the four knots and 1. */
static void spline(const struct way *w, double s, double *along, double *across)
{
    const double at = s * (KNOTS + 1);
    const int k = at < KNOTS ? (int)at : KNOTS;
    const double u = at - k;
    double a[4], c[4];
    for (int i = 0; i < 4; i++) {
        const int knot = k + i - 2;
        a[i] = knot < 0 ? 0 : knot >= KNOTS ? 1 : w->bow[knot];
        c[i] = knot < 0 || knot >= KNOTS ? 0 : w->side[knot];
    }
    const double b0 = u * (u * (2 - u) - 1) / 2, b1 = (u * u * (3 * u - 5) + 2) / 2,
                 b2 = u * (u * (4 - 3 * u) + 1) / 2, b3 = u * u * (u - 1) / 2;
    *along = b0 * a[0] + b1 * a[1] + b2 * a[2] + b3 * a[3];
    *across = b0 * c[0] + b1 * c[1] + b2 * c[2] + b3 * c[3];
}

static void arc(const struct way *w, double u, double *along, double *across)
{
    const double angle = w->phase * u, end = w->phase;
    const double x = sin(angle), y = 1 - cos(angle), cx = sin(end), cy = 1 - cos(end);
    const double chord = hypot(cx, cy) + 1e-9;
    *along = (x * cx + y * cy) / chord / chord;
    *across = (y * cx - x * cy) / chord / chord;
}

static void place(const struct player *p, const struct way *w, double u, double *along,
                  double *across)
{
    *across = 0;
    *along = u;
    switch (p->shape) {
    case IDEM_ROBOT_EASE:
        *along = ease(p->habits.ease, u);
        break;
    case IDEM_ROBOT_JERK:
        *along = minimum_jerk(u);
        break;
    case IDEM_ROBOT_BEZIER:
        bezier(w, u, along, across);
        break;
    case IDEM_ROBOT_RULER:
        *along = pace(w, u);
        break;
    case IDEM_ROBOT_WAVER:
        bezier(w, pace(w, u), along, across);
        break;
    case IDEM_ROBOT_CURVE:
        bezier(w, ease(p->habits.ease, u), along, across);
        break;
    case IDEM_ROBOT_SINE:
        *across = w->side[0] * sin(full_turn / 2 * w->waves * u);
        break;
    case IDEM_ROBOT_ARC:
        arc(w, u, along, across);
        break;
    case IDEM_ROBOT_SPLINE:
        spline(w, u, along, across);
        break;
    default:
        break;
    }
}

/* ------------------------------------------------------------------ ways */

static struct way draw_way(struct player *p, double x, double y)
{
    struct idem_rng *rng = &p->rng;
    const double bend = p->habits.bend;
    struct way w = {.x0 = p->x, .y0 = p->y, .dx = x - p->x, .dy = y - p->y};
    w.length = hypot(w.dx, w.dy);
    for (int i = 0; i < KNOTS; i++) {
        w.bow[i] = (i + 1 + between(rng, -0.4, 0.4)) / (KNOTS + 1);
        w.side[i] = between(rng, -bend, bend);
        w.swing[i] = between(rng, -0.12, 0.12) / (i + 1);
    }
    if (p->shape == IDEM_ROBOT_BEZIER || p->shape == IDEM_ROBOT_CURVE ||
        p->shape == IDEM_ROBOT_WAVER) {
        w.bow[0] = between(rng, 0, 0.6);
        w.bow[1] = between(rng, 0.4, 1);
    }
    w.phase = between(rng, 0.5, 6);
    w.waves = 1 + idem_rng_below(rng, 4);
    return w;
}

/* Noise that remembers `memory` of itself, of standard deviation `noise`; none at either end. */
static void stir(struct player *p, double memory, double *noise)
{
    *noise =
        memory * *noise + p->habits.noise * sqrt(1 - memory * memory) * idem_rng_normal(&p->rng);
}

static void walk(struct player *p, enum idem_robot style, double x, double y)
{
    const struct way w = draw_way(p, x, y);
    const struct habits h = p->habits;
    const bool noisy = style == IDEM_ROBOT_NOISE || style == IDEM_ROBOT_WANDER;
    const double memory = style == IDEM_ROBOT_WANDER ? h.memory : 0;
    const double ms = fmax(h.shortest_ms, 1000 * w.length / h.speed);
    const int least = p->shape == IDEM_ROBOT_SPLINE ? 8 : 4, steps = (int)(ms / h.clock_ms);
    const int count = steps < least ? least : steps > 160 ? 160 : steps;
    double nx = 0, ny = 0, along, across;
    for (int i = 1; i <= count; i++) {
        tick(p);
        place(p, &w, (double)i / count, &along, &across);
        if (noisy && i < count) {
            stir(p, memory, &nx);
            stir(p, memory, &ny);
        }
        p->x = w.x0 + along * w.dx - across * w.dy + (i < count ? nx : 0);
        p->y = w.y0 + along * w.dy + across * w.dx + (i < count ? ny : 0);
        if (!(idem_rng_uniform(&p->rng) < h.lost))
            event(p, IDEM_POINTER_MOVE);
    }
    if (h.lost > 0)
        event(p, IDEM_POINTER_MOVE);
}

static void blow(struct player *p, double x, double y)
{
    const struct habits h = p->habits;
    double vx = 0, vy = 0, wx = 0, wy = 0, stride = h.stride;
    for (int i = 0; i < 160; i++) {
        const double left = hypot(x - p->x, y - p->y), gust = fmin(h.wind, left);
        if (left < 1.5)
            break;
        wx /= sqrt(3);
        wy /= sqrt(3);
        if (left >= 12) {
            wx += between(&p->rng, -1, 1) * gust / sqrt(5);
            wy += between(&p->rng, -1, 1) * gust / sqrt(5);
        } else {
            stride = stride < 3 ? between(&p->rng, 3, 6) : stride / sqrt(5);
        }
        vx += wx + h.gravity * (x - p->x) / left;
        vy += wy + h.gravity * (y - p->y) / left;
        const double speed = hypot(vx, vy), cut = stride * between(&p->rng, 0.5, 1);
        if (speed > stride) {
            vx *= cut / speed;
            vy *= cut / speed;
        }
        p->x += vx;
        p->y += vy;
        tick(p);
        event(p, IDEM_POINTER_MOVE);
    }
}

static void click(struct player *p)
{
    const struct habits h = p->habits;
    wait(p, h.dwell_ms, 0.1 * h.dwell_ms);
    event(p, IDEM_POINTER_PRESS);
    wait(p, h.hold_ms, h.hold_scatter_ms);
    event(p, IDEM_POINTER_RELEASE);
    wait(p, h.rest_ms, 0.2 * h.rest_ms);
}

static void drop(struct player *p)
{
    wait(p, p->habits.dwell_ms, 0.1 * p->habits.dwell_ms);
    event(p, IDEM_POINTER_RELEASE);
    wait(p, p->habits.rest_ms, 0.2 * p->habits.rest_ms);
}

static void go(struct player *p, enum idem_robot style)
{
    double x = 0, y = 0;
    do {
        x = between(&p->rng, 30, 1500);
        y = between(&p->rng, 30, 850);
    } while (hypot(x - p->x, y - p->y) < 40);
    const bool drag = p->habits.drags && style != IDEM_ROBOT_JUMP;
    if (drag) {
        event(p, IDEM_POINTER_PRESS);
        wait(p, p->habits.hold_ms, p->habits.hold_scatter_ms);
    }
    if (style == IDEM_ROBOT_WIND) {
        blow(p, x, y);
    } else if (style == IDEM_ROBOT_JUMP) {
        p->x = x;
        p->y = y;
        event(p, IDEM_POINTER_MOVE);
    } else {
        walk(p, style, x, y);
    }
    if (drag)
        drop(p);
    else
        click(p);
}

const char *idem_robot_name(enum idem_robot style)
{
    return (unsigned)style < IDEM_ROBOT_STYLES ? names[style] : "?";
}

uint32_t idem_robot_play(enum idem_robot style, uint64_t seed, uint32_t gestures,
                         struct idem_motion *out, uint32_t cap)
{
    struct player p = {.out = out, .cap = cap, .x = 700, .y = 400};
    idem_rng_seed(&p.rng, seed * IDEM_ROBOT_STYLES + (uint64_t)style);
    draw_habits(&p);
    if (style < IDEM_ROBOT_NOISE)
        p.shape = style;
    event(&p, IDEM_POINTER_MOVE);
    p.t_ms += 800;
    for (uint32_t i = 0; i < gestures; i++)
        go(&p, style);
    return p.count;
}

void idem_robot_replay(struct idem_motion *motions, uint32_t count, double noise, uint64_t seed)
{
    struct idem_rng rng;
    idem_rng_seed(&rng, seed);
    const double shift_x = round(between(&rng, -200, 200)),
                 shift_y = round(between(&rng, -100, 100));
    int64_t before = count ? motions[0].t_us : 0, now = before;
    for (uint32_t i = 0; i < count; i++) {
        const int64_t interval = motions[i].t_us - before;
        before = motions[i].t_us;
        now += interval + (int64_t)(1000 * noise * between(&rng, -1, 1) * (interval > 4000));
        motions[i].t_us = now;
        motions[i].x += (float)(shift_x + round(noise * between(&rng, -1, 1)));
        motions[i].y += (float)(shift_y + round(noise * between(&rng, -1, 1)));
    }
}
