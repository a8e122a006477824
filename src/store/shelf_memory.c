/*
 * The shelf in memory. One lock guards the table of chunks; who holds a reference of a chunk reads
 * it without.
 */
#include "store/shelf.h"

#include <stdlib.h>

#include "store/chunk.h"

#define CHUNK_BYTES ((size_t)256 << 10)

struct head {
	uint64_t position;
	td_time time;
	uint64_t bytes; /* of the body */
};

struct memory {
	struct td_mutex lock;
	const struct td_clock *clock;
	size_t chunk_bytes;
	struct td_chunk **chunks; /* ascending by base */
	size_t count, cap;
	struct td_chunk *spare; /* of room(), for the next that does not fit */
	uint32_t number;
	_Atomic uint64_t next;
	td_time time;
};

struct td_chunk *td_chunk_ref(struct td_chunk *chunk)
{
	atomic_fetch_add_explicit(&chunk->refs, 1, memory_order_relaxed);
	return chunk;
}

void td_chunk_unref(struct td_chunk *chunk)
{
	if (chunk != NULL && atomic_fetch_sub_explicit(&chunk->refs, 1, memory_order_acq_rel) == 1)
		free(chunk);
}

static size_t size_of(size_t bytes)
{
	return (sizeof(struct head) + bytes + 15) & ~(size_t)15;
}

static struct td_chunk *newest(struct memory *memory)
{
	return memory->count == 0 ? NULL : memory->chunks[memory->count - 1];
}

static int chunk_new(struct td_chunk **out, size_t cap)
{
	struct td_chunk *chunk = malloc(sizeof(*chunk) + cap);

	if (chunk == NULL)
		return TD_E_NOMEM;
	memset(chunk, 0, sizeof(*chunk));
	atomic_init(&chunk->refs, 1);
	chunk->cap = cap;
	*out = chunk;
	return 0;
}

/* All of one append in one chunk, so that one spare is enough. */
static int room(void *arg, size_t records, size_t bytes, bool reserved, struct td_error *err)
{
	struct memory *memory = arg;
	struct td_chunk *chunk = newest(memory);
	size_t need = bytes + records * size_of(0);
	size_t cap = need > memory->chunk_bytes ? need : memory->chunk_bytes;

	(void)reserved;
	if (chunk != NULL && chunk->cap - chunk->len >= need)
		return 0;
	if (memory->spare != NULL && memory->spare->cap < need) {
		td_chunk_unref(memory->spare);
		memory->spare = NULL;
	}
	if (memory->spare == NULL && chunk_new(&memory->spare, cap) != 0)
		return td_error_nomem(err);
	if (memory->count == memory->cap) {
		size_t more = memory->cap == 0 ? 16 : memory->cap * 2;
		struct td_chunk **grown;

		td_mutex_lock(&memory->lock);
		grown = realloc(memory->chunks, more * sizeof(struct td_chunk *));
		if (grown != NULL) {
			memory->chunks = grown;
			memory->cap = more;
		}
		td_mutex_unlock(&memory->lock);
		if (grown == NULL)
			return td_error_nomem(err);
	}
	return 0;
}

static bool is_dead(const struct td_chunk *chunk)
{
	return chunk->dead == chunk->next - chunk->base;
}

/* The newest chunk ends; without anything alive in it, it goes. */
static struct td_chunk *chunk_begin(struct memory *memory, uint64_t position)
{
	struct td_chunk *chunk = memory->spare, *last = newest(memory), *gone = NULL;

	TD_ASSERT(chunk != NULL && memory->count < memory->cap);
	memory->spare = NULL;
	chunk->number = ++memory->number;
	chunk->base = position;
	atomic_store_explicit(&chunk->next, position, memory_order_relaxed);
	td_mutex_lock(&memory->lock);
	if (last != NULL && is_dead(last)) {
		gone = last;
		memory->count--;
	}
	memory->chunks[memory->count++] = chunk;
	td_mutex_unlock(&memory->lock);
	td_chunk_unref(gone);
	return chunk;
}

static uint64_t stage(void *arg, const struct td_text *parts, size_t count, uint64_t *location)
{
	struct memory *memory = arg;
	uint64_t position = atomic_load_explicit(&memory->next, memory_order_relaxed);
	struct td_chunk *chunk = newest(memory);
	struct head head = {.position = position, .time = memory->time};
	size_t at;
	uint8_t *to;

	for (size_t i = 0; i < count; i++)
		head.bytes += parts[i].len;
	if (chunk == NULL || chunk->cap - chunk->len < size_of(head.bytes))
		chunk = chunk_begin(memory, position);
	at = chunk->len;
	TD_ASSERT(chunk->cap - at >= size_of(head.bytes));
	to = chunk->bytes + at;
	memcpy(to, &head, sizeof(head));
	to += sizeof(head);
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len > 0)
			memcpy(to, parts[i].at, parts[i].len);
		to += parts[i].len;
	}
	if (location != NULL)
		*location = (uint64_t)chunk->number << 32 | at;
	atomic_store_explicit(&chunk->len, at + size_of(head.bytes), memory_order_release);
	atomic_store_explicit(&chunk->next, position + 1, memory_order_release);
	atomic_store_explicit(&memory->next, position + 1, memory_order_release);
	return position;
}

static uint64_t next_position(void *arg)
{
	return atomic_load_explicit(&((struct memory *)arg)->next, memory_order_acquire);
}

static td_time now(void *arg)
{
	struct memory *memory = arg;
	td_time wall = td_clock_wall(memory->clock);

	if (wall > memory->time)
		memory->time = wall;
	return memory->time;
}

