/*
 * One record by its location: out of a block that is in memory, or alone from the segment.
 *
 * A location says segment and offset. Whether the frame there was whitened was not known yet when
 * it was given out, so patterns are tried; the record's checksum decides.
 */
#include <errno.h>

#include "journal/fault.h"
#include "journal/location.h"
#include "journal/read.h"

#define FIRST_BYTES 4096 /* serves most */

/* A record in verified memory: its body, without asking again. */
static void view_record(const struct td_block *block, uint64_t offset, struct td_record *record)
{
	const uint8_t *at = block->bytes + (offset - block->offset);

	record->body =
		td_text_of(at + TD_RECORD_HEAD_BYTES, td_le32_get(at) - TD_RECORD_HEAD_BYTES);
}

static bool has_offset(const struct td_block *block, uint32_t number, uint64_t offset)
{
	return block->number == number && offset >= block->offset &&
	       offset < block->offset + td_block_len(block);
}

/* Under the lock. */
static struct td_block *find_block(struct td_journal *journal, uint32_t number, uint64_t offset)
{
	struct td_block *block;

	for (size_t i = journal->recent_count; i > 0; i--)
		if (has_offset(journal->recent[i - 1], number, offset))
			return td_block_ref(journal->recent[i - 1]);
	block = td_map_get(
		&journal->cache.blocks, (uint64_t)number << 32 | offset / TD_GROUP_BYTES);
	return block != NULL && has_offset(block, number, offset) ? td_block_ref(block) : NULL;
}

/* Read `len` bytes more of the record into `buf`, up to that many in all. */
static int read_more(const struct td_view *view, uint64_t offset, size_t len, struct td_buf *buf)
{
	size_t got = 0;
	char *to;
	int code;

	if (len <= buf->len)
		return 0;
	to = td_buf_reserve(buf, len - buf->len);
	if (to == NULL)
		return ENOMEM;
	code = td_disk_read_all(
		view->file->disk, view->file->handle, to, len - buf->len, offset + buf->len, &got);
	if (code == 0)
		buf->len += got;
	return code;
}

/* With one pattern; false: it is not that. An errno in *code ends it. */
static bool try_pattern(const struct td_view *view, uint64_t offset, unsigned pattern,
	struct td_buf *buf, struct td_frame_record *found, int *code)
{
	size_t size = td_record_stored_size(buf->at, offset, view->salt, pattern);

	if (size == 0 || size > view->end - offset)
		return false;
	*code = read_more(view, offset, size, buf);
	if (*code != 0 || buf->len < size)
		return false;
	if (td_record_open(buf->at, size, offset, view->salt, pattern, found) == TD_FLAW_NONE)
		return true;
	td_whiten(buf->at, buf->at, size, offset, view->salt, pattern);
	return false;
}

static int read_record(struct td_journal *journal, const struct td_view *view, uint64_t offset,
	size_t bytes, struct td_buf *buf, struct td_record *record, struct td_error *err)
{
	uint64_t left = view->end - offset;
	size_t first = bytes == 0 ? FIRST_BYTES : td_record_size(bytes);
	struct td_frame_record found;
	char name[TD_SEGMENT_NAME_BYTES];
	int code;

	td_buf_reset(buf);
	code = read_more(view, offset, left < first ? (size_t)left : first, buf);
	for (unsigned i = 0; code == 0 && buf->len >= 8 && i <= TD_PATTERNS; i++) {
		if (!try_pattern(view, offset, i, buf, &found, &code))
			continue;
		record->body = td_text_of(found.body, found.bytes);
		return 0;
	}
	td_segment_name(name, view->base);
	if (code != 0 && code != EIO)
		return code == ENOMEM && buf->code != 0
			       ? td_buf_check(buf, err)
			       : td_fault(err, code, "journal %s: %s: read at %llu", journal->path,
					 name, (unsigned long long)offset);
	return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
		"journal %s: %s: at %llu: no record that is whole", journal->path, name,
		(unsigned long long)offset);
}

/* *replaced: the file that was opened is not the segment's that was looked up. */
static int fetch(struct td_journal *journal, uint64_t location, size_t bytes, struct td_buf *buf,
	struct td_block **block, struct td_record *record, bool *replaced, struct td_error *err)
{
	uint32_t number = td_location_segment(location);
	uint64_t offset = td_location_offset(location);
	struct td_segment *segment;
	struct td_view view = {0};
	int code = 0;

	*record = (struct td_record){.count = 1, .location = location};
	*block = NULL;
	td_mutex_lock(&journal->mutex);
	segment = td_table_number(&journal->table, number);
	if (segment == NULL || offset < TD_FRAMES_FROM || offset >= segment->end) {
		code = TD_E_NOT_FOUND;
	} else {
		*block = find_block(journal, number, offset);
		if (*block == NULL)
			td_view_take(journal, segment, &view);
	}
	td_mutex_unlock(&journal->mutex);
	if (code != 0)
		return td_error_set(err, code, TD_NO_OFFSET, "journal %s: nothing at %u:%llu",
			journal->path, number, (unsigned long long)offset);
	if (*block != NULL) {
		view_record(*block, offset, record);
		return 0;
	}
	if (view.file == NULL) {
		code = td_view_open(journal, &view, false, err);
		*replaced = code == TD_E_NOT_FOUND;
		if (code == 0)
			td_view_keep(journal, &view);
	}
	if (code == 0)
		code = read_record(journal, &view, offset, bytes, buf, record, err);
	td_view_drop(&view);
	return code;
}

int td_journal_fetch(struct td_journal *journal, uint64_t location, size_t bytes,
	struct td_buf *buf, struct td_block **block, struct td_record *record, struct td_error *err)
{
	bool replaced = false;
	int code = fetch(journal, location, bytes, buf, block, record, &replaced, err);

	/* By now its file is kept open, or it is not in the table any more. */
	return replaced ? fetch(journal, location, bytes, buf, block, record, &replaced, err)
			: code;
}
