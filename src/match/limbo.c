#include "match/limbo.h"

#include <stdlib.h>

static void heap_count(struct td_heap *heap, size_t more, size_t less)
{
	size_t bytes = atomic_load_explicit(&heap->bytes, memory_order_relaxed);

	TD_ASSERT(bytes + more >= less);
	atomic_store_explicit(&heap->bytes, bytes + more - less, memory_order_relaxed);
}

void *td_heap_alloc(struct td_heap *heap, size_t bytes)
{
	struct td_trie_limbo *block;

	TD_ASSERT(bytes >= sizeof(*block));
	block = calloc(1, bytes);
	if (block == NULL)
		return NULL;
	block->bytes = bytes;
	heap_count(heap, bytes, 0);
	return block;
}

void td_heap_free(struct td_heap *heap, struct td_trie_limbo *block)
{
	if (block == NULL)
		return;
	heap_count(heap, 0, block->bytes);
	free(block);
}

void td_heap_retire(struct td_heap *heap, struct td_trie_limbo *block)
{
	block->next = heap->limbo;
	heap->limbo = block;
	heap->limbo_bytes += block->bytes;
}

struct td_trie_limbo *td_heap_take(struct td_heap *heap)
{
	struct td_trie_limbo *limbo = heap->limbo;

	heap_count(heap, 0, heap->limbo_bytes);
	heap->limbo_bytes = 0;
	heap->limbo = NULL;
	return limbo;
}

void td_trie_limbo_free(struct td_trie_limbo *limbo)
{
	while (limbo != NULL) {
		struct td_trie_limbo *next = limbo->next;

		free(limbo);
		limbo = next;
	}
}
