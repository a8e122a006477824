#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

/* Under the address sanitizer, only what was asked for may be touched. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#endif
#ifdef SANITIZED
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, n)   ((void)(at), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(at, n) ((void)(at), (void)(n))
#endif

#define ALIGNMENT 16u

struct td_arena_block {
	_Alignas(ALIGNMENT) struct td_arena_block *next; /* the one before it */
	size_t bytes;
	_Alignas(ALIGNMENT) char data[];
};

void td_arena_init(struct td_arena *arena, size_t block_bytes, size_t max)
{
	*arena = (struct td_arena){.block_bytes = block_bytes, .max = max};
}

void td_arena_fini(struct td_arena *arena)
{
	struct td_arena_block *block = arena->blocks;

	while (block != NULL) {
		struct td_arena_block *next = block->next;
		free(block);
		block = next;
	}
	td_arena_init(arena, arena->block_bytes, arena->max);
}

static void open_block(struct td_arena *arena, struct td_arena_block *block)
{
	arena->blocks = block;
	arena->at = block->data;
	arena->end = block->data + block->bytes;
	ASAN_POISON_MEMORY_REGION(block->data, block->bytes);
}

void td_arena_reset(struct td_arena *arena)
{
	struct td_arena_block *block = arena->blocks;

	if (block == NULL)
		return;
	while (block->next != NULL) {
		struct td_arena_block *next = block->next;
		free(block);
		block = next;
	}
	arena->used = block->bytes;
	open_block(arena, block);
}

/* A block with room for n; what the newest one still had is given up. */
static bool add_block(struct td_arena *arena, size_t n)
{
	size_t room = arena->max - arena->used;
	size_t bytes = arena->block_bytes < room ? arena->block_bytes : room;
	struct td_arena_block *block;

	if (n > room)
		return false;
	if (bytes < n)
		bytes = n;
	if (bytes > SIZE_MAX - sizeof(*block))
		return false;
	block = malloc(sizeof(*block) + bytes);
	if (block == NULL)
		return false;
	block->next = arena->blocks;
	block->bytes = bytes;
	arena->used += bytes;
	open_block(arena, block);
	return true;
}

void *td_arena_alloc(struct td_arena *arena, size_t n)
{
	size_t units;
	void *at;

	if (TD_UNLIKELY(n > SIZE_MAX - ALIGNMENT))
		return NULL;
	/* Whole units, at least one: each start is aligned, and no two things share an address. */
	units = n == 0 ? ALIGNMENT : (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (TD_UNLIKELY(units > (size_t)(arena->end - arena->at)) && !add_block(arena, units))
		return NULL;
	at = arena->at;
	arena->at += units;
	ASAN_UNPOISON_MEMORY_REGION(at, n);
	return at;
}

void *td_arena_zalloc(struct td_arena *arena, size_t n)
{
	void *at = td_arena_alloc(arena, n);

	if (at != NULL)
		memset(at, 0, n);
	return at;
}

struct td_text td_arena_copy(struct td_arena *arena, struct td_text text)
{
	char *at;

	if (text.at == NULL || text.len == SIZE_MAX)
		return td_text_of(NULL, 0);
	at = td_arena_alloc(arena, text.len + 1);
	if (at == NULL)
		return td_text_of(NULL, 0);
	memcpy(at, text.at, text.len);
	at[text.len] = '\0';
	return td_text_of(at, text.len);
}
