/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strand.c - see strand.h.
 *
 * Rounding to whole units adds to a position the variance 1/12 on each axis; so to a step's length
 * about 1/6, to a second difference 2 * 6/12 over both axes, to a third 2 * 20/12. These are taken
 * off before anything is compared (never below nought).
 */
#include "guard/strand.h"

#include <math.h>

#include "base/bytes.h"

/* Chords shorter than this many units say nothing about directions. */
static const double telling = 4;
/* What a change may count at most, as a multiple of the chord: one wild pair is not everything. */
static const double most_change = 4;

struct chord {
    double dx, dy, dt, per_s, length, speed;
};

/* What is summed up along the chords. */
struct texture {
    uint32_t chords, pairs, triples, even, smooth;
    double length, length2, speed, speed2, time, time2;
    double rough, rough_v, haste, turn, sharp;
    double turns, turns2, changes, changes2, third, second;
};

/* What is summed up along the points. */
struct outline {
    double length, duration, top_speed, end_length, end_time, homing;
    double line, cubic;
    bool along_axis;
    uint32_t still;
};

static inline double larger(double a, double b)
{
    return a > b ? a : b;
}

static inline double smaller(double a, double b)
{
    return a < b ? a : b;
}

void idem_strand_clear(struct idem_strand *s)
{
    idem_wipe(s->point, s->count * sizeof s->point[0]);
    s->count = s->hash_count = 0;
    s->hash = 0;
    s->start_us = 0;
    s->x0 = s->y0 = 0;
    s->last_x = s->last_y = 0;
}

static int32_t nearest(double v)
{
    return (int32_t)(v < 0 ? v - 0.5 : v + 0.5);
}

/* FNV-1a over steps in sixteenths of a pixel. */
static void stir(struct idem_strand *s, double dx, double dy, double per_pixel)
{
    const int32_t ix = nearest(16 * per_pixel * dx), iy = nearest(16 * per_pixel * dy);
    const uint64_t step = (uint64_t)(uint32_t)ix << 32 | (uint32_t)iy;
    s->hash = (s->hash ^ step) * UINT64_C(0x100000001b3);
    s->hash ^= s->hash >> 29;
    s->hash_count++;
}

void idem_strand_add(struct idem_strand *s, double x, double y, int64_t t_us, double per_pixel)
{
    if (s->count == 0) {
        s->start_us = t_us;
        s->x0 = x;
        s->y0 = y;
    } else if (s->last_x != (float)(x - s->x0) || s->last_y != (float)(y - s->y0)) {
        stir(s, x - s->x0 - (double)s->last_x, y - s->y0 - (double)s->last_y, per_pixel);
    }
    const int32_t since = (int32_t)(t_us - s->start_us);
    uint32_t at = s->count;
    if (at > 1 && s->point[at - 1].t_us - s->point[at - 2].t_us < IDEM_STRAND_STEP_US)
        at--;
    else if (at > 0 && s->point[at - 1].t_us == since)
        at--;
    if (at == IDEM_STRAND_POINTS)
        return;
    s->last_x = (float)(x - s->x0);
    s->last_y = (float)(y - s->y0);
    s->point[at] = (struct idem_point){since, s->last_x, s->last_y};
    s->count = at + 1;
}

/* Lengths of the steps, length[0] being nought; returns their sum. */
static double step_lengths(const struct idem_strand *s, double *length)
{
    double sum = 0;
    length[0] = 0;
    for (uint32_t i = 1; i < s->count; i++) {
        const double dx = (double)s->point[i].x - (double)s->point[i - 1].x;
        const double dy = (double)s->point[i].y - (double)s->point[i - 1].y;
        length[i] = sqrt(dx * dx + dy * dy);
        sum += length[i];
    }
    return sum;
}

/* length: of the chord when it is known, of one step; else negative. */
static struct chord chord_between(const struct idem_point *a, const struct idem_point *b,
                                  double length)
{
    struct chord c = {.dx = (double)b->x - (double)a->x,
                      .dy = (double)b->y - (double)a->y,
                      .dt = 1e-6 * (double)(b->t_us - a->t_us)};
    c.per_s = 1 / c.dt;
    c.length = length < 0 ? sqrt(c.dx * c.dx + c.dy * c.dy) : length;
    c.speed = c.length * c.per_s;
    return c;
}

/* ------------------------------------------------------------------ the outline */

