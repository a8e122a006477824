/*
 * The cache of blocks that were read from segments: by key, least recently used first out.
 *
 * All calls under the journal's lock. What leaves the cache comes back as a chain (by `older`), to
 * be let go by td_cache_release() without the lock, since freeing a block may take a while.
 */
#ifndef TD_JOURNAL_CACHE_H
#define TD_JOURNAL_CACHE_H

#include "journal/block.h"

struct td_cache {
	struct td_map blocks;
	struct td_block *newest, *oldest;
	_Atomic size_t bytes; /* read without the lock, too */
	size_t bytes_max;
};

void td_cache_init(struct td_cache *cache, size_t bytes_max);
void td_cache_fini(struct td_cache *cache);

/* The block under this key if it has the position, with a reference of yours; else NULL. */
struct td_block *td_cache_get(struct td_cache *cache, uint64_t key, uint64_t position);
/* Take a reference and keep it, in place of what was there. Without memory it is not kept. */
struct td_block *td_cache_put(struct td_cache *cache, struct td_block *block, uint64_t key);
/* All blocks of this segment leave. */
struct td_block *td_cache_drop(struct td_cache *cache, uint32_t number);
void td_cache_release(struct td_block *chain);

#endif
