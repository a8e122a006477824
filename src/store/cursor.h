/*
 * cursor: what td_store_read() gives out.
 *
 *	      fill, under the lock            fetch, without
 *	index ---------------------> batch ------------------> filter --> event
 *	                     scan, without the index -----------^
 *
 * Which way is taken is decided once:
 *	scan      forward over all, or over most: record by record, no look-up
 *	walk      of one log, or backward: the lines of the index say where
 *	subject   of one subject: its chain, oldest first or newest first
 *	latest    of each subject: gathered once, in the order of positions
 *
 * What is gathered is gathered in steps: the lock is given back between them, so a subject of a
 * million events, or a million subjects, keep nobody from appending.
 */
#ifndef TD_STORE_CURSOR_H
#define TD_STORE_CURSOR_H

#include "store/private.h"

#define TD_CURSOR_BATCH 256u

#define TD_CURSOR_LOGS 16u /* that have one address, each with events of its own */

enum td_cursor_way { TD_WAY_SCAN, TD_WAY_WALK, TD_WAY_SUBJECT, TD_WAY_LATEST };

/* Of the latest of each subject: which subject, and a hash of its address. */
struct td_listed {
	uint64_t position;
	uint32_t ref, tag;
};

/* Of one subject: where it lay when it was listed, so that its line need not be looked at again. */
struct td_chained {
	uint64_t position, location;
	uint32_t bytes;
};

struct td_cursor {
	struct td_store *store;
	enum td_cursor_way way;
	struct td_read_options options; /* its texts are `kept` */
	char *kept;
	uint32_t log; /* number; 0: all */
	bool all_subjects;
	bool exact; /* one subject without wildcards */
	uint64_t hash;

	/* Forward: the next position to look at. Backward: all at or above were looked at. */
	uint64_t next;
	bool ended;    /* nothing more was there when it was looked */
	bool lost;     /* a page of the index could not be had meanwhile */
	bool finished; /* nothing more will fit */
	struct {
		uint64_t position, location;
		uint32_t bytes;
	} batch[TD_CURSOR_BATCH];
	size_t at, count;
	/* td_chained or td_listed to be taken, oldest or newest first as is read. */
	struct td_buf list;
	size_t list_at;
	uint64_t list_removals; /* how many removals there had been before it was made */
	enum { TD_LIST_NONE, TD_LIST_GROWS, TD_LIST_WHOLE } listed;
	bool unsorted;
	bool peeked; /* subject, backward: the newest were taken before all were listed */
	/* subject: where its chains are followed, from the newest down */
	struct {
		uint32_t logs[TD_CURSOR_LOGS]; /* numbers */
		size_t count, at;
		uint64_t position; /* the next to look at */
		uint64_t left;     /* live ones that are still to be met */
		bool pending;      /* others are to be met, too: their removal is on its way */
		bool begun;
		bool searching; /* the chain is broken: each line is asked */
	} chain;
	/* latest */
	struct td_subjects_walk walk;
	uint64_t latest_from; /* where it began */
	struct td_buf again;  /* of those whose latest went before it was taken: td_listed */

	uint64_t batch_removals; /* how many removals there had been */
	struct td_held held;
	struct td_opener opener;
	struct td_place place;
	/* Positions [clean_from, clean_to) of which it is known which are removed. */
	uint64_t clean_from, clean_to, clean_removals;
	uint64_t removed_bits[64];
};

/* cursor_fill.c: the next batch; false: none now. */
bool td_cursor_fill(struct td_cursor *cursor);
/* Whether a position that the scan stands at was removed. */
bool td_cursor_is_removed(struct td_cursor *cursor, uint64_t position);

/* Whether one of a batch was removed since it was filled. */
bool td_cursor_is_gone(struct td_cursor *cursor, uint64_t position);

#endif
