/*
 * Opening, in the order it happens (R0 to R6 of the recovery):
 *
 *	R0  list.c     what is in the directory; LOCK; CONTROL
 *	    create.c   a journal that is not there yet, or was not finished
 *	R1  join.c     the segments' headers and footers, and that they follow each other
 *	R3  active.c   the frames of the last one, read past the cache, up to E
 *	R4  tail.h     what lies behind E
 *	R5  recover.c  a new epoch in CONTROL
 *	R6             cut: into quarantine, zeroed, synced; a mark of the new epoch, synced
 */
#ifndef TD_JOURNAL_OPEN_H
#define TD_JOURNAL_OPEN_H

#include "journal/inside.h"
#include "journal/tail.h"

/* What is in the directory. */
struct td_listing {
	uint64_t *bases; /* of segments, sorted */
	size_t count, cap;
	size_t others; /* of other stores: they stand behind the first `count` (join.c) */
	bool copies;   /* a CONTROL, of whatever content */
	bool foreign;  /* something that is not the journal's */
	bool backup;   /* a MANIFEST: this is a backup of one */
	bool spare, spare_tmp, rewrite;
	uint64_t spare_bytes;
	char strange[TD_SEGMENT_NAME_BYTES]; /* looks like a segment and is not named as one */
	size_t strange_count;
};

int td_listing_read(struct td_journal *journal, struct td_listing *listing, struct td_error *err);
void td_listing_fini(struct td_listing *listing);

/* An opening under way. */
struct td_opening {
	struct td_journal *journal;
	struct td_recovery *report;
	struct td_listing listing;
	struct td_segment_header last; /* the last segment's */
	struct td_segment_footer footer;
	bool footed;      /* it has a valid footer */
	bool sealed;      /* and its seal; or a seal, and the footer is to be written again */
	bool direct;      /* it could be read past the cache */
	uint64_t epoch;   /* the highest seen in frames */
	uint64_t lost_to; /* with accept_tail_loss: the last position that is cut away; 0: none */
	struct td_tail_facts facts;
	const char *what; /* is damaged at the end */
};

/* With defaults, and nothing opened yet. NULL: no memory. */
struct td_journal *td_journal_make(
	const char *path, const struct td_journal_options *options, struct td_error *err);
int td_create(struct td_journal *journal, struct td_error *err);
int td_join(struct td_opening *opening, struct td_error *err);
/* What is nobody's and what is another store's goes into quarantine: once nothing is refused. */
int td_put_aside(struct td_opening *opening, struct td_error *err);
/* The frames of the last segment: fills its facts in the table, journal->place and the rest. */
int td_active_read(struct td_opening *opening, struct td_error *err);
int td_recover(struct td_opening *opening, struct td_error *err);

/*
 * td_journal_verify() of a directory whose CONTROL is not written yet: as if it were this one.
 */
int td_verify_as(const struct td_disk *disk, const char *path, const struct td_control *control,
	void (*found)(void *arg, const struct td_finding *finding), void *arg,
	struct td_error *err);

void td_report_damage(struct td_recovery *report, const struct td_damage *damage);
/* Copy [from, to) of a file into quarantine/, synced. */
int td_quarantine_part(struct td_journal *journal, int file, uint64_t base, uint64_t from,
	uint64_t to, struct td_error *err);
/* Move a file there. */
int td_quarantine_file(struct td_journal *journal, const char *name, struct td_error *err);
/*
 * Open a segment's file by its base, and read header and footer pages. What cannot be read has no
 * magic; *unread: the errno for which the header could not be, or 0.
 */
int td_segment_pages(struct td_journal *journal, uint64_t base, int *file, uint64_t *bytes,
	uint8_t header[TD_PAGE_BYTES], uint8_t footer[TD_PAGE_BYTES], int *unread,
	struct td_error *err);

#endif
