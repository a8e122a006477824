/*
 * Matching: every node that the address' tokens and wildcards lead to, without recursion. What may
 * happen beside it is in trie.c.
 *
 * Cost. A node is visited at most once, because it has one path. For n tokens there are at
 * most 2^n to visit, and never more than the trie has: the worst patterns are all combinations of
 * "*" and the address' own tokens with another one at the end, where all that work finds nothing.
 * The stack holds one step for each token at most: only the "*" beside the way taken waits.
 */
#include "match/trie.h"

#define BYTES_FEW 64u /* an address of so many bytes needs little room */
#define EDGES_FEW ((BYTES_FEW + 1) / 2)

struct match {
	const struct td_table *table;
	struct td_text type;
	struct td_edge type_edge; /* made when the first leaf with types is met */
	bool type_known;
	void (*found)(void *arg, void *interest);
	void *arg;
	size_t count;
};

/* A node to be visited, and the token that comes next. */
struct step {
	const struct td_node *node;
	uint64_t key;   /* of what hangs on the node */
	uint64_t under; /* TD_EDGE_UNDER_STAR or 0 */
	const struct td_edge *edge;
};

static inline void match_interests(struct match *match, const _Atomic uintptr_t *interests)
{
	uintptr_t there = atomic_load_explicit(interests, memory_order_acquire);

	if (there != 0)
		match->count += td_interests_each(there, match->found, match->arg);
}

static __attribute__((noinline)) void match_type(
	struct match *match, uint64_t kids, uint64_t key, uint64_t under)
{
	const struct td_slot *slot;

	if (match->type.at == NULL)
		return;
	if (!match->type_known) {
		match->type_edge = td_edge_type(match->type, match->table->salt);
		match->type_known = true;
	}
	if (!td_kids_may_have(kids, match->type_edge.hash))
		return;
	slot = td_table_find(
		match->table, td_table_step(key, match->type_edge.hash), &match->type_edge, under);
	if (slot != NULL)
		match_interests(match, &slot->node[0].here);
}

/* The address ends at this node. */
static inline void match_here(
	struct match *match, const struct td_node *node, uint64_t key, uint64_t under)
{
	uint64_t kids = td_node_kids(node);

	match_interests(match, &node->here);
	if (TD_UNLIKELY((kids & TD_KIDS_TYPES) != 0))
		match_type(match, kids, key, under);
}

/* The "*" of a node that has it in a slot of its own; false if it went meanwhile. */
static __attribute__((noinline)) bool star_apart(
	const struct td_table *table, uint64_t key, uint64_t under, struct step *star)
{
	uint64_t id = td_table_step(key, table->star.hash);
	const struct td_slot *slot = td_table_find(table, id, &table->star, under);

	if (slot == NULL)
		return false;
	star->node = slot->node;
	star->key = id;
	star->under = 0;
	return true;
}

/*
 * Visit every node that fits. Ways that branch off at a "*" wait on `stack`, which has room for a
 * step of each token; `last` is the last token.
 */
static inline void match_edges(struct match *match, const struct td_edge *edge,
	const struct td_edge *last, struct step *stack)
{
	const struct td_table *table = match->table;
	const struct td_node *node = table->root.node;
	uint64_t key = table->root.id, under = 0;
	struct step *top = stack;

	for (;;) {
		uint64_t kids = td_node_kids(node);

		match_interests(match, &node->below);
		if ((kids & TD_KIDS_STAR) != 0) {
			top->node = node + 1;
			top->key = key ^ table->under_star;
			top->under = TD_EDGE_UNDER_STAR;
			top->edge = edge + 1;
			top++;
		}
		if (TD_UNLIKELY((kids & TD_KIDS_RARE) != 0)) {
			if ((kids & TD_KIDS_TAIL_TYPES) != 0)
				match_type(match, kids, key ^ table->under_tail,
					under | TD_EDGE_UNDER_TAIL);
			if ((kids & TD_KIDS_STAR_APART) != 0 && star_apart(table, key, under, top))
				(top++)->edge = edge + 1;
		}
		if (td_kids_may_have(kids, edge->hash)) {
			uint64_t id = td_table_step(key, edge->hash);
			const struct td_slot *slot = td_table_find(table, id, edge, under);

			if (slot != NULL && edge != last) {
				node = slot->node;
				key = id;
				under = 0;
				edge++;
				continue;
			}
			if (slot != NULL)
				match_here(match, slot->node, id, 0);
		}
		for (;;) {
			if (top == stack)
				return;
			top--;
			node = top->node;
			key = top->key;
			under = top->under;
			edge = top->edge;
			if (edge <= last)
				break;
			match_here(match, node, key, under);
		}
	}
}

/* The same for a long address, which needs more room. */
static __attribute__((noinline)) void match_long(struct match *match, struct td_text address)
{
	struct td_edge edges[TD_EDGES_MAX];
	struct step stack[TD_EDGES_MAX];
	size_t count = td_edges_scan(edges, address, match->table->salt);

	if (count > 0)
		match_edges(match, edges, edges + count - 1, stack);
}

size_t td_trie_match(const struct td_trie *trie, struct td_text address, struct td_text type,
	void (*found)(void *arg, void *interest), void *arg)
{
	struct match match = {td_trie_table(trie), type, {0, 0, {NULL, 0}}, false, found, arg, 0};
	struct td_edge edges[EDGES_FEW];
	struct step stack[EDGES_FEW];
	size_t count;

	if (TD_UNLIKELY(address.len > BYTES_FEW)) {
		match_long(&match, address);
		return match.count;
	}
	count = td_edges_scan(edges, address, match.table->salt);
	if (count > 0)
		match_edges(&match, edges, edges + count - 1, stack);
	return match.count;
}
