/*
 * XXH3 with wide registers, for hash.c: the same numbers, sooner. Only where td_hash_wide_usable().
 */
#ifndef TD_BASE_HASH_WIDE_H
#define TD_BASE_HASH_WIDE_H

#include "base/hash.h"

#include <stdbool.h>

#if defined(__x86_64__) && !defined(__AVX2__)
#define TD_HASH_WIDE 1

static inline bool td_hash_wide_usable(void)
{
	return __builtin_cpu_supports("avx2");
}
uint64_t td_hash_wide(const void *bytes, size_t len, uint64_t seed);
void td_hash128_add_wide(struct td_hash128_state *state, const void *bytes, size_t len);

#else
#define TD_HASH_WIDE 0 /* as wide already as the compiler may take, or another processor */
#endif

#endif
