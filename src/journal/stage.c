/*
 * Staging: where the frame being built will lie is decided when its first record asks for room,
 * and does not change any more, so that a record's location is known before it is written.
 *
 * It goes behind what is staged already if the active segment has the room; else it is the first
 * of the next one, and that takes a spare that is ready. A frame never waits for a spare: the
 * append does, before it has a position.
 */
#include "journal/inside.h"
#include "journal/location.h"

/* What records take in a frame at most. */
static size_t room_for(size_t records, size_t bytes)
{
	return records == 1 ? td_record_size(bytes) : bytes + records * (TD_RECORD_HEAD_BYTES + 7);
}

td_time td_journal_time(struct td_journal *journal)
{
	struct td_building *building = &journal->building;

	/* Who asked before may have staged nothing: the time stands with the first record. */
	if (building->time == 0 || !building->begun || building->frame.records == 0) {
		building->time = td_clock_wall(journal->options.clock);
		if (building->time <= journal->time)
			building->time = journal->time + 1;
	}
	return building->time;
}

/* A block for what follows at `offset` of a segment, among the recent ones. */
static int begin_block(struct td_journal *journal, uint32_t number, uint64_t offset, size_t need,
	struct td_error *err)
{
	struct td_building *building = &journal->building;
	struct td_block *block = td_block_new(journal->blocks, need), *chain = NULL;
	size_t bytes = 0, keep;

	if (block == NULL)
		return td_error_nomem(err);
	block->number = number;
	block->offset = offset;
	block->position = block->next = journal->staged;
	td_mutex_lock(&journal->mutex);
	for (keep = journal->recent_count; keep > 0; keep--) {
		bytes += journal->recent[keep - 1]->cap;
		if (bytes > journal->options.cache_bytes / 2)
			break;
	}
	if (journal->recent_count - keep >= journal->recent_max)
		keep = journal->recent_count - journal->recent_max + 1;
	for (size_t i = 0; i < keep; i++) {
		journal->recent[i]->older = chain;
		chain = journal->recent[i];
	}
	journal->recent_count -= keep;
	memmove(journal->recent, journal->recent + keep,
		journal->recent_count * sizeof(struct td_block *));
	journal->recent[journal->recent_count++] = block;
	td_mutex_unlock(&journal->mutex);
	td_cache_release(chain);
	building->block = block;
	building->at = 0;
	return 0;
}

/* A block is left when another frame like the last one would not fit, rather than cut it short. */
static size_t room_wanted(const struct td_journal *journal, size_t need)
{
	size_t like = journal->flight.len + TD_BLOCK_SPARE_ROOM;

	return like > need + TD_BLOCK_SPARE_ROOM ? like : need + TD_BLOCK_SPARE_ROOM;
}

/* The frame to be built begins at `offset` of the segment, whose frames end at `limit`. */
static int begin(struct td_journal *journal, uint32_t number, uint64_t offset, uint64_t limit,
	size_t need, struct td_error *err)
{
	struct td_building *building = &journal->building;
	struct td_block *block = building->block;
	size_t room;

	if (block == NULL || block->number != number || block->offset + building->at != offset ||
		block->cap - building->at < room_wanted(journal, need)) {
		int code = begin_block(journal, number, offset, need, err);

		if (code != 0)
			return code;
		block = building->block;
	}
	room = block->cap - building->at;
	if (room > limit - offset)
		room = (size_t)(limit - offset);
	if (journal->strict)
		room -= room % TD_FRAME_STRICT_BYTES;
	building->number = number;
	building->offset = offset;
	building->begun = true;
	building->first = journal->staged;
	td_frame_reset(&building->frame, block->bytes + building->at, room, journal->strict);
	return 0;
}

int td_building_begin(struct td_journal *journal, size_t need, struct td_error *err)
{
	const struct td_place *place = &journal->place;

	journal->building.rolls = false;
	return begin(journal, place->header.number, place->end,
		td_segment_limit(journal, place->header.bytes), need, err);
}

