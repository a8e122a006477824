/*
 * Backing up a journal that is running.
 *
 *	again and again   hold: open sealed segments that are not copied yet, some at a time
 *	                  fix:  under the mutex: is each sealed segment of the table copied or held?
 *	                        then this is the moment that the backup is of
 *	                  copy what is held
 *	at the end        the active segment, up to what was durable at that moment
 *	                  MANIFEST: written beside the old one, synced, and put in its place
 *	                  what it does not name goes
 *
 * Invariants:
 *	B1  the backup is the journal as it was at one moment: its sealed segments, as they stood in
 *	    the table then (or a rewriting of one that was landing), and the durable frames of the active
 *	    one. A rewriting never rests on anything behind that moment: what a segment was rewritten for
 *	    had been durable before, and the moment is after all copies were opened
 *	B2  nothing that the old MANIFEST names is changed before the new one is in place: copies have
 *	    names that are never used for other bytes, and the active one's grows at its end
 *	B3  the journal's mutex is held for looking at the table alone
 */
#include "journal/backing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "journal/fault.h"
#include "journal/open.h"

#define FRUITLESS_MAX 1000u /* a segment's file is not there, and nobody dropped it */

/* --- hold --------------------------------------------------------------------------------- */

static bool is_covered(const struct td_backing *backing, const struct td_segment *segment)
{
	const struct td_manifest_segment *copy = td_manifest_find(&backing->now, segment->base);

	if (copy != NULL && copy->number >= segment->number)
		return true;
	for (size_t i = 0; i < backing->held_count; i++) {
		const struct td_manifest_segment *held = &backing->held[i].segment;

		if (held->base == segment->base && held->number >= segment->number)
			return true;
	}
	return false;
}

/* Bases of sealed segments that are not copied; *more: there are others. */
static size_t find_missing(
	const struct td_backing *backing, uint64_t bases[TD_HELD_MAX], bool *more)
{
	struct td_journal *journal = backing->journal;
	size_t count = 0;

	*more = false;
	td_mutex_lock(&journal->mutex);
	for (size_t i = 0; i < journal->table.count && !*more; i++) {
		const struct td_segment *segment = journal->table.at[i];

		if (!segment->sealed || is_covered(backing, segment))
			continue;
		if (count < TD_HELD_MAX)
			bases[count++] = segment->base;
		else
			*more = true;
	}
	td_mutex_unlock(&journal->mutex);
	return count;
}

/* Its file, and what its pages say. It may have been dropped a moment ago: then it is not held. */
static int hold_one(struct td_backing *backing, uint64_t base, struct td_error *err)
{
	struct td_held *held = &backing->held[backing->held_count];
	struct td_journal *journal = backing->journal;
	struct td_segment_footer footer;
	struct td_segment_header header;
	uint64_t bytes = 0;
	int unread = 0, code;

	code = td_segment_pages(
		journal, base, &held->file, &bytes, held->header, held->footer, &unread, err);
	if (code == TD_E_SYSTEM && err->sys_errno == ENOENT) {
		backing->gone = base;
		return 0;
	}
	if (code != 0)
		return code;
	backing->held_count++;
	if (td_segment_header_decode(held->header, TD_PAGE_BYTES, &header) != TD_FLAW_NONE ||
		td_segment_footer_decode(held->footer, TD_PAGE_BYTES, &header, &footer) !=
			TD_FLAW_NONE ||
		header.bytes != bytes)
		return td_backing_damaged(backing, base, "its header or footer is damaged", err);
	held->hash = footer.hash;
	held->segment = (struct td_manifest_segment){.base = base,
		.number = header.number,
		.bytes = bytes,
		.end = footer.end,
		.sealed = true};
	return 0;
}

static void let_go(struct td_backing *backing)
{
	while (backing->held_count > 0)
		td_disk_close(backing->journal->disk, backing->held[--backing->held_count].file);
}

/* --- fix ---------------------------------------------------------------------------------- */

