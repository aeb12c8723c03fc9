/* SPDX-License-Identifier: Apache-2.0 */
/* scorer.h - a thread's scratch memory, and the scores computed in it. */
#ifndef IDEM_MODEL_SCORER_H
#define IDEM_MODEL_SCORER_H

#include "model/evidence.h"
#include "model/lanes.h"
#include "model/plda.h"
#include "model/population.h"
#include "model/profile.h"

enum {
    /* Suffixes scored against one profile in one go: with the profile they fill the lanes. */
    IDEM_SCORER_PROBES = IDEM_LANES - 1,
    /* Below these amounts an answer is not given. Strokes: keystrokes or gestures. */
    IDEM_SUFFICIENT_PROFILE_KEYS = 100,
    IDEM_SUFFICIENT_PROFILE_GESTURES = 60,
    IDEM_SUFFICIENT_PROBE_KEYS = 10,
    IDEM_SUFFICIENT_PROBE_GESTURES = 5,
};

/* Beyond this a score claims more than any model of a person's variability supports. */
#define IDEM_LLR_MAX 25.0

struct idem_scorer {
    const struct idem_population *pop;
    float *stats;       /* [longest shape len], one window unpacked */
    float *suffix;      /* [IDEM_SCORER_PROBES][longest shape len], the filter's sums */
    double *projection; /* [2][packed + rank], for explanations */
    double *points;     /* [IDEM_SCORER_PROBES + 1][rank + 1], the profile's first */
    double *scratch;
};

/* Probes are flat statistics; out[count] raw scores of each against the profile. */
void idem_scorer_raw(struct idem_scorer *scorer, const struct idem_profile *profile,
                     const float *const *probes, int count, double *out);
/* From raw to score: calibrated, clamped to +-IDEM_LLR_MAX, with the verdict on sufficiency. */
struct idem_score idem_scorer_finish(const struct idem_scorer *scorer,
                                     const struct idem_profile *profile, double raw,
                                     double probe_strokes);

/*
 * Merges the reasons of statistics S against the profile into out, which already holds `found` of
 * at most `max`, strongest first; returns the new number.
 */
int idem_explain_stats(struct idem_scorer *scorer, const struct idem_profile *profile,
                       const float *S, struct idem_reason *out, int found, int max);

#endif
