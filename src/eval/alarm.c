/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alarm.c - see alarm.h.
 */
#include "eval/alarm.h"

#include <math.h>

bool idem_alarm_step(struct idem_alarm *alarm, double statistic, int64_t now_us)
{
    if (now_us < alarm->quiet_until_us || !(statistic < alarm->threshold))
        return false;
    alarm->quiet_until_us = now_us + alarm->refractory_us;
    return true;
}

uint32_t idem_alarm_scan(struct idem_alarm alarm, const double *statistic, const int64_t *t_us,
                         uint32_t count, uint32_t *out)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++)
        if (idem_alarm_step(&alarm, statistic[i], t_us[i]))
            out[found++] = i;
    return found;
}

double idem_log_odds(double p)
{
    double l = log(p) - log1p(-p);
    return l > 40 ? 40 : l > -40 ? l : -40;
}

double idem_weighted_quantile(const double *values, const uint32_t *order, const double *weight,
                              size_t count, double share)
{
    double total = 0, sum = 0;
    for (size_t i = 0; i < count; i++)
        total += weight ? weight[order[i]] : 1;
    for (size_t i = 0; i < count; i++) {
        double w = weight ? weight[order[i]] : 1;
        sum += w;
        if (w > 0 && sum >= share * total * (1 - 1e-12))
            return values[order[i]];
    }
    return NAN;
}

/* P(X <= n) for a Poisson variable. */
static double poisson_cdf(double n, double mean)
{
    double term = exp(-mean), sum = term;
    for (double k = 1; k <= n; k++) {
        term *= mean / k;
        sum += term;
    }
    return sum;
}

/* The mean at which P(X <= n) is p: it falls as the mean grows. */
static double mean_where(double n, double p)
{
    double lo = 0, hi = n + 10 + 10 * sqrt(n + 1);
    for (int i = 0; i < 100; i++) {
        double mid = (lo + hi) / 2;
        if (poisson_cdf(n, mid) > p)
            lo = mid;
        else
            hi = mid;
    }
    return (lo + hi) / 2;
}

void idem_poisson_interval(double count, double *low, double *high)
{
    if (count > 300) { /* beyond this the normal approximation is good to a per mille */
        *low = count - 1.96 * sqrt(count);
        *high = count + 1.96 * sqrt(count);
        return;
    }
    *low = count > 0 ? mean_where(count - 1, 0.975) : 0;
    *high = mean_where(count, 0.025);
}