/* --- reading: any thread ------------------------------------------------------------------ */

static void view(struct td_chunk *chunk, size_t at, struct td_record *record)
{
	struct head head;

	memcpy(&head, chunk->bytes + at, sizeof(head));
	*record = (struct td_record){
		.position = head.position,
		.count = 1,
		.location = (uint64_t)chunk->number << 32 | at,
		.time = head.time,
		.body = td_text_of(chunk->bytes + at + sizeof(head), head.bytes),
	};
}

static uint64_t next_of(const struct td_chunk *chunk)
{
	return atomic_load_explicit(&chunk->next, memory_order_acquire);
}

/* The first chunk that has a record at or above the position; `count`: none. Under the lock. */
static size_t find(const struct memory *memory, uint64_t position)
{
	size_t low = 0, high = memory->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (next_of(memory->chunks[middle]) <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* By number, which ascend, too. Under the lock; `count` if it is gone. */
static size_t index_of(const struct memory *memory, uint64_t location)
{
	size_t low = 0, high = memory->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memory->chunks[middle]->number < location >> 32)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < memory->count && memory->chunks[low]->number == location >> 32)
		return low;
	return memory->count;
}

static int fetch(void *arg, uint64_t location, struct td_held *held, struct td_error *err)
{
	struct memory *memory = arg;
	struct td_chunk *found = NULL;
	size_t i;

	if (held->chunk == NULL || held->chunk->number != location >> 32) {
		td_mutex_lock(&memory->lock);
		i = index_of(memory, location);
		if (i < memory->count)
			found = td_chunk_ref(memory->chunks[i]);
		td_mutex_unlock(&memory->lock);
		if (found == NULL)
			return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "removed meanwhile");
		td_chunk_unref(held->chunk);
		held->chunk = found;
	}
	view(held->chunk, (uint32_t)location, &held->record);
	return 0;
}

static void let_go(struct td_held *held)
{
	td_buf_fini(&held->buf);
	td_chunk_unref(held->chunk);
	*held = (struct td_held){0};
}

static void leave(struct td_place *place)
{
	td_chunk_unref(place->chunk);
	*place = (struct td_place){0};
}

/* The chunk that has the position, or the next that is there. */
static void enter(struct memory *memory, struct td_place *place)
{
	struct td_chunk *chunk = NULL;
	size_t i;

	td_mutex_lock(&memory->lock);
	i = find(memory, place->scan.position);
	if (i < memory->count)
		chunk = td_chunk_ref(memory->chunks[i]);
	td_mutex_unlock(&memory->lock);
	td_chunk_unref(place->chunk);
	place->chunk = chunk;
	place->at = 0;
}

static int scan(void *arg, struct td_place *place, struct td_record *record,
	uint64_t *lost_to, /* NOLINT: as the table has it */
	struct td_error *err)
{
	struct memory *memory = arg;

	(void)lost_to;
	if (place->scan.position == 0)
		place->scan.position = 1;
	while (place->scan.position < next_position(memory)) {
		if (place->chunk == NULL || place->at == atomic_load_explicit(&place->chunk->len,
								 memory_order_acquire)) {
			enter(memory, place);
			if (place->chunk == NULL)
				break;
			continue;
		}
		view(place->chunk, place->at, record);
		place->at += size_of(record->body.len);
		if (record->position < place->scan.position)
			continue;
		place->scan.position = record->position + 1;
		return 0;
	}
	return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "no more yet");
}

static void dead(void *arg, uint64_t location, size_t bytes)
{
	struct memory *memory = arg;
	struct td_chunk *gone = NULL;
	size_t i;

	(void)bytes;
	td_mutex_lock(&memory->lock);
	i = index_of(memory, location);
	TD_ASSERT(i < memory->count);
	/* The newest stays: it is being written to. */
	memory->chunks[i]->dead++;
	if (is_dead(memory->chunks[i]) && i + 1 < memory->count) {
		gone = memory->chunks[i];
		memmove(&memory->chunks[i], &memory->chunks[i + 1],
			(memory->count - i - 1) * sizeof(struct td_chunk *));
		memory->count--;
	}
	td_mutex_unlock(&memory->lock);
	td_chunk_unref(gone);
}

/* --- life --------------------------------------------------------------------------------- */

int td_shelf_memory(struct td_shelf *shelf, const struct td_clock *clock, size_t chunk_bytes,
	struct td_error *err)
{
	struct memory *memory = calloc(1, sizeof(*memory));
	int code;

	if (memory == NULL)
		return td_error_nomem(err);
	code = td_mutex_init(&memory->lock, err);
	if (code != 0) {
		free(memory);
		return code;
	}
	memory->clock = clock;
	memory->chunk_bytes = chunk_bytes != 0 ? chunk_bytes : CHUNK_BYTES;
	memory->time = INT64_MIN;
	atomic_init(&memory->next, 1);
	*shelf = (struct td_shelf){
		.room = room,
		.stage = stage,
		.staged = next_position,
		.durable = next_position,
		.time = now,
		.fetch = fetch,
		.scan = scan,
		.let_go = let_go,
		.leave = leave,
		.dead = dead,
		.arg = memory,
	};
	return 0;
}

void td_shelf_memory_free(struct td_shelf *shelf)
{
	struct memory *memory = shelf->arg;

	if (memory == NULL)
		return;
	for (size_t i = 0; i < memory->count; i++)
		td_chunk_unref(memory->chunks[i]);
	free(memory->chunks);
	td_chunk_unref(memory->spare);
	td_mutex_fini(&memory->lock);
	free(memory);
	*shelf = (struct td_shelf){0};
}
