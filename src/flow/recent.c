#include "flow/recent.h"

#include <stdlib.h>

/* --- generations -------------------------------------------------------------------------- */

#define NUMBER_BITS 17u
#define NUMBER_MASK ((1u << NUMBER_BITS) - 1)

bool td_generations_init(
	struct td_generations *generations, size_t count, uint32_t entries_max, size_t entry_bytes)
{
	uint32_t slots = 16;

	TD_ASSERT(count > 0 && entries_max > 0 && entries_max < NUMBER_MASK);
	while (slots < 2 * entries_max)
		slots *= 2;
	*generations = (struct td_generations){
		.at = calloc(count, sizeof(*generations->at)),
		.count = count,
		.entry_bytes = entry_bytes,
		.entries_max = entries_max,
		.mask = slots - 1,
	};
	return generations->at != NULL;
}

void td_generations_fini(struct td_generations *generations)
{
	for (size_t i = 0; generations->at != NULL && i < generations->count; i++) {
		free(generations->at[i].slots);
		free(generations->at[i].entries);
	}
	free(generations->at);
	*generations = (struct td_generations){0};
}

size_t td_generations_bytes(const struct td_generations *generations)
{
	size_t bytes = generations->count * sizeof(*generations->at);

	for (size_t i = 0; i < generations->count; i++) {
		if (generations->at[i].slots != NULL)
			bytes += (generations->mask + 1) * sizeof(uint32_t) +
				 generations->entries_max * generations->entry_bytes;
	}
	return bytes;
}

static void *entry_at(
	const struct td_generations *generations, const struct td_generation *one, uint32_t number)
{
	return one->entries + (number - 1) * generations->entry_bytes;
}

static uint64_t hash_at(
	const struct td_generations *generations, const struct td_generation *one, uint32_t number)
{
	uint64_t hash;

	memcpy(&hash, entry_at(generations, one, number), sizeof(hash));
	return hash;
}

/* The bits that a slot keeps of a hash, where it keeps them. */
static uint32_t print_of(uint64_t hash)
{
	return (uint32_t)(hash >> (NUMBER_BITS + 32)) << NUMBER_BITS;
}

/* The slot of a hash, or the empty one where it goes. Half of them are empty. */
static uint32_t *slot_of(
	const struct td_generations *generations, const struct td_generation *one, uint64_t hash)
{
	uint32_t print = print_of(hash);

	for (size_t i = (size_t)hash & generations->mask;; i = (i + 1) & generations->mask) {
		uint32_t slot = one->slots[i];

		if (slot == 0 || ((slot & ~NUMBER_MASK) == print &&
					 hash_at(generations, one, slot & NUMBER_MASK) == hash))
			return &one->slots[i];
	}
}

void *td_generations_find(const struct td_generations *generations, uint64_t hash, uint64_t *number)
{
	for (size_t i = 0; i < generations->count; i++) {
		const struct td_generation *one =
			&generations->at[(generations->newest + generations->count - i) %
					 generations->count];
		uint32_t slot = one->slots != NULL ? *slot_of(generations, one, hash) : 0;

		if (slot != 0) {
			*number = one->first + (slot & NUMBER_MASK) - 1;
			return entry_at(generations, one, slot & NUMBER_MASK);
		}
	}
	return NULL;
}

static bool allocate(const struct td_generations *generations, struct td_generation *one)
{
	if (one->slots != NULL)
		return true;
	one->slots = calloc((size_t)generations->mask + 1, sizeof(*one->slots));
	one->entries = malloc(generations->entries_max * generations->entry_bytes);
	if (one->slots != NULL && one->entries != NULL)
		return true;
	free(one->slots);
	free(one->entries);
	*one = (struct td_generation){0};
	return false;
}

void *td_generations_add(struct td_generations *generations, uint64_t hash)
{
	struct td_generation *one = &generations->at[generations->newest];
	uint32_t *slot;
	void *entry;

	if (one->count == generations->entries_max) {
		size_t next = (generations->newest + 1) % generations->count;

		one = &generations->at[next];
		if (!allocate(generations, one))
			return NULL;
		if (one->count > 0)
			memset(one->slots, 0,
				((size_t)generations->mask + 1) * sizeof(*one->slots));
		one->count = 0;
		one->first = generations->added;
		generations->newest = next;
	}
	if (!allocate(generations, one))
		return NULL;
	generations->added++;
	slot = slot_of(generations, one, hash);
	*slot = print_of(hash) | ++one->count;
	entry = entry_at(generations, one, one->count);
	memset(entry, 0, generations->entry_bytes);
	memcpy(entry, &hash, sizeof(hash));
	return entry;
}

/* --- ids ---------------------------------------------------------------------------------- */

#define RECENT_GENERATIONS 16u

bool td_recent_init(struct td_recent *recent, uint32_t max)
{
	uint32_t each = (max + RECENT_GENERATIONS - 1) / RECENT_GENERATIONS;

	recent->max = max;
	/* One more than they need: it is emptied at once. */
	return td_generations_init(
		&recent->generations, RECENT_GENERATIONS + 1, each, sizeof(struct td_recent_entry));
}

void td_recent_fini(struct td_recent *recent)
{
	td_generations_fini(&recent->generations);
}

struct td_flow_seen *td_recent_find(const struct td_recent *recent, uint64_t hash)
{
	uint64_t number;
	struct td_recent_entry *entry = td_generations_find(&recent->generations, hash, &number);

	return entry != NULL && recent->generations.added - number <= recent->max ? &entry->seen
										  : NULL;
}

struct td_flow_seen *td_recent_add(struct td_recent *recent, uint64_t hash)
{
	struct td_recent_entry *entry = td_generations_add(&recent->generations, hash);

	return entry != NULL ? &entry->seen : NULL;
}

/* --- traces ------------------------------------------------------------------------------- */

bool td_traces_init(struct td_traces *traces, uint32_t max)
{
	return td_generations_init(&traces->generations, 2, max, sizeof(struct td_trace_entry));
}

void td_traces_fini(struct td_traces *traces)
{
	td_generations_fini(&traces->generations);
}

struct td_trace_entry *td_traces_step(struct td_traces *traces, uint64_t hash, uint64_t span)
{
	struct td_generations *generations = &traces->generations;
	uint64_t number;
	struct td_trace_entry *entry = td_generations_find(generations, hash, &number);
	struct td_trace_entry old = {.hash = hash, .span = span};

	if (entry != NULL)
		old = *entry;
	/* It moves to the newest, so that those in use stay; adding may empty where it stood. */
	if (entry == NULL || number < generations->at[generations->newest].first)
		entry = td_generations_add(generations, hash);
	if (entry == NULL)
		return NULL;
	if (old.span != span) {
		old.span = span;
		old.cause = old.latest;
		old.caused = true;
	}
	*entry = old;
	return entry;
}
