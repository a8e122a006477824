#include <errno.h>
#include <stdlib.h>

#include "journal/fault.h"
#include "journal/rewrite.h"

void td_rewriter_fini(struct td_rewriter *rewriter)
{
	td_walk_fini(&rewriter->walk);
	td_disk_close(rewriter->journal->disk, rewriter->old);
	td_disk_close(rewriter->journal->disk, rewriter->file);
	free(rewriter->buffer);
}

static int damaged(const struct td_rewriter *rewriter, uint64_t offset, struct td_error *err)
{
	return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
		"journal %s: rewrite: %s: at %llu: damaged; it stays as it is",
		rewriter->journal->path, rewriter->name, (unsigned long long)offset);
}

static int write_at(struct td_rewriter *rewriter, int file, const void *bytes, size_t len,
	uint64_t offset, struct td_error *err)
{
	int code = td_disk_write_all(rewriter->journal->disk, file, bytes, len, offset);

	return code == 0 ? 0
			 : td_fault(err, code, "journal %s: %s", rewriter->journal->path,
				   TD_REWRITE_NAME);
}

static void begin_frame(struct td_rewriter *rewriter)
{
	td_frame_reset(
		&rewriter->frame, rewriter->buffer, TD_FRAME_BYTES_MAX, rewriter->journal->strict);
}

/* Write the frame that is built, if there is anything in it or it is the seal. */
static int flush(struct td_rewriter *rewriter, uint64_t flags, struct td_error *err)
{
	const struct td_frame_fields fields = {
		.salt = rewriter->rewrite->segment->salt,
		.offset = rewriter->at,
		.first_position = rewriter->first,
		.durable_end = rewriter->at,
		.epoch = rewriter->epoch,
		.flags = flags,
		.chain = rewriter->journal->chained ? rewriter->chain : NULL,
		.time = rewriter->time,
	};
	size_t bytes;
	int code;

	if (rewriter->frame.records == 0 && flags == 0)
		return 0;
	bytes = td_frame_finish(&rewriter->frame, &fields);
	code = write_at(rewriter, rewriter->file, rewriter->buffer, bytes, rewriter->at, err);
	if (rewriter->journal->chained) {
		td_sha256_add(&rewriter->rewrite->sha, rewriter->buffer, bytes);
		td_sha256_finish(&rewriter->rewrite->sha, rewriter->chain);
	}
	rewriter->footer.frames++;
	rewriter->at += bytes;
	begin_frame(rewriter);
	return code;
}

/* What is gone before the next record, as one hole of the frame. */
static void put_hole(struct td_rewriter *rewriter)
{
	if (rewriter->frame.records == 0)
		rewriter->first = rewriter->position - rewriter->hole;
	if (rewriter->hole > 0)
		td_frame_put_hole(
			&rewriter->frame, rewriter->position - rewriter->hole, rewriter->hole);
	rewriter->hole = 0;
}

static bool is_gone(struct td_rewriter *rewriter)
{
	const struct td_rewrite *rewrite = rewriter->rewrite;

	if (rewriter->next == rewrite->count ||
		rewrite->positions[rewriter->next] != rewriter->position)
		return false;
	rewriter->next++;
	return true;
}

static int copy_record(
	struct td_rewriter *rewriter, const struct td_frame_record *record, struct td_error *err)
{
	const struct td_text body = td_text_of(record->body, record->bytes);
	int code = 0;

	if (record->kind == TD_RECORD_HOLE) {
		/* Positions in it may be said to be gone, too: they are. */
		for (; rewriter->next < rewriter->rewrite->count &&
			rewriter->rewrite->positions[rewriter->next] <
				record->position + record->positions;)
			rewriter->next++;
		rewriter->hole += record->positions;
	} else if (is_gone(rewriter)) {
		rewriter->hole++;
	} else {
		if (!td_frame_room(&rewriter->frame, 2, body.len + TD_HOLE_BODY_BYTES))
			code = flush(rewriter, 0, err);
		put_hole(rewriter);
		td_frame_put(&rewriter->frame, &body, 1);
		rewriter->footer.records++;
	}
	rewriter->position += record->positions;
	return code;
}

static int copy_frames(struct td_rewriter *rewriter, struct td_error *err)
{
	struct td_frame_header header;
	struct td_frame_walk walk;
	struct td_frame_record record;
	struct td_frame frame;
	int code = 0;

	for (uint64_t at = TD_FRAMES_FROM; code == 0 && at < rewriter->old_footer.end;
		at += td_frame_bytes(&header)) {
		if (td_walk_header(&rewriter->walk, at, &header) != TD_FLAW_NONE ||
			header.first_position != rewriter->position ||
			td_walk_frame(&rewriter->walk, &header, &frame, NULL, NULL) != TD_FLAW_NONE)
			return rewriter->walk.code != 0 ? td_error_nomem(err)
							: damaged(rewriter, at, err);
		rewriter->epoch = header.epoch;
		rewriter->time = header.time;
		td_frame_walk(&walk, &frame);
		while (code == 0 && td_frame_next(&walk, &record))
			code = copy_record(rewriter, &record, err);
		if (code == 0)
			code = flush(rewriter, 0, err);
	}
	if (code == 0 && rewriter->position != rewriter->old_footer.next_position)
		return damaged(rewriter, rewriter->old_footer.end, err);
	if (code != 0)
		return code;
	put_hole(rewriter);
	return flush(rewriter, TD_FRAME_SEAL, err);
}

