/*
 * All nodes of a trie in one table with open addressing, found by a hash of their whole path.
 *
 *	tags    | 2 B | ...    one for each slot: 0 free, 1 dead, else some bits of the id
 *	slots   | id | word | node: kids here below | the node of its "*": kids here below | ...
 *
 *	id(child) = (id(parent's slot) ^ hash(edge) ^ salt of what it is under) * odd
 *
 * The id says where to look first, and the tags at which slot: a token that leads nowhere costs
 * a look at the tags, which are dense and stay in the cache, and one that leads on touches one
 * cache line. The "*" below a node lives in the node's own slot (the "*" below that one has a
 * slot of its own again), so it costs nothing at all.
 *
 * Because the id of a child follows from its parent's id and the token alone, nothing has to be
 * read from the parent's slot to know where the child's must be: a processor that guesses the
 * branches right has the slots of all levels under way at once.
 *
 * Exact, not probable: ids are unique among the live slots (insert refuses the second), and for
 * one edge the step from id to id is a bijection. So a slot with the wanted id *and* the wanted
 * edge hangs on the wanted parent.
 *
 * A slot is filled once, dies, and is never filled again: the next table leaves it out.
 */
#ifndef TD_MATCH_TABLE_H
#define TD_MATCH_TABLE_H

#include "match/edge.h"

#define TD_TAG_FREE 0u
#define TD_TAG_DEAD 1u

/*
 * What hangs below a node: a Bloom filter of 32 bits over its tokens and types, so that most that
 * lead nowhere cost no look at all; whether there are "*" and types; and how many children.
 */
#define TD_KIDS_STAR        (UINT64_C(1) << 32) /* in the same slot */
#define TD_KIDS_STAR_APART  (UINT64_C(1) << 33) /* in its own */
#define TD_KIDS_TYPES       (UINT64_C(1) << 34) /* of patterns that end here */
#define TD_KIDS_TAIL_TYPES  (UINT64_C(1) << 35) /* of patterns that end here with ">" */
#define TD_KIDS_RARE        (TD_KIDS_STAR_APART | TD_KIDS_TAIL_TYPES)
#define TD_KIDS_ONE         (UINT64_C(1) << 36)
#define TD_KIDS_COUNT(kids) ((kids) / TD_KIDS_ONE)

#define TD_TABLE_SLOTS_MIN 16u
#define TD_TABLE_SLOTS_MAX (UINT64_C(1) << 28) /* so that `kids` can count them */

struct td_node {
	_Atomic uint64_t kids;
	_Atomic uintptr_t here;  /* interests of any type in the pattern that ends here ... */
	_Atomic uintptr_t below; /* ... and in the one that goes on with ">" */
};

struct td_slot {
	uint64_t id;
	uint64_t word;
	struct td_node node[2]; /* its own, and that of its "*" (only with TD_KIDS_STAR) */
};

struct td_table {
	struct td_trie_limbo head;
	uint64_t seed;
	struct td_salt salt;
	uint64_t under_star, under_tail; /* salts */
	struct td_edge star;
	struct td_slot *slots;  /* aligned to a cache line, behind this */
	_Atomic uint16_t *tags; /* behind the slots */
	size_t mask;            /* slots - 1 */
	unsigned shift;         /* id >> shift: where to look first */
	size_t used, live;      /* slots not free; of these not dead. The writer's */
	struct td_slot root;
};

#define TD_TABLE_STEP 0xD6E8FEB86659FD93u /* odd, so that the step can be undone */

/* The key of what hangs on a slot's node: TD_EDGE_UNDER_... */
static inline uint64_t td_table_key(const struct td_table *table, uint64_t id, uint64_t under)
{
	if ((under & TD_EDGE_UNDER_STAR) != 0)
		id ^= table->under_star;
	if ((under & TD_EDGE_UNDER_TAIL) != 0)
		id ^= table->under_tail;
	return id;
}

static inline uint64_t td_table_step(uint64_t key, uint64_t hash)
{
	return (key ^ hash) * TD_TABLE_STEP;
}

