/*
 * Blocks: runs of whole frames in memory, as they lie in a segment, shared and counted.
 *
 *	bytes   | frame | frame | frame |  being written or built  |
 *	        0                       len                        cap
 *
 * Up to `len` all is durable, verified and never changes; who holds a reference reads it without a
 * lock. What lies behind is the owner's alone (the newest block has a frame in flight and one being
 * built). `len` only grows.
 *
 * A pool keeps a few of the usual size for the next, since fresh memory costs a fault a page. It
 * lives until the last of its blocks is gone, so a reader may outlive the journal.
 */
#ifndef TD_JOURNAL_BLOCK_H
#define TD_JOURNAL_BLOCK_H

#include "sys/sys.h"

struct td_blocks;

struct td_block {
	_Atomic uint32_t refs;
	_Atomic size_t len;
	struct td_blocks *pool;
	uint32_t number;   /* of its segment */
	uint64_t offset;   /* of bytes[0] in the segment's file */
	uint64_t position; /* of the first record in it */
	uint64_t next;     /* behind the last readable one; under the journal's lock */
	uint64_t key;      /* its place in the cache, and its neighbours there; under that lock */
	struct td_block *newer, *older;
	size_t cap;
	_Alignas(64) uint8_t bytes[];
};

/* `usual` is the size that is kept for reuse, `keep` how many of it. NULL: no memory. */
struct td_blocks *td_blocks_new(size_t usual, size_t keep, struct td_error *err);
/* No more from here; it goes with its last block. NULL is fine. */
void td_blocks_free(struct td_blocks *pool);

/* A block of at least `cap` bytes, len 0, one reference. NULL: no memory. Any thread. */
struct td_block *td_block_new(struct td_blocks *pool, size_t cap);
struct td_block *td_block_ref(struct td_block *block);
/* td_block_unref() is in the door. */

static inline size_t td_block_len(const struct td_block *block)
{
	return atomic_load_explicit(&block->len, memory_order_acquire);
}

#endif
