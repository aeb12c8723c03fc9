/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak_cost.h - what a defence at the edge costs in recognition.
 *
 * The verify protocol with windows as they would leave: a person's first `enrol` sessions, one
 * after the other, are cut into windows that enrol; the others into windows whose sums of about
 * `probe` keystrokes are probes. The impostors of a person are the first probes of all others.
 */
#ifndef IDEM_EVAL_LEAK_COST_H
#define IDEM_EVAL_LEAK_COST_H

#include "eval/compare.h"
#include "eval/leak_world.h"
#include "eval/learning.h"

struct idem_leak_cost_options {
    uint32_t keys;  /* of a window */
    uint32_t probe; /* of a probe; at least one window */
    uint32_t enrol; /* sessions */
    uint64_t seed;
};

/* world: people of rec, with the defence; learned: a population of others. */
int idem_leak_cost(const struct idem_leak_world *world, const struct idem_recording *rec,
                   const struct idem_learned *learned, const struct idem_leak_cost_options *options,
                   struct idem_evaluation *out);

#endif
