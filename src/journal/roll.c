/*
 * Rolling: the active segment is sealed, the spare takes its place.
 *
 *	1  old:   seal frame and footer, synced        it is complete, whatever comes
 *	2  spare: header, synced
 *	3  spare -> seg-BASE.log, directory synced     the next segment is there
 *	4  CONTROL: active is BASE, synced             from now on its absence would be noticed
 *	5  space for the spare behind it
 *
 * A segment without any position (a frame came that it has no room for, or it is full of marks) is
 * not sealed: the new one has the same base, and so takes its name.
 *
 * Then the frame that began it is written. A crash between two of these is a state that recovery
 * knows: the last segment is sealed, with a spare beside it (after 1, 2), or without one (3, 4).
 */
#include "journal/fault.h"
#include "journal/inside.h"

uint64_t td_segment_limit(const struct td_journal *journal, uint64_t segment_bytes)
{
	return td_segment_frames_end(segment_bytes) -
	       (journal->strict ? TD_FRAME_STRICT_BYTES : TD_FRAME_HEADER_BYTES);
}

uint64_t td_segment_bytes_for(const struct td_journal *journal, size_t frame_bytes)
{
	uint64_t bytes = TD_FRAMES_FROM + frame_bytes + TD_FRAME_STRICT_BYTES + TD_PAGE_BYTES;

	(void)journal;
	bytes = (bytes + TD_PAGE_BYTES - 1) / TD_PAGE_BYTES * TD_PAGE_BYTES;
	return bytes > TD_SEGMENT_BYTES_LEAST ? bytes : TD_SEGMENT_BYTES_LEAST;
}

void td_place_take(struct td_place *place, const struct td_segment_header *header,
	struct td_file *file, const uint8_t page[TD_PAGE_BYTES])
{
	place->header = *header;
	place->file = file;
	place->end = TD_FRAMES_FROM;
	place->frames = place->records = 0;
	place->from = 0;
	td_hash128_reset(&place->hash);
	td_hash128_add(&place->hash, page, TD_PAGE_BYTES);
}

/* --- the owner: prepare ------------------------------------------------------------------- */

/* Not later than the frame that is being built for the next segment, which may know its time. */
static td_time seal_time(struct td_journal *journal)
{
	td_time time = journal->building.time;

	return time != 0 ? time - 1 : td_journal_time(journal);
}

static void make_seal(struct td_journal *journal, struct td_roll *roll)
{
	struct td_place *place = &journal->place;
	struct td_frame_builder builder;
	bool asked = journal->building.time != 0;
	struct td_frame_fields fields = {
		.salt = place->header.salt,
		.offset = place->end,
		.first_position = roll->position,
		.durable_end = place->end,
		.epoch = journal->epoch,
		.flags = TD_FRAME_SEAL,
		.chain = journal->chained ? journal->chain : NULL,
		.time = seal_time(journal),
	};

	if (!asked)
		journal->building.time = 0;
	td_frame_reset(&builder, roll->seal, sizeof(roll->seal), journal->strict);
	roll->seal_bytes = td_frame_finish(&builder, &fields);
	roll->seal_offset = place->end;
	roll->time = fields.time;
	journal->time = fields.time;
	place->end += roll->seal_bytes;
	place->frames++;
	if (place->from == 0)
		place->from = fields.time;
	td_hash128_add(&place->hash, roll->seal, roll->seal_bytes);
	if (journal->chained) {
		td_sha256_add(&journal->flight.sha, roll->seal, roll->seal_bytes);
		td_sha256_finish(&journal->flight.sha, journal->chain);
	}
}

static void make_footer(struct td_journal *journal, struct td_roll *roll)
{
	const struct td_place *place = &journal->place;
	struct td_segment_footer footer = {
		.next_position = roll->position,
		.end = place->end,
		.frames = place->frames,
		.records = place->records,
		.missing = roll->position - place->header.base - place->records,
		.time_first = place->from,
		.time_last = roll->time,
		.hash = td_hash128_digest(&place->hash),
	};

	roll->frames = place->frames;
	roll->records = place->records;
	memcpy(footer.chain, journal->chain, TD_CHAIN_BYTES);
	td_segment_footer_encode(&footer, &place->header, roll->footer);
	roll->footer_offset = td_segment_frames_end(place->header.bytes);
}

static void make_next(struct td_journal *journal, struct td_roll *roll)
{
	struct td_segment *segment = journal->spare.segment;
	struct td_segment_header header = {
		.features = journal->features,
		.base = roll->position,
		.salt = segment->salt,
		.number = segment->number,
		.bytes = segment->bytes,
		.time = roll->time > 0 ? roll->time : 1,
	};

	memcpy(header.store, journal->control.store, TD_STORE_BYTES);
	memcpy(header.chain, journal->chain, TD_CHAIN_BYTES);
	td_segment_header_encode(&header, roll->header);
	segment->base = segment->next = roll->position;
	segment->end = TD_FRAMES_FROM;
	memcpy(segment->chain, journal->chain, TD_CHAIN_BYTES);
	roll->control = td_copies_next(journal);
	roll->control.active_segment = segment->number;
	roll->control.active_base = segment->base;
	memcpy(roll->control.sealed_chain, journal->chain, TD_CHAIN_BYTES);
	td_control_encode(&roll->control, roll->page);
	roll->copy = !journal->copy;
	roll->file = journal->spare.file;
	td_place_take(&journal->place, &header, roll->file, roll->header);
}

