#include "journal/cache.h"

#include "journal/journal.h"

void td_cache_init(struct td_cache *cache, size_t bytes_max)
{
	td_map_init(&cache->blocks);
	cache->newest = cache->oldest = NULL;
	cache->bytes = 0;
	cache->bytes_max = bytes_max;
}

static void link_newest(struct td_cache *cache, struct td_block *block)
{
	block->newer = NULL;
	block->older = cache->newest;
	if (cache->newest != NULL)
		cache->newest->newer = block;
	else
		cache->oldest = block;
	cache->newest = block;
}

static void unlink_block(struct td_cache *cache, struct td_block *block)
{
	*(block->newer != NULL ? &block->newer->older : &cache->newest) = block->older;
	*(block->older != NULL ? &block->older->newer : &cache->oldest) = block->newer;
}

/* Out of the cache, onto the chain. */
static void leave(struct td_cache *cache, struct td_block *block, struct td_block **chain)
{
	struct td_block *was = td_map_remove(&cache->blocks, block->key);

	TD_ASSERT(was == block);
	unlink_block(cache, block);
	TD_ASSERT(cache->bytes >= block->cap);
	cache->bytes -= block->cap;
	block->older = *chain;
	*chain = block;
}

struct td_block *td_cache_get(struct td_cache *cache, uint64_t key, uint64_t position)
{
	struct td_block *block = td_map_get(&cache->blocks, key);

	if (block == NULL || position < block->position || position >= block->next)
		return NULL;
	if (block != cache->newest) {
		unlink_block(cache, block);
		link_newest(cache, block);
	}
	return td_block_ref(block);
}

struct td_block *td_cache_put(struct td_cache *cache, struct td_block *block, uint64_t key)
{
	struct td_block *chain = NULL, *before = td_map_get(&cache->blocks, key);

	TD_ASSERT(block->newer == NULL && block->older == NULL);
	if (before != NULL)
		leave(cache, before, &chain);
	while (cache->oldest != NULL && cache->bytes + block->cap > cache->bytes_max)
		leave(cache, cache->oldest, &chain);
	if (cache->bytes + block->cap > cache->bytes_max || !td_map_put(&cache->blocks, key, block))
		return chain;
	td_block_ref(block);
	block->key = key;
	cache->bytes += block->cap;
	link_newest(cache, block);
	return chain;
}

struct td_block *td_cache_drop(struct td_cache *cache, uint32_t number)
{
	struct td_block *chain = NULL, *block, *older;

	for (block = cache->newest; block != NULL; block = older) {
		older = block->older;
		if (block->number == number)
			leave(cache, block, &chain);
	}
	return chain;
}

void td_cache_release(struct td_block *chain)
{
	struct td_block *older;

	for (; chain != NULL; chain = older) {
		older = chain->older;
		chain->newer = chain->older = NULL;
		td_block_unref(chain);
	}
}

void td_cache_fini(struct td_cache *cache)
{
	struct td_block *chain = NULL;

	while (cache->newest != NULL)
		leave(cache, cache->newest, &chain);
	td_cache_release(chain);
	td_map_fini(&cache->blocks);
}
