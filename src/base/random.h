/*
 * A small fast generator for what needs spread but not secrecy: jitter, ids, simulated worlds.
 * The state is a value: the same seed gives the same numbers for ever (xoshiro256**).
 */
#ifndef TD_BASE_RANDOM_H
#define TD_BASE_RANDOM_H

#include <stdint.h>

struct td_rng {
	uint64_t s[4];
};

void td_rng_init(struct td_rng *rng, uint64_t seed);
uint64_t td_rng_u64(struct td_rng *rng);
/* Uniform in [0, bound); 0 for bound 0. */
uint64_t td_rng_below(struct td_rng *rng, uint64_t bound);
/* Uniform in [0, 1). */
double td_rng_unit(struct td_rng *rng);

#endif
