/*
 * What trie.c (adding and removing), trie_match.c and trie_verify.c share.
 */
#ifndef TD_MATCH_TRIE_H
#define TD_MATCH_TRIE_H

#include "match/interests.h"
#include "match/table.h"

struct td_trie {
	struct td_heap heap;
	_Atomic(struct td_table *) table;
	_Atomic size_t count; /* interests */
};

static inline struct td_table *td_trie_table(const struct td_trie *trie)
{
	return atomic_load_explicit(&trie->table, memory_order_acquire);
}

#endif
