#include "base/map.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"

#define SLOTS_MIN 8u

void td_map_init(struct td_map *map)
{
	*map = (struct td_map)TD_MAP_INIT;
}

void td_map_fini(struct td_map *map)
{
	free(map->slots);
	td_map_init(map);
}

/* Where the search for a key begins. Numbers come in rows and strides, so they are spread. */
static size_t home_of(const struct td_map *map, uint64_t key)
{
	return (size_t)td_hash_u64(key) & map->mask;
}

/* The key's slot, or the empty one where it would go. There is always an empty one. */
static struct td_map_slot *find(const struct td_map *map, uint64_t key)
{
	size_t i = home_of(map, key);

	while (map->slots[i].value != NULL && map->slots[i].key != key)
		i = (i + 1) & map->mask;
	return &map->slots[i];
}

void *td_map_get(const struct td_map *map, uint64_t key)
{
	return map->slots == NULL ? NULL : find(map, key)->value;
}

/* How many entries so many slots may hold. */
static size_t room_of(size_t slots)
{
	return slots - slots / 4;
}

bool td_map_reserve(struct td_map *map, size_t count)
{
	struct td_map grown = {.count = map->count, .mask = SLOTS_MIN - 1};
	size_t cursor = 0;
	const struct td_map_slot *slot;

	if (map->slots != NULL && count <= room_of(map->mask + 1))
		return true;
	while (room_of(grown.mask + 1) < count) {
		if (grown.mask > SIZE_MAX / 2 / sizeof(*slot))
			return false;
		grown.mask = grown.mask * 2 + 1;
	}
	grown.slots = calloc(grown.mask + 1, sizeof(*grown.slots));
	if (grown.slots == NULL)
		return false;
	while ((slot = td_map_next(map, &cursor)) != NULL)
		*find(&grown, slot->key) = *slot;
	free(map->slots);
	*map = grown;
	return true;
}

bool td_map_put(struct td_map *map, uint64_t key, void *value)
{
	struct td_map_slot *slot;

	TD_ASSERT(value != NULL);
	slot = map->slots == NULL ? NULL : find(map, key);
	if (slot == NULL || slot->value == NULL) {
		if (!td_map_reserve(map, map->count + 1))
			return false;
		slot = find(map, key);
		slot->key = key;
		map->count++;
	}
	slot->value = value;
	return true;
}

void *td_map_remove(struct td_map *map, uint64_t key)
{
	struct td_map_slot *hole;
	void *value;

	if (map->slots == NULL)
		return NULL;
	hole = find(map, key);
	value = hole->value;
	if (value == NULL)
		return NULL;
	/* Close the gap: what follows moves up, unless that would put it before its home. */
	size_t at = (size_t)(hole - map->slots);
	for (size_t i = (at + 1) & map->mask; map->slots[i].value != NULL;
		i = (i + 1) & map->mask) {
		size_t home = home_of(map, map->slots[i].key);
		if (((i - home) & map->mask) >= ((i - at) & map->mask)) {
			map->slots[at] = map->slots[i];
			at = i;
		}
	}
	map->slots[at] = (struct td_map_slot){0, NULL};
	map->count--;
	return value;
}

struct td_map_slot *td_map_next(const struct td_map *map, size_t *cursor)
{
	if (map->slots == NULL)
		return NULL;
	while (*cursor <= map->mask) {
		struct td_map_slot *slot = &map->slots[(*cursor)++];
		if (slot->value != NULL)
			return slot;
	}
	return NULL;
}
