#include <errno.h>
#include <stdlib.h>

#include "journal/fault.h"
#include "journal/open.h"
#include "journal/read.h"

void td_report_damage(struct td_recovery *report, const struct td_damage *damage)
{
	if (report->damages_count < TD_DAMAGES_MAX)
		report->damages[report->damages_count] = *damage;
	report->damages_count++;
}

int td_segment_pages(struct td_journal *journal, uint64_t base, int *file, uint64_t *bytes,
	uint8_t header[TD_PAGE_BYTES], uint8_t footer[TD_PAGE_BYTES], int *unread,
	struct td_error *err)
{
	char name[TD_SEGMENT_NAME_BYTES];
	size_t got[2] = {0, 0};
	int code;

	td_segment_name(name, base);
	*file = -1;
	*unread = 0;
	code = td_disk_open(journal->disk, journal->dir, name, TD_DISK_READ, file);
	if (code == 0)
		code = td_disk_size(journal->disk, *file, bytes);
	if (code == 0)
		*unread = td_disk_read_all(journal->disk, *file, header, TD_PAGE_BYTES, 0, &got[0]);
	if (code == 0 && *bytes >= TD_SEGMENT_BYTES_LEAST)
		td_disk_read_all(journal->disk, *file, footer, TD_PAGE_BYTES,
			td_segment_frames_end(*bytes), &got[1]);
	memset(header + got[0], 0, TD_PAGE_BYTES - got[0]);
	memset(footer + got[1], 0, TD_PAGE_BYTES - got[1]);
	if (code != 0) {
		td_disk_close(journal->disk, *file);
		*file = -1;
		return td_fault(err, code, "journal %s: %s", journal->path, name);
	}
	return 0;
}

/* What is known of the segments so far. */
struct joint {
	struct td_opening *opening;
	uint64_t next;                 /* base of the next one */
	uint8_t chain[TD_CHAIN_BYTES]; /* that it has to hold */
	bool chain_known;
};

/* A wrong segment stops the opening, unless somebody only wants to look. */
static int refuse(struct joint *joint, uint64_t base, uint64_t from, uint64_t to, const char *what,
	struct td_error *err)
{
	struct td_journal *journal = joint->opening->journal;
	char name[TD_SEGMENT_NAME_BYTES];

	td_report_damage(joint->opening->report, &(struct td_damage){.segment_base = base,
							 .position_from = from,
							 .position_to = to,
							 .what = what});
	if (journal->options.read_only)
		return 0;
	td_segment_name(name, base);
	return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
		"journal %s: %s: %s; positions %llu to %llu: put the file back from a backup, or "
		"open it to look only",
		journal->path, name, what, (unsigned long long)from, (unsigned long long)to);
}

static struct td_segment *new_segment(const struct td_segment_header *header)
{
	struct td_segment *segment = calloc(1, sizeof(*segment));

	if (segment == NULL)
		return NULL;
	segment->number = header->number;
	segment->rewritten = header->rewrites;
	segment->base = segment->next = header->base;
	segment->bytes = header->bytes;
	segment->end = TD_FRAMES_FROM;
	segment->salt = header->salt;
	memcpy(segment->chain, header->chain, TD_CHAIN_BYTES);
	return segment;
}

static void take_footer(
	struct joint *joint, struct td_segment *segment, const struct td_segment_footer *footer)
{
	segment->sealed = true;
	segment->next = footer->next_position;
	segment->end = footer->end;
	segment->from = footer->time_first;
	segment->to = footer->time_last;
	segment->frames = footer->frames;
	segment->records = footer->records;
	joint->next = footer->next_position;
	memcpy(joint->chain, td_segment_footer_chain(footer), TD_CHAIN_BYTES);
	joint->chain_known = true;
}