/* Sums for the best line, and for the best cubic in Legendre polynomials of the step's number. */
struct fits {
    double x, y, xx, xy, yy;
    double px[4], py[4];
    double even[3], odd[3]; /* products of the polynomials */
};

static void fit_point(struct fits *f, const struct idem_point *p, double u)
{
    const double x = (double)p->x, y = (double)p->y, u2 = u * u;
    const double basis[4] = {1, u, 1.5 * u2 - 0.5, u * (2.5 * u2 - 1.5)};
    f->x += x;
    f->y += y;
    f->xx += x * x;
    f->xy += x * y;
    f->yy += y * y;
    for (int k = 0; k < 4; k++) {
        f->px[k] += basis[k] * x;
        f->py[k] += basis[k] * y;
    }
    f->even[0] += 1;
    f->even[1] += basis[2];
    f->even[2] += basis[2] * basis[2];
    f->odd[0] += u2;
    f->odd[1] += u * basis[3];
    f->odd[2] += basis[3] * basis[3];
}

/*
 * The basis is orthogonal over a continuum, and on n even steps up to parity: two systems of two
 * equations, for the even and for the odd polynomials.
 */
static double explained(const double m[3], const double p[2])
{
    const double det = m[0] * m[2] - m[1] * m[1];
    if (!(det > 1e-9 * m[0] * m[2]))
        return 0;
    return (m[2] * p[0] * p[0] - 2 * m[1] * p[0] * p[1] + m[0] * p[1] * p[1]) / det;
}

static double cubic_residual(const struct fits *f, uint32_t n)
{
    const double ex[2] = {f->px[0], f->px[2]}, ox[2] = {f->px[1], f->px[3]};
    const double ey[2] = {f->py[0], f->py[2]}, oy[2] = {f->py[1], f->py[3]};
    const double rest = f->xx + f->yy - explained(f->even, ex) - explained(f->odd, ox) -
                        explained(f->even, ey) - explained(f->odd, oy);
    return sqrt(larger(0, rest) / n);
}

static void close_fits(const struct fits *f, uint32_t n, double unit, struct outline *o)
{
    const double mx = f->x / n, my = f->y / n;
    const double xx = f->xx / n - mx * mx, xy = f->xy / n - mx * my, yy = f->yy / n - my * my;
    const double half = (xx - yy) / 2, root = sqrt(half * half + xy * xy);
    const double edge = 0.3 * unit * unit;
    o->line = sqrt(larger(0, (xx + yy) / 2 - root));
    /* A scroll bar or the edge of a screen draws exact lines; so does its diagonal. */
    o->along_axis = smaller(xx, yy) < edge || fabs(xx + yy - 2 * fabs(xy)) < edge;
    o->cubic = cubic_residual(f, n);
}

/* The speed over the last eighth of the time, and the way at three quarters. */
static void close_time(const struct idem_strand *s, const double *length, struct outline *o)
{
    const double end_us = (double)s->point[s->count - 1].t_us, late = 0.75 * end_us;
    double way = 0;
    uint32_t at = 1;
    while (at < s->count && (double)s->point[at].t_us < late)
        way += length[at++];
    const double over = (double)s->point[at].t_us - late;
    const double took = (double)(s->point[at].t_us - s->point[at - 1].t_us);
    o->homing = (way + length[at] * (1 - over / took)) / o->length;
    for (uint32_t i = s->count - 1; i > 0 && o->end_time < 0.12 * o->duration; i--) {
        o->end_length += length[i];
        o->end_time = 1e-6 * (end_us - (double)s->point[i - 1].t_us);
    }
}

static void draw_outline(const struct idem_strand *s, const double *length, double unit,
                         struct outline *o)
{
    struct fits fits = {0};
    double top_way = 0, top_took = 1;
    uint32_t still = 0;
    const uint32_t n = s->count;
    const double step = 2.0 / (n - 1);
    for (uint32_t i = 0; i < n; i++) {
        fit_point(&fits, &s->point[i], step * i - 1);
        if (i == 0)
            continue;
        still = length[i] < 1e-3 * unit ? still + 1 : 0;
        o->still = still > o->still ? still : o->still;
        if (i < 2)
            continue;
        const double way = length[i - 1] + length[i];
        const double took = (double)(s->point[i].t_us - s->point[i - 2].t_us);
        if (way * top_took > top_way * took) {
            top_way = way;
            top_took = took;
        }
    }
    o->top_speed = 1e6 * top_way / top_took;
    close_fits(&fits, n, unit, o);
    close_time(s, length, o);
}

