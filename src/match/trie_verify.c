/*
 * The invariants; each assertion says the number of its own:
 *
 *   1. The tags tell how many slots are used and live, and each live slot is found by its id.
 *   2. Its hash comes again from its word; going back by it leads to a live parent, whose `kids`
 *      know of this child.
 *   3. A node is there only if something hangs on it, but for the root.
 *   4. All nodes together count as many children as there are slots and "*" nodes.
 *   5. Sets of interests hold no interest twice, have no gap, and know how many they are. All together are as
 *      many as the trie counts.
 *   6. All blocks together are as many bytes as the trie counts.
 */
#include "match/trie.h"

struct sums {
	const struct td_table *table;
	size_t used, live, stars, kids, interests, bytes;
};

/* Adds up what is there, and finds each by its own way. */
static void verify_set(struct sums *sums, const struct td_interests *set)
{
	size_t used = 0, live = 0;

	for (size_t i = 0; i < set->items; i++) {
		uintptr_t item = atomic_load_explicit(&set->at[i], memory_order_relaxed);

		TD_ASSERT((item != 0) == (i < set->used)); /* 5 */
		used += item != 0;
		if (item == 0 || item == td_interests_removed(set))
			continue;
		TD_ASSERT(td_interests_place(set, item) == i); /* 5 */
		live++;
	}
	TD_ASSERT(used == set->used && live == set->live && live > 0); /* 5 */
	sums->interests += live;
	sums->bytes += set->head.bytes;
}

static void verify_interests(struct sums *sums, const _Atomic uintptr_t *interests)
{
	uintptr_t there = atomic_load_explicit(interests, memory_order_relaxed);

	if ((there & 1) != 0)
		verify_set(sums, td_interests_set(there));
	else
		sums->interests += there != 0;
}

static void verify_node(struct sums *sums, const struct td_node *node, bool there)
{
	TD_ASSERT(there != td_node_is_empty(node)); /* 3 */
	sums->kids += TD_KIDS_COUNT(td_node_kids(node));
	verify_interests(sums, &node->here);
	verify_interests(sums, &node->below);
}

static void verify_nodes(struct sums *sums, const struct td_slot *slot)
{
	bool star = (td_node_kids(&slot->node[0]) & TD_KIDS_STAR) != 0;
	uint64_t apart = td_node_kids(&slot->node[1]) & TD_KIDS_STAR_APART;
	uint64_t key = td_table_key(sums->table, slot->id, TD_EDGE_UNDER_STAR);
	uint64_t id = td_table_step(key, sums->table->star.hash);

	/* Where the root has nothing, the trie is empty. */
	verify_node(sums, &slot->node[0],
		slot != &sums->table->root || !td_node_is_empty(&slot->node[0]));
	verify_node(sums, &slot->node[1], star);
	sums->stars += star;
	TD_ASSERT((apart != 0) == (td_table_find(sums->table, id, &sums->table->star,
					   TD_EDGE_UNDER_STAR) != NULL)); /* 2 */
}

/* The edge of a slot, from its word. */
static struct td_edge edge_of(
	const struct td_table *table, const struct td_slot *slot, uint64_t *under)
{
	struct td_edge edge = {0, slot->word, {NULL, 0}};

	if ((slot->word & TD_EDGE_LONG) != 0) {
		edge.word = td_slot_token(slot)->word;
		edge.text = td_text_of(td_slot_token(slot)->bytes, td_slot_token(slot)->len);
	}
	*under = edge.word & TD_EDGE_UNDER_MASK;
	edge.word &= ~TD_EDGE_UNDER_MASK;
	edge.hash = edge.text.at != NULL ? td_edge_hash_text(edge.text, edge.word, table->salt)
					 : td_edge_hash_word(edge.word, table->salt);
	return edge;
}

/* td_table_step() back. */
static uint64_t step_back(uint64_t id, uint64_t hash)
{
	uint64_t inverse = TD_TABLE_STEP;

	/* Newton's way to the inverse of an odd number: 3 bits are right, then twice as many. */
	for (int i = 0; i < 5; i++)
		inverse *= 2 - TD_TABLE_STEP * inverse;
	return id * inverse ^ hash;
}

static void verify_parent(struct sums *sums, const struct td_slot *slot)
{
	const struct td_table *table = sums->table;
	uint64_t under, kids;
	struct td_edge edge = edge_of(table, slot, &under);
	uint64_t id = td_table_key(table, step_back(slot->id, edge.hash), under);
	const struct td_slot *parent =
		id == table->root.id ? &table->root : td_table_find_id(table, id);
	bool star = (under & TD_EDGE_UNDER_STAR) != 0;

	TD_ASSERT(td_slot_is(slot, &edge, under) && parent != NULL);              /* 2 */
	TD_ASSERT(!star || (td_node_kids(&parent->node[0]) & TD_KIDS_STAR) != 0); /* 2 */
	kids = td_node_kids(&parent->node[star]);
	TD_ASSERT((kids & td_kids_of(&edge, under)) == td_kids_of(&edge, under)); /* 2 */
	if ((slot->word & TD_EDGE_LONG) != 0)
		sums->bytes += td_slot_token(slot)->head.bytes;
}

static void verify_slots(struct sums *sums)
{
	const struct td_table *table = sums->table;

	for (size_t i = 0; i <= table->mask; i++) {
		const struct td_slot *slot = &table->slots[i];
		uint16_t tag = td_table_tag(table, i);

		sums->used += tag != TD_TAG_FREE;
		if (tag <= TD_TAG_DEAD)
			continue;
		sums->live++;
		TD_ASSERT(tag == td_tag_of(slot->id));                /* 1 */
		TD_ASSERT(td_table_find_id(table, slot->id) == slot); /* 1 */
		verify_parent(sums, slot);
		verify_nodes(sums, slot);
	}
}

void td_trie_verify(const struct td_trie *trie)
{
	const struct td_table *table = td_trie_table(trie);
	struct sums sums = {.table = table, .bytes = sizeof(*trie) + table->head.bytes};
	size_t limbo = 0;

	verify_slots(&sums);
	verify_nodes(&sums, &table->root);
	for (const struct td_trie_limbo *block = trie->heap.limbo; block != NULL;
		block = block->next)
		limbo += block->bytes;
	TD_ASSERT(sums.used == table->used && sums.live == table->live); /* 1 */
	TD_ASSERT(sums.kids == sums.live + sums.stars);                  /* 4 */
	TD_ASSERT(sums.interests == td_trie_count(trie));                /* 5 */
	TD_ASSERT(limbo == trie->heap.limbo_bytes);                      /* 6 */
	TD_ASSERT(sums.bytes + limbo == td_trie_bytes(trie));            /* 6 */
}
