/*
 * A map from 64-bit keys (numbers, or hashes that are confirmed by the caller) to a pointer.
 * Open addressing with linear probing, backward-shift deletion, at most 3/4 full: no tombstones.
 * Any key is allowed; a value may not be NULL.
 */
#ifndef TD_BASE_MAP_H
#define TD_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct td_map_slot {
	uint64_t key;
	void *value; /* NULL: empty */
};

struct td_map {
	struct td_map_slot *slots;
	size_t count;
	size_t mask; /* slots - 1, or 0 without slots */
};

#define TD_MAP_INIT        \
	{                  \
		NULL, 0, 0 \
	}

void td_map_init(struct td_map *map);
void td_map_fini(struct td_map *map);
void *td_map_get(const struct td_map *map, uint64_t key);
/* Insert or replace. false if memory ran out; the map is as before then. */
bool td_map_put(struct td_map *map, uint64_t key, void *value);
/* Room for `count` entries in all, so that puts up to there cannot fail. */
bool td_map_reserve(struct td_map *map, size_t count);
/* The value that was there, or NULL. */
void *td_map_remove(struct td_map *map, uint64_t key);
/* Walk: start with *cursor = 0; NULL at the end. The map may not change meanwhile. */
struct td_map_slot *td_map_next(const struct td_map *map, size_t *cursor);

#endif
