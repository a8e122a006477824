/*
 * Reading: which block has a position, from memory or from its segment.
 *
 *	recent   the newest blocks, as they were written
 *	cache    blocks read before
 *	file     the frames that begin in 1 MiB of a segment, read at once, each frame verified
 *
 * What cannot be verified is read once more past the cache of the system, which tells bad memory
 * from a bad medium. Then the positions are lost, as far as the next frame that is whole; what lies
 * around them goes on being served.
 */
#ifndef TD_JOURNAL_READ_H
#define TD_JOURNAL_READ_H

#include "journal/inside.h"

/* What a reader has to know of a segment without the lock. */
struct td_view {
	struct td_file *file; /* a reference */
	uint32_t number;
	uint64_t base, next, end, bytes, salt;
};

/* Copy it, with a reference of the file if that is open. Under the lock. */
void td_view_take(struct td_journal *journal, struct td_segment *segment, struct td_view *view);
/*
 * Open the file of a segment that has none in `view`, with its index or without: who knows where a
 * record lies needs none, and making it takes a look at all frames. Without the lock; blocks.
 */
int td_view_open(
	struct td_journal *journal, struct td_view *view, bool indexed, struct td_error *err);
/* What was opened becomes the segment's, if that is still there and has none as good. */
void td_view_keep(struct td_journal *journal, const struct td_view *view);
void td_view_drop(struct td_view *view);
/* The salt in the header of a segment's file; `page` is for reading it. An errno. */
int td_segment_salt(struct td_journal *journal, int file, uint8_t *page, uint64_t *salt);
/* Where the frames of a segment without a footer end: into segment->end. */
int td_frames_end(
	struct td_journal *journal, struct td_segment *segment, int file, struct td_error *err);

/* A part of a segment: [from, to), the first frame in it at `from`, of this position. */
struct td_part {
	uint64_t from, to;
	uint64_t position, next;
};

/*
 * Read a part and verify its frames. *block has those that are whole around `position` (a reference
 * of yours). TD_E_DAMAGED: the position is lost, and all up to *lost_to. Blocks.
 */
int td_part_load(struct td_journal *journal, const struct td_view *view, const struct td_part *part,
	uint64_t position, struct td_block **block, uint64_t *lost_to, struct td_error *err);

/*
 * The block that has *position, which moves up to the oldest there is. TD_E_NOT_FOUND: not durable
 * yet. Else as above.
 */
int td_block_find(struct td_journal *journal, uint64_t *position, struct td_block **block,
	uint64_t *lost_to, struct td_error *err);

#endif
