#include <errno.h>

#include "journal/fault.h"
#include "journal/open.h"
#include "journal/read.h"

#define WINDOW_BYTES ((size_t)16 << 10) /* of large frames no more than that is read */

int td_segment_salt(struct td_journal *journal, int file, uint8_t *page, uint64_t *salt)
{
	struct td_segment_header header;
	size_t got = 0;
	int code = td_disk_read_all(journal->disk, file, page, TD_PAGE_BYTES, 0, &got);

	if (code != 0)
		return code;
	if (td_segment_header_decode(page, got, &header) != TD_FLAW_NONE)
		return EIO;
	*salt = header.salt;
	return 0;
}

/*
 * Over the headers of the frames in [.., end): the index, or where they end and when. Bodies are not
 * looked at. Behind one that is no header it goes on with the next that is.
 */
static uint64_t walk_headers(
	struct td_walk *walk, uint64_t position, struct td_file *index, struct td_segment *segment)
{
	struct td_frame_header header;
	uint64_t at = TD_FRAMES_FROM, end = at;

	while (at < walk->limit) {
		if (td_walk_header(walk, at, &header) != TD_FLAW_NONE &&
			!td_walk_search(walk, at + 8, &header))
			break;
		if (header.first_position < position) {
			at = header.offset + 8;
			continue;
		}
		position = header.first_position;
		if (index != NULL)
			td_file_note(index, position, header.offset);
		if (segment != NULL) {
			segment->from = segment->from == 0 ? header.time : segment->from;
			segment->to = header.time;
		}
		at = end = header.offset + td_frame_bytes(&header);
	}
	return end;
}

int td_frames_end(
	struct td_journal *journal, struct td_segment *segment, int file, struct td_error *err)
{
	struct td_walk walk;
	int code = td_walk_init(&walk, journal->disk, file, segment->bytes, WINDOW_BYTES, err);

	if (code != 0)
		return code;
	walk.salt = segment->salt;
	walk.limit = td_segment_frames_end(segment->bytes);
	segment->end = walk_headers(&walk, segment->base, NULL, segment);
	code = walk.code == 0 ? 0 : td_error_nomem(err);
	td_walk_fini(&walk);
	return code;
}

static int make_index(struct td_journal *journal, struct td_view *view, struct td_error *err)
{
	struct td_walk walk;
	int code = td_walk_init(
		&walk, journal->disk, view->file->handle, view->bytes, WINDOW_BYTES, err);

	if (code != 0)
		return code;
	walk.salt = view->salt;
	walk.limit = view->end;
	walk_headers(&walk, view->base, view->file, NULL);
	code = walk.code == 0 ? 0 : td_error_nomem(err);
	td_walk_fini(&walk);
	/* Where nothing is to be found the positions are lost, and reading has to say so. */
	if (code == 0 && (view->file->count == 0 || view->file->index[0].position > view->base))
		td_file_begin(view->file, view->base, TD_FRAMES_FROM);
	return code;
}

int td_view_open(
	struct td_journal *journal, struct td_view *view, bool indexed, struct td_error *err)
{
	char name[TD_SEGMENT_NAME_BYTES];
	uint8_t page[TD_PAGE_BYTES];
	uint64_t salt = 0;
	int handle = -1, code;

	td_segment_name(name, view->base);
	code = td_disk_open(journal->disk, journal->dir, name, TD_DISK_READ, &handle);
	if (code == 0)
		code = td_segment_salt(journal, handle, page, &salt);
	if (code == 0 && salt != view->salt)
		code = ESTALE; /* replaced between the look and this */
	if (code != 0) {
		td_disk_close(journal->disk, handle);
		return code == ESTALE || code == ENOENT
			       ? td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET,
					 "journal %s: %s was replaced", journal->path, name)
			       : td_fault(err, code, "journal %s: %s", journal->path, name);
	}
	view->file = td_file_new(journal->disk, handle, view->bytes);
	if (view->file == NULL) {
		td_disk_close(journal->disk, handle);
		return td_error_nomem(err);
	}
	code = indexed ? make_index(journal, view, err) : 0;
	if (code != 0)
		td_view_drop(view);
	return code;
}
