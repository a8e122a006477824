#include "base/hash_wide.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <string.h>

#include "base/assert.h"

/* XXH3 begins to use its registers behind 240 bytes; to ask the processor must not cost more. */
#define WIDE_FROM 512

uint64_t td_hash(const void *bytes, size_t len, uint64_t seed)
{
#if TD_HASH_WIDE
	if (len >= WIDE_FROM && td_hash_wide_usable())
		return td_hash_wide(bytes, len, seed);
#endif
	return XXH3_64bits_withSeed(bytes, len, seed);
}

_Static_assert(sizeof(struct td_hash128_state) == sizeof(XXH3_state_t), "the state of XXH3");
_Static_assert(_Alignof(struct td_hash128_state) == _Alignof(XXH3_state_t), "and its alignment");

void td_hash128_reset(struct td_hash128_state *state)
{
	memset(state, 0, sizeof(*state));
	TD_ASSERT(XXH3_128bits_reset((XXH3_state_t *)(void *)state) == XXH_OK);
}

void td_hash128_add(struct td_hash128_state *state, const void *bytes, size_t len)
{
#if TD_HASH_WIDE
	if (td_hash_wide_usable()) {
		td_hash128_add_wide(state, bytes, len);
		return;
	}
#endif
	TD_ASSERT(XXH3_128bits_update((XXH3_state_t *)(void *)state, bytes, len) == XXH_OK);
}

struct td_hash128 td_hash128_digest(const struct td_hash128_state *state)
{
	XXH128_hash_t hash = XXH3_128bits_digest((const XXH3_state_t *)(const void *)state);

	return (struct td_hash128){hash.low64, hash.high64};
}
