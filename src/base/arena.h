/*
 * An arena: memory that goes all at once. For what lives one turn, or one parsed thing.
 * Allocation is a bump of a pointer; td_arena_reset() keeps the first block for the next turn.
 */
#ifndef TD_BASE_ARENA_H
#define TD_BASE_ARENA_H

#include "tidings/text.h"

struct td_arena_block;

struct td_arena {
	struct td_arena_block *blocks; /* newest first */
	char *at, *end;                /* what is left of the newest */
	size_t block_bytes;            /* least size of a block */
	size_t used, max;              /* bytes in blocks, and their ceiling */
};

void td_arena_init(struct td_arena *arena, size_t block_bytes, size_t max);
void td_arena_fini(struct td_arena *arena);
void td_arena_reset(struct td_arena *arena);
/* n bytes, 16-byte aligned, not cleared; NULL if memory or the ceiling is reached. */
void *td_arena_alloc(struct td_arena *arena, size_t n);
/* The same, cleared. */
void *td_arena_zalloc(struct td_arena *arena, size_t n);
/* A copy with a NUL behind it; absent text on failure. */
struct td_text td_arena_copy(struct td_arena *arena, struct td_text text);

#endif
