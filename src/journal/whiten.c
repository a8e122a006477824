#include "journal/whiten.h"

#include <stdbool.h>
#include <string.h>

#include "base/base.h"

/* The word of a pattern, 1 to 7, at an offset. */
static inline uint64_t pattern_word(uint64_t salt, uint64_t offset, unsigned pattern)
{
	return td_hash_u64(salt ^ offset) ^ pattern * 0x9E3779B97F4A7C15u;
}

void td_whiten(
	void *to, const void *from, size_t len, uint64_t offset, uint64_t salt, unsigned pattern)
{
	TD_ASSERT(pattern <= TD_PATTERNS && len % 8 == 0 && offset % 8 == 0);
	if (pattern == 0) {
		if (to != from && len > 0)
			memcpy(to, from, len);
		return;
	}
	for (size_t at = 0; at < len; at += 8)
		td_le64_put((uint8_t *)to + at, td_le64_get((const uint8_t *)from + at) ^
							pattern_word(salt, offset + at, pattern));
}

/* Bytes from `offset` to the end of its sector, at most `len`. */
static inline size_t piece_at(uint64_t offset, size_t len)
{
	size_t rest = TD_PIECE_BYTES - offset % TD_PIECE_BYTES;

	return rest < len ? rest : len;
}

/* Whether the pattern (0: nothing) would leave this piece all zero; it ends at the first word. */
static inline bool is_pattern(
	const uint8_t *piece, size_t len, uint64_t offset, uint64_t salt, unsigned pattern)
{
	for (size_t at = 0; at < len; at += 8) {
		uint64_t wanted = pattern == 0 ? 0 : pattern_word(salt, offset + at, pattern);

		if (td_le64_get(piece + at) != wanted)
			return false;
	}
	return true;
}

static bool leaves_a_zero_piece(
	const uint8_t *bytes, size_t len, uint64_t offset, uint64_t salt, unsigned pattern)
{
	for (size_t at = 0, piece; at < len; at += piece) {
		piece = piece_at(offset + at, len - at);
		if (is_pattern(bytes + at, piece, offset + at, salt, pattern))
			return true;
	}
	return false;
}

unsigned td_whiten_choose(const void *bytes, size_t len, uint64_t offset, uint64_t salt)
{
	TD_ASSERT(len % 8 == 0 && offset % 8 == 0);
	for (unsigned pattern = 0; pattern <= TD_PATTERNS; pattern++)
		if (!leaves_a_zero_piece(bytes, len, offset, salt, pattern))
			return pattern;
	return 0;
}

uint64_t td_frame_zero_piece(const void *bytes, uint64_t offset, size_t len)
{
	static const uint8_t zeros[TD_PIECE_BYTES];
	const uint8_t *start = bytes;

	for (size_t at = 0, piece; at < len; at += piece) {
		piece = piece_at(offset + at, len - at);
		if (start[at] == 0 && memcmp(start + at, zeros, piece) == 0)
			return offset + at;
	}
	return TD_NO_PIECE;
}
