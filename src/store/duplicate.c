#include "store/duplicate.h"

#include <stdlib.h>

#include "sys/sys.h"

#define CAP_MIN 64u
#define AHEAD   16u /* keys whose slots are asked for before they are forgotten */

uint64_t td_duplicate_key(uint64_t seed, struct td_text first, struct td_text second)
{
	uint64_t key = td_hash(first.at, first.len, seed + (first.at == NULL));

	if (second.at != NULL)
		key = td_hash(second.at, second.len, key);
	return key != 0 ? key : 1;
}

uint64_t td_duplicate_digest(
	uint64_t seed, struct td_text type, struct td_text address, struct td_text payload)
{
	uint64_t digest = td_hash(payload.at, payload.len, seed);

	digest = td_hash(type.at, type.len, digest);
	return td_hash(address.at, address.len, digest);
}

void td_duplicates_fini(struct td_duplicates *duplicates)
{
	free(duplicates->ring);
	free(duplicates->slots);
	*duplicates = (struct td_duplicates){0};
}

size_t td_duplicates_bytes(const struct td_duplicates *duplicates)
{
	return duplicates->cap * (sizeof(*duplicates->ring) + 2 * sizeof(*duplicates->slots));
}

static struct td_seen *ring_at(const struct td_duplicates *duplicates, uint64_t i)
{
	return &duplicates->ring[i & (duplicates->cap - 1)];
}

/* The slot of the key, or the empty one where it would go. At most half are full. */
static size_t slot_of(const struct td_duplicates *duplicates, uint64_t key)
{
	size_t mask = duplicates->cap * 2 - 1, i = (size_t)key & mask;

	while (duplicates->slots[i].place != 0 &&
		(duplicates->slots[i].tag != (uint32_t)key ||
			duplicates->ring[duplicates->slots[i].place - 1].key != key))
		i = (i + 1) & mask;
	return i;
}

struct td_seen *td_duplicates_get(const struct td_duplicates *duplicates, uint64_t key)
{
	size_t slot = duplicates->cap == 0 ? 0 : slot_of(duplicates, key);

	if (duplicates->cap == 0 || duplicates->slots[slot].place == 0)
		return NULL;
	return &duplicates->ring[duplicates->slots[slot].place - 1];
}

static void slot_put(struct td_duplicates *duplicates, uint64_t i)
{
	size_t place = (size_t)i & (duplicates->cap - 1);
	uint64_t key = duplicates->ring[place].key;

	duplicates->slots[slot_of(duplicates, key)] =
		(struct td_seen_slot){(uint32_t)place + 1, (uint32_t)key};
}

bool td_duplicates_reserve(struct td_duplicates *duplicates, size_t more)
{
	size_t count = td_duplicates_count(duplicates);
	struct td_duplicates grown = {.tail = count, .cap = CAP_MIN, .mixed = duplicates->mixed};

	if (count + more <= duplicates->cap)
		return true;
	while (grown.cap < count + more)
		grown.cap *= 2;
	if (grown.cap > UINT32_MAX / 2)
		return false;
	grown.ring = td_memory_new(grown.cap * sizeof(*grown.ring));
	grown.slots = td_memory_new(grown.cap * 2 * sizeof(*grown.slots));
	if (grown.ring == NULL || grown.slots == NULL) {
		td_duplicates_fini(&grown);
		return false;
	}
	memset(grown.slots, 0, grown.cap * 2 * sizeof(*grown.slots));
	for (uint64_t i = 0; i < count; i++) {
		if (i + AHEAD < count)
			td_duplicates_want(
				&grown, ring_at(duplicates, duplicates->head + i + AHEAD)->key);
		grown.ring[i] = *ring_at(duplicates, duplicates->head + i);
		slot_put(&grown, i);
	}
	td_duplicates_fini(duplicates);
	*duplicates = grown;
	return true;
}

void td_duplicates_add(struct td_duplicates *duplicates, const struct td_seen *seen)
{
	TD_ASSERT(td_duplicates_count(duplicates) < duplicates->cap);
	*ring_at(duplicates, duplicates->tail) = *seen;
	slot_put(duplicates, duplicates->tail++);
}

