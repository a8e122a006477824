#include "journal/walk.h"

#include <stdlib.h>

int td_walk_init(struct td_walk *walk, const struct td_disk *disk, int file, uint64_t bytes,
	size_t window_bytes, struct td_error *err)
{
	*walk = (struct td_walk){.disk = disk, .file = file, .bytes = bytes, .limit = bytes};
	if (window_bytes > bytes)
		window_bytes = bytes > 0 ? (size_t)bytes : 1;
	walk->cap = (window_bytes + TD_DISK_ALIGN - 1) / TD_DISK_ALIGN * TD_DISK_ALIGN;
	walk->window = td_disk_buffer_new(walk->cap);
	return walk->window != NULL ? 0 : td_error_nomem(err);
}

void td_walk_fini(struct td_walk *walk)
{
	td_disk_buffer_free(walk->window);
	walk->window = NULL;
}

/* One page after the other, so that one that is not given costs itself alone. */
static void read_pages(struct td_walk *walk, uint8_t *to, size_t len, uint64_t offset)
{
	for (size_t at = 0; at < len; at += TD_DISK_ALIGN) {
		size_t got = 0;

		if (td_disk_read_all(walk->disk, walk->file, to + at, TD_DISK_ALIGN, offset + at,
			    &got) != 0) {
			memset(to + at, TD_WALK_UNREADABLE, TD_DISK_ALIGN);
			walk->unreadable++;
		} else if (got < TD_DISK_ALIGN) {
			memset(to + at + got, 0, TD_DISK_ALIGN - got);
		}
	}
}

/* Fill the window from the page of `offset` on; keeps nothing of what was there. */
static void fill(struct td_walk *walk, uint64_t offset)
{
	uint64_t from = offset & ~(uint64_t)(TD_DISK_ALIGN - 1), left = walk->bytes - from;
	size_t len = left < walk->cap ? (size_t)left : walk->cap, got = 0;
	size_t aligned = (len + TD_DISK_ALIGN - 1) & ~(size_t)(TD_DISK_ALIGN - 1);

	if (td_disk_read_all(walk->disk, walk->file, walk->window, aligned, from, &got) != 0)
		read_pages(walk, walk->window, aligned, from);
	else if (got < aligned)
		memset(walk->window + got, 0, aligned - got);
	walk->at = from;
	walk->len = len;
}

static bool grow(struct td_walk *walk, size_t len)
{
	size_t cap = (len + 2 * TD_DISK_ALIGN - 1) & ~(size_t)(TD_DISK_ALIGN - 1);
	uint8_t *window;

	if (cap <= walk->cap)
		return true;
	window = td_disk_buffer_new(cap);
	if (window == NULL) {
		walk->code = TD_E_NOMEM;
		return false;
	}
	td_disk_buffer_free(walk->window);
	walk->window = window;
	walk->cap = cap;
	walk->len = 0;
	return true;
}

uint8_t *td_walk_see(struct td_walk *walk, uint64_t offset, size_t len)
{
	if (offset > walk->bytes || len > walk->bytes - offset)
		return NULL;
	if (walk->len == 0 || offset < walk->at || offset + len > walk->at + walk->len) {
		if (!grow(walk, len))
			return NULL;
		fill(walk, offset);
	}
	return walk->window + (offset - walk->at);
}

size_t td_walk_some(struct td_walk *walk, uint64_t offset, uint8_t **bytes)
{
	if (offset >= walk->bytes)
		return 0;
	*bytes = td_walk_see(walk, offset, 1);
	return walk->len - (size_t)(offset - walk->at);
}

enum td_flaw td_walk_header(struct td_walk *walk, uint64_t offset, struct td_frame_header *header)
{
	const uint8_t *bytes = td_walk_see(walk, offset, TD_FRAME_HEADER_BYTES);

	if (bytes == NULL)
		return TD_FLAW_SHORT;
	return td_frame_check(
		bytes, TD_FRAME_HEADER_BYTES, walk->salt, offset, walk->limit, header);
}

enum td_flaw td_walk_frame(struct td_walk *walk, const struct td_frame_header *header,
	struct td_frame *frame, void (*stored)(void *arg, const void *bytes, size_t len), void *arg)
{
	size_t len = td_frame_bytes(header);
	uint8_t *bytes = td_walk_see(walk, header->offset, len), *body;
	enum td_flaw flaw;

	if (bytes == NULL)
		return TD_FLAW_SHORT;
	body = bytes + TD_FRAME_HEADER_BYTES;
	if (td_hash(body, header->body_bytes, 0) != header->body_hash)
		return TD_FLAW_BODY;
	if (stored != NULL)
		stored(arg, bytes, len);
	flaw = td_frame_open(header, body, walk->salt, body, frame);
	/* What was made plain in the window is not what the file holds. */
	if (td_frame_whitening(header) != 0)
		walk->len = (size_t)(header->offset - walk->at);
	return flaw;
}

bool td_walk_search(struct td_walk *walk, uint64_t offset, struct td_frame_header *header)
{
	uint8_t *bytes;

	for (offset = (offset + 7) & ~(uint64_t)7; offset + TD_FRAME_HEADER_BYTES <= walk->limit;) {
		size_t len = td_walk_some(walk, offset, &bytes), at = 0;

		for (; at + 4 <= len; at += 8) {
			if (td_le32_get(bytes + at) != TD_FRAME_MAGIC)
				continue;
			if (td_walk_header(walk, offset + at, header) == TD_FLAW_NONE)
				return true;
			break; /* the window may have moved */
		}
		offset += at + 4 <= len ? at + 8 : len;
	}
	return false;
}