/* ------------------------------------------------------------------ the texture */

/* What carries over from one pair of chords to the next. */
struct carry {
    bool has;
    double turn, change, ax, ay;
    double slack2; /* what rounding and a hair may add to a change, squared */
};

static void tie(struct texture *t, struct carry *before, const struct carry *now, double unit2)
{
    if (before->has) {
        const double jx = now->ax - before->ax, jy = now->ay - before->ay;
        t->triples++;
        t->smooth += jx * jx + jy * jy <= now->slack2;
        t->turns += now->turn * before->turn;
        t->turns2 += (now->turn * now->turn + before->turn * before->turn) / 2;
        t->changes += now->change * before->change;
        t->changes2 += (now->change * now->change + before->change * before->change) / 2;
        t->third += larger(0, jx * jx + jy * jy - 20.0 / 6 * unit2);
        t->second += now->ax * now->ax + now->ay * now->ay + before->ax * before->ax +
                     before->ay * before->ay;
    }
    *before = *now;
}

/* One division for three: dividing costs more than all the rest. */
struct reciprocals {
    double mean2, product, speeds;
};

static struct reciprocals divide(double mean2, double product, double speeds)
{
    const double all = 1 / (mean2 * product * speeds);
    return (struct reciprocals){all * product * speeds, all * mean2 * speeds,
                                all * mean2 * product};
}

static void pair_up(struct texture *t, const struct chord *a, const struct chord *b, double unit,
                    struct carry *before)
{
    const double mean = (a->length + b->length) / 2, dt = (a->dt + b->dt) / 2;
    const double shorter = smaller(a->length, b->length);
    if (!(mean > telling * unit)) {
        before->has = false;
        return;
    }
    const bool angle = shorter > 1e-6 * unit;
    const double unit2 = unit * unit;
    const struct reciprocals per =
        divide(mean * mean, angle ? a->length * b->length : 1, a->speed + b->speed);
    struct carry now = {.has = true, .ax = b->dx - a->dx, .ay = b->dy - a->dy};
    const double vx = b->dx * b->per_s - a->dx * a->per_s;
    const double vy = b->dy * b->per_s - a->dy * a->per_s;
    const double change2 = now.ax * now.ax + now.ay * now.ay;
    const double rough = larger(0, change2 - unit2) * per.mean2;
    const double rough_v = larger(0, (vx * vx + vy * vy) * dt * dt - unit2) * per.mean2;
    const double r = smaller(rough, most_change), v = smaller(rough_v, most_change);
    const double cosine = angle ? (a->dx * b->dx + a->dy * b->dy) * per.product : 1;
    const double slack = 1.2 * unit + 0.02 * mean;
    now.turn = angle ? (a->dx * b->dy - a->dy * b->dx) * per.product : 0;
    now.change = (b->speed - a->speed) * per.speeds;
    now.slack2 = slack * slack;
    t->pairs++;
    t->even += change2 <= now.slack2;
    t->rough += r;
    t->rough_v += v;
    t->haste += smaller(r, v) * 0.000256 * a->per_s * b->per_s;
    t->turn += cosine < 0 ? 1 : fabs(now.turn);
    t->sharp += (1 - cosine) * shorter;
    tie(t, before, &now, unit2);
}

static void weave(const struct idem_strand *s, const double *length, double unit, uint32_t stride,
                  struct texture *t)
{
    struct chord before = {0};
    struct carry carry = {0};
    *t = (struct texture){0};
    for (uint32_t i = stride; i < s->count; i += stride) {
        const struct chord c =
            chord_between(&s->point[i - stride], &s->point[i], stride == 1 ? length[i] : -1);
        t->length += c.length;
        t->length2 += c.length * c.length;
        t->speed += c.speed;
        t->speed2 += c.speed * c.speed;
        t->time += c.dt;
        t->time2 += c.dt * c.dt;
        if (t->chords++ > 0)
            pair_up(t, &before, &c, unit, &carry);
        before = c;
    }
}

/* ------------------------------------------------------------------ the measures */

static float ln(double floor, double value)
{
    return logf((float)(floor + value));
}

