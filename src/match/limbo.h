/*
 * The memory of one trie: counted, and retired instead of freed once a reader may have seen it.
 *
 * Every block starts with the head below, so that retiring one needs no memory and cannot fail:
 *
 *	alloc --> published --> retire --> limbo --> take (the caller's) --> free
 *	     \--> free, if it was never published
 *
 * Only the writer calls these; `bytes` alone may be read by anyone.
 */
#ifndef TD_MATCH_LIMBO_H
#define TD_MATCH_LIMBO_H

#include "match/match.h"

/* The head of a block. */
struct td_trie_limbo {
	struct td_trie_limbo *next; /* only in limbo */
	size_t bytes;               /* of the block, head included */
};

struct td_heap {
	_Atomic size_t bytes;        /* in use, limbo included */
	size_t limbo_bytes;          /* of that, in limbo */
	struct td_trie_limbo *limbo; /* newest first */
};

/* `bytes` cleared bytes that start with a head; NULL: no memory. */
void *td_heap_alloc(struct td_heap *heap, size_t bytes);
/* A block that no reader ever saw. NULL is fine. */
void td_heap_free(struct td_heap *heap, struct td_trie_limbo *block);
/* A block that readers may still look at; it is reachable for no new one. */
void td_heap_retire(struct td_heap *heap, struct td_trie_limbo *block);
struct td_trie_limbo *td_heap_take(struct td_heap *heap);

#endif
