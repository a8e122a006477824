#include "match/interests.h"

#define ITEMS_MIN     2u
#define ITEMS_ORDERED 8u /* up to here a search goes from the first */

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

/* The mark of a removed item. Nobody else can know this address. */
static uintptr_t removed_of(const struct td_interests *set)
{
	return (uintptr_t)set;
}

/* How many items may be in use: all while they are searched in order, else three quarters. */
static size_t used_max(size_t items)
{
	return items <= ITEMS_ORDERED ? items : items / 4 * 3;
}

static size_t search_start(const struct td_interests *set, uintptr_t interest)
{
	return set->mask < ITEMS_ORDERED ? 0 : td_hash_u64(interest) & set->mask;
}

/* Its place; or, if it is not there, false and the place where it may go (SIZE_MAX: none). */
static bool set_find(const struct td_interests *set, uintptr_t interest, size_t *place)
{
	size_t start = search_start(set, interest);

	*place = SIZE_MAX;
	for (size_t n = 0; n <= set->mask; n++) {
		size_t i = (start + n) & set->mask;
		uintptr_t item = item_get(set, i);

		if (item == interest) {
			*place = i;
			return true;
		}
		if ((item == 0 || item == removed_of(set)) && *place == SIZE_MAX)
			*place = i;
		if (item == 0)
			break;
	}
	return false;
}

size_t td_interests_place(const struct td_interests *set, uintptr_t interest)
{
	size_t place;

	return set_find(set, interest, &place) ? place : SIZE_MAX;
}

static void set_put(struct td_interests *set, size_t place, uintptr_t interest)
{
	if (item_get(set, place) == 0)
		set->used++;
	set->live++;
	item_set(set, place, interest);
}

static struct td_interests *set_new(struct td_heap *heap, size_t want)
{
	struct td_interests *set;
	size_t items = ITEMS_MIN;

	/* A large one gets room to spare, else each change of a full one would copy it. */
	if (want > ITEMS_ORDERED)
		want += want / 4;
	while (used_max(items) < want)
		items *= 2;
	set = td_heap_alloc(heap, sizeof(*set) + items * sizeof(set->at[0]));
	if (set != NULL)
		set->mask = items - 1;
	return set;
}

/* A new set of what is in the old one, with room for `more`. */
static struct td_interests *set_copy(
	struct td_heap *heap, const struct td_interests *from, size_t more)
{
	struct td_interests *set = set_new(heap, from->live + more);

	for (size_t i = 0; set != NULL && i <= from->mask; i++) {
		uintptr_t item = item_get(from, i);
		size_t place;

		if (item == 0 || item == removed_of(from))
			continue;
		set_find(set, item, &place);
		set_put(set, place, item);
	}
	return set;
}

static void publish(_Atomic uintptr_t *interests, struct td_interests *set)
{
	atomic_store_explicit(interests, (uintptr_t)set + 1, memory_order_release);
}

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
		set_put(set, 0, there);
	set_put(set, set->used, interest);
	publish(interests, set);
	return 0;
}

int td_interests_add(struct td_heap *heap, _Atomic uintptr_t *interests, void *interest)
{
	uintptr_t there = atomic_load_explicit(interests, memory_order_relaxed);
	struct td_interests *set, *larger;
	size_t place;

	if ((there & 1) == 0)
		return add_to_few(heap, interests, (uintptr_t)interest);
	set = set_of(there);
	if (set_find(set, (uintptr_t)interest, &place))
		return TD_E_EXISTS;
	if (place != SIZE_MAX &&
		(item_get(set, place) != 0 || set->used < used_max(set->mask + 1))) {
		set_put(set, place, (uintptr_t)interest);
		return 0;
	}
	larger = set_copy(heap, set, 1);
	if (larger == NULL)
		return TD_E_NOMEM;
	set_find(larger, (uintptr_t)interest, &place);
	set_put(larger, place, (uintptr_t)interest);
	publish(interests, larger);
	td_heap_retire(heap, &set->head);
	return 0;
}

/* The only one left. */
static uintptr_t set_last(const struct td_interests *set)
{
	for (size_t i = 0; i <= set->mask; i++) {
		uintptr_t item = item_get(set, i);

		if (item != 0 && item != removed_of(set))
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
	} else if (set->mask >= 2 * ITEMS_ORDERED && set->live < set->mask / 8) {
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
	if (!set_find(set, (uintptr_t)interest, &place))
		return false;
	item_set(set, place, removed_of(set));
	set->live--;
	set_shrink(heap, interests, set);
	return true;
}

size_t td_interests_each_of(
	const struct td_interests *set, void (*found)(void *arg, void *interest), void *arg)
{
	size_t count = 0;

	for (size_t i = 0; i <= set->mask; i++) {
		uintptr_t item = item_get(set, i);

		if (item == 0 || item == removed_of(set))
			continue;
		count++;
		if (found != NULL)
			found(arg, (void *)item);
	}
	return count;
}
