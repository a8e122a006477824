/*
 * Pieces and whitening: how a torn frame is told from a damaged one.
 *
 * Segments are zero-filled, and a disk writes sectors of 512 bytes whole or not at all. So if no
 * piece of a complete frame is all zero, a piece that is has never arrived. A piece is a sector of
 * the segment, or the part of one that belongs to the frame:
 *
 *	sectors    |---------------|---------------|---------------|
 *	frame            [=========|===============|====]
 *	pieces            \___1___/ \______2______/ \_3/
 *
 * A frame with a zero piece is XORed, behind its header, with the first of seven patterns that
 * leaves none. The word at offset o of the segment (o a multiple of 8) has in pattern n the value
 *
 *	hash(salt ^ o) ^ n * 0x9E3779B97F4A7C15        (td_hash_u64 of base/hash.h)
 *
 * so a slice of a segment can be read alone, and in each word the seven differ: a piece becomes
 * zero by one of them at most. All seven fail only if seven pieces each hold a pattern's bytes,
 * all but the last of them 64 words of it in a row, by somebody who knows the salt; then the frame
 * stays as it is, and is valid all the same.
 */
#ifndef TD_JOURNAL_WHITEN_H
#define TD_JOURNAL_WHITEN_H

#include <stddef.h>
#include <stdint.h>

#define TD_PIECE_BYTES 512
#define TD_PATTERNS    7
#define TD_NO_PIECE    UINT64_MAX

/*
 * XOR `len` bytes that lie at `offset` of the segment with a pattern (0: none, a plain copy); both
 * multiples of 8. The same again undoes it. `to` and `from` are the same or do not overlap.
 */
void td_whiten(
	void *to, const void *from, size_t len, uint64_t offset, uint64_t salt, unsigned pattern);

/* The first pattern, 0 included, that leaves no zero piece in [offset, offset + len); 0 if none. */
unsigned td_whiten_choose(const void *bytes, size_t len, uint64_t offset, uint64_t salt);

/*
 * The offset in the segment of the first all-zero piece of [offset, offset + len), of any length
 * and alignment; TD_NO_PIECE: there is none.
 */
uint64_t td_frame_zero_piece(const void *bytes, uint64_t offset, size_t len);

#endif
