/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tail.c - see tail.h.
 */
#include "eval/tail.h"

#include <math.h>

#include "idem/idem.h"

enum { LEAST_EXCEEDING = 10, LEAST_EVENTS = 5 };

int idem_tail_fit(const double *values, size_t count, struct idem_tail *out)
{
    size_t above = count / 5, from = count - above;
    double a0 = 0, a1 = 0;
    if (above < LEAST_EXCEEDING)
        return IDEM_ERR_TOO_LITTLE;
    const double start = values[from - 1];
    for (size_t i = 0; i < above; i++) {
        double y = values[from + i] - start, p = ((double)i + 0.65) / (double)above;
        a0 += y / (double)above;
        a1 += y * (1 - p) / (double)above;
    }
    if (!(a0 > 0))
        return IDEM_ERR_TOO_LITTLE; /* all at one value */
    double shape = a0 > 2 * a1 ? 2 - a0 / (a0 - 2 * a1) : -0.5;
    shape = shape > 0.5 ? 0.5 : shape < -0.5 ? -0.5 : shape;
    *out = (struct idem_tail){.start = start,
                              .over = (double)above / (double)count,
                              .scale = a0 * (1 - shape), /* keeps the mean */
                              .shape = shape,
                              .count = (uint32_t)above};
    return IDEM_OK;
}

double idem_tail_beyond(const struct idem_tail *t, double x)
{
    double y = (x - t->start) / t->scale;
    if (y <= 0)
        return t->over;
    if (fabs(t->shape) < 1e-6)
        return t->over * exp(-y);
    double base = 1 + t->shape * y;
    return base > 0 ? t->over * pow(base, -1 / t->shape) : 0;
}

double idem_tail_where(const struct idem_tail *t, double p)
{
    if (!(p > 0))
        return t->shape < 0 ? t->start - t->scale / t->shape : INFINITY;
    double ratio = p / t->over;
    if (fabs(t->shape) < 1e-6)
        return t->start - t->scale * log(ratio);
    return t->start + t->scale / t->shape * (pow(ratio, -t->shape) - 1);
}

/* ------------------------------------------------------------------ people */

/* The regularised upper incomplete gamma function Q(a, x): series below a + 1, continued fraction
 * (Lentz) above. */
static double upper_gamma(double a, double x)
{
    const double front = exp(a * log(x > 0 ? x : 1e-300) - x - lgamma(a));
    if (x < a + 1) {
        double term = 1 / a, sum = term;
        for (int n = 1; n < 500 && term > sum * 1e-15; n++) {
            term *= x / (a + n);
            sum += term;
        }
        return 1 - front * sum;
    }
    double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
    for (int n = 1; n < 500; n++) {
        double an = -n * (n - a);
        b += 2;
        d = 1 / (an * d + b);
        c = b + an / c;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-15)
            break;
    }
    return front * h;
}

/* Log-likelihood of the counts, but for what the shape does not change. */
static double likelihood(const double *events, const double *hours, uint32_t people, double mean,
                         double shape)
{
    double sum = 0;
    for (uint32_t i = 0; i < people; i++) {
        double expected = mean * hours[i];
        sum += lgamma(events[i] + shape) - lgamma(shape) + shape * log(shape / (shape + expected)) +
               events[i] * log(expected / (shape + expected));
    }
    return sum;
}

int idem_spread_fit(const double *events, const double *hours, uint32_t people,
                    struct idem_spread *out)
{
    double total = 0, time = 0, best = -INFINITY;
    for (uint32_t i = 0; i < people; i++) {
        total += events[i];
        time += hours[i];
    }
    if (total < LEAST_EVENTS)
        return IDEM_ERR_TOO_LITTLE;
    struct idem_spread s = {.mean = total / time, .shape = 1};
    for (double shape = 0.02; shape < 50; shape *= 1.05) {
        double now = likelihood(events, hours, people, s.mean, shape);
        if (now > best) {
            best = now;
            s.shape = shape;
        }
    }
    *out = s;
    return IDEM_OK;
}

double idem_spread_above(const struct idem_spread *s, double rate)
{
    return upper_gamma(s->shape, s->shape * rate / s->mean);
}

double idem_spread_worst(const struct idem_spread *s, double share)
{
    double lo = 0, hi = s->mean;
    while (idem_spread_above(s, hi) > share)
        hi *= 2;
    for (int i = 0; i < 100; i++) {
        double mid = (lo + hi) / 2;
        if (idem_spread_above(s, mid) > share)
            lo = mid;
        else
            hi = mid;
    }
    return s->mean * upper_gamma(s->shape + 1, s->shape * hi / s->mean) / share;
}
