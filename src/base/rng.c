/* SPDX-License-Identifier: Apache-2.0 */
/* rng.c - xoshiro256**, see rng.h. */
#include "base/rng.h"

#include <math.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void idem_rng_seed(struct idem_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        rng->s[i] = splitmix(&seed);
}

uint64_t idem_rng_next(struct idem_rng *rng)
{
    uint64_t *s = rng->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

double idem_rng_uniform(struct idem_rng *rng)
{
    return (double)(idem_rng_next(rng) >> 11) * 0x1.0p-53;
}

uint32_t idem_rng_below(struct idem_rng *rng, uint32_t n)
{
    return (uint32_t)(((idem_rng_next(rng) >> 32) * (uint64_t)n) >> 32);
}

double idem_rng_normal(struct idem_rng *rng)
{
    double u = 1.0 - idem_rng_uniform(rng), v = idem_rng_uniform(rng);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}