/* The bit of `kids` that says that there may be a token or type of that hash. */
static inline uint64_t td_kids_bit(uint64_t hash)
{
	return UINT64_C(1) << (hash >> 59);
}

static inline bool td_kids_may_have(uint64_t kids, uint64_t hash)
{
	return (kids >> (hash >> 59) & 1) != 0;
}

static inline uint64_t td_node_kids(const struct td_node *node)
{
	return atomic_load_explicit(&node->kids, memory_order_relaxed);
}

static inline uint16_t td_tag_of(uint64_t id)
{
	return (uint16_t)(id | 2);
}

static inline uint16_t td_table_tag(const struct td_table *table, size_t i)
{
	return atomic_load_explicit(&table->tags[i], memory_order_acquire);
}

/* The token of a slot whose word is long. Allocated memory is aligned to 8 bytes at least. */
static inline struct td_token *td_slot_token(const struct td_slot *slot)
{
	return (struct td_token *)(uintptr_t)((slot->word & ~TD_EDGE_LONG) << 3);
}

static inline uint64_t td_token_word(const struct td_token *token)
{
	return TD_EDGE_LONG | (uint64_t)(uintptr_t)token >> 3;
}

static inline bool td_slot_is(
	const struct td_slot *slot, const struct td_edge *edge, uint64_t under)
{
	const struct td_token *token;

	if (slot->word == (edge->word | under))
		return true;
	if ((slot->word & edge->word & TD_EDGE_LONG) == 0)
		return false;
	token = td_slot_token(slot);
	return token->word == (edge->word | under) &&
	       td_text_equal(td_text_of(token->bytes, token->len), edge->text);
}

/* The slot with that id, or NULL. */
static inline struct td_slot *td_table_find_id(const struct td_table *table, uint64_t id)
{
	for (size_t i = (size_t)(id >> table->shift);; i = (i + 1) & table->mask) {
		uint16_t tag = td_table_tag(table, i);

		if (tag == td_tag_of(id) && TD_LIKELY(table->slots[i].id == id))
			return &table->slots[i];
		if (tag == TD_TAG_FREE)
			return NULL;
	}
}

/* The slot with that id if it is of that edge too, else NULL. */
static inline struct td_slot *td_table_find(
	const struct td_table *table, uint64_t id, const struct td_edge *edge, uint64_t under)
{
	struct td_slot *slot = td_table_find_id(table, id);

	return slot != NULL && td_slot_is(slot, edge, under) ? slot : NULL;
}

/* A table with room for `live` slots and growth. NULL: no memory. */
struct td_table *td_table_new(struct td_heap *heap, uint64_t seed, size_t live);
/* The same with all live slots of `table` in it, and room for `more`. */
struct td_table *td_table_copy(struct td_heap *heap, const struct td_table *table, size_t more);
/* Whether so many more slots can be filled here. */
bool td_table_has_room(const struct td_table *table, size_t more);
/*
 * Fill a slot (there must be room) and tell the parent. TD_E_NOMEM; TD_E_LIMIT if another path
 * has that very id: then nothing can be done but to refuse.
 */
int td_table_insert(struct td_table *table, struct td_heap *heap, struct td_node *parent,
	uint64_t id, const struct td_edge *edge, uint64_t under, struct td_slot **slot);
/* Let a slot whose node is empty die, and tell the parent. */
void td_table_remove(
	struct td_table *table, struct td_heap *heap, struct td_node *parent, struct td_slot *slot);

/* What a child in a slot of its own adds to its parent's `kids`, but for the count. */
uint64_t td_kids_of(const struct td_edge *edge, uint64_t under);
/* Tell a node of a child: td_kids_of(), or TD_KIDS_STAR. */
void td_node_grow(struct td_node *node, uint64_t kid);
/* Of one less; `kid` is what goes with this child alone. */
void td_node_shrink(struct td_node *node, uint64_t kid);
bool td_node_is_empty(const struct td_node *node);

#endif
