/* SPDX-License-Identifier: Apache-2.0 */
/*
 * takeover_figures.c - see takeover_figures.h. Intervals: people are drawn anew with replacement,
 * then the sessions of each, with the takeovers in them, each as often as its stranger was drawn,
 * too, so that intervals hold for new owners and new strangers; an interval of a false-alarm rate
 * is never narrower than that of a Poisson count, since a few alarms in all cannot show their own
 * spread.
 */
#include "eval/takeover_figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "eval/parallel.h"

/* What one threshold needs in order: takeovers by strokes and by seconds to detection. */
struct ordered {
    double *strokes, *seconds; /* [trials] */
    uint32_t *by_strokes, *by_seconds;
};

static void ordered_free(struct ordered *o)
{
    free(o->strokes);
    free(o->seconds);
    free(o->by_strokes);
    free(o->by_seconds);
}

struct keyed {
    double value;
    uint32_t index;
};

static int by_value(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static int order(const double *values, uint32_t count, uint32_t *out)
{
    struct keyed *keyed = malloc((count + 1) * sizeof *keyed);
    if (!keyed)
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++)
        keyed[i] = (struct keyed){values[i], i};
    qsort(keyed, count, sizeof *keyed, by_value);
    for (uint32_t i = 0; i < count; i++)
        out[i] = keyed[i].index;
    free(keyed);
    return 0;
}

static int ordered_new(const struct idem_takeover *t, uint32_t k, struct ordered *out)
{
    const size_t n = t->trial_count + 1;
    struct ordered o = {malloc(n * sizeof(double)), malloc(n * sizeof(double)),
                        malloc(n * sizeof(uint32_t)), malloc(n * sizeof(uint32_t))};
    int r = o.strokes && o.seconds && o.by_strokes && o.by_seconds ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < t->trial_count && r == 0; i++) {
        o.strokes[i] = (double)t->trials[i].strokes[k];
        o.seconds[i] = (double)t->trials[i].seconds[k];
    }
    if (r == 0)
        r = order(o.strokes, t->trial_count, o.by_strokes);
    if (r == 0)
        r = order(o.seconds, t->trial_count, o.by_seconds);
    if (r == 0)
        *out = o;
    else
        ordered_free(&o);
    return r;
}

/* How often sessions and people (seats, then those left out) were drawn. */
struct drawn {
    double *session, *person;
};

/* The figures of threshold k under such weights; NULL: one each. weight: room for the trials'
 * weights. */
static struct idem_takeover_point measure(const struct idem_takeover *t, uint32_t k,
                                          const struct ordered *o, const struct drawn *drawn,
                                          double *weight)
{
    struct idem_takeover_point p = {.threshold = t->thresholds[k]};
    double hours = 0, total = 0, found = 0;
    for (uint32_t i = 0; i < t->session_count; i++) {
        double w = drawn ? drawn->session[i] : 1;
        p.alarms += w * t->sessions[i].alarms[k];
        hours += w * t->sessions[i].active_s / 3600;
    }
    for (uint32_t i = 0; i < t->trial_count; i++) {
        const struct idem_takeover_trial *x = &t->trials[i];
        weight[i] = drawn ? drawn->session[x->session] * drawn->person[x->stranger] : 1;
        total += weight[i];
        found += isfinite(o->seconds[i]) ? weight[i] : 0;
    }
    p.per_hour = p.alarms / hours;
    p.detected = found / total;
    p.strokes_p50 = idem_weighted_quantile(o->strokes, o->by_strokes, weight, t->trial_count, 0.5);
    p.strokes_p90 = idem_weighted_quantile(o->strokes, o->by_strokes, weight, t->trial_count, 0.9);
    p.seconds_p50 = idem_weighted_quantile(o->seconds, o->by_seconds, weight, t->trial_count, 0.5);
    p.seconds_p90 = idem_weighted_quantile(o->seconds, o->by_seconds, weight, t->trial_count, 0.9);
    return p;
}

/* ------------------------------------------------------------------ intervals */