void td_duplicates_note(struct td_duplicates *duplicates, const struct td_seen *seen)
{
	struct td_seen *noted = td_duplicates_get(duplicates, seen->key);

	if (noted == NULL) {
		if (td_duplicates_count(duplicates) > 0 &&
			ring_at(duplicates, duplicates->tail - 1)->position > seen->position)
			duplicates->mixed = true;
		td_duplicates_add(duplicates, seen);
	} else if (noted->position < seen->position) {
		*noted = *seen;
		duplicates->mixed = true;
	} else if (noted->position == seen->position && seen->digest == 0) {
		noted->digest = 0;
	}
}

static int by_position(const void *a, const void *b)
{
	uint64_t left = ((const struct td_seen *)a)->position;
	uint64_t right = ((const struct td_seen *)b)->position;

	return left < right ? -1 : left > right;
}

bool td_duplicates_sort(struct td_duplicates *duplicates)
{
	size_t count = td_duplicates_count(duplicates);
	struct td_seen *sorted;

	if (!duplicates->mixed)
		return true;
	sorted = malloc(duplicates->cap * sizeof(*sorted));
	if (sorted == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		sorted[i] = *ring_at(duplicates, duplicates->head + i);
	qsort(sorted, count, sizeof(*sorted), by_position);
	free(duplicates->ring);
	duplicates->ring = sorted;
	duplicates->head = 0;
	duplicates->tail = count;
	duplicates->mixed = false;
	memset(duplicates->slots, 0, duplicates->cap * 2 * sizeof(*duplicates->slots));
	for (uint64_t i = 0; i < count; i++)
		slot_put(duplicates, i);
	return true;
}

uint64_t td_duplicates_oldest(const struct td_duplicates *duplicates)
{
	if (duplicates->mixed)
		return 0;
	return duplicates->head < duplicates->tail ? ring_at(duplicates, duplicates->head)->position
						   : UINT64_MAX;
}

struct td_seen *td_duplicates_at(const struct td_duplicates *duplicates, uint64_t position)
{
	uint64_t low = duplicates->head, high = duplicates->tail;

	while (low < high && duplicates->mixed && ring_at(duplicates, low)->position != position)
		low++;
	while (low < high && !duplicates->mixed) {
		uint64_t middle = low + (high - low) / 2;

		if (ring_at(duplicates, middle)->position < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low < duplicates->tail && ring_at(duplicates, low)->position == position
		       ? ring_at(duplicates, low)
		       : NULL;
}

struct td_seen *td_duplicates_nth(const struct td_duplicates *duplicates, size_t n)
{
	return ring_at(duplicates, duplicates->head + n);
}

static void slot_remove(struct td_duplicates *duplicates, uint64_t key)
{
	size_t mask = duplicates->cap * 2 - 1, i = slot_of(duplicates, key);

	TD_ASSERT(duplicates->slots[i].place != 0);
	for (size_t j = (i + 1) & mask; duplicates->slots[j].place != 0; j = (j + 1) & mask) {
		size_t home = duplicates->slots[j].tag & mask;

		if (((j - home) & mask) >= ((j - i) & mask)) {
			duplicates->slots[i] = duplicates->slots[j];
			i = j;
		}
	}
	duplicates->slots[i] = (struct td_seen_slot){0};
}

void td_duplicates_undo(struct td_duplicates *duplicates)
{
	slot_remove(duplicates, ring_at(duplicates, duplicates->tail - 1)->key);
	duplicates->tail--;
}

void td_duplicates_forget(struct td_duplicates *duplicates, td_time since, uint64_t max)
{
	/* Without memory for it the next one tries again. */
	if (duplicates->mixed && td_duplicates_count(duplicates) / 2 > max)
		(void)td_duplicates_sort(duplicates);
	if (duplicates->mixed)
		max = UINT64_MAX;
	while (duplicates->head < duplicates->tail &&
		(td_duplicates_count(duplicates) > max ||
			ring_at(duplicates, duplicates->head)->time < since)) {
		if (duplicates->head + AHEAD < duplicates->tail)
			td_duplicates_want(
				duplicates, ring_at(duplicates, duplicates->head + AHEAD)->key);
		slot_remove(duplicates, ring_at(duplicates, duplicates->head)->key);
		duplicates->head++;
	}
}
