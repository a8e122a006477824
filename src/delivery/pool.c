#include "delivery/pool.h"

#include <stdint.h>
#include <stdlib.h>

#define ITEMS_MIN 16u

struct td_pool_block {
	struct td_pool_block *next;
	size_t count; /* items it has room for */
	size_t had;   /* of these, how many were ever had: the first ones */
	_Alignas(max_align_t) char items[];
};

void td_pool_init(struct td_pool *pool, size_t item_bytes, size_t max)
{
	TD_ASSERT(item_bytes >= sizeof(struct td_pool_free) && item_bytes % sizeof(void *) == 0);
	*pool = (struct td_pool){.item_bytes = item_bytes, .max = max};
}

void td_pool_fini(struct td_pool *pool)
{
	struct td_pool_block *block;

	while ((block = pool->blocks) != NULL) {
		pool->blocks = block->next;
		free(block);
	}
	pool->free = NULL;
	pool->made = 0;
}

/* A block of as many items as there are, within the ceiling. */
static struct td_pool_block *grow(struct td_pool *pool)
{
	size_t count = pool->made > ITEMS_MIN ? pool->made : ITEMS_MIN;
	struct td_pool_block *block;

	TD_ASSERT(pool->made < pool->max);
	if (count > pool->max - pool->made)
		count = pool->max - pool->made;
	if (count > (SIZE_MAX - sizeof(*block)) / pool->item_bytes)
		return NULL;
	block = calloc(1, sizeof(*block) + count * pool->item_bytes);
	if (block == NULL)
		return NULL;
	block->next = pool->blocks;
	block->count = count;
	pool->blocks = block;
	pool->made += count;
	return block;
}

void *td_pool_more(struct td_pool *pool)
{
	struct td_pool_block *block = pool->blocks;

	if (block == NULL || block->had == block->count)
		block = grow(pool);
	if (block == NULL)
		return NULL;
	return block->items + block->had++ * pool->item_bytes;
}

void *td_pool_next(const struct td_pool *pool, const void *item)
{
	struct td_pool_block *block = pool->blocks;
	uintptr_t at = (uintptr_t)item;

	if (item == NULL)
		return block != NULL && block->had > 0 ? block->items : NULL;
	for (; block != NULL; block = block->next) {
		size_t offset = at - (uintptr_t)block->items;
		if (offset >= block->had * pool->item_bytes)
			continue;
		offset += pool->item_bytes;
		if (offset < block->had * pool->item_bytes)
			return block->items + offset;
		return block->next != NULL ? block->next->items : NULL;
	}
	TD_UNREACHABLE();
}
