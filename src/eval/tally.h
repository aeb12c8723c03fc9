/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally.h - comparisons scored one at a time, and the figures that studies of learning need beyond
 * metrics.h: rates at a fixed threshold, and paired differences.
 */
#ifndef IDEM_EVAL_TALLY_H
#define IDEM_EVAL_TALLY_H

#include "eval/metrics.h"
#include "model/scorer.h"

struct idem_tally {
    struct idem_results results; /* people: highest index seen, plus one */
    size_t room;
};

int idem_tally_add(struct idem_tally *t, uint32_t user, uint32_t other, double score);
int idem_tally_merge(struct idem_tally *t, const struct idem_tally *other);
void idem_tally_fini(struct idem_tally *t);

/* Share of genuine scores below the threshold, of impostor scores at or above it; NAN of none. */
double idem_tally_fnmr(const struct idem_tally *t, double threshold);
double idem_tally_fmr(const struct idem_tally *t, double threshold);
/* The lowest threshold at which not more than `fmr` of the impostors pass; sorts the list. */
double idem_tally_threshold(struct idem_tally *t, double fmr);

/*
 * The mean over people of EER in a less that in b, people in both only, and the 95 % interval by
 * drawing people anew. IDEM_ERR_TOO_LITTLE with fewer than two. Sorts both lists.
 */
struct idem_difference {
    double mean, low, high;
    uint32_t people;
};
int idem_tally_difference(struct idem_tally *a, struct idem_tally *b, struct idem_difference *out);

/* The unbounded LLR of flat statistics against a profile. */
double idem_study_llr(struct idem_scorer *scorer, const struct idem_profile *profile,
                      const float *stats, double strokes);

#endif