/* A sealed segment without its footer: its frames say how far it goes, the next one its end. */
static int do_without_footer(struct joint *joint, struct td_segment *segment, int file,
	uint64_t next, struct td_error *err)
{
	int code = td_frames_end(joint->opening->journal, segment, file, err);

	td_report_damage(
		joint->opening->report, &(struct td_damage){.segment_base = segment->base,
						.offset = td_segment_frames_end(segment->bytes),
						.bytes = TD_PAGE_BYTES,
						.what = "footer; its records are served"});
	segment->sealed = true;
	segment->next = joint->next = next;
	joint->chain_known = false;
	return code;
}

/* Position and chain: it follows the one before. */
static int follow(struct joint *joint, const struct td_segment_header *header, struct td_error *err)
{
	struct td_table *table = &joint->opening->journal->table;

	if (header->base != joint->next) {
		if (table->count > 0)
			table->at[table->count - 1]->next = header->base;
		return refuse(joint, header->base, joint->next, header->base - 1,
			"does not follow the segment before; one is missing", err);
	}
	if (joint->chain_known && memcmp(joint->chain, header->chain, TD_CHAIN_BYTES) != 0)
		return refuse(joint, header->base, header->base, header->base,
			"its chain does not continue that of the segment before", err);
	return 0;
}

static int take_segment(struct joint *joint, size_t i, int file,
	const struct td_segment_header *header, const uint8_t *footer_page, struct td_error *err)
{
	struct td_opening *opening = joint->opening;
	struct td_journal *journal = opening->journal;
	const struct td_listing *listing = &opening->listing;
	bool last = i + 1 == listing->count;
	struct td_segment_footer footer;
	struct td_segment *segment;
	bool footed = td_segment_footer_decode(footer_page, TD_PAGE_BYTES, header, &footer) ==
		      TD_FLAW_NONE;
	int code = follow(joint, header, err);

	if (code == 0)
		code = td_table_reserve(&journal->table, err);
	if (code != 0)
		return code;
	if (td_table_number(&journal->table, header->number) != NULL)
		return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
			"journal %s: two segments have the number %u", journal->path,
			header->number);
	segment = new_segment(header);
	if (segment == NULL)
		return td_error_nomem(err);
	td_table_add(&journal->table, segment);
	if (journal->number_next <= header->number)
		journal->number_next = header->number + 1;
	if (last) {
		opening->last = *header;
		opening->footed = footed;
		opening->footer = footer;
	} else if (!footed) {
		return do_without_footer(joint, segment, file, listing->bases[i + 1], err);
	}
	if (footed)
		take_footer(joint, segment, &footer);
	return 0;
}

/* Base positions below what CONTROL says were dropped; their files may have stayed. */
static int forget(struct td_opening *opening, uint64_t base, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	char name[TD_SEGMENT_NAME_BYTES];
	int code;

	if (journal->options.read_only)
		return 0;
	td_segment_name(name, base);
	code = td_disk_unlink(journal->disk, journal->dir, name);
	return code == 0 ? 0 : td_fault(err, code, "journal %s: %s", journal->path, name);
}

static int join_one(struct joint *joint, size_t i, struct td_error *err)
{
	struct td_opening *opening = joint->opening;
	struct td_journal *journal = opening->journal;
	uint64_t base = opening->listing.bases[i], bytes = 0;
	uint64_t next = i + 1 < opening->listing.count ? opening->listing.bases[i + 1] : base + 1;
	uint8_t pages[2][TD_PAGE_BYTES];
	struct td_segment_header header;
	char name[TD_SEGMENT_NAME_BYTES];
	enum td_flaw flaw;
	int file, unread, code;

	code = td_segment_pages(journal, base, &file, &bytes, pages[0], pages[1], &unread, err);
	if (code != 0)
		return code;
	flaw = td_segment_header_decode(pages[0], TD_PAGE_BYTES, &header);
	td_segment_name(name, base);
	if (unread != 0 && !journal->options.read_only) {
		/* It may be another time; nobody is told to restore a backup yet. */
		code = td_fault(err, unread, "journal %s: %s", journal->path, name);
	} else if (flaw == TD_FLAW_FEATURE) {
		code = td_error_set(err, TD_E_NEWER, TD_NO_OFFSET,
			"journal %s: %s: written by a newer version", journal->path, name);
	} else if (flaw != TD_FLAW_NONE || header.base != base || header.bytes != bytes) {
		code = refuse(joint, base, base, next - 1,
			flaw != TD_FLAW_NONE ? "its header is damaged"
					     : "its header and the file do not fit",
			err);
		joint->chain_known = false;
		joint->next = next;
		if (journal->table.count > 0)
			journal->table.at[journal->table.count - 1]->next = next;
	} else {
		code = take_segment(joint, i, file, &header, pages[1], err);
	}
	td_disk_close(journal->disk, file);
	return code;
}