void td_roll_prepare(struct td_journal *journal)
{
	struct td_roll *roll = &journal->flight.roll;
	struct td_spare *spare = &journal->spare;

	TD_ASSERT(spare->ready && roll->next == NULL);
	roll->old = journal->place.file;
	roll->old_base = journal->place.header.base;
	roll->position = journal->building.rolls ? journal->building.first : journal->staged;
	roll->replaces = roll->position == roll->old_base;
	if (roll->replaces) {
		memcpy(journal->chain, journal->place.header.chain, TD_CHAIN_BYTES);
		roll->time = journal->time;
	} else {
		make_seal(journal, roll);
		make_footer(journal, roll);
	}
	make_next(journal, roll);
	roll->next = spare->segment;
	spare->segment = NULL;
	spare->file = NULL;
	spare->ready = false;
	spare->usual = td_spare_usual_bytes(journal);
	journal->roll_wanted = false;
}

/* --- any thread: run ---------------------------------------------------------------------- */

static int seal_old(struct td_journal *journal, const struct td_roll *roll)
{
	int code = td_disk_write_all(
		journal->disk, roll->old->handle, roll->seal, roll->seal_bytes, roll->seal_offset);

	if (code == 0)
		code = td_disk_write_all(journal->disk, roll->old->handle, roll->footer,
			TD_PAGE_BYTES, roll->footer_offset);
	return code == 0 ? td_disk_sync(journal->disk, roll->old->handle) : code;
}

static int name_next(struct td_journal *journal, const struct td_roll *roll, const char *name)
{
	int code = td_disk_write_all(
		journal->disk, roll->file->handle, roll->header, TD_PAGE_BYTES, 0);

	if (code == 0)
		code = td_disk_sync(journal->disk, roll->file->handle);
	if (code == 0)
		code = td_disk_rename(
			journal->disk, journal->dir, TD_SPARE_NAME, journal->dir, name);
	if (code == 0 && !TD_BUG(102))
		code = td_disk_sync_dir(journal->disk, journal->dir);
	return code;
}

int td_roll_run(struct td_journal *journal, struct td_error *err)
{
	const struct td_roll *roll = &journal->flight.roll;
	char old[TD_SEGMENT_NAME_BYTES], next[TD_SEGMENT_NAME_BYTES];
	int code, file = -1;

	td_segment_name(old, roll->old_base);
	td_segment_name(next, roll->position);
	code = roll->replaces ? 0 : seal_old(journal, roll);
	if (code != 0)
		return td_fault_final(err, code, "journal %s: seal %s", journal->path, old);
	code = name_next(journal, roll, next);
	if (code != 0)
		return td_fault_final(err, code, "journal %s: begin %s", journal->path, next);
	code = TD_BUG(107) ? 0 : td_copies_write(journal, roll->page, roll->copy, err);
	if (code != 0)
		return code;
	code = td_spare_allocate(journal, journal->spare.usual, &file);
	td_disk_close(journal->disk, file);
	journal->flight.disk_full = td_fault(NULL, code, "spare") == TD_E_DISK_FULL;
	return 0;
}

int td_roll_resume(struct td_journal *journal, uint64_t position, struct td_error *err)
{
	struct td_roll *roll = &journal->flight.roll;
	struct td_segment *segment = journal->spare.segment;
	char name[TD_SEGMENT_NAME_BYTES];
	int code;

	roll->position = position;
	roll->time = journal->time > 0 ? journal->time : 1;
	make_next(journal, roll);
	journal->spare.segment = NULL;
	journal->spare.file = NULL;
	journal->spare.ready = false;
	segment->file = roll->file;
	td_table_add(&journal->table, segment);
	journal->active = segment;
	td_segment_name(name, position);
	code = name_next(journal, roll, name);
	if (code != 0)
		return td_fault_final(err, code, "journal %s: begin %s", journal->path, name);
	code = td_copies_write(journal, roll->page, roll->copy, err);
	if (code == 0) {
		journal->control = roll->control;
		journal->copy = roll->copy;
	}
	return code;
}

/* --- the owner: landed -------------------------------------------------------------------- */

void td_roll_landed(struct td_journal *journal)
{
	struct td_roll *roll = &journal->flight.roll;
	struct td_segment *old;

	td_mutex_lock(&journal->mutex);
	old = journal->active;
	TD_ASSERT(old->file == roll->old && old->next == roll->position);
	roll->next->file = roll->file;
	if (roll->replaces) {
		td_table_replace(&journal->table, roll->next);
	} else {
		old->sealed = true;
		old->end = roll->seal_offset + roll->seal_bytes;
		old->to = roll->time;
		old->frames = roll->frames;
		old->records = roll->records;
		journal->files_open++;
		td_table_add(&journal->table, roll->next);
	}
	journal->active = roll->next;
	td_mutex_unlock(&journal->mutex);
	if (roll->replaces)
		td_segment_free(old);
	roll->next = NULL;
	journal->control = roll->control;
	journal->copy = roll->copy;
	journal->syncs += 3;
	journal->disk_full = journal->flight.disk_full;
}
