#include "base/random.h"

__extension__ typedef unsigned __int128 uint128;

static uint64_t rotate_left(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

/* The state is filled by splitmix64, so that similar seeds give unrelated streams. */
void td_rng_init(struct td_rng *rng, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t x = seed += 0x9E3779B97F4A7C15u;
		x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
		x = (x ^ x >> 27) * 0x94D049BB133111EBu;
		rng->s[i] = x ^ x >> 31;
	}
}

uint64_t td_rng_u64(struct td_rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

/*
 * The high half of x * bound is nearly uniform; it is exactly so once the few x are thrown away
 * whose low half lies below 2^64 mod bound.
 */
uint64_t td_rng_below(struct td_rng *rng, uint64_t bound)
{
	uint128 product = (uint128)td_rng_u64(rng) * bound;

	if ((uint64_t)product < bound) {
		uint64_t least = (0 - bound) % bound;
		while ((uint64_t)product < least)
			product = (uint128)td_rng_u64(rng) * bound;
	}
	return (uint64_t)(product >> 64);
}

double td_rng_unit(struct td_rng *rng)
{
	return (double)(td_rng_u64(rng) >> 11) * 0x1p-53;
}
