/*
 * A segment: a file of fixed size that holds frames between two pages. Bytes only; doc/format/
 * journal.md has the tables.
 *
 *	0         4 KiB                         end         bytes - 4 KiB   bytes
 *	| header  | frame | frame | ... | frame | zeros ... | footer        |
 *
 * The header is written when the file is made, the footer when the segment is sealed (before that
 * it is zeros). A sealed segment is never changed; when it is rewritten, a new file with the same
 * name, number and positions takes its place.
 */
#ifndef TD_JOURNAL_SEGMENT_FORMAT_H
#define TD_JOURNAL_SEGMENT_FORMAT_H

#include "journal/frame.h"
#include "journal/page.h"
#include "journal/rule.h"

/* Sizes of files: multiples of 4 KiB. What the options give lies between these. */
#define TD_SEGMENT_BYTES_LEAST ((uint64_t)12 << 10)
#define TD_SEGMENT_BYTES_MOST  ((uint64_t)1 << 30)
#define TD_SEGMENT_BYTES_FIRST ((uint64_t)1 << 20)   /* by default, then doubling ... */
#define TD_SEGMENT_BYTES_LAST  ((uint64_t)128 << 20) /* ... up to this */

/* Where the room for frames ends, and the footer begins. */
static inline uint64_t td_segment_frames_end(uint64_t segment_bytes)
{
	return segment_bytes - TD_PAGE_BYTES;
}

/* --- names -------------------------------------------------------------------------------- */

#define TD_SEGMENT_NAME_BYTES 32
/* "seg-0000000000000001.log": the base position in 16 digits of lower-case hex. */
void td_segment_name(char name[TD_SEGMENT_NAME_BYTES], uint64_t base);
/* The base; 0: this is not such a name, to the letter. */
uint64_t td_segment_base(const char *name);

/* --- header ------------------------------------------------------------------------------- */

#define TD_SEGMENT_MAGIC 0x47534454u /* "TDSG" */

struct td_segment_header {
	struct td_features features;
	uint8_t store[TD_STORE_BYTES];
	uint64_t base;                 /* its first position, at least 1 */
	uint64_t salt;                 /* random, its own: never shown outside */
	uint32_t number;               /* from 1: the high half of locations */
	uint32_t rewrites;             /* how often it was rewritten */
	uint64_t bytes;                /* of the file */
	int64_t time;                  /* ns, when the file was made; above 0 */
	uint8_t chain[TD_CHAIN_BYTES]; /* of the last frame of the segment before; zeros: none */
};

void td_segment_header_encode(const struct td_segment_header *header, uint8_t page[TD_PAGE_BYTES]);
/*
 * Checked, in this order: SHORT, MAGIC, CHECKSUM; FEATURE; BOUNDS (bytes); FIELD (base, number,
 * time, reserved bytes). Not checked: that bytes is the size of the file, base its name, store that
 * of CONTROL, and that it follows the segment before: the caller knows those. `header` is
 * written only on NONE; on FEATURE its features are.
 */
enum td_flaw td_segment_header_decode(
	const void *bytes, size_t len, struct td_segment_header *header);

/* --- footer ------------------------------------------------------------------------------- */

#define TD_FOOTER_MAGIC   0x54464454u /* "TDFT" */
#define TD_REWRITINGS_MAX 32

struct td_rewriting {
	int64_t time;                  /* ns */
	uint32_t rule;                 /* td_rewrite_rule; later versions may have more */
	uint8_t chain[TD_CHAIN_BYTES]; /* of the last frame, as it was before */
};

struct td_segment_footer {
	uint64_t next_position; /* of the segment behind */
	uint64_t end;           /* of the frames: an offset */
	uint64_t frames;        /* at least 1 */
	uint64_t records;       /* without holes */
	uint64_t missing;       /* positions in holes */
	int64_t time_first, time_last;
	struct td_hash128 hash;        /* XXH3-128 of all bytes [0, end) of the file */
	uint8_t chain[TD_CHAIN_BYTES]; /* of the last frame, as it is */
	/*
	 * The first is the original: its chain value is that which the next segment's header holds.
	 * Beyond TD_REWRITINGS_MAX the second goes, so the original and the newest stay. As many as
	 * header->rewrites says, or the maximum.
	 */
	uint32_t rewriting_count;
	struct td_rewriting rewritings[TD_REWRITINGS_MAX];
};

/* One more rewriting: call it before header->rewrites is counted up, `chain` being the old one. */
void td_segment_footer_note(struct td_segment_footer *footer, uint32_t rule, int64_t time,
	const uint8_t chain[TD_CHAIN_BYTES]);

/* The value that the next segment's header holds: the original one. */
const uint8_t *td_segment_footer_chain(const struct td_segment_footer *footer);

/* `header` is that of the same file. */
void td_segment_footer_encode(const struct td_segment_footer *footer,
	const struct td_segment_header *header, uint8_t page[TD_PAGE_BYTES]);
/*
 * Checked: SHORT, MAGIC (all zero: not sealed), CHECKSUM; PLACE (salt and offset, number, base,
 * rewrites are those of `header`); BOUNDS (end); FIELD (frames, times, records and missing make
 * the positions, rewritings, reserved bytes). Not checked: the hash.
 */
enum td_flaw td_segment_footer_decode(const void *bytes, size_t len,
	const struct td_segment_header *header, struct td_segment_footer *footer);

#endif
