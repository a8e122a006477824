/*
 * Segments as they are known in memory: a table sorted by base, and the open file of each that is
 * being read.
 *
 *	table   | seg | seg | seg | active |        struct td_segment: facts, small, always there
 *	                 |           |
 *	               file        file             struct td_file: handle and index, counted
 *
 * The table and what is in it change under the journal's lock alone. Who reads takes a reference
 * of the file under that lock, copies what it needs to know, and reads without the lock; a segment
 * may be replaced or dropped meanwhile, its file stays until the last reader has let go.
 *
 * The index says at which offset the first frame stands that begins in each cell of 64 KiB. So the
 * first frame of each run of cells is in it, too: a block is the frames that begin in 1 MiB.
 */
#ifndef TD_JOURNAL_SEGMENT_H
#define TD_JOURNAL_SEGMENT_H

#include "journal/block.h"

#define TD_CELL_BYTES  ((uint64_t)64 << 10)
#define TD_GROUP_BYTES ((uint64_t)1 << 20)

struct td_index_entry {
	uint64_t position, offset; /* of the first frame that begins in a cell */
};

struct td_file {
	_Atomic uint32_t refs;
	const struct td_disk *disk;
	int handle;
	size_t count,
		cap; /* count grows under the lock; 0: no index was made, or no frame is there */
	struct td_index_entry index[];
};

/* Takes the handle; room for the cells of `bytes`. NULL: no memory, and the handle stays yours. */
struct td_file *td_file_new(const struct td_disk *disk, int handle, uint64_t bytes);
struct td_file *td_file_ref(struct td_file *file);
/* Closes it with the last one. NULL is fine. */
void td_file_unref(struct td_file *file);
/* Frames come in order. */
void td_file_note(struct td_file *file, uint64_t position, uint64_t offset);
/* The first frame is not where the index has its first: as if one stood there. */
void td_file_begin(struct td_file *file, uint64_t position, uint64_t offset);
/* The last entry at or below a position; NULL: none. */
const struct td_index_entry *td_file_find(const struct td_file *file, uint64_t position);
/* The first entry at or above an offset; NULL: none. */
const struct td_index_entry *td_file_from(const struct td_file *file, uint64_t offset);

struct td_segment {
	struct td_file *file; /* NULL: not open */
	uint64_t used_at;     /* when it was last, in reads of the journal: what is closed first */
	uint32_t number, rewritten;
	uint64_t base, next;
	uint64_t bytes, end; /* of the file; where its durable frames end */
	uint64_t dead;
	uint64_t frames, records; /* once it is sealed */
	uint64_t salt;
	td_time from, to;
	uint8_t chain[32]; /* of the last frame before it */
	bool sealed;
	bool kept; /* its file stays open: another is about to take its name */
};

struct td_table {
	struct td_segment **at;
	size_t count, cap;
	struct td_map numbers; /* number -> segment */
};

void td_table_init(struct td_table *table);
/* Frees the segments, too. */
void td_table_fini(struct td_table *table);
/* Room for one more, so that td_table_add() cannot fail. */
int td_table_reserve(struct td_table *table, struct td_error *err);
/* Takes it; its base is above all others. */
void td_table_add(struct td_table *table, struct td_segment *segment);
/* Put it in the place of the one with its base, which comes back. */
struct td_segment *td_table_replace(struct td_table *table, struct td_segment *segment);
/* The oldest comes out. */
struct td_segment *td_table_shift(struct td_table *table);
/* The one that has this position, or would; NULL: it is below the oldest. */
struct td_segment *td_table_find(const struct td_table *table, uint64_t position);
struct td_segment *td_table_number(const struct td_table *table, uint32_t number);
void td_segment_free(struct td_segment *segment);

#endif
