/*
 * A walk along the frames of a segment's file, through a window that moves with it.
 *
 * For who looks at a file from its beginning: recovery and verification (past the cache), the index
 * of a segment that is opened for reading, rewriting. Blocks. Bytes that the device refuses to give
 * (EIO) are seen as TD_WALK_UNREADABLE, which is part of no frame and is not zero.
 */
#ifndef TD_JOURNAL_WALK_H
#define TD_JOURNAL_WALK_H

#include "journal/segment_format.h"
#include "sys/sys.h"

#define TD_WALK_UNREADABLE 0xBD

struct td_walk {
	const struct td_disk *disk;
	int file;
	uint64_t salt;
	uint64_t bytes;    /* of the file, or as far as it is to be seen */
	uint64_t limit;    /* where frames end at most */
	uint8_t *window;   /* aligned */
	size_t cap, len;   /* of the window */
	uint64_t at;       /* what stands first in it */
	size_t unreadable; /* pages that were not given */
	int code;          /* TD_E_NOMEM: what was answered since means nothing */
};

/* `window_bytes` at a time. TD_E_NOMEM. */
int td_walk_init(struct td_walk *walk, const struct td_disk *disk, int file, uint64_t bytes,
	size_t window_bytes, struct td_error *err);
void td_walk_fini(struct td_walk *walk);

/* A view of [offset, offset + len), valid until the next call; NULL: no memory, or behind the end. */
uint8_t *td_walk_see(struct td_walk *walk, uint64_t offset, size_t len);
/* As many as the window has at once there, at least 1; 0 at the end. */
size_t td_walk_some(struct td_walk *walk, uint64_t offset, uint8_t **bytes);

/* The header of a frame at `offset`. SHORT at the end of the file. */
enum td_flaw td_walk_header(struct td_walk *walk, uint64_t offset, struct td_frame_header *header);
/* The whole frame, plain; valid until the next call. Its stored bytes are gone where it was whitened:
 * *stored (may be NULL) sees them before. */
enum td_flaw td_walk_frame(struct td_walk *walk, const struct td_frame_header *header,
	struct td_frame *frame, void (*stored)(void *arg, const void *bytes, size_t len),
	void *arg);
/* The first valid header from `offset` on; false: none up to the end. */
bool td_walk_search(struct td_walk *walk, uint64_t offset, struct td_frame_header *header);

#endif
