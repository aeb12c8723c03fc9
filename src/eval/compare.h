/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.h - many probes against many profiles, on all cores. Protocols say who is compared with
 * whom; this file scores.
 */
#ifndef IDEM_EVAL_COMPARE_H
#define IDEM_EVAL_COMPARE_H

#include "eval/metrics.h"
#include "model/model.h"

/* Flat statistics, one after the other, and how many strokes went into each. */
struct idem_stat_set {
    size_t len;   /* floats of one */
    float *stats; /* [count][len] */
    float *strokes;
    uint32_t count, room;
};

int idem_stat_set_init(struct idem_stat_set *set, struct idem_shape shape);
void idem_stat_set_fini(struct idem_stat_set *set);
/* One more, of nought; *index is its place. Pointers into the set do not survive this call. */
int idem_stat_set_add(struct idem_stat_set *set, uint32_t *index);
static inline float *idem_stat_set_at(const struct idem_stat_set *set, uint32_t index)
{
    return set->stats + (size_t)index * set->len;
}

/* Comparisons to be made: probe against the profile of the same number as user. */
struct idem_comparisons {
    struct idem_results results; /* user: index of the profile */
    uint32_t *probe;             /* [count] index into the probes */
    size_t room;
};

int idem_comparisons_add(struct idem_comparisons *c, uint32_t user, uint32_t probe, uint32_t other,
                         bool genuine);
void idem_comparisons_fini(struct idem_comparisons *c);

struct idem_compare_options {
    bool raw; /* raw scores in the place of calibrated log-likelihood ratios */
    void (*progress)(void *arg, uint32_t done, uint32_t of); /* from one thread at a time */
    void *progress_arg;
};

/* Fills in every comparison's score. Independent of the number of threads. */
int idem_compare(const struct idem_model *model, const struct idem_stat_set *profiles,
                 const struct idem_stat_set *probes, const struct idem_compare_options *options,
                 struct idem_comparisons *c);

#endif
