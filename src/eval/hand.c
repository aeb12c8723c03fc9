/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand.c - see hand.h. The hand is simulated every millisecond; a mouse looks at it now and then.
 */
#include "eval/hand.h"

#include <math.h>

#include "base/rng.h"

enum { STROKES = 12, LONGEST_MS = 4000 };
static const double full_turn = 6.283185307179586;

/*
 * One stroke: speed length * lognormal(t - start), direction turning from one angle to another. Or
 * a push, as on a pointing stick: one speed for `lasts` ms, rising and falling within 100.
 */
struct stroke {
    double start, length, mu, sigma, from, to;
    double lasts; /* 0: no push */
};

struct person {
    double pause_ms, width;       /* of a movement by Fitts: a, and the target */
    double per_bit_ms;            /* b */
    double reach_low, reach_high; /* of the first stroke, share of the distance */
    double aim_error, bow;        /* radian */
    double sway, sway_ms, tremor; /* noise of the speed and its memory; px */
    double overlap;               /* when a correction begins, share of the stroke before */
};

/* How the movement is seen. */
struct mouse {
    double tick_ms, scatter_ms; /* of the device */
    double frame_ms;            /* what gathers its reports; 0: nothing */
    double gain;                /* px a count */
    double grid;                /* of positions, px */
    bool stamps_of_device;      /* gathered reports keep the time of the last one */
    bool idles;                 /* reports without movement, too */
    double stale_ms;            /* how far stamps and positions are apart, at random */
};

struct player {
    struct idem_rng rng;
    struct person person;
    struct mouse mouse;
    struct stroke strokes[STROKES];
    int stroke_count;
    double t_ms, x, y; /* the hand */
    double sway_along, sway_across;
    double next_tick, next_frame, seen_x, seen_y, tick_at;
    double sent_x, sent_y, moved_at, said_at;
    bool pending;
    int lock; /* 1: x stands still, 2: y */
    struct idem_motion *out;
    uint32_t count, cap;
};

static double between(struct idem_rng *rng, double low, double high)
{
    return low + (high - low) * idem_rng_uniform(rng);
}

static double spread(struct idem_rng *rng, double low, double high)
{
    return exp(between(rng, log(low), log(high)));
}

static void draw_mouse(struct player *p)
{
    static const double ticks[] = {8, 8, 8, 7.5, 10, 4, 2, 1};
    static const double grids[] = {1, 1, 1, 1, 1, 0.8, 0.5, 0.01};
    struct idem_rng *rng = &p->rng;
    const uint32_t way = idem_rng_below(rng, 8);
    p->mouse = (struct mouse){.tick_ms = ticks[idem_rng_below(rng, 8)],
                              .scatter_ms = between(rng, 0, 0.8),
                              .frame_ms = way < 4   ? 1000.0 / 60
                                          : way < 5 ? 15.6
                                          : way < 7 ? between(rng, 30, 115)
                                                    : 0,
                              .gain = spread(rng, 0.4, 2.5),
                              .grid = grids[idem_rng_below(rng, 8)],
                              .stamps_of_device = idem_rng_below(rng, 2) == 0,
                              .idles = idem_rng_below(rng, 3) == 0,
                              .stale_ms = idem_rng_below(rng, 2) ? 0 : between(rng, 0, 8)};
}

static void draw_person(struct player *p)
{
    struct idem_rng *rng = &p->rng;
    p->person = (struct person){.pause_ms = between(rng, 50, 180),
                                .per_bit_ms = spread(rng, 25, 180),
                                .width = spread(rng, 3, 40),
                                .reach_low = between(rng, 0.6, 0.9),
                                .reach_high = between(rng, 0.95, 1.12),
                                .aim_error = between(rng, 0.03, 0.2),
                                .bow = between(rng, 0.05, 0.6),
                                .sway = spread(rng, 0.03, 0.6),
                                .sway_ms = between(rng, 8, 60),
                                .tremor = between(rng, 0.02, 0.6),
                                .overlap = between(rng, 0.5, 1.3)};
}

/* ------------------------------------------------------------------ plans */

