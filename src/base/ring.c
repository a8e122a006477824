#include "base/ring.h"

#include <stdlib.h>

#define EXACT_BELOW 64

struct td_ring *td_ring_new(size_t capacity)
{
	struct td_ring *ring;
	size_t cells = 2;

	while (cells < capacity) {
		if (cells > SIZE_MAX / 4 / sizeof(struct td_ring_cell))
			return NULL;
		cells *= 2;
	}
	ring = aligned_alloc(
		_Alignof(struct td_ring), sizeof(*ring) + cells * sizeof(struct td_ring_cell));
	if (ring == NULL)
		return NULL;
	ring->capacity = cells;
	ring->easy = cells < EXACT_BELOW ? 0 : cells / 2;
	atomic_init(&ring->tail, 0);
	atomic_init(&ring->head_seen, 0);
	atomic_init(&ring->head, 0);
	for (size_t i = 0; i < cells; i++)
		atomic_init(&ring->cells[i].sequence, i);
	return ring;
}

void td_ring_free(struct td_ring *ring)
{
	free(ring);
}

size_t td_ring_capacity(const struct td_ring *ring)
{
	return (size_t)ring->capacity;
}

size_t td_ring_count(const struct td_ring *ring)
{
	/* head first: it cannot be beyond a tail that is loaded later. */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t count = tail - head;

	return (size_t)(count < ring->capacity ? count : ring->capacity);
}

/* Take a later value of head for all producers; it never goes back. */
static uint64_t look(struct td_ring *ring)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	uint64_t seen = atomic_load_explicit(&ring->head_seen, memory_order_relaxed);

	/* A producer that slept here may bring an old value back: harmless, it is still a past
	 * value of head, and the next who finds it too old looks again. */
	if ((int64_t)(head - seen) > 0)
		atomic_store_explicit(&ring->head_seen, head, memory_order_release);
	return head;
}

bool td_ring_ticket(struct td_ring *ring, uint64_t *ticket)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	for (;;) {
		uint64_t head = look(ring);
		/* Signed, as head may be newer than tail; R4. */
		if ((int64_t)(tail - head) >= (int64_t)ring->capacity)
			return false;
		if (atomic_compare_exchange_weak_explicit(&ring->tail, &tail, tail + 1,
			    memory_order_relaxed, memory_order_relaxed)) {
			*ticket = tail;
			return true;
		}
	}
}

void td_ring_settle(struct td_ring *ring, uint64_t ticket)
{
	while (ticket - look(ring) >= ring->capacity)
		;
}