/* Whether this is a segment, and of another store. */
static int is_of_another(struct td_journal *journal, uint64_t base, bool *is, struct td_error *err)
{
	uint8_t pages[2][TD_PAGE_BYTES];
	struct td_segment_header header;
	uint64_t bytes = 0;
	int unread, file; /* what cannot be read is nobody's */
	int code = td_segment_pages(journal, base, &file, &bytes, pages[0], pages[1], &unread, err);

	if (code != 0)
		return code;
	td_disk_close(journal->disk, file);
	*is = td_segment_header_decode(pages[0], TD_PAGE_BYTES, &header) == TD_FLAW_NONE &&
	      memcmp(header.store, journal->control.store, TD_STORE_BYTES) != 0;
	return 0;
}

/* The list without those of other stores, which stand behind it: nothing is moved before it is known
 * that the rest is whole. */
static int sort_out(struct td_opening *opening, struct td_error *err)
{
	struct td_listing *listing = &opening->listing;
	size_t all = listing->count, ours = 0;

	for (size_t i = 0; i < all; i++) {
		uint64_t base = listing->bases[i];
		bool other = false;
		int code = is_of_another(opening->journal, base, &other, err);

		if (code != 0)
			return code;
		if (other)
			continue;
		memmove(&listing->bases[ours + 1], &listing->bases[ours],
			(i - ours) * sizeof(uint64_t));
		listing->bases[ours++] = base;
	}
	listing->count = ours;
	listing->others = all - ours;
	return 0;
}

int td_put_aside(struct td_opening *opening, struct td_error *err)
{
	const struct td_listing *listing = &opening->listing;
	int code = 0;

	if (listing->strange_count > 0) {
		code = td_quarantine_file(opening->journal, listing->strange, err);
		opening->report->quarantined++;
	}
	for (size_t i = 0; code == 0 && i < listing->others; i++) {
		char name[TD_SEGMENT_NAME_BYTES];

		td_segment_name(name, listing->bases[listing->count + i]);
		code = td_quarantine_file(opening->journal, name, err);
		opening->report->quarantined++;
	}
	return code;
}

int td_join(struct td_opening *opening, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	const struct td_control *control = &journal->control;
	struct joint joint = {.opening = opening, .next = control->first_position};
	struct td_table *table = &journal->table;
	int sorted = sort_out(opening, err);

	if (sorted != 0)
		return sorted;

	for (size_t i = 0; i < opening->listing.count; i++) {
		bool dropped = opening->listing.bases[i] < control->first_position;
		int code = dropped ? forget(opening, opening->listing.bases[i], err)
				   : join_one(&joint, i, err);

		if (code != 0)
			return code;
	}
	opening->report->segments = (unsigned)table->count;
	if (table->count == 0 || table->at[table->count - 1]->base < control->active_base ||
		opening->last.number != table->at[table->count - 1]->number)
		return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
			"journal %s: the segment of position %llu is missing, which CONTROL says "
			"is "
			"the last: put the file back",
			journal->path, (unsigned long long)control->active_base);
	return 0;
}