struct draws {
    const struct idem_takeover *t;
    const struct ordered *o;
    uint32_t k, *first; /* first session of each seat, and one beyond */
    uint64_t seed;
    struct idem_takeover_point drawn[IDEM_TAKEOVER_DRAWS];
    bool good[IDEM_TAKEOVER_DRAWS];
};

static void draw_people(const struct draws *d, uint64_t seed, struct drawn *out)
{
    const struct idem_takeover *t = d->t;
    struct idem_rng rng;
    idem_rng_seed(&rng, seed);
    for (uint32_t n = 0; n < t->seats; n++) {
        uint32_t seat = idem_rng_below(&rng, t->seats);
        uint32_t from = d->first[seat], count = d->first[seat + 1] - from;
        out->person[seat] += 1;
        for (uint32_t s = 0; s < count; s++)
            out->session[from + idem_rng_below(&rng, count)] += 1;
    }
    for (uint32_t n = 0; n < t->left_out; n++) /* strangers without a seat, among themselves */
        out->person[t->seats + idem_rng_below(&rng, t->left_out)] += 1;
}

static void draw_job(void *arg, int i)
{
    struct draws *d = arg;
    const struct idem_takeover *t = d->t;
    struct drawn drawn = {calloc(t->session_count + 1, sizeof(double)),
                          calloc((size_t)t->seats + t->left_out + 1, sizeof(double))};
    double *weight = malloc((t->trial_count + 1) * sizeof *weight);
    d->good[i] = drawn.session && drawn.person && weight;
    if (d->good[i]) {
        draw_people(d, d->seed + (uint64_t)i, &drawn);
        d->drawn[i] = measure(t, d->k, d->o, &drawn, weight);
    }
    free(drawn.session);
    free(drawn.person);
    free(weight);
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void percentiles(const struct draws *d, size_t offset, struct idem_takeover_point *low,
                        struct idem_takeover_point *high)
{
    double values[IDEM_TAKEOVER_DRAWS];
    size_t n = 0;
    for (int i = 0; i < IDEM_TAKEOVER_DRAWS; i++) {
        double v;
        memcpy(&v, (const char *)&d->drawn[i] + offset, sizeof v);
        if (!isnan(v)) /* nobody with a takeover was drawn */
            values[n++] = v;
    }
    qsort(values, n, sizeof *values, ascending);
    double lo = n ? values[(size_t)((double)n * 0.025)] : NAN;
    double hi = n ? values[(size_t)((double)n * 0.975)] : NAN;
    memcpy((char *)low + offset, &lo, sizeof lo);
    memcpy((char *)high + offset, &hi, sizeof hi);
}

static uint32_t *first_sessions(const struct idem_takeover *t)
{
    uint32_t *first = calloc(t->seats + 2, sizeof *first);
    for (uint32_t i = t->session_count; i-- > 0 && first;)
        first[t->sessions[i].seat] = i;
    if (first)
        first[t->seats] = t->session_count;
    return first;
}

static int intervals(const struct idem_takeover *t, uint32_t k, const struct ordered *o,
                     double alarms, uint64_t seed, struct idem_takeover_operating *out)
{
    static const size_t offsets[] = {offsetof(struct idem_takeover_point, per_hour),
                                     offsetof(struct idem_takeover_point, detected),
                                     offsetof(struct idem_takeover_point, strokes_p50),
                                     offsetof(struct idem_takeover_point, strokes_p90),
                                     offsetof(struct idem_takeover_point, seconds_p50),
                                     offsetof(struct idem_takeover_point, seconds_p90)};
    struct draws *d = calloc(1, sizeof *d);
    double low, high;
    if (!d || !(d->first = first_sessions(t))) {
        free(d);
        return IDEM_ERR_NOMEM;
    }
    d->t = t;
    d->o = o;
    d->k = k;
    d->seed = seed * UINT64_C(0x9e3779b97f4a7c15);
    idem_parallel(draw_job, d, IDEM_TAKEOVER_DRAWS);
    int r = 0;
    for (int i = 0; i < IDEM_TAKEOVER_DRAWS; i++)
        r = d->good[i] ? r : IDEM_ERR_NOMEM;
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++)
        percentiles(d, offsets[i], &out->low, &out->high);
    idem_poisson_interval(alarms, &low, &high);
    out->low.per_hour = fmin(out->low.per_hour, low / t->active_hours);
    out->high.per_hour = fmax(out->high.per_hour, high / t->active_hours);
    free(d->first);
    free(d);
    return r;
}

