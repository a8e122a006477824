#include "match/interests.h"

#define ITEMS_MIN     2u
#define ITEMS_SCANNED 8u /* up to here a search goes from the first, and there is no index */

static uintptr_t item_get(const struct td_interests *set, size_t i)
{
	return atomic_load_explicit(&set->at[i], memory_order_acquire);
}

static void item_set(struct td_interests *set, size_t i, uintptr_t item)
{
	atomic_store_explicit(&set->at[i], item, memory_order_release);
}

static struct td_interests *set_of(uintptr_t interests)
{
	return (struct td_interests *)(interests - 1);
}

/* --- the index ---------------------------------------------------------------------------- */

/*
 * The writer's: open addressing over place + 1, 0 where nothing is; it stands behind the items. A
 * place is entered once and stays, whatever becomes of the item.
 */
static uint32_t *index_of(const struct td_interests *set)
{
	return (uint32_t *)(uintptr_t)&set->at[set->items];
}

/* A power of two with room to spare; 0: none is needed. */
static size_t index_cells(size_t items)
{
	size_t cells = 2 * (size_t)ITEMS_SCANNED;

	if (items <= ITEMS_SCANNED)
		return 0;
	while (cells / 4 * 3 < items)
		cells *= 2;
	return cells;
}

static void index_add(struct td_interests *set, uintptr_t interest, size_t place)
{
	size_t mask = index_cells(set->items) - 1;
	uint32_t *index = index_of(set);
	size_t i = td_hash_u64(interest) & mask;

	while (index[i] != 0)
		i = (i + 1) & mask;
	index[i] = (uint32_t)place + 1;
}

static size_t index_find(const struct td_interests *set, uintptr_t interest)
{
	size_t mask = index_cells(set->items) - 1;
	const uint32_t *index = index_of(set);

	for (size_t i = td_hash_u64(interest) & mask; index[i] != 0; i = (i + 1) & mask)
		if (item_get(set, index[i] - 1) == interest)
			return index[i] - 1;
	return SIZE_MAX;
}

/* --- one set ------------------------------------------------------------------------------ */

size_t td_interests_place(const struct td_interests *set, uintptr_t interest)
{
	if (set->items > ITEMS_SCANNED)
		return index_find(set, interest);
	for (size_t i = 0; i < set->used; i++)
		if (item_get(set, i) == interest)
			return i;
	return SIZE_MAX;
}

/* Behind the others; there is room. */
static void set_append(struct td_interests *set, uintptr_t interest)
{
	if (set->items > ITEMS_SCANNED)
		index_add(set, interest, set->used);
	item_set(set, set->used++, interest);
	set->live++;
}

static struct td_interests *set_new(struct td_heap *heap, size_t want)
{
	struct td_interests *set;
	size_t items = ITEMS_MIN;

	while (items < want && items < ITEMS_SCANNED)
		items *= 2;
	/* A large one gets room to spare, else each change of a full one would copy it. */
	if (items < want)
		items = want + want / 2;
	if (items > UINT32_MAX - 1)
		return NULL;
	set = td_heap_alloc(heap,
		sizeof(*set) + items * sizeof(set->at[0]) + index_cells(items) * sizeof(uint32_t));
	if (set != NULL)
		set->items = items;
	return set;
}

/* A new set of what is in the old one, in its order, with room for `more`. */
static struct td_interests *set_copy(
	struct td_heap *heap, const struct td_interests *from, size_t more)
{
	struct td_interests *set = set_new(heap, from->live + more);

	for (size_t i = 0; set != NULL && i < from->used; i++) {
		uintptr_t item = item_get(from, i);

		if (item != td_interests_removed(from))
			set_append(set, item);
	}
	return set;
}

static void publish(_Atomic uintptr_t *interests, struct td_interests *set)
{
	atomic_store_explicit(interests, (uintptr_t)set + 1, memory_order_release);
}

/* --- adding and removing ------------------------------------------------------------------ */

/* From none or one to one more. */
static int add_to_few(struct td_heap *heap, _Atomic uintptr_t *interests, uintptr_t interest)
{
	uintptr_t there = atomic_load_explicit(interests, memory_order_relaxed);
	struct td_interests *set;

	if (there == interest)
		return TD_E_EXISTS;
	if (there == 0 && (interest & 1) == 0) {
		atomic_store_explicit(interests, interest, memory_order_release);
		return 0;
	}
	set = set_new(heap, 2);
	if (set == NULL)
		return TD_E_NOMEM;
	if (there != 0)
		set_append(set, there);
	set_append(set, interest);
	publish(interests, set);
	return 0;
}

int td_interests_add(struct td_heap *heap, _Atomic uintptr_t *interests, void *interest)
{
	uintptr_t there = atomic_load_explicit(interests, memory_order_relaxed);
	struct td_interests *set, *larger;

	if ((there & 1) == 0)
		return add_to_few(heap, interests, (uintptr_t)interest);
	set = set_of(there);
	if (td_interests_place(set, (uintptr_t)interest) != SIZE_MAX)
		return TD_E_EXISTS;
	if (set->used < set->items) {
		set_append(set, (uintptr_t)interest);
		return 0;
	}
	larger = set_copy(heap, set, 1);
	if (larger == NULL)
		return TD_E_NOMEM;
	set_append(larger, (uintptr_t)interest);
	publish(interests, larger);
	td_heap_retire(heap, &set->head);
	return 0;
}

/* The only one left. */
static uintptr_t set_last(const struct td_interests *set)
{
	for (size_t i = 0; i < set->used; i++) {
		uintptr_t item = item_get(set, i);

		if (item != td_interests_removed(set))
			return item;
	}
	TD_UNREACHABLE();
}

/* After a removal: without the set if one is left that does without, or with a smaller one. */
static void set_shrink(struct td_heap *heap, _Atomic uintptr_t *interests, struct td_interests *set)
{
	uintptr_t last = set->live == 1 ? set_last(set) : 0;
	struct td_interests *smaller;

	if (set->live == 0 || (last != 0 && (last & 1) == 0)) {
		atomic_store_explicit(interests, last, memory_order_release);
		td_heap_retire(heap, &set->head);
	} else if (set->items > ITEMS_SCANNED && set->live < set->items / 8) {
		smaller = set_copy(heap, set, 0);
		if (smaller == NULL)
			return; /* then it stays as it is */
		publish(interests, smaller);
		td_heap_retire(heap, &set->head);
	}
}

bool td_interests_remove(struct td_heap *heap, _Atomic uintptr_t *interests, void *interest)
{
	uintptr_t there = atomic_load_explicit(interests, memory_order_relaxed);
	struct td_interests *set;
	size_t place;

	if ((there & 1) == 0) {
		if (there != (uintptr_t)interest)
			return false;
		atomic_store_explicit(interests, 0, memory_order_release);
		return true;
	}
	set = set_of(there);
	place = td_interests_place(set, (uintptr_t)interest);
	if (place == SIZE_MAX)
		return false;
	item_set(set, place, td_interests_removed(set));
	set->live--;
	set_shrink(heap, interests, set);
	return true;
}

size_t td_interests_each_of(
	const struct td_interests *set, void (*found)(void *arg, void *interest), void *arg)
{
	size_t count = 0;

	for (size_t i = 0; i < set->items; i++) {
		uintptr_t item = item_get(set, i);

		if (item == 0)
			break;
		if (TD_UNLIKELY(item == td_interests_removed(set)))
			continue;
		count++;
		if (found != NULL)
			found(arg, (void *)item);
	}
	return count;
}