static void measure_spreads(const struct texture *t, double unit, float *m)
{
    const double n = t->chords, length = t->length / n, speed = t->speed / n, time = t->time / n;
    const double rounding = unit * unit / 6;
    const double steps = sqrt(larger(0, t->length2 / n - length * length - rounding)) / length;
    const double speeds = sqrt(larger(0, t->speed2 / n - speed * speed)) / speed;
    const double times = sqrt(larger(0, t->time2 / n - time * time)) / time;
    m[IDEM_MEASURE_STEPS] = ln(0.03, steps);
    m[IDEM_MEASURE_SPEEDS] = ln(0.03, speeds);
    m[IDEM_MEASURE_CLOCK] = times > 0.1 && n >= 5 ? ln(0.05, steps) - ln(0.05, speeds) : 0;
}

static void measure_texture(const struct texture *t, double unit, float *m)
{
    const double pairs = t->pairs, triples = t->triples, little = 0.0004 * triples;
    if (t->chords < 4 || !(t->length > 3 * unit * t->chords))
        return;
    measure_spreads(t, unit, m);
    m[IDEM_MEASURE_SHARP] = ln(0.003, t->sharp / t->length);
    if (t->pairs >= 3) {
        m[IDEM_MEASURE_ROUGH] = ln(0.02, sqrt(t->rough / pairs));
        m[IDEM_MEASURE_ROUGH_V] = ln(0.02, sqrt(t->rough_v / pairs));
        m[IDEM_MEASURE_HASTE] = ln(0.02, sqrt(t->haste / pairs));
        m[IDEM_MEASURE_TURN] = ln(0.01, t->turn / pairs);
        m[IDEM_MEASURE_EVEN] = (float)(t->even / pairs);
    }
    if (t->triples >= 3) {
        m[IDEM_MEASURE_SMOOTH] = (float)(t->smooth / triples);
        m[IDEM_MEASURE_TURN_TIE] = (float)(t->turns / (t->turns2 + little));
        m[IDEM_MEASURE_SPEED_TIE] = (float)(t->changes / (t->changes2 + little));
        m[IDEM_MEASURE_WHITE] = (float)sqrt(t->third / (t->second + triples * unit * unit));
    }
}

static void measure_outline(const struct outline *o, uint32_t points, double unit, float *m)
{
    const double speed = o->length / o->duration;
    const bool shaped = !o->along_axis && o->length > 30 * unit;
    m[IDEM_MEASURE_END] = ln(0.05, o->end_length / o->end_time / speed);
    m[IDEM_MEASURE_PEAK] = ln(0, o->top_speed / speed);
    m[IDEM_MEASURE_STILL] = (float)(o->still < 20 ? o->still : 20);
    m[IDEM_MEASURE_HOMING] = (float)o->homing;
    if (shaped && points >= 6)
        m[IDEM_MEASURE_LINE] = ln(0.2, o->line / unit);
    if (shaped && points >= 8)
        m[IDEM_MEASURE_CUBIC] = ln(0.2, o->cubic / unit);
}

/*
 * Units of this movement: a pixel, or the finest step of a source with fractions, a quarter of a
 * pixel at least: no hand is steadier than that, and that positions have fractions is no evidence.
 */
static double unit_of(const struct idem_grain *grain, double length)
{
    const double finest = larger(0.25 / grain->per_pixel, smaller(1, grain->finest));
    return larger(grain->fractions ? finest : 1, length / 20000);
}

bool idem_strand_measure(const struct idem_strand *s, const struct idem_grain *grain,
                         float *measure, double *way)
{
    double lengths[IDEM_STRAND_POINTS];
    const double length = step_lengths(s, lengths), unit = unit_of(grain, length);
    struct outline outline = {.length = length};
    struct texture texture;
    if (s->count < 4 || length < 8 * unit || s->point[s->count - 1].t_us < 30000)
        return false;
    const double step = length / (s->count - 1);
    const uint32_t stride = step >= 8 * unit ? 1 : step >= 4 * unit ? 2 : step >= 2 * unit ? 4 : 8;
    for (int i = 0; i < IDEM_MEASURES; i++)
        measure[i] = IDEM_MEASURE_NONE;
    outline.duration = 1e-6 * (double)s->point[s->count - 1].t_us;
    draw_outline(s, lengths, unit, &outline);
    measure_outline(&outline, s->count, unit, measure);
    weave(s, lengths, unit, stride, &texture);
    measure_texture(&texture, unit, measure);
    *way = length;
    return true;
}