/* ------------------------------------------------------------------ people */

static int by_rate(const void *a, const void *b)
{
    const double *x = a, *y = b; /* alarms, hours */
    double p = x[0] / x[1], q = y[0] / y[1];
    return p > q ? -1 : p < q;
}

static void spread(const double *alarms, const double *hours, uint32_t n,
                   struct idem_takeover_people *out)
{
    struct idem_spread fitted;
    bool fits = idem_spread_fit(alarms, hours, n, &fitted) == 0;
    out->worst_fitted = fits ? idem_spread_worst(&fitted, 0.05) : NAN;
    out->monthly_fitted = fits ? idem_spread_above(&fitted, 1 / IDEM_SEAT_MONTH_H) : NAN;
}

static int people(const struct idem_takeover *t, uint32_t k, struct idem_takeover_people *out)
{
    const uint32_t n = t->seats, worst = (n + 19) / 20;
    double(*pairs)[2] = calloc(n + 1, sizeof *pairs);
    double *alarms = calloc(n + 1, sizeof *alarms), *hours = calloc(n + 1, sizeof *hours);
    double total = 0, most = 0, time = 0;
    int r = pairs && alarms && hours ? 0 : IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < t->session_count && r == 0; i++) {
        alarms[t->sessions[i].seat] += t->sessions[i].alarms[k];
        hours[t->sessions[i].seat] += t->sessions[i].active_s / 3600;
    }
    *out = (struct idem_takeover_people){0};
    for (uint32_t i = 0; i < n && r == 0; i++) {
        pairs[i][0] = alarms[i];
        pairs[i][1] = hours[i];
        total += alarms[i];
        out->troubled += alarms[i] > 0 ? 1.0 / n : 0;
        out->monthly_seen += alarms[i] / hours[i] > 1 / IDEM_SEAT_MONTH_H ? 1.0 / n : 0;
    }
    if (r == 0) {
        qsort(pairs, n, sizeof *pairs, by_rate);
        for (uint32_t i = 0; i < worst; i++) {
            most += pairs[i][0];
            time += pairs[i][1];
        }
        out->worst_per_hour = most / time;
        out->worst_share = total > 0 ? most / total : NAN;
        spread(alarms, hours, n, out);
    }
    free(pairs);
    free(alarms);
    free(hours);
    return r;
}

/* ------------------------------------------------------------------ thresholds of others */

enum { PARTS = 5 };

/* The highest threshold as quiet as asked, with all below it, for people outside a part; -1: none.
 */
static int chosen_outside(const struct idem_takeover *t, uint32_t part, double rate)
{
    double hours = 0;
    int best = -1;
    for (uint32_t i = 0; i < t->session_count; i++)
        hours += t->sessions[i].seat % PARTS != part ? t->sessions[i].active_s / 3600 : 0;
    for (uint32_t k = 0; k < t->threshold_count; k++) {
        double alarms = 0;
        for (uint32_t i = 0; i < t->session_count; i++)
            alarms += t->sessions[i].seat % PARTS != part ? t->sessions[i].alarms[k] : 0;
        if (alarms > rate * hours * (1 + 1e-9))
            break;
        best = (int)k;
    }
    return best;
}