/* Is this the moment? */
static bool fix(struct td_backing *backing)
{
	struct td_journal *journal = backing->journal;
	const struct td_segment *active;
	bool all = true;

	td_mutex_lock(&journal->mutex);
	for (size_t i = 0; i < journal->table.count && all; i++)
		all = !journal->table.at[i]->sealed || is_covered(backing, journal->table.at[i]);
	active = journal->active;
	if (all) {
		backing->active = td_file_ref(active->file);
		backing->active_base = active->base;
		backing->active_end = active->end;
		backing->active_next = active->next;
		backing->first = journal->table.at[0]->base;
	}
	td_mutex_unlock(&journal->mutex);
	return all;
}

/* --- all ---------------------------------------------------------------------------------- */

/* Up to the moment, and all sealed segments of it. */
static int copy_segments(struct td_backing *backing, struct td_error *err)
{
	struct td_error own = TD_ERROR_INIT;
	bool fixed = false, more = false;
	unsigned fruitless = 0;
	int code = 0;

	while (code == 0 && !fixed) {
		uint64_t bases[TD_HELD_MAX];
		size_t count = find_missing(backing, bases, &more);

		for (size_t i = 0; code == 0 && i < count; i++)
			code = hold_one(backing, bases[i], &own);
		fixed = code == 0 && !more && fix(backing);
		fruitless = backing->held_count > 0 || fixed ? 0 : fruitless + 1;
		for (size_t i = 0; code == 0 && i < backing->held_count; i++)
			code = td_backing_copy_sealed(backing, &backing->held[i], &own);
		let_go(backing);
		if (code == 0 && fruitless == FRUITLESS_MAX)
			code = td_backing_damaged(
				backing, backing->gone, "its file is not there", &own);
		if (fruitless > 0)
			td_thread_yield();
	}
	if (code != 0 && err != NULL)
		*err = own;
	return code;
}

static void describe(struct td_backing *backing)
{
	const struct td_journal *journal = backing->journal;
	struct td_manifest *now = &backing->now;
	size_t dropped = 0;

	while (dropped < now->count && now->segments[dropped].base < backing->first)
		dropped++;
	now->count -= dropped;
	memmove(now->segments, now->segments + dropped, now->count * sizeof(now->segments[0]));
	now->features = journal->features;
	memcpy(now->store, journal->store, TD_STORE_BYTES);
	now->epoch = journal->epoch;
	now->time = td_clock_wall(journal->options.clock);
	if (now->time <= 0)
		now->time = 1000;
	now->first = backing->first;
	now->next = backing->active_next;
}

static int write_manifest(struct td_backing *backing, struct td_error *err)
{
	const struct td_disk *disk = backing->journal->disk;
	struct td_buf buf = TD_BUF_INIT(TD_MANIFEST_BYTES_MAX);
	int dir = backing->to.dir, file = -1, code = td_manifest_write(&backing->now, &buf, err);

	if (code != 0)
		goto done;
	code = td_disk_sync_dir(disk, dir); /* the copies have their names for sure */
	if (code == 0)
		code = td_disk_open(disk, dir, TD_MANIFEST_TMP_NAME,
			TD_DISK_READ | TD_DISK_WRITE | TD_DISK_CREATE, &file);
	if (code == 0)
		code = td_disk_truncate(disk, file, 0);
	if (code == 0)
		code = td_disk_write_all(disk, file, buf.at, buf.len, 0);
	if (code == 0)
		code = td_disk_sync(disk, file);
	if (code == 0)
		code = td_disk_rename(disk, dir, TD_MANIFEST_TMP_NAME, dir, TD_MANIFEST_NAME);
	if (code == 0)
		code = td_disk_sync_dir(disk, dir);
	if (code != 0)
		code = td_fault(err, code, "%s: %s", backing->to.path, TD_MANIFEST_NAME);
done:
	td_disk_close(disk, file);
	td_buf_fini(&buf);
	return code;
}

/* A copy that the manifest does not name. Names are collected in rounds: the listing may not change. */
struct leftovers {
	const struct td_backing *backing;
	struct td_manifest_segment at[TD_HELD_MAX];
	size_t count;
};

