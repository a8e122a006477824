#include "journal/record.h"

#include "base/base.h"
#include "journal/frame.h"

#define RECORD_LENGTH_MAX (TD_FRAME_BYTES_MAX - TD_FRAME_HEADER_BYTES)

static bool is_length(uint32_t length)
{
	return length > TD_RECORD_HEAD_BYTES && length <= RECORD_LENGTH_MAX;
}

static bool are_zeros(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] != 0)
			return false;
	return true;
}

/* kind u8 | 7 zeros | u64 first | u64 count */
static bool parse_hole(struct td_frame_record *record)
{
	if (record->bytes != TD_HOLE_BODY_BYTES || !are_zeros(record->body + 1, 7))
		return false;
	record->position = td_le64_get(record->body + 8);
	record->positions = td_le64_get(record->body + 16);
	return record->position > 0 && record->positions > 0 &&
	       record->positions <= UINT64_MAX - record->position;
}

enum td_flaw td_record_parse(const uint8_t *bytes, size_t len, struct td_frame_record *record)
{
	struct td_frame_record found = {.positions = 1};

	if (len < TD_RECORD_HEAD_BYTES)
		return TD_FLAW_SHORT;
	uint32_t length = td_le32_get(bytes);
	if (!is_length(length))
		return TD_FLAW_RECORD;
	found.body = bytes + TD_RECORD_HEAD_BYTES;
	found.bytes = length - TD_RECORD_HEAD_BYTES;
	size_t size = td_record_size(found.bytes);
	if (size > len)
		return TD_FLAW_SHORT;
	if (td_le32_get(bytes + 4) != td_crc32c(0, found.body, found.bytes) ||
		!are_zeros(bytes + length, size - length))
		return TD_FLAW_RECORD;
	found.kind = found.body[0];
	if (found.kind == 0 || (found.kind == TD_RECORD_HOLE && !parse_hole(&found)))
		return TD_FLAW_RECORD;
	*record = found;
	return TD_FLAW_NONE;
}

size_t td_record_stored_size(const void *bytes, uint64_t offset, uint64_t salt, unsigned whitening)
{
	uint8_t head[TD_RECORD_HEAD_BYTES];

	td_whiten(head, bytes, sizeof(head), offset, salt, whitening);
	uint32_t length = td_le32_get(head);
	return is_length(length) ? td_record_size(length - TD_RECORD_HEAD_BYTES) : 0;
}

enum td_flaw td_record_open(void *bytes, size_t len, uint64_t offset, uint64_t salt,
	unsigned whitening, struct td_frame_record *record)
{
	if (len < TD_RECORD_HEAD_BYTES)
		return TD_FLAW_SHORT;
	size_t size = td_record_stored_size(bytes, offset, salt, whitening);
	if (size == 0)
		return TD_FLAW_RECORD;
	if (size > len)
		return TD_FLAW_SHORT;
	td_whiten(bytes, bytes, size, offset, salt, whitening);
	enum td_flaw flaw = td_record_parse(bytes, size, record);
	if (flaw == TD_FLAW_NONE)
		record->offset = (uint32_t)offset;
	return flaw;
}
