/*
 * MANIFEST: what a backup is of. Text, a line each, one way to write it; doc/format/backup.md has
 * the words.
 *
 *	tidings-backup-1
 *	store UUID
 *	...
 *	segment BASE NUMBER BYTES END sealed|active SHA256        one for each, in their order
 *	digest SHA256                                             of all lines before
 *
 * Bytes only. A copy's name follows from its numbers, so nothing that is read here becomes a path.
 */
#ifndef TD_JOURNAL_MANIFEST_H
#define TD_JOURNAL_MANIFEST_H

#include "journal/frame.h"
#include "journal/page.h"

#define TD_MANIFEST_NAME      "MANIFEST"
#define TD_MANIFEST_TMP_NAME  "MANIFEST.tmp"
#define TD_MANIFEST_BYTES_MAX ((size_t)64 << 20)
#define TD_COPY_NAME_BYTES    40

struct td_manifest_segment {
	uint64_t base;
	uint32_t number;
	uint64_t bytes, end;             /* of the file; where its frames end */
	bool sealed;                     /* then its footer is there, too */
	uint8_t sha256[TD_SHA256_BYTES]; /* of bytes [0, end), then of the footer page if sealed */
};

struct td_manifest {
	struct td_features features;
	uint8_t store[TD_STORE_BYTES];
	uint64_t epoch;                       /* of who wrote last */
	int64_t time;                         /* of the backup, ns; to the microsecond */
	uint64_t first, next;                 /* positions [first, next) */
	uint8_t chain[TD_CHAIN_BYTES];        /* of the last frame; zeros without chain */
	struct td_manifest_segment *segments; /* ascending; the last one alone is not sealed */
	size_t count, cap;
};

void td_manifest_fini(struct td_manifest *manifest);
/* Room for one more at segments[count]. TD_E_NOMEM. */
int td_manifest_reserve(struct td_manifest *manifest, struct td_error *err);
/* The one of this base; NULL: none. */
struct td_manifest_segment *td_manifest_find(const struct td_manifest *manifest, uint64_t base);

/* TD_E_NOMEM, TD_E_TOO_LARGE, TD_E_SYSTEM (no SHA-256). */
int td_manifest_write(const struct td_manifest *manifest, struct td_buf *buf, struct td_error *err);
/* TD_E_NEWER: another version's. TD_E_DAMAGED: says the line. `manifest` is empty before, and stays so then. */
int td_manifest_read(struct td_text text, struct td_manifest *manifest, struct td_error *err);

/* "copy-BASE-NUMBER", both in hexadecimal; and whether a name looks like one. */
void td_copy_name(char name[TD_COPY_NAME_BYTES], uint64_t base, uint32_t number);
bool td_copy_is(const char *name, uint64_t *base, uint32_t *number);

#endif
