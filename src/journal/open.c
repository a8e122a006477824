#include "journal/open.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "journal/fault.h"

static void defaults(struct td_journal_options *options)
{
	if (options->segment_bytes_first == 0)
		options->segment_bytes_first = TD_SEGMENT_BYTES_FIRST;
	if (options->segment_bytes_max == 0)
		options->segment_bytes_max = TD_SEGMENT_BYTES_LAST;
	if (options->segment_bytes_max < options->segment_bytes_first)
		options->segment_bytes_max = options->segment_bytes_first;
	if (options->frame_bytes == 0)
		options->frame_bytes = (size_t)1 << 20;
	if (options->frame_records == 0)
		options->frame_records = 4096;
	if (options->append_bytes_max == 0)
		options->append_bytes_max = TD_APPEND_BYTES_MOST;
	if (options->cache_bytes == 0)
		options->cache_bytes = (size_t)16 << 20;
	if (options->mark_ms == 0)
		options->mark_ms = 50;
}

static int check_options(const struct td_journal_options *options, struct td_error *err)
{
	if (options->segment_bytes_first < TD_SEGMENT_BYTES_LEAST ||
		options->segment_bytes_max > TD_SEGMENT_BYTES_MOST ||
		options->segment_bytes_first % TD_PAGE_BYTES != 0 ||
		options->segment_bytes_max % TD_PAGE_BYTES != 0)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"journal: segments have 12 KiB to 1 GiB, in steps of 4 KiB");
	if (options->append_bytes_max > TD_APPEND_BYTES_MOST ||
		options->frame_bytes > TD_FRAME_BYTES_MAX / 2)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"journal: an append has at most 8 1/4 MiB, a frame is full at 8 at most");
	return 0;
}

/* --- the object --------------------------------------------------------------------------- */

void td_journal_abandon(struct td_journal *journal)
{
	if (journal == NULL)
		return;
	for (size_t i = 0; i < journal->recent_count; i++)
		td_block_unref(journal->recent[i]);
	free(journal->recent);
	td_cache_fini(&journal->cache);
	td_block_unref(journal->flight.block);
	td_file_unref(journal->flight.file);
	if (journal->flight.roll.next != NULL) {
		td_file_unref(journal->flight.roll.file);
		td_segment_free(journal->flight.roll.next);
	}
	td_file_unref(journal->spare.file);
	td_segment_free(journal->spare.segment);
	td_rewrite_free(journal->rewrite);
	td_table_fini(&journal->table);
	td_blocks_free(journal->blocks);
	td_sha256_fini(&journal->flight.sha);
	td_copies_close(journal);
	td_disk_close(journal->disk, journal->lock);
	td_disk_close(journal->disk, journal->dir);
	td_mutex_fini(&journal->mutex);
	free(journal->path);
	free(journal);
}

/* Memory: blocks of one frame of the usual size, as many as the cache may have. */
static int set_up(struct td_journal *journal, struct td_error *err)
{
	const struct td_journal_options *options = &journal->options;
	size_t usual = options->frame_bytes + TD_FRAME_STRICT_BYTES + TD_BLOCK_SPARE_ROOM;

	usual = (usual + TD_DISK_ALIGN - 1) & ~(size_t)(TD_DISK_ALIGN - 1);
	journal->recent_max = options->cache_bytes / 2 / usual + 2;
	journal->recent = calloc(journal->recent_max, sizeof(struct td_block *));
	if (journal->recent == NULL)
		return td_error_nomem(err);
	journal->blocks = td_blocks_new(usual, options->cache_bytes / usual + 1, err);
	if (journal->blocks == NULL)
		return TD_E_NOMEM;
	return td_sha256_init(&journal->flight.sha, err);
}

struct td_journal *td_journal_make(
	const char *path, const struct td_journal_options *options, struct td_error *err)
{
	struct td_journal *journal = calloc(1, sizeof(*journal));

	if (journal == NULL) {
		td_error_nomem(err);
		return NULL;
	}
	journal->options = *options;
	defaults(&journal->options);
	journal->disk = options->disk;
	journal->dir = journal->lock = journal->copies[0] = journal->copies[1] = -1;
	journal->number_next = 1;
	journal->witnessed = true;
	td_table_init(&journal->table);
	td_cache_init(&journal->cache, journal->options.cache_bytes / 2);
	journal->path = strdup(path);
	if (journal->path == NULL || td_mutex_init(&journal->mutex, err) != 0) {
		free(journal->path);
		free(journal);
		td_error_nomem(err);
		return NULL;
	}
	return journal;
}

