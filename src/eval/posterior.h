/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posterior.h - are log-likelihood ratios what they say? Of single scores, conditional on how much
 * evidence profile and probe hold, and of the filter's posterior over a fresh session.
 *
 * scores     a profile of a person's first n windows of 25 keys (10 gestures); genuine probes are
 *            windows of so many strokes that begin later, impostor probes any of a stranger's
 * posterior  after enrolment a fresh filter starts at a random window and sees so many windows of
 *            the owner, or of a stranger who is there from the log-in on: within 20 windows that is
 *            where the filter's own prior puts nearly all takeovers. The ratio is the log odds of
 *            p_owner less those of the prior.
 * fusion     with two recordings the same after so many seconds of activity, with both profiles
 *            and with either alone, on the same stretches: chimeric people
 *
 * Owners are taken in turn; genuine and impostor trials are equally many.
 */
#ifndef IDEM_EVAL_POSTERIOR_H
#define IDEM_EVAL_POSTERIOR_H

#include "eval/metrics.h"
#include "eval/seat.h"

enum {
    IDEM_POSTERIOR_ROWS = 48,
    IDEM_POSTERIOR_BINS = 12, /* of the reliability diagram, equally filled */
};

enum idem_posterior_table { IDEM_POSTERIOR_SCORES, IDEM_POSTERIOR_FILTER, IDEM_POSTERIOR_FUSION };

struct idem_posterior_row {
    enum idem_posterior_table table;
    enum idem_modality modality; /* scores */
    const char *name;            /* fusion: what the filter sees */
    uint32_t profile;            /* scores: windows of enrolment */
    uint32_t probe;              /* scores: strokes; posterior: windows; fusion: seconds */
    bool sufficient;             /* scores: enough in profile and probe to be used at all */
    size_t genuine, impostor;
    double cllr, cllr_low, cllr_high, cllr_min, eer;
    /* Mean ratio claimed in a bin, and the one seen there; NAN with one kind of trials only. */
    double claimed[IDEM_POSTERIOR_BINS], seen[IDEM_POSTERIOR_BINS];
};

struct idem_posterior_options {
    struct idem_seat_options seat;
    uint32_t trials; /* of each kind and row */
    uint64_t seed;
};

struct idem_posterior {
    struct idem_posterior_row rows[IDEM_POSTERIOR_ROWS];
    int count;
    uint32_t people; /* who could enrol and go on */
};

/* Rows that cannot be had (nobody recorded enough) are left out. */
int idem_posterior_run(const struct idem_cast *cast, const struct idem_posterior_options *options,
                       struct idem_posterior *out);

/* Fills a row's figures from its trials, which are sorted. */
int idem_posterior_measure(struct idem_results *results, struct idem_posterior_row *row);

#endif