/* Nothing is staged: find the place of a frame that takes `need` bytes. */
static int find_place(struct td_journal *journal, size_t need, struct td_error *err)
{
	const struct td_place *place = &journal->place;
	int code;

	if (place->end + need <= td_segment_limit(journal, place->header.bytes) &&
		!journal->roll_wanted)
		return td_building_begin(journal, need, err);
	if (!td_spare_serves(journal, need)) {
		td_spare_want(journal, need);
		if (journal->disk_full)
			return td_error_set(err, TD_E_DISK_FULL, TD_NO_OFFSET,
				"journal %s: no room for another segment", journal->path);
		return td_error_set(err, TD_E_FULL, TD_NO_OFFSET,
			"journal %s: the next segment is being prepared", journal->path);
	}
	code = begin(journal, journal->spare.segment->number, TD_FRAMES_FROM,
		td_segment_limit(journal, journal->spare.bytes), need, err);
	journal->building.rolls = code == 0;
	return code;
}

static int check_state(struct td_journal *journal, bool reserved, struct td_error *err)
{
	if (journal->options.read_only)
		return td_error_set(err, TD_E_READ_ONLY, TD_NO_OFFSET,
			"journal %s: opened to be looked at", journal->path);
	if (journal->failed)
		return td_journal_failed(journal, err);
	if (journal->disk_full && !reserved)
		return td_error_set(err, TD_E_DISK_FULL, TD_NO_OFFSET,
			"journal %s: no room for another segment", journal->path);
	return 0;
}

/* A full frame is closed at once: what is left to do when it is its turn is little. */
static void close_frame(struct td_journal *journal)
{
	const struct td_building *building = &journal->building;
	uint64_t salt = building->rolls ? journal->spare.segment->salt : journal->place.header.salt;

	if (!building->frame.closed)
		td_frame_close(&journal->building.frame, salt, building->offset);
}

int td_journal_room(struct td_journal *journal, size_t records, size_t bytes, bool reserved,
	struct td_error *err)
{
	struct td_building *building = &journal->building;
	const struct td_journal_options *options = &journal->options;
	size_t body = room_for(records, bytes), need = TD_FRAME_HEADER_BYTES + body;
	int code = check_state(journal, reserved, err);

	TD_ASSERT(records > 0 && bytes >= records);
	if (code != 0)
		return code;
	if (bytes > options->append_bytes_max || need > TD_FRAME_BYTES_MAX - TD_FRAME_STRICT_BYTES)
		return td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET,
			"journal: an append of %zu bytes; the most is %zu", bytes,
			options->append_bytes_max);
	if (building->begun && building->frame.records > 0) {
		if (!building->frame.closed &&
			building->frame.records + records <= options->frame_records &&
			building->frame.len - TD_FRAME_HEADER_BYTES + body <=
				options->frame_bytes &&
			td_frame_room(&building->frame, records, bytes)) {
			building->pending = records;
			return 0;
		}
		return td_error_set(
			err, TD_E_FULL, TD_NO_OFFSET, "journal: the frame being built is full");
	}
	/* Strict frames are filled up; and an estimate that td_frame_room() shares. */
	need += 8;
	if (journal->strict)
		need = (need + TD_FRAME_STRICT_BYTES - 1) / TD_FRAME_STRICT_BYTES *
		       TD_FRAME_STRICT_BYTES;
	code = find_place(journal, need, err);
	building->pending = records;
	if (code == 0)
		TD_ASSERT(td_frame_room(&building->frame, records, bytes));
	return code;
}

uint64_t td_journal_stage(
	struct td_journal *journal, const struct td_text *parts, size_t count, uint64_t *location)
{
	struct td_building *building = &journal->building;
	uint32_t at;

	TD_ASSERT(building->begun && building->pending > 0 && !journal->failed);
	at = td_frame_put(&building->frame, parts, count);
	if (location != NULL)
		*location = td_location_make(building->number, building->offset + at, 0);
	building->pending--;
	if (building->pending == 0 && building->frame.records >= journal->options.frame_records)
		close_frame(journal);
	return journal->staged++;
}

uint64_t td_journal_staged(const struct td_journal *journal)
{
	return journal->staged;
}
