/* SPDX-License-Identifier: Apache-2.0 */
/* calibration.c - conditional logistic calibration, see calibration.h. */
#include "model/calibration.h"

#include "idem/idem.h"

#include <math.h>
#include <string.h>

enum { N = IDEM_CALIBRATION_TERMS, TRIALS_MIN = 20, ITERATIONS_MAX = 50 };

/* A score never counts for less than this share of itself, nor changes sign, whatever the fit. */
static const double slope_min = 0.02;
/* Pulls the conditional terms towards nought where the trials say little, in units of trials. */
static const double ridge = 2.0;

void idem_calibration_identity(struct idem_calibration *cal)
{
    *cal = (struct idem_calibration){
        .coef = {1}, .probe_min = 1, .probe_max = 1e9, .profile_min = 1, .profile_max = 1e9};
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

static void terms(const struct idem_calibration *cal, const struct idem_trial *t, double x[N])
{
    double p, q;
    amounts(cal, t->probe_strokes, t->profile_strokes, &p, &q);
    x[0] = t->raw;
    x[1] = t->raw * p;
    x[2] = t->raw * q;
    x[3] = 1;
    x[4] = p;
    x[5] = q;
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

/* One Newton step of the weighted log-likelihood; returns the largest change of a coefficient. */
static double newton(const struct idem_trial *trials, size_t count, struct class_count n,
                     struct idem_calibration *cal)
{
    static const double towards[N] = {0.5, 0, 0, 0, 0, 0};
    double A[N][N] = {{0}}, g[N] = {0}, x[N], change = 0;

    for (size_t i = 0; i < count; i++) {
        double z = 0, weight = 0.5 * (double)count / (trials[i].genuine ? n.genuine : n.impostor);
        terms(cal, &trials[i], x);
        for (int k = 0; k < N; k++)
            z += cal->coef[k] * x[k];
        double prob = 1 / (1 + exp(-z));
        double slope = weight * prob * (1 - prob), pull = weight * (trials[i].genuine - prob);
        for (int k = 0; k < N; k++) {
            g[k] += pull * x[k];
            for (int l = 0; l <= k; l++)
                A[k][l] += slope * x[k] * x[l];
        }
    }
    for (int k = 0; k < N; k++) {
        A[k][k] += ridge;
        g[k] -= ridge * (cal->coef[k] - towards[k]);
    }
    solve(A, g);
    for (int k = 0; k < N; k++) {
        double step = clamp(g[k], -1, 1); /* far-off scores make full steps overshoot */
        cal->coef[k] += step;
        change = fmax(change, fabs(step));
    }
    return change;
}

int idem_calibration_fit(const struct idem_trial *trials, size_t count,
                         struct idem_calibration *cal)
{
    struct idem_calibration fit = {.coef = {0.5}};
    struct class_count n = span(trials, count, &fit);

    if (n.genuine < TRIALS_MIN || n.impostor < TRIALS_MIN)
        return IDEM_ERR_TOO_LITTLE;
    for (int i = 0; i < ITERATIONS_MAX; i++) {
        if (newton(trials, count, n, &fit) < 1e-6)
            break;
    }
    for (int k = 0; k < N; k++) {
        if (!isfinite(fit.coef[k]))
            return IDEM_ERR_TOO_LITTLE;
    }
    *cal = fit;
    return IDEM_OK;
}

double idem_calibrate(const struct idem_calibration *cal, double raw, double probe_strokes,
                      double profile_strokes)
{
    const double *c = cal->coef;
    double p, q;
    amounts(cal, probe_strokes, profile_strokes, &p, &q);
    return fmax(c[0] + c[1] * p + c[2] * q, slope_min) * raw + c[3] + c[4] * p + c[5] * q;
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
        if (r->err == 0 && !isfinite(c.coef[k]))
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