/* --- R0 ----------------------------------------------------------------------------------- */

static int take_lock(struct td_journal *journal, struct td_error *err)
{
	const struct td_disk *disk = journal->disk;
	char text[32] = "";
	size_t got = 0;
	int code = td_disk_open(disk, journal->dir, TD_LOCK_NAME,
		TD_DISK_READ | TD_DISK_WRITE | TD_DISK_CREATE, &journal->lock);

	if (code == 0)
		code = td_disk_lock(disk, journal->lock);
	if (code == EAGAIN) {
		td_disk_read_all(disk, journal->lock, text, sizeof(text) - 1, 0, &got);
		text[strcspn(text, "\n")] = '\0';
		return td_error_set(err, TD_E_HELD, TD_NO_OFFSET,
			"journal %s: process %s has it open", journal->path,
			text[0] != '\0' ? text : "?");
	}
	if (code == 0) {
		/* For people; whoever holds the lock is told by the system alone. */
		snprintf(text, sizeof(text), "%llu\n", (unsigned long long)td_process_id());
		td_disk_truncate(disk, journal->lock, 0);
		td_disk_write_all(disk, journal->lock, text, strlen(text), 0);
		return 0;
	}
	if (code == EROFS)
		return td_error_set(err, TD_E_READ_ONLY, TD_NO_OFFSET,
			"journal %s: the file system is read-only: mount it for writing, or open "
			"the journal to look only",
			journal->path);
	return td_fault(err, code, "journal %s: %s", journal->path, TD_LOCK_NAME);
}

static int check_system(
	struct td_journal *journal, struct td_recovery *report, struct td_error *err)
{
	enum td_disk_system system = TD_DISK_OTHER_LOCAL;
	int code = td_disk_system(journal->disk, journal->dir, &system);

	if (code != 0)
		return td_fault(err, code, "journal %s: file system", journal->path);
	switch (system) {
	case TD_DISK_NETWORK:
		return td_error_system(err, EOPNOTSUPP,
			"journal %s: a network file system, whose syncs nobody can rely on",
			journal->path);
	case TD_DISK_OVERLAY:
		report->warning = "overlay file system: what is kept here goes with the container";
		break;
	case TD_DISK_TMPFS:
		report->warning = "tmpfs: what is kept here is gone with the machine";
		break;
	case TD_DISK_FUSE:
		report->warning = "FUSE: how durable a sync is depends on the program behind it";
		break;
	case TD_DISK_EXT4:
	case TD_DISK_XFS:
	case TD_DISK_BTRFS:
	case TD_DISK_OTHER_LOCAL:
		break;
	}
	return 0;
}

static int open_directory(struct td_opening *opening, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	bool create = journal->options.create && !journal->options.read_only;
	int code = td_disk_open_dir(journal->disk, TD_DISK_NOWHERE, journal->path,
		create ? TD_DISK_CREATE : 0, &journal->dir);

	if (code == ENOENT)
		return td_error_set(
			err, TD_E_NOT_FOUND, TD_NO_OFFSET, "journal %s: none", journal->path);
	if (code != 0)
		return td_fault(err, code, "journal %s", journal->path);
	code = check_system(journal, opening->report, err);
	if (code == 0)
		code = td_listing_read(journal, &opening->listing, err);
	if (code != 0)
		return code;
	if (!opening->listing.copies && opening->listing.foreign && opening->listing.count == 0)
		return td_error_set(err, TD_E_FOREIGN, TD_NO_OFFSET,
			opening->listing.backup
				? "journal %s: a backup, and no journal: restore it into a "
				  "directory of its own"
				: "journal %s: holds other things, and no journal",
			journal->path);
	if (!opening->listing.copies && opening->listing.count == 0 && !create)
		return td_error_set(
			err, TD_E_NOT_FOUND, TD_NO_OFFSET, "journal %s: none", journal->path);
	if (journal->options.read_only)
		return 0;
	code = take_lock(journal, err);
	/* Again, now that nobody else changes it. */
	return code == 0 ? td_listing_read(journal, &opening->listing, err) : code;
}

