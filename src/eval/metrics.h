/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - what a list of scored comparisons is worth: error rates, and how sure we are of them.
 *
 * Scores are calibrated log-likelihood ratios in nats; higher speaks for the owner. At a threshold
 * t FNMR(t) = share of genuine scores < t,   FMR(t) = share of impostor scores >= t and thresholds
 * are the observed scores. Rates are fractions. EER       mean of FNMR and FMR at the observed
 * threshold where they differ least (the lowest such) AUC       P(genuine > impostor) + 1/2
 * P(equal), over all pairs FNMR@FMR  FNMR at the lowest threshold whose FMR is not above the given
 * one; 1 when there is none Cllr      1/2 mean log2(1 + e^-s) over genuine + 1/2 mean log2(1 + e^s)
 * over impostors, in bits min Cllr  the same after the best monotone re-calibration (pool adjacent
 * violators) (Brummer and du Preez, "Application-independent evaluation of speaker detection",
 * 2006)
 */
#ifndef IDEM_EVAL_METRICS_H
#define IDEM_EVAL_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IDEM_NOBODY = UINT32_MAX >> 1, /* `other` when the impostor has no name */
    IDEM_BOOTSTRAP = 500,          /* resamplings; fewer when the list is very long */
    IDEM_DET_POINTS = 2048,
};

/* One comparison: a probe of `other` against the profile of `user`. */
struct idem_result {
    double score;
    uint32_t user;
    uint32_t other : 31; /* index of a person, or IDEM_NOBODY; the user itself when genuine */
    uint32_t genuine : 1;
};

struct idem_results {
    struct idem_result *list;
    size_t count;
    uint32_t people; /* user and other are below this */
};

struct idem_figures {
    double auc, eer_user_mean, eer_global, cllr, fnmr_at_fmr_01, fnmr_at_fmr_001;
};

struct idem_evaluation {
    uint32_t users; /* with genuine and impostor comparisons */
    size_t genuine, impostor;
    struct idem_figures figures;
    struct idem_figures low, high; /* 95 % intervals, by resampling people */
    double cllr_min;
};

struct idem_det_point {
    double fmr, fnmr;
};

/*
 * Sorts the list by score and computes everything. IDEM_ERR_TOO_LITTLE without a genuine or without
 * an impostor comparison. A person is drawn with all his comparisons, as user and as impostor, so
 * intervals hold for new people; they are reproducible (fixed seed) and independent of the number
 * of threads.
 */
int idem_evaluate(struct idem_results *results, struct idem_evaluation *out);

/* EER of two ascending arrays, neither empty. */
double idem_eer(const double *genuine, size_t genuine_count, const double *impostor,
                size_t impostor_count);

/* The detection curve of a list sorted by idem_evaluate, thinned to at most IDEM_DET_POINTS,
 * evenly on probit axes. */
size_t idem_det(const struct idem_results *results, struct idem_det_point *out);

/* The normal distribution's quantile (Acklam's rational approximation, relative error < 1.2e-9), 0
 * < p < 1. */
double idem_probit(double p);
/* The same of a rate, which may be 0 or 1: these count as a millionth and all but a millionth. */
double idem_probit_of_rate(double p);

#endif
