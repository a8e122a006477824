#include "match/table.h"

#define CACHE_LINE 64u

static size_t slots_of(const struct td_table *table)
{
	return table->mask + 1;
}

struct td_table *td_table_new(struct td_heap *heap, uint64_t seed, size_t live)
{
	struct td_table *table;
	size_t slots = TD_TABLE_SLOTS_MIN;

	while (slots < TD_TABLE_SLOTS_MAX && slots / 2 < live)
		slots *= 2;
	if (slots / 2 < live)
		return NULL;
	table = td_heap_alloc(heap, sizeof(*table) + CACHE_LINE - 1 +
					    slots * (sizeof(struct td_slot) + sizeof(uint16_t)));
	if (table == NULL)
		return NULL;
	table->seed = seed;
	table->salt = td_salt_of(seed);
	table->under_star = td_hash_u64(table->salt.odd);
	table->under_tail = td_hash_u64(table->under_star);
	table->root.id = td_hash_u64(table->under_tail);
	table->star = td_edge_wildcard(TD_EDGE_STAR, table->salt);
	table->slots = (struct td_slot *)(((uintptr_t)(table + 1) + CACHE_LINE - 1) &
					  ~(uintptr_t)(CACHE_LINE - 1));
	table->tags = (_Atomic uint16_t *)(table->slots + slots);
	table->mask = slots - 1;
	table->shift = 64u - (unsigned)__builtin_ctzll(slots);
	return table;
}

static void node_copy(struct td_node *node, const struct td_node *from)
{
	atomic_store_explicit(&node->kids, td_node_kids(from), memory_order_relaxed);
	atomic_store_explicit(&node->here, atomic_load_explicit(&from->here, memory_order_relaxed),
		memory_order_relaxed);
	atomic_store_explicit(&node->below,
		atomic_load_explicit(&from->below, memory_order_relaxed), memory_order_relaxed);
}

static void slot_copy(struct td_slot *slot, const struct td_slot *from)
{
	slot->id = from->id;
	slot->word = from->word;
	node_copy(&slot->node[0], &from->node[0]);
	node_copy(&slot->node[1], &from->node[1]);
}

/* Where a slot with that id goes. */
static size_t place_for(const struct td_table *table, uint64_t id)
{
	size_t i = (size_t)(id >> table->shift);

	while (td_table_tag(table, i) != TD_TAG_FREE)
		i = (i + 1) & table->mask;
	return i;
}

/* From here on a reader finds the slot there, or no more. */
static void tag_set(struct td_table *table, size_t i, uint16_t tag)
{
	atomic_store_explicit(&table->tags[i], tag, memory_order_release);
}

struct td_table *td_table_copy(struct td_heap *heap, const struct td_table *table, size_t more)
{
	struct td_table *copy = td_table_new(heap, table->seed, table->live + more);

	if (copy == NULL)
		return NULL;
	slot_copy(&copy->root, &table->root);
	for (size_t i = 0; i < slots_of(table); i++) {
		const struct td_slot *from = &table->slots[i];
		size_t place;

		if (td_table_tag(table, i) <= TD_TAG_DEAD)
			continue;
		place = place_for(copy, from->id);
		slot_copy(&copy->slots[place], from);
		tag_set(copy, place, td_tag_of(from->id));
	}
	copy->used = copy->live = table->live;
	return copy;
}

bool td_table_has_room(const struct td_table *table, size_t more)
{
	/* At most 5/8 full: two looks for what is there, four for what is not. */
	return table->used + more <= slots_of(table) / 8 * 5;
}

void td_node_grow(struct td_node *node, uint64_t kid)
{
	uint64_t kids = td_node_kids(node) | kid;

	atomic_store_explicit(&node->kids, kids + TD_KIDS_ONE, memory_order_release);
}

void td_node_shrink(struct td_node *node, uint64_t kid)
{
	uint64_t kids = (td_node_kids(node) & ~kid) - TD_KIDS_ONE;

	/* What may be another child's too goes with the last. */
	if (TD_KIDS_COUNT(kids) == 0)
		kids = 0;
	atomic_store_explicit(&node->kids, kids, memory_order_release);
}

bool td_node_is_empty(const struct td_node *node)
{
	return td_node_kids(node) == 0 &&
	       atomic_load_explicit(&node->here, memory_order_relaxed) == 0 &&
	       atomic_load_explicit(&node->below, memory_order_relaxed) == 0;
}

uint64_t td_kids_of(const struct td_edge *edge, uint64_t under)
{
	if (edge->word == TD_EDGE_STAR)
		return TD_KIDS_STAR_APART;
	if ((edge->word & TD_EDGE_TYPE) == 0)
		return td_kids_bit(edge->hash);
	if ((under & TD_EDGE_UNDER_TAIL) != 0)
		return TD_KIDS_TAIL_TYPES | td_kids_bit(edge->hash);
	return TD_KIDS_TYPES | td_kids_bit(edge->hash);
}

int td_table_insert(struct td_table *table, struct td_heap *heap, struct td_node *parent,
	uint64_t id, const struct td_edge *edge, uint64_t under, struct td_slot **slot)
{
	uint64_t word = edge->word | under;
	size_t place;

	TD_ASSERT(td_table_has_room(table, 1));
	if (id == table->root.id || td_table_find_id(table, id) != NULL)
		return TD_E_LIMIT;
	if ((word & TD_EDGE_LONG) != 0) {
		struct td_token *token = td_heap_alloc(heap, sizeof(*token) + edge->text.len);

		if (token == NULL)
			return TD_E_NOMEM;
		token->word = word;
		token->len = edge->text.len;
		memcpy(token->bytes, edge->text.at, edge->text.len);
		word = td_token_word(token);
	}
	place = place_for(table, id);
	*slot = &table->slots[place];
	(*slot)->id = id;
	(*slot)->word = word;
	tag_set(table, place, td_tag_of(id));
	table->used++;
	table->live++;
	td_node_grow(parent, td_kids_of(edge, under));
	return 0;
}

void td_table_remove(
	struct td_table *table, struct td_heap *heap, struct td_node *parent, struct td_slot *slot)
{
	bool star = (slot->word & ~TD_EDGE_UNDER_MASK) == TD_EDGE_STAR;

	TD_ASSERT(td_node_is_empty(&slot->node[0]));
	td_node_shrink(parent, star ? TD_KIDS_STAR_APART : 0);
	tag_set(table, (size_t)(slot - table->slots), TD_TAG_DEAD);
	table->live--;
	/* The dead slot keeps id and word: a reader that saw its tag may be on its way to them. */
	if ((slot->word & TD_EDGE_LONG) != 0)
		td_heap_retire(heap, &td_slot_token(slot)->head);
}
