/*
 * A frame: the records of one commit, in bytes. No I/O, no clock; doc/format/journal.md has the
 * whole format. All numbers little-endian, everything aligned to 8.
 *
 *	  0  u32  magic            4  u32  CRC-32C of bytes 8..103
 *	  8  u64  salt of the segment ^ offset of the frame in it
 *	 16  u64  first position: of its first record, or of the next to come
 *	 24  u32  body bytes      28  u32  records
 *	 32  u64  durable end: up to where this segment was known synced when the frame was built
 *	 40  u64  epoch of the writer, from 1
 *	 48  u64  flags
 *	 56  u64  XXH3-64 of the body as stored
 *	 64   32  chain value of the frame before: SHA-256 of all its bytes as stored
 *	 96  i64  time, ns since 1970, above 0
 *	104  ..   body: records (record.h), whitened as a whole or not (whiten.h)
 *
 * The magic stands first and the time last in the header, and neither is ever 0: so no piece that
 * holds a part of the header is all zero, and whitening looks only at the pieces behind.
 *
 * Positions: the first record has the frame's first position, each one more than the last; a hole
 * takes as many as it counts.
 */
#ifndef TD_JOURNAL_FRAME_H
#define TD_JOURNAL_FRAME_H

#include <stdbool.h>

#include "journal/record.h"
#include "journal/whiten.h"
#include "tidings/text.h"

#define TD_FRAME_MAGIC        0x464D4454u /* "TDMF" */
#define TD_FRAME_HEADER_BYTES 104
#define TD_FRAME_BYTES_MAX    ((size_t)16 << 20)
#define TD_FRAME_STRICT_BYTES 4096
#define TD_FRAMES_FROM        4096 /* before the first frame lies the header of the segment */
#define TD_FRAME_FILLING      0x2E /* behind the records of a strict frame; not 0, as no piece is */
#define TD_CHAIN_BYTES        32

/*
 * Flags. Unknown ones among bits 0..31: the frame cannot be understood (TD_FLAW_FEATURE). Among
 * bits 32..63: they may be ignored.
 */
#define TD_FRAME_WHITENING  0x07u /* the number of the pattern, 0: none */
#define TD_FRAME_MARK       0x08u /* carries durable_end and time, no records */
#define TD_FRAME_SEAL       0x10u /* the last of its segment; may carry records */
#define TD_FRAME_STRICT     0x20u /* filled to a multiple of 4 KiB, begins at one */
#define TD_FRAME_COMPRESSED 0x40u /* reserved: not known to this version */
#define TD_FRAME_ENCRYPTED  0x80u /* reserved: not known to this version */

struct td_frame_header {
	uint64_t offset;         /* of the frame in its segment */
	uint64_t first_position; /* the position after the last one used, where it has no records */
	uint32_t body_bytes;     /* all behind the header: records, and the filling of strict */
	uint32_t records;
	uint64_t durable_end; /* TD_FRAMES_FROM to offset */
	uint64_t epoch;
	uint64_t flags;
	uint64_t body_hash;
	uint8_t chain[TD_CHAIN_BYTES];
	int64_t time;
};

/* All bytes of the frame: where the next one begins, from its offset. */
static inline size_t td_frame_bytes(const struct td_frame_header *header)
{
	return TD_FRAME_HEADER_BYTES + (size_t)header->body_bytes;
}

static inline unsigned td_frame_whitening(const struct td_frame_header *header)
{
	return (unsigned)(header->flags & TD_FRAME_WHITENING);
}

/* --- building ----------------------------------------------------------------------------- */

/*
 * Into a buffer of the caller's, which stays his:
 *
 *	td_frame_reset(&builder, buffer, capacity, strict);
 *	while (td_frame_room(&builder, records, bytes))		an append of several: all or none
 *		at = td_frame_put(&builder, parts, count);
 *	bytes = td_frame_finish(&builder, &fields);		buffer[0, bytes) is the frame
 *
 * Wrong use (no room, kind 0 or 1, a hole in the wrong place) is an assertion.
 */
struct td_frame_builder {
	uint8_t *at;
	size_t capacity;
	size_t len;    /* header and records so far */
	size_t summed; /* up to where the records have their checksums */
	uint32_t records;
	bool strict;
	bool holes;
	uint64_t positions;     /* taken so far */
	uint64_t first_implied; /* by holes */
	unsigned whitening;     /* after close: part of the location of each record */
	bool closed;
	uint64_t body_hash; /* after close */
};

/*
 * buffer: aligned to 8; capacity: at least a header (strict: a multiple of 4096), and what exceeds
 * TD_FRAME_BYTES_MAX is not used.
 */
void td_frame_reset(struct td_frame_builder *builder, void *buffer, size_t capacity, bool strict);

/*
 * Whether `records` more with bodies of `bytes` in all certainly fit. (Exact for one; of several,
 * each is counted with the most padding.)
 */
