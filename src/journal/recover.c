/*
 * R5 and R6: a new epoch, the cut, and all promised anew.
 *
 * Nothing is served before the mark is synced: it is the first write of this life, so its sync
 * asks the device to flush what came before, too. All of it can be cut off anywhere and begun
 * again: the epoch goes up once more, the copy in quarantine gets another name, zeros stay zeros.
 */
#include <errno.h>
#include <stdlib.h>

#include "journal/fault.h"
#include "journal/open.h"

#define CHUNK_BYTES ((size_t)256 << 10)

static bool is_zero(const uint8_t *bytes)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, TD_DISK_ALIGN - 1) == 0;
}

/* Zero the pages of [from, to) that are not zero as this handle sees them, or cannot be seen. */
static int zero_pages(struct td_journal *journal, int seen_by, uint64_t from, uint64_t to)
{
	uint8_t *chunk = td_disk_buffer_new(CHUNK_BYTES);
	int code = chunk == NULL ? ENOMEM : 0;

	TD_ASSERT(from % TD_DISK_ALIGN == 0 && to % TD_DISK_ALIGN == 0);
	for (; code == 0 && from < to; from += CHUNK_BYTES) {
		size_t len = to - from < CHUNK_BYTES ? (size_t)(to - from) : CHUNK_BYTES, got = 0;

		memset(chunk, 1, len);
		td_disk_read_all(journal->disk, seen_by, chunk, len, from, &got);
		for (size_t at = 0; code == 0 && at < len; at += TD_DISK_ALIGN)
			if (!is_zero(chunk + at))
				code = td_disk_zero(journal->disk, journal->active->file->handle,
					from + at, from + at + TD_DISK_ALIGN);
	}
	td_disk_buffer_free(chunk);
	return code;
}

/*
 * The page in which the frames end, as the device has it: what the cache has of it may be another
 * thing after a failed sync, and the next frame would write that down.
 */
static int write_last_page(struct td_journal *journal, int direct, uint64_t end)
{
	uint64_t from = end & ~(uint64_t)(TD_DISK_ALIGN - 1);
	uint8_t *page;
	size_t got = 0;
	int code;

	if (end == from)
		return 0;
	page = td_disk_buffer_new(TD_DISK_ALIGN);
	if (page == NULL)
		return ENOMEM;
	code = td_disk_read_all(journal->disk, direct, page, TD_DISK_ALIGN, from, &got);
	if (code == 0) {
		memset(page + (end - from), 0, TD_DISK_ALIGN - (size_t)(end - from));
		code = td_disk_write_all(
			journal->disk, journal->active->file->handle, page, TD_DISK_ALIGN, from);
	}
	td_disk_buffer_free(page);
	return code;
}

/* Without direct reading: what was believed of the cache is written again, so that it is so. */
static int write_all_again(struct td_journal *journal, uint64_t end)
{
	uint8_t *page = td_disk_buffer_new(TD_GROUP_BYTES);
	int file = journal->active->file->handle, code = page == NULL ? ENOMEM : 0;

	for (uint64_t from = 0; code == 0 && from < end; from += TD_GROUP_BYTES) {
		size_t len = end - from < TD_GROUP_BYTES ? (size_t)(end - from) : TD_GROUP_BYTES;
		size_t got = 0;

		code = td_disk_read_all(journal->disk, file, page, len, from, &got);
		if (code == 0)
			code = td_disk_write_all(journal->disk, file, page, got, from);
	}
	td_disk_buffer_free(page);
	return code;
}

/* The torn write goes into quarantine. On a full disk the spare makes way for it. */
static int save_cut(struct td_opening *opening, int direct, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	struct td_recovery *report = opening->report;
	const struct td_tail_facts *facts = &opening->facts;
	int code = TD_BUG(113) ? 0
			       : td_quarantine_part(journal, direct, opening->last.base, facts->end,
					 facts->nonzero_end, err);

	if (code == TD_E_DISK_FULL && opening->listing.spare) {
		td_disk_unlink(journal->disk, journal->dir, TD_SPARE_NAME);
		opening->listing.spare = false;
		code = td_quarantine_part(
			journal, direct, opening->last.base, facts->end, facts->nonzero_end, err);
	}
	if (code == TD_E_DISK_FULL && report->tail == TD_TAIL_TORN) {
		report->warning = "the disk is full: a write that was cut off, and never "
				  "acknowledged, was not kept in quarantine";
		return 0;
	}
	report->quarantined += code == 0;
	return code;
}

