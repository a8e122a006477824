/*
 * A backup under way, for the files that make it.
 */
#ifndef TD_JOURNAL_BACKING_H
#define TD_JOURNAL_BACKING_H

#include "journal/backup.h"

#define TD_HELD_MAX 64u

/* A sealed segment whose file is open. */
struct td_held {
	struct td_manifest_segment segment;
	struct td_hash128 hash;
	int file;
	uint8_t header[TD_PAGE_BYTES], footer[TD_PAGE_BYTES];
};

struct td_backing {
	struct td_journal *journal;
	struct td_backup to;
	struct td_copier copier;
	struct td_manifest now; /* what is copied */
	bool check;
	struct td_held held[TD_HELD_MAX];
	size_t held_count;
	uint64_t gone; /* base of a segment whose file was not there; 0: none */
	/* The moment. */
	struct td_file *active;          /* a reference */
	struct td_segment_header header; /* of it */
	uint64_t active_end, active_base, active_next, first;
};

/* Copy what is held into the backup, or see that it is there, and note it in `now`. */
int td_backing_copy_sealed(
	struct td_backing *backing, const struct td_held *held, struct td_error *err);
/* The same of the active segment, as it was at the moment; its frames are walked in the copy. */
int td_backing_copy_active(struct td_backing *backing, struct td_error *err);

/* TD_E_DAMAGED: a segment of the journal. */
int td_backing_damaged(
	const struct td_backing *backing, uint64_t base, const char *what, struct td_error *err);
/* TD_E_FOREIGN: the backup that is there is not of this history. */
int td_backing_other_way(const struct td_backing *backing, struct td_error *err);

#endif