bool td_frame_room(const struct td_frame_builder *builder, size_t records, size_t bytes);

/*
 * A record whose body is the parts in a row, at least one byte, the first its kind (2 or more).
 * Copied once; its checksum is there after finish. Its offset in the frame: with that of the frame
 * and the whitening, its location.
 */
uint32_t td_frame_put(struct td_frame_builder *builder, const struct td_text *parts, size_t count);
/* A hole: these positions have no record. `first` is what the next record would have had. */
uint32_t td_frame_put_hole(struct td_frame_builder *builder, uint64_t first, uint64_t count);

/* What finish will answer if nothing more is put. */
size_t td_frame_size(const struct td_frame_builder *builder);

struct td_frame_fields {
	uint64_t salt;           /* of the segment */
	uint64_t offset;         /* in the segment, from TD_FRAMES_FROM, by 8 (strict: 4096) */
	uint64_t first_position; /* at least 1 */
	uint64_t durable_end;    /* in this segment: TD_FRAMES_FROM to offset, by 8 */
	uint64_t epoch;          /* at least 1 */
	uint64_t flags;          /* TD_FRAME_MARK (no records then), TD_FRAME_SEAL, or 0 */
	const uint8_t *chain;    /* TD_CHAIN_BYTES; NULL: zeros, a journal without chain */
	int64_t time;            /* above 0 */
};
/*
 * Nothing more is put: strict filling, whitening, the checksum of the body, for this salt and offset.
 * Most of what finish has to do, so that it may be done before the rest is known.
 */
void td_frame_close(struct td_frame_builder *builder, uint64_t salt, uint64_t offset);
/*
 * Close, unless it is; then the header. Answers the bytes of the frame. The records in the
 * buffer are whitened then; who reads them from there goes through td_frame_open(). A frame without
 * records needs MARK or SEAL. Finish again after a reset only.
 */
size_t td_frame_finish(struct td_frame_builder *builder, const struct td_frame_fields *fields);

/* --- reading ------------------------------------------------------------------------------ */

/*
 * Whether a frame's header stands at `bytes` (`len` of them, may go on behind), which lie at
 * `offset` of a segment with this salt, whose frames may reach to `end`. Cheapest first:
 *
 *	SHORT     len is less than a header
 *	MAGIC     most of what is no frame ends here
 *	CHECKSUM  of the header
 *	PLACE     salt or offset: misdirected, stale, or of another segment
 *	FEATURE   unknown flags among the low 32
 *	BOUNDS    offset, body bytes (16 MiB with the header, end, multiple of 8, room for the
 *	          records), durable_end, first position + records overflow
 *	FIELD     time, epoch or first position 0; MARK with records; neither records, MARK nor SEAL
 *
 * The body is not looked at, and need not be there. `header` is written only on NONE.
 */
enum td_flaw td_frame_check(const void *bytes, size_t len, uint64_t salt, uint64_t offset,
	uint64_t end, struct td_frame_header *header);

/*
 * Up to where recovery looks for a zero piece, from the offset E where no valid frame lies: the end
 * that a valid header at E states (0: there is none), or behind the last byte that is not zero, but
 * at least a header's length. (Of a header across two sectors the first alone may have arrived: its
 * last byte lies in a piece that is not zero, and what tells the tear is the missing rest.)
 */
static inline uint64_t td_frame_torn_end(uint64_t offset, uint64_t stated_end, uint64_t nonzero_end)
{
	uint64_t least = offset + TD_FRAME_HEADER_BYTES;

	if (stated_end != 0)
		return stated_end;
	return nonzero_end > least ? nonzero_end : least;
}

struct td_frame {
	struct td_frame_header header;
	const uint8_t *body;    /* plain */
	uint32_t record_bytes;  /* of body; strict has filling behind */
	uint64_t next_position; /* of the frame behind this one */
};

/*
 * The body of a checked header: `body` holds header->body_bytes as stored, `plain` as many bytes to
 * put it into where it is whitened: the same as `body`, or apart. (Not whitened, plain is not used
 * and may be NULL, and frame->body is `body`.) Checked: the XXH3 of the whole (BODY), each record,
 * their count, that holes lie where positions say, the filling (RECORD). The frame borrows of
 * `body` or `plain`; `frame` means something only on NONE.
 */
enum td_flaw td_frame_open(const struct td_frame_header *header, const void *body, uint64_t salt,
	void *plain, struct td_frame *frame);

/* The records of an opened frame, in order. */
struct td_frame_walk {
	const struct td_frame *frame;
	uint32_t at;
	uint64_t position;
};
void td_frame_walk(struct td_frame_walk *walk, const struct td_frame *frame);
/* false: there are no more. */
bool td_frame_next(struct td_frame_walk *walk, struct td_frame_record *record);

#endif
