/*
 * The frame in flight: sealed by the owner, written and synced by whoever runs the work, brought
 * back to the owner.
 *
 *	seal     building -> flight: checksums, header, chain value of the frame before
 *	run      [roll] write, sync; and the hash, if nobody took it meanwhile
 *	         a failure: nothing of it is known, the journal is FAILED; no second try
 *	landed   readers see it; durable moves; then whoever waits is answered
 *
 * While a frame is in flight the next one is only built. So all before a frame is durable when it
 * is written, and its durable_end, which says so, proves to recovery that what lies before it had
 * been synced.
 */
#include "journal/fault.h"
#include "journal/inside.h"

/* --- the owner: seal ---------------------------------------------------------------------- */

static void seal_frame(struct td_journal *journal, uint64_t flags)
{
	struct td_building *building = &journal->building;
	struct td_flight *flight = &journal->flight;
	const struct td_frame_fields fields = {
		.salt = journal->place.header.salt,
		.offset = building->offset,
		.first_position = building->first,
		.durable_end = TD_BUG(108) ? TD_FRAMES_FROM : building->offset,
		.epoch = journal->epoch,
		.flags = flags,
		.chain = journal->chained ? journal->chain : NULL,
		.time = td_journal_time(journal),
	};

	TD_ASSERT(building->begun && building->number == journal->place.header.number);
	TD_ASSERT(building->offset == journal->place.end);
	flight->len = td_frame_finish(&building->frame, &fields);
	journal->frame_like -= journal->frame_like / 8;
	if (journal->frame_like < flight->len)
		journal->frame_like = flight->len;
	flight->block = td_block_ref(building->block);
	flight->at = building->at;
	flight->offset = building->offset;
	flight->first = building->first;
	flight->next = journal->staged;
	flight->records = building->frame.records - building->holes;
	flight->time = fields.time;
	flight->whitening = building->frame.whitening;
	journal->time = fields.time;
	journal->place.end += flight->len;
	journal->place.frames++;
	journal->place.records += flight->records;
	if (journal->place.from == 0)
		journal->place.from = fields.time;
	building->at += flight->len;
	building->begun = building->rolls = false;
	building->holes = 0;
	building->time = 0;
}

void td_flight_begin(struct td_journal *journal, enum td_work_kind kind)
{
	struct td_flight *flight = &journal->flight;
	struct td_building *building = &journal->building;
	bool frame = kind == TD_WORK_MARK || (building->begun && building->frame.records > 0);

	TD_ASSERT(!flight->full && !journal->failed);
	flight->full = true;
	flight->kind = kind;
	flight->written = flight->disk_full = false;
	flight->len = 0;
	flight->block = NULL;
	flight->first = flight->next = journal->staged;
	atomic_store_explicit(&flight->chain_step, TD_CHAIN_DONE, memory_order_relaxed);
	if (frame ? building->rolls : journal->roll_wanted)
		td_roll_prepare(journal);
	flight->file = td_file_ref(journal->place.file);
	memcpy(flight->chain, journal->chain, sizeof(flight->chain));
	if (!frame)
		return;
	seal_frame(journal, kind == TD_WORK_MARK ? TD_FRAME_MARK : 0);
	atomic_store_explicit(&flight->chain_step, TD_CHAIN_FREE, memory_order_relaxed);
}

bool td_flight_begin_mark(struct td_journal *journal)
{
	size_t bytes = journal->strict ? TD_FRAME_STRICT_BYTES : TD_FRAME_HEADER_BYTES;

	if (journal->place.end + bytes > td_segment_limit(journal, journal->place.header.bytes)) {
		journal->roll_wanted = true; /* its seal is as good */
		return false;
	}
	if (td_building_begin(journal, bytes, NULL) != 0)
		return false;
	td_flight_begin(journal, TD_WORK_MARK);
	return true;
}

/* --- any thread: run ---------------------------------------------------------------------- */

/* For the chain, and for the footer that the segment will have. */
static void hash(struct td_journal *journal)
{
	struct td_flight *flight = &journal->flight;
	const uint8_t *frame = flight->block->bytes + flight->at;

	td_hash128_add(&journal->place.hash, frame, flight->len);
	if (journal->chained) {
		td_sha256_add(&flight->sha, frame, flight->len);
		td_sha256_finish(&flight->sha, flight->chain);
	}
	atomic_store_explicit(&flight->chain_step, TD_CHAIN_DONE, memory_order_release);
}

