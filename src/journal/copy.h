/*
 * Copying a segment's file, on the way into a backup and out of it: read once, hashed, written, synced.
 *
 *	offset 0      end              bytes - 4 KiB
 *	| header, frames | (a hole)     | footer |       the same offsets in file and copy
 *
 * The copy of a segment that is not sealed ends where its frames end, and grows at its end alone: a
 * manifest that says less of it stays true.
 */
#ifndef TD_JOURNAL_COPY_H
#define TD_JOURNAL_COPY_H

#include "journal/inside.h"
#include "journal/manifest.h"

struct td_copier {
	const struct td_disk *disk;
	const struct td_backup_options *options;
	uint8_t *buffer;
	struct td_sha256 sha, before;
	uint64_t bytes_read, bytes_copied;
};

int td_copier_init(struct td_copier *copier, const struct td_disk *disk,
	const struct td_backup_options *options, struct td_error *err);
void td_copier_fini(struct td_copier *copier);

/* What is copied from where to where; `from_name` and `to_name` are for errors. */
struct td_copy {
	int from, to; /* to < 0: it is read alone */
	const char *from_name, *to_name;
	const struct td_manifest_segment *segment; /* its sha256 does not count */
	/* A beginning that is there already: so many bytes, with this digest. 0: none. */
	uint64_t there;
	const uint8_t *there_sha256;
	bool other;                      /* out: the file has another beginning than that */
	struct td_hash128 hash;          /* out: XXH3-128 of [0, end) */
	uint8_t footer[TD_PAGE_BYTES];   /* out: of a sealed one */
	uint8_t sha256[TD_SHA256_BYTES]; /* out */
};
/* Copy, and sync what was written. TD_E_DAMAGED: the file is shorter than it says. */
int td_copier_run(struct td_copier *copier, struct td_copy *copy, struct td_error *err);

#endif