/* A stroke over a distance within about ms milliseconds; returns the time it is over. */
static double add_stroke(struct player *p, double start, double ms, double length, double angle)
{
    if (p->stroke_count == STROKES)
        return start;
    struct idem_rng *rng = &p->rng;
    const double sigma = between(rng, 0.25, 0.75), half = ms / 2.5;
    const double bow = p->person.bow * idem_rng_normal(rng);
    p->strokes[p->stroke_count++] = (struct stroke){.start = start,
                                                    .length = length,
                                                    .mu = log(half),
                                                    .sigma = sigma,
                                                    .from = angle - bow / 2,
                                                    .to = angle + bow / 2};
    return start + half * exp(1.8 * sigma);
}

/* Strokes until the target is as good as reached. Returns when all is over. */
static double plan_aim(struct player *p, double dx, double dy)
{
    struct idem_rng *rng = &p->rng;
    const struct person *who = &p->person;
    double start = 0, end = 0, sure = 1;
    for (int i = 0; i < 6; i++) {
        const double left = hypot(dx, dy);
        if (left < who->width / 2 && i > 0)
            break;
        const double length = left * between(rng, who->reach_low, who->reach_high);
        const double angle = atan2(dy, dx) + sure * who->aim_error * idem_rng_normal(rng);
        const double ms = (who->pause_ms + who->per_bit_ms * log2(1 + left / who->width)) *
                          spread(rng, 0.75, 1.35);
        end = add_stroke(p, start, ms, length, angle);
        start += (end - start) * fmin(1.3, who->overlap * spread(rng, 0.7, 1.4));
        dx -= length * cos(angle);
        dy -= length * sin(angle);
        sure = 2;
    }
    return end;
}

static double plan_wander(struct player *p)
{
    struct idem_rng *rng = &p->rng;
    const int count = 2 + (int)idem_rng_below(rng, STROKES - 2);
    double start = 0, end = 0, angle = between(rng, 0, full_turn);
    for (int i = 0; i < count; i++) {
        const double ms = spread(rng, 120, 700);
        angle += 1.2 * idem_rng_normal(rng);
        end = add_stroke(p, start, ms, spread(rng, 5, 400), angle);
        start += ms * between(rng, 0.3, 1.2);
    }
    return end;
}

/* A pointing stick, or a slow finger on a pad: pushes of one speed, each bent a little. */
static double plan_push(struct player *p)
{
    struct idem_rng *rng = &p->rng;
    const int count = 1 + (int)idem_rng_below(rng, 3);
    double start = 0, angle = between(rng, 0, full_turn);
    for (int i = 0; i < count; i++) {
        const double lasts = spread(rng, 200, 1500), bow = 0.25 * idem_rng_normal(rng);
        p->strokes[p->stroke_count++] = (struct stroke){.start = start,
                                                        .length = lasts * spread(rng, 0.08, 0.9),
                                                        .from = angle - bow,
                                                        .to = angle + bow,
                                                        .lasts = lasts};
        start += lasts * between(rng, 0.8, 1.3);
        angle += 0.6 * idem_rng_normal(rng);
    }
    return start + 300;
}

/* To and fro, as fast as the wrist goes or with rests between, along an axis as often as not. */
static double plan_shake(struct player *p)
{
    struct idem_rng *rng = &p->rng;
    const double ms = spread(rng, 22, 250), length = spread(rng, 4, 150);
    const double rest = idem_rng_below(rng, 2) ? 0 : between(rng, 0, 250);
    const double wobble = idem_rng_below(rng, 2) ? 0.15 : 0.02;
    double start = 0, end = 0, angle = between(rng, 0, full_turn);
    if (idem_rng_below(rng, 3))
        angle = full_turn / 4 * idem_rng_below(rng, 4);
    for (int i = 0; i < STROKES; i++) {
        end =
            add_stroke(p, start, ms * spread(rng, 0.7, 1.4), length * spread(rng, 0.4, 1.8), angle);
        if (wobble < 0.1)
            p->strokes[i].from = p->strokes[i].to = angle;
        angle += (idem_rng_below(rng, 5) ? full_turn / 2 : 0) + wobble * idem_rng_normal(rng);
        start += ms * between(rng, 0.6, 1.3) + rest * idem_rng_uniform(rng);
    }
    return end;
}