bool td_flight_take_chain(struct td_flight *flight)
{
	int step = TD_CHAIN_FREE;

	return atomic_compare_exchange_strong_explicit(&flight->chain_step, &step, TD_CHAIN_TAKEN,
		memory_order_acq_rel, memory_order_relaxed);
}

void td_flight_run_chain(struct td_work *work)
{
	hash(work->journal);
}

void td_flight_run(struct td_work *work)
{
	struct td_journal *journal = work->journal;
	struct td_flight *flight = &journal->flight;
	char name[TD_SEGMENT_NAME_BYTES];
	int code = 0;

	work->code = flight->roll.next != NULL ? td_roll_run(journal, &work->err) : 0;
	if (work->code != 0)
		return;
	if (flight->len > 0) {
		code = td_disk_write_all(journal->disk, flight->file->handle,
			flight->block->bytes + flight->at, flight->len, flight->offset);
		if (code == 0 && !TD_BUG(101))
			code = td_disk_sync(journal->disk, flight->file->handle);
		if (code != 0 && TD_BUG(103))
			code = td_disk_sync(journal->disk, flight->file->handle);
	}
	if (code != 0) {
		td_segment_name(name, journal->place.header.base);
		work->code = td_fault_final(&work->err, code, "journal %s: %s: at %llu",
			journal->path, name, (unsigned long long)flight->offset);
		return;
	}
	if (td_flight_take_chain(flight))
		hash(journal);
}

/* --- the owner: landed -------------------------------------------------------------------- */

/* Readers see it from here on. */
static void show(struct td_journal *journal)
{
	struct td_flight *flight = &journal->flight;
	struct td_segment *segment;

	td_mutex_lock(&journal->mutex);
	segment = journal->active;
	if (flight->len > 0) {
		td_file_note(segment->file, flight->first, flight->offset);
		segment->end = flight->offset + flight->len;
		segment->next = flight->next;
		if (segment->from == 0)
			segment->from = flight->time;
		segment->to = flight->time;
		flight->block->next = flight->next;
		atomic_store_explicit(
			&flight->block->len, flight->at + flight->len, memory_order_release);
	}
	atomic_store_explicit(&journal->durable, flight->next, memory_order_release);
	td_mutex_unlock(&journal->mutex);
}

/* The chain is there too: the next frame may be sealed. */
static void end(struct td_journal *journal)
{
	struct td_flight *flight = &journal->flight;

	memcpy(journal->chain, flight->chain, sizeof(journal->chain));
	/* Marks of a segment without positions go with it, when it is replaced. */
	if (flight->next > flight->first) {
		journal->head.position = flight->next;
		journal->head.segment = journal->place.header.number;
		if (!TD_BUG(122))
			memcpy(journal->head.chain, flight->chain, sizeof(journal->head.chain));
	}
	td_block_unref(flight->block);
	td_file_unref(flight->file);
	flight->block = NULL;
	flight->file = NULL;
	flight->full = false;
}

void td_flight_landed(struct td_journal *journal)
{
	struct td_flight *flight = &journal->flight;
	uint8_t *bytes;

	if (flight->roll.next != NULL)
		td_roll_landed(journal);
	journal->commits++;
	journal->syncs++;
	journal->bytes_written += flight->len;
	if (flight->whitening != 0 && flight->len > 0) {
		/* Blocks hold bodies as they are read. */
		bytes = flight->block->bytes + flight->at + TD_FRAME_HEADER_BYTES;
		td_whiten(bytes, bytes, flight->len - TD_FRAME_HEADER_BYTES,
			flight->offset + TD_FRAME_HEADER_BYTES, journal->place.header.salt,
			flight->whitening);
	}
	show(journal);
	flight->written = true;
	journal->witnessed = flight->kind == TD_WORK_MARK || flight->len == 0;
	journal->idle_since_ms = td_clock_monotonic(journal->options.clock) / 1000000;
	if (atomic_load_explicit(&flight->chain_step, memory_order_acquire) == TD_CHAIN_DONE)
		end(journal);
}

void td_flight_hashed(struct td_journal *journal)
{
	const struct td_flight *flight = &journal->flight;

	/* Its commit may have ended it already, or be under way. */
	if (flight->full && flight->written &&
		atomic_load_explicit(&flight->chain_step, memory_order_acquire) == TD_CHAIN_DONE)
		end(journal);
}
