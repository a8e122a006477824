#include "journal/block.h"

#include <stdlib.h>

#include "journal/journal.h"

struct td_blocks {
	struct td_mutex mutex;
	struct td_block *kept; /* by `older` */
	size_t kept_count, kept_max;
	size_t usual;
	size_t alive; /* blocks that somebody holds, and 1 for the journal */
};

struct td_blocks *td_blocks_new(size_t usual, size_t keep, struct td_error *err)
{
	struct td_blocks *pool = calloc(1, sizeof(*pool));

	if (pool == NULL) {
		td_error_nomem(err);
		return NULL;
	}
	if (td_mutex_init(&pool->mutex, err) != 0) {
		free(pool);
		return NULL;
	}
	pool->usual = usual;
	pool->kept_max = keep;
	pool->alive = 1;
	return pool;
}

static struct td_block *take_kept(struct td_blocks *pool)
{
	struct td_block *block = pool->kept;

	if (block != NULL) {
		pool->kept = block->older;
		pool->kept_count--;
	}
	return block;
}

/* One less is alive; `block` (may be NULL) is kept if there is use for it. */
static void let_go(struct td_blocks *pool, struct td_block *block)
{
	struct td_block *rest = NULL, *next;
	bool last;

	td_mutex_lock(&pool->mutex);
	last = --pool->alive == 0;
	if (block != NULL && block->cap == pool->usual && pool->kept_count < pool->kept_max) {
		block->older = pool->kept;
		pool->kept = block;
		pool->kept_count++;
		block = NULL;
	}
	if (last)
		rest = pool->kept;
	td_mutex_unlock(&pool->mutex);
	free(block);
	if (!last)
		return;
	for (; rest != NULL; rest = next) {
		next = rest->older;
		free(rest);
	}
	td_mutex_fini(&pool->mutex);
	free(pool);
}

void td_blocks_free(struct td_blocks *pool)
{
	if (pool == NULL)
		return;
	td_mutex_lock(&pool->mutex);
	pool->kept_max = 0;
	td_mutex_unlock(&pool->mutex);
	let_go(pool, NULL);
}

struct td_block *td_block_new(struct td_blocks *pool, size_t cap)
{
	struct td_block *block = NULL;
	size_t bytes;

	td_mutex_lock(&pool->mutex);
	if (cap <= pool->usual) {
		cap = pool->usual;
		block = take_kept(pool);
	}
	pool->alive++;
	td_mutex_unlock(&pool->mutex);
	if (block == NULL) {
		bytes = (sizeof(*block) + cap + 63) & ~(size_t)63;
		block = aligned_alloc(64, bytes);
	}
	if (block == NULL) {
		let_go(pool, NULL);
		return NULL;
	}
	atomic_init(&block->refs, 1);
	atomic_init(&block->len, 0);
	block->pool = pool;
	block->number = 0;
	block->offset = block->position = block->next = block->key = 0;
	block->newer = block->older = NULL;
	block->cap = cap;
	return block;
}

struct td_block *td_block_ref(struct td_block *block)
{
	uint32_t refs = atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);

	TD_ASSERT(refs > 0);
	return block;
}

void td_block_unref(struct td_block *block)
{
	uint32_t refs;

	if (block == NULL)
		return;
	refs = atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel);
	TD_ASSERT(refs > 0);
	if (refs == 1)
		let_go(block->pool, block);
}
