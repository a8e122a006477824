/*
 * Hashing of bytes to 64 bits (XXH3, inlined). `seed` keeps strangers from choosing collisions:
 * a place draws one at open. Not for integrity, not for signatures.
 */
#ifndef TD_BASE_HASH_H
#define TD_BASE_HASH_H

#include "tidings/text.h"

#include <stdint.h>

uint64_t td_hash(const void *bytes, size_t len, uint64_t seed);

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
