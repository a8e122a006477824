#include "journal/tail.h"

enum td_tail td_tail_judge(const struct td_tail_facts *facts, const char **what)
{
	if (facts->clean_end != 0 && facts->end < facts->clean_end) {
		*what = "less than there was when it was closed";
		return TD_TAIL_DAMAGED;
	}
	if (TD_BUG(105) && facts->nonzero_end > facts->end)
		return TD_TAIL_TORN;
	if (facts->later != 0) {
		*what = "what had been synced is no frame; frames follow";
		return TD_TAIL_DAMAGED;
	}
	if (facts->clean_end != 0 && facts->end == facts->clean_end &&
		facts->nonzero_end == facts->end)
		return TD_TAIL_CLEAN;
	if (facts->nonzero_end == facts->end)
		return TD_TAIL_ENDED;
	if (facts->unreadable) {
		*what = "the device cannot read it";
		return TD_TAIL_DAMAGED;
	}
	if (facts->nonzero_end - facts->end > TD_FRAME_BYTES_MAX) {
		*what = "bytes far behind the last frame";
		return TD_TAIL_DAMAGED;
	}
	if (facts->stated_end != 0 && facts->nonzero_end > facts->stated_end) {
		*what = "bytes behind the last frame";
		return TD_TAIL_DAMAGED;
	}
	if (facts->zero_piece)
		return TD_TAIL_TORN;
	*what = facts->stated_end != 0 ? "a frame of the right shape with a wrong checksum"
				       : "bytes that are no frame";
	return TD_TAIL_DAMAGED;
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
	return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

/* Behind the last byte of [from, to) that is not zero; `from`: there is none. */
static uint64_t nonzero_end(struct td_walk *walk, uint64_t from, uint64_t to)
{
	uint64_t end = from;
	uint8_t *bytes;

	while (from < to) {
		size_t len = td_walk_some(walk, from, &bytes), used;

		if (len == 0)
			break;
		if (len > to - from)
			len = (size_t)(to - from);
		used = len;
		if (!all_zero(bytes, len)) {
			while (bytes[used - 1] == 0)
				used--;
			end = from + used;
		}
		from += len;
	}
	return end;
}

/* Windows begin and end at pages, so no piece is in two of them. */
static bool has_zero_piece(struct td_walk *walk, uint64_t from, uint64_t to)
{
	uint8_t *bytes;

	while (from < to) {
		size_t len = td_walk_some(walk, from, &bytes);

		if (len == 0)
			break;
		if (len > to - from)
			len = (size_t)(to - from);
		if (td_frame_zero_piece(bytes, from, len) != TD_NO_PIECE)
			return true;
		from += len;
	}
	return false;
}

int td_tail_look(struct td_walk *walk, uint64_t end, uint64_t file_bytes,
	struct td_tail_facts *facts, struct td_frame_header *later)
{
	struct td_frame_header header;
	size_t unreadable = walk->unreadable;

	facts->end = end;
	if (td_walk_header(walk, end, &header) == TD_FLAW_NONE)
		facts->stated_end = end + td_frame_bytes(&header);
	facts->nonzero_end = nonzero_end(walk, end, file_bytes);
	if (facts->nonzero_end > end) {
		if (td_walk_search(walk, end + 8, &header)) {
			facts->later = header.offset;
			if (later != NULL)
				*later = header;
		}
		facts->zero_piece = has_zero_piece(
			walk, end, td_frame_torn_end(end, facts->stated_end, facts->nonzero_end));
	}
	facts->unreadable = walk->unreadable > unreadable;
	return walk->code;
}
