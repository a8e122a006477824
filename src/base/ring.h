/*
 * The queue between threads: a bounded ring whose cells carry their own sequence number in the
 * same cache line as the payload, so that one line moves per item.
 *
 *	cell i   [ sequence 8 B | payload 56 B ]      sequence == ticket:      free for that ticket
 *	                                              sequence == ticket + 1:  filled
 *	                                              sequence == ticket + n:  free for the next lap
 *
 *	lines apart:  sizes (never written) | tail, head_seen (producers') | head (consumer's)
 *
 * One consumer at a time. Producers: one (td_ring_push_single) or many (td_ring_push); never mix.
 * Full and empty are answers; nobody waits inside (one exception that should never be met: see
 * td_ring_push).
 *
 * Why it is right. Tickets are given once each, since tail only grows and by one; ticket t is of
 * cell t mod n, and the cell is its own from the moment its producer may write until the consumer
 * has read.
 *
 *  R1  The consumer reads a payload only after it saw sequence == t + 1 (acquire), which the
 *      producer stored (release) after the payload: it sees all of it, and of no other ticket,
 *      as a cell's sequence only grows: t, t + 1, t + n, t + n + 1, ...
 *  R2  The single producer writes only after it saw sequence == t (acquire), which the consumer
 *      stored (release) after its last read of the cell.
 *  R3  One of many writes only when it knows that head > t - n. Its head_seen is a past value of
 *      head, handed on by release and acquire from the consumer, who stores head (release) after
 *      the last read of the cell and after its free mark. So the line is written without being
 *      read first, which is most of the speed.
 *  R4  One of many answers "full" only when tail was loaded as t and afterwards head as h with
 *      t - h >= n: as both only grow, the ring was full when t was loaded.
 */
#ifndef TD_BASE_RING_H
#define TD_BASE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"

#define TD_RING_PAYLOAD_BYTES 56

struct td_ring_cell {
	_Alignas(64) _Atomic uint64_t sequence;
	unsigned char payload[TD_RING_PAYLOAD_BYTES];
};

struct td_ring {
	/* Up to `easy` items a ticket is taken without further care; the rest of the capacity is
	 * for those who looked at the same moment. */
	_Alignas(128) uint64_t capacity, easy;
	_Alignas(128) _Atomic uint64_t tail; /* the next ticket */
	_Atomic uint64_t head_seen;          /* head, some time ago; unused with one producer */
	_Alignas(128) _Atomic uint64_t head; /* the next to be taken out */
	_Alignas(128) struct td_ring_cell cells[];
};

/* capacity is rounded up to a power of two, at least 2. NULL if memory ran out. */
struct td_ring *td_ring_new(size_t capacity);
void td_ring_free(struct td_ring *ring);
size_t td_ring_capacity(const struct td_ring *ring);
/* About how many are inside; exact when nobody else is at it. */
size_t td_ring_count(const struct td_ring *ring);

/* For td_ring_push, near the bound: a ticket if there is room in fact; false if full. */
bool td_ring_ticket(struct td_ring *ring, uint64_t *ticket);
/* For td_ring_push: return when the ticket's cell is free. */
void td_ring_settle(struct td_ring *ring, uint64_t ticket);

static inline struct td_ring_cell *td_ring_cell(struct td_ring *ring, uint64_t ticket)
{
	return &ring->cells[ticket & (ring->capacity - 1)];
}

/* Ask for the line, to write to it soon. */
static inline void td_ring_want(struct td_ring_cell *cell)
{
#ifdef __x86_64__
	/* The compiler has it only behind a flag; processors without it take it for a no-op. */
	__asm__ volatile("prefetchw %0" : : "m"(*(char *)cell));
#else
	__builtin_prefetch(cell, 1);
#endif
}

static inline void td_ring_fill(
	struct td_ring_cell *cell, uint64_t ticket, const void *payload, size_t bytes)
{
	TD_ASSERT(bytes <= TD_RING_PAYLOAD_BYTES);
	memcpy(cell->payload, payload, bytes);
	atomic_store_explicit(&cell->sequence, ticket + 1, memory_order_release); /* R1 */
}

/* Copy `bytes` (at most TD_RING_PAYLOAD_BYTES) in; false if full. */
static inline bool td_ring_push_single(struct td_ring *ring, const void *payload, size_t bytes)
{
	uint64_t ticket = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	struct td_ring_cell *cell = td_ring_cell(ring, ticket);

	if (atomic_load_explicit(&cell->sequence, memory_order_acquire) != ticket) /* R2 */
		return false;
	td_ring_fill(cell, ticket, payload, bytes);
	atomic_store_explicit(&ring->tail, ticket + 1, memory_order_relaxed);
	return true;
}

/*
 * The same for many. While there is plenty of room (`easy`, half the capacity) the ticket is one
 * fetch_add, which cannot be taken back; those who looked before it was taken may overshoot by one
 * each, into the other half. Past `easy` it is a compare-and-swap, exact to the last cell. Only if
 * more threads than half the capacity are held up between the look and the ticket at one moment
 * must one of them wait for the consumer, in td_ring_settle(); rings below 64 always take
 * the exact way.
 *
 * The fetch_add waits until all earlier stores are done, so for the line of the last item: the
 * lines are asked for a few items ahead (3 measured best of 1 to 64; far ahead they are still the
 * consumer's).
 */
static inline bool td_ring_push(struct td_ring *ring, const void *payload, size_t bytes)
{
	uint64_t ticket = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t seen = atomic_load_explicit(&ring->head_seen, memory_order_acquire); /* R3 */

	/* Signed: others may have moved both since the first load. */
	if (TD_LIKELY((int64_t)(ticket - seen) < (int64_t)ring->easy)) {
		ticket = atomic_fetch_add_explicit(&ring->tail, 1, memory_order_relaxed);
		if (TD_UNLIKELY(ticket - seen >= ring->capacity))
			td_ring_settle(ring, ticket);
	} else if (!td_ring_ticket(ring, &ticket)) {
		return false;
	}
	td_ring_want(td_ring_cell(ring, ticket + 3));
	td_ring_fill(td_ring_cell(ring, ticket), ticket, payload, bytes);
	return true;
}

/* Copy the next payload out; false if empty. */
static inline bool td_ring_pop(struct td_ring *ring, void *payload, size_t bytes)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	struct td_ring_cell *cell = td_ring_cell(ring, head);

	TD_ASSERT(bytes <= TD_RING_PAYLOAD_BYTES);
	if (atomic_load_explicit(&cell->sequence, memory_order_acquire) != head + 1) /* R1 */
		return false;
	memcpy(payload, cell->payload, bytes);
	atomic_store_explicit(
		&cell->sequence, head + ring->capacity, memory_order_release); /* R2 */
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);    /* R3 */
	return true;
}

#endif
