/*
 * The queue between threads: a bounded ring whose cells carry their own sequence number in the
 * same cache line as the payload, so that one line moves per item.
 *
 *	cell i   [ sequence 8 B | payload 56 B ]      sequence == ticket:      free for that ticket
 *	                                              sequence == ticket + 1:  filled
 *	                                              sequence == ticket + n:  free for the next lap
 *
 * One consumer at a time. Producers: one (td_ring_push_single) or many (td_ring_push); never mix.
 * Nobody waits inside; full and empty are answers.
 */
#ifndef TD_BASE_RING_H
#define TD_BASE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TD_RING_PAYLOAD_BYTES 56

struct td_ring_cell {
	_Alignas(64) _Atomic uint64_t sequence;
	unsigned char payload[TD_RING_PAYLOAD_BYTES];
};

struct td_ring;

/* capacity is rounded up to a power of two, at least 2. NULL if memory ran out. */
struct td_ring *td_ring_new(size_t capacity);
void td_ring_free(struct td_ring *ring);
size_t td_ring_capacity(const struct td_ring *ring);
/* Copy `bytes` (at most TD_RING_PAYLOAD_BYTES) in; false if full. */
bool td_ring_push_single(struct td_ring *ring, const void *payload, size_t bytes);
bool td_ring_push(struct td_ring *ring, const void *payload, size_t bytes);
/* Copy the next payload out; false if empty. */
bool td_ring_pop(struct td_ring *ring, void *payload, size_t bytes);
/* About how many are inside; exact when nobody else is at it. */
size_t td_ring_count(const struct td_ring *ring);

#endif