/* Round and round: equal strokes that follow each other closely, each turned against the last. */
static double plan_loop(struct player *p)
{
    struct idem_rng *rng = &p->rng;
    const double ms = spread(rng, 100, 400), length = spread(rng, 15, 250);
    const double turn = (idem_rng_below(rng, 2) ? 1 : -1) * between(rng, 0.5, 1.2);
    double start = 0, end = 0, angle = between(rng, 0, full_turn);
    for (int i = 0; i < STROKES; i++) {
        end = add_stroke(p, start, ms * spread(rng, 0.8, 1.25), length * spread(rng, 0.7, 1.4),
                         angle);
        struct stroke *s = &p->strokes[p->stroke_count - 1];
        s->from = angle - turn / 2;
        s->to = angle + turn / 2;
        angle += turn * spread(rng, 0.8, 1.25);
        start += ms * 0.45;
    }
    return end;
}

/* ------------------------------------------------------------------ the hand, a millisecond on */

static void push(const struct stroke *s, double since, double *vx, double *vy)
{
    const double left = s->lasts - since, edge = fmin(since, left) / 100;
    const double ramp = edge <= 0 ? 0 : edge >= 1 ? 1 : 0.5 - 0.5 * cos(full_turn / 2 * edge);
    const double angle = s->from + (s->to - s->from) * since / s->lasts;
    *vx += s->length / s->lasts * ramp * cos(angle);
    *vy += s->length / s->lasts * ramp * sin(angle);
}

static void velocity(const struct player *p, double t, double *vx, double *vy)
{
    *vx = *vy = 0;
    for (int i = 0; i < p->stroke_count; i++) {
        const struct stroke *s = &p->strokes[i];
        const double since = t - s->start;
        if (since <= 0.5)
            continue;
        if (s->lasts > 0) {
            push(s, since, vx, vy);
            continue;
        }
        const double z = (log(since) - s->mu) / s->sigma;
        const double speed = s->length * exp(-z * z / 2) / (since * s->sigma * sqrt(full_turn));
        const double done = 0.5 * erfc(-z / sqrt(2)), angle = s->from + (s->to - s->from) * done;
        *vx += speed * cos(angle);
        *vy += speed * sin(angle);
    }
}

/* Noise of unit variance that forgets within ms milliseconds. */
static double drift(struct player *p, double *state, double ms)
{
    const double keep = exp(-1 / ms);
    *state = keep * *state + sqrt(1 - keep * keep) * idem_rng_normal(&p->rng);
    return *state;
}

static void advance(struct player *p, double t)
{
    const struct person *who = &p->person;
    double vx, vy;
    velocity(p, t, &vx, &vy);
    const double along = 1 + who->sway * drift(p, &p->sway_along, who->sway_ms);
    const double across = 0.5 * who->sway * drift(p, &p->sway_across, who->sway_ms);
    const double speed = hypot(vx, vy), shaking = speed / (speed + 0.05);
    p->x += p->lock == 1 ? 0 : vx * along - vy * across;
    p->y += p->lock == 2 ? 0 : vy * along + vx * across;
    if (p->lock == 0) {
        const double keep = exp(-1.0 / 12), dose = who->tremor * shaking * sqrt(1 - keep * keep);
        p->x += dose * idem_rng_normal(&p->rng);
        p->y += dose * idem_rng_normal(&p->rng);
    }
}

/* ------------------------------------------------------------------ the mouse */

static double on_grid(const struct player *p, double v)
{
    return round(v / p->mouse.grid) * p->mouse.grid;
}

static void event(struct player *p, double t_ms, enum idem_pointer_kind kind)
{
    if (p->count == p->cap)
        return;
    p->said_at = t_ms;
    p->out[p->count++] = (struct idem_motion){.t_us = (int64_t)(1000 * t_ms),
                                              .x = (float)on_grid(p, p->seen_x),
                                              .y = (float)on_grid(p, p->seen_y),
                                              .kind = (uint8_t)kind};
}

static void send(struct player *p, double t_ms)
{
    const double off = p->mouse.stale_ms * idem_rng_normal(&p->rng);
    const bool moved =
        fabs(on_grid(p, p->seen_x) - p->sent_x) > 0 || fabs(on_grid(p, p->seen_y) - p->sent_y) > 0;
    if (moved)
        p->moved_at = t_ms;
    if (moved || (p->mouse.idles && t_ms - p->moved_at < 60))
        event(p, fmax(t_ms + off, p->said_at + 0.1), IDEM_POINTER_MOVE);
    p->sent_x = on_grid(p, p->seen_x);
    p->sent_y = on_grid(p, p->seen_y);
    p->pending = false;
}

