#include <errno.h>

#include "journal/fault.h"
#include "journal/read.h"

/* A part being verified. */
struct check {
	uint64_t salt;
	uint8_t *bytes;
	uint64_t offset; /* of the first of them in the segment */
	size_t len;
	size_t at;         /* of the frame that failed, or the end */
	uint64_t position; /* of the next record */
	enum td_flaw flaw; /* of the frame there; NONE: all are whole */
};

static enum td_flaw look(const struct check *check, size_t at, struct td_frame_header *header)
{
	return td_frame_check(check->bytes + at, check->len - at, check->salt, check->offset + at,
		check->offset + check->len, header);
}

/* On to the first frame that is not what should stand there. Bodies are made plain in place. */
static void go_on(struct check *check)
{
	struct td_frame_header header;
	struct td_frame frame;

	for (check->flaw = TD_FLAW_NONE; check->at < check->len;) {
		uint8_t *body = check->bytes + check->at + TD_FRAME_HEADER_BYTES;

		check->flaw = look(check, check->at, &header);
		if (check->flaw == TD_FLAW_NONE && header.first_position != check->position)
			check->flaw = TD_FLAW_FIELD;
		if (check->flaw == TD_FLAW_NONE)
			check->flaw = td_frame_open(&header, body, check->salt, body, &frame);
		if (check->flaw != TD_FLAW_NONE)
			return;
		check->at += td_frame_bytes(&header);
		check->position = frame.next_position;
	}
}

/* The next whole frame behind the one that failed; false: none in this part. */
static bool find_next(struct check *check)
{
	struct td_frame_header header;

	for (size_t at = check->at + 8; at + TD_FRAME_HEADER_BYTES <= check->len; at += 8) {
		if (td_le32_get(check->bytes + at) != TD_FRAME_MAGIC ||
			look(check, at, &header) != TD_FLAW_NONE ||
			header.first_position < check->position ||
			td_hash(check->bytes + at + TD_FRAME_HEADER_BYTES, header.body_bytes, 0) !=
				header.body_hash)
			continue;
		check->at = at;
		check->position = header.first_position;
		return true;
	}
	return false;
}

static int read_part(struct td_journal *journal, const struct td_view *view,
	const struct td_part *part, struct td_block *block, struct td_error *err)
{
	char name[TD_SEGMENT_NAME_BYTES];
	size_t len = (size_t)(part->to - part->from), got = 0;
	int code = td_disk_read_all(
		journal->disk, view->file->handle, block->bytes, len, part->from, &got);

	/* What the medium cannot give reads as zeros here: no frame, and so lost. */
	if (code != 0 && code != EIO) {
		td_segment_name(name, view->base);
		return td_fault(err, code, "journal %s: %s: read at %llu", journal->path, name,
			(unsigned long long)part->from);
	}
	memset(block->bytes + got, 0, len - got);
	return 0;
}

/* The same past the cache, piece by piece, so that one bad sector costs one sector. */
static int read_direct(struct td_journal *journal, const struct td_view *view,
	const struct td_part *part, struct td_block *block)
{
	char name[TD_SEGMENT_NAME_BYTES];
	uint64_t from = part->from & ~(uint64_t)(TD_DISK_ALIGN - 1);
	uint8_t *page = td_disk_buffer_new(TD_DISK_ALIGN);
	int file = -1, code = page == NULL ? ENOMEM : 0;
	uint64_t salt;

	td_segment_name(name, view->base);
	if (code == 0)
		code = td_disk_open(
			journal->disk, journal->dir, name, TD_DISK_READ | TD_DISK_DIRECT, &file);
	if (code == 0)
		code = td_segment_salt(journal, file, page, &salt);
	if (code == 0 && salt != view->salt)
		code = ESTALE;
	for (; code == 0 && from < part->to; from += TD_DISK_ALIGN) {
		uint64_t a = from > part->from ? from : part->from;
		uint64_t z = from + TD_DISK_ALIGN < part->to ? from + TD_DISK_ALIGN : part->to;
		size_t got = 0;

		td_disk_read_all(journal->disk, file, page, TD_DISK_ALIGN, from, &got);
		memset(page + got, 0, TD_DISK_ALIGN - got);
		memcpy(block->bytes + (a - part->from), page + (a - from), (size_t)(z - a));
	}
	td_disk_close(journal->disk, file);
	td_disk_buffer_free(page);
	return code;
}

/* What lies before `at` is not wanted: the block begins there. */
static void begin_there(struct check *check)
{
	memmove(check->bytes, check->bytes + check->at, check->len - check->at);
	check->offset += check->at;
	check->len -= check->at;
	check->at = 0;
}

/*
 * Verify what was read, beginning anew behind what is damaged until the position is among what is
 * whole. false: it is lost, and all from check->position up to *lost_to.
 */
static bool verify(struct check *check, const struct td_part *part, uint64_t position,
	struct td_block *block, uint64_t *lost_to)
{
	uint64_t lost;

	*check = (struct check){
		.salt = check->salt,
		.bytes = block->bytes,
		.offset = part->from,
		.len = (size_t)(part->to - part->from),
		.position = part->position,
	};
	for (block->position = part->position;; block->position = check->position) {
		go_on(check);
		if (position < check->position)
			break;
		lost = check->position;
		if (check->flaw == TD_FLAW_NONE || !find_next(check) ||
			position < check->position) {
			*lost_to = (check->position > lost ? check->position : part->next) - 1;
			check->position = lost;
			return false;
		}
		begin_there(check);
	}
	block->offset = check->offset;
	block->next = check->position;
	atomic_store_explicit(&block->len, check->at, memory_order_release);
	return true;
}

int td_part_load(struct td_journal *journal, const struct td_view *view, const struct td_part *part,
	uint64_t position, struct td_block **found, uint64_t *lost_to, struct td_error *err)
{
	char name[TD_SEGMENT_NAME_BYTES];
	struct check check = {.salt = view->salt};
	struct td_block *block = td_block_new(journal->blocks, (size_t)(part->to - part->from));
	int code = 0;

	if (block == NULL)
		return td_error_nomem(err);
	block->number = view->number;
	code = read_part(journal, view, part, block, err);
	if (code == 0 && !verify(&check, part, position, block, lost_to)) {
		if (read_direct(journal, view, part, block) != 0 ||
			!verify(&check, part, position, block, lost_to)) {
			td_segment_name(name, view->base);
			code = td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
				"journal %s: %s: at %llu: %s; positions %llu to %llu cannot be "
				"read",
				journal->path, name, (unsigned long long)(check.offset + check.at),
				td_flaw_text(check.flaw), (unsigned long long)check.position,
				(unsigned long long)*lost_to);
		}
	}
	if (code != 0) {
		td_block_unref(block);
		return code;
	}
	*found = block;
	return 0;
}
