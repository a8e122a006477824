/*
 * Rewriting: what is asked for, and the copying (rewriter.c), which is pure but for its two files.
 */
#ifndef TD_JOURNAL_REWRITE_H
#define TD_JOURNAL_REWRITE_H

#include "journal/open.h"

/* The owner's, until the work is out; the work's then. */
struct td_rewrite {
	uint64_t base;
	uint64_t *positions; /* to be gone, sorted */
	size_t count;
	enum td_rewrite_rule rule;
	struct td_segment *segment; /* the new one: number and salt given, the rest found */
	struct td_sha256 sha;
};

struct td_rewriter {
	struct td_rewrite *rewrite;
	struct td_journal *journal;
	char name[TD_SEGMENT_NAME_BYTES];
	int old, file;
	struct td_walk walk; /* over the old one */
	struct td_segment_header old_header, header;
	struct td_segment_footer old_footer, footer;

	uint8_t *buffer; /* of the frame being built */
	size_t cap;
	struct td_frame_builder frame;
	uint64_t first;    /* its first position */
	uint64_t position; /* of the next record */
	uint64_t hole;     /* positions before it that are gone and not written yet */
	size_t next;       /* in the positions to be gone */
	uint64_t at;       /* in the new file */
	uint64_t epoch;
	td_time time;
	uint8_t chain[TD_CHAIN_BYTES];
};

/* Copy what is left, write the header, sync. */
int td_rewriter_copy(struct td_rewriter *rewriter, struct td_error *err);
/* Read it again, past the cache: all frames are whole. Fills the index; writes the footer, syncs. */
int td_rewriter_seal(struct td_rewriter *rewriter, struct td_file *file, struct td_error *err);
void td_rewriter_fini(struct td_rewriter *rewriter);

#endif