/* What the device has counted since it last looked, and whether that is passed on now. */
static void look(struct player *p, double t_ms)
{
    const struct mouse *m = &p->mouse;
    const double gain = fmin(m->gain, 10 * m->grid); /* what has fine positions counts finely */
    if (t_ms >= p->next_tick) {
        const double cx = round((p->x - p->seen_x) / gain);
        const double cy = round((p->y - p->seen_y) / gain);
        p->next_tick += m->tick_ms * (t_ms - p->next_tick > 100 ? 100 : 1);
        p->next_tick = fmax(p->next_tick, t_ms - m->tick_ms);
        if (fabs(cx) + fabs(cy) > 0 || m->idles) {
            p->seen_x += cx * gain;
            p->seen_y += cy * gain;
            p->pending = true;
            p->tick_at = t_ms + m->scatter_ms * fabs(idem_rng_normal(&p->rng));
            if (m->frame_ms <= 0)
                send(p, p->tick_at);
        }
    }
    if (m->frame_ms > 0 && t_ms >= p->next_frame) {
        if (p->pending)
            send(p, m->stamps_of_device ? p->tick_at : t_ms);
        p->next_frame = fmax(p->next_frame + m->frame_ms, t_ms - m->frame_ms);
    }
}

static void move(struct player *p, double lasts_ms)
{
    const double most = fmin(lasts_ms, LONGEST_MS);
    for (double t = 0; t < most; t += 1) {
        advance(p, t);
        look(p, p->t_ms + t);
    }
    p->t_ms += most;
    if (p->pending)
        send(p, p->t_ms);
}

/* ------------------------------------------------------------------ sessions */

static void click(struct player *p)
{
    struct idem_rng *rng = &p->rng;
    p->t_ms = fmax(p->t_ms, p->said_at) + spread(rng, 15, 300);
    event(p, p->t_ms, IDEM_POINTER_PRESS);
    p->t_ms += spread(rng, 45, 170);
    event(p, p->t_ms, IDEM_POINTER_RELEASE);
}

static void gesture(struct player *p)
{
    struct idem_rng *rng = &p->rng;
    const uint32_t what = idem_rng_below(rng, 20);
    const double tx = between(rng, 20, 1500), ty = between(rng, 20, 850);
    double near = idem_rng_below(rng, 3) ? 1 : spread(rng, 0.02, 0.5);
    p->stroke_count = 0;
    p->lock = what == 19 ? 1 + (int)idem_rng_below(rng, 2) : 0;
    const double ms = what < 3   ? plan_wander(p)
                      : what < 5 ? plan_loop(p)
                      : what < 8 ? plan_shake(p)
                      : what < 9 ? plan_push(p)
                                 : plan_aim(p, near * (tx - p->x), near * (ty - p->y));
    const bool drag = idem_rng_below(rng, 8) == 0;
    if (drag) {
        event(p, p->t_ms, IDEM_POINTER_PRESS);
        p->t_ms += spread(rng, 20, 200);
        p->next_tick = p->next_frame = p->t_ms;
    }
    move(p, ms);
    if (drag)
        event(p, fmax(p->t_ms, p->said_at) + spread(rng, 10, 200), IDEM_POINTER_RELEASE);
    else if (idem_rng_below(rng, 3))
        click(p);
    p->t_ms += spread(rng, 310, 3000);
    p->next_tick = p->next_frame = p->t_ms;
}

uint32_t idem_hand_play(uint64_t seed, uint32_t gestures, struct idem_motion *out, uint32_t cap)
{
    struct player p = {.out = out, .cap = cap, .x = 700, .y = 400, .seen_x = 700, .seen_y = 400};
    idem_rng_seed(&p.rng, seed + UINT64_C(0x68616e64));
    draw_person(&p);
    draw_mouse(&p);
    if (p.mouse.grid < 0.5) { /* what is fine enough shows that no hand is that steady */
        p.person.sway = fmax(p.person.sway, 0.1);
        p.person.tremor = fmax(p.person.tremor, 0.25);
    }
    for (uint32_t i = 0; i < gestures; i++)
        gesture(&p);
    return p.count;
}