/* CONTROL; or a new journal, where there is none or it was never finished. */
static int read_control(struct td_opening *opening, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	unsigned flags = TD_DISK_READ | (journal->options.read_only ? 0 : TD_DISK_WRITE);
	bool empty = opening->listing.count == 0;
	int code = td_copies_open(journal, flags, err);
	bool unfinished = empty && (code == TD_E_NOT_FOUND || code == TD_E_DAMAGED ||
					   (code == 0 && journal->control.generation == 1));

	if (code == TD_E_NOT_FOUND && !empty)
		return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
			"journal %s: segments without CONTROL: put it back from a backup",
			journal->path);
	if (!unfinished)
		return code;
	if (!journal->options.create || journal->options.read_only)
		return td_error_set(
			err, TD_E_NOT_FOUND, TD_NO_OFFSET, "journal %s: none", journal->path);
	opening->report->created = true;
	code = td_create(journal, err);
	return code == 0 ? td_listing_read(journal, &opening->listing, err) : code;
}

static int take_features(struct td_journal *journal, struct td_error *err)
{
	memcpy(journal->store, journal->control.store, TD_STORE_BYTES);
	journal->features = journal->control.features;
	journal->chained = journal->features.ro_compat & TD_RO_COMPAT_CHAIN;
	journal->strict = journal->features.ro_compat & TD_RO_COMPAT_STRICT;
	if (!td_features_writable(&journal->features) && !journal->options.read_only)
		return td_error_set(err, TD_E_NEWER, TD_NO_OFFSET,
			"journal %s: a newer version wrote it: it can be looked at only",
			journal->path);
	return 0;
}

/* --- open and close ----------------------------------------------------------------------- */

static int64_t now_us(const struct td_journal *journal)
{
	return td_clock_monotonic(journal->options.clock) / 1000;
}

static int open_it(struct td_opening *opening, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	struct td_recovery *report = opening->report;
	int64_t from = now_us(journal), to;
	int code = set_up(journal, err);

	if (code == 0)
		code = open_directory(opening, err);
	if (code == 0)
		code = read_control(opening, err);
	if (code == 0)
		code = take_features(journal, err);
	report->lock_us = (to = now_us(journal)) - from;
	from = to;
	if (code == 0)
		code = td_join(opening, err);
	report->list_us = (to = now_us(journal)) - from;
	from = to;
	if (code == 0)
		code = td_active_read(opening, err);
	report->read_us = (to = now_us(journal)) - from;
	from = to;
	if (code == 0)
		code = td_recover(opening, err);
	report->promise_us = now_us(journal) - from;
	return code;
}

int td_journal_open(struct td_journal **journal, const char *path,
	const struct td_journal_options *options, struct td_recovery *report, struct td_error *err)
{
	struct td_recovery unseen;
	struct td_opening opening = {.report = report != NULL ? report : &unseen};
	int code;

	memset(opening.report, 0, sizeof(*opening.report));
	opening.journal = td_journal_make(path, options, err);
	if (opening.journal == NULL)
		return TD_E_NOMEM;
	code = check_options(&opening.journal->options, err);
	if (code == 0)
		code = open_it(&opening, err);
	td_listing_fini(&opening.listing);
	if (code != 0) {
		td_journal_abandon(opening.journal);
		return code;
	}
	*journal = opening.journal;
	return 0;
}

static int commit_all(struct td_journal *journal, struct td_error *err)
{
	struct td_work *work;
	int code = 0;

	while (code == 0 && (work = td_journal_next(journal, TD_WORK_COMMIT, INT64_MAX)) != NULL) {
		td_work_run(work);
		code = td_journal_done(journal, work, err);
		if (td_work_kind(work) == TD_WORK_SPARE && code != TD_E_DISK)
			return 0; /* a roll has to wait for the next opening */
	}
	return code;
}

static int close_cleanly(struct td_journal *journal, struct td_error *err)
{
	struct td_control control;
	int code;

	for (size_t i = 0; i < TD_WORKS; i++)
		TD_ASSERT(!journal->works[i].out);
	if (journal->options.read_only || journal->failed)
		return 0;
	code = commit_all(journal, err);
	if (code != 0)
		return code;
	TD_ASSERT(journal->staged == td_journal_durable(journal));
	control = td_copies_next(journal);
	control.clean = true;
	control.end = journal->place.end;
	control.next_position = journal->staged;
	if (journal->chained)
		memcpy(control.end_chain, journal->chain, TD_CHAIN_BYTES);
	return td_copies_save(journal, &control, err);
}

int td_journal_close(struct td_journal *journal, struct td_error *err)
{
	int code;

	if (journal == NULL)
		return 0;
	code = close_cleanly(journal, err);
	td_journal_abandon(journal);
	return code;
}