static int write_header(struct td_rewriter *rewriter, struct td_error *err)
{
	uint8_t page[TD_PAGE_BYTES];
	td_time now = td_clock_wall(rewriter->journal->options.clock);
	int code;

	rewriter->header = rewriter->old_header;
	rewriter->header.salt = rewriter->rewrite->segment->salt;
	rewriter->header.number = rewriter->rewrite->segment->number;
	rewriter->header.rewrites++;
	rewriter->header.time = now > 0 ? now : 1;
	rewriter->header.bytes =
		(rewriter->at + 2 * TD_PAGE_BYTES - 1) / TD_PAGE_BYTES * TD_PAGE_BYTES;
	if (rewriter->header.bytes < TD_SEGMENT_BYTES_LEAST)
		rewriter->header.bytes = TD_SEGMENT_BYTES_LEAST;
	td_segment_header_encode(&rewriter->header, page);
	code = write_at(rewriter, rewriter->file, page, sizeof(page), 0, err);
	if (code != 0)
		return code;
	code = td_disk_truncate(rewriter->journal->disk, rewriter->file, rewriter->header.bytes);
	if (code == 0)
		code = td_disk_sync(rewriter->journal->disk, rewriter->file);
	return code == 0 ? 0
			 : td_fault(err, code, "journal %s: %s", rewriter->journal->path,
				   TD_REWRITE_NAME);
}

int td_rewriter_copy(struct td_rewriter *rewriter, struct td_error *err)
{
	int code;

	rewriter->cap = TD_FRAME_BYTES_MAX;
	if (rewriter->cap > rewriter->old_header.bytes)
		rewriter->cap = (size_t)rewriter->old_header.bytes; /* no frame is larger */
	rewriter->buffer = aligned_alloc(64, rewriter->cap);
	if (rewriter->buffer == NULL)
		return td_error_nomem(err);
	rewriter->walk.salt = rewriter->old_header.salt;
	rewriter->walk.limit = rewriter->old_footer.end;
	rewriter->position = rewriter->old_header.base;
	rewriter->at = TD_FRAMES_FROM;
	memcpy(rewriter->chain, rewriter->old_header.chain, TD_CHAIN_BYTES);
	begin_frame(rewriter);
	code = copy_frames(rewriter, err);
	return code == 0 ? write_header(rewriter, err) : code;
}

/* --- the new one, from the device --------------------------------------------------------- */

static void add_hash(void *arg, const void *bytes, size_t len)
{
	td_hash128_add(arg, bytes, len);
}

static int check_frames(struct td_rewriter *rewriter, struct td_walk *walk, struct td_file *file,
	struct td_error *err)
{
	struct td_hash128_state hash;
	struct td_frame_header header;
	struct td_frame frame;
	uint64_t position = rewriter->header.base;
	const uint8_t *page = td_walk_see(walk, 0, TD_PAGE_BYTES);

	if (page == NULL)
		return td_error_nomem(err);
	td_hash128_reset(&hash);
	td_hash128_add(&hash, page, TD_PAGE_BYTES);
	for (uint64_t at = TD_FRAMES_FROM; at < rewriter->at; at += td_frame_bytes(&header)) {
		if (td_walk_header(walk, at, &header) != TD_FLAW_NONE ||
			header.first_position != position ||
			td_walk_frame(walk, &header, &frame, add_hash, &hash) != TD_FLAW_NONE)
			return walk->code != 0 ? td_error_nomem(err) : damaged(rewriter, at, err);
		td_file_note(file, position, at);
		position = frame.next_position;
	}
	rewriter->footer.hash = td_hash128_digest(&hash);
	return 0;
}

static void make_footer(struct td_rewriter *rewriter, uint8_t page[TD_PAGE_BYTES])
{
	const struct td_segment_footer *old = &rewriter->old_footer;
	struct td_segment_footer *footer = &rewriter->footer;

	footer->next_position = old->next_position;
	footer->end = rewriter->at;
	footer->missing = old->next_position - rewriter->header.base - footer->records;
	footer->time_first = old->time_first;
	footer->time_last = old->time_last;
	memcpy(footer->chain, rewriter->chain, TD_CHAIN_BYTES);
	footer->rewriting_count = old->rewriting_count;
	memcpy(footer->rewritings, old->rewritings, sizeof(old->rewritings));
	td_segment_footer_note(footer, rewriter->rewrite->rule, rewriter->header.time, old->chain);
	td_segment_footer_encode(footer, &rewriter->header, page);
}

int td_rewriter_seal(struct td_rewriter *rewriter, struct td_file *file, struct td_error *err)
{
	const struct td_disk *disk = rewriter->journal->disk;
	struct td_walk walk = {0};
	uint8_t page[TD_PAGE_BYTES];
	int direct = -1, code;

	code = td_disk_open(disk, rewriter->journal->dir, TD_REWRITE_NAME,
		TD_DISK_READ | TD_DISK_DIRECT, &direct);
	if (code == EINVAL)
		code = td_disk_open(
			disk, rewriter->journal->dir, TD_REWRITE_NAME, TD_DISK_READ, &direct);
	if (code != 0)
		return td_fault(
			err, code, "journal %s: %s", rewriter->journal->path, TD_REWRITE_NAME);
	code = td_walk_init(&walk, disk, direct, rewriter->header.bytes, TD_GROUP_BYTES, err);
	if (code == 0) {
		walk.salt = rewriter->header.salt;
		walk.limit = rewriter->at;
		code = check_frames(rewriter, &walk, file, err);
	}
	td_walk_fini(&walk);
	td_disk_close(disk, direct);
	if (code != 0)
		return code;
	make_footer(rewriter, page);
	code = write_at(rewriter, file->handle, page, sizeof(page),
		td_segment_frames_end(rewriter->header.bytes), err);
	if (code != 0)
		return code;
	code = td_disk_sync(disk, file->handle);
	return code == 0 ? 0
			 : td_fault(err, code, "journal %s: %s", rewriter->journal->path,
				   TD_REWRITE_NAME);
}
