/*
 * A record: what a frame carries, and what is read alone.
 *
 *	 0  u32  length: of all this but the padding, at least 9
 *	 4  u32  CRC-32C of the body
 *	 8  ..   body; its first byte is the kind
 *	     ..  zeros, to a multiple of 8
 *
 * Kind 0 is nobody's, kind 1 is the journal's own: a hole, positions whose records are gone.
 * All others belong to the store; their bytes mean nothing here.
 *
 *	hole: u8 kind 1 | 7 zeros | u64 first position | u64 count, at least 1
 */
#ifndef TD_JOURNAL_RECORD_H
#define TD_JOURNAL_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "journal/flaw.h"

#define TD_RECORD_HEAD_BYTES 8
#define TD_RECORD_HOLE       1
#define TD_HOLE_BODY_BYTES   24

/* What a body of this length takes in a frame. */
static inline size_t td_record_size(size_t body_bytes)
{
	return (TD_RECORD_HEAD_BYTES + body_bytes + 7) & ~(size_t)7;
}

struct td_frame_record {
	const uint8_t *body; /* borrowed of the frame's plain bytes */
	uint32_t bytes;      /* of the body, kind included */
	uint32_t offset;     /* of its head in the segment */
	uint64_t position;   /* 0 where it was read alone, unless a hole */
	uint64_t positions;  /* 1, or a hole's count */
	uint8_t kind;
};

/*
 * Parse the record at the beginning of `len` plain bytes. Checked: length within `len`, checksum,
 * padding, kind; of a hole also its length, zeros, and that its positions do not overflow.
 * SHORT: `len` ends before its length does. RECORD: anything else. `record` is written only on
 * NONE; offset is 0, position that of a hole, or 0.
 */
enum td_flaw td_record_parse(const uint8_t *bytes, size_t len, struct td_frame_record *record);

/*
 * One alone, by its location (location.h): read 8 bytes of the segment at `offset`, ask how many it
 * takes, read those, open them. A few KiB read at once serve most without the first step.
 */

/* How many bytes it takes, padding included, by its first 8 as stored; 0: no length of a record. */
size_t td_record_stored_size(const void *bytes, uint64_t offset, uint64_t salt, unsigned whitening);
/* Takes the pattern away in place, over the record's bytes alone, then as td_record_parse(). */
enum td_flaw td_record_open(void *bytes, size_t len, uint64_t offset, uint64_t salt,
	unsigned whitening, struct td_frame_record *record);

#endif
