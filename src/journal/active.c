/*
 * The frames of the last segment, from the device: where they end, and what they come to.
 */
#include <errno.h>
#include <stdlib.h>

#include "journal/fault.h"
#include "journal/open.h"

#define WINDOW_BYTES ((size_t)4 << 20)

/* Frames one after the other, as far as they are whole. */
struct run {
	struct td_opening *opening;
	struct td_walk walk;
	uint64_t at, position;
	uint64_t last; /* offset of the last frame; 0: there is none */
	size_t last_bytes;
	uint64_t epoch;
	bool sealed;
};

static void add_hash(void *arg, const void *bytes, size_t len)
{
	td_hash128_add(arg, bytes, len);
}

static void count_frame(struct run *run, const struct td_frame *frame)
{
	struct td_journal *journal = run->opening->journal;
	struct td_place *place = &journal->place;
	const struct td_frame_header *header = &frame->header;
	struct td_frame_walk walk;
	struct td_frame_record record;
	uint64_t positions = frame->next_position - header->first_position;

	place->frames++;
	if (positions == header->records) {
		place->records += header->records;
	} else {
		td_frame_walk(&walk, frame);
		while (td_frame_next(&walk, &record))
			place->records += record.kind != TD_RECORD_HOLE;
	}
	if (place->from == 0)
		place->from = header->time;
	journal->time = header->time;
	run->epoch = header->epoch;
	run->last = header->offset;
	run->last_bytes = td_frame_bytes(header);
	run->sealed = header->flags & TD_FRAME_SEAL;
}

/* On from run->at while frames are whole and follow each other. */
static void go_on(struct run *run)
{
	struct td_journal *journal = run->opening->journal;
	struct td_file *file = journal->active->file;
	struct td_frame_header header;
	struct td_frame frame;

	while (!run->sealed && td_walk_header(&run->walk, run->at, &header) == TD_FLAW_NONE) {
		/* With holes, one record may stand for many positions; without, they are dense. */
		if (header.first_position != run->position || header.epoch < run->epoch)
			return;
		if (td_walk_frame(&run->walk, &header, &frame, add_hash, &journal->place.hash) !=
			TD_FLAW_NONE)
			return;
		td_file_note(file, header.first_position, header.offset);
		count_frame(run, &frame);
		run->position = frame.next_position;
		run->at += td_frame_bytes(&header);
	}
}

/* The chain value that the next frame has to hold. */
static int hash_last(struct run *run, struct td_error *err)
{
	struct td_journal *journal = run->opening->journal;
	const uint8_t *bytes;

	memcpy(journal->chain, journal->active->chain, TD_CHAIN_BYTES);
	if (!journal->chained || run->last == 0 || TD_BUG(112))
		return 0;
	bytes = td_walk_see(&run->walk, run->last, run->last_bytes);
	if (bytes == NULL)
		return td_error_nomem(err);
	td_sha256_add(&journal->flight.sha, bytes, run->last_bytes);
	td_sha256_finish(&journal->flight.sha, journal->chain);
	return 0;
}

/* For who only looks: what follows behind damage is served, too. */
static void skip_damage(struct run *run)
{
	struct td_frame_header header;

	while (td_walk_search(&run->walk, run->at + 8, &header)) {
		run->at = header.offset;
		if (header.first_position < run->position)
			continue;
		run->position = header.first_position;
		run->epoch = 0;
		go_on(run);
		if (run->at == header.offset)
			return;
	}
}

/* What could have been told to somebody, and is going to be cut. */
static uint64_t last_position(struct run *run, uint64_t lost_to)
{
	struct td_frame_header header;
	uint64_t at = run->at;

	if (td_walk_header(&run->walk, at, &header) == TD_FLAW_NONE &&
		header.first_position + header.records > lost_to)
		lost_to = header.first_position + header.records - 1;
	while (td_walk_search(&run->walk, at + 8, &header)) {
		if (header.first_position + header.records > lost_to)
			lost_to = header.first_position + header.records - 1;
		at = header.offset;
	}
	return lost_to;
}

static void report_tail(struct run *run, const struct td_frame_header *later)
{
	struct td_opening *opening = run->opening;
	const struct td_control *control = &opening->journal->control;
	struct td_tail_facts *facts = &opening->facts;
	struct td_damage damage = {
		.segment_base = opening->last.base,
		.offset = facts->end,
		.bytes = facts->nonzero_end - facts->end,
		.position_from = run->position,
		.position_to = run->position,
		.what = opening->what,
	};

	if (facts->later != 0) {
		damage.bytes = later->offset - facts->end;
		damage.position_to = later->first_position - 1;
	} else if (facts->clean_end != 0 && control->next_position > run->position) {
		damage.position_to = control->next_position - 1;
	} else {
		damage.position_to = last_position(run, run->position);
	}
	if (damage.position_to < run->position)
		damage.position_to = run->position;
	td_report_damage(opening->report, &damage);
	opening->lost_to = last_position(run, damage.position_to);
}

/* Whether the footer's sealed frame is there: footer and seal are written in one go. */
static bool seal_is_there(struct run *run)
{
	struct td_opening *opening = run->opening;
	size_t bytes = opening->journal->strict ? TD_FRAME_STRICT_BYTES : TD_FRAME_HEADER_BYTES;
	struct td_frame_header header;
	struct td_frame frame;

	return opening->footer.end >= TD_FRAMES_FROM + bytes &&
	       td_walk_header(&run->walk, opening->footer.end - bytes, &header) == TD_FLAW_NONE &&
	       (header.flags & TD_FRAME_SEAL) != 0 &&
	       header.first_position == opening->footer.next_position &&
	       td_walk_frame(&run->walk, &header, &frame, NULL, NULL) == TD_FLAW_NONE;
}