static uint64_t page_up(uint64_t offset)
{
	return (offset + TD_DISK_ALIGN - 1) & ~(uint64_t)(TD_DISK_ALIGN - 1);
}

static int zero_behind(struct td_opening *opening, int direct)
{
	struct td_journal *journal = opening->journal;
	const struct td_tail_facts *facts = &opening->facts;
	uint64_t from = page_up(facts->end), bytes = opening->last.bytes;
	uint64_t near = from + TD_FRAME_BYTES_MAX;
	int code = write_last_page(journal, direct, facts->end);

	if (code == 0 && facts->nonzero_end > from)
		code = zero_pages(journal, direct, from, page_up(facts->nonzero_end));
	/* The cache may still show what a failed sync lost. */
	if (code == 0 && opening->direct)
		code = zero_pages(
			journal, journal->active->file->handle, from, near < bytes ? near : bytes);
	/* The footer of a roll that was cut off. */
	if (code == 0 && opening->footed)
		code = td_disk_zero(journal->disk, journal->active->file->handle,
			td_segment_frames_end(bytes), bytes);
	return code;
}

static int cut(struct td_opening *opening, int direct, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	const struct td_tail_facts *facts = &opening->facts;
	int code = 0;

	if (facts->nonzero_end > facts->end) {
		opening->report->cut_bytes = facts->nonzero_end - facts->end;
		code = save_cut(opening, direct, err);
		if (code != 0)
			return code;
	}
	if (!TD_BUG(104))
		code = zero_behind(opening, direct);
	if (code == 0 && !opening->direct)
		code = write_all_again(journal, facts->end);
	if (code == 0)
		code = td_disk_sync(journal->disk, journal->active->file->handle);
	return code == 0 ? 0
			 : td_fault(err, code, "journal %s: cut at %llu", journal->path,
				   (unsigned long long)facts->end);
}

static int cut_by_device(struct td_opening *opening, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	char name[TD_SEGMENT_NAME_BYTES];
	int direct = -1, code;

	td_segment_name(name, opening->last.base);
	code = td_disk_open(journal->disk, journal->dir, name,
		TD_DISK_READ | (opening->direct ? TD_DISK_DIRECT : 0), &direct);
	if (code != 0)
		return td_fault(err, code, "journal %s: %s", journal->path, name);
	code = cut(opening, direct, err);
	td_disk_close(journal->disk, direct);
	return code;
}

/*
 * What is going to be cut is noted before it is: a crash on the way finds an end that is whole, and
 * has to know that positions behind it were given.
 */
static void note_lost(struct td_control *next, uint64_t staged, uint64_t lost_to)
{
	if (lost_to == 0 || lost_to < staged)
		return;
	/* What was given up before it, with nothing in between, is still to be told of. */
	if (next->lost_to == 0 || staged > next->lost_to + 1)
		next->lost_from = staged;
	if (next->lost_to < lost_to)
		next->lost_to = lost_to;
}

static int raise_epoch(struct td_opening *opening, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	uint64_t epoch = journal->control.epoch;
	struct td_control next;
	int code;

	/* The life before may have ended between the name of the last segment and its sync. */
	code = TD_BUG(120) ? 0 : td_disk_sync_dir(journal->disk, journal->dir);
	if (code != 0)
		return td_fault_final(err, code, "journal %s", journal->path);
	if (epoch < opening->epoch)
		epoch = opening->epoch;
	journal->epoch = opening->report->epoch = TD_BUG(106) ? epoch : epoch + 1;
	next = td_copies_next(journal);
	next.active_segment = opening->last.number;
	next.active_base = opening->last.base;
	memcpy(next.sealed_chain, opening->last.chain, TD_CHAIN_BYTES);
	if (!TD_BUG(111))
		note_lost(&next, journal->staged, opening->lost_to);
	return td_copies_save(journal, &next, err);
}

