/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bout.h - profiles against probes when every person has one profile and the same number of probes:
 * a person's own probes are genuine, the first few of everybody else's are impostors.
 */
#ifndef IDEM_EVAL_BOUT_H
#define IDEM_EVAL_BOUT_H

#include "eval/compare.h"
#include "eval/timeline.h"

struct idem_bout {
    struct idem_stat_set profiles, probes; /* probes of person u: u x each .. */
    uint32_t each;                         /* probes of a person */
    uint32_t impostor_probes;              /* of each other person */
    struct idem_comparisons comparisons;   /* sorted by score once evaluated */
    struct idem_evaluation evaluation;
};

void idem_bout_init(struct idem_bout *bout, struct idem_shape shape, uint32_t each,
                    uint32_t impostor_probes);
void idem_bout_fini(struct idem_bout *bout);
/* A new sum of `count` windows, evenly of [from, end), of a person's timeline. */
int idem_bout_sum(const struct idem_timelines *t, uint32_t person, uint32_t from, uint32_t end,
                  uint32_t count, struct idem_stat_set *set);
/* Adds the same to the newest entry of the set, each times weight. */
void idem_bout_add(const struct idem_timelines *t, uint32_t person, uint32_t from, uint32_t end,
                   double weight, struct idem_stat_set *set);
/* Compares and evaluates. IDEM_ERR_TOO_LITTLE with fewer than two people. */
int idem_bout_run(const struct idem_model *model, struct idem_bout *bout);

#endif