/*
 * The footer as the device has it: after a failed sync it may stand in the cache alone. Then the
 * frames are read, and it is written again.
 */
static int read_footer(struct run *run, struct td_error *err)
{
	struct td_opening *opening = run->opening;
	const uint8_t *page;

	if (!opening->footed || !opening->direct)
		return 0;
	page = td_walk_see(&run->walk, td_segment_frames_end(opening->last.bytes), TD_PAGE_BYTES);
	if (page == NULL)
		return td_error_nomem(err);
	opening->footed = td_segment_footer_decode(page, TD_PAGE_BYTES, &opening->last,
				  &opening->footer) == TD_FLAW_NONE;
	return 0;
}

static int judge(struct run *run, struct td_error *err)
{
	struct td_opening *opening = run->opening;
	struct td_journal *journal = opening->journal;
	struct td_tail_facts *facts = &opening->facts;
	struct td_frame_header later = {0};
	uint64_t to = run->walk.bytes;
	size_t seal = journal->strict ? TD_FRAME_STRICT_BYTES : TD_FRAME_HEADER_BYTES;
	int code;

	if (journal->control.clean && journal->control.active_base == opening->last.base &&
		run->at <= journal->control.end)
		facts->clean_end = journal->control.end;
	/* A roll that was cut off: its footer came down and its seal did not. */
	if (opening->footed && opening->footer.end == run->at + seal)
		to = run->walk.limit;
	code = td_tail_look(&run->walk, run->at, to, facts, &later);
	if (code != 0)
		return td_error_nomem(err);
	opening->report->tail = td_tail_judge(facts, &opening->what);
	if (opening->report->tail == TD_TAIL_DAMAGED) {
		report_tail(run, &later);
		if (journal->options.read_only)
			skip_damage(run);
	}
	return 0;
}

static int read_frames(struct run *run, struct td_error *err)
{
	struct td_opening *opening = run->opening;
	struct td_journal *journal = opening->journal;
	struct td_segment *active = journal->active;
	const uint8_t *page = td_walk_see(&run->walk, 0, TD_PAGE_BYTES);
	int code;

	if (page == NULL)
		return td_error_nomem(err);
	td_place_take(&journal->place, &opening->last, active->file, page);
	run->walk.salt = opening->last.salt;
	run->walk.limit = td_segment_frames_end(opening->last.bytes);
	code = read_footer(run, err);
	if (code != 0)
		return code;
	if (opening->footed && seal_is_there(run)) {
		opening->sealed = true;
		journal->time = opening->footer.time_last;
		memcpy(journal->chain, opening->footer.chain, TD_CHAIN_BYTES);
		opening->report->tail = TD_TAIL_ENDED;
		return run->walk.code == 0 ? 0 : td_error_nomem(err);
	}
	active->sealed = false;
	run->at = TD_FRAMES_FROM;
	run->position = active->base;
	go_on(run);
	code = run->walk.code == 0 ? hash_last(run, err) : td_error_nomem(err);
	if (code != 0)
		return code;
	opening->sealed = run->sealed;
	opening->epoch = run->epoch;
	journal->place.end = run->at;
	if (!run->sealed)
		code = judge(run, err);
	/* Where the first frames are damaged, their positions lead there: reading has to say so. */
	if (run->position > active->base &&
		(active->file->count == 0 || active->file->index[0].position > active->base))
		td_file_begin(active->file, active->base, TD_FRAMES_FROM);
	active->end = run->at;
	active->next = run->position;
	active->from = journal->place.from;
	active->to = journal->time;
	return code;
}

/* The handle for reading and writing, and one past the cache for now. */
static int open_files(struct td_opening *opening, int *direct, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	unsigned flags = TD_DISK_READ | (journal->options.read_only ? 0 : TD_DISK_WRITE);
	char name[TD_SEGMENT_NAME_BYTES];
	struct td_file *file;
	int handle = -1, code;

	td_segment_name(name, opening->last.base);
	code = td_disk_open(journal->disk, journal->dir, name, flags, &handle);
	if (code == 0) {
		file = td_file_new(journal->disk, handle, opening->last.bytes);
		if (file == NULL) {
			td_disk_close(journal->disk, handle);
			return td_error_nomem(err);
		}
		journal->active->file = file;
		code = td_disk_open(
			journal->disk, journal->dir, name, TD_DISK_READ | TD_DISK_DIRECT, direct);
		opening->direct = code == 0;
		if (code == EINVAL)
			code = td_disk_open(
				journal->disk, journal->dir, name, TD_DISK_READ, direct);
	}
	return code == 0 ? 0 : td_fault(err, code, "journal %s: %s", journal->path, name);
}

int td_active_read(struct td_opening *opening, struct td_error *err)
{
	struct td_journal *journal = opening->journal;
	struct run run = {.opening = opening};
	int direct = -1, code;

	journal->active = journal->table.at[journal->table.count - 1];
	code = open_files(opening, &direct, err);
	if (code == 0)
		code = td_walk_init(
			&run.walk, journal->disk, direct, opening->last.bytes, WINDOW_BYTES, err);
	if (code == 0)
		code = read_frames(&run, err);
	td_walk_fini(&run.walk);
	td_disk_close(journal->disk, direct);
	return code;
}