/* The last frame is a seal, and the footer did not come down. */
static int write_footer(struct td_opening *opening, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	const struct td_place *place = &journal->place;
	const struct td_segment *active = journal->active;
	struct td_segment_footer *footer = &opening->footer;
	uint8_t page[TD_PAGE_BYTES];
	int code;

	*footer = (struct td_segment_footer){
		.next_position = active->next,
		.end = active->end,
		.frames = place->frames,
		.records = place->records,
		.missing = active->next - active->base - place->records,
		.time_first = place->from,
		.time_last = journal->time,
		.hash = td_hash128_digest(&place->hash),
	};
	memcpy(footer->chain, journal->chain, TD_CHAIN_BYTES);
	td_segment_footer_encode(footer, &opening->last, page);
	code = td_disk_write_all(journal->disk, active->file->handle, page, sizeof(page),
		td_segment_frames_end(opening->last.bytes));
	if (code == 0)
		code = td_disk_sync(journal->disk, active->file->handle);
	return code == 0 ? 0 : td_fault_final(err, code, "journal %s: footer", journal->path);
}

/* The last segment is sealed: a roll was cut off. The next one is made. */
static int begin_next(struct td_opening *opening, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	int code;

	journal->active->sealed = true;
	journal->active->frames = opening->footer.frames;
	journal->active->records = opening->footer.records;
	journal->files_open += journal->active->file != NULL;
	journal->place.header = opening->last;
	if (!journal->spare.ready) {
		td_spare_begin(journal);
		journal->works[td_work_index(TD_WORK_SPARE)].journal = journal;
		td_spare_run(&journal->works[td_work_index(TD_WORK_SPARE)]);
		code = td_spare_landed(journal, journal->works[td_work_index(TD_WORK_SPARE)].code,
			&journal->works[td_work_index(TD_WORK_SPARE)].err);
		if (code != 0) {
			if (err != NULL)
				*err = journal->works[td_work_index(TD_WORK_SPARE)].err;
			return code;
		}
	}
	return td_roll_resume(journal, journal->active->next, err);
}

/* The spare that a life before this one left, complete since it has its name. */
static int adopt_spare(struct td_opening *opening, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	const struct td_disk *disk = journal->disk;
	uint64_t bytes = opening->listing.spare_bytes;
	int file = -1, code = 0;

	if (opening->listing.spare_tmp)
		code = td_disk_unlink(disk, journal->dir, TD_SPARE_TMP_NAME);
	if (code == 0 && opening->listing.rewrite)
		code = td_disk_unlink(disk, journal->dir, TD_REWRITE_NAME);
	if (code == 0 && opening->listing.spare) {
		if (bytes % TD_PAGE_BYTES != 0 || bytes < TD_SEGMENT_BYTES_LEAST ||
			bytes > TD_SEGMENT_BYTES_MOST ||
			bytes < journal->options.segment_bytes_first)
			code = td_disk_unlink(disk, journal->dir, TD_SPARE_NAME);
		else
			code = td_disk_open(disk, journal->dir, TD_SPARE_NAME,
				TD_DISK_READ | TD_DISK_WRITE, &file);
	}
	if (code != 0)
		return td_fault(err, code, "journal %s: spare", journal->path);
	if (file < 0)
		return 0;
	code = td_spare_take(journal, file, bytes, err);
	return code == 0 ? td_spare_landed(journal, 0, err) : code;
}

/* Do what is due, here and now. */
static int turn(struct td_journal *journal, unsigned kinds, struct td_error *err)
{
	struct td_work *work;
	int code = 0;

	/* What is handed out comes back: none is taken behind one that failed. */
	while (code == 0 && (work = td_journal_next(journal, kinds, INT64_MAX)) != NULL) {
		td_work_run(work);
		code = td_journal_done(journal, work, err);
	}
	return code;
}

/* What was cut had positions that somebody may know: they are not given again. */
static int stage_hole(struct td_opening *opening, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	uint64_t count = journal->control.lost_to + 1 - journal->staged;
	int code = td_journal_room(journal, 1, TD_HOLE_BODY_BYTES, true, err);

	if (code == TD_E_FULL) {
		code = turn(journal, TD_WORK_COMMIT | TD_WORK_SPARE, err);
		if (code == 0)
			code = td_journal_room(journal, 1, TD_HOLE_BODY_BYTES, true, err);
	}
	if (code != 0)
		return code;
	td_frame_put_hole(&journal->building.frame, journal->staged, count);
	journal->building.holes = 1;
	journal->staged += count;
	return turn(journal, TD_WORK_COMMIT, err);
}

