#include "journal/frame.h"

#include "base/base.h"

#define KNOWN_FLAGS \
	((uint64_t)(TD_FRAME_WHITENING | TD_FRAME_MARK | TD_FRAME_SEAL | TD_FRAME_STRICT))

static bool in_bounds(const struct td_frame_header *header, uint64_t end)
{
	uint64_t total = td_frame_bytes(header);
	uint64_t step = header->flags & TD_FRAME_STRICT ? TD_FRAME_STRICT_BYTES : 8;

	if (header->offset < TD_FRAMES_FROM || header->offset % step != 0 || total % step != 0)
		return false;
	if (total > TD_FRAME_BYTES_MAX || header->offset > end || total > end - header->offset)
		return false;
	if (header->records > header->body_bytes / td_record_size(1))
		return false;
	if (header->durable_end < TD_FRAMES_FROM || header->durable_end % 8 != 0 ||
		header->durable_end > header->offset)
		return false;
	return header->records <= UINT64_MAX - header->first_position;
}

static bool has_fields(const struct td_frame_header *header)
{
	bool mark = header->flags & TD_FRAME_MARK, seal = header->flags & TD_FRAME_SEAL;

	if (header->time <= 0 || header->epoch == 0 || header->first_position == 0)
		return false;
	return header->records > 0 ? !mark : mark || seal;
}

enum td_flaw td_frame_check(const void *bytes, size_t len, uint64_t salt, uint64_t offset,
	uint64_t end, struct td_frame_header *header)
{
	const uint8_t *at = bytes;

	if (len < TD_FRAME_HEADER_BYTES)
		return TD_FLAW_SHORT;
	if (td_le32_get(at) != TD_FRAME_MAGIC)
		return TD_FLAW_MAGIC;
	if (td_le32_get(at + 4) != td_crc32c(0, at + 8, TD_FRAME_HEADER_BYTES - 8))
		return TD_FLAW_CHECKSUM;
	struct td_frame_header found = {
		.offset = td_le64_get(at + 8) ^ salt,
		.first_position = td_le64_get(at + 16),
		.body_bytes = td_le32_get(at + 24),
		.records = td_le32_get(at + 28),
		.durable_end = td_le64_get(at + 32),
		.epoch = td_le64_get(at + 40),
		.flags = td_le64_get(at + 48),
		.body_hash = td_le64_get(at + 56),
		.time = (int64_t)td_le64_get(at + 96),
	};
	memcpy(found.chain, at + 64, TD_CHAIN_BYTES);
	if (found.offset != offset)
		return TD_FLAW_PLACE;
	if (found.flags & UINT32_MAX & ~KNOWN_FLAGS)
		return TD_FLAW_FEATURE;
	if (!in_bounds(&found, end))
		return TD_FLAW_BOUNDS;
	if (!has_fields(&found))
		return TD_FLAW_FIELD;
	*header = found;
	return TD_FLAW_NONE;
}

/* Behind the records: nothing, or the filling of strict up to the next 4 KiB. */
static bool ends_right(const struct td_frame *frame, uint32_t at)
{
	uint32_t left = frame->header.body_bytes - at;

	if (!(frame->header.flags & TD_FRAME_STRICT))
		return left == 0;
	for (uint32_t i = at; i < frame->header.body_bytes; i++)
		if (frame->body[i] != TD_FRAME_FILLING)
			return false;
	return left < TD_FRAME_STRICT_BYTES;
}

/* Every record of the body, each length before it is used. */
static enum td_flaw check_records(struct td_frame *frame)
{
	uint64_t position = frame->header.first_position;
	struct td_frame_record record;
	uint32_t at = 0;

	for (uint32_t i = 0; i < frame->header.records; i++) {
		if (td_record_parse(frame->body + at, frame->header.body_bytes - at, &record) != 0)
			return TD_FLAW_RECORD;
		if (record.kind == TD_RECORD_HOLE && record.position != position)
			return TD_FLAW_RECORD;
		if (record.positions > UINT64_MAX - position)
			return TD_FLAW_RECORD;
		position += record.positions;
		at += (uint32_t)td_record_size(record.bytes);
	}
	if (!ends_right(frame, at))
		return TD_FLAW_RECORD;
	frame->record_bytes = at;
	frame->next_position = position;
	return TD_FLAW_NONE;
}

enum td_flaw td_frame_open(const struct td_frame_header *header, const void *body, uint64_t salt,
	void *plain, struct td_frame *frame)
{
	unsigned whitening = td_frame_whitening(header);

	if (td_hash(body, header->body_bytes, 0) != header->body_hash)
		return TD_FLAW_BODY;
	frame->header = *header;
	frame->body = body;
	if (whitening != 0) {
		TD_ASSERT(plain != NULL);
		td_whiten(plain, body, header->body_bytes, header->offset + TD_FRAME_HEADER_BYTES,
			salt, whitening);
		frame->body = plain;
	}
	return check_records(frame);
}

void td_frame_walk(struct td_frame_walk *walk, const struct td_frame *frame)
{
	*walk = (struct td_frame_walk){frame, 0, frame->header.first_position};
}

/* The frame was checked as a whole: here its lengths are believed. */
bool td_frame_next(struct td_frame_walk *walk, struct td_frame_record *record)
{
	const struct td_frame *frame = walk->frame;
	const uint8_t *at = frame->body + walk->at;

	if (walk->at == frame->record_bytes)
		return false;
	uint32_t length = td_le32_get(at);
	TD_ASSERT(length > TD_RECORD_HEAD_BYTES && length <= frame->record_bytes - walk->at);
	*record = (struct td_frame_record){
		.body = at + TD_RECORD_HEAD_BYTES,
		.bytes = length - TD_RECORD_HEAD_BYTES,
		.offset = (uint32_t)frame->header.offset + TD_FRAME_HEADER_BYTES + walk->at,
		.position = walk->position,
		.positions = at[8] == TD_RECORD_HOLE ? td_le64_get(at + 24) : 1,
		.kind = at[8],
	};
	walk->at += (uint32_t)td_record_size(record->bytes);
	walk->position += record->positions;
	return true;
}
