/* SPDX-License-Identifier: Apache-2.0 */
/* calibration.c - conditional logistic calibration, see calibration.h. */
#include "model/calibration.h"

#include "idem/idem.h"

#include <math.h>
#include <string.h>

enum { N = IDEM_CALIBRATION_TERMS, TRIALS_MIN = 20, ITERATIONS_MAX = 50 };

/* A score never counts for less than a hundredth or more than three times itself. */
static const double log_slope_min = -4.6, log_slope_max = 1.1;
/* No fit comes near it; larger ones in a file would overflow. */
static const double coef_most = 1e3;
/* Where the fit starts and what the ridge pulls towards, in units of trials. */
static const double start[N] = {-0.3, 0, 0, 0, 0, 0, -5, 0};
static const double ridge[N] = {2, 2, 2, 2, 2, 2, 100, 100};

void idem_calibration_identity(struct idem_calibration *cal)
{
    *cal = (struct idem_calibration){.coef = {[6] = -40},
                                     .probe_min = 1,
                                     .probe_max = 1e9,
                                     .profile_min = 1,
                                     .profile_max = 1e9};
}

static double clamp(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

static void amounts(const struct idem_calibration *cal, double probe, double profile, double *p,
                    double *q)
{
    *p = log2(clamp(probe, cal->probe_min, cal->probe_max) / 50.0);
    *q = log2(clamp(profile, cal->profile_min, cal->profile_max) / 500.0);
}

/* log(exp(a) + exp(b)) */
static double log_add(double a, double b)
{
    double most = a > b ? a : b;
    return most + log1p(exp(-fabs(a - b)));
}

/* The bounds of e: one probe in e^40, and one in twenty. */
static const double log_odd_min = -40, log_odd_max = -3;

/*
 * llr of z when a share e of probes says nothing (log_odd: its logarithm), and its derivatives by z
 * and by log_odd.
 */
static double bound(double z, double log_odd, double *by_z, double *by_odd)
{
    const double even = log1p(-exp(log_odd)), odd = exp(log_odd);
    const double top = log_add(even + z, log_odd), bottom = log_add(even, log_odd + z);

    *by_z = exp(even + z - top) - exp(log_odd + z - bottom);
    *by_odd = odd * (exp(-top) - exp(z - top) - exp(z - bottom) + exp(-bottom));
    return top - bottom;
}

static double log_odd_of(const double coef[N], double p)
{
    return clamp(coef[6] + coef[7] * p, log_odd_min, log_odd_max);
}

/* z of a trial under coef, and its derivative by each coefficient. */
static double predict(const struct idem_calibration *cal, const double coef[N],
                      const struct idem_trial *t, double raw, double gradient[N])
{
    double p, q;
    amounts(cal, t->probe_strokes, t->profile_strokes, &p, &q);
    double scaled =
        exp(clamp(coef[0] + coef[1] * p + coef[2] * q, log_slope_min, log_slope_max)) * raw;
    gradient[0] = scaled;
    gradient[1] = scaled * p;
    gradient[2] = scaled * q;
    gradient[3] = 1;
    gradient[4] = p;
    gradient[5] = q;
    gradient[6] = gradient[7] = 0;
    return scaled + coef[3] + coef[4] * p + coef[5] * q;
}

/* The same for llr. */
static double predict_bounded(const struct idem_calibration *cal, const double coef[N],
                              const struct idem_trial *t, double raw, double gradient[N])
{
    double p, q, by_z, by_odd, z = predict(cal, coef, t, raw, gradient);

    amounts(cal, t->probe_strokes, t->profile_strokes, &p, &q);
    double llr = bound(z, log_odd_of(coef, p), &by_z, &by_odd);
    for (int k = 0; k < 6; k++)
        gradient[k] *= by_z;
    gradient[6] = by_odd;
    gradient[7] = by_odd * p;
    return llr;
}

/* Solves the symmetric positive definite A x = b in place (Cholesky); A is N x N. */
static void solve(double A[N][N], double b[N])
{
    for (int j = 0; j < N; j++) {
        for (int k = 0; k < j; k++) {
            for (int i = j; i < N; i++)
                A[i][j] -= A[i][k] * A[j][k];
        }
        double d = sqrt(A[j][j]);
        for (int i = j; i < N; i++)
            A[i][j] /= d;
    }
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < i; k++)
            b[i] -= A[i][k] * b[k];
        b[i] /= A[i][i];
    }
    for (int i = N - 1; i >= 0; i--) {
        for (int k = i + 1; k < N; k++)
            b[i] -= A[k][i] * b[k];
        b[i] /= A[i][i];
    }
}

struct class_count {
    double genuine, impostor;
};

static struct class_count span(const struct idem_trial *trials, size_t count,
                               struct idem_calibration *cal)
{
    struct class_count n = {0, 0};
    cal->probe_min = cal->profile_min = 1e9;
    cal->probe_max = cal->profile_max = 1;
    for (size_t i = 0; i < count; i++) {
        const struct idem_trial *t = &trials[i];
        n.genuine += t->genuine;
        n.impostor += !t->genuine;
        cal->probe_min = fmin(cal->probe_min, fmax(t->probe_strokes, 1));
        cal->probe_max = fmax(cal->probe_max, t->probe_strokes);
        cal->profile_min = fmin(cal->profile_min, fmax(t->profile_strokes, 1));
        cal->profile_max = fmax(cal->profile_max, t->profile_strokes);
    }
    return n;
}

struct fit {
    struct idem_calibration *cal;
    const struct idem_trial *trials;
    size_t count;
    struct class_count n;
};