static int promise(struct td_opening *opening, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	int code;

	if (journal->control.lost_to >= journal->staged && !TD_BUG(111))
		return stage_hole(opening, err);
	journal->witnessed = false;
	journal->idle_since_ms = INT64_MIN / 2;
	code = turn(journal, TD_WORK_MARK, err);
	/* No room for a mark: the seal is one. Where there is no space for the next segment, the
	 * sync of the cut has to do. */
	if (code == 0 && journal->roll_wanted)
		code = turn(journal, TD_WORK_COMMIT | TD_WORK_SPARE, err);
	return code == TD_E_DISK_FULL ? 0 : code;
}

static int refuse(struct td_opening *opening, struct td_error *err)
{
	const struct td_damage *damage =
		&opening->report->damages[opening->report->damages_count < TD_DAMAGES_MAX
						  ? opening->report->damages_count - 1
						  : TD_DAMAGES_MAX - 1];
	char name[TD_SEGMENT_NAME_BYTES];

	td_segment_name(name, opening->last.base);
	return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
		"journal %s: %s: at %llu: %s; positions %llu to %llu: restore a backup, look "
		"with read-only, or cut with accept-tail-loss",
		opening->journal->path, name, (unsigned long long)opening->facts.end, opening->what,
		(unsigned long long)damage->position_from, (unsigned long long)damage->position_to);
}

/* What is read of the last segment may lie in the device's cache alone: the sync before it failed. */
static int sync_sealed(struct td_opening *opening, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	struct td_segment *active = journal->active;
	int code = td_disk_sync(journal->disk, active->file->handle);

	if (code != 0)
		return td_fault_final(err, code, "journal %s: last segment", journal->path);
	/* Its frames were not walked, so there is no index: it is opened when it is read. */
	td_file_unref(active->file);
	journal->place.file = active->file = NULL;
	return 0;
}

/* Of the last frame read; of the segment before where this one has no positions. */
static void settle_head(struct td_journal *journal)
{
	const struct td_segment *active = journal->active;
	const struct td_table *table = &journal->table;
	bool empty = active->next == active->base;

	journal->head.position = active->next;
	journal->head.segment =
		empty && table->count > 1 ? table->at[table->count - 2]->number : active->number;
	memcpy(journal->head.chain, empty ? active->chain : journal->chain,
		sizeof(journal->head.chain));
}

static void settle(struct td_opening *opening)
{
	struct td_journal *journal = opening->journal;
	struct td_segment *active = journal->active;

	journal->staged = active->next;
	atomic_store_explicit(&journal->durable, active->next, memory_order_release);
	journal->first = journal->table.at[0]->base;
	settle_head(journal);
	if (opening->sealed && opening->footed && journal->options.read_only) {
		td_file_unref(active->file);
		active->file = NULL;
	}
	journal->place.file = active->file;
	if (journal->time == 0 && journal->table.count > 1)
		journal->time = journal->table.at[journal->table.count - 2]->to;
	opening->report->position = active->next;
	opening->report->clean = opening->report->tail == TD_TAIL_CLEAN;
}

int td_recover(struct td_opening *opening, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	int code = 0;

	settle(opening);
	if (journal->options.read_only)
		return 0;
	if (opening->report->tail == TD_TAIL_DAMAGED && !journal->options.accept_tail_loss)
		return refuse(opening, err);
	code = td_put_aside(opening, err);
	if (code == 0)
		code = raise_epoch(opening, err);
	if (code == 0)
		code = adopt_spare(opening, err);
	if (code == 0 && !opening->sealed)
		code = cut_by_device(opening, err);
	if (code == 0 && opening->sealed)
		code = opening->footed ? sync_sealed(opening, err) : write_footer(opening, err);
	if (code == 0 && opening->sealed)
		code = begin_next(opening, err);
	if (code == 0)
		code = promise(opening, err);
	opening->report->position = journal->staged;
	return code;
}
