/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapt.h - how a profile learns over time: the one place that says so.
 *
 * A profile P is an anchor A plus what was learned since, L = P - A.
 *
 *   anchor     what was enrolled under supervision. It is never discounted: forgetting takes from L
 *              alone, and L never holds more than `learned_most` times the anchor's strokes, so the
 *              anchor keeps at least 1 / (1 + learned_most) of the profile.
 *   lesson     the sum of what quarantine lets one session teach.
 *   forgetting on the first lesson of a day L is multiplied by 2^(-1 / half_life_days). Only days
 *              that teach count: a profile does not fade during a holiday.
 *   daily cap  a day teaches at most `per_day` of the profile's strokes.
 *   bound      a lesson is refused when everything learned, the lesson included, taken as one
 *              sample, no longer speaks for the person of the anchor: llr(A, L + lesson) < `bound`
 *              x attainable - `slack`, where attainable is the log-likelihood ratio that a sample
 *              of those very strokes would have if it were typed exactly as the anchor says. The
 *              slack is the bad luck of one short lesson; against much evidence it counts little.
 *
 * Why the bound is drawn from the anchor. Comparing a lesson with yesterday's profile bounds a
 * step, and many small steps lead anywhere. Comparing the sum of all lessons with the anchor bounds
 * the whole way, whatever the number of days: the profile can only be where a mixture of L and A
 * can be while L itself still passes for the owner. It is measured by the likelihood ratio and not
 * by a distance, because the ratio discounts directions in which people do not differ, and grows
 * with the evidence: three windows may lie far off, three thousand may not. It is a share of what
 * is attainable, because an absolute number would refuse every short lesson or hold no long one.
 * An owner who really changes is refused as well in the end; that is what a supervised
 * re-enrolment is for, and the verdict tells.
 */
#ifndef IDEM_MODEL_ADAPT_H
#define IDEM_MODEL_ADAPT_H

#include "model/scorer.h"

struct idem_adapt_rules {
    double half_life_days; /* INFINITY: nothing is forgotten */
    double per_day;        /* of the profile's strokes */
    double learned_most;   /* multiples of the anchor's strokes */
    double strokes_most;   /* a profile holds no more, anchor included; the anchor itself may */
    double bound;          /* share of the attainable; -INFINITY: no bound */
    double slack;          /* nats */
};

struct idem_adapt_rules idem_adapt_defaults(enum idem_modality modality);

/*
 * The anchor of a profile that has none yet: the profile itself (adds it to *anchor, which is
 * empty), discounted where it holds so much that nothing could be learned beside it.
 */
int idem_adapt_anchor(const struct idem_adapt_rules *rules, const struct idem_profile *profile,
                      struct idem_profile *anchor);

/* What has been learned on the newest day that taught. */
struct idem_adapt_day {
    int64_t day; /* since 1970, UTC */
    double strokes;
};

int64_t idem_adapt_day_of(int64_t now_ms);

/* Strokes that today may still teach a profile of so many; never below nought. */
double idem_adapt_left(const struct idem_adapt_rules *rules, double profile_strokes,
                       const struct idem_adapt_day *learned, int64_t today);

enum idem_adapt_verdict {
    IDEM_ADAPT_LEARNED,
    IDEM_ADAPT_NOTHING, /* the lesson is empty, or the day's share is used up */
    IDEM_ADAPT_REFUSED, /* beyond the bound: the profile stays as it is */
};

struct idem_adapt_drift {
    double llr;        /* of everything learned against the anchor, nats */
    double attainable; /* the same, had it been typed exactly as the anchor says */
    bool sufficient;   /* both are numbers, and of enough strokes to tell anything */
};

/*
 * How far the sample L (flat statistics with so many strokes) lies from the anchor. Not
 * re-entrant on the scorer.
 */
struct idem_adapt_drift idem_adapt_drift(struct idem_scorer *scorer,
                                         const struct idem_profile *anchor,
                                         const struct idem_profile *learned);
/*
 * llr < bound x attainable - slack, with attainable nought at least. A sample that says too little
 * to be vouched for counts as beyond any bound that is set.
 */
bool idem_adapt_beyond(const struct idem_adapt_rules *rules, struct idem_adapt_drift drift);

/*
 * Folds a lesson into the profile on the given day and notes it in *learned. A lesson above the
 * day's share is scaled down to it. anchor may be the whole profile (nothing learned yet). On
 * anything but IDEM_ADAPT_LEARNED profile and *learned stay as they are. drift may be NULL; it is
 * written when the bound was looked at.
 */
int idem_adapt_fold(const struct idem_adapt_rules *rules, struct idem_scorer *scorer,
                    const struct idem_profile *anchor, const struct idem_profile *lesson,
                    int64_t today, struct idem_profile *profile, struct idem_adapt_day *learned,
                    enum idem_adapt_verdict *verdict, struct idem_adapt_drift *drift);

/*
 * What the profile of another device class, or one from before a re-enrolment, is worth as a
 * beginning: its sums, discounted to at most `strokes` effective strokes, added to *profile.
 */
int idem_adapt_warm_start(const struct idem_profile *other, double strokes,
                          struct idem_profile *profile);

/*
 * The effective strokes that a second device class begins with (see shift.h for what happens to
 * them before). Nought for the pointer: nobody has recorded one person's two pointing devices.
 */
double idem_adapt_warm_strokes(enum idem_modality modality);

#endif
