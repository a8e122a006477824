/*
 * shelf: where the store's records lie. Two of them: a journal on disk, and memory.
 *
 *	         decisions, index: once, above
 *	---------------------------------------------
 *	  room  stage  durable  fetch  scan  dead
 *	---------------------------------------------
 *	  journal                 memory
 *	  segments                chunks
 *
 * A location is (number, offset): of the segment, or of the chunk, which is a segment in all that
 * the index knows of it. Calls as in journal.h: the owner's, but fetch and scan, which any thread may
 * make.
 */
#ifndef TD_STORE_SHELF_H
#define TD_STORE_SHELF_H

#include "journal/journal.h"

struct td_chunk;

/* A record and what keeps its bytes. Zero it; fill it again and again; let_go() at last. */
struct td_held {
	struct td_record record;
	size_t bytes; /* of the body of what is fetched next, if they are known; else 0 */
	struct td_buf buf;
	struct td_block *block;
	struct td_chunk *chunk;
};

/* A place in the sequence, for scan(); leave() at last. */
struct td_place {
	struct td_scan scan;
	struct td_chunk *chunk;
	size_t at;
};
static inline struct td_place td_place_at(uint64_t position)
{
	return (struct td_place){.scan = TD_SCAN_AT(position)};
}

struct td_shelf {
	int (*room)(void *arg, size_t records, size_t bytes, bool reserved, struct td_error *err);
	uint64_t (*stage)(void *arg, const struct td_text *parts, size_t count, uint64_t *location);
	uint64_t (*staged)(void *arg);
	uint64_t (*durable)(void *arg); /* any thread */
	td_time (*time)(void *arg);
	int (*fetch)(void *arg, uint64_t location, struct td_held *held, struct td_error *err);
	int (*scan)(void *arg, struct td_place *place, struct td_record *record, uint64_t *lost_to,
		struct td_error *err);
	void (*let_go)(struct td_held *held);
	void (*leave)(struct td_place *place);
	/* A record was removed for good; `bytes` of its body. */
	void (*dead)(void *arg, uint64_t location, size_t bytes);
	void *arg;
	struct td_journal *journal; /* NULL: memory */
};

/* In memory; what is staged is durable. chunk_bytes 0: 256 KiB. */
int td_shelf_memory(struct td_shelf *shelf, const struct td_clock *clock, size_t chunk_bytes,
	struct td_error *err);
void td_shelf_memory_free(struct td_shelf *shelf);
/* In a journal, which stays its opener's. */
void td_shelf_journal(struct td_shelf *shelf, struct td_journal *journal);

#endif
