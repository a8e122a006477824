/*
 * catalog: the index of a sealed segment, as a file beside it: `index-BASE`.
 *
 *	head | lines | links | logs | subjects | notes | pages | tags | addresses
 *
 * Derived, and bound to its segment by number, salt and positions, and to its store by its secret.
 * Whatever does not match is not used: the segment is read again. The salt is drawn when a segment is
 * made or rewritten, so no other file or older state of one has it: that, and the sums, hold against
 * accidents. They do not hold against somebody who writes files on purpose; but who can write these
 * can write segments, too. `tidings verify` proves those by their chain and looks at no index, and
 * without index-* files the store opens from its segments alone. It never leaves the machine, so its numbers are in the machine's
 * own order, and a file of another order is one that does not match.
 *
 * Lines are as in run.h, but `subject` and `log` are places in the file's own lists, and stand for
 * what was removed before `as_of`. They are read a page of TD_LINES_HEAP at a time. Of a segment that
 * was rewritten most lines are holes that nothing leads through: a page is a bit for each of its
 * lines, 1 for one that is no such hole, and then the lines that have a 1.
 */
#ifndef TD_STORE_CATALOG_H
#define TD_STORE_CATALOG_H

#include "store/run.h"
#include "sys/sys.h"

struct td_catalog_log {
	uint32_t number, first, last; /* log; its first and last line */
	uint32_t unused;
	uint64_t first_seq, last_seq;
	uint64_t count, bytes; /* live */
	td_time last_time;
};

struct td_catalog_subject {
	uint64_t seq, revision; /* of its last event here */
	uint64_t address;       /* where it begins */
	uint32_t last, count;   /* its last line; live events here */
	uint16_t address_len, log;
	uint32_t sum; /* of this, with 0 here, and the address */
};

/* A page of lines: where it begins behind the head, and its sum. */
struct td_catalog_page {
	uint64_t at, sum;
};

/* What td_store_tag() says of a line; of most it says nothing. Ascending. */
struct td_catalog_tag {
	uint32_t line;
	struct td_tag tag;
};

struct td_catalog_head {
	char magic[8];
	uint32_t order, version;
	uint64_t salt, base, next, as_of, removed, removed_there, removed_bytes, seed;
	uint64_t own, own_bytes, clean_to; /* as in run.h */
	uint64_t erase;                    /* lines whose bytes are to go, and lie there yet */
	uint32_t number, links, logs, subjects, notes, pages, tags, unused;
	uint64_t addresses, lines; /* bytes */
	uint64_t sums[7];          /* of the sections behind the lines, in order */
	uint64_t sum;              /* of all before */
};

enum td_catalog_section {
	TD_CATALOG_LINKS,
	TD_CATALOG_LOGS,
	TD_CATALOG_SUBJECTS,
	TD_CATALOG_NOTES,
	TD_CATALOG_PAGES,
	TD_CATALOG_TAGS,
	TD_CATALOG_ADDRESSES,
	TD_CATALOG_SECTIONS,
};

struct td_catalog {
	const struct td_disk *disk;
	int file;
	struct td_catalog_head head;
	uint64_t at[TD_CATALOG_SECTIONS], bytes[TD_CATALOG_SECTIONS];
	struct td_catalog_page *pages;
	uint16_t *logs; /* its logs -> index in memory; TD_LOG_GONE */
	bool damaged;   /* a page did not match; told by who comes there */
};

#define TD_LOG_GONE UINT16_MAX

#define TD_CATALOG_NAME_BYTES 32
void td_catalog_name(char name[TD_CATALOG_NAME_BYTES], uint64_t base);

/*
 * Open the catalog of this segment. TD_E_NOT_FOUND: there is none that matches. TD_E_NOMEM.
 */
int td_catalog_open(struct td_catalog **catalog, const struct td_disk *disk, int dir, uint64_t base,
	uint64_t next, uint32_t number, uint64_t salt, struct td_error *err);
void td_catalog_close(struct td_catalog *catalog); /* NULL is fine */
/* A whole section, verified: free() it. NULL: it does not match, or no memory (*code). */
void *td_catalog_read(const struct td_catalog *catalog, enum td_catalog_section section, int *code);
/* Some bytes of a section, as they are. */
bool td_catalog_peek(const struct td_catalog *catalog, enum td_catalog_section section,
	uint64_t offset, void *bytes, size_t len);
/* The address of a subject by its place, verified, in a buffer of TD_ADDRESS_BYTES_MAX. */
bool td_catalog_address(
	const struct td_catalog *catalog, uint32_t place, char *buffer, struct td_text *address);
uint32_t td_catalog_subject_sum(const struct td_catalog_subject *subject, const char *address);
/* A link by its place, verified; 0: it does not match. In the file it is with a sum of its own. */
uint64_t td_catalog_link(const struct td_catalog *catalog, uint32_t place);
uint64_t td_catalog_link_pack(uint64_t link);
uint64_t td_catalog_link_unpack(uint64_t packed); /* of one that was verified */
/* A page of lines, verified, into room for TD_LINES_HEAP. false: it does not match. */
bool td_catalog_page(const struct td_catalog *catalog, size_t page, struct td_line *lines);
/* A hole that nothing leads through: of it nothing is written. */
#define TD_LINE_BARE ((struct td_line){.flags = TD_LINE_HOLE | TD_LINE_REMOVED})

/* What is to be written; sections by pointer, each of the length that the head says. */
struct td_catalog_image {
	struct td_catalog_head head;
	struct td_line *lines;
	void *sections[TD_CATALOG_SECTIONS];
};
/* Blocks. Under another name first; not synced, since what did not arrive does not match. */
int td_catalog_write(
	struct td_catalog_image *image, const struct td_disk *disk, int dir, struct td_error *err);
void td_catalog_image_fini(struct td_catalog_image *image);

#endif