/* Outcomes under each part's own threshold as if they were those of threshold 0 of a copy. */
static int held_out(const struct idem_takeover *t, double rate, struct idem_takeover_point *out)
{
    const struct idem_takeover_point none = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    struct idem_takeover copy = *t;
    struct ordered o;
    int k[PARTS], r = IDEM_ERR_NOMEM;
    *out = none;
    if (t->seats < 2 * PARTS)
        return 0;
    for (uint32_t part = 0; part < PARTS; part++)
        k[part] = chosen_outside(t, part, rate);
    copy.sessions = calloc(t->session_count + 1, sizeof *copy.sessions);
    copy.trials = calloc(t->trial_count + 1, sizeof *copy.trials);
    double *weight = malloc((t->trial_count + 1) * sizeof *weight);
    for (uint32_t i = 0; i < t->session_count && copy.sessions; i++) {
        const int at = k[t->sessions[i].seat % PARTS];
        copy.sessions[i] = t->sessions[i];
        copy.sessions[i].alarms[0] = at < 0 ? 0 : t->sessions[i].alarms[at];
    }
    for (uint32_t i = 0; i < t->trial_count && copy.trials; i++) {
        const int at = k[t->sessions[t->trials[i].session].seat % PARTS];
        copy.trials[i] = t->trials[i];
        copy.trials[i].strokes[0] = at < 0 ? INFINITY : t->trials[i].strokes[at];
        copy.trials[i].seconds[0] = at < 0 ? INFINITY : t->trials[i].seconds[at];
    }
    if (copy.sessions && copy.trials && weight && (r = ordered_new(&copy, 0, &o)) == 0) {
        *out = measure(&copy, 0, &o, NULL, weight);
        out->threshold = NAN;
        ordered_free(&o);
    }
    free(copy.sessions);
    free(copy.trials);
    free(weight);
    return r;
}

/* ------------------------------------------------------------------ the whole */

static int operating(const struct idem_takeover *t, const struct ordered *o, uint32_t k,
                     uint64_t seed, struct idem_takeover_figures *f)
{
    int r = 0;
    for (int p = 0; p < IDEM_TAKEOVER_POINTS && r == 0; p++) {
        if (f->points[p].index != (int)k)
            continue;
        r = intervals(t, k, o, f->curve[k].alarms, seed, &f->points[p]);
        if (r == 0)
            r = people(t, k, &f->points[p].people);
    }
    return r;
}

/* Four quarters an hour; alarms so rare that two never fall into one. */
static int extrapolate(const struct idem_takeover *t, struct idem_takeover_figures *f)
{
    double *surprise = malloc((t->minima_count + 1) * sizeof *surprise);
    if (!surprise)
        return IDEM_ERR_NOMEM;
    for (uint32_t i = 0; i < t->minima_count; i++)
        surprise[i] = -t->minima[i];
    qsort(surprise, t->minima_count, sizeof *surprise, ascending);
    f->has_tail = idem_tail_fit(surprise, t->minima_count, &f->tail) == 0;
    f->yearly_threshold =
        f->has_tail ? -idem_tail_where(&f->tail, 1 / (4 * IDEM_SEAT_YEAR_H)) : NAN;
    for (int p = 0; p < IDEM_TAKEOVER_POINTS; p++) {
        struct idem_takeover_operating *at = &f->points[p];
        bool known = f->has_tail && at->index >= 0;
        double x = known ? -f->curve[at->index].threshold : 0;
        at->per_year = known && x >= f->tail.start
                           ? 4 * IDEM_SEAT_YEAR_H * idem_tail_beyond(&f->tail, x)
                           : NAN;
    }
    free(surprise);
    return 0;
}

int idem_takeover_figures(const struct idem_takeover *t, const double rates[IDEM_TAKEOVER_POINTS],
                          uint64_t seed, struct idem_takeover_figures *out)
{
    struct idem_takeover_figures f = {.count = t->threshold_count};
    double *weight = malloc((t->trial_count + 1) * sizeof *weight);
    int r = weight ? 0 : IDEM_ERR_NOMEM;
    for (int p = 0; p < IDEM_TAKEOVER_POINTS; p++)
        f.points[p] = (struct idem_takeover_operating){.asked = rates[p], .index = t->point[p]};
    for (uint32_t k = 0; k < t->threshold_count && r == 0; k++) {
        struct ordered o;
        if ((r = ordered_new(t, k, &o)) != 0)
            break;
        f.curve[k] = measure(t, k, &o, NULL, weight);
        r = operating(t, &o, k, seed, &f);
        ordered_free(&o);
    }
    for (int p = 0; p < IDEM_TAKEOVER_POINTS && r == 0; p++)
        r = held_out(t, rates[p], &f.points[p].held_out);
    if (r == 0)
        r = extrapolate(t, &f);
    free(weight);
    if (r == 0)
        *out = f;
    return r;
}