static double trial_weight(const struct fit *fit, const struct idem_trial *t)
{
    return 0.5 * (double)fit->count / (t->genuine ? fit->n.genuine : fit->n.impostor);
}

/* ln(1 + exp(x)) without overflow. */
static double softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double loss(const struct fit *fit, const double coef[N])
{
    double sum = 0, gradient[N];
    for (size_t i = 0; i < fit->count; i++) {
        const struct idem_trial *t = &fit->trials[i];
        double z = predict_bounded(fit->cal, coef, t, (double)t->raw, gradient);
        sum += trial_weight(fit, t) * softplus(t->genuine ? -z : z);
    }
    for (int k = 0; k < N; k++)
        sum += 0.5 * ridge[k] * (coef[k] - start[k]) * (coef[k] - start[k]);
    return sum;
}

/* The scoring step (expected Hessian) that would lower the loss, were it quadratic. */
static void scoring_step(const struct fit *fit, double step[N])
{
    const double *coef = fit->cal->coef;
    double A[N][N] = {{0}}, x[N];

    memset(step, 0, N * sizeof *step);
    for (size_t i = 0; i < fit->count; i++) {
        const struct idem_trial *t = &fit->trials[i];
        double weight = trial_weight(fit, t);
        double prob = 1 / (1 + exp(-predict_bounded(fit->cal, coef, t, (double)t->raw, x)));
        for (int k = 0; k < N; k++) {
            step[k] += weight * (t->genuine - prob) * x[k];
            for (int l = 0; l <= k; l++)
                A[k][l] += weight * prob * (1 - prob) * x[k] * x[l];
        }
    }
    for (int k = 0; k < N; k++) {
        A[k][k] += ridge[k];
        step[k] -= ridge[k] * (coef[k] - start[k]);
    }
    solve(A, step);
}

/* Halves the step until the loss falls; returns by how much it fell. */
static double descend(struct fit *fit, double *current)
{
    double step[N], tried[N];

    scoring_step(fit, step);
    for (double scale = 1; scale > 1e-4; scale *= 0.5) {
        for (int k = 0; k < N; k++)
            tried[k] = fit->cal->coef[k] + scale * step[k];
        double now = loss(fit, tried), gain = *current - now;
        if (gain > 0) {
            memcpy(fit->cal->coef, tried, sizeof tried);
            *current = now;
            return gain;
        }
    }
    return 0;
}

int idem_calibration_fit(const struct idem_trial *trials, size_t count,
                         struct idem_calibration *cal)
{
    struct idem_calibration best;
    struct fit fit = {&best, trials, count, span(trials, count, &best)};

    if (fit.n.genuine < TRIALS_MIN || fit.n.impostor < TRIALS_MIN)
        return IDEM_ERR_TOO_LITTLE;
    memcpy(best.coef, start, sizeof start);
    double current = loss(&fit, best.coef);
    if (!isfinite(current))
        return IDEM_ERR_INVALID;
    for (int i = 0; i < ITERATIONS_MAX; i++) {
        if (descend(&fit, &current) < 1e-7 * current)
            break;
    }
    *cal = best;
    return IDEM_OK;
}

double idem_calibrate_unbounded(const struct idem_calibration *cal, double raw,
                                double probe_strokes, double profile_strokes)
{
    const struct idem_trial t = {.probe_strokes = (float)probe_strokes,
                                 .profile_strokes = (float)profile_strokes};
    double gradient[N];
    return predict(cal, cal->coef, &t, raw, gradient);
}

double idem_calibrate(const struct idem_calibration *cal, double raw, double probe_strokes,
                      double profile_strokes)
{
    const struct idem_trial t = {.probe_strokes = (float)probe_strokes,
                                 .profile_strokes = (float)profile_strokes};
    double gradient[N];
    return predict_bounded(cal, cal->coef, &t, raw, gradient);
}

double idem_calibration_bound(const struct idem_calibration *cal, double z, double probe_strokes)
{
    double p, q, by_z, by_odd;
    amounts(cal, probe_strokes, 1, &p, &q);
    return bound(z, log_odd_of(cal->coef, p), &by_z, &by_odd);
}

void idem_calibration_write(const struct idem_calibration *cal, struct idem_writer *w)
{
    for (int k = 0; k < N; k++)
        idem_write_f64(w, cal->coef[k]);
    idem_write_f64(w, cal->probe_min);
    idem_write_f64(w, cal->probe_max);
    idem_write_f64(w, cal->profile_min);
    idem_write_f64(w, cal->profile_max);
}

static bool span_valid(double lo, double hi)
{
    return isfinite(lo) && isfinite(hi) && lo >= 1 && lo <= hi;
}

int idem_calibration_read(struct idem_calibration *cal, struct idem_reader *r)
{
    struct idem_calibration c;
    for (int k = 0; k < N; k++) {
        c.coef[k] = idem_read_f64(r);
        if (r->err == 0 && !(fabs(c.coef[k]) <= coef_most))
            r->err = IDEM_ERR_FORMAT;
    }
    c.probe_min = idem_read_f64(r);
    c.probe_max = idem_read_f64(r);
    c.profile_min = idem_read_f64(r);
    c.profile_max = idem_read_f64(r);
    if (r->err != 0)
        return r->err;
    if (!span_valid(c.probe_min, c.probe_max) || !span_valid(c.profile_min, c.profile_max))
        return r->err = IDEM_ERR_FORMAT;
    *cal = c;
    return IDEM_OK;
}
