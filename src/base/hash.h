/*
 * Hashing of bytes to 64 or 128 bits (XXH3, inlined). `seed` keeps strangers from choosing
 * collisions: a place draws one at open. With seed 0 it finds what chance does to bytes at rest,
 * and no malice: not for signatures.
 */
#ifndef TD_BASE_HASH_H
#define TD_BASE_HASH_H

#include "tidings/text.h"

#include <stdint.h>

uint64_t td_hash(const void *bytes, size_t len, uint64_t seed);

/* 128 bits of bytes that come in pieces: XXH3, seed 0. The state is the caller's. */
struct td_hash128 {
	uint64_t low, high;
};
struct td_hash128_state {
	_Alignas(64) unsigned char bytes[576];
};
void td_hash128_reset(struct td_hash128_state *state);
void td_hash128_add(struct td_hash128_state *state, const void *bytes, size_t len);
struct td_hash128 td_hash128_digest(const struct td_hash128_state *state);

/* A 64-bit number spread over all its bits (a bijection). */
static inline uint64_t td_hash_u64(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xD6E8FEB86659FD93u;
	x ^= x >> 32;
	x *= 0xD6E8FEB86659FD93u;
	x ^= x >> 32;
	return x;
}

#endif