static int is_left(void *arg, const struct td_disk_entry *entry)
{
	struct leftovers *left = arg;
	struct td_manifest_segment copy = {0};
	const struct td_manifest_segment *named;

	if (left->count == TD_HELD_MAX || !td_copy_is(entry->name, &copy.base, &copy.number))
		return 0;
	named = td_manifest_find(&left->backing->now, copy.base);
	if (named == NULL || named->number != copy.number)
		left->at[left->count++] = copy;
	return 0;
}

/* One that stays is found by the next backup: it takes room, and harms nobody. */
static void clear_away(const struct td_backing *backing)
{
	const struct td_disk *disk = backing->journal->disk;
	struct leftovers left = {.backing = backing};
	bool gone = true;

	do {
		left.count = 0;
		if (td_disk_list(disk, backing->to.dir, is_left, &left) != 0)
			return;
		for (size_t i = 0; i < left.count; i++) {
			char name[TD_COPY_NAME_BYTES];

			td_copy_name(name, left.at[i].base, left.at[i].number);
			gone = td_disk_unlink(disk, backing->to.dir, name) == 0 && gone;
		}
	} while (gone && left.count == TD_HELD_MAX);
	td_disk_sync_dir(disk, backing->to.dir);
}

/* Whether what is there can be gone on with. */
static int check_before(const struct td_backing *backing, struct td_error *err)
{
	const struct td_manifest *was = &backing->to.was;
	const struct td_journal *journal = backing->journal;

	if (was->count == 0)
		return 0;
	if (memcmp(was->store, journal->store, TD_STORE_BYTES) != 0)
		return td_error_set(err, TD_E_FOREIGN, TD_NO_OFFSET,
			"%s: of another store: use a directory of its own", backing->to.path);
	if (was->epoch > journal->epoch || was->next > td_journal_durable(journal))
		return td_backing_other_way(backing, err);
	return 0;
}

static int run(struct td_backing *backing, struct td_error *err)
{
	int code = td_backup_open(&backing->to, true, err);

	if (code == 0)
		code = check_before(backing, err);
	if (code == 0)
		code = copy_segments(backing, err);
	if (code == 0)
		code = td_backing_copy_active(backing, err);
	if (code != 0)
		return code;
	describe(backing);
	code = write_manifest(backing, err);
	if (code == 0)
		clear_away(backing);
	return code;
}

static void tell(const struct td_backing *backing, struct td_backup_report *report)
{
	*report = (struct td_backup_report){
		.position = backing->now.next,
		.files = backing->now.count,
		.bytes_copied = backing->copier.bytes_copied,
		.resumed = backing->to.unfinished,
	};
	for (size_t i = 0; i < backing->now.count; i++)
		report->bytes += backing->now.segments[i].end;
}

int td_journal_backup(struct td_journal *journal, const char *to,
	const struct td_backup_options *options, struct td_backup_report *report,
	struct td_error *err)
{
	static const struct td_backup_options defaults;
	struct td_backing *backing;
	int code;

	if (options == NULL)
		options = &defaults;
	if (journal->options.read_only)
		return td_error_set(err, TD_E_READ_ONLY, TD_NO_OFFSET,
			"journal %s: opened to be looked at: who writes to it makes the backup",
			journal->path);
	backing = calloc(1, sizeof(*backing));
	if (backing == NULL)
		return td_error_nomem(err);
	backing->journal = journal;
	backing->check = options->check;
	backing->to = (struct td_backup)TD_BACKUP_INIT(journal->disk, to);
	code = td_copier_init(&backing->copier, journal->disk, options, err);
	if (code == 0)
		code = run(backing, err);
	if (code == 0 && report != NULL)
		tell(backing, report);
	let_go(backing);
	td_file_unref(backing->active);
	td_copier_fini(&backing->copier);
	td_manifest_fini(&backing->now);
	td_backup_close(&backing->to);
	free(backing);
	return code;
}
