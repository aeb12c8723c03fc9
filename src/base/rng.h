/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rng.h - a small reproducible generator for statistics (never for secrets): xoshiro256**
 * (Blackman and Vigna, 2018) seeded by splitmix64.
 */
#ifndef IDEM_BASE_RNG_H
#define IDEM_BASE_RNG_H

#include <stdint.h>

struct idem_rng {
    uint64_t s[4];
};

void idem_rng_seed(struct idem_rng *rng, uint64_t seed);
uint64_t idem_rng_next(struct idem_rng *rng);
/* Uniform in [0, 1). */
double idem_rng_uniform(struct idem_rng *rng);
/* Uniform in 0..n-1, n > 0. */
uint32_t idem_rng_below(struct idem_rng *rng, uint32_t n);
/* Standard normal (Box-Muller, one value a call). */
double idem_rng_normal(struct idem_rng *rng);

#endif
