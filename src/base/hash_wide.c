#include "base/hash_wide.h"

#if TD_HASH_WIDE

#include <immintrin.h>

#include "base/assert.h"

/* Everything of xxhash.h once more, here with the instructions of AVX2. */
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define XXH_VECTOR 2 /* XXH_AVX2 */
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t td_hash_wide(const void *bytes, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes, len, seed);
}

void td_hash128_add_wide(struct td_hash128_state *state, const void *bytes, size_t len)
{
	TD_ASSERT(XXH3_128bits_update((XXH3_state_t *)(void *)state, bytes, len) == XXH_OK);
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
