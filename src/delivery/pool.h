/*
 * Items of one size, had and given back in any order. Memory is asked for in blocks that double, so
 * a busy machine asks seldom and an idle one holds little; it is kept until fini.
 */
#ifndef TD_DELIVERY_POOL_H
#define TD_DELIVERY_POOL_H

#include "base/base.h"

#include <stddef.h>

struct td_pool_block;

/* A free item begins with the link to the next; the rest of it is as it was when given back. */
struct td_pool_free {
	struct td_pool_free *next;
};

struct td_pool {
	struct td_pool_free *free;
	struct td_pool_block *blocks; /* newest first; only the newest has items never had */
	size_t item_bytes;            /* a multiple of the alignment of pointers */
	size_t made, max;             /* items in blocks, and their ceiling */
};

void td_pool_init(struct td_pool *pool, size_t item_bytes, size_t max);
void td_pool_fini(struct td_pool *pool);
/* An item when none is free: never had before, zeroed. NULL: no memory. */
void *td_pool_more(struct td_pool *pool);
/* Walk every item that was ever had, free or not: start with NULL; NULL at the end. */
void *td_pool_next(const struct td_pool *pool, const void *item);

/* NULL: no memory. No more than `max` may be out at once. */
static inline void *td_pool_get(struct td_pool *pool)
{
	struct td_pool_free *item = pool->free;

	if (TD_UNLIKELY(item == NULL))
		return td_pool_more(pool);
	pool->free = item->next;
	return item;
}

static inline void td_pool_put(struct td_pool *pool, void *item)
{
	struct td_pool_free *link = item;

	link->next = pool->free;
	pool->free = link;
}

#endif
