/*
 * CONTROL: what has to be known before the segments are looked at, in two pages of 4 KiB,
 * CONTROL.a and CONTROL.b, written in turn. The newer valid one counts; the other is what a torn
 * write leaves. Bytes only.
 */
#ifndef TD_JOURNAL_CONTROL_H
#define TD_JOURNAL_CONTROL_H

#include "journal/frame.h"
#include "journal/page.h"

#define TD_CONTROL_MAGIC 0x54434454u /* "TDCT" */

struct td_control {
	struct td_features features;
	uint8_t store[TD_STORE_BYTES];
	uint64_t generation; /* from 1, one more at each writing */
	uint64_t epoch;      /* of the last opening for writing; from 1 */
	int64_t time;        /* ns, of this writing; above 0 */

	uint32_t first_segment; /* the oldest kept: number, at least 1 */
	uint32_t active_segment;
	uint64_t first_position; /* base of the oldest kept; below it nothing is missed */
	uint64_t active_base;    /* the active segment's name */
	/* of the last frame of the last sealed segment (as its successor holds it); zeros: none */
	uint8_t sealed_chain[TD_CHAIN_BYTES];

	/* Closed in order: the frames of the active segment end exactly here. Else all zero. */
	bool clean;
	uint64_t end;                      /* offset in the active segment */
	uint64_t next_position;            /* the next to be given */
	uint8_t end_chain[TD_CHAIN_BYTES]; /* of the last frame; zeros: a journal without chain */

	/* Positions that were given up last, with accept_tail_loss, and are not given again; or 0. */
	uint64_t lost_from, lost_to;
};

void td_control_encode(const struct td_control *control, uint8_t page[TD_PAGE_BYTES]);
/*
 * Checked, in this order: SHORT, MAGIC, CHECKSUM; FEATURE; BOUNDS (end, segments and positions in
 * order); FIELD (generation, epoch, time, segments, positions at least 1; the end zero unless
 * clean; what was lost in order; reserved bytes). `control` is written only on NONE; on FEATURE its features are.
 */
enum td_flaw td_control_decode(const void *bytes, size_t len, struct td_control *control);

/* How the two copies were found. */
struct td_control_choice {
	unsigned copy;         /* 0: a, 1: b; the next writing goes to the other */
	enum td_flaw flaws[2]; /* of each; a missing file is SHORT */
};
/*
 * The newer valid copy. `lens`: what there is of each page, 0 for a missing file.
 * TD_E_NEWER: a copy has features that this version does not know; the other one is not used then,
 * because it is older. TD_E_DAMAGED: none is valid, or the two contradict each other (stores,
 * or the same generation with different content); the text says what to do. *choice (may be NULL)
 * has the flaws in any case.
 */
int td_control_choose(const void *const pages[2], const size_t lens[2], struct td_control *control,
	struct td_control_choice *choice, struct td_error *err);

#endif
